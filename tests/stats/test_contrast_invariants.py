"""Properties that hold for every response matrix (numbers as in the specification, 5.3)."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bias_audit.stats.contrast import two_groups, versus_rest
from bias_audit.stats.fragility import decided_side

from .helpers import halves, matrices

modest = settings(deadline=None, max_examples=60)
scopes = st.sampled_from(["terms", "concept", "templates"])


def numbers(c):
    return (c.estimate, c.se, c.df, c.p_value(), c.skew, c.largest_share)


def same(one, other):
    """Equal up to rounding; a standard error made of rounding has no digits worth comparing."""
    assert one.estimate == pytest.approx(other.estimate, rel=1e-9, abs=1e-9)
    if one.status == other.status == "ok" and min(one.se, other.se) > 1e-6:
        assert one.se == pytest.approx(other.se, rel=1e-6)
        assert one.df == pytest.approx(other.df, rel=1e-5)
        assert one.p_value() == pytest.approx(other.p_value(), rel=1e-4, abs=1e-6)


@modest
@given(matrices(), scopes)
def test_i1_identical_groups_show_nothing(y, scope):
    a, _ = halves(y)
    c = two_groups(y, a, a, scope=scope)
    assert c.estimate == 0
    assert c.p_value() == 1
    assert decided_side(c, 0.2) in (None, 0)


@modest
@given(matrices(), scopes)
def test_i2_swapping_groups_negates(y, scope):
    a, b = halves(y)
    one, other = two_groups(y, a, b, scope=scope), two_groups(y, b, a, scope=scope)
    assert other.estimate == -one.estimate
    assert other.delta == tuple(-value for value in one.delta)
    assert (other.se, other.p_value(), other.status) == (one.se, one.p_value(), one.status)
    assert other.df == (None if one.df is None else pytest.approx(one.df, rel=1e-12))
    if one.interval():
        low, high = one.interval()
        assert other.interval() == pytest.approx((-high, -low), rel=1e-9)


@modest
@given(matrices(), scopes)
def test_i3_swapping_poles_negates(y, scope):
    a, b = halves(y)
    one, other = two_groups(y, a, b, scope=scope), two_groups(-y, a, b, scope=scope)
    assert (other.estimate, other.se, other.df) == (-one.estimate, one.se, one.df)


@modest
@given(matrices(cols=(6, 9)))
def test_i6_differences_chain(y):
    a, b, c = [0, 1], [2, 3], list(range(4, y.shape[1]))
    ab, bc, ac = (two_groups(y, *pair, scope="terms").estimate for pair in ((a, b), (b, c), (a, c)))
    assert ab + bc == pytest.approx(ac, abs=1e-9)
    rest = [versus_rest(y, [a, b, c], which, scope="terms").estimate for which in range(3)]
    assert sum(rest) == pytest.approx(0, abs=1e-9)
    assert rest[0] == pytest.approx((ab + ac) / 2, abs=1e-9)


@modest
@given(matrices(), scopes, st.randoms(use_true_random=False))
def test_i7_order_changes_nothing(y, scope, random):
    a, b = halves(y)
    rows = random.sample(range(y.shape[0]), y.shape[0])
    cols = random.sample(range(y.shape[1]), y.shape[1])
    place = {old: new for new, old in enumerate(cols)}
    mixed = y[rows][:, cols]
    other = two_groups(mixed, [place[t] for t in a], [place[t] for t in b], scope=scope)
    same(two_groups(y, a, b, scope=scope), other)


@modest
@given(matrices())
def test_i9_duplicates_look_like_more_evidence(y):
    a, b = halves(y)
    once = two_groups(y, a, b, scope="terms")
    twice = two_groups(np.repeat(y, 2, axis=0), a, b, scope="terms")
    assert twice.estimate == pytest.approx(once.estimate, abs=1e-12)
    if once.status == twice.status == "ok":
        assert twice.se < once.se


@modest
@given(matrices(), scopes, st.floats(-50, 50))
def test_i10_template_effects_cancel(y, scope, shift):
    a, b = halves(y)
    moved = y + shift * np.arange(len(y))[:, None]
    same(two_groups(y, a, b, scope=scope), two_groups(moved, a, b, scope=scope))


@modest
@given(matrices(), scopes, st.floats(-5, 5))
def test_i14_an_injected_shift_moves_the_estimate_by_itself(y, scope, shift):
    a, b = halves(y)
    moved = y.copy()
    moved[:, a] += shift
    before, after = two_groups(y, a, b, scope=scope), two_groups(moved, a, b, scope=scope)
    assert after.estimate - before.estimate == pytest.approx(shift, abs=1e-9)
    if before.status == after.status == "ok" and before.se > 1e-6:
        assert after.se == pytest.approx(before.se, rel=1e-6)


@modest
@given(matrices(), scopes, st.floats(0.05, 3), st.floats(0.005, 0.4))
def test_i18_intervals_nest_and_agree_with_p(y, scope, margin, alpha):
    a, b = halves(y)
    c = two_groups(y, a, b, scope=scope)
    if c.status != "ok":
        return
    limits = [c.interval(level) for level in (0.9, 0.95, 0.99)]
    for inner, outer in itertools.pairwise(limits):
        assert outer[0] <= inner[0] <= c.estimate <= inner[1] <= outer[1]
    low, high = c.interval(1 - alpha)
    edge = 1e-9 * max(1, abs(low), abs(high))
    if min(abs(low), abs(high), abs(low - margin), abs(high + margin)) > edge:
        assert (c.p_value() <= alpha) == (low > 0 or high < 0)
    low, high = c.interval(1 - 2 * alpha)
    if c.p_beyond(margin) <= alpha:  # both tails: a little stricter than the one-sided bound
        assert low > margin - edge or high < -margin + edge
    if min(abs(low + margin), abs(high - margin)) > edge:
        assert (c.p_inside(margin) <= alpha) == (-margin < low and high < margin)


@modest
@given(matrices(), scopes, st.floats(0.01, 3), st.floats(0, 5))
def test_i19_a_wider_margin_never_hurts(y, scope, margin, wider):
    order = {-1: 0, 1: 0, None: 1, 0: 2}
    a, b = halves(y)
    c = two_groups(y / 10, a, b, scope=scope)
    narrow, wide = (decided_side(c, m) for m in (margin, margin + wider))
    assert order[wide] >= order[narrow]
