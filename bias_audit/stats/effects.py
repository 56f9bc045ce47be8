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
from bias_audit.stats.ranks import ranks

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
    check_level(level)
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
        rng: source of the draws.
        resamples: draws of the two-way bootstrap; templates and words are drawn anew.
        level: coverage of the percentile interval, in (0, 1).
        parts: numbers of columns of the groups that B is made of, in its order; words are drawn
            anew inside each of them. One group when None.

    Raises:
        ValueError: ``y`` is not a finite matrix, a group is empty, repeats or leaves it, ``parts``
            do not add up to B, or ``level`` is outside (0, 1).

    Source: Cliff (1993); Owen (2007) for the two-way bootstrap.
    """
    check_level(level)
    matrix = finite(y, ndim=2, name="y")
    a, b = (columns(g, matrix.shape[1], name=n) for g, n in ((in_a, "in_a"), (in_b, "in_b")))
    sizes = [b.size] if parts is None else list(parts)
    if sum(sizes) != b.size or min(sizes, default=0) < 1:
        raise ValueError(f"parts: expected positive numbers that add up to {b.size}, got {sizes}")
    one = matrix[:, a]
    others = [matrix[:, cols] for cols in np.split(b, np.cumsum(sizes)[:-1])]
    step = max(1, CELLS_AT_ONCE // (matrix[:, :1].size * (a.size + b.size) + a.size * b.size))
    found = []
    for start in range(0, resamples, step):
        many = min(step, resamples - start)
        rows = rng.integers(len(matrix), size=(many, len(matrix)))
        drawn = _redrawn(one, rows, rng)
        found.append(_cliff(drawn, [_redrawn(other, rows, rng) for other in others]))
    low, high = np.quantile(np.concatenate(found), tails(level))
    return EffectSize(
        value=float(_cliff(one.mean(axis=0), [other.mean(axis=0) for other in others])),
        low=float(low),
        high=float(high),
        method="two-way bootstrap, percentile",
    )


def _redrawn(matrix: Floats, rows: Ints, rng: np.random.Generator) -> Floats:
    """(N, n) means of words drawn with replacement, over the drawn templates."""
    means = matrix[rows].mean(axis=1)
    return np.take_along_axis(means, rng.integers(means.shape[1], size=means.shape), axis=1)


def _cliff(one: Floats, others: Sequence[Floats]) -> Floats:
    """Of each row of (..., n) word means of A and of each group that B is made of."""
    found = [np.sign(one[..., :, None] - o[..., None, :]).mean(axis=(-2, -1)) for o in others]
    return np.asarray(np.mean(found, axis=0))


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
    return bootstrapped(values, _biserial, rng, resamples, level)


def _biserial(rows: Floats) -> Floats:
    """Of each row of (..., n) differences."""
    sizes = np.abs(rows)
    # Zeros rank below all others; taking their number off leaves the others' own ranks.
    own = np.where(sizes > 0, ranks(sizes) - np.sum(sizes == 0, axis=-1, keepdims=True), 0.0)
    whole = own.sum(axis=-1)
    signed = np.sum(np.sign(rows) * own, axis=-1)
    return np.asarray(np.where(whole > 0, signed / np.where(whole > 0, whole, 1.0), 0.0))


def bootstrapped(
    units: Floats,
    statistic: Callable[[Floats], Floats],
    rng: np.random.Generator,
    resamples: int,
    level: float,
) -> EffectSize:
    """Return a statistic with its percentile interval; units, the first axis, are drawn anew."""
    check_level(level)
    step = max(1, CELLS_AT_ONCE // units.size)
    found = []
    for start in range(0, resamples, step):
        chosen = rng.integers(len(units), size=(min(step, resamples - start), len(units)))
        found.append(statistic(units[chosen]))
    low, high = np.quantile(np.concatenate(found), tails(level))
    return EffectSize(
        value=float(statistic(units)),
        low=float(low),
        high=float(high),
        method="bootstrap, percentile",
    )


def tails(level: float) -> tuple[float, float]:
    """Shares of the draws that lie below the ends of an interval."""
    return (1 - level) / 2, (1 + level) / 2


def check_level(level: float) -> None:
    """Refuse a level that is no share.

    Raises:
        ValueError: it is outside (0, 1).
    """
    if not 0 < level < 1:
        raise ValueError(f"level must be in (0, 1), got {level}")
