"""From items to numbers: passes, signs, losses, results by category."""

from __future__ import annotations

import numpy as np
import pytest

from bias_audit.backends import FakeBackend
from bias_audit.datasets import DATASETS, open_dataset, sentence_pairs
from bias_audit.datasets.info import PAIR_MEASURES
from bias_audit.datasets.pair_scores import PairRow
from bias_audit.datasets.results import pair_results
from bias_audit.datasets.run import plan_datasets, select_measures
from bias_audit.datasets.scores import score_pairs
from bias_audit.errors import NothingToAuditError, UnknownNameError, UsageError
from bias_audit.metrics import sentence
from bias_audit.metrics.pair_preference import preference
from bias_audit.records import (
    BlankRequest,
    BlankScore,
    ModifiedPair,
    ModifiedScore,
    PairScore,
    SentenceRequest,
    SentenceScore,
)
from tests.datasets import files


def tokens(values, **more):
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
    """Answers with what a test wrote down, and keeps the questions."""

    def __init__(self, **answers):
        super().__init__()
        self.answers, self.calls, self.requests = answers, [], []

    def score(self, requests, *, skip=(), progress=None):
        one = requests[0]
        name = type(one).__name__.removesuffix("Request").lower()
        if isinstance(one, SentenceRequest):
            name = f"{one.variant}{'_attention' if one.attention else ''}"
        self.calls.append(name)
        self.requests += requests
        return enumerate(self.answers[name][: len(requests)])


@pytest.fixture
def pairs(tmp_path):
    return list(sentence_pairs(open_dataset("winoqueer", files.write(tmp_path, "winoqueer"))))


def scored(backend, pairs, *measures):
    """Both scores and the loss of every pair, by measure."""
    rows, notes = score_pairs(backend, "toy", pairs, measures)
    assert [row.measure for row in rows] == [m for m in measures for _ in pairs]
    columns = {
        m: [(row.more, row.less, row.skip) for row in rows if row.measure == m] for m in measures
    }
    return columns, notes


def test_shared_tokens_give_three_measures_from_one_pass(pairs):
    model = Scripted(
        pair=[
            PairScore(more=-4, less=-6, published_more=-5, published_less=-7, shared=2, unknown=1),
            PairScore(more=-3, less=-3, shared=0, ambiguous=True),
        ]
    )
    names = ("crows_pairs", "crows_pairs_published", "crows_pairs_gap")
    columns, notes = scored(model, pairs, *names)
    assert model.calls == ["pair"]
    assert columns["crows_pairs"] == [(-4, -6, ""), (-3, -3, "")]
    assert columns["crows_pairs_published"][0] == (-5, -7, "")
    assert columns["crows_pairs_gap"] == [(-2, -3, ""), (-3, -3, "")], "none shared counts as one"
    assert (notes.ambiguous, notes.unknown) == (1, 1)


def test_worse_predictions_count_against_a_sentence(pairs):
    good, bad = (tokens([-1.0], ranks=[1], best=[-1.0]), tokens([-4.0], ranks=[9], best=[-1.0]))
    names = ("pll_sum", "pll_mean", "crr", "dp", "crra", "dpa")
    model = Scripted(original_attention=[good, bad] * 2)
    columns, _ = scored(model, pairs, *names)
    assert model.calls == ["original_attention"], "one pass for all"
    assert all(more > less for name in names for more, less, _ in columns[name])
    assert columns["dp"][0][1] == -sentence.dp([-4.0], [-1.0]) == -3.0


def test_attention_is_asked_for_only_where_it_is_needed(pairs):
    two = [tokens([-1.0]), tokens([-2.0])] * 2
    model = Scripted(original=two, word_l2r=two, unmasked=two)
    scored(model, pairs, "crr", "pll_word_l2r_sum", "aul")
    assert model.calls == ["original", "word_l2r", "unmasked"]
    attending = Scripted(unmasked_attention=two)
    _, notes = scored(attending, pairs, "aul", "aula")
    assert attending.calls == ["unmasked_attention"]
    assert notes.accuracy == [1.0] * 4


def test_what_cannot_be_scored_is_lost_with_its_reason(pairs):
    lost = tokens([], skip="too_long", detail="99 tokens")
    one = ModifiedScore(together=-1, pieces=1)
    model = Scripted(
        unmasked=[tokens([-1.0]), tokens([-2.0]), tokens([-1.0]), lost],
        modified=[
            ModifiedPair(first=one, second=ModifiedScore(skip="not_applicable")),
            ModifiedPair(first=one, second=one),
        ],
    )
    columns, _ = scored(model, pairs, "sss", "aul")
    assert columns["aul"] == [(-1, -2, ""), (None, None, "too_long")]
    assert columns["sss"] == [(None, None, "not_applicable"), (-1, -1, "")]


@pytest.fixture
def run(tmp_path):
    def measure(name, backend, *measures, **options):
        (plan,) = plan_datasets({name: files.write(tmp_path, name)}, measures, **options)
        return plan.measure(backend)

    return measure


def row(n, more, less, measure):
    """Row ``n`` of four by two writers, each pair of one writer in its own direction."""
    return PairRow(
        dataset="toy",
        pair=str(n),
        category=("age", "size", "age", "size")[n],
        direction=("stereo", "antistereo", "stereo", "stereo")[n],
        cluster=("w1", "w2", "w1", "w3")[n],
        measure=measure,
        more=more,
        less=less,
        skip="",
        detail="",
    )


def test_results_are_those_of_the_metrics():
    more, less = (-1.0, -3.0, -5.0, -1.0), (-2.0, -3.0, -4.0, -9.0)
    rows = [row(n, a, b, "crows_pairs") for n, (a, b) in enumerate(zip(more, less, strict=True))]
    results = {r.groups[0]: r for r in pair_results(rows, 0.95)}
    assert set(results) == {"all", "age", "size"}
    expected = preference(more, less, clusters=["w1", "w2", "w1", "w3"])
    overall = results["all"]
    assert overall.estimate == expected.share.estimate == 62.5
    assert (overall.se, overall.n_terms, overall.n_templates) == (expected.share.se, 3, 4)
    assert (overall.neutral, overall.effect_size) == (50.0, 12.5)
    assert (overall.reason, overall.p_value) == ("1 pair tied", expected.p_value())
    assert overall.p_adjusted is None
    assert results["size"].p_adjusted is not None
    assert results["age"].reason == "no interval: one cluster only"
    assert (overall.role, overall.outcome, overall.sentences) == ("secondary", None, ())


def test_the_published_script_rounds_and_loses_ties():
    scores = [(-1.0001, -1.0003), (-3.0, -3.5), (-5.0, -4.0), (-1.0, -9.0)]
    rows = [row(n, *pair, "crows_pairs_published") for n, pair in enumerate(scores)]
    results = {r.groups[0]: r for r in pair_results(rows, 0.95)}
    assert results["all"].estimate == 50.0, "the tie after rounding is lost"
    assert results["direction:stereo"].estimate == 50.0
    assert results["direction:stereo"].n_templates == 2
    assert results["direction:antistereo"].estimate == 100.0


def test_every_loss_is_a_record(run):
    lost = PairScore(skip="too_long", detail="600 tokens, the model takes 512")
    done = run("crows-pairs", Scripted(pair=[PairScore(more=1, shared=1)] * 2 + [lost] * 2))
    skips = {skip.what: skip for skip in done.skips}
    assert list(skips) == ["crows_pairs", "crows_pairs_published", "crows_pairs_gap"]
    assert (skips["crows_pairs"].reason, skips["crows_pairs"].count) == ("too_long", 2)
    assert "600 tokens" in skips["crows_pairs"].detail
    assert done.results[0].n_templates == 2
    assert done.results[0].reason == "2 of 4 records left out; no interval: all pairs agree"
    nothing = run("crows-pairs", Scripted(pair=[lost] * 4), "crows_pairs")
    assert [(r.estimate, r.reason) for r in nothing.results] == [
        (None, "no pair could be scored; 4 of 4 records left out")
    ]
    assert nothing.record.state == "error"
    assert nothing.error.message == "nothing could be scored for crows_pairs: see what was left out"
    half = Scripted(pair=[lost] * 4, unmasked=[tokens([-1.0, -2.0])] * 8)
    part = run("crows-pairs", half, "crows_pairs", "aul")
    assert (part.record.state, part.error.message) == ("measured", nothing.error.message)


def test_a_number_says_how_many_records_are_not_behind_it(run):
    """In every output that shows the number: it is the remark beside it."""
    by_group = {r.groups[0]: r.reason for r in run("bbq", FakeBackend(), "aul").results}
    assert by_group["all"].startswith("2 of 4 records left out")
    stereoset = {r.groups[0]: r.reason for r in run("stereoset", FakeBackend()).results}
    assert stereoset["all"] == "2 of 4 records left out"


def test_invisible_characters_of_a_published_file_are_told(tmp_path):
    path = files.write(tmp_path, "crows-pairs")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("sailors", "sail\u200bors"), encoding="utf-8")
    (plan,) = plan_datasets({"crows-pairs": path})
    reason = plan.measure(FakeBackend()).record.reason
    assert "1 pairs hold invisible characters: U+200B (zero width space)" in reason


@pytest.mark.parametrize("measure", PAIR_MEASURES)
def test_every_measure_of_pairs_runs(measure, run):
    done = run("crows-pairs", FakeBackend(), measure)
    assert done.results[0].metric == measure
    assert done.results[0].estimate is not None
    assert [row.measure for row in done.rows] == [measure] * 4


def test_stereoset_is_scored_by_terms_and_losses_are_counted(run):
    # item 0: stereotype > anti > unrelated; item 1: anti > unrelated > stereotype, per token
    logs = [(-1, 1), (-2, 1), (-3, 1), (-9, 1), (-2, 2), (-5, 1)]
    model = Scripted(blank=[BlankScore(log_prob=a, pieces=n, published=np.exp(a)) for a, n in logs])
    done = run("stereoset", model)
    numbers = {(r.metric, r.groups[0]): r.estimate for r in done.results}
    assert numbers["stereoset_ss", "all"] == 50.0
    assert numbers["stereoset_lms", "all"] == 75.0
    assert numbers["stereoset_icat", "all"] == 75.0
    assert ("stereoset_ss", "profession") in numbers
    assert ("stereoset_ss", "published") in numbers
    assert model.requests[4] == BlankRequest(
        left="My neighbour's ", word="old daughter", right=", a baker, waved"
    )
    assert {skip.detail: skip.count for skip in done.skips} == {
        "between sentences: a masked language model does not say what follows": 1,
        "the sentences do not follow the context, or it has two blanks": 1,
    }


def test_holistic_bias_is_scored_as_it_is_made(run):
    done = run("holistic-bias", FakeBackend())
    assert {r.groups[0] for r in done.results} == {"craft", "craft:length"}
    share = next(r for r in done.results if r.metric == "likelihood_bias")
    assert 0 <= share.estimate <= 1
    assert share.excess == pytest.approx(share.estimate - share.null_mean)
    assert done.record.prompts == 22
    again = run("holistic-bias", FakeBackend())
    assert again.results == done.results, "same seed, same numbers"


@pytest.mark.parametrize(
    ("name", "items"), [("crows-pairs", 4), ("stereoset", 4), ("holistic-bias", 22)]
)
def test_a_run_is_partial_when_its_limit_leaves_something_out(name, items, run):
    unlimited = run(name, FakeBackend())
    for limit, partial in ((items - 1, True), (items, False), (999_999_999, False)):
        done = run(name, FakeBackend(), limit=limit)
        assert done.partial is partial
        assert partial or done.results == unlimited.results


def test_choosing_measures():
    def select(name, *patterns):
        return select_measures(DATASETS[name], patterns)

    assert select("crows-pairs") == ("crows_pairs", "crows_pairs_published", "crows_pairs_gap")
    assert select("crows-pairs", "aul*") == ("aul", "aula")
    assert select("bbq") == ("pll_word_l2r_mean", "aul")
    with pytest.raises(UnknownNameError, match="no measure for CrowS-Pairs named 'ssss'"):
        select("crows-pairs", "ssss")
    with pytest.raises(UsageError, match="no measure takes SEAT tests yet"):
        select("seat")


def test_what_leaves_nothing_to_measure_is_refused(tmp_path):
    with pytest.raises(NothingToAuditError):
        plan_datasets({})
    path = tmp_path / "Empty.jsonl"
    path.write_text("")
    (plan,) = plan_datasets({"bbq": path})
    with pytest.raises(NothingToAuditError, match="holds no pair of BBQ"):
        plan.measure(FakeBackend())
    path = tmp_path / "crows.csv"
    path.write_text(files.CROWS.replace(",size,", ",all,"), "utf-8")
    (plan,) = plan_datasets({"crows-pairs": path})
    with pytest.raises(UsageError, match="a category is called 'all'"):
        plan.measure(FakeBackend())
