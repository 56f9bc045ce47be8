"""A difference between groups of words, less what other properties of the words explain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bias_audit.records import Floats

SPARE = 5
"""Degrees of freedom that must be left: fewer would fit the words and explain nothing."""
ALIKE = 1e-9
"""A property that varies less than this inside the groups, of its whole variance, is the group."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Adjusted:
    """A contrast beside what is left of it."""

    raw: float
    """Contrast of the group means, unit of the values."""
    estimate: float
    """The same at equal properties."""
    used: tuple[int, ...]
    """Numbers of the properties that were taken into account."""
    inseparable: tuple[int, ...]
    """Numbers of those that differ between the groups and not inside them: no adjustment can
    tell them from the group."""


def adjusted(groups: Sequence[tuple[float, Floats, Floats]], spare: int = SPARE) -> Adjusted | None:
    """Return the contrast of group means with and without linear effects of covariates.

    The slopes are those inside the groups, the same in all of them (analysis of covariance). The
    covariates enter in the order given, as many as the words allow.

    Args:
        groups: of each group its weight in the contrast, the (words,) values and the (words,
            covariates) properties; differences inside matched pairs are one group.
        spare: least degrees of freedom of the residual.

    Returns:
        None where no covariate can be used, for want of words or because none varies.

    Source: Fisher (1932), analysis of covariance.
    """
    inside = np.concatenate([values - values.mean() for _, values, _ in groups])
    within = np.concatenate([x - x.mean(axis=0) for _, _, x in groups])
    whole = np.concatenate([x for _, _, x in groups])
    centre = whole.mean(axis=0) if len(groups) > 1 else np.zeros(whole.shape[1])
    spread = np.sum((whole - centre) ** 2, axis=0)
    inner = np.sum(within**2, axis=0)
    used = _chosen(within, inner > ALIKE * spread, inside.size - len(groups) - spare)
    if not used:
        return None
    slopes = np.linalg.lstsq(within[:, used], inside, rcond=None)[0]
    raw = sum(weight * float(values.mean()) for weight, values, _ in groups)
    moved = sum(weight * float(x[:, used].mean(axis=0) @ slopes) for weight, _, x in groups)
    alias = np.flatnonzero((spread > 0) & (inner <= ALIKE * spread))
    return Adjusted(
        raw=raw,
        estimate=raw - moved,
        used=tuple(used),
        inseparable=tuple(alias.tolist()),
    )


def _chosen(within: Floats, varies: NDArray[np.bool_], room: int) -> list[int]:
    """The first covariates that vary, that no earlier ones make up, and that the words allow."""
    used: list[int] = []
    for number in np.flatnonzero(varies).tolist():
        chosen = [*used, number]
        if len(chosen) <= room and np.linalg.matrix_rank(within[:, chosen]) == len(chosen):
            used = chosen
    return used
