"""Correlations, logits and the calibration line against scipy and statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from bias_audit.stats import correlation
from bias_audit.stats.correlation import calibration_line, log_to_logit, logit, rank_correlation

from .helpers import statsmodels


def rng(seed=11):
    return np.random.default_rng(seed)


@pytest.fixture
def pairs():
    x = rng().normal(size=30)
    return x, 0.4 * x + rng(2).normal(size=30)


def test_coefficients_are_scipys(pairs):
    found = rank_correlation(*pairs, rng(), 199)
    assert found.n == 30
    assert found.pearson.r == pytest.approx(stats.pearsonr(*pairs).statistic, rel=1e-10)
    assert found.spearman.r == pytest.approx(stats.spearmanr(*pairs).statistic, rel=1e-10)


def test_ties_get_average_ranks():
    x, y = [1, 1, 2, 3, 3, 3], [2, 1, 1, 5, 4, 4]
    found = rank_correlation(x, y, rng(), 99).spearman.r
    assert found == pytest.approx(stats.spearmanr(x, y).statistic)


def test_p_is_scipys_permutation_p(pairs):
    x, y = pairs[0][:6], pairs[1][:6]
    found = rank_correlation(x, y, rng(), 20_000)
    for name, ours in (("pearsonr", found.pearson), ("spearmanr", found.spearman)):
        other = stats.permutation_test(
            (x,),
            lambda shuffled, name=name: abs(getattr(stats, name)(shuffled, y).statistic),
            permutation_type="pairings",
            alternative="greater",
            n_resamples=np.inf,
        )
        assert ours.p == pytest.approx(other.pvalue, abs=0.015)


def test_interval_is_scipys_percentile_bootstrap(pairs):
    found = rank_correlation(*pairs, rng(), 4999, 0.9)
    other = stats.bootstrap(
        pairs,
        lambda x, y: stats.pearsonr(x, y).statistic,
        paired=True,
        vectorized=False,
        method="percentile",
        n_resamples=2500,
        confidence_level=0.9,
        rng=rng(1),
    ).confidence_interval
    assert (found.pearson.low, found.pearson.high) == pytest.approx(tuple(other), abs=0.03)
    assert found.spearman.low < found.spearman.r < found.spearman.high


def test_perfect_agreement():
    x = np.arange(8.0)
    found = rank_correlation(x, np.exp(x), rng(), 999)
    assert found.spearman.r == pytest.approx(1)
    assert found.spearman.high == pytest.approx(1)
    assert 1 / 1000 <= found.spearman.p <= 5 / 1000
    assert rank_correlation(x, -x, rng(), 99).pearson.r == pytest.approx(-1)


def test_i21_same_seed_same_record_and_chunks_do_not_matter_much(pairs, monkeypatch):
    one = rank_correlation(*pairs, rng(), 999)
    assert rank_correlation(*pairs, rng(), 999) == one
    monkeypatch.setattr(correlation, "CELLS_AT_ONCE", 900)
    chunked = rank_correlation(*pairs, rng(), 999)
    assert chunked.pearson.low == pytest.approx(one.pearson.low, abs=0.1)
    assert chunked.pearson.r == one.pearson.r


def test_too_little_data_is_none():
    assert rank_correlation([1, 2, 3], [1, 2, 3], rng()) is None
    assert rank_correlation([1, 1, 1, 1], [1, 2, 3, 4], rng()) is None
    assert calibration_line([1, 2], [1, 2]) is None
    assert calibration_line([1, 1, 1], [1, 2, 3]) is None


def test_lists_must_pair_up():
    with pytest.raises(ValueError, match="pair up"):
        rank_correlation([1, 2, 3, 4], [1, 2, 3], rng())
    with pytest.raises(ValueError, match="level"):
        calibration_line([1, 2, 3], [1, 2, 3], 95)
    with pytest.raises(ValueError, match="finite"):
        calibration_line([1, 2, np.nan], [1, 2, 3])


def test_line_is_ordinary_least_squares(pairs):
    x, y = pairs
    line = calibration_line(x, y, 0.9)
    design = np.column_stack([np.ones_like(x), x])
    fit = statsmodels("api").OLS(y, design).fit()
    assert (line.intercept, line.slope) == pytest.approx(tuple(fit.params), rel=1e-9)
    limits = fit.conf_int(0.1)
    assert (line.intercept_low, line.intercept_high) == pytest.approx(tuple(limits[0]), rel=1e-9)
    assert (line.slope_low, line.slope_high) == pytest.approx(tuple(limits[1]), rel=1e-9)


@settings(deadline=None, max_examples=100)
@given(st.floats(1e-12, 1 - 1e-12))
def test_logit_is_scipys(p):
    assert logit(p) == pytest.approx(special.logit(p), rel=1e-9, abs=1e-9)
    assert log_to_logit(np.log(p)) == pytest.approx(special.logit(p), rel=1e-3, abs=1e-3)
    assert special.expit(logit(p)) == pytest.approx(p, rel=1e-9)


def test_logit_of_a_vanishing_probability_is_its_log():
    assert log_to_logit([-800.0, -40.0]).tolist() == [-800.0, -40.0]


def test_logit_refuses_certainty():
    for p in (0.0, 1.0, float("nan"), -0.1):
        with pytest.raises(ValueError, match="between 0 and 1"):
            logit(p)
    for log_p in (0.0, 0.5, float("-inf"), float("nan")):
        with pytest.raises(ValueError, match="below 0"):
            log_to_logit(log_p)
