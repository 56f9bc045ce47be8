"""Sizes of what several groups or rows and columns have to do with each other, between 0 and 1."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from bias_audit.records import Floats
from bias_audit.stats._arrays import Indices, columns, finite
from bias_audit.stats.effects import FEWEST, EffectSize, bootstrapped, check_level, tails
from bias_audit.stats.ranks import kendall_w, ranks


def concordance(
    rows: ArrayLike, rng: np.random.Generator, resamples: int = 1999, level: float = 0.95
) -> EffectSize:
    """Return Kendall's W of (J, k) group effects: how alike the templates rank the groups.

    W cannot be negative, so no interval excludes agreement by chance: compare it with the value
    that exchanged labels give (:func:`~bias_audit.stats.ranks.friedman`).

    Args:
        rows: (J, k) group effects, one row per template.
        rng: source of the draws.
        resamples: draws of templates, with replacement.
        level: coverage of the percentile interval, in (0, 1).

    Raises:
        ValueError: ``rows`` is not a finite matrix, or ``level`` is outside (0, 1).
    """
    ranked = ranks(finite(rows, ndim=2, name="rows"))
    return bootstrapped(ranked, kendall_w, rng, resamples, level)


def rank_share(
    values: ArrayLike,
    groups: Sequence[Indices],
    rng: np.random.Generator,
    resamples: int = 1999,
    level: float = 0.95,
) -> EffectSize:
    """Return epsilon squared of Kruskal and Wallis: share of the ranks' spread between k groups.

    As for W, the value that exchanged labels give is the yardstick
    (:func:`~bias_audit.stats.ranks.kruskal`).

    Args:
        values: (n,) one value per word.
        groups: words of each group.
        rng: source of the draws.
        resamples: draws of words inside each group, with replacement.
        level: coverage of the percentile interval, in (0, 1).

    Raises:
        ValueError: values or groups do not fit, or ``level`` is outside (0, 1).
    """
    check_level(level)
    whole = finite(values, ndim=1, name="values")
    cols = [columns(g, whole.size, name=f"group {i}") for i, g in enumerate(groups)]
    sizes = [c.size for c in cols]
    kept = whole[np.concatenate(cols)]
    ends = np.cumsum(sizes)
    drawn = np.concatenate(
        [
            rng.integers(end - size, end, size=(resamples, size))
            for end, size in zip(ends, sizes, strict=True)
        ],
        axis=1,
    )
    found = _rank_shares(kept[drawn], sizes)
    low, high = np.quantile(found, tails(level))
    value = float(_rank_shares(kept, sizes))
    return EffectSize(value=value, low=float(low), high=float(high), method="bootstrap over words")


def _rank_shares(rows: Floats, sizes: Sequence[int]) -> Floats:
    """Of each row of (..., n) values, the words of a group side by side."""
    centred = ranks(rows) - (rows.shape[-1] + 1) / 2
    starts = np.cumsum([0, *sizes[:-1]])
    between = np.sum(np.add.reduceat(centred, starts, axis=-1) ** 2 / np.array(sizes), axis=-1)
    whole = np.sum(centred**2, axis=-1)
    return np.asarray(np.where(whole > 0, between / np.where(whole > 0, whole, 1.0), 0.0))


def cramers_v(table: ArrayLike) -> float:
    """Return Cramer's V of a table of counts, corrected for its bias, in [0, 1].

    Args:
        table: (r, c) counts. Empty rows and columns are left out; 0 when fewer than two are left.

    Raises:
        ValueError: ``table`` is no matrix of non-negative counts.

    Source: Bergsma (2013).
    """
    counts = finite(table, ndim=2, name="table")
    if counts.min() < 0:
        raise ValueError("counts must not be negative")
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    n = float(counts.sum())
    if min(counts.shape) < FEWEST or n <= 1:
        return 0.0
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / n
    phi2 = float(np.sum((counts - expected) ** 2 / expected)) / n
    r, c = counts.shape
    left = max(0.0, phi2 - (r - 1) * (c - 1) / (n - 1))
    rows, cols = r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)
    least = min(rows, cols) - 1
    return min(1.0, math.sqrt(left / least)) if least > 0 else 0.0
