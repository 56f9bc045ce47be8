"""All relabellings of terms, or a random sample of them."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from bias_audit.stats._arrays import Ints

Codes = NDArray[np.int8]
"""Group number of each column, one relabelling per row."""

MOST_GROUPS = 127
"""Group numbers are stored in one byte."""


def count_relabellings(codes: Ints, blocks: Ints) -> int:
    """Return in how many ways the (n,) labels can be dealt out again inside the (n,) blocks."""
    ways = 1
    for block in np.unique(blocks):
        remaining = 0
        for count in np.bincount(codes[blocks == block]):
            remaining += int(count)
            ways *= math.comb(remaining, int(count))
    return ways


def _arrangements(codes: Ints) -> Codes:
    """Every distinct order of the labels of one block, one per row."""
    size = codes.size
    rows = np.full((1, size), -1, dtype=np.int8)
    free = np.arange(size, dtype=np.intp)[None]
    for group, count in enumerate(np.bincount(codes)):
        width = free.shape[1]
        members = np.array(list(combinations(range(width), int(count))), dtype=np.intp)
        members = members.reshape(math.comb(width, int(count)), int(count))
        others = np.ones((len(members), width), dtype=bool)
        np.put_along_axis(others, members, False, axis=1)
        rest = np.nonzero(others)[1].reshape(len(members), width - int(count))
        ways = len(rows) * len(members)
        places = free[:, members].reshape(ways, int(count))
        rows = np.repeat(rows, len(members), axis=0)
        np.put_along_axis(rows, places, np.int8(group), axis=1)
        free = free[:, rest].reshape(ways, width - int(count))
    return rows


def _every(codes: Ints, blocks: Ints) -> Codes:
    table = np.zeros((1, codes.size), dtype=np.int8)
    for block in np.unique(blocks):
        inside = np.flatnonzero(blocks == block)
        arrangements = _arrangements(codes[inside])
        repeated = np.repeat(table, len(arrangements), axis=0)
        repeated[:, inside] = np.tile(arrangements, (len(table), 1))
        table = repeated
    observed = int(np.flatnonzero((table == codes).all(axis=1))[0])
    table[[0, observed]] = table[[observed, 0]]
    return table


def relabellings(
    codes: Ints, blocks: Ints, rng: np.random.Generator, *, resamples: int, limit: int
) -> tuple[Codes, bool]:
    """Return relabellings, the observed one in row 0, and whether these are all there are.

    Args:
        codes: (n,) group number of each column, 0..k-1, k at most 127.
        blocks: (n,) block number; labels change places only inside a block.
        rng: source of the draws; untouched when all relabellings are listed.
        resamples: number of draws when there are too many to list.
        limit: most relabellings to list.

    Returns:
        (N, n) group numbers, and True when the rows are every relabelling once. Otherwise row 0
        is followed by ``resamples`` random draws.

    Raises:
        ValueError: more groups than one byte can number.
    """
    if codes.max() >= MOST_GROUPS:
        raise ValueError(f"at most {MOST_GROUPS} groups can be exchanged, got {codes.max() + 1}")
    if count_relabellings(codes, blocks) <= limit:
        return _every(codes, blocks), True
    table = np.tile(codes.astype(np.int8), (resamples + 1, 1))
    for block in np.unique(blocks):
        inside = np.flatnonzero(blocks == block)
        table[1:, inside] = rng.permuted(table[1:, inside], axis=1)
    return table, False
