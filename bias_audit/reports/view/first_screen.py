"""The first screen: what an audit says at a glance, for terminal, summary, notebook and report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bias_audit.reports import wording as words
from bias_audit.reports.text import count, duration, plain, short
from bias_audit.reports.view import charts, completions, page
from bias_audit.reports.view.cautions import (
    cautions,
    control_line,
    find_control,
    marks,
    notices,
    reading,
    silent_controls,
    why,
)
from bias_audit.reports.view.examples import examples
from bias_audit.reports.view.index import Index, strength
from bias_audit.reports.view.measures import AXIS
from bias_audit.reports.view.on_request import request_lines
from bias_audit.reports.view.verdict import evidence_size, gate_line, pairs
from bias_audit.results import Gate, ProbeRecord, Result, Results
from bias_audit.results.codes import DEAF, FAILED, FLAT, NO_CONTROLS, SILENT, as_clause
from bias_audit.results.run_record import NOT_MEASURED
from bias_audit.utils.readings import USUAL
from bias_audit.utils.scales import NO_GAP
from bias_audit.utils.text import quote

_NAMES = 3
"""Groups of a probe that are named where not all of its comparisons have one outcome."""
_LONG = 40
"""Characters of such names."""
_WAIVERS = 4
"""Waivers that do not hold, and probes that were left out, that are named."""
_CONTROLS = 2
"""Silent controls that are named."""
_EXTREMES = 4
"""Categories of a data set that are named."""
_UNFIT = 6
"""Probes of other kinds of models that are named."""
_PARTIAL = (
    "This run was cut short (by a limit on rows or on time), so nothing is decided: treat every "
    "number as a first look."
)
_UNTRAINED = (
    "The sanity check did not hold: there is no sign of a trained language model, "
    "so silence anywhere in this report means nothing."
)
_FOREIGN = (
    "The sanity check did not hold in another language than English ({}): there is no sign that "
    "the model reads it, so nothing was judged there and silence means nothing."
)


def first_screen(index: Index) -> page.FirstScreen:
    """Build the first screen of an audit."""
    audit = index.audit

    def order(gate: Gate) -> tuple[int, str]:
        return (words.STATES.index(gate.state), gate.id)

    compared = _comparisons(index)
    said = completions.lines(index)
    return page.FirstScreen(
        headline=_headline(audit),
        lead=_lead(audit),
        gates_lead=_gates_lead(audit),
        gates=tuple(gate_line(index, gate) for gate in sorted(audit.gates, key=order)),
        comparisons=tuple(_line(index, n, result) for n, result in enumerate(compared, start=1)),
        groups={
            outcome: tuple(_rest(index, [r for r in compared if r.outcome == outcome]))
            for outcome in ("small", "open", "not_measurable")
        },
        completions=said,
        completions_lead=completions.lead(said),
        datasets=tuple(_dataset(index, p) for p in audit.probes if p.axis == AXIS),
        floor="" if audit.floor is None else words.floor(audit.floor, index.unit),
        remarks=(*_remarks(audit), *_silence(index)),
        requests=request_lines(index),
        exit_code=audit.exit_code,
        head=index.scale.head,
        unit=index.unit,
        chart=charts.overview(index, compared),
    )


def _gates_lead(audit: Results) -> str:
    """How many gates have which state, and of which day the run is; empty without gates."""
    day = f"; run of {audit.run.created[:10]}" if audit.run.created else ""
    return f"{words.tally_gates(audit)}{day}" if audit.gates else ""


def _headline(audit: Results) -> str:
    """Model, probes, comparisons, sentences, seconds."""
    data = sum(probe.axis == AXIS for probe in audit.probes)
    probes = sum(probe.role == "probe" for probe in audit.probes) - data
    compared = sum(audit.outcomes.values())
    parts = [
        count(probes, "probe") if probes or not data else "",
        count(compared, "comparison") if probes or not data else "",
        count(data, "data set") if data else "",
        count(sum(probe.prompts for probe in audit.probes), "sentence"),
    ]
    seconds = audit.run.duration_s
    return " · ".join(
        filter(
            None,
            (
                audit.tool.name,
                quote(audit.model.name) + _read_as(audit),
                ", ".join(filter(None, parts)),
                "" if seconds is None else duration(seconds),
            ),
        )
    )


def _read_as(audit: Results) -> str:
    """Name the reading, where it is not the usual one."""
    return "" if audit.model.reading == USUAL else f", read as {audit.model.reading}"


def _lead(audit: Results) -> str:
    """``Associations: 7 of 18 comparisons. Small: 11. Open: 0. Not measurable: 0.``"""
    total = sum(audit.outcomes.values())
    if not total:
        return "No groups were compared."
    shown = audit.outcomes.get("association", 0)
    rest = [
        f"{words.heading(outcome)}: {audit.outcomes.get(outcome, 0)}."
        for outcome in ("small", "open", "not_measurable")
    ]
    return " ".join([f"Associations: {shown} of {count(total, 'comparison')}.", *rest])


def _comparisons(index: Index) -> list[Result]:
    """All comparisons: associations first, the strongest first."""

    def order(result: Result) -> tuple[int, float, str]:
        place = words.OUTCOMES.index(result.outcome) if result.outcome else len(words.OUTCOMES)
        return (place, *strength(result))

    return sorted((r for r in index.audit.results if r.role == "primary" and r.outcome), key=order)


def _line(index: Index, number: int, result: Result) -> page.OutcomeLine:
    shown, folded = examples(index, result)
    control = find_control(index, result)
    return page.OutcomeLine(
        number=number,
        result=result.id,
        outcome=result.outcome or "",
        probe=index.title(result.probe),
        axis=result.axis,
        name=index.tie(result) if result.leans else index.question(result),
        towards=index.tie(result),
        title=index.versus(result),
        statement=result.statement,
        size=evidence_size(result, index.audit.model.reading),
        notices=notices(result),
        reason=_reason(index, result),
        href=index.name("probe", result.probe) if result.probe in index.probes else "",
        place=index.place(result),
        value=words.size_of(result),
        bounds=words.rungs(result),
        measured=words.gap(result) if result.estimate is not None else "",
        examples=shown,
        folded=folded,
        marks=marks(index, result),
        control=words.size_of(control.own) if control else "",
        beside=tuple(filter(None, (reading(index, result), *cautions(result)))),
        control_note=control_line(index, result),
        interval=words.intervals(result),
        contrary=contrary(index, result),
    )


def contrary(index: Index, result: Result) -> tuple[str, ...]:
    """Say by which words the groups of a small comparison are completed; else nothing."""
    other = index.results.get(result.contrary)
    return () if other is None else tuple(completions.ties(index, other))


def _reason(index: Index, result: Result) -> str:
    """Why there is no outcome, or why an open comparison has no bound."""
    deaf = [code for code in DEAF if code in result.statuses]
    if result.outcome != "open":
        return words.sentence(why(index, result))
    because = why(index, result) if SILENT in deaf else as_clause(NO_CONTROLS)
    return words.sentence(f"no upper bound, because {because or as_clause(SILENT)}") if deaf else ""


def _rest(index: Index, results: Sequence[Result]) -> Iterator[str]:
    """Name what is no association, probe by probe: reasons first, directions with their bounds."""
    parts: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        lean = f"{index.tie(result)}, {words.ladder(result)}" if result.leans else ""
        lean = lean or _flat(index, result)
        reason = words.sentence(result.reason) if result.outcome == "not_measurable" else ""
        parts.setdefault((result.probe, lean.removesuffix(", ") or reason), []).append(result)
    for (probe, said), some in parts.items():
        if some[0].leans or _flat(index, some[0]):
            yield said
            continue
        every = [r for r in index.of(probe, "primary") if r.outcome]
        names = ", ".join(index.labels(r)[0] for r in some)
        if len(some) > _NAMES or len(names) > _LONG:
            names = f"{len(some)} of {count(len(every), 'group')}"
        title = f"{index.title(probe)}{f' ({names})' if len(some) < len(every) else ''}"
        yield f"{said} {title}" if said else title


def _flat(index: Index, result: Result) -> str:
    """Tell a gap that is the same in every sentence with its size; empty for others."""
    judged = FLAT in result.statuses and FAILED not in result.statuses
    flat = judged and abs(result.estimate or 0.0) >= NO_GAP
    size = f"{index.tie(result)} {words.size_of(result)} in every sentence, so without an interval"
    return size if flat and result.outcome == "not_measurable" else ""


def _remarks(audit: Results) -> Iterator[str]:
    checks = (audit.sanity, *audit.further_sanity)
    of_words = [check for check in checks if check is not None and check.perplexity_of != "label"]
    failed = [check.language for check in of_words if not check.passed]
    if of_words[:1] and not of_words[0].passed and of_words[0].language == "en":
        yield _UNTRAINED
    if foreign := sorted(language for language in failed if language != "en"):
        yield _FOREIGN.format(", ".join(foreign))
    if audit.run.partial:
        yield _PARTIAL
    if unfit := sorted({s.probe for s in audit.skips if s.kind == "probe"}):
        more = f" and {len(unfit) - _UNFIT} more" if len(unfit) > _UNFIT else ""
        names = f"{', '.join(unfit[:_UNFIT])}{more}"
        yield f"{count(len(unfit), 'probe')} cannot be asked of this model: {names}."
    if mute := sorted({_where(p) for p in audit.probes if FAILED in p.statuses}):
        yield (
            f"The instrument failed on: {', '.join(mute)}. What was measured there is no "
            "evidence, neither of an association nor of its absence; the quality chapter says why."
        )
    left_out = [error.probe or "" for error in audit.errors if error.type == NOT_MEASURED]
    if crashes := len(audit.errors) - len(left_out):
        yield f"{count(crashes, 'error')} kept part of the audit from running."
    if left_out:
        named = ", ".join(left_out[:_WAIVERS])
        more = f" and {len(left_out) - _WAIVERS} more" if len(left_out) > _WAIVERS else ""
        yield f"Incomplete: the configuration asks for {named}{more}, which this run left out."
    yield from map(words.sentence, (*audit.run.notices, *audit.notices))
    void = [waiver for waiver in audit.waivers if waiver.status != "active"]
    for waiver in void[:_WAIVERS]:
        yield f"The waiver '{waiver.finding}' does not hold: {words.sentence(waiver.detail)}"
    if len(void) > _WAIVERS:
        yield f"{len(void) - _WAIVERS} more waivers do not hold: see 'bias-audit waivers list'."


def _silence(index: Index) -> Iterator[str]:
    """Name the positive controls that do not work, with what they showed."""
    said: dict[str, str] = {}
    for one in silent_controls(index):
        said.setdefault(one.probe, one.reason)
    if said:
        told = [words.sentence(reason) for reason in said.values()][:_CONTROLS]
        rest = len(said) - _CONTROLS
        more = f" {rest} more {'is' if rest == 1 else 'are'} silent." if rest > 0 else ""
        yield (
            f"{' '.join(told)}{more} For the groups of such a control nothing is small, and "
            "nothing has an upper bound."
        )


def _where(probe: ProbeRecord) -> str:
    """The axis of a probe, with its language unless that is English."""
    return probe.axis if probe.language[:2] == "en" else f"{probe.axis} ({probe.language})"


def _dataset(index: Index, probe: ProbeRecord) -> page.DatasetLine:
    """The first measure of a data set: overall, and where it is furthest from neutral."""
    results = index.of(probe.id)
    overall = [r for r in results if r.groups == ("all",)]
    main = overall[0] if overall else None
    own = [r for r in results if main and r.metric == main.metric and r is not main]
    known = [r for r in own if r.estimate is not None and r.neutral is not None]
    extremes = sorted(known, key=strength)[:_EXTREMES]
    others = [r for r in overall[1:] if "nats" not in r.unit]
    return page.DatasetLine(
        title=index.title(probe.id),
        measure=index.metric(main.metric) if main else "",
        value=_number(main) if main else "",
        interval=_interval(main) if main else "",
        neutral="" if main is None or main.neutral is None else _with_unit(main, main.neutral, 0),
        items=main.n_templates if main else 0,
        extremes=tuple((short(index.labels(r)[0], 40), _number(r)) for r in extremes),
        others=tuple((index.metric(r.metric), _number(r)) for r in others),
        reason=words.sentence((main.reason if main else "") or probe.reason),
        chart=charts.categories(index, index.title(probe.id), known),
        pairs=next((pairs(index, r, r.sentences) for r in overall if r.sentences), None),
    )


def _number(result: Result) -> str:
    return "" if result.estimate is None else _with_unit(result, result.estimate)


def _interval(result: Result) -> str:
    if result.ci_low is None or result.ci_high is None:
        return ""
    return f"{plain(result.ci_low, 1)} – {_with_unit(result, result.ci_high)}"


def _with_unit(result: Result, value: float, digits: int | None = None) -> str:
    if result.unit in ("percent", "probability"):
        scale = 100.0 if result.unit == "probability" else 1.0
        return f"{plain(scale * value, 1 if digits is None else digits)} %"
    unit = "" if result.unit == "share" else f" {result.unit}"
    return f"{plain(value, 3 if digits is None else digits)}{unit}"
