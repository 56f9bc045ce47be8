"""How gaps are told in each of their units: the one place that knows it.

A gap in nats is told as a ratio, "1.75 times as likely"; one of cosines, in standard deviations of
its sentence frame, as a distance, "0.80 standard deviations closer".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from bias_audit.utils.text import LARGEST_PRINTED, number

NO_GAP = 1e-9
"""A gap below this is rounding, in any unit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scale:
    """How sizes in one unit are told and bounded. What is told of no gap at all is ``none``."""

    unit: str
    is_ratio: bool
    """Whether values are logarithms, and people are told the ratio."""
    rungs: tuple[float, ...]
    """Sizes that gaps are bounded by, as they are told."""
    steps: tuple[float, float, float]
    """Sizes, as they are told, from which a gap is moderate, strong, very strong."""
    more: str
    """``times as likely``: follows the number in a sentence."""
    head: str
    """Heads a column of numbers."""
    key: str
    """What the mark means, where it does not say so itself."""
    noun: str
    """``times``: follows a bound."""
    mark: str
    """``×``: follows the number in a table."""
    axis: str
    """What a chart calls the axis."""
    likelier: str
    """``likelier``: what a word is with the group that it leans to."""
    fires: float
    """What a positive control must exceed, in the unit."""

    def value(self, size: float) -> float:
        """Return what was told, in the unit."""
        return math.log(size) if self.is_ratio else size

    def tell(self, value: float) -> str:
        """Return a value as people are told it, without a word for the unit."""
        if self.is_ratio:
            return number(math.exp(min(max(value, -700.0), 700.0)))
        return f"{value:.2f}"

    def ends(self, low: float, high: float) -> str:
        """Return an interval, both ends with as many digits: ``1.80 to 2.01``."""
        if not self.is_ratio:
            return f"{low:.2f} to {high:.2f}"
        ends = [math.exp(min(max(end, -700.0), 700.0)) for end in (low, high)]
        if ends[1] > LARGEST_PRINTED:
            return f"{number(ends[0])} to {number(ends[1])}"
        digits = 2 if ends[1] < 10 else 1 if ends[1] < 100 else 0
        return f"{ends[0]:.{digits}f} to {ends[1]:.{digits}f}"

    def bounds(self, low: float, high: float) -> str:
        """Return an interval in words: ``1.20 to 2.10 times``."""
        return f"{self.ends(low, high)} {self.noun}"


_EVERY = (
    Scale(
        unit="nats",
        is_ratio=True,
        rungs=(1.25, 1.5, 2.0, 3.0, 5.0, 10.0),
        steps=(1.25, 2.0, 4.0),
        more="times as likely",
        head="times as likely",
        key="",
        noun="times",
        mark="×",
        axis="times as likely (logarithmic)",
        likelier="likelier",
        fires=1.0,
    ),
    Scale(
        unit="sd",
        is_ratio=False,
        rungs=(0.3, 0.5, 0.8, 1.2, 2.0, 3.0),
        steps=(0.3, 0.8, 1.5),
        more="standard deviations closer",
        head="closer by",
        key="sd: standard deviations of the cosines within a sentence frame; examples give cosines",
        noun="standard deviations",
        mark="sd",
        axis="standard deviations closer",
        likelier="closer",
        fires=1.0,
    ),
)
_SCALES: Mapping[str, Scale] = {scale.unit: scale for scale in _EVERY}
NATS, SD = _EVERY
LABELS = replace(
    NATS,
    more="times the odds",
    head="times the odds",
    axis="times the odds (logarithmic)",
)
"""Of a label of whole sentences: it and the other one share a probability, so odds are compared."""


def scale_of(unit: str) -> Scale | None:
    """Return how gaps in a unit are told; None for a unit that is no gap's."""
    return _SCALES.get(unit)


def gap_scale(unit: str) -> Scale:
    """Return the same for a gap; nats where the unit is not that of a gap."""
    return _SCALES.get(unit, NATS)
