"""Measures on request: hand-computed values, second opinions, invariants."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from bias_audit.metrics.disco import candidates, fill_tests, published_share, significant
from bias_audit.metrics.lpbs import association, cbs
from bias_audit.metrics.perplexity import surprise
from bias_audit.metrics.weat import associations, effect, pool, split_test


def lpbs(a, a_prior, b, b_prior):
    """Kurita's score of each cell, as a difference of two associations."""
    return association(a, a_prior) - association(b, b_prior)


FINITE = st.floats(-20, 0, allow_nan=False)
ANY = np.random.default_rng(0)


def test_a_prior_that_is_the_same_everywhere_cancels_in_a_contrast_of_targets():
    scores = ANY.normal(-5, 1, (2, 6))
    raw = (scores[0] - scores[1])[:3].mean() - (scores[0] - scores[1])[3:].mean()
    y = lpbs(scores[0], np.full(6, -3.0), scores[1], np.full(6, -4.5))
    assert y[:3].mean() - y[3:].mean() == pytest.approx(raw)


def test_shapes_and_infinities_are_refused():
    with pytest.raises(ValueError, match="scores and priors alike"):
        association([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="finite"):
        association([-math.inf], [0.0])
    with pytest.raises(ValueError, match="two groups"):
        cbs([[1.0], [2.0]])


@given(hnp.arrays(float, (5, 4), elements=FINITE), st.permutations(range(4)))
def test_cbs_does_not_know_names_or_levels(table, order):
    found = cbs(table)
    assert found.value == pytest.approx(np.mean([np.var(row, ddof=1) for row in table]), abs=1e-9)
    assert cbs(table[:, order]).value == pytest.approx(found.value, abs=1e-9)
    assert cbs(table + 3.0).value == pytest.approx(found.value, abs=1e-9)
    assert found.shares.sum() == pytest.approx(1.0)


def test_one_outlying_group_is_named_by_its_share():
    assert cbs([[0.0, 0.0, 0.0, 4.0]]).shares.tolist() == pytest.approx([1 / 12] * 3 + [0.75])


def test_candidates_are_the_first_fills_of_every_word():
    assert candidates([["b", "a", "c", "z"], ["b", "d", "a"]]) == ["a", "b", "c", "d"]


def test_fills_of_pairs_are_tested_by_flipping_signs():
    gaps = np.array([0.4, 0.3, 0.5, 0.2, 0.6, -0.1, 0.3, 0.4])
    b = np.zeros((8, 2))
    a = np.stack([gaps, np.tile([1.0, -1.0], 4)], axis=1)
    found = fill_tests(a, b, ANY, paired=True, resamples=99)
    assert found.tolist() == [4 / 256, 1.0]
    assert significant(found) == 1
    assert significant(fill_tests(a, a, ANY, paired=True, resamples=99)) == 0


def test_fills_without_pairs_are_tested_by_exchanging_words():
    a, b = np.array([[1.0], [1.2], [1.4]]), np.array([[0.0], [0.1], [0.2], [0.3]])
    (found,) = fill_tests(a, b, ANY, paired=False, resamples=99)
    whole = np.concatenate([a, b])[:, 0]

    def welch(chosen):
        rest = [i for i in range(7) if i not in chosen]
        return abs(stats.ttest_ind(whole[list(chosen)], whole[rest], equal_var=False).statistic)

    sizes = [welch(chosen) for chosen in combinations(range(7), 3)]
    assert found == np.mean([size >= welch((0, 1, 2)) * (1 - 1e-9) for size in sizes])


def test_the_published_rule_is_a_goodness_of_fit_of_probabilities():
    alike = ({"x": 0.5, "y": 0.3, "z": 0.2}, {"x": 0.48, "y": 0.32, "z": 0.2})
    lacking = ({"x": 0.5, "y": 0.3, "w": 0.2}, {"x": 0.5, "y": 0.3, "z": 0.2})
    assert published_share([alike]) == 0.0
    assert published_share([alike, lacking]) == 0.5
    x, y = np.array([0.9, 0.06, 0.04]), np.array([0.06, 0.04, 0.9])
    p = stats.chisquare(x, y).pvalue
    far = (dict(zip("xyz", x, strict=True)), dict(zip("xyz", y, strict=True)))
    assert published_share([far], level=p * 1.01) == 1.0
    assert published_share([far], level=p * 0.99) == 0.0


def test_only_the_first_fills_count_for_the_published_rule():
    a = {"x": 0.4, "y": 0.3, "z": 0.2, "w": 0.1}
    assert published_share([(a, {"x": 0.4, "y": 0.3, "z": 0.2, "v": 0.1})]) == 0.0
    with pytest.raises(ValueError, match="at least one pair"):
        published_share([])


def test_weat_of_a_hand_made_world():
    a, b = [[1.0, 0.0]], [[0.0, 1.0]]
    x, y = [[3.0, 0.0], [1.0, 0.0]], [[0.0, 2.0], [0.0, 1.0]]
    assert associations(x, a, b).tolist() == [1.0, 1.0]
    assert associations(y, a, b).tolist() == [-1.0, -1.0]
    s = [1.0, 1.0], [-1.0, -1.0]
    assert effect(*s, ddof=0) == 2.0
    assert effect(*s) == pytest.approx(2 * math.sqrt(3 / 4))
    assert split_test(*s, ANY).p == 1 / 6


@settings(max_examples=50)
@given(hnp.arrays(float, 10, elements=st.floats(-1, 1)), st.integers(0, 1))
def test_weat_is_bounded_and_swapping_the_poles_negates_it(s, ddof):
    x, y = s[:5], s[5:]
    most = 2 * math.sqrt((10 - ddof) / 10)
    assert abs(effect(x, y, ddof=ddof)) <= most + 1e-9
    assert effect(y, x, ddof=ddof) == pytest.approx(-effect(x, y, ddof=ddof))


def test_the_split_test_against_scipy():
    x, y = ANY.normal(0.3, 1, 5), ANY.normal(0, 1, 5)
    there = stats.permutation_test(
        (x, y), lambda a, b: a.mean() - b.mean(), alternative="greater", n_resamples=np.inf
    )
    found = split_test(x, y, ANY)
    assert found.p == pytest.approx(there.pvalue)
    assert found.method == "one-sided, exact, 252 splits of the words"
    many = split_test(np.arange(12.0) + 20, np.arange(12.0), ANY, 199)
    assert (many.p, many.method) == (1 / 200, "one-sided, Monte Carlo, 199 splits of the words")


def test_pooling_equal_draws_gives_their_value_and_no_spread():
    found = pool([0.7] * 20, 5, 5)
    assert found.value == pytest.approx(0.7)
    assert (found.between, found.low, found.high) == (0.0, pytest.approx(0.7), pytest.approx(0.7))


def test_pooling_against_statsmodels():
    from statsmodels.stats.meta_analysis import combine_effects

    d = ANY.normal(0.4, 1.5, 40)
    own = (6 + 6) / 36 + d**2 / 24
    found, there = pool(d, 6, 6), combine_effects(d, own, method_re="dl")
    assert found.between == pytest.approx(there.tau2)
    assert found.value == pytest.approx(there.mean_effect_re)


def test_the_group_word_counts_in_the_whole_sentence_only():
    text = "The zebra-man's work, at last."
    #       The      zebra      -man's     work        ,        at         last       .
    spans = [(0, 3), (4, 9), (9, 15), (15, 20), (20, 21), (22, 24), (25, 29), (29, 30)]
    log_probs = [-1.0, -5.0, -7.0, -2.0, -0.5, -1.5, -2.5, -0.5]
    found = surprise(text, log_probs, spans, [(4, 15)])
    assert found.shared == pytest.approx((1 + 2 + 0.5 + 1.5 + 2.5 + 0.5) / 4)
    assert found.whole == pytest.approx(20 / 5)
    with pytest.raises(ValueError, match="no word is left"):
        surprise("zebra", [-1.0], [(0, 5)], [(0, 5)])
    with pytest.raises(ValueError, match="a span for each"):
        surprise("a b", [-1.0], [(0, 1), (2, 3)], [(0, 1)])
