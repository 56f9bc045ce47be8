"""The view model: an audit turned into the words and numbers that every format shows.

:func:`build` is pure: no clock, no file, no markup. HTML, Markdown and the terminal print what it
returns, so that a sentence reads the same everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator

from bias_audit.reports.text import bounds, tidy, with_sign
from bias_audit.reports.view.axes import chapters
from bias_audit.reports.view.index import Index
from bias_audit.reports.view.measures import dataset_tables
from bias_audit.reports.view.page import Cell, Page, Row, Table, number, prose, table
from bias_audit.reports.view.quality import corrections, quality
from bias_audit.reports.view.verdict import findings, verdict
from bias_audit.reports.wording import WAIVER_STATUS, number_repeats, sentence, tally
from bias_audit.results import Change, Comparison, Results, WaiverRecord

CAN = (
    "This report shows which associations the named checkpoint's own word probabilities carry "
    "between words for social groups and other words, in the sentence frames of these probes, "
    "with an interval for each number."
)
CANNOT = (
    "It cannot show how a product built on the model behaves, what harm people meet, or that an "
    "association is absent where none was found."
)


def build(results: Results) -> Page:
    """Turn an audit into what a page shows; all strings are cleaned on the way."""
    audit = tidy(results)
    index = Index(audit)
    date = audit.run.created[:10] if audit.run.created else "date not recorded"
    return Page(
        audit=audit,
        title=f"Association audit of {audit.model.name}",
        subtitle=f"{date} · {audit.tool.name} {audit.tool.version}",
        can=CAN,
        cannot=CANNOT,
        verdict=verdict(index),
        notes=findings(index),
        chapters=chapters(index),
        quality=quality(index),
        failures=table("What did not run", ("Probe", "State", "Why"), _failures(index)),
        changes=_changes(index),
        waivers=_waivers(audit),
        counts=tally(audit.states, audit.exit_code),
        families=corrections(index),
        published=dataset_tables(index),
    )


def _failures(index: Index) -> Iterator[Row]:
    crashes = {error.probe for error in index.audit.errors}
    for error in index.audit.errors:
        where = index.title(error.probe) if error.probe else "whole run"
        yield Cell(where), Cell("error", state="error"), prose(f"{error.type}: {error.message}")
    for probe in index.audit.probes:
        if probe.state in ("error", "skipped") and probe.id not in crashes:
            why = prose(probe.reason or "no reason was recorded")
            yield Cell(probe.title or probe.id), Cell(probe.state, state=probe.state), why


def _waivers(audit: Results) -> Table | None:
    head = ("Waived", "Status", "Owner", "From", "Until", "Up to", "Reason", "What it does")
    rows = map(_waiver, audit.waivers)
    return table("What was accepted, by whom and until when", head, rows)


def _waiver(waiver: WaiverRecord) -> Row:
    return (
        prose(waiver.finding),
        Cell(WAIVER_STATUS[waiver.status]),
        Cell(waiver.owner or "not stated"),
        Cell(waiver.created or "not stated"),
        Cell(waiver.expires or "not stated"),
        number(waiver.up_to, none="any size"),
        prose(sentence(waiver.reason) or "not stated"),
        prose(sentence(waiver.detail) or "not stated"),
    )


def _changes(index: Index) -> Table | None:
    """Changes since a baseline: declared comparisons first, largest rise first."""
    comparison = index.audit.comparison
    if comparison is None:
        return None
    notes = number_repeats(sentence(change.reason) for change in comparison.changes)
    order = sorted(
        comparison.changes, key=lambda c: (c.role != "primary", -(c.rise or 0), c.result)
    )
    rows = [_change(index, change, notes) for change in order]
    rows += [
        (prose(index.title(lost.probe)), *[Cell("none")] * 4, prose(sentence(lost.reason)))
        for lost in comparison.missing
    ]
    return Table(
        caption=_change_caption(comparison),
        head=("Comparison", "Baseline", "Now", "Difference", "Rise of the gap", "In words"),
        rows=tuple(rows),
        note=" ".join([*_change_notes(comparison), *(f"Note {n}: {t}" for t, n in notes.items())]),
    )


def _change_caption(comparison: Comparison) -> str:
    model, created = comparison.baseline_model, comparison.baseline_run.created
    date = f", {created[:10]}" if created else ""
    revision = f" at {model.revision[:12]}" if model.revision else ""
    return f"Change since baseline {comparison.baseline} ({model.name}{revision}{date})"


def _change_notes(comparison: Comparison) -> Iterator[str]:
    if comparison.identical:
        yield "Both models gave every paired sentence the same scores."
    yield (
        "Sentences are paired one by one. A rise says how much larger the gap is in size, "
        "whichever its direction; its bounds are one-sided."
    )
    yield from map(sentence, comparison.notices)


def _change(index: Index, change: Change, notes: dict[str, int]) -> Row:
    result = index.results.get(change.result)
    reason = sentence(change.reason)
    pair = index.versus(result) if result else " vs ".join(change.group_labels or change.groups)
    return (
        prose(f"{index.title(change.probe)}: {pair}"),
        number(change.baseline),
        number(change.candidate),
        _with_interval(change.difference, change.ci_low, change.ci_high, change.unit),
        _with_interval(change.rise, change.rise_low, change.rise_high, change.unit),
        prose(f"See note {notes[reason]}." if reason in notes else reason),
    )


def _with_interval(value: float | None, low: float | None, high: float | None, unit: str) -> Cell:
    if value is None:
        return Cell("none")
    return Cell(f"{with_sign(value)} {unit} {bounds(low, high)}".rstrip(), value)
