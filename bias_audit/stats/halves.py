"""Halves: would other sentences rank the targets alike, and would other words say the same?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from bias_audit.records import Floats
from bias_audit.stats._arrays import ROUNDING, finite

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


def half_estimates(
    groups: Sequence[tuple[float, Floats]], rng: np.random.Generator, splits: int = SPLITS
) -> Floats | None:
    """Return the contrast from either half of the words, (2 * splits,).

    Args:
        groups: weight of each group, and the (words,) means of its words; matched pairs are one
            group. Each group's words are halved.
        rng: source of the halves.
        splits: random halves.

    Returns:
        None where a group has fewer than four words.
    """
    if not groups or min(means.size for _, means in groups) < FEWEST:
        return None
    found = np.zeros((2, splits))
    for weight, means in groups:
        for side, weights in enumerate(halves(means.size, rng, splits)):
            found[side] += weight * (weights @ means)
    return np.asarray(found.ravel())
