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
WORDS = 512
"""Tile of relabellings by words: small enough to stay in a core's cache."""
SMALL_PRODUCT = 2**18
"""Multiplications up to which the common BLAS stays on one thread. Larger products of this shape
gain little from threads on an idle machine and take ten times as long on a busy one."""
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


def _x_log_x(x: Singles, work: Singles, *, positive: bool) -> Singles:
    np.log(x if positive else np.maximum(x, TINY, out=work), out=work)
    return np.multiply(work, x, out=work)


def _tile(weights: Singles, ratios: Singles, mass: Singles, *, balanced: bool) -> Singles:
    """Mass-weighted sum over the words of a tile, nats.

    Takes weights (k, B, r, n), ratios (n, W) and mass (W,); returns (B, r).
    """
    positive = bool(ratios.min() > 0)  # then so is each mean of them
    groups: Singles = weights @ ratios
    work = np.empty_like(groups[0])
    total = np.zeros(work.shape[:2], dtype=np.float32)
    for group in groups:
        total += _x_log_x(group, work, positive=positive) @ mass
    total /= len(groups)
    if not balanced:
        mean = np.asarray(groups.mean(axis=0))
        total -= _x_log_x(mean, work, positive=positive) @ mass
    return total


def _batches(weights: Singles) -> Singles:
    """Cut (k, N, n) into (k, B, r, n), so that each product stays small; padded with the last."""
    k, many, terms = weights.shape
    rows = max(1, min(ROWS, many, SMALL_PRODUCT // (WORDS * terms)))
    padded = np.pad(weights, ((0, 0), (0, -many % rows), (0, 0)), mode="edge")
    return padded.reshape(k, -1, rows, terms)


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
    batches = _batches(weights)
    values = np.zeros(batches.shape[1:3])
    step = max(1, ROWS // batches.shape[2])
    for start in range(0, mass.size, WORDS):
        words = slice(start, start + WORDS)
        part, part_mass = np.ascontiguousarray(ratios[:, words]), mass[words]
        for batch in range(0, len(values), step):
            some = slice(batch, batch + step)
            values[some] += _tile(batches[:, some], part, part_mass, balanced=balanced)
    return np.asarray(np.maximum(values.reshape(-1)[: weights.shape[1]] / np.log(2), 0.0))
