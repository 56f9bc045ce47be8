"""Shares of pairs against counting by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bias_audit.metrics.pair_preference import (
    adjust,
    by_category,
    compare_shares,
    flip,
    interval,
    outcomes,
    preference,
    published_crows,
)

MORE = np.array([-10.0, -12.0, -9.0, -7.0, -20.0, -3.0])
LESS = np.array([-11.0, -11.0, -9.0, -8.0, -25.0, -2.5])
WRITERS = ["ana", "ana", "ben", "ben", "cai", "cai"]


def test_the_share_of_a_small_example():
    found = preference(MORE, LESS)
    assert (found.wins, found.ties, found.losses) == (3, 1, 2)
    assert found.share.estimate == pytest.approx(100 * 3.5 / 6)
    assert found.from_neutral == pytest.approx(100 * 0.5 / 6)
    assert preference(MORE, LESS, ties="lost").share.estimate == 50.0
    differences = MORE - LESS
    assert found.gap.estimate == pytest.approx(differences.mean())
    assert found.consistency == pytest.approx(differences.mean() / differences.std(ddof=1))
    assert found.p_value() == pytest.approx(stats.ttest_1samp([100, 0, 50, 100, 100, 0], 50).pvalue)


def test_equal_scores_everywhere_are_neutral():
    """Invariant I-15."""
    found = preference(MORE, MORE)
    assert (found.share.estimate, found.ties, found.consistency) == (50.0, 6, None)
    assert found.p_value() == 1.0


def test_writers_count_instead_of_their_pairs():
    rng = np.random.default_rng(1)
    writers = np.repeat(np.arange(20), 10)
    scores = rng.normal(size=20)[writers] + 0.1 * rng.normal(size=200)
    alone = preference(scores, np.zeros(200))
    found = preference(scores, np.zeros(200), clusters=writers.tolist())
    assert found.share.estimate == alone.share.estimate
    assert found.share.se > 2 * alone.share.se
    assert found.share.n_clusters == 20


def test_categories_are_adjusted_together():
    rng = np.random.default_rng(2)
    names = ["age"] * 40 + ["race"] * 60 + ["one"]
    more = np.concatenate([rng.normal(1.2, 1, 40), rng.normal(0.3, 1, 60), [1.0]])
    found = by_category(more, np.zeros(101), names)
    assert [c.category for c in found] == ["age", "one", "race"]
    age, one, race = found
    assert (one.p_value, one.p_adjusted) == (None, None), "a single pair has no interval"
    assert age.p_value == preference(more[:40], np.zeros(40)).p_value()
    low, high = sorted([age.p_value, race.p_value])
    assert sorted([age.p_adjusted, race.p_adjusted]) == pytest.approx(
        [min(1, 2 * low), max(min(1, 2 * low), high)]
    )
    assert adjust({"a": None}) == {"a": None}


def test_the_published_script_rounds_and_drops_ties_from_the_parts_only():
    more = [-1.00012, -2.0, -3.0, -4.0]
    less = [-1.00044, -3.0, -2.0, -5.0]
    found = published_crows(more, less, ["stereo", "stereo", "antistereo", "antistereo"])
    assert found.ties == 1, "-1.000 and -1.000 after rounding"
    assert found.overall == 50.0
    assert (found.stereo, found.antistereo) == (100.0, 50.0)
    assert preference(more, less).ties == 0, "nothing is rounded by default"
    assert published_crows([-1.0], [-2.0], ["stereo"]).antistereo is None
    with pytest.raises(ValueError, match="one for each of 1"):
        published_crows([-1.0], [-2.0], [])


def test_two_models_are_compared_pair_by_pair():
    rng = np.random.default_rng(3)
    one = outcomes(rng.normal(size=300), np.zeros(300))
    two = np.where(rng.random(300) < 0.15, 1.0, one)
    writers = (np.arange(300) // 10).tolist()
    found = compare_shares(one, two, writers)
    assert found.only_first == 0
    assert found.only_second == int((two - one).sum())
    assert found.difference.estimate == pytest.approx(100 * (two.mean() - one.mean()))
    assert found.mcnemar == pytest.approx(
        stats.binomtest(0, found.only_second, 0.5).pvalue, rel=1e-9
    )
    assert found.difference.se < preference(two, one * 0).share.se * 1.5
    same = compare_shares(one, one, writers)
    assert (same.mcnemar, same.difference.estimate, same.difference.p_value()) == (1.0, 0.0, 1.0)


def test_worse_predictions_are_turned_round():
    worse = np.array([0.9, 0.2, 0.5])
    assert preference(flip(worse), flip([0.5, 0.5, 0.5])).wins == 1


def test_intervals_of_shares_stay_between_0_and_100():
    found = preference(np.array([1.0, 1, 1, 1, -1]), np.zeros(5))
    assert found.share.interval()[1] > 100
    low, high = interval(found.share)
    assert high == 100.0
    assert 0.0 <= low < 80
    assert interval(preference(MORE, MORE).share) is None


def test_lists_of_different_length_are_refused():
    with pytest.raises(ValueError, match="got 6, 5"):
        preference(MORE, LESS[:5])
    with pytest.raises(ValueError, match="one for each of 6"):
        by_category(MORE, LESS, ["age"])
