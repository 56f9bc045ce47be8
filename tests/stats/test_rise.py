"""Bounds on a rise against scipy's t, against each other, and in simulated pairs of models."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from benchmarks.validity import regression_gate as simulated
from bias_audit.stats import rise
from bias_audit.stats.contrast import matched_pairs


@dataclass(frozen=True)
class Bound:
    estimate: float
    se: float | None = 0.1
    df: float | None = 9.0


some = st.builds(Bound, st.floats(-2, 2), st.floats(0.01, 1), st.floats(1, 60))
both = st.lists(some, min_size=2, max_size=2)
levels = st.sampled_from([rise.LEVEL, rise.UNSURE_LEVEL])
limits = st.floats(0.05, 1)


@settings(deadline=None, max_examples=200)
@given(both, limits, levels)
def test_p_against_the_t_distribution(bounds, limit, level):
    def below(mean, b):
        return stats.t.cdf((mean - limit) / b.se, b.df)

    above = [stats.t.sf((b.estimate - limit) / b.se, b.df) for b in bounds]
    twice = 2 if level == 0.975 else 1
    assert rise.p_increased(bounds, limit, level) == pytest.approx(min(1, twice * min(above)))
    further, turned = bounds
    second = min(below(turned.estimate, turned), below(-further.estimate, further))
    held = max(below(further.estimate, further), second)
    assert rise.p_not_increased(bounds, limit, level) == pytest.approx(min(1, twice * held))
    alone = below(further.estimate, further)
    assert rise.p_not_increased([further], limit, level) == pytest.approx(min(1, twice * alone))


@settings(deadline=None, max_examples=200)
@given(both, limits, levels)
def test_bounds_and_p_say_the_same(bounds, limit, level):
    low, high = rise.rise_limits(bounds, level)
    assert low <= max(b.estimate for b in bounds)
    assert high >= bounds[0].estimate
    if abs(high - limit) > 1e-6:
        assert (rise.p_not_increased(bounds, limit, level) < 0.05) == (high < limit)
    if abs(low - limit) > 1e-6:
        assert (rise.p_increased(bounds, limit, level) < 0.05) == (low > limit)


@settings(deadline=None, max_examples=200)
@given(st.floats(-2, 2), st.floats(0, 2), st.floats(0.01, 1), st.floats(0.01, 1), limits, levels)
def test_a_rise_is_never_both_held_and_shown(x, b, se, wide, limit, level):
    bounds = [Bound(x - b, se), Bound(-x - b, wide)]
    held = rise.p_not_increased(bounds, limit, level)
    risen = rise.p_increased(bounds, limit, level)
    assert max(held, risen) > 0.05
    low, high = rise.rise_limits(bounds, level)
    assert low <= abs(x) - b <= high


def test_a_small_step_holds_however_noisy_the_two_gaps_are():
    noisy = Bound(-0.02, se=0.5)
    assert rise.p_not_increased([Bound(0.01, se=0.05), noisy], 0.2, 0.975) < 0.05
    assert rise.p_not_increased([Bound(-0.25, se=0.05), noisy], 0.2, 0.975) > 0.05
    low, high = rise.rise_limits([Bound(0.0, se=1e-6), noisy], 0.975)
    assert low == pytest.approx(0, abs=1e-5)
    assert high == pytest.approx(0, abs=1e-5)


def test_a_claim_without_an_error_decides_nothing():
    bounds = [Bound(-1.0), Bound(-1.0, se=None, df=None)]
    assert rise.p_not_increased(bounds, 0.2, 0.95) is None
    assert rise.p_increased(bounds, 0.2, 0.95) is None
    assert rise.rise_limits(bounds, 0.95) is None
    assert rise.p_not_increased([], 0.2, 0.95) is None


def test_the_direction_is_the_baselines_and_doubted_where_it_may_be_zero():
    spread = np.array([[0.1], [-0.1], [0.2], [-0.2], [0.05], [-0.05]])

    def of(mean):
        return rise.direction(matched_pairs(mean + spread, scope="terms"))

    assert of(1.0) == (1, 0.95)
    assert of(-1.0) == (-1, 0.95)
    assert of(0.05) == (1, 0.975)
    assert of(-0.05) == (-1, 0.975)
    one = matched_pairs(np.array([[0.4]]), scope="terms")
    assert one.interval() is None
    assert rise.direction(one) == (1, 0.975)


PRINTED = {
    (8, 4): ((92, 8, 0), (46, 54, 0), (20, 80, 0), (4, 92, 4), (0, 67, 33), (0, 15, 85)),
    (12, 8): ((100, 0, 0), (78, 22, 0), (36, 64, 0), (4, 92, 4), (0, 40, 60), (0, 0, 100)),
    (16, 10): ((100, 0, 0), (89, 11, 0), (46, 54, 0), (4, 93, 4), (0, 27, 73), (0, 0, 100)),
    (24, 20): ((100, 0, 0), (99, 1, 0), (71, 29, 0), (4, 91, 5), (0, 6, 94), (0, 0, 100)),
}
"""Per cent passed, unclear, failed, as the specification of the method gives them."""


@pytest.mark.slow
@pytest.mark.parametrize("design", PRINTED)
def test_operating_characteristics_are_those_of_the_specification(design):
    runs = 4000
    for i, (size, expected) in enumerate(zip(simulated.RISES, PRINTED[design], strict=True)):
        rng = np.random.default_rng([*design, i])
        found = simulated.declared(rng, *design, size, runs)
        shares = [100 * found[key] / runs for key in ("pass", "unclear", "fail")]
        assert shares == pytest.approx(expected, abs=3), size
        if size == simulated.MARGIN:
            assert shares[0] <= 6
            assert shares[2] <= 6


@pytest.mark.slow
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("gap", simulated.GAPS)
def test_errors_stay_small_when_the_baseline_gives_the_direction(gap, turned):
    rng = np.random.default_rng([7, round(10 * gap), turned])
    found = simulated.signed(rng, 12, 8, gap, simulated.MARGIN, turned, 3000)
    assert found["pass"] <= 0.06 * 3000
    if not turned or gap in (0.0, 0.6, 1.0):  # see the module's text for the corner between
        assert found["fail"] <= 0.06 * 3000


def test_a_rise_at_the_margin_is_rarely_passed_or_failed():
    found = simulated.declared(np.random.default_rng(3), 12, 8, simulated.MARGIN, 400)
    assert max(found["pass"], found["fail"]) <= 0.08 * 400
    assert simulated.declared(np.random.default_rng(4), 12, 8, 0.8, 100)["fail"] >= 95
    assert simulated.declared(np.random.default_rng(5), 12, 8, -0.4, 100)["pass"] >= 95
