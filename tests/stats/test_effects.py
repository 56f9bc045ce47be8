"""Effect sizes against hand-worked numbers, scipy and simulated coverage."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bias_audit.stats import effects, shares

from .helpers import DELTA, crossed, halves


def rng(seed=3):
    return np.random.default_rng(seed)


class TestConsistency:
    def test_printed_example(self):
        assert effects.consistency(DELTA).value == pytest.approx(1.532065, abs=5e-7)

    @pytest.mark.parametrize("level", [0.9, 0.95])
    def test_limits_are_where_the_observed_t_is_a_tail(self, level):
        found = effects.consistency(DELTA, level)
        t, root, tail = found.value * np.sqrt(8), np.sqrt(8), (1 - level) / 2
        assert stats.nct.sf(t, 7, found.low * root) == pytest.approx(tail, rel=1e-6)
        assert stats.nct.cdf(t, 7, found.high * root) == pytest.approx(tail, rel=1e-6)

    def test_coverage(self):
        generator = rng(1)
        covered = 0
        for _ in range(300):
            found = effects.consistency(generator.normal(0.7, 1, 10))
            covered += found.low <= 0.7 <= found.high
        assert covered / 300 >= 0.92

    def test_sign_and_what_has_none(self):
        one, other = effects.consistency(DELTA), effects.consistency(-DELTA)
        assert (other.low, other.high) == pytest.approx((-one.high, -one.low))
        assert effects.consistency([0.3]) is None
        assert effects.consistency([0.3, 0.3, 0.3]) is None


class TestCliff:
    def test_printed_example(self):
        y = np.array([[3.0, 4.0, 5.0, 6.0, 1.0, 2.0, 3.0, 4.0]])
        found = effects.cliffs_delta(y, range(4), range(4, 8), rng(), 99)
        assert found.value == 0.75

    def test_against_mann_whitney(self):
        y = crossed(rng(2), rows=6, terms=7, effect=0.8)
        a, b = halves(y)
        u = stats.mannwhitneyu(y[:, a].mean(axis=0), y[:, b].mean(axis=0)).statistic
        found = effects.cliffs_delta(y, a, b, rng(), 299)
        assert found.value == pytest.approx(2 * u / 49 - 1)
        assert -1 <= found.low <= found.value <= found.high <= 1
        turned = effects.cliffs_delta(y, b, a, rng(), 299)
        assert turned.value == pytest.approx(-found.value)


class TestRankBiserial:
    def test_printed_example(self):
        assert effects.rank_biserial(DELTA, rng()).value == pytest.approx(0.944444, abs=5e-7)

    def test_against_the_signed_rank_statistic(self):
        d = rng(7).normal(0.3, 1, 15)
        up = stats.wilcoxon(d, alternative="greater").statistic  # sum of the positive ranks
        assert effects.rank_biserial(d, rng()).value == pytest.approx(2 * up / (15 * 16 / 2) - 1)

    def test_zeros_are_left_out(self):
        d = np.array([0.0, 2.0, 0.0, -1.0, 3.0])
        alone = effects.rank_biserial(d[d != 0], rng()).value
        assert effects.rank_biserial(d, rng()).value == pytest.approx(alone)
        assert effects.rank_biserial(np.zeros(4), rng()).value == 0


class TestSharesOfRanks:
    def test_w_against_friedman(self):
        rows = rng(4).normal([0.0, 0.4, 0.8], 1, (12, 3))
        found = shares.concordance(rows, rng(), 499)
        assert found.value == pytest.approx(stats.friedmanchisquare(*rows.T).statistic / 24)
        assert 0 <= found.low <= found.high <= 1

    def test_w_by_loops(self):
        rows = rng(4).normal([0.0, 0.4, 0.8], 1, (12, 3))
        found, generator = shares.concordance(rows, rng(), 1999), rng(8)
        again = [
            stats.friedmanchisquare(*rows[generator.integers(12, size=12)].T).statistic / 24
            for _ in range(1500)
        ]
        assert (found.low, found.high) == pytest.approx(
            np.quantile(again, [0.025, 0.975]), abs=0.05
        )

    def test_epsilon_squared_against_scipy(self):
        values = rng(5).normal(np.repeat([0.0, 0.5, 1.0], [4, 5, 6]), 1)
        groups = [np.arange(4), np.arange(4, 9), np.arange(9, 15)]
        found = shares.rank_share(values, groups, rng(), 999)
        h = stats.kruskal(*(values[g] for g in groups)).statistic
        assert found.value == pytest.approx(h / 14)
        generator = rng(6)
        again = [
            stats.kruskal(*(generator.choice(values[g], g.size) for g in groups)).statistic / 14
            for _ in range(1500)
        ]
        assert (found.low, found.high) == pytest.approx(
            np.quantile(again, [0.025, 0.975]), abs=0.06
        )


class TestCramersV:
    def test_bergsmas_formula_by_hand(self):
        table = np.array([[30, 10], [12, 28]])
        chi2 = stats.chi2_contingency(table, correction=False).statistic
        left = chi2 / 80 - 1 / 79
        assert shares.cramers_v(table) == pytest.approx(np.sqrt(left / (1 - 1 / 79)))
        plain = stats.contingency.association(table, method="cramer")
        assert shares.cramers_v(table) < plain

    def test_no_association_is_0_and_a_full_one_is_1(self):
        assert shares.cramers_v([[10, 10], [10, 10]]) == 0
        assert shares.cramers_v(np.diag([500, 500, 500])) == pytest.approx(1, abs=1e-3)

    def test_empty_rows_change_nothing(self):
        table = np.array([[30, 10], [12, 28]])
        assert shares.cramers_v(np.vstack([table, [0, 0]])) == shares.cramers_v(table)
        assert shares.cramers_v([[4, 0], [3, 0]]) == 0

    def test_less_biased_than_the_plain_one(self):
        generator = rng(2)
        tables = [generator.multinomial(40, np.full(9, 1 / 9)).reshape(3, 3) for _ in range(200)]
        plain = [stats.contingency.association(t, method="cramer") for t in tables]
        assert np.mean([shares.cramers_v(t) for t in tables]) < np.mean(plain) / 2


@pytest.mark.parametrize("level", [0, 1])
def test_a_level_outside_its_range_is_refused(level):
    for call in (
        lambda: effects.consistency(DELTA, level),
        lambda: effects.rank_biserial(DELTA, rng(), level=level),
        lambda: shares.rank_share(DELTA, [[0, 1], [2, 3]], rng(), level=level),
    ):
        with pytest.raises(ValueError, match="level"):
            call()


def test_negative_counts_are_refused():
    with pytest.raises(ValueError, match="negative"):
        shares.cramers_v([[1, -1], [2, 3]])


@pytest.mark.parametrize("size", [2, 8, 12])
def test_consistency_of_gaps_that_hardly_vary_is_quick_and_continuous(size):
    wobble = np.random.default_rng(8).normal(size=size)
    wobble = (wobble - wobble.mean()) / wobble.std(ddof=1)
    below, above = (effects.consistency(d_z + wobble) for d_z in (299.0, 301.0))
    assert below.method != above.method
    for name in ("low", "high"):
        assert getattr(above, name) / 301 == pytest.approx(getattr(below, name) / 299, rel=1e-3)
    far = effects.consistency(0.3 + 1.6e-8 * wobble)
    assert far.low < far.value < far.high
    mirrored = effects.consistency(-0.3 - 1.6e-8 * wobble)
    assert (mirrored.low, mirrored.high) == pytest.approx((-far.high, -far.low))
