"""The model's shares beside those of labour statistics."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from bias_audit.stats._arrays import finite


def mean_distance(logits: ArrayLike, shares: ArrayLike) -> float:
    """Return the mean absolute difference of the model's shares and those of the statistics.

    Args:
        logits: (n,) logit of the model's share of the first word for each job, nats: the log of
            P(she) / P(he), averaged over sentences.
        shares: (n,) shares of the statistics, in [0, 1].

    Returns:
        A value in [0, 1]; times 100 it is percentage points.

    Raises:
        ValueError: a value is not finite, or the lists differ in length.
    """
    model, known = finite(logits, ndim=1, name="logits"), finite(shares, ndim=1, name="shares")
    if model.shape != known.shape:
        raise ValueError(f"expected one share for each job, got {known.size} for {model.size}")
    return float(np.mean(np.abs(expit(model) - known)))
