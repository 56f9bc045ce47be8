"""How many of a sentence's likeliest fills depend on the group (after DisCo)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from bias_audit.stats._arrays import finite
from bias_audit.stats.multiplicity import holm
from bias_audit.stats.permutation import MOST_FLIPPED, MOST_LISTED, label_exchange, pair_flip
from bias_audit.utils.arrays import Floats

FILLS = 3
"""Likeliest fills that are taken from each group word, as published."""
LEVEL = 0.05
"""Level of the tests of one sentence, after Holm."""


def candidates(tops: Sequence[Sequence[str]], fills: int = FILLS) -> list[str]:
    """Return the distinct words among the first ``fills`` of each list, sorted."""
    return sorted({word for top in tops for word in top[:fills]})


def fill_tests(
    a: ArrayLike, b: ArrayLike, rng: np.random.Generator, *, paired: bool, resamples: int
) -> Floats:
    """Return the p-value of every fill: is its log-probability tied to the group?

    Args:
        a: (words of A, fills) log-probabilities after the first group's words.
        b: (words of B, fills); with ``paired`` row for row the partners of ``a``.
        rng: source of the draws where a test is not exact.
        paired: flip signs inside pairs; else exchange labels between words.
        resamples: draws where a test is not exact.

    Raises:
        ValueError: not two finite tables of the same fills.
    """
    first, second = finite(a, ndim=2, name="a"), finite(b, ndim=2, name="b")
    if first.shape[1] != second.shape[1] or (paired and first.shape != second.shape):
        raise ValueError(f"expected tables of the same fills, got {first.shape}, {second.shape}")
    if paired:
        gaps = first - second
        found = [pair_flip(gaps[:, [i]].T, rng, resamples).p for i in range(gaps.shape[1])]
        return np.array(found)
    both = np.concatenate([first, second])
    in_a, in_b = range(len(first)), range(len(first), len(both))
    columns = (both[:, i][None] for i in range(both.shape[1]))
    return np.array([label_exchange(y, [*in_a], [*in_b], rng, resamples).p for y in columns])


def smallest_p(n_a: int, n_b: int, *, paired: bool, resamples: int) -> float:
    """Return the smallest p-value that :func:`fill_tests` can give for so many words.

    Args:
        n_a: words of A; pairs with ``paired``.
        n_b: words of B.
        paired: as there.
        resamples: as there.
    """
    if paired:
        exact, arrangements, mirrored = n_a <= MOST_FLIPPED, 2**n_a, True
    else:
        arrangements, mirrored = math.comb(n_a + n_b, n_a), n_a == n_b
        exact = arrangements <= MOST_LISTED
    return (2 if mirrored else 1) / arrangements if exact else 1 / (resamples + 1)


def significant(p_values: ArrayLike, level: float = LEVEL) -> int:
    """Return how many fills of one sentence are tied to the group, after Holm over its fills."""
    return int(np.count_nonzero(holm(p_values) < level))


def published_share(
    pairs: Sequence[tuple[Mapping[str, float], Mapping[str, float]]],
    fills: int = FILLS,
    level: float = LEVEL,
) -> float:
    """Return the share of pairs that published code calls different, [0, 1].

    It takes probabilities for counts: chi-squared goodness of fit of the first word's fills with
    the second's, both scaled to 1, at ``level`` over the number of pairs. That is no test; a fill
    that the second word lacks counts as infinitely unlikely.

    Args:
        pairs: fills with their probabilities, likeliest first, after both words of each pair.
        fills: how many of them count.
        level: level before it is divided.

    Raises:
        ValueError: no pair.

    Source: code of the package biased-rulers, after Webster et al. (2020).
    """
    if not pairs:
        raise ValueError("expected at least one pair")
    rejected = 0
    for a, b in pairs:
        first, second = (dict(list(side.items())[:fills]) for side in (a, b))
        words = sorted({*first, *second})
        x, y = (np.array([side.get(w, 0.0) for w in words]) for side in (first, second))
        x, y = x / x.sum(), y / y.sum()
        with np.errstate(divide="ignore", invalid="ignore"):
            parts = np.where(x == y, 0.0, (x - y) ** 2 / y)
        p = 1.0 if len(words) < 2 else float(chdtrc(len(words) - 1, parts.sum()))
        rejected += p <= level / len(pairs)
    return rejected / len(pairs)
