"""Correlation of two lists of numbers, and the line that fits them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bias_audit.stats._arrays import ROUNDING, finite, tails
from bias_audit.stats.rank_tests import ranks
from bias_audit.utils.arrays import Floats

CELLS_AT_ONCE = 1_000_000
"""Bound on the size of one working array, in numbers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Association:
    """One correlation coefficient, its interval and its p-value."""

    r: float
    """Coefficient, in [-1, 1]."""
    low: float
    """Lower limit of the bootstrap percentile interval."""
    high: float
    """Upper limit."""
    p: float
    """Two-sided permutation p, in (0, 1]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Correlation:
    """Pearson and Spearman correlation of the same pairs."""

    n: int
    """Number of pairs."""
    pearson: Association
    """Of the values themselves."""
    spearman: Association
    """Of their ranks, ties sharing the average rank."""
    draws: int
    """Resamples behind each interval and p-value."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CalibrationLine:
    """Least-squares line y = intercept + slope x, with t intervals."""

    n: int
    """Number of points."""
    slope: float
    """Units of y per unit of x."""
    slope_low: float
    """Lower limit of the slope."""
    slope_high: float
    """Upper limit of the slope."""
    intercept: float
    """Height of the line at x = 0: with logits, at parity."""
    intercept_low: float
    """Lower limit of the intercept."""
    intercept_high: float
    """Upper limit of the intercept."""


def logit(p: ArrayLike) -> Floats:
    """Return log(p / (1 - p)), nats, for shares strictly between 0 and 1."""
    share = np.asarray(p, dtype=np.float64)
    if not ((share > 0) & (share < 1)).all():
        raise ValueError("a logit needs shares strictly between 0 and 1")
    return np.asarray(np.log(share) - np.log1p(-share))


def log_to_logit(log_p: ArrayLike) -> Floats:
    """Return the logit of probabilities given as natural logs, exact for very small ones."""
    logs = np.asarray(log_p, dtype=np.float64)
    if not (np.isfinite(logs) & (logs < 0)).all():
        raise ValueError("a logit needs finite log-probabilities below 0")
    return np.asarray(logs - np.log(-np.expm1(logs)))


def _unit(rows: Floats) -> Floats:
    """Centre each row and scale it to length 1; rows that do not vary become NaN."""
    centred = rows - rows.mean(axis=-1, keepdims=True)
    length = np.sqrt(np.sum(centred**2, axis=-1, keepdims=True))
    length[length <= ROUNDING * np.abs(rows).max(axis=-1, keepdims=True)] = np.nan
    return np.asarray(centred / length)


def _rows_r(x: Floats, y: Floats) -> Floats:
    """Correlation of matching rows."""
    return np.asarray(np.clip(np.sum(_unit(x) * _unit(y), axis=-1), -1.0, 1.0))


def _draw(
    x: Floats, y: Floats, rng: np.random.Generator, rows: int
) -> tuple[list[Floats], list[Floats]]:
    """Pearson and Spearman coefficients of ``rows`` bootstrap and ``rows`` permuted samples."""
    chosen = rng.integers(x.size, size=(rows, x.size))
    in_x, in_y = x[chosen], y[chosen]
    boot = [_rows_r(in_x, in_y), _rows_r(ranks(in_x), ranks(in_y))]
    order = rng.permuted(np.tile(np.arange(x.size), (rows, 1)), axis=1)
    mixed = [_rows_r(x[None], y[order]), _rows_r(ranks(x)[None], ranks(y)[order])]
    return boot, mixed


def _association(r: float, boot: Floats, mixed: Floats, level: float) -> Association:
    usable = boot[np.isfinite(boot)]
    low, high = np.quantile(usable, tails(level))
    hits = int(np.count_nonzero(np.abs(mixed) >= abs(r) - ROUNDING))
    p = (1 + hits) / (mixed.size + 1)
    return Association(r=r, low=float(low), high=float(high), p=p)


def rank_correlation(
    x: ArrayLike,
    y: ArrayLike,
    rng: np.random.Generator,
    resamples: int = 4999,
    level: float = 0.95,
) -> Correlation | None:
    """Correlate (n,) ``x`` and ``y``, drawing pairs with replacement for the intervals.

    None with fewer than four pairs or a list that does not vary.
    """
    xs, ys = _same_length(x, y)
    fewest = 4
    if xs.size < fewest or min(_varies(xs), _varies(ys)) == 0:
        return None
    step = max(1, CELLS_AT_ONCE // xs.size)
    chunks = [_draw(xs, ys, rng, min(step, resamples - i)) for i in range(0, resamples, step)]
    boots = [np.concatenate([boot[i] for boot, _ in chunks]) for i in (0, 1)]
    mixes = [np.concatenate([mixed[i] for _, mixed in chunks]) for i in (0, 1)]
    pearson = float(_rows_r(xs, ys))
    spearman = float(_rows_r(ranks(xs), ranks(ys)))
    return Correlation(
        n=xs.size,
        pearson=_association(pearson, boots[0], mixes[0], level),
        spearman=_association(spearman, boots[1], mixes[1], level),
        draws=resamples,
    )


def calibration_line(x: ArrayLike, y: ArrayLike, level: float = 0.95) -> CalibrationLine | None:
    """Fit y = intercept + slope x to (n,) values by least squares, with t intervals.

    None with fewer than three points or when ``x`` does not vary. Measurement error in ``x`` pulls
    the slope towards 0; say so with the number.
    """
    from scipy import stats

    xs, ys = _same_length(x, y)
    fewest = 3
    if xs.size < fewest or _varies(xs) == 0:
        return None
    fit = stats.linregress(xs, ys)
    t = float(stats.t.ppf(tails(level)[1], xs.size - 2))
    slope, intercept = float(fit.slope), float(fit.intercept)
    return CalibrationLine(
        n=xs.size,
        slope=slope,
        slope_low=slope - t * float(fit.stderr),
        slope_high=slope + t * float(fit.stderr),
        intercept=intercept,
        intercept_low=intercept - t * float(fit.intercept_stderr),
        intercept_high=intercept + t * float(fit.intercept_stderr),
    )


def _same_length(x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
    xs, ys = finite(x, ndim=1, name="x"), finite(y, ndim=1, name="y")
    if xs.shape != ys.shape:
        raise ValueError(f"x and y must pair up, got {xs.size} and {ys.size} values")
    return xs, ys


def _varies(values: Floats) -> float:
    """Range of the values, 0 when it is rounding."""
    spread = math.fsum([float(values.max()), -float(values.min())])
    return spread if spread > ROUNDING * float(np.abs(values).max()) else 0.0
