"""Two-way bootstrap for statistics that have no standard error in closed form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bias_audit.records import Floats
from bias_audit.stats._arrays import Indices, Ints, columns, finite

Statistic = Callable[[Floats, Sequence[Ints]], float]
"""Takes a response matrix (J, T) and the columns of each group."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pigeonhole:
    """A statistic with its two-way bootstrap interval."""

    estimate: float
    """The statistic on the data as they are."""
    low: float
    """Lower limit of the percentile interval."""
    high: float
    """Upper limit."""
    se: float
    """Standard deviation over the resamples."""
    draws: int
    """Resamples in which the statistic was finite."""


def pigeonhole(
    y: ArrayLike,
    groups: Sequence[Indices],
    statistic: Statistic,
    rng: np.random.Generator,
    resamples: int = 1999,
    *,
    level: float = 0.95,
) -> Pigeonhole | None:
    """Draw templates, and terms inside each group, with replacement, and recompute.

    Both draws are independent, so the interval is on the wide side (Owen 2007).

    Args:
        y: (J, T) responses, templates by terms.
        groups: columns of each group.
        statistic: called with the drawn matrix (J, n) and the columns of each group in it.
        rng: source of the draws.
        resamples: number of draws, at least 2.
        level: coverage of the percentile interval, in (0, 1).

    Returns:
        The interval, or None when the statistic is not finite on the data or on half the draws.

    Raises:
        ValueError: ``y`` is not a finite matrix, a group is empty, repeats or leaves it, or
            ``level`` is outside (0, 1).
    """
    if not 0 < level < 1:
        raise ValueError(f"level must be in (0, 1), got {level}")
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
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Pigeonhole(
        estimate=estimate,
        low=float(low),
        high=float(high),
        se=float(values.std(ddof=1)),
        draws=values.size,
    )
