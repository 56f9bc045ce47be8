"""Effect sizes and their bootstrap against hand-worked numbers, scipy and loops."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bias_audit.stats.contrast import two_groups
from bias_audit.stats.effect_sizes import (
    cliffs_delta,
    concordance,
    consistency,
    pigeonhole_bootstrap,
    rank_biserial,
    rank_share,
    standardise,
)

from .helpers import DELTA, crossed, halves


def rng(seed=3):
    return np.random.default_rng(seed)


class TestConsistency:
    def test_printed_example(self):
        assert consistency(DELTA).value == pytest.approx(1.532065, abs=5e-7)

    @pytest.mark.parametrize("level", [0.9, 0.95])
    def test_limits_are_where_the_observed_t_is_a_tail(self, level):
        found = consistency(DELTA, level)
        t, root, tail = found.value * np.sqrt(8), np.sqrt(8), (1 - level) / 2
        assert stats.nct.sf(t, 7, found.low * root) == pytest.approx(tail, rel=1e-6)
        assert stats.nct.cdf(t, 7, found.high * root) == pytest.approx(tail, rel=1e-6)

    def test_sign_and_what_has_none(self):
        one, other = consistency(DELTA), consistency(-DELTA)
        assert (other.low, other.high) == pytest.approx((-one.high, -one.low))
        assert consistency([0.3]) is None
        assert consistency([0.3, 0.3, 0.3]) is None


class TestCliff:
    def test_printed_example(self):
        y = np.array([[3.0, 4.0, 5.0, 6.0, 1.0, 2.0, 3.0, 4.0]])
        found = cliffs_delta(y, range(4), range(4, 8), rng(), 99)
        assert found.value == 0.75

    def test_against_mann_whitney(self):
        y = crossed(rng(2), rows=6, terms=7, effect=0.8)
        a, b = halves(y)
        u = stats.mannwhitneyu(y[:, a].mean(axis=0), y[:, b].mean(axis=0)).statistic
        found = cliffs_delta(y, a, b, rng(), 299)
        assert found.value == pytest.approx(2 * u / 49 - 1)
        assert -1 <= found.low <= found.value <= found.high <= 1
        turned = cliffs_delta(y, b, a, rng(), 299)
        assert turned.value == pytest.approx(-found.value)


class TestRankBiserial:
    def test_printed_example(self):
        assert rank_biserial(DELTA, rng()).value == pytest.approx(0.944444, abs=5e-7)

    def test_against_the_signed_rank_statistic(self):
        d = rng(7).normal(0.3, 1, 15)
        up = stats.wilcoxon(d, alternative="greater").statistic  # sum of the positive ranks
        assert rank_biserial(d, rng()).value == pytest.approx(2 * up / (15 * 16 / 2) - 1)

    def test_zeros_are_left_out(self):
        d = np.array([0.0, 2.0, 0.0, -1.0, 3.0])
        alone = rank_biserial(d[d != 0], rng()).value
        assert rank_biserial(d, rng()).value == pytest.approx(alone)
        assert rank_biserial(np.zeros(4), rng()).value == 0


class TestSharesOfRanks:
    def test_w_against_friedman(self):
        rows = rng(4).normal([0.0, 0.4, 0.8], 1, (12, 3))
        found = concordance(rows, rng(), 499)
        assert found.value == pytest.approx(stats.friedmanchisquare(*rows.T).statistic / 24)
        assert 0 <= found.low <= found.high <= 1

    def test_epsilon_squared_against_scipy(self):
        values = rng(5).normal(np.repeat([0.0, 0.5, 1.0], [4, 5, 6]), 1)
        groups = [np.arange(4), np.arange(4, 9), np.arange(9, 15)]
        found = rank_share(values, groups, rng(), 999)
        h = stats.kruskal(*(values[g] for g in groups)).statistic
        assert found.value == pytest.approx(h / 14)
        assert 0 <= found.low < found.high <= 1


@pytest.mark.parametrize("level", [0, 1])
def test_a_level_outside_its_range_is_refused(level):
    for call in (
        lambda: consistency(DELTA, level),
        lambda: rank_biserial(DELTA, rng(), level=level),
        lambda: rank_share(DELTA, [[0, 1], [2, 3]], rng(), level=level),
    ):
        with pytest.raises(ValueError, match="level"):
            call()


@pytest.mark.parametrize("size", [2, 8, 12])
def test_consistency_of_gaps_that_hardly_vary_is_quick_and_continuous(size):
    wobble = np.random.default_rng(8).normal(size=size)
    wobble = (wobble - wobble.mean()) / wobble.std(ddof=1)
    below, above = (consistency(d_z + wobble) for d_z in (299.0, 301.0))
    assert below.method != above.method
    for name in ("low", "high"):
        assert getattr(above, name) / 301 == pytest.approx(getattr(below, name) / 299, rel=1e-3)
    far = consistency(0.3 + 1.6e-8 * wobble)
    assert far.low < far.value < far.high
    mirrored = consistency(-0.3 - 1.6e-8 * wobble)
    assert (mirrored.low, mirrored.high) == pytest.approx((-far.high, -far.low))


A, B = np.arange(20), np.arange(20, 40)


def mean_gap(y, groups):
    return float(y[:, groups[0]].mean() - y[:, groups[1]].mean())


def test_standard_error_meets_the_closed_form():
    y = crossed(rng(), rows=30, terms=20, vc=0.3, vb=0.5, ve=0.2, effect=0.4)
    found = pigeonhole_bootstrap(y, [A, B], mean_gap, rng(), 1500)
    exact = two_groups(y, A, B, scope="concept")
    assert found.value == pytest.approx(exact.estimate)
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * exact.se, rel=0.08)
    assert found.low < found.value < found.high


def test_against_loops():
    y = crossed(rng(4), rows=6, terms=20, effect=0.4)
    generator, gaps = rng(9), []
    for _ in range(1500):
        rows = generator.integers(6, size=6)
        a, b = generator.choice(A, 20), generator.choice(B, 20)
        gaps.append(y[np.ix_(rows, a)].mean() - y[np.ix_(rows, b)].mean())
    found = pigeonhole_bootstrap(y, [A, B], mean_gap, rng(), 1500, level=0.9)
    limits = tuple(np.quantile(gaps, [0.05, 0.95]))
    assert (found.low, found.high) == pytest.approx(limits, abs=0.06)


def test_i21_same_seed_same_record():
    y = crossed(rng(), rows=10, terms=20)
    found = [pigeonhole_bootstrap(y, [A, B], mean_gap, rng(s), 100) for s in (1, 1, 2)]
    assert found[0] == found[1]
    assert found[0] != found[2]


def test_draws_without_a_value_are_left_out_or_refused():
    y = np.arange(12.0).reshape(3, 4)
    assert pigeonhole_bootstrap(y, [[0, 1], [2, 3]], lambda *_: float("nan"), rng(), 10) is None
    calls = iter([1.0, float("nan"), *range(9)])
    found = pigeonhole_bootstrap(y, [[0, 1], [2, 3]], lambda *_: next(calls), rng(), 10)
    assert (found.value, found.low) == (1.0, pytest.approx(0.2))
    with pytest.raises(ValueError, match="level"):
        pigeonhole_bootstrap(y, [[0, 1], [2, 3]], mean_gap, rng(), 10, level=90)


def test_standardised_is_the_gap_in_standard_deviations_of_cells():
    y = rng(2).normal(0, 0.5, (10, 9))
    y[:, :4] += 1.0
    a, b = np.arange(4), np.arange(4, 9)
    found = standardise(y, [a, b], [1.0, -1.0], rng(), 400)
    inside = (y[:, a].var(ddof=1) + y[:, b].var(ddof=1)) / 2
    assert found.value == pytest.approx((y[:, a].mean() - y[:, b].mean()) / np.sqrt(inside))
    assert found.low < found.value < found.high
    again = standardise(10 * y + 3, [a, b], [1.0, -1.0], rng(), 400)
    assert (again.value, again.low) == pytest.approx((found.value, found.low))


def test_matched_pairs_are_drawn_whole_and_measured_in_their_cells():
    generator = rng(12)
    y = generator.normal(0, 0.3, (9, 20)) + np.tile(generator.normal(0, 1, 10), 2)
    y[:, :10] += 0.5
    order = generator.permutation(10)
    a, b = order, order + 10
    found = standardise(y, [a, b], [1.0, -1.0], rng(), 2000, paired=True)
    inside = (y[:, a].var(ddof=1) + y[:, b].var(ddof=1)) / 2
    assert found.value == pytest.approx((y[:, a].mean() - y[:, b].mean()) / np.sqrt(inside))
    drawn = []
    for _ in range(2000):
        rows, pairs = generator.integers(9, size=9), generator.integers(10, size=10)
        one, two = y[rows][:, a[pairs]], y[rows][:, b[pairs]]
        drawn.append((one.mean() - two.mean()) / np.sqrt((one.var(ddof=1) + two.var(ddof=1)) / 2))
    assert (found.low, found.high) == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.05)
    loose = standardise(y, [a, b], [1.0, -1.0], rng(), 500)
    assert loose.high - loose.low > 2 * (found.high - found.low), "words of a pair go together"
    with pytest.raises(ValueError, match="as many columns in every group"):
        standardise(y, [a, b[:3]], [1.0, -1.0], rng(), 20, paired=True)


@pytest.mark.slow
def test_the_interval_holds_the_truth():
    generator, held = rng(8), 0
    for _ in range(150):
        y = generator.normal(0, 0.4, (12, 1)) + generator.normal(0, 0.3, (1, 10))
        y = 0.5 + y + generator.normal(0, 0.5, (12, 10))
        found = standardise(y, [range(10)], [1.0], generator, 199)
        held += found.low <= 0.5 / np.sqrt(0.16 + 0.09 + 0.25) <= found.high
    assert held / 150 >= 0.9


def test_cells_that_do_not_vary_have_no_standardised_gap():
    flat = np.repeat([1.0, 2.0], 3)[None].repeat(4, axis=0)
    assert standardise(flat, [range(3), range(3, 6)], [1.0, -1.0], rng(), 20) is None
    assert standardise(np.ones((1, 2)), [[0], [1]], [1.0, -1.0], rng(), 20) is None
