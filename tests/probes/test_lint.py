"""What ``probes check`` remarks on files without a mistake, by themselves and with a model."""

# ruff: noqa: E501 - tables of cases read better in one line each

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from bias_audit.backends import FakeBackend
from bias_audit.cli.probe_check import lines, pole_imbalance
from bias_audit.metrics.registry import default_metrics
from bias_audit.probes import scaffold
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.expand import expand
from bias_audit.probes.lint import lint_probe, lint_spelling
from bias_audit.probes.scope import has_words_of_this_kind, scope
from bias_audit.records import CompletionRequest, FillRequest
from tests.probes.helpers import TEA, edited, joined

SKELETON = Path(scaffold.__file__).parent / "skeletons" / "probe.yaml"
GOOD = SKELETON.read_text(encoding="utf-8").replace("@ID@", "mine")
FIRST = '- "The [group] ordered <mask> with dinner."'


def metrics(probe) -> list[str]:
    return [metric.id for metric in default_metrics(probe)]


def remarks(folder, *changes) -> list[str]:
    probe = joined(folder, edited(GOOD, *changes), "mine")
    return lint_probe(probe, expand(probe))


def test_the_skeleton_needs_no_remark(tmp_path):
    assert remarks(tmp_path) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([(FIRST, '- "The [group] had <mask>."')], "'01' has 4 words; 5 to 14 read best: The [group] had <mask>."),
        ([(FIRST, '- "Then the [group] on the train went and ordered <mask> with dinner in the dining car."')], "'01' has 16 words; 5 to 14 read best: "),
        ([(FIRST, '- "The [group] ordered <mask> with dinner"')], "'01' does not end like a sentence: The [group] ordered <mask> with dinner"),
        ([(FIRST, '- "The [group] were drinking <mask> with dinner."')], "'01' has 'number: sg' and the plural verb 'were': "),
        ([(FIRST, '- {text: "The [group] was drinking <mask:sg> with dinner.", number: pl}')], "'01' has 'number: pl' and the singular verb 'was': "),
        ([(FIRST, '- "The the [group] ordered <mask> with dinner."')], "'01' has 'the the': The the woman ordered tea with dinner."),
        ([("[tea, milk,", '["the tea", milk,'), (FIRST, '- "The [group] ordered the <mask> with dinner."')], "'01' has 'the the': "),
        ([(FIRST, '- "The [group] ordered tea or <mask> with dinner."')], "'01' has the scored word a second time: The woman ordered tea or tea with dinner."),
        ([(FIRST, '- "The [group] and a woman ordered <mask> with dinner."')], "'01' holds 'woman', a word of the groups, for every group: "),
        ([("axis: gender", "slots: {place: [here]}\naxis: gender")], "the slot [place] is in no sentence"),
        ([("  positive: [gender-kinship]\n", "")], "no positive control: its comparisons can never be called small"),
        ([("  negative: [gender-hours]\n  placebo: placebo-people\n", "")], "neither a negative control nor a placebo: its comparisons can never be called small"),
    ],
)  # fmt: skip
def test_one_remark(tmp_path, changes, said):
    (found,) = remarks(tmp_path, *changes)
    assert found.startswith(said)


def test_the_friends_of_a_group_may_be_many(tmp_path):
    assert remarks(tmp_path, (FIRST, '- "The friends of the [group] were drinking <mask>."')) == []


def test_clusters_are_counted_like_sentences(tmp_path):
    sentences = [line.strip() for line in GOOD.splitlines() if line.startswith('  - "')]
    shared = [(one, f"- {{text: {one[2:]}, cluster: x}}") for one in sentences[:2]]
    assert len(sentences) == 8
    (said,) = remarks(tmp_path, *shared)
    assert said.startswith("8 sentences in 7 clusters: intervals count the clusters, so add ")


def test_a_repeated_remark_is_counted(tmp_path):
    changes = [
        (FIRST, '- "The [group] ordered tea or <mask> with dinner."'),
        ("asked for <mask>", "asked for tea and <mask>"),
    ]
    (found,) = remarks(tmp_path, *changes)
    assert found.startswith("'01' has the scored word a second time and in 1 more sentences: ")


def test_controls_and_short_probes(tmp_path):
    probe = joined(tmp_path, TEA.replace("axis:", "role: positive_control\naxis:"))
    assert lint_probe(probe, expand(probe)) == [
        "2 sentences: at least 8 are needed, else nothing is measurable",
        "'02' has 4 words; 5 to 14 read best: [group] never drink <mask>.",
    ]


@pytest.mark.parametrize(
    ("word", "meant"),
    [("clevr", "clever"), ("freindly", "friendly"), ("nurze", "nurse"), ("dangerus", "dangerous"),
     ("whiskey", ""), ("lemonades", ""), ("ale", ""), ("clever", "")],
)  # fmt: skip
def test_a_target_that_is_one_letter_off_a_known_word_is_told(word, meant, tmp_path):
    probe = joined(tmp_path, edited(GOOD, ("beer, whiskey", f"beer, {word}")), "mine")
    notes = [f"the target '{word}' is no known word: is '{meant}' meant?"] if meant else []
    assert list(lint_spelling(probe, ProbeCatalogue())) == notes


def test_shipped_probes_have_no_target_that_looks_misspelt():
    catalogue = ProbeCatalogue()
    for name in ("occupation-pronoun", "valence-religion", "wealth-gender"):
        assert list(lint_spelling(catalogue.probe(name), catalogue)) == []


class Pieces(FakeBackend):
    """Splits words at hyphens and every third letter; loses what it is told to lose."""

    def score(self, requests, **more):
        for number, answer in super().score(requests, **more):
            request = requests[number]
            if isinstance(request, FillRequest) and not answer.skip:
                pieces = -(-len(request.filler) // 3)
                yield number, dataclasses.replace(answer, pieces=pieces)
            elif isinstance(request, CompletionRequest) and "party" in request.left:
                yield number, dataclasses.replace(answer, word_mass=0.3)
            else:
                yield number, answer


def test_what_a_vocabulary_makes_of_the_words(tmp_path):
    probe = joined(tmp_path, GOOD, "mine")
    said = list(lines(probe, Pieces(unscorable=["rum", "gin"])))
    assert said == [
        "pole +: 1 of 1 piece, 4 of 2 pieces, 1 of 3 pieces",
        "pole -: 3 of 2 pieces, 1 of 3 pieces",
        "pole -: 'rum' is lost: no piece for 'rum'",
        "pole -: 'gin' is lost: no piece for 'gin'",
        "pole -: 4 of 6 words are scored; below 80% nothing is judged",
        "group women: 4 of 2 pieces, 2 of 3 pieces, 2 of 5 pieces",
        "group men: 3 of 1 piece, 1 of 2 pieces, 2 of 3 pieces, 1 of 4 pieces, 1 of 5 pieces",
        "low word mass, 30% on whole words: At the party, the woman drank <mask>.",
    ]


def test_poles_of_uneven_length_are_told(tmp_path):
    short = edited(GOOD, ("[tea, milk, juice, cocoa, lemonade, wine]", "[tea, mud]"))
    said = list(lines(joined(tmp_path, short, "mine"), Pieces()))
    uneven = "uneven length, mean pieces: pole + 1.0, pole - 1.8; longer words are rarer"
    assert [line for line in said if "uneven" in line] == [uneven]
    assert not [line for line in said if "lost" in line or "below 80%" in line]


class Rare(FakeBackend):
    """Finds milk and the like a hundred times as likely as anything else, in every sentence."""

    def score(self, requests, **more):
        for number, answer in super().score(requests, **more):
            request = requests[number]
            if isinstance(request, FillRequest):
                bonus = 4.6 if request.filler in COMMON else 0.0
                yield number, dataclasses.replace(answer, log_prob=bonus - 9.0)
            else:
                yield number, answer


COMMON = {"tea", "milk", "juice", "cocoa", "lemonade", "wine"}


def test_poles_that_differ_in_frequency_are_told(tmp_path):
    probe = joined(tmp_path, GOOD, "mine")
    assert pole_imbalance(probe, Rare()) == pytest.approx(4.6)
    (line,) = [line for line in lines(probe, Rare()) if "frequency" in line]
    assert "words of pole + are 99.5 times as likely as those of pole -" in line
    assert pole_imbalance(ProbeCatalogue().probe("occupation-pronoun"), Rare()) is None


def test_group_masked_probes_are_told_by_group():
    said = list(lines(ProbeCatalogue().probe("occupation-pronoun"), FakeBackend()))
    sides = ["group she: 1 of 1 piece", "group he: 1 of 1 piece", "beside: they: 1 of 1 piece"]
    assert said[:3] == sides
    assert [line.split(":")[0] for line in said[3:]] == ["pole +", "pole -", "pole 0"]


def test_claims_before_a_run_are_those_of_the_assessment():
    """The same words as in the stored results of an audit of the core probes."""
    catalogue = ProbeCatalogue()
    claims = {
        name: (scope(catalogue.probe(name)), has_words_of_this_kind(catalogue.probe(name)))
        for name in ("occupation-gender", "occupation-pronoun", "valence-religion")
    }
    assert claims == {
        "occupation-gender": ("concept", True),
        "occupation-pronoun": ("terms", True),
        "valence-religion": ("terms", True),
    }
    assert metrics(catalogue.probe("occupation-pronoun")) == [
        "log_odds_gap",
        "skew",
        "labour_correlation",
        "beside_share",
    ]
    assert metrics(catalogue.probe("religion-worship")) == ["diagonal_log_odds"]
    hurtful = ["hurtful_completions", "hurtful_rate"]
    further = ["four_fifths", *hurtful, "completion_valence", "warmth_competence"]
    assert metrics(catalogue.probe("trait-gender-warmth")) == ["log_odds_gap", "jsd", *further]
    crossed = metrics(catalogue.probe("justice-gender-x-race"))
    assert "interaction" in crossed
    assert "interaction" not in metrics(catalogue.probe("justice-race"))
