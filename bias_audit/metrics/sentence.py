"""One number for a sentence from the scores of its pieces.

Each takes arrays (m,) with one entry for each piece, special pieces left out, as
:class:`bias_audit.records.SentenceScore` holds them. Natural logarithms.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from bias_audit.stats._arrays import finite
from bias_audit.utils.arrays import Floats


def pll_sum(log_probs: ArrayLike) -> float:
    """Return the pseudo-log-likelihood: the sum over pieces, nats. Longer sentences get less.

    Source: Salazar et al. (2020).
    """
    return float(finite(log_probs, ndim=1, name="log_probs").sum())


def pll_mean(log_probs: ArrayLike) -> float:
    """Return the pseudo-log-likelihood per piece, nats: minus the log pseudo-perplexity."""
    return float(finite(log_probs, ndim=1, name="log_probs").mean())


def aul(log_probs: ArrayLike) -> float:
    """Return the all-unmasked likelihood: mean log-probability with nothing masked, nats.

    Source: Kaneko and Bollegala (2022).
    """
    return pll_mean(log_probs)


def aula(log_probs: ArrayLike, attention: ArrayLike) -> float:
    """Return the all-unmasked likelihood with attention weights, nats.

    Each piece's log-probability times the attention that it receives, averaged over pieces and not
    divided by the weights: longer sentences come out nearer to 0, so sentences of different length
    are not on one scale.

    Source: Kaneko and Bollegala (2022).
    """
    values, weights = _both(log_probs, attention, "attention")
    return float((values * weights).mean())


def top_accuracy(ranks: ArrayLike) -> float:
    """Return the share of pieces that are the model's first choice, [0, 1].

    Near 1 the model copies its input, and :func:`aul` says nothing.
    """
    return float((_ranks(ranks) == 1).mean())


def crr(ranks: ArrayLike) -> float:
    """Return the complement of the reciprocal rank, mean of 1 - 1/r, [0, 1).

    Larger means a worse prediction.

    Source: Zalkikar and Chandra (2025).
    """
    return float((1 - 1 / _ranks(ranks)).mean())


def crra(ranks: ArrayLike, attention: ArrayLike) -> float:
    """Return the attention-weighted form, mean of a (1 - ln(1/r)); it is no multiple of ``crr``.

    Source: Zalkikar and Chandra (2025).
    """
    places, weights = _both(_ranks(ranks), attention, "attention")
    return float((weights * (1 + np.log(places))).mean())


def dp(log_probs: ArrayLike, best: ArrayLike) -> float:
    """Return how far the pieces are from the model's first choice, mean of ln P(top) - ln P, nats.

    Larger means a worse prediction.

    Source: Zalkikar and Chandra (2025).
    """
    values, top = _both(log_probs, best, "best")
    return float((top - values).mean())


def dpa(log_probs: ArrayLike, best: ArrayLike, attention: ArrayLike) -> float:
    """Return the attention-weighted form of :func:`dp`, nats.

    Source: Zalkikar and Chandra (2025).
    """
    values, top = _both(log_probs, best, "best")
    _, weights = _both(log_probs, attention, "attention")
    return float((weights * (top - values)).mean())


def _ranks(ranks: ArrayLike) -> Floats:
    values = finite(ranks, ndim=1, name="ranks")
    if (values < 1).any():
        raise ValueError("ranks: the top is 1")
    return values


def _both(values: ArrayLike, others: ArrayLike, name: str) -> tuple[Floats, Floats]:
    one, two = finite(values, ndim=1, name="values"), finite(others, ndim=1, name=name)
    if one.shape != two.shape:
        raise ValueError(f"{name}: expected one entry for each of {one.size} pieces")
    return one, two
