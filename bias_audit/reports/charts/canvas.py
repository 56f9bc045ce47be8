"""A drawing as a list of shapes, in pixels from the upper left corner, with named colours.

Charts place shapes here; :mod:`svg` writes them for the page, :mod:`export` for papers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

WIDTH = 780
"""Pixels from edge to edge; a narrower window scrolls the chart in its own box."""
Spot = tuple[float, float]
Anchor = Literal["start", "middle", "end"]

BACK, GRID, LINE, FRONT, DOT, COVER, TEXT = range(7)
"""Layers; a later one is painted over an earlier one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """How a shape is painted: names of colours, widths in pixels."""

    fill: str = ""
    stroke: str = ""
    width: float = 0.0
    dash: str = ""
    round: bool = False
    """Whether lines end in half circles."""
    opacity: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """A line through points, or an area when it is closed."""

    points: tuple[Spot, ...]
    look: Look
    layer: int
    closed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    """One line of text, centred on its height."""

    spot: Spot
    text: str
    size: float
    anchor: Anchor
    colour: str
    bold: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """A mark that says its name when a reader points at it or reaches it by keyboard."""

    spot: Spot
    name: str
    href: str = ""
    """Fragment of the page that it leads to."""
    rows: tuple[str, str, str] | None = None
    """Probe, group and word whose sentences it leads to."""


@dataclass(kw_only=True, slots=True)
class Canvas:
    """A drawing under construction."""

    height: float
    width: float = WIDTH
    shapes: list[Shape] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)

    def line(
        self,
        points: Sequence[Spot],
        colour: str,
        width: float,
        *,
        layer: int = LINE,
        dash: str = "",
        round: bool = False,
    ) -> None:
        """Draw a line through points."""
        look = Look(stroke=colour, width=width, dash=dash, round=round)
        self.shapes.append(Shape(points=tuple(points), look=look, layer=layer))

    def area(
        self,
        x: tuple[float, float],
        y: tuple[float, float],
        colour: str,
        *,
        layer: int = BACK,
        edge: str = "",
    ) -> None:
        """Fill the rectangle between two x and two y."""
        corners = ((x[0], y[0]), (x[1], y[0]), (x[1], y[1]), (x[0], y[1]))
        look = Look(fill=colour, stroke=edge, width=1.0 if edge else 0.0)
        self.shapes.append(Shape(points=corners, look=look, layer=layer, closed=True))

    def dot(
        self, spot: Spot, colour: str, size: float, *, opacity: float = 1.0, layer: int = DOT
    ) -> None:
        """Draw a full dot of this diameter: the round ends of a line without length."""
        look = Look(stroke=colour, width=size, round=True, opacity=opacity)
        self.shapes.append(Shape(points=(spot, spot), look=look, layer=layer))

    def square(self, spot: Spot, colour: str, size: float, *, turned: bool = False) -> None:
        """Draw a full square of this side, on its corner when ``turned``."""
        (x, y), r = spot, size / 2
        if not turned:
            self.area((x - r, x + r), (y - r, y + r), colour, layer=DOT)
            return
        r *= 2**0.5
        corners = ((x, y - r), (x + r, y), (x, y + r), (x - r, y))
        self.shapes.append(Shape(points=corners, look=Look(fill=colour), layer=DOT, closed=True))

    def name(
        self, spot: Spot, name: str, href: str = "", rows: tuple[str, str, str] | None = None
    ) -> None:
        """Let the mark at a spot name itself; a drawing outside a page has no such names."""
        self.points.append(Point(spot=spot, name=name, href=href, rows=rows))

    def text(
        self,
        spot: Spot,
        text: str,
        *,
        size: float = 11,
        anchor: Anchor = "start",
        colour: str = "ink",
        bold: bool = False,
    ) -> None:
        """Write one line whose middle is at the height of a spot."""
        if text:
            self.labels.append(
                Label(spot=spot, text=text, size=size, anchor=anchor, colour=colour, bold=bold)
            )
