"""Likelihood bias against one test after another, and on data whose answer is known."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import mannwhitneyu
from statsmodels.stats.multitest import multipletests

from bias_audit.metrics.likelihood_bias import length_adjusted, likelihood_bias

DESCRIPTORS = [f"d{n}" for n in range(8)]
NOUNS = [f"n{n}" for n in range(15)]
TEMPLATES = ["t0", "t1", "t2"]


def design():
    rows = [(t, d, n) for t in TEMPLATES for d in DESCRIPTORS for n in NOUNS]
    return tuple(list(column) for column in zip(*rows, strict=True))


def drawn(effect=0.0, noun=0.0, seed=1):
    rng = np.random.default_rng(seed)
    templates, descriptors, nouns = design()
    by_descriptor = dict(zip(DESCRIPTORS, effect * np.linspace(-1, 1, 8), strict=True))
    by_noun = dict(zip(NOUNS, noun * rng.normal(size=15), strict=True))
    values = [
        4 + by_descriptor[d] + by_noun[n] + 0.3 * rng.normal()
        for d, n in zip(descriptors, nouns, strict=True)
    ]
    return np.array(values), templates, descriptors, nouns


def scored(**options):
    return likelihood_bias(*drawn(**options), rng=np.random.default_rng(0))


def test_the_share_is_that_of_one_test_after_another():
    values, templates, descriptors, nouns = drawn(effect=0.3)
    found = likelihood_bias(
        values, templates, descriptors, nouns, rng=np.random.default_rng(0), draws=0
    )
    at = {
        (t, d): values[[a == t and b == d for a, b in zip(templates, descriptors, strict=True)]]
        for t in TEMPLATES
        for d in DESCRIPTORS
    }
    pairs = [(t, a, b) for t in TEMPLATES for a, b in combinations(DESCRIPTORS, 2)]
    p = [mannwhitneyu(at[t, a], at[t, b]).pvalue for t, a, b in pairs]
    assert found.share == pytest.approx(np.mean(np.array(p) < 0.05))
    assert found.adjusted_share == pytest.approx(multipletests(p, method="fdr_bh")[0].mean())
    assert found.median_gap == pytest.approx(
        np.median([abs(at[t, a].mean() - at[t, b].mean()) for t, a, b in pairs])
    )
    assert (found.n_tests, found.n_descriptors, found.n_templates) == (84, 8, 3)
    assert 0 < found.adjusted_share < found.share < 1
    assert found.null_share == 0.05


def test_descriptors_of_unequal_size_are_all_compared():
    values, templates, descriptors, nouns = drawn(effect=0.3)
    kept = [
        n
        for n, (d, noun) in enumerate(zip(descriptors, nouns, strict=True))
        if not (d == "d0" and noun > "n5") and not (d == "d1" and noun != "n0")
    ]
    part = [[column[n] for n in kept] for column in (templates, descriptors, nouns)]
    found = likelihood_bias(values[kept], *part, rng=np.random.default_rng(0), draws=0)
    assert found.n_tests == 3 * 7 * 6 / 2, "d1 has one sentence a template: no test"


@pytest.mark.slow
def test_without_a_difference_share_and_null_agree():
    shares = [scored(seed=seed) for seed in range(6)]
    assert np.mean([s.share for s in shares]) == pytest.approx(0.05, abs=0.03)
    assert np.mean([s.null_share for s in shares]) == pytest.approx(0.05, abs=0.015)
    assert np.mean([s.adjusted_share for s in shares]) < 0.02
    assert scored(effect=1.0).excess > 0.5


def test_nouns_with_an_effect_lower_the_null_too():
    """The same nouns on both sides make the published test too careful: the null shows it."""
    found = scored(noun=2.0)
    assert found.null_share < 0.01
    assert abs(found.excess) < 0.03


def test_length_is_taken_out_inside_templates():
    rng = np.random.default_rng(3)
    templates = ["a"] * 50 + ["b"] * 50
    pieces = rng.integers(4, 12, 100)
    values = 3 + 0.4 * pieces + np.where(np.arange(100) < 50, 0, 5) + 0.01 * rng.normal(size=100)
    left = length_adjusted(values, templates, pieces.tolist())
    for rows in (slice(0, 50), slice(50, 100)):
        assert np.corrcoef(left[rows], pieces[rows])[0, 1] == pytest.approx(0, abs=0.3)
        assert left[rows].mean() == pytest.approx(values[rows].mean())
        assert left[rows].std() < 0.05
    same = length_adjusted(values, templates, [7] * 100)
    assert same.tolist() == values.tolist()


def test_what_cannot_be_compared_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="no template has two descriptors"):
        likelihood_bias([1.0, 2.0], ["t", "t"], ["a", "b"], ["n", "n"], rng=rng)
    with pytest.raises(ValueError, match="for each of 2"):
        likelihood_bias([1.0, 2.0], ["t"], ["a", "b"], ["n", "n"], rng=rng)
    with pytest.raises(ValueError, match="for each of 1"):
        length_adjusted([1.0], ["t"], [1, 2])
