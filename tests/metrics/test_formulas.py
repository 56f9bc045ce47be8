"""Measures beside the log-odds gap: closed shares, four fifths, whole distances, statistics."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import softmax

from bias_audit.metrics.four_fifths import closed_log_share, impact_ratio, ratio_limits
from bias_audit.metrics.labour import mean_distance
from bias_audit.metrics.log_odds import (
    aitchison_distance,
    target_differences,
)
from bias_audit.stats.contrast import (
    one_group,
    several_groups,
    two_by_two,
    two_claims,
    two_groups,
)

modest = settings(deadline=None, max_examples=60)
cubes = hnp.arrays(np.float64, (3, 4, 5), elements=st.floats(-12, -0.1))
A, B = (2.0, 1.0, 0.5, 0.0), (0.5, 0.5, 1.5, 1.0)
"""The hand-checkable example: log-scores of two poles of two targets."""


def test_aitchison_is_the_spread_of_the_centred_ratios():
    scores = np.array([[A, B]])
    d = target_differences(scores, [0], [1])
    assert aitchison_distance(d) == pytest.approx(math.sqrt(np.mean((d - np.mean(d)) ** 2)))
    assert aitchison_distance([3.0, 3.0, 3.0]) == 0.0


@modest
@given(cubes, st.floats(-5, 5))
def test_what_is_added_to_a_sentence_or_to_every_target_leaves_the_distance(scores, more):
    there = aitchison_distance(target_differences(scores, [0, 1], [2, 3]))
    moved = scores.copy()
    moved[:, :2] += more
    assert aitchison_distance(target_differences(moved, [0, 1], [2, 3])) == pytest.approx(
        there, abs=1e-9
    )


@modest
@given(cubes)
def test_a_closed_share_is_a_softmax(scores):
    found = closed_log_share(scores, [0, 2], [0, 1, 2, 4])
    slow = softmax(scores[:, :, [0, 1, 2, 4]], axis=2)[:, :, [0, 2]].sum(axis=2)
    np.testing.assert_allclose(np.exp(found), slow, rtol=1e-9)
    assert (found <= 0).all()
    shifted = scores + np.arange(3)[:, None, None]
    np.testing.assert_allclose(closed_log_share(shifted, [0, 2], [0, 1, 2, 4]), found, atol=1e-9)


def test_the_ratio_of_shares():
    assert impact_ratio(np.log([0.4, 0.5])) == pytest.approx(0.8)
    assert impact_ratio(np.log([0.5, 0.4, 0.2])) == pytest.approx(0.4)
    assert impact_ratio(np.log([0.3, 0.3])) == 1.0
    assert impact_ratio(np.log([1e-7, 1e-9])) is None


@modest
@given(hnp.arrays(np.float64, st.integers(2, 8), elements=st.floats(-13, 0)))
def test_a_ratio_of_shares_lies_in_its_range_whatever_the_order(shares):
    ratio = impact_ratio(shares)
    assert ratio is None or 0 <= ratio <= 1
    assert impact_ratio(shares[::-1]) == ratio


@modest
@given(*(st.floats(a, b).map(lambda x: round(x, 9)) for a, b in ((-3, 3), (0, 2))))
def test_limits_of_a_ratio_hold_it_and_reach_one_only_across_parity(middle, half):
    low, high = ratio_limits(middle - half, middle + half)
    assert 0 < low <= math.exp(-abs(middle)) * (1 + 1e-12)
    assert math.exp(-abs(middle)) <= high * (1 + 1e-12) <= 1 + 1e-12
    assert (high == 1.0) == (middle - half <= 0 <= middle + half)


def test_a_distance_from_the_statistics():
    logits = np.log([0.8 / 0.2, 0.3 / 0.7])
    assert mean_distance(logits, [0.9, 0.1]) == pytest.approx(0.15)
    assert mean_distance(logits, [0.8, 0.3]) == pytest.approx(0.0)


def crossed_cells(y, cells, scope="concept"):
    """The interaction of a (templates, words) response, with two targets of a pole that are it."""
    scores = np.stack([y, y, 0 * y, 0 * y], axis=2)
    factors = [
        one_group("templates", len(y)),
        two_by_two(cells, y.shape[1]),
        several_groups("targets", [[0, 1], [2, 3]], (1, -1)),
    ]
    return two_claims(scores, factors, scope=scope)[0]


def test_an_interaction_is_a_gap_of_gaps():
    y = np.random.default_rng(5).normal(size=(6, 8))
    cells = [[0, 1], [2, 3], [4, 5], [6, 7]]
    found = crossed_cells(y, cells)
    one = two_groups(y, cells[0], cells[1], scope="concept")
    other = two_groups(y, cells[2], cells[3], scope="concept")
    assert found.estimate == pytest.approx(one.estimate - other.estimate)
    assert found.variance["terms"] == pytest.approx(one.variance["terms"] + other.variance["terms"])
    delta = np.array(one.delta) - np.array(other.delta)
    assert found.variance["templates"] == pytest.approx(np.var(delta, ddof=1) / 6)


@modest
@given(hnp.arrays(np.float64, (4, 4), elements=st.floats(-5, 5)), st.floats(-5, 5))
def test_what_an_axis_adds_alone_is_no_interaction(y, more):
    cells = [[0], [1], [2], [3]]
    plain = crossed_cells(y, cells, "terms").estimate
    by_first, by_second = y.copy(), y.copy()
    by_first[:, :2] += more
    by_second[:, ::2] += more
    assert crossed_cells(by_first, cells, "terms").estimate == pytest.approx(plain, abs=1e-9)
    assert crossed_cells(by_second, cells, "terms").estimate == pytest.approx(plain, abs=1e-9)
    turned = crossed_cells(y, [cells[i] for i in (1, 0, 3, 2)], "terms").estimate
    assert turned == pytest.approx(-plain, abs=1e-9)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: closed_log_share(np.zeros((1, 2, 3)), [0, 1], [1, 2]),
        lambda: impact_ratio([0.0]),
        lambda: mean_distance([0.0, 1.0], [0.5]),
        lambda: two_by_two([[0], [1], [2]], 3),
        lambda: aitchison_distance([math.nan]),
    ],
)
def test_what_does_not_fit_is_refused(wrong):
    with pytest.raises(ValueError):  # noqa: PT011
        wrong()
