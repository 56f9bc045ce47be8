"""The changes since a baseline as a table, with what could not be compared."""

from __future__ import annotations

from bias_audit.reports import wording as words
from bias_audit.reports.text import bounds, plain, signed
from bias_audit.reports.view import page
from bias_audit.reports.view.index import Index
from bias_audit.results import Change, Comparison

HEAD = ("Comparison", "Baseline", "Now", "Difference", "Rise of the gap", "In words")


def changes(index: Index) -> page.Table | None:
    """The table of changes: declared comparisons first, largest rise first; None without any."""
    compared = index.audit.comparison
    if compared is None:
        return None
    notes = words.shared(words.sentence(change.reason) for change in compared.changes)
    rows = [_row(index, change, notes) for change in sorted(compared.changes, key=_rank)]
    rows += [
        (
            page.Cell(text=index.title(lost.probe), long=True),
            *[_number(None)] * 4,
            page.Cell(text=words.sentence(lost.reason), long=True),
        )
        for lost in compared.missing
    ]
    lines = [_note(compared), *(f"Note {number}: {text}" for text, number in notes.items())]
    return page.Table(caption=_caption(compared), head=HEAD, rows=tuple(rows), note=" ".join(lines))


def _rank(change: Change) -> tuple[bool, float, str]:
    return (change.role != "primary", -(change.rise or 0.0), change.result)


def _caption(compared: Comparison) -> str:
    model, created = compared.baseline_model, compared.baseline_run.created
    date = f", {created[:10]}" if created else ""
    revision = f" at {model.revision[:12]}" if model.revision else ""
    return f"Change since baseline {compared.baseline} ({model.name}{revision}{date})"


def _note(compared: Comparison) -> str:
    same = "Both models gave every paired sentence the same scores." if compared.identical else ""
    usual = (
        "Sentences are paired one by one. A rise says how much larger the gap is in size, "
        "whichever its direction; its bounds are one-sided."
    )
    notices = [words.sentence(notice) for notice in compared.notices]
    return " ".join(part for part in (same, usual, *notices) if part)


def _row(index: Index, change: Change, notes: dict[str, int]) -> tuple[page.Cell, ...]:
    result = index.results.get(change.result)
    reason = words.sentence(change.reason)
    pair = index.versus(result) if result else " vs ".join(change.group_labels or change.groups)
    return (
        page.Cell(text=f"{index.title(change.probe)}: {pair}", long=True),
        _number(change.baseline),
        _number(change.candidate),
        _with_interval(change.difference, change.ci_low, change.ci_high, change.unit),
        _with_interval(change.rise, change.rise_low, change.rise_high, change.unit),
        page.Cell(
            text=f"See note {notes[reason]}." if reason in notes else reason,
            long=True,
        ),
    )


def _number(value: float | None) -> page.Cell:
    return page.Cell(text="none" if value is None else plain(value), value=value)


def _with_interval(
    value: float | None, low: float | None, high: float | None, unit: str
) -> page.Cell:
    if value is None:
        return page.Cell(text="none")
    inside = "" if low is None or high is None else f" {bounds(low, high)}"
    return page.Cell(text=f"{signed(value)} {unit}{inside}", value=value)
