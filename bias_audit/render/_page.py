"""The records of the view model: what a page shows, already in words, without any markup."""

from __future__ import annotations

from dataclasses import dataclass

from bias_audit.render._shapes import (
    Cell,
    Dots,
    Heat,
    HeatRow,
    IntervalRow,
    Intervals,
    Picture,
    Plane,
    Scatter,
    Slope,
    Slopes,
    Table,
)


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Chapter:
    """One axis."""

    name: str
    title: str
    lead: str
    picture: Intervals | None
    table: Table | None
    probes: tuple[ProbeSection, ...]


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
class Quality:
    """How good the evidence is."""

    sanity: tuple[str, ...]
    sanity_state: str
    tables: tuple[tuple[str, str, Table], ...]
    """(heading, one sentence on how to read it, table)."""


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
