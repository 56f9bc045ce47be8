"""Adjusting p-values for the number of questions asked at once.

Each function takes the raw p-values of one family and returns the adjusted ones in the same order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from bias_audit.utils.arrays import Floats


def _family(p_values: ArrayLike) -> Floats:
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1:
        raise ValueError(f"expected a list of p-values, got shape {p.shape}")
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError("p-values must lie in [0, 1]; leave out cells that have none")
    return p


def holm(p_values: ArrayLike) -> Floats:
    """Return Holm's step-down adjusted p-values: no false claim in the family, at any dependence.

    Args:
        p_values: (m,) raw p-values in [0, 1]; m may be 0.

    Raises:
        ValueError: not a list, or a value outside [0, 1] (NaN included).

    Source: Holm (1979).
    """
    p = _family(p_values)
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted


def bh(p_values: ArrayLike) -> Floats:
    """Return Benjamini-Hochberg adjusted p-values: false discovery rate, independent questions.

    Args:
        p_values: (m,) raw p-values in [0, 1]; m may be 0.

    Raises:
        ValueError: not a list, or a value outside [0, 1] (NaN included).

    Source: Benjamini and Hochberg (1995).
    """
    return _step_up(_family(p_values), 1.0)


def by(p_values: ArrayLike) -> Floats:
    """Return Benjamini-Yekutieli adjusted p-values: false discovery rate, at any dependence.

    Args:
        p_values: (m,) raw p-values in [0, 1]; m may be 0.

    Raises:
        ValueError: not a list, or a value outside [0, 1] (NaN included).

    Source: Benjamini and Yekutieli (2001).
    """
    p = _family(p_values)
    return _step_up(p, float(np.sum(1 / np.arange(1, p.size + 1))))


def _step_up(p: Floats, factor: float) -> Floats:
    """The smallest ``factor * m * p / rank`` at this rank or above, at most 1."""
    order = np.argsort(p, kind="stable")[::-1]
    ranks = np.arange(p.size, 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum.accumulate(np.minimum(factor * p[order] * p.size / ranks, 1.0))
    return adjusted
