"""Similarity gaps: the arithmetic against plain code, and intervals that keep their promise."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import mannwhitneyu

from bias_audit.errors import ScoringError
from bias_audit.metrics.score_cube import Scores, standardise
from bias_audit.metrics.similarity import pairs_closer
from bias_audit.results.evidence import COSINE, EVIDENCE_COLUMNS
from bias_audit.stats.contrast import matched_pairs


def table(cosines, groups):
    """Rows of an array of cosines, (templates, units, targets)."""
    rows = []
    for (j, t, a), value in np.ndenumerate(cosines):
        row = dict.fromkeys(EVIDENCE_COLUMNS, "")
        row |= {"template": f"s{j}", "group": groups[t], "term": f"t{t}", "target": f"a{a}"}
        rows.append(row | {"log_prob": value})
    return pd.DataFrame(rows)


def test_scores_are_in_standard_deviations_of_their_frame():
    cosines = np.random.default_rng(3).normal(0.3, [[[0.02]], [[0.1]]], (2, 4, 5))
    scored = standardise(table(cosines, "aabb"))
    values = scored["log_prob"].to_numpy().reshape(cosines.shape)
    for j in range(2):
        wanted = (cosines[j] - cosines[j].mean()) / cosines[j].std()
        np.testing.assert_allclose(values[j], wanted, atol=1e-9)
    np.testing.assert_array_equal(scored[COSINE], cosines.ravel())


def test_groups_that_are_not_compared_do_not_move_the_spread():
    cosines = np.random.default_rng(4).normal(0.3, 0.05, (3, 4, 5))
    far = cosines.copy()
    far[:, 3] -= 0.9
    kept, moved = (
        standardise(table(one, "aabx"), beside=["x"]).query("group != 'x'")["log_prob"]
        for one in (cosines, far)
    )
    np.testing.assert_allclose(kept, moved, atol=1e-12)


def test_a_frame_that_tells_nothing_apart_is_zero():
    cosines = np.stack([np.full((2, 3), 0.4), np.arange(6).reshape(2, 3) / 10])
    scored = standardise(table(cosines, "ab"))
    assert (scored.query("template == 's0'")["log_prob"] == 0).all()
    assert scored["log_prob"].notna().all()


@pytest.mark.parametrize("value", [1.5, np.nan, np.inf])
def test_what_is_no_cosine_is_refused(value):
    cosines = np.full((1, 2, 2), 0.2)
    cosines[0, 0, 0] = value
    with pytest.raises(ScoringError, match="a cosine that is not a number or above 1"):
        Scores(standardise(table(cosines, "ab")))


def test_the_share_of_pairs_is_that_of_mann_and_whitney():
    d = np.random.default_rng(5).normal(size=(6, 9)).round(1)
    plus, minus = [0, 2, 4, 6], [1, 3, 5, 7, 8]
    each = [mannwhitneyu(row[plus], row[minus]).statistic / 20 for row in d]
    assert pairs_closer(d, plus, minus) == pytest.approx(np.mean(each), abs=1e-12)
    assert pairs_closer(d, minus, plus) == pytest.approx(1 - np.mean(each), abs=1e-12)
    assert pairs_closer(np.zeros((2, 4)), [0, 1], [2, 3]) == 0.5


WORDS = np.random.default_rng(7).normal(0, 1, 40)
"""How near the targets are anyway: the claim is about these very words."""


def interval(rng, gap, *, frames=12, pairs=8):
    """The gap of one simulated probe in standard deviations, with its 95 % interval.

    Frames differ in scale, and frames and pairs of words in their gaps.
    """
    sign = np.repeat([1.0, -1.0], WORDS.size // 2)
    scale = rng.uniform(0.5, 2.0, (frames, 1, 1))
    level = WORDS + rng.normal(0, 0.5, (frames, 2 * pairs, 1))
    whose = np.repeat([0.5, -0.5], pairs)
    own = gap + rng.normal(0, 0.15, (frames, 1)) + np.tile(rng.normal(0, 0.2, pairs), 2)
    effect = (own * whose)[:, :, None] * sign / 2
    cells = 0.05 * scale * (level + effect + rng.normal(0, 0.6, level.shape))
    scaled = (cells - cells.mean((1, 2), keepdims=True)) / cells.std((1, 2), keepdims=True)
    y = scaled[:, :, sign > 0].mean(2) - scaled[:, :, sign < 0].mean(2)
    return matched_pairs(y[:, :pairs] - y[:, pairs:], scope="concept").interval()


@pytest.mark.parametrize("gap", [0.0, 0.8])
def test_intervals_cover_the_gap_although_the_spread_is_estimated(gap):
    """One spread a frame stretches gap and error alike: 95 % of the intervals hold the truth."""
    rng = np.random.default_rng(20)
    # what the gap comes to in standard deviations, from very many words and sentences
    many = np.mean([sum(interval(rng, gap, frames=60, pairs=40)) / 2 for _ in range(40)])
    intervals = [interval(rng, gap) for _ in range(400)]
    covered = np.mean([low <= many <= high for low, high in intervals])
    assert covered >= 0.93, covered
