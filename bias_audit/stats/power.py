"""Sample size in closed form: the interval of a larger design, from variance components.

A guide to what to collect next, not a promise: components are estimates, those from 8 sentences or
4 words are rough, and other words may vary more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from scipy.special import stdtrit

from bias_audit.stats.crossing import names_of, sign_of

MOST_UNITS = 400
"""Designs larger than this are not proposed."""

Source = Literal["templates", "terms", "targets"]
ORDER: tuple[Source, ...] = ("templates", "terms", "targets")


@dataclass(frozen=True, kw_only=True, slots=True)
class VarianceComponents:
    """Where the uncertainty of an estimate comes from."""

    variance: Mapping[str, float]
    """Variance of the estimate by source, as a contrast holds it: ``templates``, ``terms``,
    ``targets``, and what they share, ``templates x terms``, which is inside each of theirs."""
    units: Mapping[Source, int]
    """How many independent ones (clusters) there are of each source that counts as random."""
    df: float
    """Degrees of freedom of the contrast."""

    @property
    def total(self) -> float:
        """Variance of the estimate: what sources share counts once, as in a contrast."""
        once = math.fsum(sign_of(names) * self._of(names) for names in self._subsets)
        return min(max(once, *self._each, 0.0), sum(self._each))

    @property
    def _each(self) -> list[float]:
        return [self._of((name,)) for name in self.units]

    def scale(self, factors: Mapping[Source, float]) -> tuple[float, float]:
        """Return standard error and degrees of freedom with so many times the units of each source.

        What a source has of its own shrinks with its units, what it shares with others also with
        theirs. Sources that are not random may be named for that.

        Source: Satterthwaite (1946); the parts that are not stored follow by subtraction.
        """
        own = {names: max(self._own(names), 0.0) for names in self._subsets}
        new = {
            names: value / math.prod(factors.get(name, 1.0) for name in names)
            for names, value in own.items()
        }
        before, after = sum(own.values()), sum(new.values())
        left = after / before if before > 0 else 1.0
        now, then = (
            {name: sum(v for names, v in parts.items() if name in names) for name in self.units}
            for parts in (own, new)
        )
        once = after / sum(then.values()) if after > 0 else 1.0
        df = self._df(factors, now, then)
        return math.sqrt(self.total * left), max(df * once, min(df, 1.0))

    @property
    def _subsets(self) -> list[tuple[Source, ...]]:
        """One, two and three of the random sources."""
        sizes = range(1, len(self.units) + 1)
        return [names for size in sizes for names in combinations(self.units, size)]

    def _of(self, names: tuple[str, ...]) -> float:
        ordered = sorted(names, key=ORDER.index)
        return self.variance.get(names_of(ordered), 0.0)

    def _own(self, names: tuple[Source, ...]) -> float:
        """What these sources share and no further one does."""
        return math.fsum(
            sign_of(names) * sign_of(more) * self._of(more)
            for more in self._subsets
            if set(names) <= set(more)
        )

    def _df(
        self,
        factors: Mapping[Source, float],
        now: Mapping[Source, float],
        new: Mapping[Source, float],
    ) -> float:
        def others(values: Mapping[Source, float]) -> float:
            return sum(value for name, value in values.items() if name != "templates")

        rows, more_rows = self.units.get("templates", 2), factors.get("templates", 1.0)
        first = now.get("templates", 0.0) ** 2 / max(rows - 1, 1)
        df = self.df * sum(self._each) / self.total if self.total > 0 else self.df
        rest = max(sum(now.values()) ** 2 / df - first, 0.0)
        rest *= (others(new) / others(now)) ** 2 if others(now) > 0 else 0.0
        growth = [f for name, f in factors.items() if name in self.units and name != "templates"]
        rest /= min((factor for factor in growth if factor != 1), default=1.0)
        first = new.get("templates", 0.0) ** 2 / max(rows * more_rows - 1, 1)
        return sum(new.values()) ** 2 / (first + rest) if first + rest > 0 else math.inf

    def reach(
        self, factors: Mapping[Source, float], *, tail: float, quantile: float = 0.5
    ) -> float:
        """Return the distance from a limit that the interval of a larger design covers.

        Args:
            factors: as in :meth:`scale`; the design as it is where empty.
            tail: share of the t distribution beyond the end of the interval: 0.05 for a 90 %
                interval that must lie inside, 0.025 / m for one that must lie outside after Holm
                over m.
            quantile: how far from its true value the estimate may fall: 0.5 if it stays where it
                is, 0.9 to pass in 80 % of audits with a true value of 0 (in two tails of 10 %), 0.8
                to fail in 80 %.
        """
        se, df = self.scale(factors)
        return (float(stdtrit(df, quantile)) - float(stdtrit(df, tail))) * se


def required_units(
    components: VarianceComponents,
    source: Source,
    *,
    gap: float,
    tail: float,
    quantile: float = 0.5,
) -> int | None:
    """Return the smallest number of units of ``source`` that would decide, all else as it is.

    None when no number up to :data:`MOST_UNITS` would, ``source`` is no random source, or the
    estimate lies on the limit. ``gap`` is the distance between the expected estimate and the
    limit; ``tail`` and ``quantile`` as in :meth:`VarianceComponents.reach`.
    """
    have = components.units.get(source, 0)
    if gap <= 0 or have < 2 or have >= MOST_UNITS or components.df <= 0:
        return None

    def decides(units: int) -> bool:
        return components.reach({source: units / have}, tail=tail, quantile=quantile) < gap

    if not decides(MOST_UNITS):
        return None
    low, high = have, MOST_UNITS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if decides(middle) else (middle, high)
    return high
