"""A difference between groups of words, given other properties of the words (length, frequency).

Either what the properties explain is taken out (analysis of covariance), or only words are compared
that are alike in them (matching).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bias_audit.utils.arrays import Floats

SPARE = 5
"""Degrees of freedom that must be left: fewer would fit the words and explain nothing."""
ALIKE = 1e-9
"""A property that varies less than this inside the groups, of its whole variance, is the group."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AdjustedContrast:
    """A contrast with and without what covariates explain."""

    raw: float
    """Contrast of the group means, unit of the values."""
    estimate: float
    """The same at equal properties."""
    used: tuple[int, ...]
    """Numbers of the properties that were taken into account."""
    inseparable: tuple[int, ...]
    """Numbers of those that differ between the groups and not inside them: no adjustment can
    tell them from the group."""


def adjusted_contrast(
    groups: Sequence[tuple[float, Floats, Floats]],
) -> AdjustedContrast | None:
    """Return the contrast of group means with and without linear effects of covariates.

    The slopes are those inside the groups, the same in all of them. The covariates enter in the
    order given, as many as the words allow; None where none can be used.

    Args:
        groups: of each group its weight in the contrast, the (words,) values and the (words,
            covariates) properties; differences inside matched pairs are one group.

    Source: Fisher (1932), analysis of covariance.
    """
    inside = np.concatenate([values - values.mean() for _, values, _ in groups])
    within = np.concatenate([x - x.mean(axis=0) for _, _, x in groups])
    covariates = np.concatenate([x for _, _, x in groups])
    centre = covariates.mean(axis=0) if len(groups) > 1 else np.zeros(covariates.shape[1])
    spread = np.sum((covariates - centre) ** 2, axis=0)
    inner = np.sum(within**2, axis=0)
    used = _usable(within, inner > ALIKE * spread, inside.size - len(groups) - SPARE)
    if not used:
        return None
    slopes = np.linalg.lstsq(within[:, used], inside, rcond=None)[0]
    raw = sum(weight * float(values.mean()) for weight, values, _ in groups)
    moved = sum(weight * float(x[:, used].mean(axis=0) @ slopes) for weight, _, x in groups)
    alias = np.flatnonzero((spread > 0) & (inner <= ALIKE * spread))
    return AdjustedContrast(
        raw=raw,
        estimate=raw - moved,
        used=tuple(used),
        inseparable=tuple(alias.tolist()),
    )


def _usable(within: Floats, varies: NDArray[np.bool_], room: int) -> list[int]:
    """The first covariates that vary, that no earlier ones make up, and that the words allow."""
    used: list[int] = []
    for number in np.flatnonzero(varies).tolist():
        candidate = [*used, number]
        if len(candidate) <= room and np.linalg.matrix_rank(within[:, candidate]) == len(candidate):
            used = candidate
    return used


NEAR = 0.5
"""Standard deviations by which two words may differ in a property and still count as alike."""
FEWEST = 4
"""Words of each group that have to be left."""


class MatchedContrast(NamedTuple):
    """A contrast of those words only that are alike."""

    estimate: float
    """Difference of the groups' means, unit of the values."""
    words: int
    """Words left in each group."""


def matched_contrast(
    first: tuple[Floats, Floats], second: tuple[Floats, Floats]
) -> MatchedContrast | None:
    """Return the difference between two groups over words that have a partner in the other group.

    Each word has one partner at most, and as many words as possible have one; among such choices
    the one whose partners are closest is taken; equally close ones are told apart by their values,
    so that no name of a word decides. Each side is its (words,) values and (words, properties)
    properties. None with fewer than four partners.
    """
    from scipy.optimize import linear_sum_assignment

    first, second = _by_value(*first), _by_value(*second)
    distance, alike = _distances(first[1], second[1])
    cost = np.where(alike, distance, (1.0 + distance[alike].sum()) if alike.any() else 1.0)
    rows, columns = linear_sum_assignment(cost)
    is_alike = alike[rows, columns]
    if int(is_alike.sum()) < FEWEST:
        return None
    a, b = first[0][rows[is_alike]], second[0][columns[is_alike]]
    return MatchedContrast(float(a.mean() - b.mean()), int(is_alike.sum()))


def matched_pair_contrast(values: Floats, sides: tuple[Floats, Floats]) -> MatchedContrast | None:
    """Return the mean of (pairs,) differences over those pairs whose two words are alike.

    ``sides`` are the (pairs, properties) properties of the first and of the second words. None with
    fewer than four such pairs.
    """
    is_alike = np.diagonal(_distances(*sides)[1])
    if int(is_alike.sum()) < FEWEST:
        return None
    return MatchedContrast(float(values[is_alike].mean()), int(is_alike.sum()))


def _by_value(values: Floats, properties: Floats) -> tuple[Floats, Floats]:
    """The words of a group in an order that their names have no part in."""
    order = np.lexsort((*properties.T, values))
    return values[order], properties[order]


def _distances(first: Floats, second: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Largest standardised difference of any two words, and whether it is small enough."""
    spread = np.concatenate([first, second]).std(axis=0)
    scale: Sequence[float] | Floats = np.where(spread > 0, spread, 1.0)
    apart = np.abs(first[:, None] - second[None]) / scale
    largest = apart.max(axis=-1) if apart.shape[-1] else np.zeros(apart.shape[:2])
    return largest, np.asarray(largest <= NEAR)
