"""The share of a group's word among the words that are compared, and itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp

from bias_audit.stats._arrays import finite
from bias_audit.utils.arrays import Floats


def share_logits(beside: ArrayLike, compared: ArrayLike) -> Floats:
    """Return the logit of P(beside) / (P(beside) + the sum of all P(compared)), (J, A), nats.

    The mean of these logits, turned back into a share, weighs a sentence with a share of 1 in 1,000
    as much as one with 999 in 1,000; the mean of the shares would hardly see the former.

    Args:
        beside: (J, A) log-scores of the group beside, templates by targets.
        compared: (k, J, A) log-scores of each compared group.

    Raises:
        ValueError: scores are not finite, there is no compared group, or the shapes do not fit.
    """
    mine, others = finite(beside, ndim=2, name="beside"), finite(compared, ndim=3, name="compared")
    if others.shape[0] < 1 or others.shape[1:] != mine.shape:
        raise ValueError(f"expected (k, {mine.shape}) compared scores, got {others.shape}")
    return np.asarray(mine - logsumexp(others, axis=0))
