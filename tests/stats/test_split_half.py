"""Split-half reliability of the targets' order, and the contrast from half of the words."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bias_audit.stats.contrast import matched_pairs, versus_rest
from bias_audit.stats.split_half import (
    analyse_halves,
    half_bounds,
    halves,
    split_half,
)


@pytest.mark.parametrize("size", [4, 5, 12])
def test_halves_are_disjoint_and_of_one_size(size):
    first, second = halves(size, np.random.default_rng(1), 50)
    assert not ((first > 0) & (second > 0)).any()
    for side in (first, second):
        assert ((side > 0).sum(axis=1) == size // 2).all()
        assert side.sum(axis=1) == pytest.approx(1)
    assert ((first > 0).mean(axis=0) > 0).all(), "every unit is drawn"


def test_reliability_is_the_stepped_up_mean_correlation_of_the_halves():
    values = np.random.default_rng(2).normal(size=(7, 9)) + np.linspace(0, 2, 9)
    first, second = halves(7, np.random.default_rng(3), 40)
    each = [np.corrcoef(a @ values, b @ values)[0, 1] for a, b in zip(first, second, strict=True)]
    wanted = 2 * np.mean(each) / (1 + np.mean(each))
    assert split_half(values, np.random.default_rng(3), 40) == pytest.approx(wanted)


def test_templates_that_agree_are_reliable_and_noise_is_not():
    rng = np.random.default_rng(4)
    order = rng.normal(size=30)
    same = np.tile(order, (8, 1)) + 10 * rng.normal(size=(8, 1))
    assert split_half(same, rng) == pytest.approx(1)
    noise = [split_half(rng.normal(size=(8, 60)), rng, 50) for _ in range(20)]
    assert abs(float(np.mean(noise))) < 0.15


def test_reliability_is_the_share_of_true_variance_of_the_whole_set():
    rng = np.random.default_rng(5)
    found = []
    for _ in range(30):
        true = rng.normal(size=200)
        found.append(split_half(true + rng.normal(0, 2, (8, 200)), rng, 20))
    assert np.mean(found) == pytest.approx(1 / (1 + 4 / 8), abs=0.03)


@pytest.mark.parametrize("shape", [(3, 9), (8, 2)])
def test_too_little_to_halve_has_no_reliability(shape):
    assert split_half(np.random.default_rng(6).normal(size=shape), np.random.default_rng(6)) is None


def test_what_does_not_vary_has_no_reliability():
    assert split_half(np.ones((8, 9)), np.random.default_rng(7)) is None


@pytest.mark.parametrize("weights", [(1.0, -1.0), (1.0, -0.5, -0.5)])
def test_either_half_is_analysed_as_the_audit_is(weights):
    y = np.random.default_rng(8).normal(size=(5, 14))
    groups = [[0, 1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12, 13]][: len(weights)]
    found = analyse_halves(y, groups, weights, np.random.default_rng(1), splits=3)
    assert found is not None
    again = np.random.default_rng(1)
    order = [again.permuted(np.tile(g, (3, 1)), axis=1) for g in groups]
    for number in range(6):
        cut, row = divmod(number, 3)
        half = [o[row, cut * (o.shape[1] // 2) : (cut + 1) * (o.shape[1] // 2)] for o in order]
        one = versus_rest(y, half, 0, scope="concept")
        assert found.estimate[number] == pytest.approx(one.estimate)
        assert found.se[number] == pytest.approx(one.se)
        assert found.df[number] == pytest.approx(one.df)


def test_halves_of_pairs_are_analysed_as_pairs():
    d = np.random.default_rng(9).normal(size=(6, 8))
    found = analyse_halves(d, [range(8)], [1.0], np.random.default_rng(2), splits=1)
    order = np.random.default_rng(2).permuted(np.arange(8)[None], axis=1)[0]
    wanted = [matched_pairs(d[:, half], scope="concept") for half in (order[:4], order[4:])]
    assert found is not None
    assert found.estimate == pytest.approx([one.estimate for one in wanted])
    assert found.se == pytest.approx([one.se for one in wanted])
    assert found.estimate.mean() == pytest.approx(d.mean()), "two halves average to the whole"


def test_the_extremes_are_those_of_the_halves_one_by_one():
    d = 0.3 + np.random.default_rng(10).normal(size=(6, 8))
    many = analyse_halves(d, [range(8)], [1.0], np.random.default_rng(3), splits=20)
    assert many is not None
    bounds, size = half_bounds(many), abs(many.estimate)
    assert (bounds.split_half_low, bounds.split_half_high) == (
        many.estimate.min(),
        many.estimate.max(),
    )
    narrow = stats.t.ppf(0.95, many.df) * many.se
    assert bounds.split_half_fail_limit == pytest.approx(max(0.0, (size - narrow).max()))
    assert bounds.split_half_pass_limit == pytest.approx((size + narrow).min())


def test_three_words_cannot_be_halved():
    assert analyse_halves(np.ones((4, 3)), [range(3)], [1.0], np.random.default_rng(10)) is None
    assert analyse_halves(np.ones((4, 3)), [], [], np.random.default_rng(10)) is None
