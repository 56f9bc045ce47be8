"""Split-half reliability of the targets' order, and the contrast from half of the words."""

from __future__ import annotations

import numpy as np
import pytest

from bias_audit.stats.halves import half_estimates, halves, split_half


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


def test_two_halves_of_the_words_average_to_the_whole():
    rng = np.random.default_rng(8)
    a, b = rng.normal(size=6), rng.normal(size=4)
    found = half_estimates([(1.0, a), (-1.0, b)], rng, 30)
    assert found is not None
    assert (found[:30] + found[30:]) / 2 == pytest.approx(a.mean() - b.mean())


def test_one_odd_word_moves_one_half_only():
    words = np.array([0.0] * 7 + [8.0])
    found = half_estimates([(1.0, words)], np.random.default_rng(9), 10)
    assert found is not None
    assert sorted(set(found.tolist())) == [0.0, 2.0]


def test_three_words_cannot_be_halved():
    assert half_estimates([(1.0, np.arange(3.0))], np.random.default_rng(10)) is None
    assert half_estimates([], np.random.default_rng(10)) is None
