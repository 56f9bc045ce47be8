"""Differences of groups at equal frequency and length, against regressions and enumeration."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from bias_audit.stats.covariates import (
    NEAR,
    adjusted_contrast,
    matched_contrast,
    matched_pair_contrast,
)


def with_dummies(groups, used):
    """The same contrast from one least-squares fit of group dummies and covariates."""
    rows = sum(values.size for _, values, _ in groups)
    design = np.zeros((rows, len(groups) + len(used)))
    values = np.concatenate([v for _, v, _ in groups])
    at = 0
    for number, (_, v, x) in enumerate(groups):
        design[at : at + v.size, number] = 1
        design[at : at + v.size, len(groups) :] = x[:, used]
        at += v.size
    fitted = np.linalg.lstsq(design, values, rcond=None)[0]
    return sum(w * c for (w, _, _), c in zip(groups, fitted[: len(groups)], strict=True))


def drawn(rng, sizes, weights, width=2):
    return [
        (w, rng.normal(size=n), rng.normal(i, 1, (n, width)))
        for i, (n, w) in enumerate(zip(sizes, weights, strict=True))
    ]


@pytest.mark.parametrize(
    ("sizes", "weights"),
    [((8, 9), (1.0, -1.0)), ((5, 6, 7), (1.0, -0.5, -0.5)), ((9,), (1.0,))],
)
def test_the_adjusted_contrast_is_that_of_a_regression_with_dummies(sizes, weights):
    groups = drawn(np.random.default_rng(1), sizes, weights)
    found = adjusted_contrast(groups)
    assert found is not None
    assert found.used == (0, 1)
    assert found.estimate == pytest.approx(with_dummies(groups, [0, 1]))
    assert found.raw == pytest.approx(sum(w * v.mean() for w, v, _ in groups))


def test_a_gap_made_by_frequency_alone_disappears():
    rng = np.random.default_rng(2)
    x = [rng.normal(mean, 1, (10, 1)) for mean in (0.0, 3.0)]
    found = adjusted_contrast([(1.0, 2 * x[0][:, 0], x[0]), (-1.0, 2 * x[1][:, 0], x[1])])
    assert found is not None
    assert abs(found.raw) > 3
    assert found.estimate == pytest.approx(0, abs=1e-9)


def test_a_gap_without_frequency_in_it_stays():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(10, 1))
    found = adjusted_contrast([(1.0, 1 + x[:, 0], x), (-1.0, x[:, 0], x)])
    assert found is not None
    assert found.estimate == pytest.approx(1)


def test_pairs_are_adjusted_by_their_differences():
    x = np.array([0.0, 1, 2, 3, 4, 5, 6, 7])
    found = adjusted_contrast([(1.0, 0.5 + 2 * x, x[:, None])])
    assert found is not None
    assert found.estimate == pytest.approx(0.5), "the gap of a pair of equal frequency"


def test_what_only_tells_the_groups_apart_is_named_and_not_used():
    rng = np.random.default_rng(4)
    groups = [
        (w, rng.normal(size=9), np.column_stack([rng.normal(size=9), np.full(9, capital)]))
        for w, capital in ((1.0, 1.0), (-1.0, 0.0))
    ]
    found = adjusted_contrast(groups)
    assert found is not None
    assert (found.used, found.inseparable) == ((0,), (1,))


def test_few_words_take_few_covariates_and_too_few_none():
    rng = np.random.default_rng(5)
    assert adjusted_contrast(drawn(rng, (4, 4), (1.0, -1.0), 3)).used == (0,)
    assert adjusted_contrast(drawn(rng, (3, 4), (1.0, -1.0), 3)) is None
    assert adjusted_contrast([(1.0, rng.normal(size=20), np.ones((20, 1)))]) is None


def test_a_covariate_that_repeats_another_is_left_out():
    rng = np.random.default_rng(6)
    x = rng.normal(size=(20, 1))
    found = adjusted_contrast(
        [(1.0, rng.normal(size=20), np.hstack([x, 2 * x + 1, rng.normal(size=(20, 1))]))]
    )
    assert found is not None
    assert found.used == (0, 2)


def by_hand(a, x, b, z):
    """Every way to give each word a partner: most partners first, then the closest ones."""
    spread = np.concatenate([x, z]).std(axis=0)
    best = None
    for order in permutations(range(len(b)), len(a)):
        pairs = [(i, j) for i, j in enumerate(order)]
        apart = [float(np.max(np.abs(x[i] - z[j]) / spread)) for i, j in pairs]
        kept = [(pair, far) for pair, far in zip(pairs, apart, strict=True) if far <= NEAR]
        key = (-len(kept), sum(far for _, far in kept))
        if best is None or key < best[0]:
            gap = np.mean([a[i] - b[j] for (i, j), _ in kept]) if kept else 0.0
            best = (key, float(gap), len(kept))
    return best[1], best[2]


@pytest.mark.parametrize("seed", range(6))
def test_the_closest_partners_are_found(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=5), rng.normal(size=6)
    x, z = rng.normal(size=(5, 2)) * 0.4, rng.normal(size=(6, 2)) * 0.4
    gap, words = by_hand(a, x, b, z)
    found = matched_contrast((a, x), (b, z))
    if words < 4:
        assert found is None
    else:
        assert found is not None
        assert found.words == words
        assert found.estimate == pytest.approx(gap)


def test_a_gap_that_only_frequency_makes_is_gone_between_alike_words():
    low, high = np.linspace(0, 3, 12), np.linspace(2, 5, 12)
    found = matched_contrast((high, high[:, None]), (low, low[:, None]))
    assert high.mean() - low.mean() == pytest.approx(2)
    assert found is not None
    assert abs(found.estimate) < 1
    assert 4 <= found.words < 12


def test_words_that_have_nothing_in_common_are_not_compared():
    one, other = np.zeros((6, 1)), np.ones((6, 1))
    assert matched_contrast((np.ones(6), one), (np.zeros(6), other)) is None
    assert matched_contrast((np.ones(3), one[:3]), (np.zeros(3), one[:3])) is None, "too few"


def test_pairs_are_kept_whose_words_are_alike():
    values = np.arange(6.0)
    left = np.zeros((6, 1))
    right = np.array([[0.0], [0.0], [3.0], [0.0], [0.0], [3.0]])
    found = matched_pair_contrast(values, (left, right))
    assert found is not None
    assert (found.estimate, found.words) == (pytest.approx((0 + 1 + 3 + 4) / 4), 4)
    assert matched_pair_contrast(values[:5], (left[:5], right[:5] + np.array([[1.0]] * 5))) is None


def test_equally_close_partners_are_told_apart_by_no_name():
    """Three words are equally close to two: which of them is left must not follow their order."""
    values, other = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0]), np.zeros(4)
    alike = np.zeros((6, 1))
    rng, found = np.random.default_rng(1), set()
    for _ in range(10):
        order = rng.permutation(6)
        one = matched_contrast((values[order], alike), (other, alike[:4]))
        turned = matched_contrast((other, alike[:4]), (values[order], alike))
        assert one is not None
        assert turned is not None
        found.add((one.estimate, turned.estimate))
    assert len(found) == 1
