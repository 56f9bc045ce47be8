"""Checks that every statistic makes on the arrays it is given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bias_audit.utils.arrays import Floats

Ints = NDArray[np.intp]
Indices = Sequence[int] | NDArray[np.integer]
"""Column numbers of one group."""

ROUNDING = 1e-12
"""Differences below this share of the largest value are rounding, not variance."""


def finite(values: ArrayLike, *, ndim: int, name: str) -> Floats:
    """Return ``values`` as float64, checked.

    Raises:
        ValueError: wrong number of axes, an empty axis, or a value that is NaN or infinite.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != ndim or array.size == 0:
        raise ValueError(f"{name}: expected {ndim} axes, none empty, got shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: every value must be finite; leave lost cells out first")
    return array


def columns(group: Indices, size: int, *, name: str) -> Ints:
    """Return the column numbers of one group, checked against ``size`` columns.

    Raises:
        ValueError: none given, one outside the matrix, or one given twice (a repeated word
            would count as two independent ones).
    """
    index = np.asarray(group, dtype=np.intp)
    if index.ndim != 1 or index.size == 0:
        raise ValueError(f"{name}: expected at least one column, got shape {index.shape}")
    if index.min() < 0 or index.max() >= size:
        raise ValueError(f"{name}: columns must lie in 0..{size - 1}")
    if np.unique(index).size != index.size:
        raise ValueError(f"{name}: a column is named twice")
    return index


def tails(level: float) -> tuple[float, float]:
    """Return the shares of the draws that lie below the ends of an interval.

    Raises:
        ValueError: ``level`` is outside (0, 1).
    """
    if not 0 < level < 1:
        raise ValueError(f"level must be in (0, 1), got {level}")
    return (1 - level) / 2, (1 + level) / 2


def block_codes(blocks: Indices | None, size: int) -> Ints:
    """Return one block number per column; a single block when ``blocks`` is None.

    Raises:
        ValueError: there is not exactly one entry per column.
    """
    if blocks is None:
        return np.zeros(size, dtype=np.intp)
    codes = np.asarray(blocks, dtype=np.intp)
    if codes.shape != (size,):
        raise ValueError(f"blocks: expected one entry for each of {size} columns")
    return codes
