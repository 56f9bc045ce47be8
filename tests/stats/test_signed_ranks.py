"""Wilcoxon's test against scipy and enumeration; the two-way bootstrap of a standardised gap."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from bias_audit.stats.permutation import Permutation, decided
from bias_audit.stats.signed_ranks import wilcoxon
from bias_audit.stats.standardised import standardised

DELTA = (0.4, 0.3, 0.5, 0.2, 0.6, -0.1, 0.3, 0.4)


def rng(seed=1):
    return np.random.default_rng(seed)


def test_the_hand_checked_vector():
    assert wilcoxon(DELTA, rng()).p == 0.015625


@pytest.mark.parametrize("size", [5, 9, 14, 15, 24, 50])
def test_without_ties_it_is_scipys_exact_test(size):
    for seed in range(3):
        d = rng(seed).normal(0.3, 1, size)
        found = wilcoxon(d, rng())
        assert found.p == pytest.approx(stats.wilcoxon(d, method="exact").pvalue, rel=1e-9)
        assert found.exact


def test_ties_and_zeros_against_every_pattern_of_signs():
    d = np.array([0.0, 1.0, 1.0, -1.0, 2.0, 2.0, 3.0, 0.0, 4.0])
    kept = d[d != 0]
    ranks = stats.rankdata(np.abs(kept))
    seen = abs(np.sum(np.sign(kept) * ranks))
    every = np.array(list(itertools.product([1, -1], repeat=kept.size)))
    assert wilcoxon(d, rng()).p == pytest.approx(np.mean(np.abs(every @ ranks) >= seen - 1e-9))


def test_many_differences_are_drawn_and_meet_scipys_approximation():
    d = np.round(rng(4).normal(0.15, 1, 80), 1)
    found = wilcoxon(d, rng(), 9999)
    assert not found.exact
    assert found.p == pytest.approx(stats.wilcoxon(d, method="approx").pvalue, abs=0.02)


def test_nothing_there_gives_p_1_and_the_largest_value_is_only_the_largest():
    assert wilcoxon([0.0, 0.0], rng()).p == 1
    assert wilcoxon([1, 2, 3, 4, 5, 6], rng()).p == wilcoxon([1, 2, 3, 4, 5, 1e9], rng()).p
    with pytest.raises(ValueError, match="finite"):
        wilcoxon([np.nan, 1.0], rng())


def test_p_is_uniform_where_nothing_is_there():
    generator = rng(6)
    p = np.array([wilcoxon(generator.standard_t(3, 10), generator).p for _ in range(2000)])
    assert np.mean(p <= 0.05) <= 0.06
    spread = p - generator.random(p.size) * 2 / 2**10
    assert stats.kstest(spread, "uniform", alternative="greater").pvalue > 0.01


@pytest.mark.parametrize(
    ("p", "exact", "draws"),
    [(0.052, False, [99, 999]), (0.4, False, [99]), (0.052, True, [99])],
)
def test_a_p_near_the_threshold_is_drawn_again_with_ten_times_the_draws(p, exact, draws):
    asked = []

    def test(number):
        asked.append(number)
        return Permutation(p=p, method="", exact=exact, draws=number)

    assert decided(test, 99).draws == draws[-1]
    assert asked == draws


def test_standardised_is_the_gap_in_standard_deviations_of_cells():
    y = rng(2).normal(0, 0.5, (10, 9))
    y[:, :4] += 1.0
    a, b = np.arange(4), np.arange(4, 9)
    found = standardised(y, [a, b], [1.0, -1.0], rng(), 400)
    inside = (y[:, a].var(ddof=1) + y[:, b].var(ddof=1)) / 2
    assert found.value == pytest.approx((y[:, a].mean() - y[:, b].mean()) / np.sqrt(inside))
    assert found.low < found.value < found.high
    again = standardised(10 * y + 3, [a, b], [1.0, -1.0], rng(), 400)
    assert (again.value, again.low) == pytest.approx((found.value, found.low))


def test_standardised_against_a_bootstrap_in_loops():
    y = rng(5).normal(0.4, 1, (8, 5))
    found = standardised(y, [range(5)], [1.0], rng(), 2000)
    generator, drawn = rng(9), []
    for _ in range(2000):
        rows = generator.integers(8, size=8)
        cells = y[rows][:, generator.integers(5, size=5)]
        drawn.append(cells.mean() / cells.std(ddof=1))
    assert (found.low, found.high) == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.06)


def test_matched_pairs_are_drawn_whole_and_measured_in_their_cells():
    generator = rng(12)
    y = generator.normal(0, 0.3, (9, 20)) + np.tile(generator.normal(0, 1, 10), 2)
    y[:, :10] += 0.5
    order = generator.permutation(10)
    a, b = order, order + 10
    found = standardised(y, [a, b], [1.0, -1.0], rng(), 2000, paired=True)
    inside = (y[:, a].var(ddof=1) + y[:, b].var(ddof=1)) / 2
    assert found.value == pytest.approx((y[:, a].mean() - y[:, b].mean()) / np.sqrt(inside))
    drawn = []
    for _ in range(2000):
        rows, pairs = generator.integers(9, size=9), generator.integers(10, size=10)
        one, two = y[rows][:, a[pairs]], y[rows][:, b[pairs]]
        drawn.append((one.mean() - two.mean()) / np.sqrt((one.var(ddof=1) + two.var(ddof=1)) / 2))
    assert (found.low, found.high) == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.05)
    loose = standardised(y, [a, b], [1.0, -1.0], rng(), 500)
    assert loose.high - loose.low > 2 * (found.high - found.low), "words of a pair go together"
    with pytest.raises(ValueError, match="as many columns in every group"):
        standardised(y, [a, b[:3]], [1.0, -1.0], rng(), 20, paired=True)


def test_the_interval_holds_the_truth():
    generator, held = rng(8), 0
    for _ in range(150):
        y = generator.normal(0, 0.4, (12, 1)) + generator.normal(0, 0.3, (1, 10))
        y = 0.5 + y + generator.normal(0, 0.5, (12, 10))
        found = standardised(y, [range(10)], [1.0], generator, 199)
        held += found.low <= 0.5 / np.sqrt(0.16 + 0.09 + 0.25) <= found.high
    assert held / 150 >= 0.9


def test_cells_that_do_not_vary_have_no_standardised_gap():
    flat = np.repeat([1.0, 2.0], 3)[None].repeat(4, axis=0)
    assert standardised(flat, [range(3), range(3, 6)], [1.0, -1.0], rng(), 20) is None
    assert standardised(np.ones((1, 2)), [[0], [1]], [1.0, -1.0], rng(), 20) is None
