"""The view model: an audit turned into the words and numbers that every format shows.

:func:`build` is pure: no clock, no file, no markup. HTML, Markdown and the terminal print what it
returns, so that a sentence reads the same everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Set

from bias_audit.reports import wording as words
from bias_audit.reports.text import bounds, tidy, with_sign
from bias_audit.reports.view import charts, completions, exhibits, group_charts, measures, page
from bias_audit.reports.view.exhibits import Cell, Row, Table, number, prose, table
from bias_audit.reports.view.first_screen import first_screen
from bias_audit.reports.view.index import Index
from bias_audit.reports.view.quality import corrections, quality, references
from bias_audit.reports.view.verdict import findings
from bias_audit.results import Change, Comparison, ProbeRecord, Results, WaiverRecord
from bias_audit.results.codes import describe
from bias_audit.results.run_record import NOT_MEASURED
from bias_audit.utils.text import quote

CANNOT = (
    "It cannot show how a product built on the model behaves, what harm people meet, or that an "
    "association is absent where none was found."
)


def build(results: Results) -> page.Page:
    """Turn an audit into what a page shows; all strings are cleaned on the way."""
    audit = tidy(results)
    index = Index(audit)
    date = audit.run.created[:10] if audit.run.created else "date not recorded"
    return page.Page(
        audit=audit,
        title=audit.run.title or f"Association audit of {quote(audit.model.name)}",
        subtitle=f"{date} · {audit.tool.name} {audit.tool.version}",
        can=words.what_is_shown(audit.model.reading),
        cannot=f"{CANNOT} {words.not_asked(audit)}".rstrip(),
        first_screen=first_screen(index),
        notes=findings(index),
        probes=tuple(_sections(index)),
        quality=quality(index),
        failures=table("What did not run", ("Probe", "State", "Why"), _failures(index)),
        changes=_changes(index),
        waivers=_waivers(audit),
        references=tuple(references(index)),
        families=corrections(index),
        published=measures.dataset_tables(index),
    )


def _failures(index: Index) -> Iterator[Row]:
    crashes = {error.probe for error in index.audit.errors}
    for error in index.audit.errors:
        where = index.title(error.probe) if error.probe else "whole run"
        kind = "" if error.type == NOT_MEASURED else f"{error.type}: "
        yield Cell(where), Cell("error", state="error"), prose(f"{kind}{error.message}")
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
        Cell(words.WAIVER_STATUS[waiver.status]),
        Cell(waiver.owner or "not stated"),
        Cell(waiver.created or "not stated"),
        Cell(waiver.expires or "not stated"),
        Cell(waiver.ceiling or f"{waiver.up_to:g}", waiver.up_to),
        prose(words.sentence(waiver.reason) or "not stated"),
        prose(words.sentence(waiver.detail) or "not stated"),
    )


def _changes(index: Index) -> Table | None:
    """Changes since a baseline: declared comparisons first, largest rise first."""
    comparison = index.audit.comparison
    if comparison is None:
        return None
    notes = words.number_repeats(words.sentence(change.reason) for change in comparison.changes)
    order = sorted(
        comparison.changes, key=lambda c: (c.role != "primary", -(c.rise or 0), c.result)
    )
    rows = [_change(index, change, notes) for change in order]
    rows += [
        (prose(index.title(lost.probe)), *[Cell("none")] * 4, prose(words.sentence(lost.reason)))
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
    yield from map(words.sentence, comparison.notices)


def _change(index: Index, change: Change, notes: dict[str, int]) -> Row:
    result = index.results.get(change.result)
    reason = words.sentence(change.reason)
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


def _sections(index: Index) -> Iterator[page.ProbeSection]:
    """Build the sections of all probes, without controls, in the order of the audit."""
    shown = {finding.result for finding in index.audit.findings}
    for probe in index.audit.probes:
        if probe.role == "probe":
            yield _section(index, probe, shown)


def _section(index: Index, probe: ProbeRecord, shown: Set[str]) -> page.ProbeSection:
    """Build one section; what the card of a finding shows is not repeated."""
    results = index.of(probe.id, "primary")
    measured = [result for result in results if result.estimate is not None]
    main = charts.main_comparison(measured)
    by_word: list[exhibits.Picture | None] = [group_charts.drivers(index, probe)]
    if main is not None and len(main.groups) > 1:
        by_word = [charts.scatter(index, probe, main), *by_word]
        if main.id not in shown:
            by_word.insert(1, charts.target_words(index, probe, main))
    further = (
        charts.paraphrases(index, probe, measured),
        group_charts.plane(index, probe),
    )
    has_words = any(isinstance(item, exhibits.Intervals) and not item.bars for item in by_word)
    two = sum(not group.placebo for group in probe.groups) == 2
    carded = two and any(result.id in shown for result in results)
    return page.ProbeSection(
        record=probe,
        name=index.name("probe", probe.id),
        title=probe.title or probe.id,
        reason=words.sentence(probe.reason),
        outcome=words.tally_outcomes(probe.outcomes) if probe.outcomes else "",
        notices=tuple(describe(code) for code in probe.statuses),
        pictures=tuple(item for item in (*by_word, *further) if item is not None),
        heat=None if has_words or two else group_charts.heat(index, probe),
        columns=() if carded else completions.columns(index, probe),
        completion_words=completions.word_tables(index, probe, shown),
        completions=completions.comparison_table(index, probe),
        further=measures.table(index, probe),
    )
