"""Crossed factors: how sentences, group words and targets, each in clusters, move a contrast.

A contrast is a weighted mean of cells along up to three factors. Each factor adds the variance that
its clusters show; what two or three of them share (their interactions, and the noise of single
cells) is inside each of theirs, and counted once: V1 + V2 + V3 - V12 - V13 - V23 + V123.

Source: Cameron, Gelbach and Miller (2011) for the sum; Bell and McCaffrey (2002) for few clusters
of unequal size.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence, Sized
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

import numpy as np

from bias_audit.stats._arrays import Indices, Ints
from bias_audit.utils.arrays import Floats


class Units(NamedTuple):
    """Columns of one group along a factor: words of a group, targets of a pole, all sentences."""

    weight: float
    """Of their mean in the contrast."""
    columns: Ints
    """Their numbers, those of a cluster one after another."""
    starts: Ints
    """Where each cluster begins among ``columns``."""
    sampled: float
    """Share of all units there are, in [0, 1]; of a census nothing is left to chance."""


class ClusterSizes(NamedTuple):
    """What follows from the sizes of clusters alone."""

    spread: float
    """Sum of squared shares: variance of the mean over that of a cluster, if all vary alike."""
    bias: float
    """Factor by which squared deviations from the mean fall short of that variance."""
    df: float
    """Degrees of freedom; the number of clusters less one where they are equally large."""


class Factor(NamedTuple):
    """One source of variance: ``templates``, ``terms`` or ``targets``."""

    name: str
    groups: tuple[Units, ...]

    @property
    def is_sample(self) -> bool:
        """True when each group has at least two clusters."""
        return all(group.starts.size > 1 for group in self.groups)


def units(
    columns: Indices,
    clusters: Sequence[Hashable] = (),
    *,
    weight: float = 1.0,
    sampled: float = 0.0,
) -> Units:
    """Return the columns of one group, those with the same cluster together.

    ``clusters`` has one entry for each of ``columns``; each is its own where empty.
    """
    numbers = np.asarray(columns, dtype=np.intp)
    if not clusters:
        return Units(weight, numbers, np.arange(numbers.size), sampled)
    if len(clusters) != numbers.size:
        raise ValueError(f"clusters: expected one entry for each of {numbers.size} columns")
    first: dict[Hashable, int] = {}
    codes = np.array([first.setdefault(name, len(first)) for name in clusters], dtype=np.intp)
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    return Units(weight, numbers[order], starts, sampled)


@lru_cache(maxsize=4096)
def cluster_sizes(sizes: tuple[int, ...]) -> ClusterSizes:
    """Return what the sizes of clusters say of the variance of the plain mean of their units.

    The working model is that units of a cluster move together: with it the variance is not biased,
    without it too large. Two clusters or more.
    """
    share = np.array(sizes, dtype=np.float64) / sum(sizes)
    spread = float(share @ share)
    if len(set(sizes)) == 1:
        return ClusterSizes(spread, 1 - spread, len(sizes) - 1.0)
    off = np.eye(share.size) - share
    squares = off.T @ (share[:, None] ** 2 * off)
    trace = float(np.trace(squares))
    return ClusterSizes(spread, trace / spread, max(trace**2 / float(np.sum(squares**2)), 1.0))


def sizes_of(group: Units) -> ClusterSizes:
    """Return :func:`cluster_sizes` of a group."""
    sizes = np.diff(group.starts, append=group.columns.size)
    return cluster_sizes(tuple(sizes.tolist()))


class Part(NamedTuple):
    """One part of the variance of an estimate."""

    value: float
    """Squared unit of the response (nats squared), at least 0."""
    df: float
    """Degrees of freedom, at least 1."""
    pooled: float
    """What ``value`` would be if all parts of its source varied alike."""


class Spread(NamedTuple):
    """One :class:`Part` of each data set."""

    value: Floats
    df: float
    pooled: Floats


@dataclass(frozen=True, kw_only=True, slots=True)
class CrossedMeans:
    """A contrast of one data set, or of many along leading axes, with its variances."""

    estimate: Floats
    means: Mapping[str, Floats]
    """By factor: the contrast along all others, (..., units)."""
    parts: Mapping[str, tuple[Spread, ...]]
    """By factor that has enough clusters, one part for each group."""
    shared: Mapping[tuple[str, ...], Floats]
    """What two or three such factors share, by their names in order."""


def names_of(shared: Sequence[str]) -> str:
    """Return how sources that share some variance are named together."""
    return " x ".join(shared)


def sign_of(shared: Sized) -> float:
    """Return 1 for what one or three sources have, -1 for what two share: so each counts once."""
    return 1.0 if len(shared) % 2 else -1.0


def combine(
    parts: Mapping[str, Sequence[Spread] | Sequence[Part]],
    shared: Mapping[tuple[str, ...], Floats] | Mapping[tuple[str, ...], float],
    used: Sequence[str],
) -> tuple[Floats, Floats]:
    """Return standard error and degrees of freedom of an estimate where ``used`` are random.

    Each source contains what it shares with others; that is counted once, and the sum is never
    below the largest source. The degrees of freedom are Satterthwaite's of the sources, and shrink
    as the sum does: what is taken off was estimated from the same cells. (With the degrees of
    freedom of the whole sum, intervals of 12 sentences, 4 words and 2 targets a pole held the truth
    in 93.9 % of drawn audits, with these in 95.7 %.) 0 and infinity where there is no variance.
    """
    chosen = [part for source in used for part in parts[source]]
    values, dfs, pooled = (np.array(numbers) for numbers in zip(*chosen, strict=True))
    whole, df = satterthwaite(values, _as_column(dfs, values), pooled)
    once = whole
    for names, value in shared.items():
        if set(names) <= set(used):
            once = once + sign_of(names) * value
    largest = np.max(
        [np.sort([p.value for p in parts[source]], axis=0).sum(axis=0) for source in used], axis=0
    )
    once = np.clip(once, largest, whole)
    left = np.where(whole > 0, once / np.where(whole > 0, whole, 1.0), 1.0)
    return np.sqrt(once), np.maximum(df * left, np.minimum(df, 1.0))


def _as_column(values: Floats, like: Floats) -> Floats:
    return values.reshape(values.shape + (1,) * (like.ndim - 1))


def satterthwaite(values: Floats, df: Floats, pooled: Floats) -> tuple[Floats, Floats]:
    """Return the sum of independent parts of a variance, and its degrees of freedom.

    The degrees of freedom are at most those of parts that vary alike inside their source. Without
    this, four words of one group that lie close together by accident leave the degrees of freedom
    to the many words of the other groups, and the interval is too short just when the estimate is
    too sure of itself (docs/validity.md).

    Args:
        values: (parts, ...) variance of each part; sorted before they are added, so that the order
            of the parts changes no digit.
        df: (parts, ...) degrees of freedom of each.
        pooled: (parts, ...) variance of each part if all of its source varied alike.

    Source: Satterthwaite (1946); the bound is this tool's.
    """
    total, effective_df = _satterthwaite(values, df)
    return total, np.minimum(effective_df, _satterthwaite(pooled, df)[1])


def _satterthwaite(values: Floats, df: Floats) -> tuple[Floats, Floats]:
    """Sum of the parts and its degrees of freedom; infinity where there is no variance."""
    total = np.sort(values, axis=0).sum(axis=0)
    is_positive = total > 0
    # Shares rather than squares of the values, which would underflow for tiny variances.
    shares = values / np.where(is_positive, total, 1.0)
    below = np.sort(shares**2 / df, axis=0).sum(axis=0)
    return total, np.where(is_positive, 1 / np.where(is_positive, below, 1.0), np.inf)


def cluster_values(values: Floats, group: Units) -> Floats:
    """Return (..., clusters) values with the same mean as the group's (..., units), one a cluster.

    They are the means of the clusters where these are equally large.
    """
    if group.starts.size == group.columns.size:
        return np.asarray(values[..., group.columns])
    sums = np.add.reduceat(values[..., group.columns], group.starts, axis=-1)
    return np.asarray(sums * (group.starts.size / group.columns.size))


def cross(values: Floats, factors: Sequence[Factor]) -> CrossedMeans:
    """Return the contrast of cells (..., units of each factor) with all its variances."""
    means: dict[tuple[str, ...], Floats] = {(): _contract(values, factors, ())}
    parts: dict[str, tuple[Spread, ...]] = {}
    shared: dict[tuple[str, ...], Floats] = {}
    for size in range(1, len(factors) + 1):
        for chosen in combinations(range(len(factors)), size):
            names = tuple(factors[k].name for k in chosen)
            means[names] = _contract(values, factors, chosen)
            group = [factors[k] for k in chosen]
            if not all(factor.is_sample for factor in group):
                continue
            if size == 1:
                parts[names[0]] = spreads(means[names], group[0].groups)
            else:
                shared[names] = _blocks(means[names], group)
    return CrossedMeans(
        estimate=means[()],
        means={factor.name: means[(factor.name,)] for factor in factors},
        parts=parts,
        shared=shared,
    )


def cluster_means(values: Floats, group: Units, axis: int) -> Floats:
    """Return values in which the units of each cluster of a group are one: their mean."""
    mine = np.take(values, group.columns, axis)
    if group.starts.size == group.columns.size:
        return np.asarray(mine)
    sizes = np.diff(group.starts, append=group.columns.size)
    sums = np.moveaxis(np.add.reduceat(mine, group.starts, axis), axis, -1)
    return np.moveaxis(sums / sizes, -1, axis)


def spreads(means: Floats, groups: Sequence[Units]) -> tuple[Spread, ...]:
    """Return the variance of a weighted sum of the means of groups of (..., units) values."""
    sizes = [sizes_of(group) for group in groups]
    each = [
        np.sum(_cluster_sums(means, group, -1) ** 2, axis=-1) / (known.bias * known.spread)
        for group, known in zip(groups, sizes, strict=True)
    ]
    weighed = np.sort([known.df * one for known, one in zip(sizes, each, strict=True)], axis=0)
    alike = weighed.sum(axis=0) / sum(known.df for known in sizes)
    scales = [
        group.weight**2 * known.spread * (1 - group.sampled)
        for group, known in zip(groups, sizes, strict=True)
    ]
    return tuple(
        Spread(scale * one, known.df, scale * alike)
        for scale, one, known in zip(scales, each, sizes, strict=True)
    )


def _cluster_sums(values: Floats, group: Units, axis: int) -> Floats:
    """What each cluster adds to the deviation of the group's mean along one axis."""
    mine = np.take(values, group.columns, axis=axis)
    mine = mine - mine.mean(axis=axis, keepdims=True)
    if group.starts.size < group.columns.size:
        mine = np.add.reduceat(mine, group.starts, axis=axis)
    return np.asarray(mine / group.columns.size)


def _blocks(means: Floats, factors: Sequence[Factor]) -> Floats:
    """What several factors share: deviations inside every block of their groups."""
    blocks: list[tuple[Floats, float]] = [(means, 1.0)]
    for at, factor in enumerate(factors):
        axis = at - len(factors)
        blocks = [
            (
                _cluster_sums(block, group, axis),
                scale * group.weight**2 * (1 - group.sampled) / sizes_of(group).bias,
            )
            for block, scale in blocks
            for group in factor.groups
        ]
    axes = tuple(range(-len(factors), 0))
    return np.asarray(np.sum([scale * np.sum(b**2, axis=axes) for b, scale in blocks], axis=0))


def _contract(values: Floats, factors: Sequence[Factor], left: Sequence[int]) -> Floats:
    """The contrast along all factors but ``left``."""
    for at in range(len(factors) - 1, -1, -1):
        if at not in left:
            axis = values.ndim - 1 - sum(k in left for k in range(at + 1, len(factors)))
            values = np.tensordot(values, _shares(factors[at], values.shape[axis]), (axis, 0))
    return np.asarray(values)


def _shares(factor: Factor, size: int) -> Floats:
    """Weight of each unit of a factor in the contrast."""
    weights = np.zeros(size)
    for group in factor.groups:
        weights[group.columns] += group.weight / group.columns.size
    return weights
