"""Further distances between distributions of completions, and the words behind a divergence."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from bias_audit.metrics.divergence import distributions, pair
from bias_audit.utils.arrays import Floats


def pulls(p: ArrayLike) -> Floats:
    """Return what each word adds to the divergence of k distributions of equal weight, bits, (V,).

    Every entry is 0 or more, and together they are :func:`generalised_jsd`.

    Args:
        p: (k, V) distributions.

    Raises:
        ValueError: ``p`` holds no distributions.
    """
    rows = distributions(p)
    ratio = np.divide(rows, rows.mean(axis=0), out=np.ones_like(rows), where=rows > 0)
    return np.asarray(np.maximum(np.mean(rows * np.log2(ratio), axis=0), 0.0))


def total_variation(p: ArrayLike, q: ArrayLike) -> float:
    """Return the total variation distance of two distributions (V,), in [0, 1].

    The largest difference in probability that any set of completions can have.

    Raises:
        ValueError: ``p`` or ``q`` is not a distribution, or their lengths differ.
    """
    one, other = pair(p, q)
    return min(1.0, float(np.abs(one - other).sum()) / 2)


def hellinger(p: ArrayLike, q: ArrayLike) -> float:
    """Return the Hellinger distance of two distributions (V,), in [0, 1].

    Raises:
        ValueError: ``p`` or ``q`` is not a distribution, or their lengths differ.
    """
    one, other = np.sqrt(pair(p, q))
    return min(1.0, float(np.sqrt(np.sum((one - other) ** 2) / 2)))
