"""A difference between groups of words, of those words only that are alike in other properties."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bias_audit.records import Floats

NEAR = 0.5
"""Standard deviations by which two words may differ in a property and still count as alike."""
FEWEST = 4
"""Words of each group that have to be left."""


class Matched(NamedTuple):
    """What is left where only words are compared that are alike."""

    estimate: float
    """Difference of the groups' means, unit of the values."""
    words: int
    """Words left in each group."""


def matched(first: tuple[Floats, Floats], second: tuple[Floats, Floats]) -> Matched | None:
    """Return the difference between two groups over words that have a partner in the other group.

    Each word has one partner at most, and as many words as possible have one; among such choices
    the one whose partners are closest is taken; equally close ones are told apart by their values,
    so that no name of a word decides.

    Args:
        first: (words,) values and (words, properties) properties of one group.
        second: those of the other.

    Returns:
        None with fewer than four partners.
    """
    from scipy.optimize import linear_sum_assignment

    first, second = _by_value(*first), _by_value(*second)
    distance, alike = _apart(first[1], second[1])
    cost = np.where(alike, distance, (1.0 + distance[alike].sum()) if alike.any() else 1.0)
    rows, columns = linear_sum_assignment(cost)
    kept = alike[rows, columns]
    if int(kept.sum()) < FEWEST:
        return None
    a, b = first[0][rows[kept]], second[0][columns[kept]]
    return Matched(float(a.mean() - b.mean()), int(kept.sum()))


def matched_pairs(values: Floats, sides: tuple[Floats, Floats]) -> Matched | None:
    """Return the mean difference over those given pairs whose two words are alike.

    Args:
        values: (pairs,) differences.
        sides: (pairs, properties) properties of the first and of the second words.

    Returns:
        None with fewer than four such pairs.
    """
    kept = np.diagonal(_apart(*sides)[1])
    if int(kept.sum()) < FEWEST:
        return None
    return Matched(float(values[kept].mean()), int(kept.sum()))


def _by_value(values: Floats, properties: Floats) -> tuple[Floats, Floats]:
    """The words of a group in an order that their names have no part in."""
    order = np.lexsort((*properties.T, values))
    return values[order], properties[order]


def _apart(first: Floats, second: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Largest standardised difference of any two words, and whether it is small enough."""
    spread = np.concatenate([first, second]).std(axis=0)
    scale: Sequence[float] | Floats = np.where(spread > 0, spread, 1.0)
    apart = np.abs(first[:, None] - second[None]) / scale
    largest = apart.max(axis=-1) if apart.shape[-1] else np.zeros(apart.shape[:2])
    return largest, np.asarray(largest <= NEAR)
