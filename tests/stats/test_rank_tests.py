"""Rank tests against scipy and brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from bias_audit.stats.rank_tests import friedman, kruskal, wilcoxon

modest = settings(deadline=None, max_examples=30)


def rng(seed=3):
    return np.random.default_rng(seed)


def split(sizes):
    ends = np.cumsum(sizes)
    return [np.arange(end - size, end) for end, size in zip(ends, sizes, strict=True)]


class TestFriedman:
    @modest
    @given(
        hnp.arrays(
            np.float64,
            st.tuples(st.integers(15, 20), st.integers(3, 5)),
            elements=st.integers(0, 4),
        )
    )
    def test_against_scipy_with_ties(self, rows):
        found = friedman(rows, rng())
        if (rows == rows[:, :1]).all():
            assert (found.effect, found.p) == (0, 1)
            return
        other = stats.friedmanchisquare(*rows.T)
        assert found.statistic == pytest.approx(other.statistic)
        assert found.p == pytest.approx(other.pvalue)
        assert found.effect == pytest.approx(other.statistic / rows.shape[0] / (rows.shape[1] - 1))

    @pytest.mark.parametrize("ties", [False, True])
    def test_exact_against_every_order(self, ties):
        rows = rng(2).normal([0.0, 0.6, 1.2], 1, (4, 3))
        rows = np.round(rows) if ties else rows
        found = friedman(rows, rng())
        ranked = stats.rankdata(rows, axis=1)
        orders = list(itertools.permutations(range(3)))
        spread = [
            np.var(sum(row[list(order)] for row, order in zip(ranked, chosen, strict=True)))
            for chosen in itertools.product(orders, repeat=4)
        ]
        assert found.exact
        assert found.p == pytest.approx(np.mean(spread >= np.var(ranked.sum(axis=0)) - 1e-9))
        assert found.method == "exact, 216 orders of the groups inside sentences"

    def test_monte_carlo_meets_exact(self, monkeypatch):
        rows = rng(5).normal([0.0, 0.4, 0.8], 1, (5, 3))
        exact = friedman(rows, rng())
        monkeypatch.setattr("bias_audit.stats.rank_tests.MOST_LISTED", 0)
        drawn = friedman(rows, rng(), 4999)
        assert not drawn.exact
        assert drawn.p == pytest.approx(exact.p, abs=0.03)
        assert exact.null_mean == 1 / 5
        assert drawn.null_p95 == pytest.approx(exact.null_p95, abs=0.05)

    def test_perfect_agreement_and_perfect_balance(self):
        same = np.tile([1.0, 2.0, 3.0, 4.0], (12, 1))
        assert friedman(same, rng()).effect == 1
        assert friedman(same, rng(), 999).p == 1 / 1000
        turned = np.array([np.roll([1.0, 2.0, 3.0], i) for i in range(6)])
        assert (friedman(turned, rng()).effect, friedman(turned, rng()).p) == (0, 1)

    def test_two_groups_are_the_sign_test(self):
        rows = rng(4).normal([0.7, 0.0], 1, (9, 2))
        wins = int(np.sum(rows[:, 0] > rows[:, 1]))
        assert friedman(rows, rng()).p == pytest.approx(stats.binomtest(wins, 9).pvalue)

    def test_one_group_is_refused(self):
        with pytest.raises(ValueError, match="two groups"):
            friedman(np.ones((4, 1)), rng())


class TestKruskal:
    @modest
    @given(hnp.arrays(np.float64, (2, 11), elements=st.integers(0, 5)))
    def test_against_scipy_with_ties(self, y):
        groups = split([3, 4, 4])
        means = y.mean(axis=0)
        found = kruskal(y, groups, rng(), 99)
        if np.ptp(means) == 0:
            assert (found.effect, found.p) == (0, 1)
            return
        other = stats.kruskal(*(means[g] for g in groups))
        assert found.statistic == pytest.approx(other.statistic)
        assert found.effect == pytest.approx(other.statistic / 10)

    def test_exact_against_scipy_over_all_relabellings(self):
        y, groups = rng(6).normal(size=(3, 7)) + np.repeat([0.0, 0.5, 1.5], [2, 2, 3]), [2, 2, 3]
        found = kruskal(y, split(groups), rng())
        other = stats.permutation_test(
            tuple(y.mean(axis=0)[g] for g in split(groups)),
            lambda *samples: stats.kruskal(*samples).statistic,
            permutation_type="independent",
            alternative="greater",
            n_resamples=np.inf,
        )
        assert found.exact
        assert found.p == pytest.approx(other.pvalue)
        assert found.null_mean == pytest.approx(2 / 6)  # (k - 1) / (n - 1)
        assert found.method == "exact, 210 relabellings of terms"

    @pytest.mark.parametrize("groups", [[[0, 1]], [[0, 1], [1, 5]], [[0], [9]]])
    def test_groups_that_do_not_fit_are_refused(self, groups):
        with pytest.raises(ValueError, match="group"):
            kruskal(np.ones((2, 5)), groups, rng())


@pytest.mark.slow
def test_levels_hold_when_no_word_group_differs():
    generator, hits = rng(9), 0
    for _ in range(300):
        y = generator.normal(size=(6, 12)) + generator.normal(0, 0.7, 12)
        hits += kruskal(y, split([4, 4, 4]), generator, 199).p <= 0.05
    assert hits / 300 <= 0.08  # 0.05 and two standard errors


DELTA = (0.4, 0.3, 0.5, 0.2, 0.6, -0.1, 0.3, 0.4)


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


@pytest.mark.slow
def test_p_is_uniform_where_nothing_is_there():
    generator = rng(6)
    p = np.array([wilcoxon(generator.standard_t(3, 10), generator).p for _ in range(2000)])
    assert np.mean(p <= 0.05) <= 0.06
    spread = p - generator.random(p.size) * 2 / 2**10
    assert stats.kstest(spread, "uniform", alternative="greater").pvalue > 0.01
