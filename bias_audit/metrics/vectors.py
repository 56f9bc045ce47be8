"""Association tests on vectors of words (WEAT, SEAT, CEAT): kept to compare with published work."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bias_audit.stats._arrays import finite
from bias_audit.stats.relabel import relabellings
from bias_audit.utils.arrays import Floats

MOST_SPLITS = 20_000
"""Splits of the two sets that are all tried."""
_TIE = 1e-12


def associations(words: ArrayLike, a: ArrayLike, b: ArrayLike) -> Floats:
    """Return s(w): mean cosine with the vectors of A minus mean cosine with those of B.

    Args:
        words: (n, d) vectors.
        a: (n_a, d) vectors.
        b: (n_b, d) vectors.

    Raises:
        ValueError: not finite tables, or a vector of length 0.

    Source: Caliskan, Bryson and Narayanan (2017).
    """
    w, first, second = (_unit(table) for table in (words, a, b))
    return np.asarray((w @ first.T).mean(axis=1) - (w @ second.T).mean(axis=1))


def _unit(table: ArrayLike) -> Floats:
    vectors = finite(table, ndim=2, name="vectors")
    sizes = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not (sizes > 0).all():
        raise ValueError("a vector of length 0 has no direction")
    return np.asarray(vectors / sizes)


def effect(s_x: ArrayLike, s_y: ArrayLike, *, ddof: int = 1) -> float:
    """Return WEAT's d: difference of the means over the standard deviation of all words.

    For sets of n words |d| is at most 2 with ``ddof`` 0 and 2 sqrt((2n - 1) / 2n) with 1; 0 where
    the words do not differ.

    Args:
        s_x: associations of the words of X.
        s_y: associations of the words of Y.
        ddof: 1 divides by the number of words less one, as published code does.
    """
    x, y = finite(s_x, ndim=1, name="s_x"), finite(s_y, ndim=1, name="s_y")
    both = np.concatenate([x, y])
    spread = float(both.std(ddof=ddof)) if both.size > ddof else 0.0
    gap = float(x.mean() - y.mean())
    return gap / spread if spread > _TIE * max(1.0, float(np.abs(both).max())) else 0.0


class Splits(NamedTuple):
    """A one-sided permutation test."""

    p: float
    """Share of splits with a difference at least as large, the observed one counted."""
    method: str


def split_test(
    s_x: ArrayLike, s_y: ArrayLike, rng: np.random.Generator, resamples: int = 9999
) -> Splits:
    """Test whether X leans towards A: words dealt out again to X and Y, one-sided.

    Words are exchanged, never sentences: sentences of one word are no independent units.

    Args:
        s_x: associations of the words of X.
        s_y: associations of the words of Y.
        rng: source of the draws where there are too many splits.
        resamples: number of draws then.
    """
    x, y = finite(s_x, ndim=1, name="s_x"), finite(s_y, ndim=1, name="s_y")
    both = np.concatenate([x, y])
    codes = np.repeat(np.arange(2), [x.size, y.size])
    table, exact = relabellings(
        codes, np.zeros(both.size, dtype=np.intp), rng, resamples=resamples, limit=MOST_SPLITS
    )
    gaps = np.where(table == 0, both / x.size, -both / y.size).sum(axis=1)
    hits = np.count_nonzero(gaps >= gaps[0] - _TIE * max(1.0, float(np.abs(both).max())))
    draws = len(table) if exact else resamples
    kind = "exact" if exact else "Monte Carlo"
    return Splits(float(hits) / len(table), f"one-sided, {kind}, {draws} splits of the words")


class Pooled(NamedTuple):
    """Effects of random draws of contexts, put together."""

    value: float
    """Random-effects mean (DerSimonian and Laird)."""
    between: float
    """Variance between draws beyond their own, at least 0."""
    low: float
    """2.5 % quantile of the draws' effects: a spread, no confidence interval."""
    high: float
    """97.5 % quantile."""


def pool(effects: ArrayLike, n_x: int, n_y: int) -> Pooled:
    """Pool effect sizes by a random-effects model, as CEAT does; no p-value.

    A p would shrink with the number of draws, which all reuse the same contexts.

    Args:
        effects: (N,) effect sizes of N draws.
        n_x: words in X.
        n_y: words in Y.

    Source: Guo and Caliskan (2021); Hedges and Vevea (1998).
    """
    d = finite(effects, ndim=1, name="effects")
    own = (n_x + n_y) / (n_x * n_y) + d**2 / (2 * (n_x + n_y))
    weight = 1 / own
    fixed = float((weight * d).sum() / weight.sum())
    q = float((weight * (d - fixed) ** 2).sum())
    scale = float(weight.sum() - (weight**2).sum() / weight.sum())
    between = max(0.0, (q - (d.size - 1)) / scale) if scale > 0 else 0.0
    share = 1 / (own + between)
    low, high = np.quantile(d, [0.025, 0.975])
    return Pooled(float((share * d).sum() / share.sum()), between, float(low), float(high))
