"""From pairs to numbers: passes, signs, losses, results by category."""

from __future__ import annotations

import numpy as np
import pytest

from bias_audit.backends import FakeBackend
from bias_audit.benchmarking import benchmark
from bias_audit.benchmarking.passes import score_pairs
from bias_audit.benchmarking.running import chosen_measures
from bias_audit.datasets import get, open_dataset
from bias_audit.errors import NothingToAuditError, UnknownNameError, UsageError
from bias_audit.metrics import sentence
from bias_audit.metrics.pair_preference import preference
from bias_audit.metrics.registry import METRICS
from bias_audit.records import (
    BlankRequest,
    BlankScore,
    ModifiedPair,
    ModifiedRequest,
    ModifiedScore,
    PairRequest,
    PairScore,
    SentenceScore,
)
from tests.datasets import files

PAIRS = [("a b", "c b"), ("d e f", "d g f")]


def pieces(values, **more):
    logs = np.array(values)
    return SentenceScore(
        log_probs=logs,
        ranks=np.array(more.get("ranks", [1] * len(values))),
        best=np.array(more.get("best", [0.0] * len(values))),
        attention=np.array(more.get("attention", [0.5] * len(values))),
        skip=more.get("skip"),
        detail=more.get("detail", ""),
    )


class Scripted(FakeBackend):
    """Answers with what a test wrote down."""

    def __init__(self, **answers):
        super().__init__()
        self.answers, self.asked = answers, []

    def score(self, requests, *, skip=(), progress=None):
        first = requests[0]
        name = KINDS.get(type(first)) or f"{first.variant}{'+attention' * first.attention}"
        self.asked.append(name)
        self.requests = requests
        return enumerate(self.answers[name])


KINDS = {PairRequest: "pairs", ModifiedRequest: "modified", BlankRequest: "fills"}


def test_shared_pieces_give_three_measures_from_one_pass():
    scorer = Scripted(
        pairs=[
            PairScore(more=-4, less=-6, published_more=-5, published_less=-6, shared=2, unknown=1),
            PairScore(more=-3, less=-3, shared=0, ambiguous=True),
        ]
    )
    names = ("crows_pairs", "crows_pairs_published", "crows_pairs_gap")
    columns, notes = score_pairs(scorer, PAIRS, names)
    assert scorer.asked == ["pairs"]
    assert (columns["crows_pairs"].more, columns["crows_pairs"].less) == ([-4, -3], [-6, -3])
    assert columns["crows_pairs_published"].more[0] == -5
    assert columns["crows_pairs_gap"].more == [-2, -3], "per shared piece; none shared counts as 1"
    assert (notes.ambiguous, notes.unknown) == (1, 1)


def test_worse_predictions_count_against_a_sentence():
    good, bad = (pieces([-1.0], ranks=[1], best=[-1.0]), pieces([-4.0], ranks=[9], best=[-1.0]))
    names = ("pll_sum", "pll_mean", "crr", "dp", "crra", "dpa")
    scorer = Scripted(**{"original+attention": [good, bad] * 2})
    columns, _ = score_pairs(scorer, PAIRS, names)
    assert scorer.asked == ["original+attention"], "one pass for all"
    for name in names:
        assert preference(columns[name].more, columns[name].less).wins == 2, name
    assert columns["dp"].less[0] == -sentence.dp([-4.0], [-1.0]) == -3.0


def test_attention_is_asked_for_only_where_it_is_needed():
    two = [pieces([-1.0]), pieces([-2.0])] * 2
    scorer = Scripted(original=two, word_l2r=two, unmasked=two)
    score_pairs(scorer, PAIRS, ("crr", "pll_word_l2r_sum", "aul"))
    assert scorer.asked == ["original", "word_l2r", "unmasked"]
    attending = Scripted(**{"unmasked+attention": two})
    _, notes = score_pairs(attending, PAIRS, ("aul", "aula"))
    assert attending.asked == ["unmasked+attention"]
    assert notes.accuracy == [1.0] * 4


def test_what_cannot_be_scored_is_lost_with_its_reason():
    lost = pieces([], skip="too_long", detail="99 pieces")
    scorer = Scripted(
        unmasked=[pieces([-1.0]), pieces([-2.0]), pieces([-1.0]), lost],
        modified=[
            ModifiedPair(
                first=ModifiedScore(together=-1, pieces=1),
                second=ModifiedScore(skip="not_applicable"),
            ),
            ModifiedPair(
                first=ModifiedScore(together=-1, pieces=1),
                second=ModifiedScore(together=-2, pieces=1),
            ),
        ],
    )
    columns, _ = score_pairs(scorer, PAIRS, ("aul", "sss"))
    assert columns["aul"].skips == [None, ("too_long", "99 pieces")]
    assert np.isnan(columns["aul"].more[1])
    assert columns["sss"].skips == [("not_applicable", ""), None]


@pytest.fixture
def crows(tmp_path):
    return open_dataset("crows-pairs", files.write(tmp_path, "crows-pairs"))


def test_results_are_those_of_the_metrics(crows):
    scores = [(-1.0, -2.0), (-3.0, -3.0), (-5.0, -4.0), (-1.0, -9.0)]
    scorer = Scripted(pairs=[PairScore(more=a, less=b, shared=1) for a, b in scores])
    found = benchmark(scorer, crows, measures=["crows_pairs"])
    by_group = {r.groups[0]: r for r in found.results}
    assert set(by_group) == {"all", "age", "size"}
    more, less = np.array(scores).T
    whole = preference(more, less, clusters=["w1", "w2", "w1", "w3"])
    result = by_group["all"]
    assert result.estimate == whole.share.estimate == 62.5
    assert (result.se, result.n_terms, result.n_templates) == (whole.share.se, 3, 4)
    assert (result.neutral, result.effect_size) == (50.0, 12.5)
    assert result.reason == "1 pair tied"
    assert result.p_value == whole.p_value()
    assert result.p_adjusted is None
    assert by_group["size"].p_adjusted is not None
    assert by_group["age"].reason == "no interval: one cluster only"
    assert (result.role, result.outcome, result.sentences) == ("secondary", None, ())


def test_the_published_numbers_are_beside_ours(crows):
    scores = [(-1.0001, -1.0003), (-3.0, -3.5), (-5.0, -4.0), (-1.0, -9.0)]
    scorer = Scripted(
        pairs=[
            PairScore(more=0, less=0, published_more=a, published_less=b, shared=1)
            for a, b in scores
        ]
    )
    found = benchmark(scorer, crows, measures=["crows_pairs_published"])
    by_group = {r.groups[0]: r for r in found.results}
    assert by_group["all"].estimate == 50.0, "the tie after rounding is lost"
    assert by_group["direction:stereo"].estimate == 50.0
    assert by_group["direction:stereo"].n_templates == 2
    assert by_group["direction:antistereo"].estimate == 100.0


def test_every_loss_is_a_record(crows):
    scorer = Scripted(
        pairs=[PairScore(more=1, shared=1)] * 2
        + [PairScore(skip="too_long", detail="600 pieces, the model takes 512")] * 2
    )
    found = benchmark(scorer, crows, measures=["crows_pairs"])
    (skip,) = found.skips
    assert (skip.what, skip.reason, skip.count) == ("crows_pairs", "too_long", 2)
    assert "600 pieces" in skip.detail
    assert found.results[0].n_templates == 2
    nothing = Scripted(pairs=[PairScore(skip="too_long")] * 4)
    (empty,) = benchmark(nothing, crows, measures=["crows_pairs"]).results
    assert (empty.estimate, empty.reason) == (None, "no pair could be scored")


@pytest.mark.parametrize("measure", [m.id for m in METRICS if m.id in get("crows-pairs").measures])
def test_every_measure_of_pairs_runs(measure, crows):
    found = benchmark(FakeBackend(), crows, measures=[measure])
    assert found.results[0].metric == measure
    assert found.results[0].estimate is not None
    assert {row.measure for row in found.rows} == {measure}
    assert len(found.rows) == 4


def test_stereoset_is_scored_by_terms_and_losses_are_told(tmp_path):
    data = open_dataset("stereoset", files.write(tmp_path, "stereoset"))
    # item 0: stereotype > anti > unrelated; item 1: anti > unrelated > stereotype, per piece
    logs = [(-1, 1), (-2, 1), (-3, 1), (-9, 1), (-2, 2), (-5, 1)]
    scorer = Scripted(
        fills=[BlankScore(log_prob=a, pieces=n, published=np.exp(a)) for a, n in logs]
    )
    found = benchmark(scorer, data)
    numbers = {(r.metric, r.groups[0]): r.estimate for r in found.results}
    assert numbers["stereoset_ss", "all"] == 50.0
    assert numbers["stereoset_lms", "all"] == 75.0
    assert numbers["stereoset_icat", "all"] == 75.0
    assert ("stereoset_ss", "profession") in numbers
    assert ("stereoset_ss", "published") in numbers
    assert scorer.requests[4] == BlankRequest(
        left="My neighbour's ", word="old daughter", right=", a baker, waved"
    )
    told = {skip.detail: skip.count for skip in found.skips}
    assert told == {
        "between sentences: a masked language model does not say what follows": 1,
        "the sentences do not follow the context, or it has two blanks": 1,
    }


def test_holistic_bias_is_scored_as_it_is_made(tmp_path):
    data = open_dataset("holistic-bias", files.write(tmp_path, "holistic-bias"))
    found = benchmark(FakeBackend(), data)
    groups = {r.groups[0] for r in found.results}
    assert groups == {"craft", "craft:length"}
    share = next(r for r in found.results if r.metric == "likelihood_bias")
    assert 0 <= share.estimate <= 1
    assert share.excess == pytest.approx(share.estimate - share.null_mean)
    assert found.record.prompts == 22
    again = benchmark(FakeBackend(), data)
    assert again.results == found.results, "same seed, same numbers"


def test_choosing_measures():
    assert chosen_measures(get("crows-pairs"), ()) == (
        *("crows_pairs", "crows_pairs_published"),
        "crows_pairs_gap",
    )
    assert chosen_measures(get("crows-pairs"), ["aul*"]) == ("aul", "aula")
    assert chosen_measures(get("bbq"), ()) == ("pll_word_l2r_mean", "aul")
    with pytest.raises(UnknownNameError, match="no measure for CrowS-Pairs named 'ssss'"):
        chosen_measures(get("crows-pairs"), ["ssss"])
    with pytest.raises(UsageError, match="no measure takes SEAT tests yet"):
        chosen_measures(get("seat"), ())


def test_a_limit_of_pairs_and_an_empty_data_set(crows, tmp_path):
    scorer = Scripted(pairs=[PairScore(more=1, shared=1)])
    assert benchmark(scorer, crows, limit=1).results[0].n_templates == 1
    path = tmp_path / "Empty.jsonl"
    path.write_text("")
    with pytest.raises(NothingToAuditError, match="holds no pair of BBQ"):
        benchmark(scorer, open_dataset("bbq", path))
