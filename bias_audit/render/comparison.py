"""Two audits side by side: a line or row for each gap, the largest rises first."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

from bias_audit.errors import UnknownNameError
from bias_audit.render import _shares as shares
from bias_audit.render._index import OTHERS
from bias_audit.render._text import bounds, clean, count, short, signed
from bias_audit.render.csv import cell
from bias_audit.render.markdown import escape
from bias_audit.results import Change, Comparison, dump_json, rounded
from bias_audit.results.codes import CODES, describe

LIMIT = 58_000
"""Bytes of the Markdown, as in a summary."""
WORDS = {
    "larger": "larger",
    "turned": "turned round",
    "smaller": "smaller",
    "blocked": "not judged",
    "open": "no difference found",
    "same": "same scores",
}
"""What is said of a change, in the order in which a reader should meet it."""
COLUMNS = (
    "result", "probe", "axis", "role", "group_a", "group_b", "label_a", "label_b", "verdict",
    "baseline", "candidate", "difference", "ci_low", "ci_high", "se", "df", "p_value",
    "p_adjusted", "rise", "rise_low", "rise_high", "bound_level", "identical", "n_templates",
    "n_terms", "n_targets", "cells", "cells_lost_share", "unit", "reason_code", "reason",
    "statuses",
)  # fmt: skip
"""Columns of the table, in order; an empty cell is a missing value."""


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


def verdict(change: Change) -> str:
    """What is said of a change: a key of :data:`WORDS`.

    ``larger`` and ``smaller`` speak of the size of a gap, ``turned`` of one that changed its side.
    Nothing found is no evidence that nothing changed.
    """
    if change.identical:
        return "same"
    if change.reason_code:
        return "blocked"
    if not change.differs:
        return "open"
    if (change.baseline or 0.0) * (change.candidate or 0.0) < 0:
        return "turned"
    return "larger" if (change.rise or 0.0) > 0 else "smaller"


def headline(comparison: Comparison) -> str:
    """The counts in one line: the first line of every output."""
    tally = Counter(verdict(change) for change in comparison.changes)
    said = {**WORDS, "same": "with the same scores"}
    parts = [f"{tally[key]:,} {word}" for key, word in said.items() if tally[key]]
    missing, alone = len(comparison.missing), ""
    if missing:
        alone = f"; {missing:,} more {'has' if missing == 1 else 'have'} no partner"
    whole = count(len(comparison.changes), "gap")
    told = f"{whole} compared with {called(comparison.baseline)}"
    return f"{told}: {', '.join(parts) or 'none'}{alone}"


def called(given: str) -> str:
    """A run as it was named; of a whole path its last two parts, which are enough to know it."""
    path = PurePath(given)
    if not path.is_absolute():
        return clean(given)
    parts = (path.parent if path.name == "results.json" else path).parts[1:]
    return clean("/".join(parts[-2:]) or given)


def ordered(changes: Iterable[Change], secondary: bool) -> list[Change]:
    """The changes that are shown, the largest rise first."""
    rank = {key: place for place, key in enumerate(WORDS)}
    kept = [change for change in changes if secondary or change.role == "primary"]
    return sorted(kept, key=lambda c: (rank[verdict(c)], -(c.rise or 0.0), c.result))


def names(change: Change) -> str:
    """The gap of a change: its probe and its groups."""
    labels = [clean(label) for label in (change.group_labels or change.groups)]
    if OTHERS in change.groups:
        labels[-1] = "others"
    return f"{clean(change.probe)}: {' - '.join(short(label, 24) for label in labels)}"


def said(change: Change) -> str:
    """Verdict with the code of what stands against one."""
    word = WORDS[verdict(change)]
    return f"{word}: {clean(change.reason_code)}" if verdict(change) == "blocked" else word


def numbers(change: Change) -> tuple[str, str, str, str]:
    """Both gaps, the difference and its interval, as the tables print them."""
    two = [
        "" if value is None else signed(value)
        for value in (change.baseline, change.candidate, change.difference)
    ]
    low, high = change.ci_low, change.ci_high
    return two[0], two[1], two[2], "" if low is None or high is None else bounds(low, high)


def remarks(comparison: Comparison) -> list[str]:
    """What stands below the table."""
    lines = [f"Note: {clean(notice)}." for notice in comparison.notices]
    by_reason: dict[tuple[str, str], list[str]] = {}
    for lost in comparison.missing:
        by_reason.setdefault((lost.probe, lost.reason), []).append(lost.result)
    lines += [
        f"Without a partner: {clean(probe)}, {count(len(ids), 'result')}: {clean(reason)}."
        for (probe, reason), ids in by_reason.items()
    ]
    codes = dict.fromkeys(c.reason_code for c in comparison.changes if c.reason_code)
    lines += [f"{code}: {describe(code)}" for code in codes if code in CODES]
    return lines


CLOSING = (
    "Gaps and differences are in nats; intervals are at 95 %, for each gap alone; larger, smaller"
    " and turned round hold after adjusting for the number of gaps. No difference found is not"
    " evidence that nothing changed."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """A comparison as rows of words."""

    lead: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...]
    """Columns that hold one number."""
    lines: tuple[str, ...]
    """What stands below the rows."""


def sheet(comparison: Comparison, secondary: bool) -> Sheet:
    """The words that every output shows."""
    if comparison.shares:
        told = shares.shown(comparison, secondary)
        below = (*shares.remarks(comparison, told), *remarks(comparison), shares.CLOSING)
        return Sheet(
            lead=shares.headline(comparison),
            head=shares.HEAD,
            rows=tuple(shares.row(share) for share in told),
            numbers=shares.NUMBERS,
            lines=below,
        )
    shown = ordered(comparison.changes, secondary)
    return Sheet(
        lead=headline(comparison),
        head=("Gap", "Baseline", "Now", "Change", "95 %", ""),
        rows=tuple((names(change), *numbers(change), said(change)) for change in shown),
        numbers=(1, 2, 3),
        lines=(*hidden(comparison, shown), *remarks(comparison), CLOSING),
    )


def _terminal(comparison: Comparison, secondary: bool) -> str:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    stream = io.StringIO()
    console = Console(file=stream, width=110, color_system=None, force_terminal=False, emoji=False)

    def line(text: str) -> None:
        console.print(Text(text), highlight=False)

    told = sheet(comparison, secondary)
    line(told.lead)
    table = Table(box=None, pad_edge=False)
    for place, name in enumerate(told.head):
        side: Literal["left", "right"] = "right" if place in told.numbers else "left"
        whole = bool(comparison.shares) and place < len(told.head) - 1
        table.add_column(Text(name.lower()), justify=side, overflow="fold", no_wrap=whole)
    for row in told.rows:
        table.add_row(*map(Text, row))
    if told.rows:
        console.print(table)
    for text in told.lines:
        line(text)
    return "\n".join(text.rstrip() for text in stream.getvalue().splitlines()) + "\n"


def hidden(comparison: Comparison, shown: Sequence[Change]) -> list[str]:
    """How many changes are not shown, if any."""
    left = len(comparison.changes) - len(shown)
    return [f"{left} more between single groups: --all shows them."] if left else []


def _markdown(comparison: Comparison, secondary: bool) -> str:
    told = sheet(comparison, secondary)
    sides = ["--:" if place in told.numbers else "---" for place in range(len(told.head))]
    head = [
        f"**{escape(told.lead)}**",
        "",
        f"| {' | '.join(told.head).rstrip()} |",
        f"| {' | '.join(sides)} |",
    ]
    tail = ["", *map(escape, told.lines[:-1]), "", escape(told.lines[-1]), ""]
    room = LIMIT - sum(len(text.encode()) + 1 for text in (*head, *tail)) - 100
    rows: list[str] = []
    for texts in told.rows:
        row = f"| {' | '.join(escape(text) for text in texts)} |"
        room -= len(row.encode()) + 1
        if room < 0:
            break
        rows.append(row)
    left = len(told.rows) - len(rows)
    more = ["", f"*{left} more, which do not fit here.*"] if left else []
    return "\n".join([*head, *rows, *more, *tail])


def _csv(comparison: Comparison, secondary: bool) -> str:
    if comparison.shares:
        return shares.table(comparison, secondary)
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
    found = [named.get(name, getattr(change, name, None)) for name in COLUMNS]
    return [clean(value) if isinstance(value, str) else value for value in found]


def _html(comparison: Comparison, secondary: bool) -> str:
    from bias_audit.render import _compared

    return _compared.render(comparison, secondary)


def _json(comparison: Comparison, _: bool) -> str:
    """Everything, also what other formats leave out."""
    return dump_json(rounded(comparison.model_dump(mode="json")))


_FORMATS: dict[str, Callable[[Comparison, bool], str]] = {
    "terminal": _terminal,
    "html": _html,
    "md": _markdown,
    "csv": _csv,
    "json": _json,
}

__all__ = ["COLUMNS", "WORDS", "formats", "headline", "render", "verdict"]
