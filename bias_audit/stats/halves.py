"""Halves: would other sentences rank the targets alike, and would other words say the same?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from bias_audit.records import Floats
from bias_audit.stats._arrays import ROUNDING, Ints, finite
from bias_audit.stats._split import by_groups
from bias_audit.stats.fragility import DECIDES, StabilityBounds
from bias_audit.stats.many import Design, Many, Responses

SPLITS = 200
"""Random halves that are tried."""
FEWEST = 4
"""Units that can be halved: two in each half."""


def halves(size: int, rng: np.random.Generator, splits: int = SPLITS) -> tuple[Floats, Floats]:
    """Return weights of two disjoint random halves of ``size`` units, each (splits, size).

    Both halves have ``size // 2`` units, each with weight 1 / (size // 2); of an odd number one
    unit is in neither.
    """
    half = size // 2
    order = rng.permuted(np.tile(np.arange(size), (splits, 1)), axis=1)
    found = np.zeros((2, splits, size))
    for side in range(2):
        chosen = order[:, side * half : (side + 1) * half]
        np.put_along_axis(found[side], chosen, 1.0 / half, axis=1)
    return found[0], found[1]


def split_half(values: ArrayLike, rng: np.random.Generator, splits: int = SPLITS) -> float | None:
    """Return the split-half reliability of the columns' means, corrected to full length.

    Args:
        values: (J, A) one value of each template and target; how well would other templates give
            the same order of the targets?
        rng: source of the halves.
        splits: random halves of the templates.

    Returns:
        Mean correlation over the targets of the means of two disjoint halves of the templates,
        stepped up to the whole number of templates (Spearman 1910, Brown 1910), in [-1, 1]; None
        with fewer than four templates or three targets, or where a half does not vary.

    Raises:
        ValueError: ``values`` is not a finite matrix.
    """
    cells = finite(values, ndim=2, name="values")
    rows, width = cells.shape
    if rows < FEWEST or width < 3:
        return None
    first, second = (_centred(weights @ cells) for weights in halves(rows, rng, splits))
    sizes = np.sqrt(np.sum(first**2, axis=1) * np.sum(second**2, axis=1))
    if sizes.min() <= ROUNDING * float(np.abs(cells).max()) ** 2:
        return None
    mean = float(np.mean(np.sum(first * second, axis=1) / sizes))
    return max(-1.0, 2 * mean / (1 + mean)) if mean > -1 else -1.0


def _centred(rows: Floats) -> Floats:
    return np.asarray(rows - rows.mean(axis=1, keepdims=True))


def of_halves(
    y: Floats,
    groups: Sequence[Sequence[int]],
    weights: Sequence[float],
    rng: np.random.Generator,
    *,
    cells: tuple[Floats, Floats] | None = None,
    splits: int = SPLITS,
) -> Many | None:
    """Return the primary analysis of either half of the words, 2 * splits data sets.

    Each group's words are dealt into two halves; of an odd number one is in neither.

    Args:
        y: (templates, columns) responses; columns are words, or matched pairs as one group.
        groups: columns of each group.
        weights: of each group's mean in the contrast.
        rng: source of the halves.
        cells: mean (columns, targets) scores on the targets of either pole, where targets are a
            sample beside the words.
        splits: random halves.

    Returns:
        None where a group has fewer than four words.
    """
    if not groups or min(len(g) for g in groups) < FEWEST:
        return None
    chosen, shares = _dealt(groups, weights, y.shape[1], rng, splits)
    rows = np.moveaxis(y[:, np.concatenate(chosen, axis=1)], 1, 0)
    ends = np.cumsum([part.shape[1] for part in chosen])
    places = [np.arange(end - part.shape[1], end) for end, part in zip(ends, chosen, strict=True)]
    targets = None if cells is None else (shares @ cells[0], shares @ cells[1])
    design = Design(groups=len(groups), scope="concept", construct=targets is not None)
    return Many(design, Responses(by_groups(rows, places, weights), targets))


def _dealt(
    groups: Sequence[Sequence[int]],
    weights: Sequence[float],
    width: int,
    rng: np.random.Generator,
    splits: int,
) -> tuple[list[Ints], Floats]:
    """Columns (2 * splits, half) of each group in each half, and the weight of every column."""
    chosen, shares = [], np.zeros((2 * splits, width))
    for group, weight in zip(groups, weights, strict=True):
        half = len(group) // 2
        order = rng.permuted(np.tile(np.asarray(group, dtype=np.intp), (splits, 1)), axis=1)
        picked = np.concatenate([order[:, :half], order[:, half : 2 * half]])
        np.put_along_axis(shares, picked, weight / half, axis=1)
        chosen.append(picked)
    return chosen, shares


def half_bounds(halves: Many) -> StabilityBounds:
    """Return the furthest that any half goes: its estimate, and what its intervals decide."""
    size, varies = np.abs(halves.estimate), halves.se > 0
    df = np.where(varies, halves.df, 1.0)
    wide, narrow = (stdtrit(df, (1 + level) / 2) * halves.se for level in (DECIDES, 0.9))
    inside = size[varies] + narrow[varies]
    return StabilityBounds(
        half_low=float(halves.estimate.min()),
        half_high=float(halves.estimate.max()),
        half_outside=float(np.max(np.where(varies, size - wide, 0.0).clip(min=0.0))),
        half_inside=float(inside.min()) if inside.size else None,
    )
