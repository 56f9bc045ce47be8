"""Shares of a closed set of words, and their ratio between groups."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp

from bias_audit.stats._arrays import Indices, columns, finite
from bias_audit.utils.arrays import Floats

LEAST = 1e-6
"""Below this share in every group a ratio says nothing."""
FOUR_FIFTHS = 0.8
"""The ratio of selection rates below which 29 CFR 1607.4(D) looks closer."""


def closed_log_share(scores: ArrayLike, some: Indices, all_: Indices) -> Floats:
    """Return the log of the probability of some words within a closed set, (J, T), at most 0.

    Words of several pieces are on no common scale with words of one: then the share is for
    looking only.

    Args:
        scores: (J, T, A) log-scores, templates by terms by targets.
        some: targets whose share is wanted.
        all_: targets of the closed set, ``some`` among them.

    Raises:
        ValueError: scores are not finite or not (J, T, A), or a set does not fit them.
    """
    cells = finite(scores, ndim=3, name="scores")
    part = columns(some, cells.shape[2], name="some")
    whole = columns(all_, cells.shape[2], name="all_")
    if not set(part.tolist()) <= set(whole.tolist()):
        raise ValueError("the closed set lacks some of the words whose share is wanted")
    share = logsumexp(cells[:, :, part], axis=2) - logsumexp(cells[:, :, whole], axis=2)
    return np.asarray(np.minimum(share, 0.0))


def impact_ratio(log_shares: ArrayLike) -> float | None:
    """Return the smallest share over the largest, in [0, 1]; 1 is parity.

    With several groups the largest is the noisiest, so the ratio describes and decides nothing.

    Args:
        log_shares: (k,) log of each group's share.

    Returns:
        None where no group's share reaches 1e-6.

    Raises:
        ValueError: a share is not finite, or there are fewer than two.

    Source: 29 CFR 1607.4(D) (1978), a rule of thumb for selection rates of people.
    """
    shares = finite(log_shares, ndim=1, name="log_shares")
    fewest = 2
    if shares.size < fewest:
        raise ValueError(f"expected the shares of two groups or more, got {shares.size}")
    if float(shares.max()) < math.log(LEAST):
        return None
    return math.exp(-float(np.ptp(shares)))


def ratio_limits(low: float, high: float) -> tuple[float, float]:
    """Return the limits of a ratio of the smaller to the larger share, from those of its log.

    Args:
        low: lower limit of the difference of two log shares, in either direction.
        high: upper limit.
    """
    nearest = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
    return math.exp(-max(abs(low), abs(high))), math.exp(-nearest)
