"""A page that is too large is cut evenly: every probe loses a little before any loses much."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from bias_audit.reports.view import page
from bias_audit.reports.wording import STATES

_QUALITY = 40
"""Rows of each table on the quality of the evidence in a page that is too large."""
Cut = Callable[[page.ProbeSection], page.ProbeSection]

_LESS = (
    "Some charts, words and sentences of this probe are left out to keep this page small. They are "
    "in results.json and evidence.csv.gz beside it; a run of this probe alone shows them all."
)
_NONE = (
    "Charts by word, completions and sentences of this probe are left out to keep this page small. "
    "They are in results.json and evidence.csv.gz beside it; a run of this probe alone shows them "
    "all."
)


def wide(shown: page.Page) -> page.Page:
    """The page without charts for telephones, which scroll the others then."""
    chapters = tuple(
        replace(c, narrow=False, probes=tuple(replace(p, narrow=False) for p in c.probes))
        for c in shown.chapters
    )
    return replace(shown, chapters=chapters)


def narrowed(shown: page.Page, room: int, cost: Callable[[page.Picture], int]) -> page.Page:
    """The page with charts for telephones while there is room: of axes, then of probes by strength.

    Args:
        shown: a page of wide charts.
        room: bytes that are left.
        cost: bytes of a chart laid out for a telephone.
    """
    kept: set[str] = set()
    parts: list[tuple[str, tuple[page.Picture, ...]]] = [
        *((c.name, (c.picture,)) for c in shown.chapters if c.picture),
        *((p.name, (*p.word_pictures, *p.pictures)) for p in _by_strength(shown)),
    ]
    for name, pictures in parts:
        if room <= 0:
            break
        room -= sum(map(cost, pictures))
        if room >= 0:
            kept.add(name)
    chapters = tuple(
        replace(
            c,
            narrow=c.name in kept,
            probes=tuple(replace(p, narrow=p.name in kept) for p in c.probes),
        )
        for c in shown.chapters
    )
    return replace(shown, chapters=chapters)


def shorter(shown: page.Page) -> page.Page:
    """The page with fewer rows in the tables on the quality of the evidence."""
    tables = tuple((key, _first(table, _QUALITY)) for key, table in shown.quality.tables)
    return replace(shown, quality=replace(shown.quality, tables=tables))


def fitted(shown: page.Page, excess: int, size: Callable[[page.ProbeSection], int]) -> page.Page:
    """Return the page with less about its probes; every verdict and judged number stays.

    Args:
        shown: the whole page.
        excess: bytes by which it is too large.
        size: bytes of the section of a probe.
    """
    now = {probe.name: probe for chapter in shown.chapters for probe in chapter.probes}
    order = [probe.name for probe in reversed(_by_strength(shown))]
    sizes: dict[str, int] = {}
    for cut in _STEPS:
        for name in order:
            if excess <= 0:
                break
            less = cut(now[name])
            before, after = sizes.get(name) or size(now[name]), size(less)
            sizes[name] = min(before, after)
            if after < before:
                now[name] = less
                excess -= before - after
    chapters = tuple(
        replace(chapter, probes=tuple(now[probe.name] for probe in chapter.probes))
        for chapter in shown.chapters
    )
    there = {found.name for probe in now.values() for found in probe.evidence}
    notes = tuple(replace(n, pairs=n.pairs if n.pairs in there else "") for n in shown.notes)
    return replace(shown, chapters=chapters, notes=notes)


def _by_strength(shown: page.Page) -> list[page.ProbeSection]:
    """Probes with findings first, in the order of the findings; then failed, unclear and passed."""
    named = {name: place for place, name in reversed([*enumerate(n.chapter for n in shown.notes)])}
    probes = [probe for chapter in shown.chapters for probe in chapter.probes]
    return sorted(
        probes, key=lambda p: (named.get(p.name, len(named)), STATES.index(p.state), p.name)
    )


def _lean(probe: page.ProbeSection) -> page.ProbeSection:
    """Fewer sentences, words and secondary measures; all charts stay."""
    return _noted(_listed(probe, pairs=3, words=6, rows=24, measures=12), _LESS)


def _slim(probe: page.ProbeSection) -> page.ProbeSection:
    """A little of everything, without the charts below the chart of the axis."""
    less = _listed(probe, pairs=2, words=4, rows=10, measures=5)
    return _noted(replace(less, pictures=(), word_pictures=(), evidence=less.evidence[:3]), _LESS)


def _bare(probe: page.ProbeSection) -> page.ProbeSection:
    """Title, verdict and card."""
    return _noted(
        replace(
            probe, pictures=(), word_pictures=(), heat=None, columns=(), evidence=(), further=None
        ),
        _NONE,
    )


_STEPS: tuple[Cut, ...] = (_lean, _slim, _bare)
"""From the mildest to the hardest; each applies to all probes before the next one to any."""


def _noted(probe: page.ProbeSection, text: str) -> page.ProbeSection:
    kept = tuple(notice for notice in probe.notices if notice != _LESS)
    return replace(probe, notices=(*kept, text))


def _listed(
    probe: page.ProbeSection, *, pairs: int, words: int, rows: int, measures: int
) -> page.ProbeSection:
    heat, further = probe.heat, probe.further
    if heat is not None:
        heat = replace(heat, rows=heat.rows[:rows], folded=())
    if further is not None:
        further = _first(further, measures)
    return replace(
        probe,
        heat=heat,
        further=further,
        columns=tuple(
            replace(c, words=c.words[:words], harmful=c.harmful[:words]) for c in probe.columns
        ),
        evidence=tuple(
            replace(e, rows=e.rows[:pairs], more=e.more + max(len(e.rows) - pairs, 0))
            for e in probe.evidence
        ),
    )


_MORE = re.compile(r"(\d+) more rows are in results\.json\.")


def _first(table: page.Table, most: int) -> page.Table:
    """The first rows, and how many more there are."""
    left = len(table.rows) - most
    if left <= 0:
        return table
    if before := _MORE.search(table.note):  # it was cut before
        left += int(before[1])
    note = f"{_MORE.sub('', table.note).strip()} {left} more rows are in results.json.".strip()
    return replace(table, rows=table.rows[:most], note=note)
