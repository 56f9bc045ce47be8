"""What a page shows besides text: tables and charts, in words and numbers without any markup."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from bias_audit.reports.text import bounds, plain, times, with_sign
from bias_audit.utils.scales import gap_scale


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table."""

    text: str
    value: float | None = None
    """Number behind the text; None for text."""
    state: str = ""
    """A state, an outcome, or whether a control works: drawn as a pill."""
    href: str = ""
    """Fragment of the same page."""
    long: bool = False
    """True for prose that may wrap."""


def prose(text: str) -> Cell:
    """Text that may wrap."""
    return Cell(text, long=True)


def ratio(value: float | None, unit: str = "nats") -> Cell:
    """A gap without its direction, as a ratio never below 1: ``1.80 ×``."""
    if value is None:
        return Cell("none")
    return Cell(f"{times(abs(value), unit)} {gap_scale(unit).mark}", value)


def ratios(
    low: float | None, high: float | None, unit: str = "nats", *, turned: bool = False
) -> Cell:
    """An interval of gaps, seen from the side of its estimate: ``1.02 – 1.58``."""
    if low is None or high is None:
        return Cell("none")
    ends = (-high, -low) if turned else (low, high)
    scale = gap_scale(unit)
    order = math.exp(min(ends[0], 700.0)) if scale.is_ratio else ends[0]
    return Cell(scale.ends(*ends).replace(" to ", " – "), order)


def gap(value: float, unit: str = "") -> Cell:
    """A number with its sign, and its unit unless that is nats."""
    return Cell(f"{with_sign(value)} {unit.removeprefix('nats')}".rstrip(), value)


def number(value: float | None, digits: int = 2, none: str = "none") -> Cell:
    """A number, or what stands in place of a missing one."""
    return Cell(none if value is None else plain(value, digits), value)


def interval(low: float | None, high: float | None, none: str = "none") -> Cell:
    """An interval in brackets."""
    return Cell(bounds(low, high, none), low)


Row = tuple[Cell, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A table with a caption; the first cell of each row names it."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[Row, ...]
    note: str = ""
    pale: bool = False
    """True where the order of the rows means nothing: drawn pale, and not to be sorted."""
    name: str = ""
    """Fragment of the page, of a table of sentence pairs."""

    def without_empty(self, places: Iterable[int]) -> Table:
        """The same without those of these columns in which no row has anything to say."""
        empty = {p for p in places if all(row[p].text in ("", "none") for row in self.rows)}
        keep = [place for place in range(len(self.head)) if place not in empty]
        return replace(
            self,
            head=tuple(self.head[place] for place in keep),
            rows=tuple(tuple(row[place] for place in keep) for row in self.rows),
        )


def table(
    caption: str, head: tuple[str, ...], rows: Iterable[Row], note: str = "", most: int = 150
) -> Table | None:
    """A table of at most so many rows, which says how many are left; None without any row."""
    every = tuple(rows)
    if len(every) > most:
        note = f"{note} {len(every) - most:,} more rows are in results.json.".strip()
    return Table(caption=caption, head=head, rows=every[:most], note=note) if every else None


@dataclass(frozen=True, kw_only=True, slots=True)
class IntervalRow:
    """A dot with its interval."""

    label: str
    estimate: float
    low: float | None = None
    high: float | None = None
    heading: str = ""
    """Rows that follow each other with the same heading are drawn together under it."""
    part: str = ""
    """Id of what the heading names: two probes may have the same title."""
    margin: float | None = None
    state: str = ""
    href: str = ""
    """Fragment of the page that its dot leads to."""
    rows: tuple[str, str, str] | None = None
    """Probe, group and word whose sentences its dot leads to."""
    marks: str = ""
    """Signs behind its label."""
    inside: bool = False
    """An association inside the reference margin: drawn hollow."""
    control: float | None = None
    """What words that mean nothing show for the same groups: a tick."""


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
    unit: str = "nats"
    axis: str = ""
    """What its axis is called, where its unit does not say."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Intervals(Picture):
    """Dots with intervals, the neutral line and the allowed band."""

    rows: tuple[IntervalRow, ...]
    left: str = ""
    right: str = ""
    bars: bool = False
    """Draw bars from the neutral line instead of dots."""
    compact: bool = False
    """Draw it small, for the first screen: low rows, and the size alone beside each."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Dots(Picture):
    """Several dots on each row, with their mean."""

    rows: tuple[tuple[str, tuple[float, ...]], ...]
    left: str = ""
    """What the left side stands for; empty where values are sizes, which begin at 0."""
    right: str = ""
    band: float | None = None
    """Size up to which the plot is shaded."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plane(Picture):
    """Named points by two measures: groups, or words by an outside figure."""

    points: tuple[tuple[float, float, str], ...]
    """(first measure, second measure, name)."""
    across: str
    """What the horizontal axis is."""
    above: str
    below: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Scatter(Plane):
    """Words by an outside figure and by the model's gap, with the fitted line."""

    intercept: float
    slope: float
    probe: str = ""
    """Id of the probe that the words belong to."""


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
    question: str
    """How to read it."""
    answer: str = ""
    """As for a chart."""
    unit: str = "nats"

    @property
    def summary(self) -> str:
        """What it shows, for those who cannot see it."""
        return f"{len(self.rows)} words by {len(self.columns)} groups. {self.question}"
