"""The records of the view model: what a page shows, already in words, without any markup."""

from __future__ import annotations

from dataclasses import dataclass

from bias_audit.reports.text import ratio, times


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """One completion."""

    text: str
    probability: str
    width: int
    """Length of its bar in per cent of the longest one, in steps of 5."""
    alone: bool
    """True when no other group has it among its top completions."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """Top completions of one group."""

    group: str
    words: tuple[Word, ...]
    harmful: tuple[Word, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """Two sentences that differ in the group only."""

    text_a: str
    text_b: str
    word: str
    probability_a: str
    probability_b: str
    ratio: str
    value: float
    """The ratio as a number, to sort by."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pairs:
    """Typical sentence pairs of one comparison; ``name`` is the fragment of their table."""

    name: str
    title: str
    rows: tuple[Pair, ...]
    labels: tuple[str, str]
    more: int
    """How many further pairs are not shown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """A finding, ready to be read; ``name`` is its fragment of the page."""

    id: str
    name: str
    headline: str
    detail: str
    severity: str
    evidence: str
    measured: tuple[str, ...]
    notices: tuple[str, ...]
    state: str
    probe: str
    chapter: str
    """Fragment of the probe's section."""
    sensitive: bool
    pairs: str
    """Fragment of its sentence pairs, in the section of its probe; empty without any."""
    pair_count: int
    waived: str
    """Who accepted a gate about it, until when and why; empty for all others."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProbeSection:
    """One probe inside the chapter of its axis."""

    id: str
    name: str
    title: str
    question: str
    state: str
    state_words: str
    reason: str
    notices: tuple[str, ...]
    size: str
    sensitive: bool
    pictures: tuple[Picture, ...]
    word_pictures: tuple[Picture, ...]
    """Charts that name scored words: folded for sensitive probes."""
    heat: Heat | None
    columns: tuple[Column, ...]
    further: Table | None
    """Secondary measures, not judged."""
    evidence: tuple[Pairs, ...]
    card: tuple[tuple[str, str], ...]
    narrow: bool = True
    """Whether its charts are there a second time, laid out for a telephone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Chapter:
    """One axis."""

    name: str
    title: str
    lead: str
    picture: Intervals | None
    table: Table | None
    probes: tuple[ProbeSection, ...]
    narrow: bool = True
    """As for a probe."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """How many gates are in one state."""

    state: str
    word: str
    meaning: str
    number: int


@dataclass(frozen=True, kw_only=True, slots=True)
class GateLine:
    """One gate, in words."""

    name: str
    """The gate's own name in the configuration, without the result that it judges."""
    probe: str
    state: str
    title: str
    """The comparison that is judged."""
    measured: str
    brief: str
    """Measured and allowed in one short line."""
    allowed: str
    size: str
    reason: str
    limits: str
    """What limit was applied, where the numbers seem to say something else; else empty."""
    enforced: bool
    href: str
    finding: str
    """Headline of the finding about the same result."""
    waived: str
    """Who waived it, until when and why; empty for all others."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """The answer at the top."""

    lead: str
    remarks: tuple[str, ...]
    tallies: tuple[Tally, ...]
    gates: tuple[GateLine, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sanity:
    """The sanity check of the model in one language."""

    passed: bool
    language: str
    """Empty for English."""
    perplexity: str
    limit: str
    hits: int
    asked: int
    needed: int
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Repeat:
    """The model was asked again, and its answers were the same."""

    count: int
    """Sentences that were asked again."""
    tolerance: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Quality:
    """How good the evidence is."""

    sanity: tuple[Sanity, ...]
    """Empty where the check was not run."""
    sanity_state: str
    repeat: Repeat | None
    tables: tuple[tuple[str, Table], ...]
    """(key of its heading in ``quality.html.j2``, table)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """The whole report."""

    title: str
    subtitle: str
    head: tuple[tuple[str, str], ...]
    model_notices: tuple[str, ...]
    can: str
    cannot: str
    verdict: Verdict
    notes: tuple[Note, ...]
    chapters: tuple[Chapter, ...]
    quality: Quality
    failures: Table | None
    changes: Table | None
    waivers: Table | None
    reproduce: tuple[tuple[str, str], ...]
    partial: bool
    counts: str
    families: tuple[str, str] = ("", "")
    """How the declared comparisons, and the tables of words, were adjusted; empty where nothing
    was."""
    published: tuple[Table, ...] = ()
    """The numbers of published data sets."""


__all__ = [
    "Cell",
    "Chapter",
    "Column",
    "Dots",
    "GateLine",
    "Heat",
    "HeatRow",
    "IntervalRow",
    "Intervals",
    "Note",
    "Page",
    "Pair",
    "Pairs",
    "Picture",
    "Plane",
    "ProbeSection",
    "Quality",
    "Scatter",
    "Slope",
    "Slopes",
    "Table",
    "Tally",
    "Verdict",
    "Word",
]


def odds(log_odds: float) -> Cell:
    """A gap in nats as odds; the column sorts by them."""
    return Cell(text=f"{times(log_odds)} times", value=ratio(log_odds))
