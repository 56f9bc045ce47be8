"""Split halves: reliability over sentences, and the contrast of half of the words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from bias_audit.stats._arrays import ROUNDING, Ints, finite
from bias_audit.stats.contrast import ContrastBatch, analyse_many, one_group, several_groups
from bias_audit.stats.fragility import LEVEL, StabilityBounds
from bias_audit.utils.arrays import Floats

SPLITS = 200
"""Random halves that are tried."""
FEWEST = 4
"""Units that can be halved: two in each half."""


def halves(size: int, rng: np.random.Generator, splits: int = SPLITS) -> tuple[Floats, Floats]:
    """Return weights of two disjoint random halves of ``size`` units, each (splits, size).

    The ``size // 2`` units of a half have equal weights; of an odd number one unit is in neither.
    """
    half = size // 2
    order = rng.permuted(np.tile(np.arange(size), (splits, 1)), axis=1)
    weights = np.zeros((2, splits, size))
    for side in range(2):
        chosen = order[:, side * half : (side + 1) * half]
        np.put_along_axis(weights[side], chosen, 1.0 / half, axis=1)
    return weights[0], weights[1]


def split_half(values: ArrayLike, rng: np.random.Generator, splits: int = SPLITS) -> float | None:
    """Return the split-half reliability of the columns' means of (templates, targets) values.

    How well would other templates give the same order of the targets? The mean correlation of the
    means of two disjoint halves of the templates, stepped up to the whole number of templates
    (Spearman 1910, Brown 1910), in [-1, 1]; None with fewer than four templates or three targets,
    or where a half does not vary.
    """
    cells = finite(values, ndim=2, name="values")
    rows, width = cells.shape
    if rows < FEWEST or width < 3:
        return None
    first, second = (_centre(weights @ cells) for weights in halves(rows, rng, splits))
    sizes = np.sqrt(np.sum(first**2, axis=1) * np.sum(second**2, axis=1))
    if sizes.min() <= ROUNDING * float(np.abs(cells).max()) ** 2:
        return None
    mean = float(np.mean(np.sum(first * second, axis=1) / sizes))
    return max(-1.0, 2 * mean / (1 + mean)) if mean > -1 else -1.0


def _centre(rows: Floats) -> Floats:
    return np.asarray(rows - rows.mean(axis=1, keepdims=True))


def analyse_halves(
    y: Floats,
    groups: Sequence[Sequence[int]],
    weights: Sequence[float],
    rng: np.random.Generator,
    *,
    splits: int = SPLITS,
) -> ContrastBatch | None:
    """Return the primary analysis of either half of the words, 2 * splits data sets.

    Each group's words are dealt into two halves; of an odd number one is in neither. None where a
    group has fewer than four words. Arguments as in
    :func:`~bias_audit.stats.null_calibration.permute_labels`; matched pairs are one group.
    """
    if not groups or min(len(g) for g in groups) < FEWEST:
        return None
    members = _draw_halves(groups, rng, splits)
    rows = np.moveaxis(y[:, np.concatenate(members, axis=1)], 1, 0)
    ends = np.cumsum([part.shape[1] for part in members])
    places = [np.arange(end - part.shape[1], end) for end, part in zip(ends, members, strict=True)]
    factors = one_group("templates", len(y)), several_groups("terms", places, weights)
    return analyse_many(rows, factors, ("templates", "terms"))


def _draw_halves(
    groups: Sequence[Sequence[int]], rng: np.random.Generator, splits: int
) -> list[Ints]:
    """Draw (2 * splits, half) columns of each group."""
    members = []
    for group in groups:
        half = len(group) // 2
        order = rng.permuted(np.tile(np.asarray(group, dtype=np.intp), (splits, 1)), axis=1)
        members.append(np.concatenate([order[:, :half], order[:, half : 2 * half]]))
    return members


def half_bounds(halves: ContrastBatch) -> StabilityBounds:
    """Return the furthest that any half goes: its estimate, and what its intervals decide."""
    size, varies = np.abs(halves.estimate), halves.se > 0
    df = np.where(varies, halves.df, 1.0)
    half = stdtrit(df, (1 + LEVEL) / 2) * halves.se
    inside = size[varies] + half[varies]
    return StabilityBounds(
        split_half_low=float(halves.estimate.min()),
        split_half_high=float(halves.estimate.max()),
        split_half_fail_limit=float(np.max(np.where(varies, size - half, 0.0).clip(min=0.0))),
        split_half_pass_limit=float(inside.min()) if inside.size else None,
    )
