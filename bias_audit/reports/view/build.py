"""The view model: an audit turned into the words and numbers that every format shows.

:func:`build` is pure: no clock, no file, no markup. HTML, Markdown and the terminal print what it
returns, so that a sentence reads the same everywhere.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from bias_audit.reports import wording as words
from bias_audit.reports.text import bounds, count, percent, short, tidy, with_sign
from bias_audit.reports.view import charts, completions, group_charts, measures, page
from bias_audit.reports.view.first_screen import first_screen
from bias_audit.reports.view.index import Index
from bias_audit.reports.view.page import Cell, Row, Table, number, prose, table
from bias_audit.reports.view.quality import corrections, quality
from bias_audit.reports.view.verdict import findings, pairs
from bias_audit.results import Change, Comparison, GroupProfile, ProbeRecord, Results, WaiverRecord
from bias_audit.results.codes import describe
from bias_audit.utils.text import quote

_TOP = 12
"""Completions of a group that are shown."""
CAN = (
    "This report shows which associations the named checkpoint's own word probabilities carry "
    "between words for social groups and other words, in the sentence frames of these probes, "
    "with an interval for each number."
)
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
        title=f"Association audit of {quote(audit.model.name)}",
        subtitle=f"{date} · {audit.tool.name} {audit.tool.version}",
        can=CAN,
        cannot=CANNOT,
        first_screen=first_screen(index),
        notes=findings(index),
        chapters=chapters(index),
        quality=quality(index),
        failures=table("What did not run", ("Probe", "State", "Why"), _failures(index)),
        changes=_changes(index),
        waivers=_waivers(audit),
        families=corrections(index),
        published=measures.dataset_tables(index),
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
        Cell(words.WAIVER_STATUS[waiver.status]),
        Cell(waiver.owner or "not stated"),
        Cell(waiver.created or "not stated"),
        Cell(waiver.expires or "not stated"),
        number(waiver.up_to, none="any size"),
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


def chapters(index: Index) -> tuple[page.Chapter, ...]:
    """Build the chapters in the order in which the axes first occur, without controls."""
    probes = [probe for probe in index.audit.probes if probe.role == "probe"]
    axes = dict.fromkeys(probe.axis for probe in probes)
    return tuple(
        _chapter(index, axis, [probe for probe in probes if probe.axis == axis]) for axis in axes
    )


def _chapter(index: Index, axis: str, probes: list[ProbeRecord]) -> page.Chapter:
    results = [result for probe in probes for result in index.of(probe.id, "primary")]
    picture = charts.intervals(index, axis, results)
    outcomes = Counter(result.outcome for result in results if result.outcome)
    judged = words.tally_outcomes(outcomes) if outcomes else ""
    return page.Chapter(
        name=index.name("axis", axis),
        title=axis[:1].upper() + axis[1:] if axis else "No axis named",
        lead=f"{count(len(probes), 'probe')}, "
        f"{count(len(results), 'primary comparison')}{f' ({judged})' if judged else ''}.",
        picture=picture,
        table=charts.interval_table(index, axis, results) if results and not picture else None,
        probes=tuple(_section(index, probe) for probe in probes),
    )


def _section(index: Index, probe: ProbeRecord) -> page.ProbeSection:
    results = index.of(probe.id, "primary")
    measured = [result for result in results if result.estimate is not None]
    main = charts.main_comparison(measured)
    by_word: list[page.Picture | None] = [group_charts.drivers(index, probe)]
    if main is not None and len(main.groups) > 1:
        by_word = [
            charts.scatter(index, probe, main), charts.target_words(index, probe, main), *by_word
        ]  # fmt: skip
    further = (
        charts.paraphrases(index, probe, measured),
        group_charts.plane(index, probe),
    )
    has_words = any(isinstance(item, page.Intervals) and not item.bars for item in by_word)
    stories = {finding.result: finding.sentences for finding in index.audit.findings}
    sentences = (pairs(index, r, stories.get(r.id) or r.sentences) for r in results)
    return page.ProbeSection(
        record=probe,
        name=index.name("probe", probe.id),
        title=probe.title or probe.id,
        reason=words.sentence(probe.reason),
        outcome=words.tally_outcomes(probe.outcomes) if probe.outcomes else "",
        notices=tuple(describe(code) for code in probe.statuses),
        pictures=tuple(item for item in further if item is not None),
        word_pictures=tuple(item for item in by_word if item is not None),
        heat=None if has_words else group_charts.heat(index, probe),
        columns=_completions(index, probe),
        completion_words=completions.word_tables(index, probe),
        completions=completions.comparison_table(index, probe),
        further=measures.table(index, probe),
        evidence=tuple(item for item in sentences if item is not None),
    )


def _completions(index: Index, probe: ProbeRecord) -> tuple[page.Column, ...]:
    groups = [group for group in probe.groups if group.completions]
    seen = Counter(token for g in groups for token in {c.token for c in g.completions[:_TOP]})
    top = max((c.probability for group in groups for c in group.completions), default=1.0)
    secondary = index.of(probe.id, "secondary")

    def column(group: GroupProfile) -> page.Column:
        items = [
            (
                completion.harmful,
                page.Word(
                    text=short(completion.token, 40),
                    probability=percent(completion.probability),
                    width=5 * math.ceil(20 * completion.probability / top) if top > 0 else 0,
                    alone=len(groups) > 1 and seen[completion.token] == 1,
                ),
            )
            for completion in group.completions[:_TOP]
        ]
        return page.Column(
            group=f"{group.label}{' (placebo)' if group.placebo else ''}",
            words=tuple(word for harmful, word in items if not harmful),
            harmful=(
                *(word for harmful, word in items if harmful), *measures.hits(secondary, group)
            ),
        )  # fmt: skip

    return tuple(map(column, groups))
