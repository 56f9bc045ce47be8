"""Axes of a chart: from values to pixels, with grid, ticks and words around them."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from bias_audit.reports.charts.canvas import GRID, WIDTH, Canvas, Spot
from bias_audit.reports.text import plain, short
from bias_audit.utils.scales import scale_of

FOOT = 64
"""Pixels below the axes, for ticks and what their ends mean."""
_TICKS = 8
"""Steps of an axis, at most."""
_ABOVE = (1.1, 1.25, 1.5, 2, 3, 5, 10, 30, 100, 1000)
_RATIOS = (*(1 / ratio for ratio in reversed(_ABOVE)), 1.0, *_ABOVE)
"""Ticks of ratios, the same on both sides: the ends of the axis say which side is whose."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scale:
    """A stretch of pixels and the values at its two ends."""

    start: float
    end: float
    low: float
    high: float

    def __call__(self, value: float) -> float:
        """Return the pixel of a value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """The rectangle of a canvas that values are drawn in."""

    canvas: Canvas
    left: float
    right: float
    top: float
    bottom: float

    @classmethod
    def of_height(
        cls, height: float, *, left: float, right: float, top: float = 14, foot: float = FOOT
    ) -> Frame:
        """Return a frame of a height on a new canvas, with room around it."""
        canvas, bottom = Canvas(height=top + height + foot), top + height
        return cls(canvas=canvas, left=left, right=WIDTH - right, top=top, bottom=bottom)

    @property
    def middle(self) -> float:
        """The pixel halfway between left and right."""
        return (self.left + self.right) / 2

    def across(self, low: float, high: float, unit: str) -> Scale:
        """Return the scale from left to right, drawn with its grid and its numbers."""
        scale = Scale(start=self.left, end=self.right, low=low, high=high)
        for value, text in ticks(low, high, unit):
            x = scale(value)
            self.canvas.line(((x, self.bottom), (x, self.top)), "line", 0.6, layer=GRID)
            spot = (x, self.bottom + 11.5)
            self.canvas.text(spot, text, anchor="middle", colour="muted")
        self.canvas.line(((self.left, self.bottom), (self.right, self.bottom)), "line", 0.8)
        return scale

    def upward(self, low: float, high: float, unit: str) -> Scale:
        """Return the scale from bottom to top, drawn with its grid and its numbers."""
        scale = Scale(start=self.bottom, end=self.top, low=low, high=high)
        for value, text in ticks(low, high, unit):
            y = scale(value)
            self.canvas.line(((self.left, y), (self.right, y)), "line", 0.6, layer=GRID)
            self.canvas.text((self.left - 7, y), text, anchor="end", colour="muted")
        return scale

    def upright(self, x: float, colour: str = "ink", width: float = 1.1, dash: str = "") -> None:
        """Draw a line from bottom to top."""
        self.canvas.line(((x, self.bottom), (x, self.top)), colour, width, dash=dash)

    def level(self, y: float) -> None:
        """Draw a line from left to right."""
        self.canvas.line(((self.left, y), (self.right, y)), "ink", 1.1)

    def ends(self, left: str, right: str, unit: str) -> None:
        """Say below the axis what its two ends mean, and in which unit."""
        low = f"← {short(left, 40)}" if left else ""
        high = f"{short(right, 40)} →" if right else ""
        text, below = self.canvas.text, self.bottom + 38
        text((self.middle - 14, below), low, size=10.5, anchor="end")
        text((self.middle + 14, below), high, size=10.5)
        spot = (self.middle, self.bottom + 56)
        text(spot, unit_name(unit), size=10, anchor="middle", colour="muted")

    def row_name(self, y: float, text: str, room: int) -> None:
        """Name a row at its left, in two smaller lines where one has no room."""
        if len(text) <= room:
            self.canvas.text((self.left - 10, y), text, anchor="end")
            return
        lines = wrap(text, round(1.15 * room), most=2)
        for place, line in enumerate(lines):
            spot: Spot = (self.left - 10, y - 5.5 * (len(lines) - 1) + 11 * place)
            self.canvas.text(spot, line, size=9.5, anchor="end")


def unit_name(unit: str) -> str:
    """Return what the axis of a unit is called."""
    scale = scale_of(unit)
    return unit if scale is None else scale.axis


def reach(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of an axis that holds all values, 0 and some room."""
    low, high = min([*values, -0.3]), max([*values, 0.3])
    room = 0.06 * (high - low)
    return low - room, high + room


def ticks(low: float, high: float, unit: str) -> list[tuple[float, str]]:
    """Return (value, label) of the ticks: odds for log-odds measures, else plain numbers."""
    return odds_ticks(low, high) if unit == "nats" else number_ticks(low, high)


def odds_ticks(low: float, high: float, most: int = _TICKS) -> list[tuple[float, str]]:
    """Return ticks at round odds ratios, thinned until they fit."""
    inside = [ratio for ratio in _RATIOS if low <= math.log(ratio) <= high]
    gap = (high - low) / most
    chosen = [1.0]
    for ratio in sorted(inside, key=lambda r: abs(math.log(r))):
        if all(abs(math.log(ratio) - math.log(other)) >= gap for other in chosen):
            chosen.append(ratio)
    return [(math.log(r), f"{_ratio(r)}×") for r in sorted(chosen)]


def _ratio(ratio: float) -> str:
    return f"{max(ratio, 1 / ratio):.3g}"


def number_ticks(low: float, high: float, most: int = _TICKS) -> list[tuple[float, str]]:
    """Return ticks at round numbers: multiples of 1, 2, 2.5 or 5 times a power of ten.

    >>> number_ticks(-0.1, 1.1, most=4)
    [(0.0, '0.0'), (0.5, '0.5'), (1.0, '1.0')]
    """
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    step = next(m * power for m in (1, 2, 2.5, 5, 10, 20) if (high - low) / (m * power) <= most)
    digits = next((d for d in range(12) if abs(step * 10**d - round(step * 10**d)) < 1e-6), 12)
    places = range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
    return [(place * step, plain(place * step, digits)) for place in places]


def wrap(text: str, width: int, most: int = 3) -> list[str]:
    """Return lines of at most ``width`` characters; what does not fit ends in an ellipsis."""
    lines = textwrap.wrap(text, width) or [""]
    return (
        lines if len(lines) <= most else [*lines[: most - 1], short(lines[most - 1] + "…", width)]
    )
