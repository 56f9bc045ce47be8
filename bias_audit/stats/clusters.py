"""Means and shares of items that come in clusters: several by one writer, several about one term.

Items of a cluster resemble each other, so it is the clusters that are counted as independent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from bias_audit.stats._arrays import ROUNDING, finite
from bias_audit.stats.estimate import upper_tail

Status = Literal["ok", "no_variance", "no_cluster_variance", "too_few_clusters"]
"""``no_variance``: all items are equal. ``no_cluster_variance``: items differ, but they sum up to
the mean in every cluster. ``too_few_clusters``: fewer than two. None of them has an interval."""
WHY: dict[Status, str] = {
    "no_variance": "all pairs agree",
    "no_cluster_variance": "pairs differ inside clusters only, so clusters tell no error",
    "too_few_clusters": "one cluster only",
}
"""Why shares of pairs have no interval, in words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusteredMean:
    """A mean over items, with the uncertainty of having met these clusters."""

    estimate: float
    """In the unit of the values."""
    se: float | None
    """Standard error over clusters; None unless ``status`` is ``ok``."""
    df: float | None
    """Effective number of clusters less one; None unless ``status`` is ``ok``."""
    n_items: int
    n_clusters: int
    status: Status

    def interval(self, level: float = 0.95) -> tuple[float, float] | None:
        """Return the t interval at ``level`` in (0, 1); None unless the status is ``ok``.

        A share can reach beyond its range: cut it where it is shown.
        """
        if self.se is None or self.df is None:
            return None
        half = float(stdtrit(self.df, (1 + level) / 2)) * self.se
        return self.estimate - half, self.estimate + half

    def p_value(self, neutral: float = 0.0) -> float | None:
        """Return the two-sided p against ``neutral``; None where there is no interval.

        It is 1 where every item, or every cluster's mean, is ``neutral``.
        """
        if self.se is None or self.df is None:
            same = self.status != "too_few_clusters" and math.isclose(
                self.estimate, neutral, rel_tol=ROUNDING, abs_tol=ROUNDING
            )
            return 1.0 if same else None
        return min(1.0, 2 * upper_tail(abs(self.estimate - neutral) / self.se, self.df))


def clustered_mean(values: ArrayLike, clusters: Sequence[Hashable] | None = None) -> ClusteredMean:
    """Return the mean of (n,) ``values`` with its standard error over clusters.

    ``clusters`` holds the cluster of each item; None makes each item its own.

    Source: Liang and Zeger (1986) with the factor G/(G - 1); degrees of freedom from the effective
    number of clusters (sum n_g)^2 / sum n_g^2, after Carter, Schnepel and Steigerwald (2017).
    """
    items = finite(values, ndim=1, name="values")
    codes = _codes(clusters, items.size)
    mean = float(items.mean())
    sizes = np.bincount(codes).astype(float)
    count = sizes.size
    off = items - mean
    sums = np.bincount(codes, weights=off)
    se = math.sqrt(float(sums @ sums) * count / (count - 1)) / items.size if count > 1 else 0.0
    floor = ROUNDING * max(1.0, float(np.abs(items).max()))
    status: Status = "ok"
    if count < 2:
        status = "too_few_clusters"
    elif np.ptp(items) <= floor:
        status = "no_variance"
    elif se <= floor:
        status = "no_cluster_variance"
    df = items.size**2 / float(sizes @ sizes) - 1
    return ClusteredMean(
        estimate=mean,
        se=se if status == "ok" else None,
        df=max(df, 1.0) if status == "ok" else None,
        n_items=items.size,
        n_clusters=count,
        status=status,
    )


def jackknife(statistic: Callable[[np.ndarray], float], units: int) -> tuple[float, float | None]:
    """Return a statistic and its standard error from leaving out one unit at a time.

    ``statistic`` takes the numbers of the units that are in. Only for smooth statistics.

    Source: Efron and Stein (1981).
    """
    everyone = np.arange(units)
    estimate = float(statistic(everyone))
    if units < 2:
        return estimate, None
    estimates = np.array([statistic(np.delete(everyone, n)) for n in everyone])
    off = estimates - estimates.mean()
    return estimate, math.sqrt(float(off @ off) * (units - 1) / units)


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the exact two-sided p of McNemar's test (1947): items that only one model has.

    A quick look: it takes items as independent, which the interval of :func:`clustered_mean` over
    their differences does not.
    """
    if min(only_first, only_second) < 0:
        raise ValueError("counts of items cannot be negative")
    from scipy.stats import binomtest  # half a second, which judging need not wait for

    total = only_first + only_second
    return float(binomtest(only_first, total).pvalue) if total else 1.0


def _codes(clusters: Sequence[Hashable] | None, size: int) -> np.ndarray:
    """Numbers of the clusters in the order they are first met."""
    if clusters is None:
        return np.arange(size)
    if len(clusters) != size:
        raise ValueError(f"clusters: expected one entry for each of {size} items")
    known: dict[Hashable, int] = {}
    return np.array([known.setdefault(name, len(known)) for name in clusters])
