"""How many sentences or words would decide, if the estimate stayed where it is.

Planning from the components of one audit: a guide to what to collect next, not a promise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from scipy.special import stdtrit

MOST_UNITS = 400
"""Designs larger than this are not proposed."""

Source = Literal["templates", "terms", "targets"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Components:
    """Where the uncertainty of an estimate comes from."""

    variance: Mapping[str, float]
    """Variance of the estimate by source, as a contrast holds it: ``templates``, ``terms``,
    ``targets``, and ``residual``, the cell noise, which each source contains once."""
    units: Mapping[str, int]
    """How many there are of each source that counts as random."""
    df: float
    """Degrees of freedom of the sum over these sources."""

    def larger(self, source: Source, factor: float) -> tuple[float, float]:
        """Return standard error and degrees of freedom with ``factor`` times as many units.

        More units of one source also thin out the cell noise inside the others.
        """
        noise = self.variance.get("residual", 0.0)
        now = {name: self.variance.get(name, 0.0) for name in self.units}
        new = {
            name: value / factor if name == source else value - _share(noise, value, factor)
            for name, value in now.items()
        }
        return math.sqrt(sum(new.values())), self._df(source, factor, now, new)

    def _df(
        self, source: Source, factor: float, now: Mapping[str, float], new: Mapping[str, float]
    ) -> float:
        """Satterthwaite's formula; the parts that are not stored are found by subtraction."""

        def first(values: Mapping[str, float], rows: float) -> float:
            return values.get("templates", 0.0) ** 2 / max(rows - 1, 1)

        def others(values: Mapping[str, float]) -> float:
            return sum(value for name, value in values.items() if name != "templates")

        rows = self.units.get("templates", 2)
        rest = max(sum(now.values()) ** 2 / self.df - first(now, rows), 0.0)
        rest *= (others(new) / others(now)) ** 2 if others(now) > 0 else 0.0
        more = factor if source == "templates" else 1.0
        below = first(new, rows * more) + rest / (factor / more)
        return sum(new.values()) ** 2 / below if below > 0 else math.inf


def _share(noise: float, value: float, factor: float) -> float:
    """What thinner cell noise takes off another source's variance."""
    inside = min(noise, value)
    return inside - inside / factor


def enough(components: Components, source: Source, *, gap: float, tail: float) -> int | None:
    """Return the smallest number of units of ``source`` that would decide.

    Args:
        components: of the estimate.
        source: what there would be more of; everything else stays.
        gap: distance between estimate and limit, in the unit of the estimate.
        tail: share of the t distribution beyond the end of the interval: 0.05 for a 90 % interval
            that must lie inside, 0.025 / m for one that must lie outside after Holm over m.

    Returns:
        None when no number up to :data:`MOST_UNITS` would, ``source`` is no random source, or the
        estimate lies on the limit.
    """
    have = components.units.get(source, 0)
    if gap <= 0 or have < 2 or have >= MOST_UNITS or components.df <= 0:
        return None

    def decides(units: int) -> bool:
        se, df = components.larger(source, units / have)
        return -float(stdtrit(df, tail)) * se < gap

    if not decides(MOST_UNITS):
        return None
    low, high = have, MOST_UNITS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if decides(middle) else (middle, high)
    return high
