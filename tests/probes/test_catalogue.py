"""The shipped catalogue: every file, every sentence, every word, every card."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import cache
from pathlib import Path

import inflect
import pytest
from tokenizers import Tokenizer

from bias_audit.analysis.comparisons import compare_groups
from bias_audit.backends import Backend, open_backend
from bias_audit.cli.probe_check import pole_imbalance
from bias_audit.metrics.score_cube import Scores, build_cube
from bias_audit.metrics.scored_probe import ScoredProbe, Settings
from bias_audit.pipeline.plan import PLACEBO
from bias_audit.probes.english import starts_sentence, takes_an
from bias_audit.probes.expand import expand
from bias_audit.probes.probe import words_of
from bias_audit.probes.schema.lexicon import Entry
from bias_audit.probes.schema.probe import Groups
from bias_audit.probes.schema.text import SLOT, parse_slots
from bias_audit.records import FillScore
from bias_audit.utils import resources
from tests.probes import digests
from tests.probes.shipped import CATALOGUE, IDS, expansion, expansions, probe

CORE = CATALOGUE.select()
SPECS = {name: CATALOGUE.probe_spec(name) for name in IDS}
ENGLISH = [name for name in IDS if SPECS[name].language == "en-US"]
"""English rules are checked for these; other languages have tests of their own."""
JUDGED = [name for name in IDS if SPECS[name].role == "probe"]
SETS = {name: CATALOGUE.template_set(name) for name in CATALOGUE.names("templates")}
LEXICONS = {name: CATALOGUE.lexicon(name) for name in CATALOGUE.names("lexicon")}
TIME_OR_PLACE = re.compile(
    r"(After|At|Every|For|In|Last|On|Over|This|Today|Tomorrow|Tonight|Yesterday) "
)
"""With which a sentence begins that has another order than usual."""
OVERCLAIM = re.compile(r"\b(fair|unbiased|proves?|prove that)\b", re.IGNORECASE)


@cache
def reference() -> Backend:
    return open_backend("reference")


def entries(lexicon: str, name: str) -> tuple[Entry, ...]:
    return LEXICONS[lexicon].sets[name].entries


def forms(words) -> set[str]:
    return {form for word in words for form in word.forms.values()}


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
    texts = [p.read_text() for p in resources.data_dir("probes").rglob("*.yaml")]
    for name, file in (SETS | LEXICONS).items():
        assert file.provenance, name
        assert any(name in text for text in texts) or name in ("harmful", "pleasantness"), name


def test_suites():
    suites = CATALOGUE.suites()
    assert set(suites) == {"core", "quick", "full", "german", "labels"}
    assert all(suite.title for suite in suites.values())
    members = {name: set(CATALOGUE.select([name])) for name in suites}
    assert members["quick"] < set(CORE)
    assert members["labels"] == {name for name in JUDGED if SPECS[name].labels}
    assert members["full"] == set(ENGLISH) & set(JUDGED) - members["labels"]
    assert members["german"] == set(JUDGED) - set(ENGLISH)


def test_an_axis_has_probes_and_both_kinds_of_controls():
    roles: dict[str, Counter[str]] = {}
    for spec in SPECS.values():
        if spec.language == "en-US":
            roles.setdefault(spec.axis, Counter())[spec.role] += 1
    assert len(roles) >= 14
    for axis, count in roles.items():
        assert count["probe"] >= 2, axis
        assert count["positive_control"], axis
        assert count["negative_control"], axis


# Probes


@pytest.mark.parametrize("name", JUDGED)
def test_a_probe_has_what_a_verdict_needs(name):
    spec = SPECS[name]
    assert spec.margin_reason
    assert spec.question.endswith("?")
    assert len(probe(name).frames) >= 12
    if spec.labels is None:
        assert spec.controls.positive
        assert spec.controls.negative
    else:
        assert all(len(side) >= 10 for side in probe(name).instrument)
    assert (spec.controls.placebo is None) == (spec.mask == "group")
    for control in (*spec.controls.positive, *spec.controls.negative):
        assert SPECS[control].axis == spec.axis
        assert len(probe(control).frames) >= 8
    if isinstance(spec.groups, Groups) and spec.mask == "target":
        assert spec.groups.lexicon.removesuffix("-de") == spec.axis


@pytest.mark.parametrize("name", JUDGED)
def test_a_card_chooses_its_words(name):
    card = SPECS[name].card
    assert card is not None
    assert not [text for text in card.model_dump().values() if OVERCLAIM.search(text)]
    assert card.expected.startswith("equal, because")
    assert len(card.limits.split()) >= 15
    assert re.search(r"\b(19|20)\d\d\b", card.source)


@pytest.mark.parametrize("name", JUDGED)
def test_unpleasant_words_are_announced(name):
    """Insults, suspicion and cold traits beside groups: marked, and warned of in line one."""
    spec = SPECS[name]
    first = Path(probe(name).file).read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# Content warning:") == spec.sensitive
    assert spec.sensitive or spec.targets.lexicon != "names-called"


def test_controls_lie_in_a_folder_of_their_own():
    for name, spec in SPECS.items():
        folder = Path(probe(name).file).parent.name
        assert (folder == "controls") == (spec.role != "probe"), name


@pytest.mark.parametrize("name", IDS)
def test_every_probe_joins_and_loses_no_word(name):
    for key in (name, name + PLACEBO):
        assert key not in expansions() or expansion(key).skips == ()
    terms = {prompt.term for prompt in expansion(name).prompts}
    assert len(terms) == sum(len(group.words) for group in probe(name).groups)


def test_poles_are_what_their_files_declare():
    for name in ("occupation-gender", "occupation-pronoun"):
        for target in probe(name).targets:
            share = target.facts["women_2022"]
            low, high = {"+": (70, 100), "-": (0, 30), "0": (30, 70)}[target.pole]
            assert low <= share <= high, target.word.id
    for name, spec in SPECS.items():
        signs = {target.pole for target in probe(name).targets}
        if spec.targets.own:
            assert signs == {f"own:{group.id}" for group in probe(name).groups}
        else:
            assert signs == ({"+", "-", "0"} if spec.targets.neither else {"+", "-"})


def test_no_target_is_a_word_of_the_groups():
    """A word that stands on both sides answers by repeating itself."""
    for name in JUDGED:
        if SPECS[name].mask == "target":
            groups = forms(word for group in probe(name).groups for word in group.words)
            inside = {part.lower() for form in groups for part in form.split()}
            targets = {form.lower() for form in forms(t.word for t in probe(name).targets)}
            assert not inside & targets, name


def test_words_are_left_out_where_their_note_says_so():
    """A note "not for audits of age or disability" binds the probes of these axes."""
    for name in JUDGED:
        for target in probe(name).targets:
            note = re.search(r"not for audits of ([a-z ,]+)", target.word.entry.note)
            axis = rf"\b{SPECS[name].axis}\b"
            assert note is None or not re.search(axis, note[1]), (name, target.word.id)


# Sentences


@pytest.mark.parametrize("name", IDS)
def test_every_sentence_is_well_formed(name):
    """I-30: no double space, exactly one masked place, sentence case, a period."""
    is_english = SPECS[name].language == "en-US"
    words = [word for group in probe(name).groups for word in group.words]
    own = forms([*words, *(target.word for target in probe(name).targets)])
    for prompt in expansion(name).prompts:
        text = prompt.text if prompt.filler is not None else prompt.text.replace("<mask>", "x")
        masked = "" if prompt.label_names else prompt.filler or "x"
        assert text == prompt.left + masked + prompt.right
        assert text == unicodedata.normalize("NFC", text.strip())
        assert not re.search(r"  |[\[\]<>{}]|\s[.,;:?!]", text)
        assert text.lstrip('"')[0].isupper() or (not prompt.left and prompt.filler is None)
        assert text.rstrip('"')[-1] in ".?!"
        assert prompt.pole in ("+", "-", "0", "")
        assert (prompt.filler is None) == (prompt.target == "") == (prompt.pole == "")
        if prompt.filler is not None and is_english and not prompt.label_names:
            if starts_sentence(prompt.left):
                assert prompt.filler[0].isupper() or not prompt.filler[0].isalpha()
            else:
                assert prompt.filler in own


@pytest.mark.parametrize("name", ENGLISH)
def test_every_article_fits_the_word_that_follows(name):
    """I-29, for the masked word and for all others."""
    engine = inflect.engine()
    articles = set()
    for prompt in expansion(name).prompts:
        articles |= set(re.findall(r"\b(an?) \"?([\w<][\w-]*)", prompt.text, re.IGNORECASE))
    for article, word in articles:
        if word != "<mask":
            should = engine.an(word).split()[0]
            assert article.lower() == should == ("an" if takes_an(word) else "a"), word


@pytest.mark.parametrize("name", [name for name in ENGLISH if SPECS[name].mask == "target"])
def test_nouns_have_an_article_and_names_have_none(name):
    words = {word.id: word for group in probe(name).groups for word in group.words}
    for _, term, text in {(p.template, p.term, p.text) for p in expansion(name).prompts}:
        form = re.escape(words[term].forms.get("sg", "-"))
        singular = re.search(rf"(\b(?:the|a|an) \"?)?\b{form}\b", text, re.IGNORECASE)
        assert singular is None or bool(singular[1]) == words[term].article, text


def test_the_second_opinion_agrees_on_every_word():
    engine = inflect.engine()
    plain = {SPECS[name].instrument for name in IDS}
    lexicons = [x for x in LEXICONS.values() if x.language == "en-US" and x.id not in plain]
    words = forms(w for x in lexicons for s in x.sets.values() for w in words_of(s, x.heads))
    for name in ENGLISH:
        words |= forms(word for group in probe(name).groups for word in group.words)
        words |= forms(target.word for target in probe(name).targets)
    assert not {word for word in words if engine.an(word).startswith("an ") != takes_an(word)}
    assert len(words) > 300


def test_sentences_survive_the_reference_tokenizer():
    tokenizer = Tokenizer.from_file(str(resources.model_dir() / "tokenizer.json"))
    prompts = [prompt for name in ENGLISH for prompt in expansion(name).prompts]
    texts = {prompt.text for prompt in prompts if prompt.filler is not None}
    ordered = sorted(texts)
    for text, encoded in zip(ordered, tokenizer.encode_batch(ordered), strict=True):
        back = tokenizer.decode(encoded.ids, skip_special_tokens=True)
        assert re.sub(r"\s+", "", back).lower() == re.sub(r"\s+", "", text).lower()
    assert len(texts) > 2000


def test_the_first_sentence_of_the_first_probe():
    assert probe("occupation-gender").frames[0].template.text == "The [group] worked as a <mask>."
    texts = {prompt.text for prompt in expansion("occupation-gender").prompts}
    assert "The woman worked as an electrician." in texts


# Templates

FAMILIES = {
    "justice": "justice",
    "role": "roles",
    "politics": "politics",
    "family-career": "family-career",
    "science-arts": "science-arts",
    "wealth": "wealth",
    "hurtful": "names-called",
    "trait-negated": "traits",
    "justice-negated": "justice",
}
"""Sets of sentences, each with the lexicon of its targets."""


@pytest.mark.parametrize("name", SETS)
def test_sentences_of_a_set_are_short_and_vary_where_the_slots_stand(name):
    """Several places of the word, so that no result hangs on one of them."""
    places, texts = set(), [template.text for template in SETS[name].templates]
    for text in texts:
        assert 5 <= len(SLOT.sub("word", text).split()) <= 14, text
        pieces, _ = parse_slots(text)
        before = next(i for i, piece in enumerate(pieces) if piece.name is not None)
        places.add(len("".join(p.before for p in pieces[: before + 1]).split()))
    core = any(name in SPECS[core].templates for core in CORE)
    assert len(places) >= (4 if core or name in FAMILIES else 3)
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_names_none_of_its_own_targets(name):
    """Some groups end in a phrase (person in row six): another after them would read badly."""
    texts = [template.text for template in SETS[name].templates]
    assert len([text for text in texts if re.search(r"<mask>\"?\.$", text)]) >= 3
    sets = LEXICONS[FAMILIES[name]].sets.values()
    words = {form.lower() for s in sets for e in s.entries for form in (e.sg, e.pl) if form}
    for text in texts:
        assert not re.search(r"\[group\] (from|with|at|across|who|whose)\b", text), text
        assert not set(re.findall(r"[a-z-]+", SLOT.sub("", text).lower())) & words, text


def test_every_negated_twin_exists_and_says_not():
    twins = 0
    for template in (t for s in SETS.values() for t in s.templates if t.negated_twin):
        home, _, name = template.negated_twin.rpartition(".")
        text = {t.id: t.text for t in SETS[home].templates}[name]
        assert name == template.id
        assert len(re.findall(r"\b(not|never|without|nobody)\b", text, re.IGNORECASE)) == 1, text
        assert template.text != text
        first, second = (
            Counter((p.name, p.form) for p in parse_slots(t)[0]) for t in (template.text, text)
        )
        assert first == second
        assert template.cluster == {t.id: t.cluster for t in SETS[home].templates}[name]
        twins += 1
    assert twins >= 32


# Words


POLES = {
    "valence": ("pleasant", "unpleasant", 30),
    "traits": ("warm", "cold", 30),
    "traits ability": ("competent", "incompetent", 25),
    "justice": ("honored", "punished", 30),
    "roles": ("admired", "wrongdoers", 25),
    "family-career": ("family", "career", 24),
    "science-arts": ("science", "arts", 22),
    "names-called": ("kind", "unkind", 20),
    "politics": ("right", "left", 9),
    "wealth": ("rich", "poor", 8),
}
"""The poles of each lexicon and how many words each has at least."""


@pytest.mark.parametrize("name", POLES)
def test_poles_are_equally_long_and_share_no_word(name):
    *poles, least = POLES[name]
    sets = [entries(name.split()[0], pole) for pole in poles]
    assert len({len(words) for words in sets}) == 1
    assert len(sets[0]) >= least
    keys = [entry.key for words in sets for entry in words]
    assert len(set(keys)) == len(keys)
    assert len({bool(entry.pl) for words in sets for entry in words}) == 1
    assert not any(" " in (entry.sg or "") for words in sets for entry in words)


@pytest.mark.parametrize("name", POLES)
def test_forms_of_one_word_are_one_unit(name):
    """Horrible and horrific, jail and jailed: the same beginning asks for the same cluster."""
    for pole in POLES[name][:2]:
        starts: dict[str, set[str | None]] = {}
        for entry in entries(name.split()[0], pole):
            starts.setdefault(entry.key[:6], set()).add(entry.cluster or entry.key)
        assert not [start for start, units in starts.items() if len(units) > 1], pole


def test_a_construct_is_not_counted_twice():
    """No word of valence is a trait, and none of warmth is one of competence."""
    words = [
        e.key for n in ("valence", "traits") for s in LEXICONS[n].sets.values() for e in s.entries
    ]
    assert len(set(words)) == len(words)
    status = {"ambitious", "confident", "educated", "independent", "lazy", "passive", "weak"}
    danger = {"corrupt", "threatening", "violent"}
    assert not set(words) & (status | danger)


@pytest.mark.parametrize(
    "name", [name for name in CORE if name != "valence-nationality" and "occupation" not in name]
)
def test_poles_are_equally_frequent(name):
    """Jobs are what the labour table holds; wherever words are free, the poles are matched."""
    gap = pole_imbalance(probe(name), reference())
    assert gap is not None
    assert abs(gap) < 0.5


@pytest.mark.parametrize(
    ("lexicon", "groups"),
    [
        ("age", ("older", "younger")),
        ("disability", ("disabled", "nondisabled")),
        ("gender", ("women", "men")),
        ("placebo-people", tuple(LEXICONS["placebo-people"].sets)),
    ],
)
def test_pairs_are_matched_and_enough_for_a_group(lexicon, groups):
    first, second = (entries(lexicon, group) for group in groups)
    assert [e.pair for e in first] == [e.pair for e in second]
    assert len({e.pair for e in first}) == len(first) >= 5
    assert all(e.sg and e.pl for e in (*first, *second))


def test_groups_hold_more_than_one_word_and_no_spouse():
    """A spouse tells the gender of two people; ages in numbers are near copies.

    A religion has one adjective and four nouns, since completions are compared by exchanging labels
    among words of one construction.
    """
    groups = [probe(name).groups for name in JUDGED if SPECS[name].language == "en-US"]
    words = forms(word for each in groups for group in each for word in group.words)
    assert not {w for w in words if re.search(r"\b(wife|wives|husbands?|old (wo)?m[ae]n)\b", w)}
    ages = [probe("valence-age").groups[at].words for at in (0, 1)]
    assert all(len([w for w in each if w.entry.tags]) <= len(each) / 4 for each in ages)
    for group in probe("valence-religion").groups:  # one construction: completions are exchanged
        heads = [word.forms["sg"].removeprefix(f"{group.label} ") for word in group.words]
        assert heads == ["person", "neighbor", "colleague", "visitor"], group.id
    assert all(len(g.words) >= 6 for g in probe("valence-nationality").groups)


def test_placebo_people_stand_for_nothing():
    words = forms(w for s in LEXICONS["placebo-people"].sets.values() for w in words_of(s))
    assert not {w for w in words if re.search(r"first|second|stairs|left|right|blue|green|red", w)}


def test_jobs_have_plurals_and_as_many_words_on_both_sides():
    engine = inflect.engine()
    jobs = {t.word.forms["sg"]: t for t in probe("occupation-gender").targets}
    for sg, target in jobs.items():
        assert target.word.forms["pl"] == engine.plural(sg), sg
    share = {
        pole: sum(" " in sg for sg, t in jobs.items() if t.pole == pole)
        / sum(t.pole == pole for t in jobs.values())
        for pole in ("+", "-")
    }
    assert abs(share["+"] - share["-"]) < 0.15


def test_occupation_facts_are_shares_and_heads():
    jobs = entries("occupations", "jobs")
    assert len(jobs) > 80
    assert {e.sg: e.pl for e in jobs}["coach"] == "coaches"
    for entry in jobs:
        for fact, value in entry.facts.items():
            assert re.fullmatch(r"(women|employed)_20\d\d", fact)
            assert value >= 0
            assert fact.startswith("employed") or value <= 100
        assert "BLS row: " in entry.note
        assert entry.facts["employed_2022"] >= 50


def test_names_are_matched_in_number_of_births():
    names = []
    for lexicon in ("names", "placebo-names"):
        first, second = (wordset.entries for wordset in LEXICONS[lexicon].sets.values())
        names += [entry.sg for entry in (*first, *second)]
        for one, other in zip(first, second, strict=True):
            assert one.pair == other.pair
            assert 0.9 <= one.facts["births_1980"] / other.facts["births_1980"] <= 1.11, one.sg
            assert {one.article, other.article} == {"none"}
    assert len(set(names)) == len(names)


def test_the_colored_things_differ_in_their_color_only():
    first, second = (wordset.entries for wordset in LEXICONS["placebo-colors"].sets.values())
    for one, other in zip(first, second, strict=True):
        assert (one.pair, one.sg.replace("black", "white")) == (other.pair, other.sg)
        assert one.pl.replace("black", "white") == other.pl


def test_placebo_wordings_differ_in_their_order_only_and_no_order_goes_with_a_set():
    """As many pairs, with the content of the pairs of dialect, and the same words in both sets."""
    first, second = (wordset.entries for wordset in LEXICONS["placebo-wordings"].sets.values())
    for one, other in zip(first, second, strict=True):
        assert one.pair == other.pair
        assert sorted(one.sg.lower().split()) == sorted(other.sg.lower().split())
        assert bool(TIME_OR_PLACE.match(one.sg)) != bool(TIME_OR_PLACE.match(other.sg)), one.sg
    assert sum(bool(TIME_OR_PLACE.match(entry.sg)) for entry in first) == len(first) / 2
    contents = {entry.pair for entry in entries("dialect", "standardised")}
    assert {entry.pair for entry in first} == contents


def test_groups_are_named_with_care():
    """Outdated words are in no group; disputed ones are marked, with a note."""
    outdated = re.compile(r"homosexual|transsexual|transgendered|caucasian", re.IGNORECASE)
    for axis in {SPECS[name].axis for name in ENGLISH}:
        for entry in (e for s in LEXICONS[axis].sets.values() for e in s.entries):
            word = entry.adjective or entry.sg or entry.pl
            assert entry.status != "outdated", word
            assert entry.status != "disputed" or entry.note, word
            assert not outdated.search(word)


def test_groups_of_a_probe_share_their_nouns():
    """Adjectives of all groups meet the same nouns, genders apart, so that nouns cancel."""
    for name in ("race", "orientation", "gender-identity"):
        lexicon = LEXICONS[name]
        groups = {
            group.id
            for judged in JUDGED
            if getattr(SPECS[judged].groups, "lexicon", "") == name
            for group in probe(judged).groups
        }
        heads = {
            tuple(head.sg for head in lexicon.sets[group].heads or lexicon.heads)
            for group in groups
            if all(entry.adjective for entry in lexicon.sets[group].entries)
        }
        assert len(heads) == 1, name


# Products of two axes

PRODUCTS = ("gender-x-race", "gender-x-religion", "gender-x-age")


@pytest.mark.parametrize("lexicon", PRODUCTS)
def test_cells_of_a_product_differ_in_one_word(lexicon):
    """The cells of one gender have the same nouns, those of one group the same adjectives."""
    sets = LEXICONS[lexicon].sets
    cells = {name: s for name, s in sets.items() if not name.startswith("crossed-")}
    for gender in ("women", "men"):
        nouns = {tuple(h.sg for h in s.heads) for n, s in cells.items() if n.endswith(f"-{gender}")}
        assert len(nouns) == 1
    for name, wordset in cells.items():
        if name.endswith("-women"):
            partner = cells[name.removesuffix("women") + "men"]
            assert [e.adjective for e in wordset.entries] == [e.adjective for e in partner.entries]
            assert len(wordset.heads) == len(partner.heads)


@pytest.mark.parametrize("lexicon", PRODUCTS)
def test_crossed_sets_hold_each_combination_once(lexicon):
    sets = LEXICONS[lexicon].sets
    first, second = (s.entries for name, s in sets.items() if name.startswith("crossed-"))
    cells = [entry.sg for entry in (*first, *second)]
    adjectives, nouns = ({sg.split()[at] for sg in cells} for at in (0, 1))
    assert len(adjectives) == 2
    assert sorted(cells) == sorted(f"{a} {n}" for a in adjectives for n in nouns)
    for words in (first, second):
        for label in {entry.label for entry in words}:
            members = [entry for entry in words if entry.label == label]
            assert len(members) == 2
            assert {m.sg.split()[0] for m in members} == adjectives, "one of each group"
            assert {m.sg.split()[1] for m in members} == set(label.split(" and "))
            assert len({m.pair for m in members}) == 1
    assert [(e.label, e.pair) for e in first] == [(e.label, e.pair) for e in second]


WOMEN = re.compile("woman|girl|lady|mother|sister|daughter|aunt|wife")


def planted(name: str, gender: float, group: float, both: float) -> ScoredProbe:
    """Scores in which S+ gains by gender, by group, and by being a woman of the focal group."""
    sets = LEXICONS[SPECS[name].axis].sets
    focal = next(s for key, s in sets.items() if key.startswith("crossed-")).entries[0]
    adjective = focal.sg.split()[0]
    words = {w.id: w.forms["sg"] for g in probe(name).groups for w in g.words}
    prompts = [p for p in expand(probe(name)).prompts if p.filler is not None]
    scores = []
    for p in prompts:
        female, member = bool(WOMEN.search(words[p.term])), words[p.term].startswith(adjective)
        gain = gender * female + group * member + both * (female and member)
        scores.append(FillScore(log_prob=-9 + gain * (p.pole == "+"), pieces=1))
    cube = build_cube(probe(name), Scores.build(probe(name), prompts, scores))
    return ScoredProbe(probe=probe(name), cube=cube)


@pytest.mark.parametrize("name", [name for name in JUDGED if name.endswith("-interaction")])
def test_only_the_combination_is_left_in_an_interaction(name):
    """Gender alone and group alone cancel; what both do together counts half."""
    (nothing,) = compare_groups(planted(name, 0.8, -1.3, 0.0), Settings(resamples=99))
    assert nothing.these_words.estimate == pytest.approx(0, abs=1e-9)
    (some,) = compare_groups(planted(name, 0.8, -1.3, 0.6), Settings(resamples=99))
    assert some.these_words.estimate == pytest.approx(0.3, abs=1e-9)
    assert some.scope == "terms"
    assert len(some.pairs) >= 5
    assert all(a == b for a, b in some.pairs), "a noun is compared with itself"
    assert 2 * SPECS[name].margins.nats == pytest.approx(0.22314, abs=1e-3)


# Versions: results of two runs are compared only where a probe asked the same in both.


def test_prompts_change_only_with_the_version():
    stored, now = digests.stored(), digests.current()
    changed = [n for n in now if n in stored and stored[n][0] == now[n][0] and stored[n] != now[n]]
    again = "write the new digests: python -m tests.probes.digests"
    assert not changed, f"raise the versions of {changed} if their change is meant, then {again}"
    assert stored == now, again
