"""One chapter per axis, one section per probe."""

from __future__ import annotations

import math
from collections import Counter

from bias_audit.reports import wording as words
from bias_audit.reports.text import count, percent, short
from bias_audit.reports.view import charts, group_charts, measures, page
from bias_audit.reports.view.index import Index
from bias_audit.reports.view.verdict import pairs
from bias_audit.results import GroupProfile, ProbeRecord, Result
from bias_audit.results.codes import describe

_TOP = 12


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
    judged = words.states(Counter(result.outcome for result in results))
    return page.Chapter(
        name=index.name("axis", axis),
        title=axis[:1].upper() + axis[1:] if axis else "No axis named",
        lead=f"{count(len(probes), 'probe')} ({words.states(Counter(p.state for p in probes))}), "
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
        charts.placebo(index, probe, measured),
        group_charts.plane(index, probe),
    )
    has_words = any(isinstance(item, page.Intervals) and not item.bars for item in by_word)
    stories = {finding.result: finding.sentences for finding in index.audit.findings}
    sentences = (pairs(index, r, stories.get(r.id) or r.sentences) for r in results)
    return page.ProbeSection(
        record=probe,
        name=index.name("probe", probe.id),
        title=probe.title or probe.id,
        reason=_reason(index, probe, results),
        notices=tuple(describe(code) for code in probe.statuses),
        pictures=tuple(item for item in further if item is not None),
        word_pictures=tuple(item for item in by_word if item is not None),
        heat=None if has_words else group_charts.heat(index, probe),
        columns=_completions(index, probe),
        further=measures.table(index, probe),
        evidence=tuple(item for item in sentences if item is not None),
    )


def _reason(index: Index, probe: ProbeRecord, results: list[Result]) -> str:
    """The probe's reason, unless its state says the same; of some comparisons only, for which."""
    if probe.reason.lower() in words.STATE_WORDS[probe.state][1].lower():
        return ""
    matching = [result for result in results if result.reason == probe.reason]
    text = words.sentence(probe.reason)
    if not matching or len(matching) == len(results):
        return text
    return (
        f"For {index.versus(matching[0])}: {text} The other comparisons have reasons of their own."
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
