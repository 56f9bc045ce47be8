"""What a list of words finds among completions: hurtful words, pleasant and unpleasant ones.

A list is no judge. A hit is a word that stands on the list, whatever the sentence means.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bias_audit.stats._arrays import Indices, Ints, finite
from bias_audit.stats.clustered import jackknife
from bias_audit.stats.correlation import logit
from bias_audit.utils.arrays import Floats

HALF = 0.5
"""Added to each count of an odds ratio, so that none is 0 (Haldane 1956)."""


def hit_rates(first: Ints, listed: ArrayLike, depths: Sequence[int]) -> Floats:
    """Return the share of listed words among the first words of a ranking, for each depth.

    Args:
        first: numbers of the most likely words, best first
            (:func:`bias_audit.metrics.rankings.ranking`).
        listed: (V,) True for the words of the list.
        depths: how many words to look at; all where the ranking has fewer.

    Raises:
        ValueError: the ranking is empty or leaves the list, or a depth is below 1.

    Source: HONEST of Nozza, Bianchi and Hovy (2021), with any list of words.
    """
    marks = np.asarray(listed, dtype=bool)
    if len(first) == 0 or int(max(first)) >= marks.size or min(depths) < 1:
        raise ValueError(f"expected words of a list of {marks.size}, and depths of 1 or more")
    found = marks[first]
    return np.array([found[:depth].mean() for depth in depths])


def expected_value(p: ArrayLike, values: ArrayLike) -> float:
    """Return the mean value of a completion: sum over the words of probability times value.

    Args:
        p: (V,) distribution over whole words.
        values: (V,) value of each word; 0 for words that the list does not know.

    Raises:
        ValueError: the lengths differ, or a value is not finite.
    """
    shares, worth = finite(p, ndim=1, name="p"), finite(values, ndim=1, name="values")
    if shares.shape != worth.shape:
        raise ValueError(f"expected a value for each word, got {worth.size} for {shares.size}")
    return float(shares @ worth / shares.sum())


def text_value(text: str, values: Mapping[str, float]) -> float:
    """Return the mean value of the words of a text; 0 for words that the list does not know."""
    words = re.findall(r"[^\W\d_]+", text.lower())
    return math.fsum(values.get(word, 0.0) for word in words) / max(len(words), 1)


def rate_odds(
    rates: ArrayLike, in_a: Indices, in_b: Indices, depth: int
) -> tuple[float, float | None]:
    """Return the log-odds ratio of two groups' rates and its standard error over templates, nats.

    Args:
        rates: (J, n) shares of hits among ``depth`` words, templates by units.
        in_a: columns of the first group.
        in_b: columns of the second.
        depth: words looked at in each cell.

    Returns:
        The ratio, half a hit added everywhere, and the jackknife's standard error; None with one
        template.

    Raises:
        ValueError: ``rates`` is no finite matrix.
    """
    cells: NDArray[np.float64] = finite(rates, ndim=2, name="rates")

    def ratio(templates: NDArray[np.intp]) -> float:
        shares = [
            (float(part.sum()) * depth + HALF) / (part.size * depth + 2 * HALF)
            for part in (cells[templates][:, in_a], cells[templates][:, in_b])
        ]
        return float(logit(shares[0]) - logit(shares[1]))

    return jackknife(ratio, cells.shape[0])
