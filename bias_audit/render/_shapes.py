"""What tables and charts hold, already in words: the parts that every kind of page shares."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One cell of a table."""

    text: str
    value: float | None = None
    """Number to sort by; None for text."""
    state: str = ""
    """One of the six states: drawn as a pill."""
    href: str = ""
    """Fragment of the same page."""
    long: bool = False
    """True for prose that may wrap."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A table with a caption; the first cell of each row names it."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    pale: bool = False
    """True where the order of the rows means nothing: drawn pale, and not to be sorted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IntervalRow:
    """A dot with its interval."""

    label: str
    estimate: float
    low: float | None
    high: float | None
    heading: str = ""
    """Rows that follow each other with the same heading stand together under it."""
    part: str = ""
    """Id of what the heading names: two probes may have the same title."""
    margin: float | None = None
    state: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """What every chart has: words for those who cannot see it, and the same numbers as a table."""

    name: str
    """Unique fragment of the page."""
    title: str
    question: str
    """How to read it, one or two sentences."""
    summary: str
    """What it shows, for a screen reader."""
    table: Table
    answer: str = ""
    """The answer to its title in one sentence, for a reader in a hurry."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Intervals(Picture):
    """Dots with intervals, the neutral line and the allowed band."""

    rows: tuple[IntervalRow, ...]
    left: str = ""
    right: str = ""
    unit: str = "nats"
    bars: bool = False
    """Draw bars from the neutral line instead of dots."""
    digits: int = 3
    """Digits after the point, where the unit is not nats."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Dots(Picture):
    """Several dots on each row, with their mean."""

    rows: tuple[tuple[str, tuple[float, ...]], ...]
    left: str = ""
    """What the left side stands for; empty where values are sizes, which begin at 0."""
    right: str = ""
    unit: str = "nats"
    band: float | None = None
    """Size up to which the plot is shaded."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scatter(Picture):
    """Words by an outside figure and by the model's gap, with the fitted line."""

    points: tuple[tuple[float, float, str], ...]
    """(outside figure, gap, word)."""
    intercept: float
    slope: float
    x_label: str
    above: str
    below: str
    unit: str = "nats"


@dataclass(frozen=True, kw_only=True, slots=True)
class Plane(Picture):
    """Groups by two measures."""

    points: tuple[tuple[float, float, str], ...]
    """(first measure, second measure, group)."""
    left: str
    right: str
    above: str
    below: str
    unit: str = "nats"


@dataclass(frozen=True, kw_only=True, slots=True)
class Slope:
    """One gap in two models."""

    label: str
    before: float
    after: float
    verdict: str = ""
    """What is said of the change; ``larger``, ``smaller`` and ``turned`` are drawn loud."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Slopes(Picture):
    """A line for each gap, from the first model to the second."""

    rows: tuple[Slope, ...]
    before: str
    """Name of the first model."""
    after: str
    unit: str = "nats"


@dataclass(frozen=True, kw_only=True, slots=True)
class HeatRow:
    """One word of the heat map."""

    word: str
    pole: str
    values: tuple[float, ...]
    texts: tuple[str, ...]
    steps: tuple[int, ...]
    """Shade of each cell, from -4 to 4."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Heat:
    """Words by groups, shaded by how far each cell departs from what its row and column predict."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[HeatRow, ...]
    folded: tuple[HeatRow, ...]
    note: str
    answer: str = ""
    """As for a chart."""

    @property
    def summary(self) -> str:
        """What it shows, for those who cannot see it."""
        return f"{len(self.rows)} words by {len(self.columns)} groups. {self.note}"
