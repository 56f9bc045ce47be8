"""Sizes without a unit beside a primary gap, again from the stored scores and by scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bias_audit.reports.view.measures import with_companions
from tests.analysis.world import (
    CONTROLS,
    analyse,
    controlled,
    job_sentences,
    make,
    noise,
    only,
    pairs,
    primary,
    terms,
)


def rough(prompt):
    pull = 0.5 if (prompt.group, prompt.pole) == ("a", "+") else 0.0
    words = 0.4 * noise(prompt.label, prompt.pole)
    return pull + words + 0.3 * noise(prompt.text, prompt.target)


def beside(result):
    return {one.metric: one for one in result.companions}


def responses(done, columns):
    """(templates, columns) mean log-score of S+ minus that of S-."""
    frame = done.measured.tables["trial"].frame
    plus, minus = (
        frame[frame["pole"] == sign].pivot_table(
            index="template", columns=columns, values="log_prob"
        )
        for sign in "+-"
    )
    return plus - minus


@pytest.fixture(scope="module")
def unmatched():
    return analyse(controlled(groups={"a": terms("ann", 6), "b": terms("bob", 5)}), rough)


def test_consistency_is_the_mean_in_standard_deviations(unmatched):
    result = only(unmatched)
    gaps = np.array([one.value for one in result.by_template])
    found = beside(result)["consistency"]
    assert found.value == pytest.approx(gaps.mean() / gaps.std(ddof=1), rel=1e-4)
    assert found.ci_low < found.value < found.ci_high
    t = found.value * np.sqrt(gaps.size)
    tail = stats.nct.sf(t, gaps.size - 1, found.ci_low * np.sqrt(gaps.size))
    assert tail == pytest.approx(0.025, rel=1e-3)


def test_cliffs_delta_is_that_of_the_word_means(unmatched):
    means = responses(unmatched, ["group", "label"]).mean()
    u = stats.mannwhitneyu(means["a"], means["b"]).statistic
    found = beside(only(unmatched))["cliffs_delta"]
    assert found.value == pytest.approx(2 * u / 30 - 1, abs=1e-5)
    assert -1 <= found.ci_low <= found.value <= found.ci_high <= 1
    assert "rank_biserial" not in beside(only(unmatched))


def test_matched_pairs_have_a_rank_biserial():
    done = analyse(controlled(), rough)
    means = responses(done, ["group", "label"]).mean()
    d = np.array([means["a", f"ann{i}"] - means["b", f"bob{i}"] for i in range(1, 7)])
    up = stats.wilcoxon(d, alternative="greater").statistic
    found = beside(only(done))
    assert found["rank_biserial"].value == pytest.approx(2 * up / 21 - 1, abs=1e-5)
    assert "cliffs_delta" not in found


def test_where_the_group_is_masked_the_words_are_the_targets():
    masked = make(
        mask="group",
        groups={"a": ["she"], "b": ["he"]},
        frames=job_sentences(8),
        controls=CONTROLS,
    )

    def pull(prompt):
        shift = 0.3 if (prompt.group, prompt.pole) == ("a", "+") else 0.0
        return shift + 0.4 * noise(prompt.group, prompt.target) + 0.1 * noise(prompt.text)

    done = analyse(masked, pull)
    frame = done.measured.tables["trial"].frame
    scores = frame.pivot_table(index="target", columns="group", values="log_prob")
    gaps, poles = scores["a"] - scores["b"], frame.groupby("target")["pole"].first()
    u = stats.mannwhitneyu(gaps[poles == "+"], gaps[poles == "-"]).statistic
    found = beside(only(done))["cliffs_delta"]
    assert found.value == pytest.approx(2 * u / 36 - 1, abs=1e-5)


def test_too_few_words_and_no_variance_have_none():
    few = analyse(controlled(groups={"a": terms("ann", 3), "b": terms("bob", 3)}), rough)
    assert set(beside(only(few))) & {"cliffs_delta", "rank_biserial"} == set()
    flat = analyse(controlled(), lambda p: 0.0)
    assert "consistency" not in beside(only(flat))


def rougher(prompt):
    pull = 0.3 if (prompt.group, prompt.pole) == ("a", "+") else 0.0
    sentences = 0.3 * noise(prompt.template, prompt.group, prompt.pole)
    return pull + sentences + 0.3 * noise(prompt.label, prompt.pole) + 0.1 * noise(prompt.text)


def test_unmatched_words_have_mann_and_whitneys_test():
    done = analyse(controlled(groups={"a": terms("ann", 5), "b": terms("bob", 6)}), rougher)
    result, y = only(done), responses(done, ["group", "label"])
    found = beside(result)
    words = [y[g].mean().to_numpy() for g in "ab"]
    exact = stats.mannwhitneyu(*words, method="exact")
    assert found["cliffs_delta"].p_value == pytest.approx(exact.pvalue, rel=1e-4)
    delta = [t.value for t in result.by_template]
    wanted = stats.wilcoxon(delta, method="exact").pvalue
    assert found["sentence_ranks"].p_value == pytest.approx(wanted, rel=1e-4)
    inside = np.mean([y[g].to_numpy().var(ddof=1) for g in "ab"])
    assert found["standardised_gap"].value == pytest.approx(
        result.estimate / np.sqrt(inside), rel=1e-4
    )
    rows = [r for r in with_companions([result], {}) if r.metric == "sentence_ranks"]
    assert rows[0].p_value == found["sentence_ranks"].p_value


def test_matched_pairs_have_wilcoxons_test():
    done = analyse(controlled(groups={"a": pairs("ann", 7), "b": pairs("bob", 7)}), rougher)
    found, y = beside(only(done)), responses(done, ["group", "label"])
    d = np.array([y["a"].mean()[f"ann{i}"] - y["b"].mean()[f"bob{i}"] for i in range(1, 8)])
    wanted = stats.wilcoxon(d, method="exact").pvalue
    assert found["rank_biserial"].p_value == pytest.approx(wanted, rel=1e-4)
    inside = np.mean([y[g].to_numpy().var(ddof=1) for g in "ab"])
    assert found["standardised_gap"].value == pytest.approx(d.mean() / np.sqrt(inside), rel=1e-4)
    assert found["standardised_gap"].ci_low < found["standardised_gap"].ci_high


def test_exactly_these_words_have_the_ranks_of_sentences_only():
    done = analyse(controlled(groups={"a": terms("ann", 2), "b": terms("bob", 2)}), rougher)
    found = beside(only(done))
    assert "sentence_ranks" in found
    assert not {"cliffs_delta", "rank_biserial", "standardised_gap"} & set(found)


def test_all_groups_at_once_have_intervals_of_their_shares():
    groups = {name: terms(name * 3, 4) for name in ("ash", "elm", "oak")}
    done = analyse(controlled(groups=groups), rougher)
    (whole,) = (r for r in done.results.results if r.metric == "group_spread")
    for name in ("rank_agreement", "rank_share"):
        found = beside(whole)[name]
        assert 0 <= found.ci_low <= found.ci_high <= 1
    assert all("sentence_ranks" in beside(r) for r in primary(done))
