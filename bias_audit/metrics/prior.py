"""Group words scored against their prior: what the sentence adds once the other word is shown.

Each takes natural logarithms. A score is the log-probability of a group word in its sentence, a
prior that of the same word while the sentence's other word is masked.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bias_audit.utils.arrays import Floats


def association(scores: ArrayLike, priors: ArrayLike) -> Floats:
    """Return ln(p / prior) of each cell, nats: by how much the shown word raises the group word.

    Args:
        scores: any shape, nats.
        priors: the same shape, nats.

    Raises:
        ValueError: the shapes differ, or a value is not finite.

    Source: Kurita et al. (2019).
    """
    values, base = np.asarray(scores, dtype=float), np.asarray(priors, dtype=float)
    if values.shape != base.shape or not (np.isfinite(values) & np.isfinite(base)).all():
        raise ValueError(
            f"expected finite scores and priors alike, got {values.shape}, {base.shape}"
        )
    return np.asarray(values - base)


def lpbs(a: ArrayLike, a_prior: ArrayLike, b: ArrayLike, b_prior: ArrayLike) -> Floats:
    """Return the log-probability bias score of each cell, nats; positive: more of A.

    Args:
        a: scores of the first group's word.
        a_prior: its priors.
        b: scores of the second group's word.
        b_prior: its priors.

    Source: Kurita et al. (2019).
    """
    return np.asarray(association(a, a_prior) - association(b, b_prior))


class Spread(NamedTuple):
    """How unequally groups are associated."""

    cells: Floats
    """Variance over groups in each cell, nats squared, ddof 1."""
    value: float
    """Their mean: the categorical bias score."""
    shares: Floats
    """Share of each group in the squared deviations, summing to 1; equal where there are none."""


def cbs(associations: ArrayLike) -> Spread:
    """Return the categorical bias score: the variance of the associations over the groups.

    For two groups it is half the square of their difference. One outlying group can make all of
    it, so its share is returned too.

    Args:
        associations: (..., groups) log-ratios of score and prior, at least two groups, nats.

    Raises:
        ValueError: fewer than two groups, or a value is not finite.

    Source: Ahn and Oh (2021), whose code divides by the number of groups less one.
    """
    values = np.asarray(associations, dtype=float)
    if values.ndim < 1 or values.shape[-1] < 2 or not np.isfinite(values).all():
        raise ValueError(f"expected finite values of two groups or more, got {values.shape}")
    cells = values.var(axis=-1, ddof=1)
    away = (values - values.mean(axis=-1, keepdims=True)) ** 2
    each = away.reshape(-1, values.shape[-1]).sum(axis=0)
    total = float(each.sum())
    equal = np.full(values.shape[-1], 1 / values.shape[-1])
    return Spread(np.asarray(cells), float(cells.mean()), each / total if total > 0 else equal)
