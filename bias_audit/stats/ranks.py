"""Tests on ranks and exchanged labels for k groups: what no outlier can make or break.

Friedman's test compares the groups inside each template and answers for exactly these words;
Kruskal-Wallis and the analysis of variance with exchanged labels compare words and answer for
exactly these sentences.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, chdtri

from bias_audit.records import Floats
from bias_audit.stats._arrays import ROUNDING, Indices, block_codes, columns, finite
from bias_audit.stats.permutation import CELLS_AT_ONCE, MOST_LISTED, TIE
from bias_audit.stats.relabel import Codes, relabellings

FEW_TEMPLATES = 15
"""Below this many templates the distribution of Friedman's statistic is not chi-squared yet."""
FEWEST_GROUPS = 2

Statistic = Callable[[Floats, Codes], Floats]
"""Takes (n,) values and (N, n) relabellings, returns (N,) statistics."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RankTest:
    """Answer of a test for k groups."""

    statistic: float
    """Chi-squared for Friedman, H for Kruskal-Wallis, F for exchanged labels; ties corrected."""
    effect: float
    """Share of the differences that lies between groups, in [0, 1]: Kendall's W, epsilon squared
    or eta squared."""
    null_mean: float
    """Mean of ``effect`` when the labels mean nothing."""
    null_p95: float
    """What 95 % of exchanged labels stay below."""
    p: float
    """In (0, 1]."""
    method: str
    """How p was found, in words."""
    exact: bool
    """True when every arrangement was tried."""


def ranks(values: Floats) -> Floats:
    """Ranks along the last axis from 1, ties sharing their average."""
    from scipy.stats import rankdata  # half a second, which judging need not wait for

    return np.asarray(rankdata(values, axis=-1), dtype=np.float64)


def kendall_w(rows: Floats) -> Floats:
    """Agreement of (..., J, k) ranks, in [0, 1], corrected for ties; 0 where all are tied."""
    templates, k = rows.shape[-2:]
    middle = (k + 1) / 2
    between = np.sum((rows.sum(axis=-2) - templates * middle) ** 2, axis=-1)
    whole = templates * np.sum((rows - middle) ** 2, axis=(-2, -1))
    return np.asarray(np.where(whole > 0, between / np.where(whole > 0, whole, 1.0), 0.0))


def friedman(rows: ArrayLike, rng: np.random.Generator, resamples: int = 9999) -> RankTest:
    """Test whether k groups rank alike in every template, for exactly these words.

    Args:
        rows: (J, k) group effects, one row per template.
        rng: source of the draws; used with 2 to 14 templates unless all orders can be listed.
        resamples: draws.

    Raises:
        ValueError: ``rows`` is not a finite matrix, or has fewer than two groups.

    Source: Friedman (1937); Kendall and Babington Smith (1939) for W.
    """
    values = finite(rows, ndim=2, name="rows")
    templates, k = values.shape
    if k < FEWEST_GROUPS:
        raise ValueError(f"expected two groups or more, got {k}")
    ranked = ranks(values)
    w = float(kendall_w(ranked))
    scale = templates * (k - 1)
    if templates >= FEW_TEMPLATES:
        return RankTest(
            statistic=w * scale,
            effect=w,
            null_mean=1 / templates,
            null_p95=float(chdtri(k - 1, 0.05)) / scale,
            p=float(chdtrc(k - 1, w * scale)),
            method=f"chi-squared with {k - 1} degrees of freedom",
            exact=False,
        )
    alike = np.sort(ranked, axis=1)  # what orders there are does not depend on the observed one
    drawn, exact = _orders(alike[np.lexsort(alike.T)], rng, resamples)
    null = drawn if exact else np.concatenate([[w], drawn])
    return RankTest(
        statistic=w * scale,
        effect=w,
        null_mean=1 / templates if ranked.std() > 0 else 0.0,
        null_p95=float(np.quantile(drawn, 0.95)),
        p=float(np.mean(null >= w - TIE)),
        method=_said(exact, drawn.size, "orders of the groups inside sentences"),
        exact=exact,
    )


def _said(exact: bool, number: int, noun: str) -> str:
    return f"{'exact' if exact else 'Monte Carlo'}, {number} {noun}"


def _orders(ranked: Floats, rng: np.random.Generator, resamples: int) -> tuple[Floats, bool]:
    """W of all orders of the ranks inside templates, or of random ones.

    W does not ask for the groups' names, so the first template can keep its order.
    """
    templates, k = ranked.shape
    ways = math.factorial(k) ** (templates - 1) if k <= MOST_LISTED else MOST_LISTED + 1
    if ways <= MOST_LISTED:
        order = np.array(list(permutations(range(k))), dtype=np.intp)
        sums = ranked[:1]
        for row in ranked[1:]:
            sums = (sums[:, None, :] + row[order][None]).reshape(-1, k)
        return _of_sums(sums, ranked), True
    step = max(1, CELLS_AT_ONCE // ranked.size)
    found = []
    for start in range(0, resamples, step):
        many = min(step, resamples - start)
        drawn = rng.permuted(np.broadcast_to(ranked, (many, templates, k)), axis=-1)
        found.append(_of_sums(drawn.sum(axis=1), ranked))
    return np.concatenate(found), False


def _of_sums(sums: Floats, ranked: Floats) -> Floats:
    """W from (N, k) sums of ranks; what is inside templates never changes."""
    templates, k = ranked.shape
    whole = templates * float(np.sum((ranked - (k + 1) / 2) ** 2))
    between = np.sum((sums - templates * (k + 1) / 2) ** 2, axis=1)
    return np.asarray(between / whole) if whole > 0 else np.zeros(len(sums))


def kruskal(
    y: ArrayLike,
    groups: Sequence[Indices],
    rng: np.random.Generator,
    resamples: int = 9999,
    *,
    blocks: Indices | None = None,
) -> RankTest:
    """Test whether the words of k groups rank alike, for exactly these sentences.

    Args:
        y: (J, T) responses, templates by terms; a word's value is its mean over templates.
        groups: columns of each of the k groups.
        rng: source of the draws.
        resamples: draws when there are more than 20 000 relabellings.
        blocks: (T,) numbers; labels change places only between columns with the same number.

    Raises:
        ValueError: ``y`` is not a finite matrix, or groups or blocks do not fit.

    Source: Kruskal and Wallis (1952); epsilon squared is H / (n - 1).
    """
    return _exchanged(y, groups, rng, resamples, blocks, _kruskal_h)


def exchanged_anova(
    y: ArrayLike,
    groups: Sequence[Indices],
    rng: np.random.Generator,
    resamples: int = 9999,
    *,
    blocks: Indices | None = None,
) -> RankTest:
    """Test whether the words of k groups have one mean, for exactly these sentences.

    The statistic is Welch's F over word means, so that unequal variances do not break the level;
    the usual F where a group has one word only. The arguments are those of :func:`kruskal`.

    Raises:
        ValueError: as :func:`kruskal`.

    Source: Pitman (1938); Welch (1951); Janssen (1997) for the studentised statistic.
    """
    return _exchanged(y, groups, rng, resamples, blocks, _welch_f)


def _exchanged(
    y: ArrayLike,
    groups: Sequence[Indices],
    rng: np.random.Generator,
    resamples: int,
    blocks: Indices | None,
    statistic: Statistic,
) -> RankTest:
    matrix = finite(y, ndim=2, name="y")
    width = matrix.shape[1]
    cols = [columns(g, width, name=f"group {i}") for i, g in enumerate(groups)]
    if len(cols) < FEWEST_GROUPS:
        raise ValueError(f"expected two groups or more, got {len(cols)}")
    used = np.concatenate(cols)
    means = matrix.mean(axis=0)[used]
    inside = block_codes(blocks, width)[used]
    for block in np.unique(inside):
        means[inside == block] -= means[inside == block].mean()
    means[np.abs(means) <= TIE * float(np.abs(matrix).max())] = 0.0
    values = ranks(means) if statistic is _kruskal_h else means
    codes = np.repeat(np.arange(len(cols)), [c.size for c in cols])
    table, exact = relabellings(codes, inside, rng, resamples=resamples, limit=MOST_LISTED)
    step = max(1, CELLS_AT_ONCE // used.size)
    chunks = [table[i : i + step] for i in range(0, len(table), step)]
    sizes = np.concatenate([statistic(values, chunk) for chunk in chunks])
    effects = np.concatenate([_share(values, chunk) for chunk in chunks])
    others = effects if exact else effects[1:]
    return RankTest(
        statistic=float(sizes[0]),
        effect=float(effects[0]),
        null_mean=float(others.mean()),
        null_p95=float(np.quantile(others, 0.95)),
        p=float(np.mean(sizes >= sizes[0] * (1 - TIE))),
        method=_said(exact, others.size, "relabellings of terms"),
        exact=exact,
    )


def _moments(values: Floats, table: Codes) -> tuple[Floats, Floats, Floats]:
    """(k,) sizes, (N, k) means and (N, k) sums of squares around them, of each relabelling."""
    k = int(table[0].max()) + 1
    member = (table[..., None] == np.arange(k, dtype=np.int8)).astype(np.float64)
    sizes = member[0].sum(axis=0)
    means = np.einsum("n,rnk->rk", values, member) / sizes
    squares = np.einsum("n,rnk->rk", values**2, member) - sizes * means**2
    return sizes, means, np.maximum(squares, 0.0)


def _share(values: Floats, table: Codes) -> Floats:
    """Share of the sum of squares that lies between groups."""
    sizes, means, _ = _moments(values, table)
    whole = float(np.sum((values - values.mean()) ** 2))
    between = np.sum(sizes * (means - values.mean()) ** 2, axis=1)
    return np.asarray(np.minimum(between / whole, 1.0)) if whole > 0 else np.zeros(len(table))


def _kruskal_h(values: Floats, table: Codes) -> Floats:
    return np.asarray((values.size - 1) * _share(values, table))


def _welch_f(values: Floats, table: Codes) -> Floats:
    """Welch's F of every relabelling, or the pooled one where a group has one word only."""
    spread = float(values.std())
    scaled = (values - values.mean()) / spread if spread > 0 else np.zeros_like(values)
    sizes, means, squares = _moments(scaled, table)
    k, n = sizes.size, float(sizes.sum())
    if sizes.min() < FEWEST_GROUPS:
        below = squares.sum(axis=1) / max(n - k, 1.0)
        above = np.sum(sizes * means**2, axis=1) / (k - 1)
        return _over(above, below)
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = sizes / (squares / (sizes - 1))
        shares = weights / weights.sum(axis=1, keepdims=True)
        grand = np.sum(shares * means, axis=1, keepdims=True)
        above = np.sum(weights * (means - grand) ** 2, axis=1) / (k - 1)
        slack = np.sum((1 - shares) ** 2 / (sizes - 1), axis=1)
    f = above / (1 + 2 * (k - 2) / (k * k - 1) * slack)
    flat = squares.min(axis=1) < ROUNDING  # a group that does not vary has no weight
    pooled = _over(np.sum(sizes * means**2, axis=1) / (k - 1), squares.sum(axis=1) / (n - k))
    return np.where(flat, pooled, f)


def _over(above: Floats, below: Floats) -> Floats:
    """Their ratio; infinite where nothing varies inside the groups, 0 where nothing varies.

    Both are differences of squares of values with unit spread.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        f: Floats = above / below
    f[below < ROUNDING] = np.inf
    f[above < ROUNDING] = 0.0
    return f
