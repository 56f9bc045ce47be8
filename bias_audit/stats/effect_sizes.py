"""Effect sizes without a unit, with intervals: for readers who know them from other fields.

Nothing is judged by them: no norms exist for what is small or large in the probabilities of a
model. Standardised sizes say how *consistent* a difference is over sentences or words, not how
large.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bias_audit.stats._arrays import ROUNDING, Indices, Ints, columns, finite, tails
from bias_audit.stats.permutation import CELLS_AT_ONCE
from bias_audit.stats.rank_tests import kendall_w, ranks
from bias_audit.utils.arrays import Floats

FEWEST = 2
_FAR = 300.0
"""Standard deviations beyond which the noncentral t takes minutes and then breaks down; there the
mean is known exactly next to the spread, whose square is distributed as chi squared."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EffectSize:
    """A size and the interval around it."""

    value: float
    """On the data as they are."""
    low: float | None
    """Lower limit; None without an interval."""
    high: float | None
    """Upper limit."""
    method: str
    """How the interval was made, in words."""


def consistency(delta: ArrayLike, level: float = 0.95) -> EffectSize | None:
    """Return d_z: the mean of (J,) template differences in their standard deviations.

    None with fewer than two templates or differences that do not vary.

    Source: Cumming and Finch (2001) for the interval, from the noncentral t distribution.
    """
    values = finite(delta, ndim=1, name="delta")
    floor = ROUNDING * float(np.abs(values).max())
    if values.size < FEWEST or float(values.std(ddof=1)) <= floor:
        return None
    root, df = math.sqrt(values.size), values.size - 1
    value = float(values.mean() / values.std(ddof=1))
    if abs(value) > _FAR:
        from scipy.special import chdtri

        near = sorted(value * math.sqrt(chdtri(df, p) / df) for p in tails(level))
        return EffectSize(value=value, low=near[0], high=near[1], method="chi, for large values")
    low, high = (_noncentrality(value * root, df, p) / root for p in tails(level)[::-1])
    return EffectSize(value=value, low=low, high=high, method="noncentral t")


def _noncentrality(t: float, df: int, p: float) -> float:
    """The noncentrality whose distribution has probability ``p`` up to ``t``."""
    from scipy.optimize import brentq
    from scipy.special import nctdtr

    def above(noncentrality: float) -> float:
        share = float(nctdtr(df, noncentrality, t))
        if math.isnan(share):  # far out in a tail
            share = float(noncentrality < t)
        return share - p

    reach = 6 * math.sqrt(1 + t * t / (2 * df))
    return float(brentq(above, t - reach, t + reach))


def cliffs_delta(
    y: ArrayLike,
    in_a: Indices,
    in_b: Indices,
    rng: np.random.Generator,
    resamples: int = 1999,
    level: float = 0.95,
    *,
    parts: Sequence[int] | None = None,
) -> EffectSize:
    """Return Cliff's delta of word means: how much more often a word of A exceeds one of B.

    (1 + delta) / 2 is the probability of superiority, ties counted half. Where B is made of several
    groups, it is the unweighted mean of the delta with each of them.

    Args:
        y: (J, T) responses, templates by terms.
        in_a: columns of group A.
        in_b: columns of group B.
        parts: numbers of columns of the groups that B is made of, in its order; words are drawn
            inside each of them. One group when None.

    Source: Cliff (1993); Owen (2007) for the two-way bootstrap.
    """
    matrix = finite(y, ndim=2, name="y")
    a, b = (columns(g, matrix.shape[1], name=n) for g, n in ((in_a, "in_a"), (in_b, "in_b")))
    sizes = [b.size] if parts is None else list(parts)
    if sum(sizes) != b.size or min(sizes, default=0) < 1:
        raise ValueError(f"parts: expected positive numbers that add up to {b.size}, got {sizes}")
    one = matrix[:, a]
    others = [matrix[:, cols] for cols in np.split(b, np.cumsum(sizes)[:-1])]
    step = max(1, CELLS_AT_ONCE // (matrix[:, :1].size * (a.size + b.size) + a.size * b.size))
    drawn = []
    for start in range(0, resamples, step):
        rows = rng.integers(len(matrix), size=(min(step, resamples - start), len(matrix)))
        words = _resample_words(one, rows, rng)
        drawn.append(_cliff(words, [_resample_words(other, rows, rng) for other in others]))
    value = float(_cliff(one.mean(axis=0), [other.mean(axis=0) for other in others]))
    return _with_interval(value, np.concatenate(drawn), level, "two-way bootstrap, percentile")


def _resample_words(matrix: Floats, rows: Ints, rng: np.random.Generator) -> Floats:
    """(N, n) means of words drawn with replacement, over the drawn templates."""
    means = matrix[rows].mean(axis=1)
    return np.take_along_axis(means, rng.integers(means.shape[1], size=means.shape), axis=1)


def _cliff(one: Floats, others: Sequence[Floats]) -> Floats:
    """Of each row of (..., n) word means of A and of each group that B is made of."""
    deltas = [np.sign(one[..., :, None] - o[..., None, :]).mean(axis=(-2, -1)) for o in others]
    return np.asarray(np.mean(deltas, axis=0))


def rank_biserial(
    d: ArrayLike, rng: np.random.Generator, resamples: int = 1999, level: float = 0.95
) -> EffectSize:
    """Return the matched rank-biserial correlation of (n,) differences: (R+ - R-) / (R+ + R-).

    R+ and R- are the sums of the ranks of the sizes of positive and of negative differences; zeros
    are left out. 0 when all are zero.

    Source: Kerby (2014).
    """
    values = finite(d, ndim=1, name="d")
    return _bootstrap(values, _biserial, rng, resamples, level)


def _biserial(rows: Floats) -> Floats:
    """Of each row of (..., n) differences."""
    sizes = np.abs(rows)
    # Zeros rank below all others; taking their number off leaves the others' own ranks.
    rank = np.where(sizes > 0, ranks(sizes) - np.sum(sizes == 0, axis=-1, keepdims=True), 0.0)
    total = rank.sum(axis=-1)
    signed = np.sum(np.sign(rows) * rank, axis=-1)
    return np.asarray(np.where(total > 0, signed / np.where(total > 0, total, 1.0), 0.0))


def _bootstrap(
    units: Floats,
    statistic: Callable[[Floats], Floats],
    rng: np.random.Generator,
    resamples: int,
    level: float,
) -> EffectSize:
    """Return a statistic with its percentile interval; units are the first axis."""
    step = max(1, CELLS_AT_ONCE // units.size)
    drawn = []
    for start in range(0, resamples, step):
        chosen = rng.integers(len(units), size=(min(step, resamples - start), len(units)))
        drawn.append(statistic(units[chosen]))
    return _with_interval(
        float(statistic(units)), np.concatenate(drawn), level, "bootstrap, percentile"
    )


def _with_interval(value: float, drawn: Floats, level: float, method: str) -> EffectSize:
    """Build a size with the percentile interval of (draws,) resampled values."""
    low, high = np.quantile(drawn, tails(level))
    return EffectSize(value=value, low=float(low), high=float(high), method=method)


def standardise(
    y: ArrayLike,
    groups: Sequence[Indices],
    weights: Sequence[float],
    rng: np.random.Generator,
    resamples: int = 999,
    level: float = 0.95,
    *,
    paired: bool = False,
) -> EffectSize | None:
    """Return a contrast of group means over the standard deviation of cells inside the groups.

    What varies inside a group are templates, words and their interaction together, so the size
    does not grow with the number of either. None where cells do not vary inside the groups, or not
    in half of the draws.

    Args:
        y: (J, T) responses, templates by terms.
        groups: columns of each group; of matched pairs in the order of the pairs.
        weights: of each group's mean in the contrast.
        paired: the words at one place of every group are drawn together.
    """
    matrix = finite(y, ndim=2, name="y")
    sizes = {len(group) for group in groups}
    if paired and len(sizes) > 1:
        raise ValueError("matched pairs need as many columns in every group")
    if min(sizes) * len(matrix) < 2:
        return None

    def size(drawn: Floats, columns: Sequence[Ints]) -> float:
        return _size([drawn[:, cols] for cols in columns], weights)

    def size_of_pairs(places: Floats, columns: Sequence[Ints]) -> float:
        at = places[:, columns[0]].astype(np.intp)
        return _size([side[at] for side in sides], weights)

    if paired:
        sides = [matrix[:, list(group)].ravel() for group in groups]
        pairs = min(sizes)
        places = np.arange(len(matrix) * pairs, dtype=np.float64).reshape(len(matrix), pairs)
        return pigeonhole_bootstrap(places, [range(pairs)], size_of_pairs, rng, resamples, level)
    return pigeonhole_bootstrap(matrix, groups, size, rng, resamples, level)


def _size(blocks: Sequence[Floats], weights: Sequence[float]) -> float:
    """The weighted means over the standard deviation inside; not a number where cells are equal."""
    floor = ROUNDING * max(float(np.abs(block).max()) for block in blocks)
    inside = float(np.mean([block.var(ddof=1) for block in blocks]))
    gap = sum(w * float(block.mean()) for w, block in zip(weights, blocks, strict=True))
    if inside <= floor**2:
        return float("nan")
    return gap / inside**0.5 if abs(gap) > floor else 0.0


def concordance(
    rows: ArrayLike, rng: np.random.Generator, resamples: int = 1999, level: float = 0.95
) -> EffectSize:
    """Return Kendall's W of (J, k) group effects: how alike the templates rank the groups.

    W cannot be negative, so no interval excludes agreement by chance: compare it with the value
    that exchanged labels give (:func:`~bias_audit.stats.rank_tests.friedman`).
    """
    ranked = ranks(finite(rows, ndim=2, name="rows"))
    return _bootstrap(ranked, kendall_w, rng, resamples, level)


def rank_share(
    values: ArrayLike,
    groups: Sequence[Indices],
    rng: np.random.Generator,
    resamples: int = 1999,
    level: float = 0.95,
) -> EffectSize:
    """Return epsilon squared of Kruskal and Wallis: share of the ranks' spread between k groups.

    ``values`` has one number per word. As for W, the value that exchanged labels give is the
    yardstick (:func:`~bias_audit.stats.rank_tests.kruskal`).
    """
    checked = finite(values, ndim=1, name="values")
    cols = [columns(g, checked.size, name=f"group {i}") for i, g in enumerate(groups)]
    sizes = [c.size for c in cols]
    values_used = checked[np.concatenate(cols)]
    ends = np.cumsum(sizes)
    drawn = np.concatenate(
        [
            rng.integers(end - size, end, size=(resamples, size))
            for end, size in zip(ends, sizes, strict=True)
        ],
        axis=1,
    )
    value = float(_rank_shares(values_used, sizes))
    return _with_interval(
        value, _rank_shares(values_used[drawn], sizes), level, "bootstrap over words"
    )


def _rank_shares(rows: Floats, sizes: Sequence[int]) -> Floats:
    """Of each row of (..., n) values, the words of a group side by side."""
    centred = ranks(rows) - (rows.shape[-1] + 1) / 2
    starts = np.cumsum([0, *sizes[:-1]])
    between = np.sum(np.add.reduceat(centred, starts, axis=-1) ** 2 / np.array(sizes), axis=-1)
    total = np.sum(centred**2, axis=-1)
    return np.asarray(np.where(total > 0, between / np.where(total > 0, total, 1.0), 0.0))


def pigeonhole_bootstrap(
    y: ArrayLike,
    groups: Sequence[Indices],
    statistic: Callable[[Floats, Sequence[Ints]], float],
    rng: np.random.Generator,
    resamples: int = 1999,
    level: float = 0.95,
) -> EffectSize | None:
    """Return a statistic with a two-way bootstrap interval: templates, and terms of each group.

    Both are drawn with replacement and independently, so the interval is on the wide side. None
    when the statistic is not finite on the data or on half the draws.

    Args:
        y: (J, T) responses, templates by terms.
        groups: columns of each group.
        statistic: takes the drawn matrix (J, n) and the columns of each group in it.

    Source: Owen (2007).
    """
    matrix = finite(y, ndim=2, name="y")
    rows, width = matrix.shape
    cols = [columns(g, width, name=f"group {i}") for i, g in enumerate(groups)]
    ends = np.cumsum([c.size for c in cols])
    places = [np.arange(end - c.size, end) for c, end in zip(cols, ends, strict=True)]
    estimate = float(statistic(matrix, cols))
    values = np.empty(resamples)
    for i in range(resamples):
        drawn = np.concatenate([c[rng.integers(c.size, size=c.size)] for c in cols])
        values[i] = statistic(matrix[rng.integers(rows, size=rows)][:, drawn], places)
    values = values[np.isfinite(values)]
    if not np.isfinite(estimate) or values.size < max(2, resamples / 2):
        return None
    return _with_interval(estimate, values, level, "two-way bootstrap, percentile")
