"""Clustered means against statsmodels and simulation."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as reference_mcnemar

from bias_audit.stats.clusters import clustered_mean, jackknife, mcnemar


def drawn(rng, clusters=30, spread=1.0):
    """Values with a common effect of their cluster, clusters of unequal size."""
    sizes = rng.integers(1, 12, clusters)
    codes = np.repeat(np.arange(clusters), sizes)
    return rng.normal(size=clusters)[codes] * spread + rng.normal(size=codes.size), codes


def test_the_error_is_the_cluster_robust_one_of_statsmodels():
    values, codes = drawn(np.random.default_rng(1))
    found = clustered_mean(values, codes.tolist())
    fit = sm.OLS(values, np.ones(values.size)).fit()
    robust = fit.get_robustcov_results("cluster", groups=codes, use_correction=True)
    # statsmodels also multiplies by (n - 1) / (n - 1) = 1 for a single column
    assert found.se == pytest.approx(robust.bse[0], rel=1e-12)
    assert found.estimate == pytest.approx(values.mean())
    assert found.n_clusters == 30


def test_items_of_their_own_give_the_one_sample_t_test():
    values = np.random.default_rng(2).normal(0.3, 1, 25)
    found = clustered_mean(values)
    reference = stats.ttest_1samp(values, 0.1)
    assert found.p_value(0.1) == pytest.approx(reference.pvalue, rel=1e-9)
    assert found.interval(0.9) == pytest.approx(tuple(reference.confidence_interval(0.9)))
    assert found.df == 24


def test_clusters_of_equal_size_are_a_t_test_on_their_means():
    values = np.random.default_rng(3).normal(size=(12, 5))
    found = clustered_mean(values.ravel(), np.repeat(np.arange(12), 5).tolist())
    reference = stats.ttest_1samp(values.mean(axis=1), 0)
    assert found.p_value() == pytest.approx(reference.pvalue, rel=1e-9)
    assert found.df == pytest.approx(11)


def test_clusters_that_all_hold_the_mean_have_no_error():
    writers = [n // 5 for n in range(100)]
    values = np.zeros(100)
    values[[7, 8]] = 100.0, -100.0
    found = clustered_mean(values, writers)
    assert (found.status, found.se, found.interval(), found.df) == (
        *("no_cluster_variance", None, None),
        None,
    )
    assert (found.p_value(), found.p_value(1.0)) == (1.0, None)
    thirds = clustered_mean([100.0, 0, 0] * 3, [n // 3 for n in range(9)])
    assert thirds.status == "no_cluster_variance", "an error of 1e-15 is rounding"
    assert thirds.p_value() is None


def test_names_and_order_of_clusters_change_nothing():
    values, codes = drawn(np.random.default_rng(4))
    order = np.random.default_rng(5).permutation(values.size)
    one = clustered_mean(values, codes.tolist())
    other = clustered_mean(values[order], [f"writer {c}" for c in codes[order]])
    assert other.se == pytest.approx(one.se, rel=1e-12)
    assert other.df == pytest.approx(one.df)


def test_the_interval_covers_where_the_naive_one_does_not():
    rng = np.random.default_rng(6)
    held = naive = 0
    for _ in range(400):
        values, codes = drawn(rng)
        found = clustered_mean(values, codes.tolist())
        low, high = found.interval(0.95)
        held += low <= 0 <= high
        naive += abs(found.estimate) <= 1.96 * stats.sem(values)
    assert held / 400 >= 0.93
    assert naive / 400 < 0.75


def test_what_has_no_interval_says_why():
    same = clustered_mean([50.0] * 4)
    assert (same.status, same.se, same.interval()) == ("no_variance", None, None)
    assert same.p_value(50) == 1.0
    assert same.p_value(40) is None
    alone = clustered_mean([1.0, 2.0], ["a", "a"])
    assert (alone.status, alone.p_value()) == ("too_few_clusters", None)
    with pytest.raises(ValueError, match="one entry for each of 2"):
        clustered_mean([1.0, 2.0], ["a"])
    with pytest.raises(ValueError, match="finite"):
        clustered_mean([1.0, float("nan")])


def test_mcnemar_is_that_of_statsmodels():
    for only_first, only_second in [(320, 245), (3, 0), (7, 7), (0, 12), (1, 2)]:
        table = [[5, only_first], [only_second, 9]]
        reference = reference_mcnemar(table, exact=True).pvalue
        assert mcnemar(only_first, only_second) == pytest.approx(min(1, reference), rel=1e-9)
    assert mcnemar(320, 245) == pytest.approx(0.00183, abs=1e-5), "a published pair of models"
    assert mcnemar(0, 0) == 1.0, "a model against itself"
    with pytest.raises(ValueError, match="negative"):
        mcnemar(-1, 3)


def test_the_jackknife_of_a_mean_is_its_standard_error():
    values = np.random.default_rng(7).normal(size=17)
    whole, error = jackknife(lambda kept: values[kept].mean(), 17)
    assert whole == pytest.approx(values.mean())
    assert error == pytest.approx(stats.sem(values))
    assert jackknife(lambda kept: values[kept].sum(), 1) == (values[0], None)
