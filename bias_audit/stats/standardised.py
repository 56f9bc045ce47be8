"""A difference between groups in standard deviations of single cells, with a two-way bootstrap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from bias_audit.records import Floats
from bias_audit.stats._arrays import ROUNDING, Indices, Ints, finite
from bias_audit.stats.effects import EffectSize
from bias_audit.stats.resample import pigeonhole


def standardised(
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
    does not grow with the number of either.

    Args:
        y: (J, T) responses, templates by terms.
        groups: columns of each group; of matched pairs in the order of the pairs.
        weights: of each group's mean in the contrast.
        rng: source of the draws.
        resamples: draws; templates, and words inside each group, are drawn anew.
        level: coverage of the percentile interval, in (0, 1).
        paired: the words that stand at one place in every group are drawn together.

    Returns:
        None where cells do not vary inside the groups, or not in half of the draws.

    Raises:
        ValueError: as :func:`~bias_audit.stats.resample.pigeonhole`, or pairs are not whole.
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
        found = pigeonhole(places, [range(pairs)], size_of_pairs, rng, resamples, level=level)
    else:
        found = pigeonhole(matrix, groups, size, rng, resamples, level=level)
    if found is None:
        return None
    return EffectSize(
        value=found.estimate,
        low=found.low,
        high=found.high,
        method="two-way bootstrap, percentile",
    )


def _size(blocks: Sequence[Floats], weights: Sequence[float]) -> float:
    """The weighted means over the standard deviation inside; not a number where cells are equal."""
    floor = ROUNDING * max(float(np.abs(block).max()) for block in blocks)
    inside = float(np.mean([block.var(ddof=1) for block in blocks]))
    gap = sum(w * float(block.mean()) for w, block in zip(weights, blocks, strict=True))
    if inside <= floor**2:
        return float("nan")
    return gap / inside**0.5 if abs(gap) > floor else 0.0
