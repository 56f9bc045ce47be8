"""Effect sizes without a unit, with intervals: for readers who know them from other fields.

None of them judges anything: no norms exist for what is small or large in the probabilities of a
model. Standardised sizes say how *consistent* a difference is over sentences or words, not how
large.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bias_audit.records import Floats
from bias_audit.stats._arrays import ROUNDING, Indices, Ints, columns, finite
from bias_audit.stats.permutation import CELLS_AT_ONCE
from bias_audit.stats.ranks import kendall_w, ranks

FEWEST = 2
_FAR = 300.0
"""Standard deviations beyond which the noncentral t takes minutes and then breaks down; there the
mean is known exactly beside the spread, whose square is distributed as chi squared."""


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
    """Return d_z: the mean of the template differences in their standard deviations.

    Args:
        delta: (J,) differences.
        level: coverage of the interval, in (0, 1), from the noncentral t distribution.

    Returns:
        None with fewer than two templates or differences that do not vary.

    Raises:
        ValueError: ``delta`` is empty or not finite, or ``level`` is outside (0, 1).

    Source: Cumming and Finch (2001) for the interval.
    """
    _check(level)
    values = finite(delta, ndim=1, name="delta")
    floor = ROUNDING * float(np.abs(values).max())
    if values.size < FEWEST or float(values.std(ddof=1)) <= floor:
        return None
    root, df = math.sqrt(values.size), values.size - 1
    value = float(values.mean() / values.std(ddof=1))
    if abs(value) > _FAR:
        from scipy.special import chdtri

        near = sorted(value * math.sqrt(chdtri(df, p) / df) for p in _tails(level))
        return EffectSize(value=value, low=near[0], high=near[1], method="chi, for large values")
    low, high = (_noncentrality(value * root, df, p) / root for p in _tails(level)[::-1])
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
) -> EffectSize:
    """Return Cliff's delta of word means: how much more often a word of A exceeds one of B.

    (1 + delta) / 2 is the probability of superiority, ties counted half.

    Args:
        y: (J, T) responses, templates by terms.
        in_a: columns of group A.
        in_b: columns of group B.
        rng: source of the draws.
        resamples: draws of the two-way bootstrap; templates and words are drawn anew.
        level: coverage of the percentile interval, in (0, 1).

    Raises:
        ValueError: ``y`` is not a finite matrix, a group is empty, repeats or leaves it, or
            ``level`` is outside (0, 1).

    Source: Cliff (1993); Owen (2007) for the two-way bootstrap.
    """
    _check(level)
    matrix = finite(y, ndim=2, name="y")
    a, b = (columns(g, matrix.shape[1], name=n) for g, n in ((in_a, "in_a"), (in_b, "in_b")))
    one, other = matrix[:, a], matrix[:, b]
    step = max(1, CELLS_AT_ONCE // (matrix[:, :1].size * (a.size + b.size) + a.size * b.size))
    found = []
    for start in range(0, resamples, step):
        many = min(step, resamples - start)
        rows = rng.integers(len(matrix), size=(many, len(matrix)))
        found.append(_cliff(_redrawn(one, rows, rng), _redrawn(other, rows, rng)))
    low, high = np.quantile(np.concatenate(found), _tails(level))
    return EffectSize(
        value=float(_cliff(one.mean(axis=0), other.mean(axis=0))),
        low=float(low),
        high=float(high),
        method="two-way bootstrap, percentile",
    )


def _redrawn(matrix: Floats, rows: Ints, rng: np.random.Generator) -> Floats:
    """(N, n) means of words drawn with replacement, over the drawn templates."""
    means = matrix[rows].mean(axis=1)
    return np.take_along_axis(means, rng.integers(means.shape[1], size=means.shape), axis=1)


def _cliff(one: Floats, other: Floats) -> Floats:
    """Of each row of (..., n) word means of both groups."""
    return np.asarray(np.sign(one[..., :, None] - other[..., None, :]).mean(axis=(-2, -1)))


def rank_biserial(
    d: ArrayLike, rng: np.random.Generator, resamples: int = 1999, level: float = 0.95
) -> EffectSize:
    """Return the matched rank-biserial correlation of differences: (R+ - R-) / (R+ + R-).

    R+ and R- are the sums of the ranks of the sizes of positive and of negative differences; zeros
    are left out. 0 when all are zero.

    Args:
        d: (n,) differences, of templates or of matched pairs.
        rng: source of the draws.
        resamples: draws of the differences, with replacement.
        level: coverage of the percentile interval, in (0, 1).

    Raises:
        ValueError: ``d`` is empty or not finite, or ``level`` is outside (0, 1).

    Source: Kerby (2014).
    """
    values = finite(d, ndim=1, name="d")
    return _bootstrapped(values, _biserial, rng, resamples, level)


def _biserial(rows: Floats) -> Floats:
    """Of each row of (..., n) differences."""
    sizes = np.abs(rows)
    # Zeros rank below all others; taking their number off leaves the others' own ranks.
    own = np.where(sizes > 0, ranks(sizes) - np.sum(sizes == 0, axis=-1, keepdims=True), 0.0)
    whole = own.sum(axis=-1)
    signed = np.sum(np.sign(rows) * own, axis=-1)
    return np.asarray(np.where(whole > 0, signed / np.where(whole > 0, whole, 1.0), 0.0))


def concordance(
    rows: ArrayLike, rng: np.random.Generator, resamples: int = 1999, level: float = 0.95
) -> EffectSize:
    """Return Kendall's W of (J, k) group effects: how alike the templates rank the groups.

    W cannot be negative, so no interval excludes agreement by chance: compare it with the value
    that exchanged labels give (:func:`~bias_audit.stats.ranks.friedman`).

    Args:
        rows: (J, k) group effects, one row per template.
        rng: source of the draws.
        resamples: draws of templates, with replacement.
        level: coverage of the percentile interval, in (0, 1).

    Raises:
        ValueError: ``rows`` is not a finite matrix, or ``level`` is outside (0, 1).
    """
    ranked = ranks(finite(rows, ndim=2, name="rows"))
    return _bootstrapped(ranked, kendall_w, rng, resamples, level)


def rank_share(
    values: ArrayLike,
    groups: Sequence[Indices],
    rng: np.random.Generator,
    resamples: int = 1999,
    level: float = 0.95,
) -> EffectSize:
    """Return epsilon squared of Kruskal and Wallis: share of the ranks' spread between k groups.

    As for W, the value that exchanged labels give is the yardstick
    (:func:`~bias_audit.stats.ranks.kruskal`).

    Args:
        values: (n,) one value per word.
        groups: words of each group.
        rng: source of the draws.
        resamples: draws of words inside each group, with replacement.
        level: coverage of the percentile interval, in (0, 1).

    Raises:
        ValueError: values or groups do not fit, or ``level`` is outside (0, 1).
    """
    _check(level)
    whole = finite(values, ndim=1, name="values")
    cols = [columns(g, whole.size, name=f"group {i}") for i, g in enumerate(groups)]
    sizes = [c.size for c in cols]
    kept = whole[np.concatenate(cols)]
    ends = np.cumsum(sizes)
    drawn = np.concatenate(
        [
            rng.integers(end - size, end, size=(resamples, size))
            for end, size in zip(ends, sizes, strict=True)
        ],
        axis=1,
    )
    found = _rank_shares(kept[drawn], sizes)
    low, high = np.quantile(found, _tails(level))
    value = float(_rank_shares(kept, sizes))
    return EffectSize(value=value, low=float(low), high=float(high), method="bootstrap over words")


def _rank_shares(rows: Floats, sizes: Sequence[int]) -> Floats:
    """Of each row of (..., n) values, the words of a group side by side."""
    centred = ranks(rows) - (rows.shape[-1] + 1) / 2
    starts = np.cumsum([0, *sizes[:-1]])
    between = np.sum(np.add.reduceat(centred, starts, axis=-1) ** 2 / np.array(sizes), axis=-1)
    whole = np.sum(centred**2, axis=-1)
    return np.asarray(np.where(whole > 0, between / np.where(whole > 0, whole, 1.0), 0.0))


def cramers_v(table: ArrayLike) -> float:
    """Return Cramer's V of a table of counts, corrected for its bias, in [0, 1].

    Args:
        table: (r, c) counts. Empty rows and columns are left out; 0 when fewer than two are left.

    Raises:
        ValueError: ``table`` is no matrix of non-negative counts.

    Source: Bergsma (2013).
    """
    counts = finite(table, ndim=2, name="table")
    if counts.min() < 0:
        raise ValueError("counts must not be negative")
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    n = float(counts.sum())
    if min(counts.shape) < FEWEST or n <= 1:
        return 0.0
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / n
    phi2 = float(np.sum((counts - expected) ** 2 / expected)) / n
    r, c = counts.shape
    left = max(0.0, phi2 - (r - 1) * (c - 1) / (n - 1))
    rows, cols = r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)
    least = min(rows, cols) - 1
    return min(1.0, math.sqrt(left / least)) if least > 0 else 0.0


def _bootstrapped(
    units: Floats,
    statistic: Callable[[Floats], Floats],
    rng: np.random.Generator,
    resamples: int,
    level: float,
) -> EffectSize:
    """Draw units, the first axis, with replacement."""
    _check(level)
    step = max(1, CELLS_AT_ONCE // units.size)
    found = []
    for start in range(0, resamples, step):
        chosen = rng.integers(len(units), size=(min(step, resamples - start), len(units)))
        found.append(statistic(units[chosen]))
    low, high = np.quantile(np.concatenate(found), _tails(level))
    return EffectSize(
        value=float(statistic(units)),
        low=float(low),
        high=float(high),
        method="bootstrap, percentile",
    )


def _tails(level: float) -> tuple[float, float]:
    return (1 - level) / 2, (1 + level) / 2


def _check(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"level must be in (0, 1), got {level}")
