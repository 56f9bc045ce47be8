"""How far apart distributions of completions are, and how much of it is due to the group.

Distributions over the same words, one per row, non-negative and summing to 1. Logs are base 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bias_audit.metrics._exchange import canonical, group_weights, relabelled_divergences
from bias_audit.stats._arrays import Indices, Ints, block_codes, columns, finite
from bias_audit.stats.permutation import MOST_LISTED
from bias_audit.stats.relabel import Codes, relabellings
from bias_audit.utils.arrays import Floats

SUM_TOLERANCE = 1e-3
"""How far a distribution's sum may be from 1: float32 over a large vocabulary loses a little."""
TIE_BITS = 1e-6
TIE_SHARE = 1e-5
"""Divergences closer than this, absolute plus relative, count as equal: they are computed in
single precision."""


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
    """Divergence of the groups beside what exchanged labels give."""

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


def distributions(p: ArrayLike, *, ndim: int = 2) -> Floats:
    """Return distributions as float64 rows that sum to exactly 1.

    Raises:
        ValueError: wrong number of axes, a negative or non-finite value, or a sum far from 1.
    """
    rows = finite(p, ndim=ndim, name="distributions")
    if rows.min() < 0:
        raise ValueError("probabilities must not be negative")
    sums = rows.sum(axis=-1, keepdims=True)
    if np.abs(sums - 1).max() > SUM_TOLERANCE:
        raise ValueError(f"distributions must sum to 1, got {float(sums.flat[0]):.4g} first")
    return np.asarray(rows / sums)


def _entropies(rows: Floats) -> Floats:
    """Entropy of each row, bits; 0 log 0 is 0."""
    logs = np.log2(rows, out=np.zeros_like(rows), where=rows > 0)
    return np.asarray(-np.sum(rows * logs, axis=-1))


def entropy(p: ArrayLike) -> float:
    """Return the entropy of a distribution (V,), bits, in [0, log2 V].

    Raises:
        ValueError: ``p`` is not a distribution.
    """
    return max(0.0, float(_entropies(distributions(p, ndim=1))))


def generalised_jsd(p: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Return the generalised Jensen-Shannon divergence of k distributions, bits.

    It is the mutual information between group and completion.

    Args:
        p: (k, V) distributions.
        weights: (k,) non-negative group weights with a positive sum; equal when None.

    Returns:
        A value in [0, log2 k]; 0 when all are equal.

    Raises:
        ValueError: ``p`` holds no distributions, or the weights do not fit.

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

    Raises:
        ValueError: ``p`` or ``q`` is not a distribution, or their lengths differ.
    """
    return generalised_jsd(pair(p, q))


def pair(p: ArrayLike, q: ArrayLike) -> Floats:
    """Return two distributions over the same words as rows (2, V).

    Raises:
        ValueError: one is not a distribution, or their lengths differ.
    """
    one, other = distributions(p, ndim=1), distributions(q, ndim=1)
    if one.shape != other.shape:
        raise ValueError(f"expected the same words, got {one.size} and {other.size}")
    return np.stack([one, other])


def group_means(rows: Floats, groups: Sequence[Indices]) -> Floats:
    """Return the mean distribution of each group, (k, V).

    Raises:
        ValueError: fewer than two groups, or a group is empty, repeats or leaves the rows.
    """
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

    Raises:
        ValueError: ``p`` holds no distributions, or the groups overlap or do not fit.
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

    Raises:
        ValueError: no template, no distributions, or groups or blocks that do not fit.
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
        method=f"{'exact' if exact else 'Monte Carlo'}, {others.size} relabellings of terms",
        exact=exact,
        draws=others.size,
    )
