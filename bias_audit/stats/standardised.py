"""A difference between groups in standard deviations of single cells, with a two-way bootstrap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from bias_audit.records import Floats
from bias_audit.stats._arrays import ROUNDING, Indices, Ints
from bias_audit.stats.effects import EffectSize
from bias_audit.stats.resample import pigeonhole


def standardised(
    y: ArrayLike,
    groups: Sequence[Indices],
    weights: Sequence[float],
    rng: np.random.Generator,
    resamples: int = 999,
    level: float = 0.95,
) -> EffectSize | None:
    """Return a contrast of group means over the standard deviation of cells inside the groups.

    What varies inside a group are templates, words and their interaction together, so the size
    does not grow with the number of either.

    Args:
        y: (J, T) responses, templates by terms.
        groups: columns of each group, or of all matched pairs as one.
        weights: of each group's mean in the contrast.
        rng: source of the draws.
        resamples: draws; templates, and words inside each group, are drawn anew.
        level: coverage of the percentile interval, in (0, 1).

    Returns:
        None where cells do not vary inside the groups, or not in half of the draws.

    Raises:
        ValueError: as :func:`~bias_audit.stats.resample.pigeonhole`.
    """

    def size(matrix: Floats, columns: Sequence[Ints]) -> float:
        blocks = [matrix[:, cols] for cols in columns]
        inside = float(np.mean([block.var(ddof=1) for block in blocks])) if matrix.size > 1 else 0.0
        floor = (ROUNDING * float(np.abs(matrix).max())) ** 2
        gap = sum(w * float(block.mean()) for w, block in zip(weights, blocks, strict=True))
        return gap / inside**0.5 if inside > floor else float("nan")

    if len(np.shape(y)) == 2 and min(np.shape(y)[0] * len(group) for group in groups) < 2:
        return None
    found = pigeonhole(y, groups, size, rng, resamples, level=level)
    if found is None:
        return None
    return EffectSize(
        value=found.estimate,
        low=found.low,
        high=found.high,
        method="two-way bootstrap, percentile",
    )
