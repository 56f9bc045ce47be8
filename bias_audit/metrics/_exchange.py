"""The heavy part of the divergence's permutation test: many relabellings of one template.

Every group mean is a weighted sum of the terms' distributions, so all relabellings of a template
are a few matrix products; what costs time is one logarithm per relabelling, group and word.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bias_audit.records import Floats
from bias_audit.stats.relabel import Codes

Singles = NDArray[np.float32]

ROWS = 256
WORDS = 1024
"""Tile of relabellings by words: small enough to stay in a core's cache."""
TINY = np.float32(1e-30)
"""Stands for 0 inside the logarithm, where it is multiplied by 0."""


def group_weights(table: Codes) -> Singles:
    """Return weights (k, N, n) that turn term distributions into group means."""
    k = int(table[0].max()) + 1
    member = (table[None] == np.arange(k, dtype=np.int8)[:, None, None]).astype(np.float32)
    return np.asarray(member / member.sum(axis=2, keepdims=True))


def canonical(table: Codes) -> Codes:
    """Number groups of equal size by first appearance: their names change no divergence."""
    sizes = np.bincount(table[0])
    renamed = table.copy()
    for size in np.unique(sizes):
        alike = np.flatnonzero(sizes == size)
        first = np.stack([np.argmax(table == g, axis=1) for g in alike], axis=1)
        rank = np.argsort(np.argsort(first, axis=1), axis=1)
        for i, g in enumerate(alike):
            new = np.broadcast_to(alike[rank[:, i]][:, None].astype(np.int8), table.shape)
            np.copyto(renamed, new, where=table == g)
    return renamed


def _x_log_x(x: Singles, work: Singles) -> Singles:
    np.maximum(x, TINY, out=work)
    np.log(work, out=work)
    return np.multiply(work, x, out=work)


def _tile(weights: Singles, ratios: Singles, mass: Singles, *, balanced: bool) -> Singles:
    """Mass-weighted sum over the words of a tile, one number per relabelling, nats."""
    groups: Singles = weights @ ratios
    work = np.empty_like(groups[0])
    total = np.zeros(len(work), dtype=np.float32)
    for group in groups:
        total += _x_log_x(group, work) @ mass
    total /= len(groups)
    if not balanced:
        total -= _x_log_x(np.asarray(groups.mean(axis=0)), work) @ mass
    return total


def relabelled_divergences(rows: Floats, weights: Singles) -> Floats:
    """Return the generalised divergence of one template under each relabelling, bits.

    Args:
        rows: (n, V) distributions of the terms.
        weights: (k, N, n) from :func:`group_weights`.

    Returns:
        (N,) divergences with equal group weights, accurate to about 1e-7 bits: with m the mean of
        all terms, p = m r, the divergence is sum m [mean of r_g log r_g - r log r], where r is the
        mean of the r_g. Working with r, near 1, keeps single precision from losing digits in a
        difference of two large entropies. With groups of one size r is 1 and its term vanishes.
    """
    mean = rows.mean(axis=0)
    seen = mean > 0
    ratios = (rows[:, seen] / mean[seen]).astype(np.float32)
    mass = mean[seen].astype(np.float32)
    shares = weights.max(axis=(1, 2))
    balanced = bool(shares.min() == shares.max())
    values = np.zeros(weights.shape[1])
    for start in range(0, mass.size, WORDS):
        words = slice(start, start + WORDS)
        part, part_mass = np.ascontiguousarray(ratios[:, words]), mass[words]
        for row in range(0, values.size, ROWS):
            some = slice(row, row + ROWS)
            values[some] += _tile(weights[:, some], part, part_mass, balanced=balanced)
    return np.asarray(np.maximum(values / np.log(2), 0.0))
