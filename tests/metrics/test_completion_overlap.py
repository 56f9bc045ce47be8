"""Overlap of rankings against printed examples, full sums and their limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bias_audit.metrics.completion_overlap import jaccard, rank_overlap, ranking, top_overlap

modest = settings(deadline=None, max_examples=80)
orders = st.integers(1, 12).flatmap(lambda n: st.permutations(range(n)))


def numbers(letters: str) -> list[int]:
    return [ord(letter) for letter in letters]


@modest
@given(st.lists(st.integers(0, 30), min_size=1, max_size=15, unique=True), st.randoms())
def test_rank_overlap_is_the_sum_over_depths(one, random):
    pool = [*one, *range(100, 100 + len(one))]
    other = random.sample(pool, len(one))
    k, p = len(one), 0.9
    shared = [len(set(one[:d]) & set(other[:d])) for d in range(1, k + 1)]
    long = shared[-1] / k * p**k + (1 - p) / p * sum(x / d * p**d for d, x in enumerate(shared, 1))
    assert rank_overlap(one, other) == pytest.approx(long, abs=1e-12)
    assert rank_overlap(one, other) == pytest.approx(rank_overlap(other, one), abs=1e-12)
    assert 0 <= rank_overlap(one, other) <= 1


@modest
@given(orders, st.integers(1, 15))
def test_the_same_words_overlap_whatever_their_order(order, depth):
    ranks = list(range(len(order)))
    assert rank_overlap(ranks, ranks) == pytest.approx(1.0)
    assert top_overlap(ranks, order, len(order)) == 1.0
    assert jaccard(ranks, order, len(order)) == 1.0
    share, index = top_overlap(ranks, order, depth), jaccard(ranks, order, depth)
    assert index == pytest.approx(share / (2 - share))
    assert 0 <= index <= share <= 1


def test_shared_words_of_the_first_three():
    one, other = numbers("abcxyz"), numbers("bcdabc"[:3])
    assert top_overlap(one, other, 3) == pytest.approx(2 / 3)
    assert jaccard(one, other, 3) == pytest.approx(2 / 4)


def test_equal_probabilities_are_ranked_by_number():
    assert ranking([0.1, 0.3, 0.1, 0.3, 0.2], 4).tolist() == [1, 3, 4, 0]
    assert ranking(np.full(6, 1 / 6, np.float32), 3).tolist() == [0, 1, 2]
    assert ranking([0.4, 0.6], 9).tolist() == [1, 0]


@modest
@given(st.lists(st.floats(0, 1, width=16), min_size=1, max_size=30), st.integers(1, 40))
def test_a_ranking_is_the_head_of_a_stable_sort(row, depth):
    slow = sorted(range(len(row)), key=lambda i: (-row[i], i))[:depth]
    assert ranking(row, depth).tolist() == slow


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: ranking([], 3),
        lambda: ranking([0.5, 0.5], 0),
        lambda: top_overlap([1], [2], 0),
        lambda: jaccard([1], [2], -1),
        lambda: rank_overlap([1, 2], [1]),
        lambda: rank_overlap([1, 1], [1, 2]),
        lambda: rank_overlap([1, 2], [1, 2], 1.0),
        lambda: rank_overlap([], []),
    ],
)
def test_what_is_no_ranking_is_refused(wrong):
    with pytest.raises(ValueError):  # noqa: PT011
        wrong()
