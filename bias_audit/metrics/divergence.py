"""How far apart distributions of completions are, and how much of it is due to the group.

Distributions over the same words, one per row, non-negative and summing to 1. Logs are base 2.

Arrays that are not finite, or do not fit each other, raise ``ValueError``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bias_audit.metrics.completion_table import distributions, pair
from bias_audit.stats._arrays import Indices, Ints, block_codes, columns, finite
from bias_audit.stats.permutation import MOST_LISTED
from bias_audit.stats.relabel import Codes, relabellings
from bias_audit.utils.arrays import Floats

TIE_BITS = 1e-6
TIE_SHARE = 1e-5
"""Divergences closer than this, absolute plus relative, count as equal: they are computed in
single precision."""

Singles = NDArray[np.float32]

ROWS = 256
WORDS = 512
"""Tile of relabellings by words: small enough to stay in a core's cache."""
SMALL_PRODUCT = 2**18
"""Multiplications up to which the common BLAS stays on one thread. Larger products of this shape
gain little from threads on an idle machine and take ten times as long on a busy one."""
TINY = np.float32(1e-30)
"""Stands for 0 inside the logarithm, where it is multiplied by 0."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decomposition:
    """Divergence of all terms, split by group. ``total`` is ``between`` plus ``within``."""

    total: float
    """Generalised divergence of all terms, equal weights, bits."""
    between: float
    """Divergence of the groups' mean distributions, weighted by their number of terms, bits."""
    within: float
    """Mean divergence of the terms inside a group, weighted likewise, bits."""
    r2: float
    """Share between groups, in [0, 1]; 0 when all terms agree."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DivergenceTest:
    """Divergence of the groups, and what exchanged labels give."""

    value: float
    """Divergence of the groups' mean distributions, equal weights, mean over templates, bits."""
    by_template: tuple[float, ...]
    """The same in each template, bits."""
    null_mean: float
    """Mean over relabellings, bits: what words alone give."""
    null_p95: float
    """95th percentile over relabellings, bits."""
    excess: float
    """``value`` minus ``null_mean``, bits."""
    total: float
    """Divergence of all terms, mean over templates, bits."""
    within: float
    """Divergence of the terms inside a group, mean over templates, bits."""
    r2: float
    """Share of the divergence of all terms that lies between groups, over all templates, [0, 1]."""
    p: float
    """Share of relabellings with at least this divergence, in (0, 1]."""
    method: str
    """How p was found, in words."""
    exact: bool
    """True when every relabelling was tried."""
    draws: int
    """Relabellings tried: all of them, or the random ones."""
    distinct: int
    """Relabellings among them that can differ in their divergence."""


def generalised_jsd(p: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Return the generalised Jensen-Shannon divergence of k distributions, bits.

    It is the mutual information between group and completion.

    Args:
        p: (k, V) distributions.
        weights: (k,) non-negative group weights with a positive sum; equal when None.

    Returns:
        A value in [0, log2 k]; 0 when all are equal.

    Source: Lin (1991).
    """
    rows = distributions(p)
    shares = np.ones(len(rows)) if weights is None else finite(weights, ndim=1, name="weights")
    if shares.shape != (len(rows),) or shares.min() < 0 or shares.sum() <= 0:
        raise ValueError("weights: expected one non-negative number per distribution")
    rows, shares = rows[shares > 0], shares[shares > 0] / shares.sum()
    mixture = np.einsum("k,kv->v", shares, rows)
    # Sum of p log(p / mixture), not a difference of entropies: exact for nearly equal rows.
    ratio = np.divide(rows, mixture, out=np.ones_like(rows), where=rows > 0)
    value = float(shares @ np.sum(rows * np.log2(ratio), axis=1))
    return min(max(0.0, value), float(np.log2(len(rows))))


def jsd(p: ArrayLike, q: ArrayLike) -> float:
    """Return the Jensen-Shannon divergence of two distributions (V,), bits, in [0, 1].

    Its square root is a metric (Endres and Schindelin 2003).

    >>> jsd([1.0, 0.0], [0.0, 1.0])
    1.0
    """
    return generalised_jsd(pair(p, q))


def group_means(rows: Floats, groups: Sequence[Indices]) -> Floats:
    """Return the mean distribution of each group, (k, V)."""
    fewest = 2
    if len(groups) < fewest:
        raise ValueError(f"expected two groups or more, got {len(groups)}")
    size = rows.shape[0]
    cols = [columns(g, size, name=f"group {i}") for i, g in enumerate(groups)]
    return np.stack([rows[c].mean(axis=0) for c in cols])


def decompose(p: ArrayLike, groups: Sequence[Indices]) -> Decomposition:
    """Split the divergence of all terms of one template into between and within groups.

    Exact by the chain rule of entropy. Terms weigh the same, so groups weigh by their size.

    Args:
        p: (T, V) distributions, one per term.
        groups: terms of each group, disjoint; terms in no group are left out.
    """
    rows = distributions(p)
    means = group_means(rows, groups)
    used = np.concatenate([np.asarray(g, dtype=np.intp) for g in groups])
    if np.unique(used).size != used.size:
        raise ValueError("groups must not share terms")
    sizes = np.array([len(g) for g in groups], dtype=np.float64)
    total = generalised_jsd(rows[used])
    between = generalised_jsd(means, sizes)
    inside = [generalised_jsd(rows[np.asarray(g, dtype=np.intp)]) for g in groups]
    within = float(sizes @ np.array(inside) / sizes.sum())
    share = between / total if total > 0 else 0.0
    return Decomposition(total=total, between=between, within=within, r2=min(1.0, share))


def _exchanges(
    codes: Ints, blocks: Ints, rng: np.random.Generator, resamples: int
) -> tuple[Codes, Ints, bool]:
    """Distinct relabellings, which of them each draw is (the observed first), and exactness."""
    for limit in (MOST_LISTED, 0):
        table, exact = relabellings(codes, blocks, rng, resamples=resamples, limit=limit)
        distinct, which = np.unique(canonical(table), axis=0, return_inverse=True)
        if not exact or len(distinct) <= resamples + 1:
            break
    return distinct, which.reshape(-1), exact


def _share_between(splits: Sequence[Decomposition]) -> float:
    total = sum(split.total for split in splits)
    return min(1.0, sum(split.between for split in splits) / total) if total > 0 else 0.0


def jsd_permutation(
    p: Sequence[ArrayLike] | ArrayLike,
    groups: Sequence[Indices],
    rng: np.random.Generator,
    resamples: int = 999,
    blocks: Indices | None = None,
) -> DivergenceTest:
    """Test whether completions depend on the group, by exchanging the labels of terms.

    The divergence of two groups is never 0, so only the comparison with exchanged words tells
    group from word. A relabelling holds in every template at once.

    Args:
        p: J templates of (T, V) distributions each, single precision is enough; V may differ
            between templates.
        groups: terms of each of the k groups.
        rng: source of the draws.
        resamples: draws when there are more distinct relabellings than that.
        blocks: (T,) numbers; labels change places only between terms with the same number.

    Returns:
        Divergence, its null distribution, r2 and p. Time is about one logarithm per word,
        distinct relabelling, group and template; memory a few times one template.
    """
    templates = list(p)  # type: ignore[arg-type]
    if not templates:
        raise ValueError("expected at least one template")
    width = np.shape(templates[0])[0]
    cols = [columns(g, width, name=f"group {i}") for i, g in enumerate(groups)]
    used = np.concatenate(cols)
    codes = np.repeat(np.arange(len(cols)), [c.size for c in cols])
    inside = block_codes(blocks, width)[used]
    distinct, which, exact = _exchanges(codes, inside, rng, resamples)
    weights = group_weights(distinct)
    values, splits, null = [], [], np.zeros(len(distinct))
    for template in templates:
        rows = distributions(template)
        values.append(generalised_jsd(group_means(rows, cols)))
        splits.append(decompose(rows, cols))
        null += relabelled_divergences(rows[used], weights) / len(templates)
    drawn = null[which]
    hits = np.count_nonzero(drawn >= drawn[0] * (1 - TIE_SHARE) - TIE_BITS)
    others = drawn if exact else drawn[1:]
    value, mean = float(np.mean(values)), float(others.mean())
    return DivergenceTest(
        value=value,
        by_template=tuple(values),
        null_mean=mean,
        null_p95=float(np.quantile(others, 0.95)),
        excess=value - mean,
        total=float(np.mean([split.total for split in splits])),
        within=float(np.mean([split.within for split in splits])),
        r2=_share_between(splits),
        p=hits / drawn.size,
        method=_method(exact, others.size),
        exact=exact,
        draws=others.size,
        distinct=len(distinct),
    )


def _method(exact: bool, draws: int) -> str:
    return f"{'exact' if exact else 'Monte Carlo'}, {draws} relabellings of terms"


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupDivergence:
    """Divergence of one group from the mean of the others, and what exchanged labels give."""

    value: float
    """Mean over templates, bits, in [0, 1]."""
    null_mean: float
    """Mean over relabellings, bits."""
    p: float
    """Share of relabellings with at least this divergence, in (0, 1]."""
    method: str
    """How p was found, in words."""


def others_permutation(
    p: ArrayLike,
    groups: Sequence[Indices],
    rng: np.random.Generator,
    resamples: int = 999,
    blocks: Indices | None = None,
) -> list[GroupDivergence]:
    """Test of each of three or more groups whether its completions differ from the others'.

    The labels of all groups are exchanged at once, in every template alike. Adjusting the p-values
    for the number of groups is left to the caller.

    Args:
        p: (J, T, V) distributions.
        groups: terms of each of the k groups.
        rng: source of the draws.
        resamples: draws when there are more relabellings than :data:`MOST_LISTED`.
        blocks: (T,) numbers; labels change places only between terms with the same number.
    """
    table = np.asarray(p)
    cols = [columns(g, table.shape[1], name=f"group {i}") for i, g in enumerate(groups)]
    used = np.concatenate(cols)
    codes = np.repeat(np.arange(len(cols)), [c.size for c in cols])
    inside = block_codes(blocks, table.shape[1])[used]
    limit = max(resamples, 1)
    labels, exact = relabellings(codes, inside, rng, resamples=resamples, limit=limit)
    weights = group_weights(labels)
    null = np.mean([_over_tiles(template[used], weights, _tile_others) for template in table], 0)
    results = []
    for drawn in null:
        hits = np.count_nonzero(drawn >= drawn[0] * (1 - TIE_SHARE) - TIE_BITS)
        others = drawn if exact else drawn[1:]
        results.append(
            GroupDivergence(
                value=float(drawn[0]),
                null_mean=float(others.mean()),
                p=hits / drawn.size,
                method=_method(exact, others.size),
            )
        )
    return results


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


def _tile(weights: Singles, ratios: Singles, mass: Singles) -> Singles:
    """Mass-weighted sum over the words of a tile, nats, (1, B, r)."""
    positive = bool(ratios.min() > 0)  # then so is each mean of them
    groups: Singles = weights @ ratios
    work = np.empty_like(groups[0])
    total = np.zeros(work.shape[:2], dtype=np.float32)
    for group in groups:
        total += _x_log_x(group, work, positive=positive) @ mass
    total /= len(groups)
    shares = weights.max(axis=(1, 2, 3))
    if shares.min() != shares.max():  # with groups of one size the mean of the ratios is 1
        mean = np.asarray(groups.mean(axis=0))
        total -= _x_log_x(mean, work, positive=positive) @ mass
    return total[None]


def _tile_others(weights: Singles, ratios: Singles, mass: Singles) -> Singles:
    """As :func:`_tile`, for each group and the mean of the others, (k, B, r)."""
    positive = bool(ratios.min() > 0)
    groups: Singles = weights @ ratios
    whole = np.asarray(groups.sum(axis=0))
    work = np.empty_like(whole)
    totals = np.zeros((len(groups), *whole.shape[:2]), dtype=np.float32)
    for number, group in enumerate(groups):
        rest = np.maximum(whole - group, np.float32(0)) / np.float32(len(groups) - 1)
        own = _x_log_x(group, work, positive=positive) @ mass
        own += _x_log_x(rest, work, positive=positive) @ mass
        rest += group
        rest /= 2
        totals[number] = own / 2 - _x_log_x(rest, work, positive=positive) @ mass
    return totals


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
    return np.asarray(_over_tiles(rows, weights, _tile)[0])


def _over_tiles(
    rows: Floats, weights: Singles, tile: Callable[[Singles, Singles, Singles], Singles]
) -> Floats:
    """Sum of tiles of words and relabellings, bits, (1 or k, N)."""
    mean = rows.mean(axis=0, dtype=np.float64)
    seen = mean > 0
    ratios = (rows[:, seen] / mean[seen]).astype(np.float32)
    mass = mean[seen].astype(np.float32)
    batches = _batches(weights)
    step = max(1, ROWS // batches.shape[2])
    sums: Floats | None = None
    for start in range(0, mass.size, WORDS):
        words = slice(start, start + WORDS)
        part, part_mass = np.ascontiguousarray(ratios[:, words]), mass[words]
        each = [
            tile(batches[:, at : at + step], part, part_mass)
            for at in range(0, batches.shape[1], step)
        ]
        whole = np.concatenate(each, axis=1).astype(np.float64)
        sums = whole if sums is None else sums + whole
    if sums is None:
        raise ValueError("no word has any probability")
    flat = sums.reshape(len(sums), -1)[:, : weights.shape[1]]
    return np.asarray(np.maximum(flat / np.log(2), 0.0))
