"""Skewness, trimming and the bootstrap-t interval."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from bias_audit.stats.distribution_shape import (
    bootstrap_t_interval,
    largest_share,
    skew,
    trimmed_mean,
)

from .helpers import DELTA, nats


def rng():
    return np.random.default_rng(7)


@pytest.mark.parametrize("size", [3, 8, 50])
def test_skew_is_scipys(size):
    values = rng().lognormal(size=size)
    assert skew(values) == pytest.approx(stats.skew(values), rel=1e-12)


def test_skew_of_a_constant_is_zero():
    assert skew(np.full(8, 0.1)) == 0
    assert skew([2.0]) == 0


@settings(deadline=None, max_examples=50)
@given(hnp.arrays(np.float64, st.integers(1, 20), elements=nats))
def test_shares_and_skew_stay_in_range(delta):
    assert 0 <= largest_share(delta) <= 1
    assert abs(skew(delta)) <= max(0.0, (delta.size - 2) / max(1, delta.size - 1) ** 0.5) + 1e-6


def test_largest_share_names_a_lone_unit():
    assert largest_share([5.0, 0.0, 0.0, -1.0]) == pytest.approx(5 / 6)
    assert largest_share([1.0] * 8) == pytest.approx(1 / 8)
    assert largest_share([0.0, 0.0]) == 0


@pytest.mark.parametrize("size", [5, 8, 10, 23])
def test_trimmed_mean_is_yuens(size):
    values = rng().standard_t(3, size=size)
    mean, variance, df = trimmed_mean(values, 0.2)
    other = stats.ttest_ind(values, -values, equal_var=False, trim=0.2)
    assert mean == pytest.approx(stats.trim_mean(values, 0.2), rel=1e-12)
    assert 2 * mean / np.sqrt(2 * variance) == pytest.approx(other.statistic, rel=1e-10)
    assert 2 * df == pytest.approx(other.df, rel=1e-10)


def test_trimming_is_bounded():
    assert trimmed_mean([1.0, 2.0, 9.0], 0.4) == (2.0, 0.0, 0)
    with pytest.raises(ValueError, match="share"):
        trimmed_mean(DELTA, 0.5)


def slow_bootstrap_t(delta, level, draws, generator):
    """Second implementation: one resample after the other, with Python's own statistics."""
    from statistics import fmean, stdev

    mean, root = fmean(delta), len(delta) ** 0.5
    t = []
    for _ in range(draws):
        drawn = generator.choice(delta, len(delta)).tolist()
        if (spread := stdev(drawn)) > 1e-9:
            t.append((fmean(drawn) - mean) / (spread / root))
    low, high = np.quantile(t, [(1 - level) / 2, (1 + level) / 2])
    width = stdev(delta) / root
    return mean - high * width, mean - low * width


def test_bootstrap_t_against_loops():
    found = bootstrap_t_interval(DELTA, 0.9, rng(), 9999)
    other = slow_bootstrap_t(DELTA.tolist(), 0.9, 9999, np.random.default_rng(8))
    assert found == pytest.approx(other, abs=0.02)


def test_bootstrap_t_meets_the_t_interval_in_large_normal_samples():
    values = rng().normal(size=200)
    t = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert bootstrap_t_interval(values, 0.95, rng()) == pytest.approx(tuple(t), abs=0.02)


def test_bootstrap_t_stretches_to_the_standard_error_given():
    narrow = bootstrap_t_interval(DELTA, 0.95, rng(), se=0.1)
    wide = bootstrap_t_interval(DELTA, 0.95, rng(), se=0.2)
    mean = DELTA.mean()
    assert np.subtract(wide, mean) == pytest.approx(2 * np.subtract(narrow, mean))


def test_bootstrap_t_without_variance_is_none():
    assert bootstrap_t_interval([0.1] * 8, 0.95, rng()) is None
    assert bootstrap_t_interval([0.1], 0.95, rng()) is None
    with pytest.raises(ValueError, match="level"):
        bootstrap_t_interval(DELTA, 95, rng())


def test_bootstrap_t_with_two_templates_is_none_or_finite():
    found = bootstrap_t_interval([0.1, 0.4], 0.95, rng())
    assert found is None or np.isfinite(found).all()
