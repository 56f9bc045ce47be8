"""The two-way bootstrap."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bias_audit.stats.contrast import two_groups
from bias_audit.stats.resample import pigeonhole

from .helpers import crossed

A, B = np.arange(20), np.arange(20, 40)


def mean_gap(y, groups):
    return float(y[:, groups[0]].mean() - y[:, groups[1]].mean())


def rng(seed=1):
    return np.random.default_rng(seed)


def cliff(y, groups):
    u = stats.mannwhitneyu(y[:, groups[0]].mean(0), y[:, groups[1]].mean(0)).statistic
    return 2 * u / (len(groups[0]) * len(groups[1])) - 1


def test_standard_error_meets_the_closed_form():
    y = crossed(rng(), rows=30, terms=20, vc=0.3, vb=0.5, ve=0.2, effect=0.4)
    found = pigeonhole(y, [A, B], mean_gap, rng(), 1500)
    exact = two_groups(y, A, B, scope="concept")
    assert found.estimate == pytest.approx(exact.estimate)
    assert found.se == pytest.approx(exact.se, rel=0.08)
    assert found.low < found.estimate < found.high


def test_against_loops():
    y = crossed(rng(4), rows=6, terms=20, effect=0.4)
    generator, gaps = rng(9), []
    for _ in range(1500):
        rows = generator.integers(6, size=6)
        a, b = generator.choice(A, 20), generator.choice(B, 20)
        gaps.append(y[np.ix_(rows, a)].mean() - y[np.ix_(rows, b)].mean())
    found = pigeonhole(y, [A, B], mean_gap, rng(), 1500, level=0.9)
    limits = tuple(np.quantile(gaps, [0.05, 0.95]))
    assert (found.low, found.high) == pytest.approx(limits, abs=0.06)


def test_any_statistic_fits():
    y = crossed(rng(), rows=10, terms=20, effect=2.0)
    found = pigeonhole(y, [A, B], cliff, rng(), 200)
    assert -1 <= found.low <= found.estimate <= found.high <= 1
    assert found.draws == 200


def test_i21_same_seed_same_record():
    y = crossed(rng(), rows=10, terms=20)
    found = [pigeonhole(y, [A, B], mean_gap, rng(s), 100) for s in (1, 1, 2)]
    assert found[0] == found[1]
    assert found[0] != found[2]


def test_draws_without_a_value_are_left_out_or_refused():
    y = np.arange(12.0).reshape(3, 4)
    assert pigeonhole(y, [[0, 1], [2, 3]], lambda *_: float("nan"), rng(), 10) is None
    calls = iter([1.0, float("nan"), *range(9)])
    assert pigeonhole(y, [[0, 1], [2, 3]], lambda *_: next(calls), rng(), 10).draws == 9
    with pytest.raises(ValueError, match="level"):
        pigeonhole(y, [[0, 1], [2, 3]], mean_gap, rng(), 10, level=90)
