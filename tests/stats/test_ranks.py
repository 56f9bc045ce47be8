"""Rank tests for k groups against scipy, brute force and each other."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from bias_audit.stats.permutation import label_exchange
from bias_audit.stats.ranks import exchanged_anova, friedman, kruskal

from .helpers import statsmodels

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
        monkeypatch.setattr("bias_audit.stats.ranks.MOST_LISTED", 0)
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

    def test_blocks_keep_labels_inside(self):
        y = np.array([[1.0, 2.0, 3.0, 11.0, 12.0, 13.0]])
        groups = [[0, 3], [1, 4], [2, 5]]
        free = kruskal(y, groups, rng())
        inside = kruskal(y, groups, rng(), blocks=[0, 0, 0, 1, 1, 1])
        assert inside.effect == 1
        assert inside.p == 6 / 36
        assert free.p > inside.p


class TestExchangedAnova:
    def test_statistic_against_statsmodels(self):
        y, groups = rng(1).normal(size=(4, 14)), split([4, 5, 5])
        y[:, groups[2]] = y[:, groups[2]] * 2 + 0.5
        means = [y.mean(axis=0)[g] for g in groups]
        other = statsmodels("stats.oneway").anova_oneway(means, use_var="unequal")
        assert exchanged_anova(y, groups, rng(), 9).statistic == pytest.approx(other.statistic)

    def test_one_word_in_a_group_takes_the_pooled_f(self):
        y, groups = rng(1).normal(size=(4, 8)), split([1, 3, 4])
        means = [y.mean(axis=0)[g] for g in groups]
        found = exchanged_anova(y, groups, rng())
        assert found.statistic == pytest.approx(stats.f_oneway(*means).statistic)
        whole = np.concatenate(means)
        between = sum(m.size * (m.mean() - whole.mean()) ** 2 for m in means)
        assert found.effect == pytest.approx(between / np.sum((whole - whole.mean()) ** 2))

    def test_two_groups_are_the_label_exchange(self):
        y, (a, b) = rng(7).normal(size=(6, 9)), split([4, 5])
        y[:, a] += 0.5
        found = exchanged_anova(y, [a, b], rng())
        assert found.p == pytest.approx(label_exchange(y, a, b, rng()).p)

    def test_i1_identical_words_give_p_1(self):
        y = np.repeat(rng().normal(size=(5, 1)), 6, axis=1)
        found = exchanged_anova(y, split([2, 2, 2]), rng())
        assert (found.p, found.effect, found.statistic) == (1, 0, 0)

    def test_groups_without_inner_variance_are_found(self):
        y = np.tile(np.repeat([0.0, 1.0, 5.0], 3), (4, 1))
        found = exchanged_anova(y, split([3, 3, 3]), rng())
        assert found.effect == pytest.approx(1)
        assert found.p == pytest.approx(6 / 1680)  # the groups' names do not count

    @pytest.mark.parametrize("groups", [[[0, 1]], [[0, 1], [1, 5]], [[0], [9]]])
    def test_groups_that_do_not_fit_are_refused(self, groups):
        with pytest.raises(ValueError, match="group"):
            exchanged_anova(np.ones((2, 5)), groups, rng())


@pytest.mark.parametrize("test", [kruskal, exchanged_anova])
def test_levels_hold_when_no_word_group_differs(test):
    generator, hits = rng(9), 0
    for _ in range(300):
        y = generator.normal(size=(6, 12)) + generator.normal(0, 0.7, 12)
        hits += test(y, split([4, 4, 4]), generator, 199).p <= 0.05
    assert hits / 300 <= 0.08  # 0.05 and two standard errors
