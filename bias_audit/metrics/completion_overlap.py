"""How far two groups' completions agree: distances of distributions, and their likeliest words.

Arrays that are not finite, or do not fit each other, raise ``ValueError``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from bias_audit.metrics.base import MetricInfo, companion
from bias_audit.metrics.completion_table import distributions, pair
from bias_audit.results import Companion
from bias_audit.stats._arrays import Ints
from bias_audit.utils.arrays import Floats

PERSISTENCE = 0.9
"""Weight of each further rank of :func:`rank_overlap`: the first ten hold about 86 %."""

TOTAL_VARIATION = MetricInfo(
    id="total_variation",
    name="total variation",
    unit="probability",
    direction="larger: some set of completions is more likely after one group, by this much at "
    "most",
    reference="Standard; see Levin and Peres, Markov Chains and Mixing Times (2017), chapter 4.",
)
HELLINGER = MetricInfo(
    id="hellinger",
    name="Hellinger distance",
    unit="ratio",
    direction="larger: the groups' completions differ more; rare words count more than in total "
    "variation",
    reference="Hellinger (1909); Liang et al. (2021, arXiv 2106.13219).",
)
TOP_OVERLAP = MetricInfo(
    id="top_overlap",
    name="shared top completions",
    unit="ratio",
    neutral=1.0,
    direction="smaller: fewer of the most likely words are shared",
    reference="Standard.",
)
JACCARD = MetricInfo(
    id="jaccard",
    name="Jaccard index of top completions",
    unit="ratio",
    neutral=1.0,
    direction="smaller: fewer of the most likely words are shared, over all words that either "
    "group has",
    reference="Jaccard (1912).",
)
RANK_OVERLAP = MetricInfo(
    id="rank_overlap",
    name="rank-biased overlap",
    unit="ratio",
    neutral=1.0,
    direction="smaller: the order of the most likely words differs more; the first ten count for "
    "most",
    reference="Webber, Moffat and Zobel (2010), ACM TOIS 28(4); persistence 0.9, extrapolated.",
)
DEPTHS = (10, 50)
"""Most likely words that two groups are compared by; the deepest is the depth of rankings."""
INFOS = (TOTAL_VARIATION, HELLINGER, TOP_OVERLAP, JACCARD, RANK_OVERLAP)


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


def _count_shared(one: Sequence[int] | Ints, other: Sequence[int] | Ints, depth: int) -> int:
    if depth < 1:
        raise ValueError(f"expected a depth of 1 or more, got {depth}")
    return len({int(i) for i in one[:depth]} & {int(i) for i in other[:depth]})


def top_overlap(one: Sequence[int] | Ints, other: Sequence[int] | Ints, depth: int) -> float:
    """Return the share of the first ``depth`` words that two rankings have in common, [0, 1].

    >>> top_overlap([3, 1, 2], [1, 4, 3], depth=2)
    0.5

    Raises:
        ValueError: ``depth`` is below 1.
    """
    shared = _count_shared(one, other, depth)
    return shared / min(depth, max(len(one), len(other), 1))


def jaccard(one: Sequence[int] | Ints, other: Sequence[int] | Ints, depth: int) -> float:
    """Return shared words over all words among the first ``depth`` of two rankings, [0, 1].

    Raises:
        ValueError: ``depth`` is below 1.
    """
    shared = _count_shared(one, other, depth)
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


def pulls(p: ArrayLike) -> Floats:
    """Return what each word adds to the divergence of k distributions of equal weight, bits, (V,).

    Every entry is 0 or more, and together they are the divergence.

    Args:
        p: (k, V) distributions.
    """
    rows = distributions(p)
    ratio = np.divide(rows, rows.mean(axis=0), out=np.ones_like(rows), where=rows > 0)
    return np.asarray(np.maximum(np.mean(rows * np.log2(ratio), axis=0), 0.0))


def total_variation(p: ArrayLike, q: ArrayLike) -> float:
    """Return the total variation distance of two distributions (V,), in [0, 1].

    The largest difference in probability that any set of completions can have.
    """
    one, other = pair(p, q)
    return min(1.0, float(np.abs(one - other).sum()) / 2)


def hellinger(p: ArrayLike, q: ArrayLike) -> float:
    """Return the Hellinger distance of two distributions (V,), in [0, 1]."""
    one, other = np.sqrt(pair(p, q))
    return min(1.0, float(np.sqrt(np.sum((one - other) ** 2) / 2)))


def overlaps(means: Floats, pairs: Sequence[tuple[int, int]]) -> list[Companion]:
    """Return every number of this file, averaged over sentences and pairs of groups.

    Args:
        means: (templates, groups, words + 1) mean distribution of each group; the last column
            holds what is no word by itself, and is in no ranking.
        pairs: numbers of the groups that are compared.
    """
    companions = [
        companion(info, float(np.mean([[distance(t[a], t[b]) for a, b in pairs] for t in means])))
        for info, distance in ((TOTAL_VARIATION, total_variation), (HELLINGER, hellinger))
    ]
    ranked = [[ranking(group[:-1], max(DEPTHS)) for group in t] for t in means]
    both = [(t[a], t[b]) for t in ranked for a, b in pairs]
    companions += [
        companion(info, float(np.mean([share(a, b, depth) for a, b in both])), top_k=depth)
        for depth in DEPTHS
        for info, share in ((TOP_OVERLAP, top_overlap), (JACCARD, jaccard))
    ]
    overlap = float(np.mean([rank_overlap(a, b) for a, b in both]))
    return [*companions, companion(RANK_OVERLAP, overlap, top_k=max(DEPTHS))]
