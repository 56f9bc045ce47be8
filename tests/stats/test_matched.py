"""Groups of words compared by those that have a partner in the other group."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from bias_audit.stats.matched import NEAR, matched, matched_pairs


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
    found = matched((a, x), (b, z))
    if words < 4:
        assert found is None
    else:
        assert found is not None
        assert found.words == words
        assert found.estimate == pytest.approx(gap)


def test_a_gap_that_only_frequency_makes_is_gone_between_alike_words():
    low, high = np.linspace(0, 3, 12), np.linspace(2, 5, 12)
    found = matched((high, high[:, None]), (low, low[:, None]))
    assert high.mean() - low.mean() == pytest.approx(2)
    assert found is not None
    assert abs(found.estimate) < 1
    assert 4 <= found.words < 12


def test_words_that_have_nothing_in_common_are_not_compared():
    one, other = np.zeros((6, 1)), np.ones((6, 1))
    assert matched((np.ones(6), one), (np.zeros(6), other)) is None
    assert matched((np.ones(3), one[:3]), (np.zeros(3), one[:3])) is None, "too few"


def test_pairs_are_kept_whose_words_are_alike():
    values = np.arange(6.0)
    left = np.zeros((6, 1))
    right = np.array([[0.0], [0.0], [3.0], [0.0], [0.0], [3.0]])
    found = matched_pairs(values, (left, right))
    assert found is not None
    assert (found.estimate, found.words) == (pytest.approx((0 + 1 + 3 + 4) / 4), 4)
    assert matched_pairs(values[:5], (left[:5], right[:5] + np.array([[1.0]] * 5))) is None


def test_equally_close_partners_are_told_apart_by_no_name():
    """Three words are equally close to two: which of them is left must not follow their order."""
    values, other = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0]), np.zeros(4)
    alike = np.zeros((6, 1))
    rng, found = np.random.default_rng(1), set()
    for _ in range(10):
        order = rng.permutation(6)
        one = matched((values[order], alike), (other, alike[:4]))
        turned = matched((other, alike[:4]), (values[order], alike))
        assert one is not None
        assert turned is not None
        found.add((one.estimate, turned.estimate))
    assert len(found) == 1
