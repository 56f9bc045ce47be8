"""How the template differences are spread, and intervals that ask less of their shape."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from bias_audit.stats._arrays import ROUNDING, finite, tails
from bias_audit.utils.arrays import Floats


def skew(delta: ArrayLike) -> float:
    """Return the moment skewness g1 of ``delta`` (J,); 0 when it does not vary.

    Unit-free; for J values |g1| cannot exceed (J - 2) / sqrt(J - 1).
    """
    return float(skews(finite(delta, ndim=1, name="delta")))


def skews(values: Floats) -> Floats:
    """Return :func:`skew` of each row of (..., n) values."""
    centred = values - values.mean(axis=-1, keepdims=True)
    spread = np.sqrt(np.mean(centred**2, axis=-1))
    varies = spread > ROUNDING * np.abs(values).max(axis=-1)
    scaled = centred / np.where(varies, spread, 1.0)[..., None]
    return np.where(varies, np.mean(scaled**3, axis=-1), 0.0)


def largest_share(delta: ArrayLike) -> float:
    """Return the share of the largest unit in the sum of absolute (J,) differences, in [0, 1].

    Above one half a single unit outweighs all others together. Measured against the sum of
    absolute values and not against the estimate, which would explode for estimates near zero.
    """
    return float(largest_shares(finite(delta, ndim=1, name="delta")))


def largest_shares(values: Floats) -> Floats:
    """Return :func:`largest_share` of each row of (..., n) values."""
    sizes = np.abs(values)
    total = sizes.sum(axis=-1)
    return np.where(total > 0, sizes.max(axis=-1) / np.where(total > 0, total, 1.0), 0.0)


def trimmed_mean(delta: ArrayLike, share: float = 0.2) -> tuple[float, float, int]:
    """Return trimmed mean, its variance and degrees of freedom, after Yuen (1974).

    ``share`` of the (J,) differences, in [0, 0.5), is cut off at each end. The variance is the
    winsorised one, 0 when fewer than two values are left; df is the number left minus one.
    """
    if not 0 <= share < 0.5:
        raise ValueError(f"share must be in [0, 0.5), got {share}")
    values = np.sort(finite(delta, ndim=1, name="delta"))
    size = values.size
    cut = math.floor(share * size)
    size_left = size - 2 * cut
    mean = float(values[cut : size - cut].mean())
    if size_left < 2:
        return mean, 0.0, size_left - 1
    winsorised = np.clip(values, values[cut], values[size - cut - 1])
    squares = float(np.sum((winsorised - winsorised.mean()) ** 2))
    return mean, squares / (size_left * (size_left - 1)), size_left - 1


def bootstrap_t_interval(
    delta: ArrayLike,
    level: float,
    rng: np.random.Generator,
    resamples: int = 4999,
    se: float | None = None,
) -> tuple[float, float] | None:
    """Return a bootstrap-t interval for the mean of (J,) ``delta``, resampling whole templates.

    None when ``delta`` does not vary or too many draws do not. ``se`` stretches the studentised
    quantiles: give the contrast's own when words or targets are random too, so that the interval
    is not that of fixed words; None takes the standard error over templates.

    Source: Efron and Tibshirani (1993), chapter 12.
    """
    ends = tails(level)
    values = finite(delta, ndim=1, name="delta")
    size, mean = values.size, float(values.mean())
    floor = ROUNDING * float(np.abs(values).max())
    if size < 2 or float(values.std(ddof=1)) <= floor:
        return None
    drawn: Floats = values[rng.integers(size, size=(resamples, size))]
    spread = drawn.std(axis=1, ddof=1)
    usable = spread > floor
    if usable.mean() < 0.5:
        return None
    studentised = (drawn.mean(axis=1)[usable] - mean) / (spread[usable] / math.sqrt(size))
    low, high = np.quantile(studentised, ends)
    width = float(values.std(ddof=1)) / math.sqrt(size) if se is None else se
    return mean - float(high) * width, mean - float(low) * width
