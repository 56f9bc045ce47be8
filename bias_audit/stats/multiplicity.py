"""Adjusting p-values for the number of questions asked at once.

Each function takes the raw p-values of one family and returns the adjusted ones in the same order.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from bias_audit.stats._arrays import ROUNDING, finite
from bias_audit.stats.permutation import CELLS_AT_ONCE, MOST_FLIPPED, TIE
from bias_audit.utils.arrays import Floats

FEWEST = 2
"""Units from which signs can be flipped."""


def _family(p_values: ArrayLike) -> Floats:
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1:
        raise ValueError(f"expected a list of p-values, got shape {p.shape}")
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError("p-values must lie in [0, 1]; leave out cells that have none")
    return p


def holm(p_values: ArrayLike) -> Floats:
    """Return Holm's step-down adjusted p-values: no false claim in the family, at any dependence.

    Source: Holm (1979).
    """
    p = _family(p_values)
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted


def bh(p_values: ArrayLike) -> Floats:
    """Return Benjamini-Hochberg adjusted p-values: false discovery rate, independent questions.

    Source: Benjamini and Hochberg (1995).
    """
    return _step_up(_family(p_values), 1.0)


def by(p_values: ArrayLike) -> Floats:
    """Return Benjamini-Yekutieli adjusted p-values: false discovery rate, at any dependence.

    Source: Benjamini and Yekutieli (2001).
    """
    p = _family(p_values)
    return _step_up(p, float(np.sum(1 / np.arange(1, p.size + 1))))


def _step_up(p: Floats, factor: float) -> Floats:
    """The smallest ``factor * m * p / rank`` at this rank or above, at most 1."""
    order = np.argsort(p, kind="stable")[::-1]
    ranks = np.arange(p.size, 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum.accumulate(np.minimum(factor * p[order] * p.size / ranks, 1.0))
    return adjusted


# Max-T. Holm must be ready for any dependence. Where all questions are asked of the same units, the
# same sign flips can be applied to all of them at once, and the largest statistic of each
# arrangement says how large one becomes somewhere when nothing is there anywhere.


def max_t_flips(deltas: ArrayLike, rng: np.random.Generator, resamples: int = 9999) -> Floats:
    """Adjust m questions about the same sentences: signs of templates are flipped.

    Args:
        deltas: (J, m) differences, a column per question; a template flips in all of them at once.

    Returns:
        (m,) adjusted two-sided p: the probability of one wrong claim or more is held.

    Source: Westfall and Young (1993), step-down max-T with studentised statistics.
    """
    values = finite(deltas, ndim=2, name="deltas")
    units = len(values)
    if units < FEWEST:
        raise ValueError("max-T by flips needs two templates or more")
    squares = np.sum(values**2, axis=0)
    scale = float(np.abs(values).max())

    def statistics(signs: Floats) -> Floats:
        means = signs @ values / units
        means[np.abs(means) <= ROUNDING * scale] = 0.0
        return _studentise(means, squares / units - means**2, scale)

    draws: Iterator[Floats]
    exact = units <= MOST_FLIPPED
    if exact:
        # The mirror image of a pattern has the same sizes, so half of them suffice.
        bits = np.arange(2 ** (units - 1))[:, None] >> np.arange(units) & 1
        draws = iter([np.asarray(1.0 - 2.0 * bits, dtype=np.float64)])
    else:
        draws = _signs(rng, resamples, units, values.shape[1])
    null = np.concatenate([statistics(signs) for signs in draws])
    # Of all patterns the first is the observed one: computed once, it cannot miss itself.
    observed = null[0] if exact else statistics(np.ones((1, units)))[0]
    return _adjust(observed, null, exact=exact)


def _signs(rng: np.random.Generator, rows: int, units: int, questions: int) -> Iterator[Floats]:
    step = max(1, CELLS_AT_ONCE // (units + questions))
    for start in range(0, rows, step):
        drawn = rng.integers(2, size=(min(step, rows - start), units), dtype=np.int8)
        yield np.where(drawn == 1, 1.0, -1.0)


def _studentise(gap: Floats, variance: Floats, scale: float) -> Floats:
    """Size of the gap in standard errors; infinite where only the gap is more than rounding.

    Variances are differences of squares, so their rounding is a share of the square of ``scale``,
    the largest value.
    """
    flat = variance <= ROUNDING * scale**2
    sizes = np.abs(gap) / np.sqrt(np.where(flat, 1.0, variance))
    return np.where(flat & (gap != 0), np.inf, np.where(gap == 0, 0.0, sizes))


def _adjust(observed: Floats, null: Floats, *, exact: bool) -> Floats:
    """Share of arrangements whose largest statistic reaches each observed one."""
    order = np.argsort(-observed, kind="stable")
    # Step-down: the second largest statistic has a smaller family than the largest, and so on.
    largest = np.maximum.accumulate(null[:, order[::-1]], axis=1)[:, ::-1]
    hits = np.count_nonzero(largest >= observed[order] * (1 - TIE), axis=0)
    shares = hits / len(null) if exact else (hits + 1) / (len(null) + 1)
    adjusted = np.empty_like(observed)
    adjusted[order] = np.maximum.accumulate(shares)
    return adjusted
