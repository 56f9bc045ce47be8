"""Sizes without a unit beside a primary gap, again from the stored scores and by scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tests.audit.world import (
    CONTROLS,
    controlled,
    job_sentences,
    make,
    noise,
    only,
    run,
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
    return run(controlled(groups={"a": terms("ann", 6), "b": terms("bob", 5)}), rough)


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
    done = run(controlled(), rough)
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

    done = run(masked, pull)
    frame = done.measured.tables["trial"].frame
    scores = frame.pivot_table(index="target", columns="group", values="log_prob")
    gaps, poles = scores["a"] - scores["b"], frame.groupby("target")["pole"].first()
    u = stats.mannwhitneyu(gaps[poles == "+"], gaps[poles == "-"]).statistic
    found = beside(only(done))["cliffs_delta"]
    assert found.value == pytest.approx(2 * u / 36 - 1, abs=1e-5)


def test_too_few_words_and_no_variance_have_none():
    few = run(controlled(groups={"a": terms("ann", 3), "b": terms("bob", 3)}), rough)
    assert set(beside(only(few))) & {"cliffs_delta", "rank_biserial"} == set()
    flat = run(controlled(), lambda p: 0.0)
    assert "consistency" not in beside(only(flat))
