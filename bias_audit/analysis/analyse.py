"""Assess all probes of an audit together: families span the probes of an axis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bias_audit.analysis.comparisons import compare_all_pairs, compare_groups
from bias_audit.analysis.completions import JUDGED, judge_completions
from bias_audit.analysis.controls import (
    Control,
    can_split,
    negative_control,
    positive_control,
    split_halves,
)
from bias_audit.analysis.multiple_testing import adjust_exploratory
from bias_audit.analysis.probe_record import (
    build_control_record,
    build_probe_record,
    build_skip_record,
    placebo_gaps,
)
from bias_audit.analysis.result_record import build_result
from bias_audit.analysis.robustness import Examination, find_twins, placebo_percentile, with_checks
from bias_audit.analysis.robustness.stability import check_stability, lost_poles, too_small_statuses
from bias_audit.analysis.verdicts import Case, block, failure, judge, levels, withhold
from bias_audit.gates.verdict import is_barred
from bias_audit.metrics.design import Comparison
from bias_audit.metrics.registry import METRICS
from bias_audit.metrics.scored_probe import ScoredProbe, Settings, WordLists
from bias_audit.metrics.warmth_competence import planes
from bias_audit.probes.probe import Probe
from bias_audit.probes.schema.text import primary_language
from bias_audit.results import Companion, ProbeRecord, Result, Role, State
from bias_audit.results.codes import NO_CONTROLS
from bias_audit.stats.fragility import DECIDES


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One probe of the audit with the names of what controls it."""

    probe: Probe
    positive: tuple[str, ...] = ()
    negative: tuple[str, ...] = ()
    placebo: str | None = None
    """Key of the placebo run among the scored probes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Assessment:
    """Records of all probes and controls, and all results in a fixed order."""

    probes: tuple[ProbeRecord, ...]
    results: tuple[Result, ...]


OVERALL = "group_spread"
"""The metric of all groups at once: gates may judge it, so it gets the statuses of its probe."""


@dataclass
class _Work:
    """Results of one probe while the audit is being assessed."""

    task: Task
    scored: ScoredProbe
    instrument: str = ""
    """Why nothing of it may be judged."""
    obstacle: str = ""
    """Why its completions say nothing: an untrained model, a run cut short."""
    examined: Examination = field(init=False)
    compared: list[Comparison] = field(default_factory=list)
    """The primary comparisons, before they are judged."""
    cases: list[Case] = field(default_factory=list)
    secondary: list[Result] = field(default_factory=list)
    overall: list[Result] = field(default_factory=list)
    """Tests of all groups at once."""
    completions: list[Result] = field(default_factory=list)
    """What groups are completed by, with outcomes."""
    controls: list[Control] = field(default_factory=list)
    primary: list[Result] = field(default_factory=list)


def assess(
    tasks: Sequence[Task],
    scored: Mapping[str, ScoredProbe],
    settings: Settings,
    *,
    failures: Mapping[str, str],
    sanity: Mapping[str, str] | None = None,
    partial: bool = False,
    lists: WordLists | None = None,
) -> Assessment:
    """Measure and judge.

    Args:
        tasks: the probes that were asked for.
        scored: scores by probe id; control probes and placebo runs included.
        settings: choices of the analysis.
        failures: why a probe or control could not be scored, by id.
        sanity: why the model sanity check failed, by language; empty where it passed.
        partial: the run was cut short: nothing is decided.
        lists: words that completions are looked up in.
    """
    hurtful = lists.hurtful if lists else frozenset()
    controls = _run_controls(tasks, scored, settings)
    tasks_by_id = {task.probe.spec.id: task for task in tasks if task.probe.spec.role == "probe"}
    pairs = find_twins({name: scored[name] for name in tasks_by_id if name in scored})
    works = [
        _Work(
            task=task,
            scored=replace(scored[name], lists=lists or WordLists()),
            compared=compare_groups(scored[name], settings),
        )
        for name, task in tasks_by_id.items()
        if name in scored
    ]
    for axis in dict.fromkeys(work.task.probe.spec.axis for work in works):
        members = [work for work in works if work.task.probe.spec.axis == axis]
        for work in members:
            untrained = (sanity or {}).get(primary_language(work.task.probe.spec.language), "")
            work.obstacle = untrained or ("the run was cut short" if partial else "")
            work.instrument = _instrument(work, controls, failures, settings, sanity or {})
            pair = pairs.get(work.task.probe.spec.id)
            gaps = tuple(gap for control in work.controls for gap in control.placebo_gaps)
            work.examined = Examination(work.scored, settings, gaps=gaps, pair=pair)
        for work, decides in zip(members, _levels(members, settings), strict=True):
            _measure(work, settings, decides)
        cases = [case for work in members for case in work.cases]
        judged = iter(judge(cases, settings, partial=partial))
        for work in members:
            work.primary = [next(judged) for _ in work.cases]
        _describe(members, settings)
        described = [each for work in members for each in (work.secondary, work.overall)]
        adjust_exploratory(described, settings)
    mine = {work.task.probe.spec.id for work in works}
    alone = [controls[key] for key in sorted(controls) if key not in mine]
    halves = [c for work in works for c in work.controls if c.id not in controls]
    return Assessment(
        probes=(
            *(_record(work, hurtful) for work in works),
            *(build_control_record(control, scored[control.id], hurtful) for control in alone),
        ),
        results=(
            *(
                result
                for work in works
                for result in (*work.primary, *work.completions, *work.secondary, *work.overall)
            ),
            *(r for control in (*alone, *halves) for r in control.results),
        ),
    )


def _run_controls(
    tasks: Sequence[Task], scored: Mapping[str, ScoredProbe], settings: Settings
) -> dict[str, Control]:
    """Each control once, also when several probes share it or somebody asked for it by name."""
    controls: dict[str, Control] = {}
    for task in tasks:
        name, role = task.probe.spec.id, task.probe.spec.role
        positive = (*task.positive, *([name] if role == "positive_control" else []))
        negative = (*task.negative, *([name] if role == "negative_control" else []))
        for name in positive:
            if name in scored and name not in controls:
                controls[name] = positive_control(scored[name], settings)
        for name in negative:
            if name in scored and name not in controls:
                controls[name] = negative_control(scored[name], settings)
        if task.placebo and task.placebo in scored:
            controls[task.placebo] = negative_control(scored[task.placebo], settings, placebo=True)
    return controls


def _levels(members: Sequence[_Work], settings: Settings) -> list[list[float]]:
    """Of each probe of an axis the levels that decide its comparisons, after Holm over them all."""
    family = [
        (one, work.task.probe.spec.margin, _is_barred(work, one, settings))
        for work in members
        for one in work.compared
    ]
    decided = iter(levels(family))
    return [[next(decided) for _ in work.compared] for work in members]


def _is_barred(work: _Work, comparison: Comparison, settings: Settings) -> bool:
    """Whether no claim can be made of a comparison, at whatever level the family decides."""
    small = too_small_statuses(comparison.contrast, settings)
    statuses = (*_shared_statuses(work, settings), *small)
    # The checks cost most, so they are asked last.
    blocked = bool(work.instrument) or is_barred(statuses)
    return blocked or is_barred(work.examined.forbids(comparison))


def _instrument(
    work: _Work,
    controls: Mapping[str, Control],
    failures: Mapping[str, str],
    settings: Settings,
    sanity: Mapping[str, str],
) -> str:
    """Give a probe its controls, and say why they forbid to believe it; empty when they do not."""
    task = work.task
    names = [*task.positive, *task.negative, *([task.placebo] if task.placebo else [])]
    work.controls = [controls[name] for name in names if name in controls]
    missing = [
        f"the control '{name}' could not be scored: {failures.get(name, 'it was not run')}"
        for name in names
        if name not in controls
    ]
    if can_split(work.scored):
        work.controls.append(split_halves(work.scored, settings))
    untrained = sanity.get(primary_language(task.probe.spec.language), "")
    reasons = [untrained, *(c.reason for c in work.controls), *missing]
    return "; ".join(reason for reason in reasons if reason)


def _measure(work: _Work, settings: Settings, decides: Sequence[float]) -> None:
    """The results of a probe, each with what it can bear."""
    scored, shared = work.scored, _shared_statuses(work, settings)
    examined, instrument, gaps = work.examined, work.instrument, work.examined.gaps
    for comparison, level in zip(work.compared, decides, strict=True):
        result = _examine(comparison, examined, "primary", shared, level)
        work.cases.append(
            Case(result=result, comparison=comparison, instrument=instrument, placebo_gaps=gaps)
        )
    for comparison in compare_all_pairs(scored, settings):
        pair = _examine(comparison, examined, "secondary", shared, DECIDES)
        percentile = placebo_percentile(comparison.contrast.estimate, gaps)
        pair = pair.model_copy(update={"placebo_percentile": percentile})
        work.secondary.append(block(pair, instrument, comparison.contrast))


def _describe(members: Sequence[_Work], settings: Settings) -> None:
    """Add what no margin judges: the other metrics of each probe, and of two of an axis."""
    for work in members:
        why = failure(work.primary)
        for result in _default_results(work.scored, settings):
            if result.metric == OVERALL:
                statuses = (*result.statuses, *_shared_statuses(work, settings))
                shared = result.model_copy(update={"statuses": statuses})
                work.overall.append(block(shared, work.instrument))
            elif result.metric in JUDGED:
                work.completions.append(result)
            else:
                work.secondary.append(withhold(result, why))
        work.completions = judge_completions(work.completions, work.primary, obstacle=work.obstacle)
        work.primary = [
            result.model_copy(
                update={"companions": _companions(work.scored, case.comparison, settings)}
            )
            for result, case in zip(work.primary, work.cases, strict=True)
        ]
    works = {work.task.probe.spec.id: work for work in members}
    for plane in planes([(work.scored, work.primary) for work in members]):
        both = works[plane.warmth], works[plane.competence]
        why = failure([result for work in both for result in work.primary])
        both[0].secondary.append(withhold(plane.result, why))


def _default_results(scored: ScoredProbe, settings: Settings) -> Iterator[Result]:
    """The results of every default metric that fits a probe, in the order of the registry."""
    for metric in METRICS:
        if metric.default and metric.measure and not metric.unsupported(scored.probe):
            yield from metric.measure(scored, settings).results


def _companions(
    scored: ScoredProbe, comparison: Comparison, settings: Settings
) -> tuple[Companion, ...]:
    """Further numbers of a primary comparison, in the order of the registry."""
    compare = (metric.compare for metric in METRICS if metric.compare)
    return tuple(one for make in compare for one in make(scored, comparison, settings))


def _shared_statuses(work: _Work, settings: Settings) -> tuple[str, ...]:
    """Statuses of all results of a probe, whatever is compared."""
    statuses = list(lost_poles(work.scored, settings))
    if work.task.probe.spec.card is None:
        statuses.append("no_card")
    if not work.task.positive or all(control.kind == "positive" for control in work.controls):
        statuses.append(NO_CONTROLS)
    return tuple(statuses)


def _examine(
    comparison: Comparison,
    examined: Examination,
    role: Role,
    shared: tuple[str, ...],
    level: float,
) -> Result:
    scored, settings = examined.scored, examined.settings
    known = check_stability(scored, comparison, settings, level)
    result = build_result(scored, comparison, settings, role=role, checks=known)
    result = with_checks(result, examined.checks(comparison, known))
    update = {
        "statuses": (*result.statuses, *shared),
        "adjusted_estimate": examined.adjusted_gap(comparison),
    }
    return result.model_copy(update=update)


def _state(results: Sequence[Result]) -> State:
    states = [result.outcome for result in results]
    if "fail" in states:
        return "fail"
    return "pass" if states and all(state == "pass" for state in states) else "unclear"


def _record(work: _Work, harmful: frozenset[str]) -> ProbeRecord:
    statuses = [status for result in work.primary for status in result.statuses]
    record = build_probe_record(work.scored, harmful)
    state = _state(work.primary)
    first = next((r for r in work.primary if r.reason and r.outcome == state), None)
    return record.model_copy(
        update={
            "state": state,
            "reason": first.reason if first else "",
            "statuses": tuple(dict.fromkeys(statuses)),
            "scope": work.primary[0].scope,
            "target_scope": work.primary[0].target_scope,
            "controls": tuple(r.id for c in work.controls for r in c.results),
            "placebo_gaps": placebo_gaps(work.controls),
            "skips": tuple(
                build_skip_record(s) for s in (*work.scored.skips, *work.scored.cube.skips)
            ),
        }
    )
