"""Permutation tests: what would the difference be if the labels meant nothing?

All are two-sided. The p-value counts the observed arrangement itself, so it is never 0
(Phipson and Smyth 2010).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bias_audit.stats._arrays import Indices, block_codes, columns, finite
from bias_audit.stats.relabel import Codes, relabellings
from bias_audit.utils.arrays import Floats

MOST_FLIPPED = 14
"""Up to this many units every pattern of signs is tried (16 384)."""
MOST_LISTED = 20_000
"""Up to this many relabellings every one is tried."""
CELLS_AT_ONCE = 2_000_000
"""Bound on the size of one working array, in numbers."""
TIE = 1e-10
"""Statistics this close (relative) count as equal: the order of a sum changes its rounding."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Permutation:
    """Answer of a permutation test."""

    p: float
    """Two-sided p-value, in (0, 1]."""
    method: str
    """How it was found, in words: ``exact, 256 flips``."""
    exact: bool
    """True when every arrangement was tried."""
    draws: int
    """Arrangements tried: all of them, or the random ones."""


def repeat_if_close(test: Callable[[int], Permutation], resamples: int) -> Permutation:
    """Repeat a test with ten times the draws where chance leaves open on which side of 0.05 p lies.

    ``test`` takes the number of draws, ``resamples`` at first.
    """
    first = test(resamples)
    half = 2.5758 * math.sqrt(first.p * (1 - first.p) / first.draws)  # of the 99 % interval of p
    near = not first.exact and abs(first.p - 0.05) <= half
    return test(10 * (resamples + 1) - 1) if near else first


def flip(values: Floats, rng: np.random.Generator, resamples: int, noun: str) -> Permutation:
    """Flip signs of ``values``, units that ``noun`` names.

    |mean| orders the flips as |t| does: their squares never change.
    """
    units = values.size
    enough = abs(float(values.sum())) - TIE * float(np.abs(values).sum())
    if units <= MOST_FLIPPED:
        # The mirror image of a pattern has the same size of sum, so half of them suffice.
        bits = np.arange(2 ** (units - 1))[:, None] >> np.arange(units) & 1
        reaches = np.abs((1.0 - 2.0 * bits) @ values) >= enough
        count = 2**units
        method = f"exact, {count} flips of {noun}"
        return Permutation(p=float(reaches.mean()), method=method, exact=True, draws=count)
    step = max(1, CELLS_AT_ONCE // units)
    hits = 0
    for start in range(0, resamples, step):
        drawn = rng.integers(2, size=(min(step, resamples - start), units), dtype=np.int8)
        signs = np.where(drawn == 1, 1.0, -1.0)
        hits += int(np.count_nonzero(np.abs(signs @ values) >= enough))
    return Permutation(
        p=(1 + hits) / (resamples + 1),
        method=f"Monte Carlo, {resamples} flips of {noun}",
        exact=False,
        draws=resamples,
    )


def sign_flip(delta: ArrayLike, rng: np.random.Generator, resamples: int = 9999) -> Permutation:
    """Test whether (J,) template differences are symmetric about 0, for exactly these words.

    Exact for J up to 14. Source: Fisher's randomisation test.
    """
    return flip(finite(delta, ndim=1, name="delta"), rng, resamples, "templates")


def pair_flip(d: ArrayLike, rng: np.random.Generator, resamples: int = 9999) -> Permutation:
    """Test whether (J, P) differences of matched pairs are symmetric about 0, for these frames.

    A pair's sign flips in every template at once. Exact for P up to 14.
    """
    return flip(finite(d, ndim=2, name="d").mean(axis=0), rng, resamples, "pairs")


def _welch(values: Floats, table: Codes) -> Floats:
    """|t| of every relabelling: Welch, or pooled when a group has one term only."""
    size_a = int(np.count_nonzero(table[0] == 0))
    size_b = values.size - size_a
    permuted: Floats = values[np.argsort(table, axis=1, kind="stable")]
    a, b = permuted[:, :size_a], permuted[:, size_a:]
    gap: Floats = np.abs(a.mean(axis=1) - b.mean(axis=1))
    if values.size == 2:
        return gap
    if min(size_a, size_b) > 1:
        square = a.var(axis=1, ddof=1) / size_a + b.var(axis=1, ddof=1) / size_b
    else:
        inside = a.var(axis=1) * size_a + b.var(axis=1) * size_b
        square = inside / (values.size - 2) * (1 / size_a + 1 / size_b)
    # The values have unit spread: what is left below these floors is rounding.
    gap[gap < 1e-12] = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        t: Floats = gap / np.sqrt(square)
    t[square < 1e-24] = np.inf
    t[gap == 0] = 0.0
    return t


def label_exchange(
    y: ArrayLike,
    in_a: Indices,
    in_b: Indices,
    rng: np.random.Generator,
    resamples: int = 9999,
) -> Permutation:
    """Test whether the group labels of terms can be exchanged, for exactly these frames.

    A relabelling of the columns of (J, T) ``y`` holds in every template at once: permuting labels
    in each template by itself would destroy what is peculiar to a word and find differences where
    there are none. The statistic is Welch's |t| over term means, so that unequal variances do not
    break the level. Listed up to 20 000 relabellings.

    Source: Pitman (1937); Janssen (1997) for the studentised statistic.
    """
    matrix = finite(y, ndim=2, name="y")
    width = matrix.shape[1]
    a, b = columns(in_a, width, name="in_a"), columns(in_b, width, name="in_b")
    cols = np.concatenate([a, b])
    means = matrix.mean(axis=0)[cols]
    means -= means.mean()
    spread = float(means.std())
    if spread <= TIE * float(np.abs(matrix).max()):
        means[:] = 0.0  # rounding only: every relabelling ties
    else:
        means /= spread
    codes = np.repeat(np.arange(2), [a.size, b.size])
    table, exact = relabellings(
        codes, np.zeros_like(codes), rng, resamples=resamples, limit=MOST_LISTED
    )
    step = max(1, CELLS_AT_ONCE // cols.size)
    parts = [_welch(means, table[i : i + step]) for i in range(0, len(table), step)]
    sizes = np.concatenate(parts)
    hits = np.count_nonzero(sizes >= sizes[0] * (1 - TIE))
    draws = len(table) if exact else resamples
    return Permutation(
        p=float(hits) / len(table),
        method=f"{'exact' if exact else 'Monte Carlo'}, {draws} relabellings of terms",
        exact=exact,
        draws=draws,
    )


def exchange_in_blocks(
    y: ArrayLike,
    groups: Sequence[Indices],
    blocks: Indices,
    rng: np.random.Generator,
    resamples: int = 9999,
) -> Permutation:
    """Test whether the first group's mean differs from the mean of the other groups' means.

    Labels change places only between terms of one block, in every template at once. The statistic
    is the size of the difference. Listed up to 20 000 relabellings.

    Args:
        y: (J, T) responses.
        groups: columns of each of two or more groups.
        blocks: (T,) block number of each column.
        rng: source of the draws.
        resamples: draws where there are more relabellings.
    """
    matrix = finite(y, ndim=2, name="y")
    cols = [columns(g, matrix.shape[1], name=f"group {i}") for i, g in enumerate(groups)]
    used = np.concatenate(cols)
    means = matrix.mean(axis=0)[used]
    codes = np.repeat(np.arange(len(cols)), [c.size for c in cols])
    inside = block_codes(blocks, matrix.shape[1])[used]
    table, exact = relabellings(codes, inside, rng, resamples=resamples, limit=MOST_LISTED)
    weights = [1.0, *[-1.0 / (len(cols) - 1)] * (len(cols) - 1)]
    per_term = np.array([w / c.size for w, c in zip(weights, cols, strict=True)])
    sizes = np.abs(per_term[table] @ means)
    enough = sizes[0] - TIE * float(np.abs(per_term[codes]) @ np.abs(means))
    draws = len(table) if exact else resamples
    return Permutation(
        p=float(np.count_nonzero(sizes >= enough)) / len(table),
        method=f"{'exact' if exact else 'Monte Carlo'}, {draws} relabellings of terms",
        exact=exact,
        draws=draws,
    )
