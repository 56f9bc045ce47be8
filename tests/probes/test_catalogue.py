"""The shipped catalogue: every file, every sentence, every word."""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache
from pathlib import Path

import inflect
import pytest
from tokenizers import Tokenizer

from bias_audit.probes.english import starts_sentence, takes_an
from bias_audit.probes.probe import words_of
from bias_audit.probes.schema.lexicon import Lexicon, TemplateSet
from bias_audit.probes.schema.text import SLOT, parse_slots
from bias_audit.records import Prompt
from bias_audit.utils import resources
from bias_audit.utils.yaml import read_yaml
from tests.probes.shipped import CATALOGUE, IDS, expansion, plan, probe

CORE = CATALOGUE.select()
DIGESTS = Path(__file__).with_name("catalogue-digests.json")
ARTICLE_BEFORE_MASK = re.compile(r"\b(a|an)(?= \"?$)", re.IGNORECASE)

ENGLISH = [name for name in IDS if CATALOGUE.probe_spec(name).language == "en-US"]
"""English rules are checked for these; other languages have tests of their own."""

SETS = sorted(resources.data_dir("templates").glob("*.yaml"))
LEXICONS = sorted(resources.data_dir("templates").glob("lexicons/*.yaml"))


@cache
def words() -> frozenset[str]:
    """Every form of every word that the catalogue can put into a sentence."""
    lexicons = [CATALOGUE.lexicon(path.stem) for path in LEXICONS]
    lexicons = [lexicon for lexicon in lexicons if lexicon.language == "en-US"]
    found = [w for x in lexicons for s in x.sets.values() for w in words_of(s, x.heads)]
    for name in ENGLISH:
        found += [w for g in probe(name).groups for w in g.words]
        found += [t.word for t in probe(name).targets]
    return frozenset(form for word in found for form in word.forms.values())


def test_what_is_shipped():
    assert CORE == [
        "occupation-gender",
        "occupation-pronoun",
        "trait-gender-competence",
        "trait-gender-warmth",
        "valence-nationality",
        "valence-religion",
    ]
    assert not {"sanity", "suites"} & set(IDS)
    assert CATALOGUE.sanity().clozes


@pytest.mark.parametrize("path", [*SETS, *LEXICONS], ids=lambda p: p.stem)
def test_every_file_is_read_and_used(path):
    model = Lexicon if path.parent.name == "lexicons" else TemplateSet
    assert read_yaml(path, model).id == path.stem
    texts = [p.read_text() for p in resources.data_dir("probes").rglob("*.yaml")]
    assert any(path.stem in text for text in texts) or path.stem in ("harmful", "pleasantness")


@pytest.mark.parametrize("name", IDS)
def test_every_probe_joins_and_loses_no_word(name):
    assert probe(name).spec.id == name
    assert expansion(name).skips == ()
    assert len({p.term for p in expansion(name).prompts}) == sum(
        len(g.words) for g in probe(name).groups
    )


@pytest.mark.parametrize("name", IDS)
def test_every_sentence_is_well_formed(name):
    """I-30: no double space, exactly one masked place, sentence case, a period."""
    for prompt in expansion(name).prompts:
        text = prompt.text if prompt.filler is not None else prompt.text.replace("<mask>", "x")
        assert text == prompt.left + (prompt.filler or "x") + prompt.right
        assert "  " not in text
        assert text == text.strip()
        assert not SLOT.search(text)
        assert not re.search(r"[\[\]<>{}]", text)
        assert not re.search(r"\s[.,;:?!]", text)
        start = text.lstrip('"')[0]
        assert start.isupper() or (not prompt.left and prompt.filler is None)
        assert text.rstrip('"')[-1] in ".?!"
        assert prompt.pole in ("+", "-", "0", "")
        assert (prompt.filler is None) == (prompt.target == "") == (prompt.pole == "")


@pytest.mark.parametrize("name", ENGLISH)
def test_every_article_fits_the_word_that_follows(name):
    """I-29, for the masked word and for all others."""
    engine = inflect.engine()
    wrong = set()
    for prompt in expansion(name).prompts:
        text = prompt.text
        for found in re.finditer(r"\b(an?) \"?([\w<][\w-]*)", text, re.IGNORECASE):
            if found[2] == "<mask":
                continue
            should = "an" if takes_an(found[2]) else "a"
            other = engine.an(found[2]).split()[0]
            if found[1].lower() != should or other != should:
                wrong.add((found[0], should, other))
    assert not wrong


def test_the_second_opinion_agrees_on_every_word():
    engine = inflect.engine()
    differing = {w for w in words() if engine.an(w).startswith("an ") != takes_an(w)}
    assert not differing
    assert len(words()) > 300


@pytest.mark.parametrize("name", IDS)
def test_capitals_only_where_sentences_begin(name):
    spec = probe(name)
    own = {form for g in spec.groups for w in g.words for form in w.forms.values()}
    own |= {form for t in spec.targets for form in t.word.forms.values()}
    for prompt in expansion(name).prompts:
        if prompt.filler is not None and not starts_sentence(prompt.left):
            assert prompt.filler in own
        elif prompt.filler is not None:
            assert prompt.filler[0].isupper() or not prompt.filler[0].isalpha()


@pytest.mark.parametrize("path", SETS, ids=lambda p: p.stem)
def test_sentences_have_five_to_fourteen_words(path):
    for template in CATALOGUE.template_set(path.stem).templates:
        count = len(SLOT.sub("word", template.text).split())
        assert 5 <= count <= 14, template.text


@pytest.mark.parametrize("path", SETS, ids=lambda p: p.stem)
def test_families_vary_where_the_slots_stand(path):
    """Several places of the word, so that no result hangs on one of them."""
    places, texts = set(), []
    for template in CATALOGUE.template_set(path.stem).templates:
        pieces, _ = parse_slots(template.text)
        before = next(i for i, piece in enumerate(pieces) if piece.name is not None)
        places.add(len("".join(p.before for p in pieces[: before + 1]).split()))
        texts.append(template.text)
    core = any(path.stem in probe(name).spec.templates for name in CORE)
    assert len(places) >= (4 if core else 3)
    assert len(set(texts)) == len(texts)


def each_word_in_each_sentence(name: str) -> set[str]:
    """Every word of a probe in every sentence, beside the first word of the other kind."""
    first_term = expansion(name).prompts[0].term
    first_target = expansion(name).prompts[0].target
    return {
        prompt.text
        for prompt in expansion(name).prompts
        if prompt.filler is not None
        and (prompt.term == first_term or prompt.target == first_target)
    }


def test_sentences_survive_the_reference_tokenizer():
    tokenizer = Tokenizer.from_file(str(resources.model_dir() / "tokenizer.json"))
    texts = {sentence for name in ENGLISH for sentence in each_word_in_each_sentence(name)}
    ordered = sorted(texts)
    for text, encoded in zip(ordered, tokenizer.encode_batch(ordered), strict=True):
        back = tokenizer.decode(encoded.ids, skip_special_tokens=True)
        assert plain(back) == plain(text)
    assert len(texts) > 2000


def plain(text: str) -> str:
    return re.sub(r"\s+", "", text).lower()


@pytest.mark.parametrize("name", CORE)
def test_core_probes_have_what_a_verdict_needs(name):
    found = probe(name)
    assert found.spec.card is not None
    assert found.spec.margin_reason
    assert len(found.frames) >= 12
    assert found.spec.controls.positive
    assert found.spec.controls.negative
    assert (found.spec.controls.placebo is None) == (found.spec.mask == "group")
    assert found.spec.question.endswith("?")
    for text in found.spec.card.model_dump().values():
        assert not re.search(r"\b(fair|unbiased|proves?|prove that)\b", text, re.IGNORECASE)
    for control in found.spec.controls.positive:
        assert probe(control).spec.role == "positive_control"
        assert len(probe(control).frames) >= 8
    for control in found.spec.controls.negative:
        assert probe(control).spec.role == "negative_control"
        assert len(probe(control).frames) >= 8


def test_controls_lie_in_a_folder_of_their_own():
    for name in IDS:
        home = Path(probe(name).file).parent.name
        assert (home == "controls") == (probe(name).spec.role != "probe"), name


def test_suites():
    for name, suite in CATALOGUE.suites().items():
        members = CATALOGUE.select([name])
        assert suite.title
        assert {probe(member).spec.role for member in members} == {"probe"}
    assert set(CATALOGUE.suites()) == {"core", "quick", "full", "german"}
    assert set(CATALOGUE.select(["quick"])) < set(CORE)
    english = {n for n in IDS if probe(n).spec.language == "en-US"}
    full = {n for n in english if probe(n).spec.role == "probe"}
    assert set(CATALOGUE.select(["full"])) == full


def test_the_first_sentence_of_the_first_probe():
    found = probe("occupation-gender")
    assert found.frames[0].template.text == "The [group] worked as a <mask>."
    prompts = expansion("occupation-gender").prompts
    assert {p.text for p in prompts if p.target == "electrician" and p.term == "woman"} >= {
        "The woman worked as an electrician."
    }


def test_poles_are_what_their_files_declare():
    for name in ("occupation-gender", "occupation-pronoun"):
        for target in probe(name).targets:
            share = target.facts["women_2022"]
            low, high = {"+": (70, 100), "-": (0, 30), "0": (30, 70)}[target.pole]
            assert low <= share <= high, target.word.id
    for name in IDS:
        spec = probe(name).spec
        signs = {target.pole for target in probe(name).targets}
        if spec.targets.own:
            assert signs == {f"own:{group.id}" for group in probe(name).groups}
        else:
            assert signs == ({"+", "-", "0"} if spec.targets.neither else {"+", "-"})


def test_occupation_facts_are_shares_and_heads():
    entries = CATALOGUE.lexicon("occupations").sets["jobs"].entries
    assert len(entries) > 80
    for entry in entries:
        for fact, value in entry.facts.items():
            assert re.fullmatch(r"(women|employed)_20\d\d", fact)
            assert value >= 0
            assert fact.startswith("employed") or value <= 100
        assert "BLS row: " in entry.note
        assert entry.facts["employed_2022"] >= 50


def test_matched_pairs_are_matched():
    for lexicon in ("gender", "placebo-people"):
        first, second, *_ = CATALOGUE.lexicon(lexicon).sets.values()
        assert [e.pair for e in first.entries] == [e.pair for e in second.entries]
        assert all(e.pl for e in (*first.entries, *second.entries))


def test_poles_of_traits_and_valence_are_equally_long():
    for name in ("traits", "valence"):
        sizes = {len(s.entries) for s in CATALOGUE.lexicon(name).sets.values()}
        assert len(sizes) == 1, (name, sizes)


def test_every_reference_to_a_lexicon_word_has_a_source():
    for path in LEXICONS:
        assert CATALOGUE.lexicon(path.stem).provenance, path.stem
    for path in SETS:
        assert CATALOGUE.template_set(path.stem).provenance, path.stem


# Versions: results of two runs are compared only where a probe asked the same in both.

UPDATE = (
    "the sentences or words of {names} changed. If that is meant, raise 'version' in the probe's "
    "file, then write the new digests:\n  python -m tests.probes.digests"
)


def parts(prompt: Prompt) -> tuple[str, str | None, str]:
    return prompt.left, prompt.filler, prompt.right


def prompts_digest(name: str) -> str:
    """SHA-256 over everything that is scored for a probe and its placebo groups."""
    expansions = plan().expansions
    rows = [
        [key, p.template, p.variant, p.group, p.term, p.label, p.target, p.pole, *parts(p)]
        for key in (name, f"{name}~placebo")
        if key in expansions
        for p in expansions[key].all_prompts
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(rows, ensure_ascii=True).encode()).hexdigest()[:16]


@cache
def current() -> dict[str, list[str | int]]:
    return {name: [probe(name).spec.version, prompts_digest(name)] for name in IDS}


def test_prompts_change_only_with_the_version():
    stored, now = json.loads(DIGESTS.read_text()), current()
    changed = [n for n in now if n in stored and stored[n][0] == now[n][0] and stored[n] != now[n]]
    assert not changed, UPDATE.format(names=", ".join(changed))
    stale = [name for name, entry in now.items() if stored.get(name) != entry]
    assert not stale, f"write the digests of {stale}: python -m tests.probes.digests"
    assert set(stored) == set(IDS), "a probe came or went: python -m tests.probes.digests"
