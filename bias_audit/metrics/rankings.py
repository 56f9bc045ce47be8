"""How far two rankings of completions agree: the first words that a model would say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from bias_audit.stats._arrays import Ints

PERSISTENCE = 0.9
"""Weight of each further rank of :func:`rank_overlap`: the first ten hold about 86 %."""


def ranking(p: ArrayLike, depth: int) -> Ints:
    """Return the numbers of the ``depth`` most likely words of a distribution (V,), best first.

    Equal probabilities are in the order of their numbers, so that a ranking never depends on a
    sorting algorithm. All words where there are fewer than ``depth``.

    Raises:
        ValueError: ``p`` is not one row of numbers, or ``depth`` is below 1.
    """
    row = np.asarray(p)
    if row.ndim != 1 or row.size == 0 or depth < 1:
        raise ValueError(f"expected one distribution and a depth of 1 or more, got {row.shape}")
    depth = min(depth, row.size)
    least = np.partition(row, row.size - depth)[row.size - depth]
    candidates = np.flatnonzero(row >= least)
    order = np.argsort(-row[candidates].astype(np.float64), kind="stable")
    return np.asarray(candidates[order][:depth], dtype=np.intp)


def _shared(one: Sequence[int] | Ints, other: Sequence[int] | Ints, depth: int) -> int:
    if depth < 1:
        raise ValueError(f"expected a depth of 1 or more, got {depth}")
    return len({int(i) for i in one[:depth]} & {int(i) for i in other[:depth]})


def top_overlap(one: Sequence[int] | Ints, other: Sequence[int] | Ints, depth: int) -> float:
    """Return the share of the first ``depth`` words that two rankings have in common, [0, 1].

    Raises:
        ValueError: ``depth`` is below 1.
    """
    shared = _shared(one, other, depth)
    return shared / min(depth, max(len(one), len(other), 1))


def jaccard(one: Sequence[int] | Ints, other: Sequence[int] | Ints, depth: int) -> float:
    """Return shared words over all words among the first ``depth`` of two rankings, [0, 1].

    Raises:
        ValueError: ``depth`` is below 1.
    """
    shared = _shared(one, other, depth)
    union = min(depth, len(one)) + min(depth, len(other)) - shared
    return shared / union if union else 1.0


def rank_overlap(
    one: Sequence[int] | Ints, other: Sequence[int] | Ints, persistence: float = PERSISTENCE
) -> float:
    """Return the extrapolated rank-biased overlap of two rankings of one depth, [0, 1].

    With X_d the number of words shared by the first d and k the depth:
    X_k / k P^k + (1 - P) / P * sum over d of X_d / d P^d.

    Args:
        one: numbers of words, best first, none twice.
        other: the same, as many.
        persistence: P, the weight that each further rank keeps, in (0, 1).

    Raises:
        ValueError: no ranks, different depths, a word twice, or P outside (0, 1).

    Source: Webber, Moffat and Zobel (2010), ACM Transactions on Information Systems 28(4).
    """
    a, b = np.asarray(one), np.asarray(other)
    if a.shape != b.shape or a.ndim != 1 or a.size == 0:
        raise ValueError(f"expected two rankings of one depth, got {a.shape} and {b.shape}")
    if not 0 < persistence < 1:
        raise ValueError(f"persistence must be in (0, 1), got {persistence}")
    if min(np.unique(a).size, np.unique(b).size) < a.size:
        raise ValueError("a word stands in a ranking twice")
    depth = np.arange(1, a.size + 1)
    # A shared word counts from the deeper of its two ranks on.
    at_b = {word: rank for rank, word in enumerate(b.tolist())}
    first = [max(i, at_b[word]) for i, word in enumerate(a.tolist()) if word in at_b]
    shared = np.cumsum(np.bincount(np.array(first, dtype=np.intp), minlength=a.size))
    powers = persistence**depth
    rest = (1 - persistence) / persistence * float(np.sum(shared / depth * powers))
    return min(1.0, float(shared[-1] / a.size * powers[-1]) + rest)
