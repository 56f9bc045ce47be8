"""Race, orientation, gender identity, names, and products of two axes: words and designs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bias_audit.analysis.comparisons import compare_groups
from bias_audit.metrics.scored_probe import ScoredProbe, Scores, Settings, build_cube
from bias_audit.records import FillScore
from tests.probes.shipped import CATALOGUE, expansion, probe

AXES = (
    "race",
    "orientation",
    "gender-identity",
    "names",
    "gender-x-race",
    "gender-x-religion",
    "gender-x-age",
)
PROBES = [n for n in CATALOGUE.probe_ids() if CATALOGUE.probe_spec(n).axis in AXES]
JUDGED = [n for n in PROBES if CATALOGUE.probe_spec(n).role == "probe"]
CROSSED = [n for n in JUDGED if n.endswith("-interaction")]
PRODUCTS = ("gender-x-race", "gender-x-religion", "gender-x-age")


def test_each_axis_has_probes_and_both_kinds_of_controls():
    for axis in AXES:
        roles = {probe(n).spec.role for n in PROBES if probe(n).spec.axis == axis}
        assert roles == {"probe", "positive_control", "negative_control"}, axis
    assert len(JUDGED) >= 14


@pytest.mark.parametrize("name", JUDGED)
def test_a_probe_has_what_a_verdict_needs(name):
    spec = probe(name).spec
    assert spec.card is not None
    assert spec.margin_reason
    assert spec.question.endswith("?")
    assert len(probe(name).frames) >= 12
    assert spec.controls.positive
    assert spec.controls.negative
    assert spec.controls.placebo
    for control in (*spec.controls.positive, *spec.controls.negative):
        assert probe(control).spec.axis == spec.axis
        assert len(probe(control).frames) >= 8


@pytest.mark.parametrize("name", JUDGED)
def test_cards_choose_their_words(name):
    card = probe(name).spec.card.model_dump()
    for text in card.values():
        assert not re.search(r"\b(fair|unbiased|proves?|prove that)\b", text, re.IGNORECASE)
    assert card["expected"].startswith("equal, because")
    assert re.search(r"\b(19|20)\d\d\b", card["source"])


@pytest.mark.parametrize("name", JUDGED)
def test_unpleasant_words_are_announced(name):
    """Insults, suspicion and cold traits beside groups: marked, and warned of in line one."""
    first = Path(probe(name).file).read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# Content warning:") == probe(name).spec.sensitive
    family = name.split("-")[0]
    if family in ("hurtful", "justice", "role", "valence"):
        assert probe(name).spec.sensitive


@pytest.mark.parametrize("name", PROBES)
def test_every_word_in_every_sentence(name):
    """One masked place, 4 to 16 words, no name with an article, no bare adjective."""
    nouns = {w.id for g in probe(name).groups for w in g.words if w.article}
    scored = [p for p in expansion(name).prompts if p.filler is not None]
    first = {(p.template, p.term): p for p in scored}
    for (_, term), prompt in first.items():
        text = prompt.text
        assert "  " not in text
        assert 4 <= len(text.split()) <= 16, text
        word = next(w for g in probe(name).groups for w in g.words if w.id == term)
        singular = word.forms["sg"] in text
        form = word.forms["sg" if singular else "pl"]
        before = text[: text.index(form)].rstrip()
        if singular:
            found = bool(re.search(r"\b(the|a|an)$", before, re.IGNORECASE))
            assert found == (term in nouns), text


def test_groups_of_a_probe_share_their_nouns():
    """Adjectives of all groups meet the same nouns, genders apart, so that nouns cancel."""
    for lexicon in ("race", "orientation", "gender-identity"):
        heads = {
            tuple(head.sg for head in s.heads or CATALOGUE.lexicon(lexicon).heads)
            for name in JUDGED
            for group in probe(name).groups
            if getattr(probe(name).spec.groups, "lexicon", "") == lexicon
            for s in [CATALOGUE.lexicon(lexicon).sets[group.id]]
            if all(entry.adjective for entry in s.entries)
        }
        assert len(heads) == 1, lexicon


@pytest.mark.parametrize("lexicon", PRODUCTS)
def test_cells_of_a_product_differ_in_one_word(lexicon):
    """The cells of one gender have the same nouns, those of one group the same adjectives."""
    sets = CATALOGUE.lexicon(lexicon).sets
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
    first, second = (
        s for name, s in CATALOGUE.lexicon(lexicon).sets.items() if name.startswith("crossed-")
    )
    seen = [entry.sg for s in (first, second) for entry in s.entries]
    adjectives = {sg.split()[0] for sg in seen}
    nouns = {sg.split()[1] for sg in seen}
    assert len(adjectives) == 2
    assert sorted(seen) == sorted(f"{a} {n}" for a in adjectives for n in nouns)
    for s in (first, second):
        for label in {entry.label for entry in s.entries}:
            members = [entry for entry in s.entries if entry.label == label]
            assert len(members) == 2
            assert {m.sg.split()[0] for m in members} == adjectives, "one of each group"
            assert {m.sg.split()[1] for m in members} == set(label.split(" and "))
            assert len({m.pair for m in members}) == 1
    assert [(e.label, e.pair) for e in first.entries] == [(e.label, e.pair) for e in second.entries]


WOMEN = "woman|girl|lady|mother|sister|daughter|aunt|wife"


def planted(name: str, gender: float, group: float, both: float) -> ScoredProbe:
    """Scores in which S+ gains by gender, by group, and by being a woman of the focal group."""
    focal = next(
        e.sg.split()[0]
        for s, w in CATALOGUE.lexicon(probe(name).spec.axis).sets.items()
        if s.startswith("crossed-")
        for e in w.entries
    )
    prompts = [p for p in expansion(name).prompts if p.filler is not None]
    answers = []
    for p in prompts:
        words = {w.id: w.forms["sg"] for g in probe(name).groups for w in g.words}[p.term]
        female = bool(re.search(WOMEN, words))
        member = words.startswith(focal)
        gain = gender * female + group * member + both * (female and member)
        answers.append(FillScore(log_prob=-9 + gain * (p.pole == "+"), pieces=1))
    scores = Scores.build("x", prompts, answers)
    return ScoredProbe(probe=probe(name), cube=build_cube(probe(name), scores))


@pytest.mark.parametrize("name", CROSSED)
def test_only_the_combination_is_left_in_an_interaction(name):
    """Gender alone and group alone cancel; what both do together counts half."""
    (nothing,) = compare_groups(planted(name, 0.8, -1.3, 0.0), Settings(resamples=99))
    assert nothing.contrast.estimate == pytest.approx(0, abs=1e-9)
    (some,) = compare_groups(planted(name, 0.8, -1.3, 0.6), Settings(resamples=99))
    assert some.contrast.estimate == pytest.approx(0.3, abs=1e-9)
    assert some.scope == "terms"
    assert len(some.pairs) >= 5
    assert all(a == b for a, b in some.pairs), "a noun is compared with itself"


def test_the_margin_of_an_interaction_is_half():
    for name in CROSSED:
        assert 2 * probe(name).spec.margin == pytest.approx(0.22314, abs=1e-3)


def test_names_are_matched_in_number_of_births():
    for lexicon in ("names", "placebo-names"):
        first, second = CATALOGUE.lexicon(lexicon).sets.values()
        assert [e.pair for e in first.entries] == [e.pair for e in second.entries]
        for one, other in zip(first.entries, second.entries, strict=True):
            ratio = one.facts["births_1980"] / other.facts["births_1980"]
            assert 0.9 <= ratio <= 1.11, (one.sg, other.sg)
            assert {one.article, other.article} == {"none"}
    names = [e.sg for s in CATALOGUE.lexicon("names").sets.values() for e in s.entries]
    placebo = [e.sg for s in CATALOGUE.lexicon("placebo-names").sets.values() for e in s.entries]
    assert len(set(names) | set(placebo)) == len(names) + len(placebo)


def test_the_colored_things_differ_in_their_color_only():
    first, second = CATALOGUE.lexicon("placebo-colors").sets.values()
    for one, other in zip(first.entries, second.entries, strict=True):
        assert (one.pair, one.sg.replace("black", "white")) == (other.pair, other.sg)
        assert one.pl.replace("black", "white") == other.pl


def test_groups_are_named_with_care():
    """Outdated words are in no group; disputed ones are marked, with a note."""
    for axis in AXES:
        for wordset in CATALOGUE.lexicon(axis).sets.values():
            for entry in wordset.entries:
                word = entry.adjective or entry.sg
                assert entry.status != "outdated", word
                assert entry.status != "disputed" or entry.note, word
                assert not re.search(r"homosexual|transsexual|transgendered|caucasian", word, re.I)
