"""The sheet that a chart is drawn on: sizes in pixels, axes, ticks and words around them."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bias_audit.reports.text import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_RATIOS = (
    0.001, 0.01, 0.03, 0.1, 0.2, 0.33, 0.5, 0.67, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2, 3, 5, 10, 30,
    100, 1000,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """A figure, its colours and its width."""

    figure: Figure
    tones: Mapping[str, str]
    """Colour of each name that the style sheet has."""
    narrow: bool = False
    """Laid out for a telephone."""

    @property
    def width(self) -> int:
        """Pixels from edge to edge."""
        return 330 if self.narrow else 780

    @property
    def foot(self) -> int:
        """Pixels below the axis, for ticks and what the ends mean."""
        return 80 if self.narrow else 64

    def plane(
        self, height: float, *, left: int, right: int, top: int = 14, foot: int | None = None
    ) -> Axes:
        """Size the figure and return axes of this height, without a frame."""
        below = self.foot if foot is None else foot
        whole = height + top + below
        self.figure.set_size_inches(self.width / 72, whole / 72)
        inner = (self.width - left - right) / self.width, height / whole
        axes = self.figure.add_axes((left / self.width, below / whole, *inner))
        for side in ("left", "right", "top"):
            axes.spines[side].set_visible(False)
        axes.spines["bottom"].set_color(self.tones["line"])
        axes.patch.set_visible(False)
        axes.tick_params(length=0, pad=7, labelcolor=self.tones["muted"], color=self.tones["line"])
        return axes

    def scale(
        self, axes: Axes, low: float, high: float, unit: str, *, vertical: bool = False
    ) -> None:
        """Print the axis as odds for log-odds measures, as plain numbers otherwise."""
        (axes.set_ylim if vertical else axes.set_xlim)(low, high)
        axis = axes.yaxis if vertical else axes.xaxis
        most = 5 if self.narrow else 8
        if unit == "nats":
            places, labels = odds_ticks(low, high, most)
            axis.set_ticks(places, labels)
        else:
            axes.locator_params(axis="y" if vertical else "x", nbins=most)
        axis.grid(True, color=self.tones["line"], linewidth=0.6)
        axes.set_axisbelow(True)

    def ends(self, axes: Axes, left: str, right: str, unit: str) -> None:
        """Say below the axis what its two ends mean, and in which unit."""
        name = "odds ratio (logarithmic)" if unit == "nats" else unit
        room = 46 if self.narrow else 40
        low = f"← {short(left, room)}" if left else ""
        high = f"{short(right, room)} →" if right else ""
        if self.narrow:
            self.say(axes, (0, 0), low, (-6, -36), size=10.5)
            self.say(axes, (1, 0), high, (6, -51), size=10.5, anchor="right")
            self.say(axes, (0.5, 0), name, (0, -69), size=10, anchor="center", tone="muted")
            return
        self.say(axes, (0.5, 0), low, (-14, -38), size=10.5, anchor="right")
        self.say(axes, (0.5, 0), high, (14, -38), size=10.5)
        self.say(axes, (0.5, 0), name, (0, -56), size=10, anchor="center", tone="muted")

    def say(
        self,
        axes: Axes,
        spot: tuple[float, float],
        text: str,
        shift: tuple[float, float] = (0, 0),
        *,
        across: bool = False,
        size: float = 11,
        anchor: str = "left",
        tone: str = "ink",
        bold: bool = False,
    ) -> None:
        """Write beside a spot of the axes; with ``across`` its height is that of the data."""
        axes.annotate(
            text, spot, xytext=shift, xycoords=("axes fraction", "data") if across
            else "axes fraction", textcoords="offset points", ha=anchor, va="center",
            fontsize=size, fontweight="bold" if bold else "normal", color=self.tones[tone],
            annotation_clip=False,
        )  # fmt: skip

    def name(self, axes: Axes, y: float, text: str, room: int) -> None:
        """Name a row at its left, in two smaller lines where one has no room."""
        if len(text) <= room:
            self.say(axes, (0, y), text, (-10, 0), across=True, anchor="right")
            return
        lines = wrap(text, round(1.15 * room), most=2)
        for place, line in enumerate(lines):
            shift = (-10, 5.5 * (len(lines) - 1) - 11 * place)
            self.say(axes, (0, y), line, shift, across=True, size=9.5, anchor="right")


def reach(values: list[float]) -> tuple[float, float]:
    """The ends of an axis that holds all values, 0 and some room."""
    low, high = min([*values, -0.3]), max([*values, 0.3])
    room = 0.06 * (high - low)
    return low - room, high + room


def odds_ticks(low: float, high: float, most: int = 8) -> tuple[list[float], list[str]]:
    """Ticks at round odds ratios, thinned until they fit."""
    inside = [ratio for ratio in _RATIOS if low <= math.log(ratio) <= high]
    gap = (high - low) / most
    kept = [1.0]
    for ratio in sorted(inside, key=lambda r: abs(math.log(r))):
        if all(abs(math.log(ratio) - math.log(other)) >= gap for other in kept):
            kept.append(ratio)
    kept.sort()
    return [math.log(r) for r in kept], [f"{r:g}×" for r in kept]


def wrap(text: str, width: int, most: int = 3) -> list[str]:
    """Lines of at most ``width`` characters; what does not fit ends in an ellipsis."""
    lines = textwrap.wrap(text, width) or [""]
    return (
        lines if len(lines) <= most else [*lines[: most - 1], short(lines[most - 1] + "…", width)]
    )
