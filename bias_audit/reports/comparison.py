"""Two audits compared: every format that ``compare`` writes, the page included."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from bias_audit.errors import UnknownNameError
from bias_audit.reports.formats.csv import cell
from bias_audit.reports.formats.html import fill
from bias_audit.reports.formats.markdown import escape
from bias_audit.reports.text import clean, clip, count, middle, times, with_sign
from bias_audit.reports.view import page
from bias_audit.reports.view.comparison import (
    WORDS,
    Sheet,
    change_numbers,
    gap_name,
    headline,
    run_name,
    share_verdict,
    sheet,
    sorted_changes,
    verdict,
    verdict_text,
    visible_shares,
)
from bias_audit.results import Change, Comparison, Model, ShareChange, dump_json, round_floats

LIMIT = 58_000
"""Bytes of the Markdown, as in a summary."""
COLUMNS = (
    "result", "probe", "axis", "role", "group_a", "group_b", "label_a", "label_b", "verdict",
    "baseline", "candidate", "difference", "ci_low", "ci_high", "se", "df", "p_value",
    "p_adjusted", "rise", "rise_low", "rise_high", "bound_level", "identical", "n_templates",
    "n_terms", "n_targets", "cells", "cells_lost_share", "unit", "reason_code", "reason",
    "statuses",
)  # fmt: skip
"""Columns of the table, in order; an empty cell is a missing value."""
_LINES, _ROWS = 16, 1000
_READ = (
    "Each line is a gap: its left end in the baseline, its right end now. On the level line there "
    "is no difference between the groups, and a line that leaves it is a gap that grows. Thick "
    "lines are changes that hold after adjusting for the number of gaps: diamonds for larger, "
    "circles for smaller, dashes for turned round. Thin ones are not told apart from no change."
)


def render(comparison: Comparison, format: str, *, secondary: bool = True) -> str:
    """Return the comparison in the named format; the same one always gives the same text.

    Args:
        comparison: what changed.
        format: one of :func:`formats`.
        secondary: show every pair of groups, not only the comparison that each probe declares.

    Raises:
        UnknownNameError: no format has this name.
    """
    if format not in _FORMATS:
        raise UnknownNameError("format", format, formats())
    return _FORMATS[format](comparison, secondary)


def formats() -> tuple[str, ...]:
    """Names of the formats, in alphabetical order."""
    return tuple(sorted(_FORMATS))


def _terminal(comparison: Comparison, secondary: bool) -> str:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    stream = io.StringIO()
    console = Console(file=stream, width=110, color_system=None, force_terminal=False, emoji=False)

    def line(text: str) -> None:
        console.print(Text(text), highlight=False)

    words = sheet(comparison, secondary)
    line(words.lead)
    table = Table(box=None, pad_edge=False)
    for place, name in enumerate(words.head):
        side: Literal["left", "right"] = "right" if place in words.numbers else "left"
        fixed = bool(comparison.shares) and place < len(words.head) - 1
        table.add_column(Text(name.lower()), justify=side, overflow="fold", no_wrap=fixed)
    for row in words.rows:
        table.add_row(*map(Text, row))
    if words.rows:
        console.print(table)
    for text in words.lines:
        line(text)
    return "\n".join(text.rstrip() for text in stream.getvalue().splitlines()) + "\n"


def _markdown(comparison: Comparison, secondary: bool) -> str:
    words = sheet(comparison, secondary)
    sides = ["--:" if place in words.numbers else "---" for place in range(len(words.head))]
    head = [
        f"**{escape(words.lead)}**",
        "",
        f"| {' | '.join(words.head).rstrip()} |",
        f"| {' | '.join(sides)} |",
    ]
    tail = ["", *map(escape, words.lines[:-1]), "", escape(words.lines[-1]), ""]
    room = LIMIT - sum(len(text.encode()) + 1 for text in (*head, *tail)) - 100
    rows: list[str] = []
    for texts in words.rows:
        row = f"| {' | '.join(escape(text) for text in texts)} |"
        room -= len(row.encode()) + 1
        if room < 0:
            break
        rows.append(row)
    left = len(words.rows) - len(rows)
    more = ["", f"*{left} more, which do not fit here.*"] if left else []
    return "\n".join([*head, *rows, *more, *tail])


def _csv(comparison: Comparison, secondary: bool) -> str:
    if comparison.shares:
        return _share_csv(comparison, secondary)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for change in comparison.changes:
        if secondary or change.role == "primary":
            writer.writerow([cell(value) for value in _row(change)])
    return stream.getvalue()


def _row(change: Change) -> list[object]:
    groups = (*change.groups, "", "")[:2]
    labels = (*change.group_labels, "", "")[:2]
    named = {
        "group_a": groups[0],
        "group_b": groups[1],
        "label_a": labels[0],
        "label_b": labels[1],
        "verdict": verdict(change),
        "statuses": " ".join(change.statuses),
    }
    values = [named.get(name, getattr(change, name, None)) for name in COLUMNS]
    return [clean(value) if isinstance(value, str) else value for value in values]


def _share_csv(comparison: Comparison, secondary: bool) -> str:
    """Everything about each share, as CSV."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow((*ShareChange.model_fields, "verdict"))
    for share in visible_shares(comparison, secondary):
        values = (*share.model_dump().values(), share_verdict(share))
        writer.writerow([cell(clean(v) if isinstance(v, str) else v) for v in values])
    return stream.getvalue()


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparisonPage:
    """Two runs, ready to be read."""

    title: str
    lead: str
    facts: tuple[tuple[str, str], ...]
    picture: page.Slopes | None
    table: page.Table | None
    alone: str
    """Why there is no chart, or no table either."""
    remarks: tuple[str, ...]


def _html(comparison: Comparison, secondary: bool) -> str:
    """Return the comparison as one page, with the words of its other formats."""
    return fill("compare.html.j2", build_page(comparison, secondary))


def build_page(comparison: Comparison, secondary: bool) -> ComparisonPage:
    """Turn a comparison into what its page shows."""
    changes = sorted_changes(comparison.changes, secondary)
    words = sheet(comparison, secondary)
    table, alone = None, "The two runs have no gap in common."
    if comparison.shares:
        table, alone = _share_table(words), ""
    elif changes:
        table = _table(changes)
        alone = "No gap was measured in both runs; the table gives the reasons."
    return ComparisonPage(
        title="What changed between two models",
        lead=words.lead,
        facts=_facts(comparison),
        picture=_slopes(comparison, changes, table) if table and changes else None,
        table=table,
        alone=alone,
        remarks=tuple(clip(line, 2000) for line in words.lines),
    )


def _facts(comparison: Comparison) -> tuple[tuple[str, str], ...]:
    runs = [
        ("Baseline", comparison.baseline, comparison.baseline_model),
        ("Now", comparison.candidate, comparison.candidate_model),
    ]
    facts = []
    for name, given, model in runs:
        facts.append((name, clip(run_name(given) or "the audited run", 200)))
        if model is not None:
            facts.append((f"{name}: model", clip(clean(_model(model)), 300)))
            facts.append((f"{name}: weights", clip(clean(model.fingerprint), 80)))
    return (*facts, ("Same scores", _same(comparison)))


def _same(comparison: Comparison) -> str:
    """Whether the scores are the same, where they could be paired."""
    pairs = comparison.shares or comparison.changes
    if not pairs:
        return "nothing could be paired"
    if not all(one.identical for one in pairs):
        return "no"
    where = f"in every {'pair' if comparison.shares else 'paired sentence'}"
    if comparison.identical:
        return f"yes, {where}"
    left = len(comparison.missing)
    alone = f"; {left:,} more {'has' if left == 1 else 'have'} no partner" if left else ""
    return f"{where} that both runs have{alone}"


def _model(model: Model) -> str:
    return f"{model.name} at {model.revision}" if model.revision else model.name


def _share_table(words: Sheet) -> page.Table:
    """Shares of pairs of published data sets."""
    rows = tuple(
        tuple(page.Cell(clip(text, 200), long=place in (0, 7)) for place, text in enumerate(row))
        for row in words.rows[:_ROWS]
    )
    left = len(words.rows) - len(rows)
    return page.Table(
        caption="Shares of pairs in both runs",
        head=words.head,
        rows=rows,
        note=f"{left:,} more are in the formats csv and json." if left else "",
    )


def _table(changes: Sequence[Change]) -> page.Table:
    rows = []
    for change in changes[:_ROWS]:
        _, _, difference, interval = change_numbers(change)
        ends = (_gap(change.baseline, change.unit), _gap(change.candidate, change.unit))
        texts = (gap_name(change), *ends, difference, interval, verdict_text(change))
        values = (None, change.baseline, change.candidate, change.difference, change.ci_low, None)
        rows.append(
            tuple(
                page.Cell(clip(text, 200), value=value, long=place in (0, 5))
                for place, (text, value) in enumerate(zip(texts, values, strict=True))
            )
        )
    left = len(changes) - len(rows)
    return page.Table(
        caption="Gaps in both runs",
        head=("Gap", "Baseline", "Now", "Change", "95 %", "In words"),
        rows=tuple(rows),
        note=f"{left:,} more are in the formats csv and json." if left else "",
    )


def _gap(value: float | None, unit: str) -> str:
    """A gap in its own unit, and as the odds that the chart shows."""
    if value is None:
        return "not measured"
    return f"{with_sign(value)} ({times(value)}×)" if unit == "nats" else with_sign(value)


def _slopes(
    comparison: Comparison, changes: Sequence[Change], table: page.Table
) -> page.Slopes | None:
    """The first gaps of the table that both runs could measure, in the unit that most have."""
    both = [c for c in changes if c.baseline is not None and c.candidate is not None]
    if not both:
        return None
    unit = Counter(change.unit for change in both).most_common(1)[0][0]
    able = [change for change in both if change.unit == unit]
    drawn = able[:_LINES]
    rows = tuple(
        page.Slope(
            label=middle(gap_name(change), 110),
            before=change.baseline or 0.0,
            after=change.candidate or 0.0,
            verdict=verdict(change),
        )
        for change in drawn
    )
    cut = f" The first {len(rows)} of {len(able):,} are drawn." if len(able) > len(rows) else ""
    if left := len(changes) - len(able):
        stand = "stands" if left == 1 else "stand"
        cut += (
            f" {left:,} more, without a number in both runs or in another unit, {stand} in the"
            " table only."
        )
    return page.Slopes(
        name="chart-changes",
        title="Which gaps have changed, and to which side?",
        question=_READ + cut,
        summary=_summary(rows, unit),
        answer=_count(able),
        table=table,
        rows=rows,
        before=_end(comparison.baseline, comparison.baseline_model, "baseline"),
        after=_end(comparison.candidate, comparison.candidate_model, "now"),
        unit=unit,
    )


def _end(name_given: str, model: Model | None, otherwise: str) -> str:
    """Return the label of an end of the lines: the name of the run, without its folders."""
    name = clean(name_given) or (clean(model.name) if model else "")
    return name.rstrip("/").rsplit("/", 1)[-1] or otherwise


def _count(changes: Sequence[Change]) -> str:
    """How many gaps changed, and which way."""
    tally = Counter(verdict(change) for change in changes)
    parts = [f"{tally[key]:,} {word}" for key, word in WORDS.items() if tally[key]]
    return f"Of {count(len(changes), 'gap')}: {', '.join(parts)}."


def _summary(rows: Sequence[page.Slope], unit: str) -> str:
    def number(value: float) -> str:
        return f"odds {times(value)} times" if unit == "nats" else f"{value:.3g}"

    parts = [
        f"{row.label}: {number(row.before)} before, {number(row.after)} now, {WORDS[row.verdict]}"
        for row in rows[:12]
    ]
    return f"{count(len(rows), 'gap')} in both runs. {'; '.join(parts)}."


def _json(comparison: Comparison, _: bool) -> str:
    """Everything, also what other formats leave out."""
    return dump_json(round_floats(comparison.model_dump(mode="json")))


_FORMATS: dict[str, Callable[[Comparison, bool], str]] = {
    "terminal": _terminal,
    "html": _html,
    "md": _markdown,
    "csv": _csv,
    "json": _json,
}

__all__ = ["COLUMNS", "WORDS", "formats", "headline", "render", "verdict"]
