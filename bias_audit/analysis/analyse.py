"""Assess all probes of an audit: controls are shared, and each probe is judged by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bias_audit.analysis.comparisons import compare_all_pairs, compare_groups
from bias_audit.analysis.completions import JUDGED, add_notices, judge_completions
from bias_audit.analysis.controls import (
    Control,
    can_split,
    negative_control,
    positive_control,
    split_halves,
)
from bias_audit.analysis.multiple_testing import adjust_exploratory
from bias_audit.analysis.outcomes import Instrument, conclude, withhold
from bias_audit.analysis.probe_record import (
    build_control_record,
    build_probe_record,
    build_skip_record,
)
from bias_audit.analysis.result_record import build_result
from bias_audit.analysis.robustness import Examination, find_twins, with_checks
from bias_audit.analysis.robustness.stability import check_stability, lost_poles
from bias_audit.analysis.statements import Question
from bias_audit.metrics.design import Comparison, scored_groups
from bias_audit.metrics.registry import METRICS
from bias_audit.metrics.scored_probe import ScoredProbe, Settings, WordLists
from bias_audit.metrics.warmth_competence import planes
from bias_audit.probes.probe import Probe
from bias_audit.probes.schema.text import primary_language
from bias_audit.results import Companion, ProbeRecord, Result, Role
from bias_audit.results.codes import NO_CONTROLS


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
    compared: Sequence[Comparison]
    """The primary comparisons."""
    instrument: Instrument = field(default_factory=Instrument)
    examined: Examination = field(init=False)
    secondary: list[Result] = field(default_factory=list)
    completions: list[Result] = field(default_factory=list)
    """What groups are completed by, with outcomes."""
    obstacle: str = ""
    """Why its completions say nothing: an untrained model, a run cut short."""
    overall: list[Result] = field(default_factory=list)
    """Tests of all groups at once."""
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
        sanity: why the model sanity check failed, by language, or by probe where that has one of
            its own; empty where it passed.
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
    for work in works:
        untrained = _why_untrained(work.task.probe, sanity or {})
        work.obstacle = untrained or ("the run was cut short" if partial else "")
        work.instrument = _instrument(work, controls, failures, settings, sanity or {})
        pair = pairs.get(work.task.probe.spec.id)
        work.examined = Examination(work.scored, settings, pair=pair)
        _measure(work, settings, partial=partial)
    for axis in dict.fromkeys(work.task.probe.spec.axis for work in works):
        _describe([work for work in works if work.task.probe.spec.axis == axis], settings)
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
            controls[task.placebo] = negative_control(scored[task.placebo], settings)
    return controls


def _why_untrained(probe: Probe, sanity: Mapping[str, str]) -> str:
    """Why the model sanity check failed for a probe, or for its language."""
    language = primary_language(probe.spec.language)
    return sanity.get(probe.spec.id, sanity.get(language, ""))


def _instrument(
    work: _Work,
    controls: Mapping[str, Control],
    failures: Mapping[str, str],
    settings: Settings,
    sanity: Mapping[str, str],
) -> Instrument:
    """Give a probe its controls, and say what they forbid to believe."""
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
    untrained = _why_untrained(task.probe, sanity)
    return Instrument(
        failed="; ".join(filter(None, [untrained, *missing])),
        faults=tuple(fault for control in work.controls for fault in control.faults),
    )


def _measure(work: _Work, settings: Settings, *, partial: bool) -> None:
    """The results of a probe, each with what it can bear; the primary ones with their outcomes."""
    scored, shared, instrument = work.scored, _shared_statuses(work, settings), work.instrument
    groups = scored_groups(scored)

    def examine(comparison: Comparison, role: Role) -> Result:
        return instrument.vet(_examine(comparison, work.examined, role, shared), groups)

    primary = [examine(comparison, "primary") for comparison in work.compared]
    question, silence = Question.of(scored.probe), _missing_control(work)
    work.primary = conclude(primary, question, partial=partial, silence=silence)
    work.secondary = [examine(one, "secondary") for one in compare_all_pairs(scored, settings)]


def _describe(members: Sequence[_Work], settings: Settings) -> None:
    """Add what is not judged: the other metrics of each probe, and of two of an axis."""
    for work in members:
        for result in _default_results(work.scored, settings):
            if result.metric == OVERALL:
                statuses = (*result.statuses, *_shared_statuses(work, settings))
                shared = result.model_copy(update={"statuses": statuses})
                work.overall.append(work.instrument.vet(shared, result.groups))
            elif result.metric in JUDGED:
                work.completions.append(result)
            else:
                work.secondary.append(withhold(result, work.instrument.failed))
        work.primary = [
            result.model_copy(update={"companions": _companions(work.scored, one, settings)})
            for result, one in zip(work.primary, work.compared, strict=True)
        ]
        adjust_exploratory([work.secondary, work.overall], settings)
        work.completions = judge_completions(work.completions, work.primary, obstacle=work.obstacle)
        work.primary = add_notices(work.primary, work.completions)
    works = {work.task.probe.spec.id: work for work in members}
    for plane in planes([(work.scored, work.primary) for work in members]):
        both = works[plane.warmth], works[plane.competence]
        why = "; ".join(dict.fromkeys(filter(None, (work.instrument.failed for work in both))))
        both[0].secondary.append(withhold(plane.result, why))


def _default_results(scored: ScoredProbe, settings: Settings) -> Iterator[Result]:
    """The results of every default metric that fits a probe, in the order of the registry."""
    for metric in METRICS:
        fits = not (metric.unsupported(scored.probe) or metric.misfit(scored.reading))
        if metric.default and metric.measure and fits:
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
    if _missing_control(work):
        statuses.append(NO_CONTROLS)
    return tuple(statuses)


def _missing_control(work: _Work) -> str:
    """Say which control a probe lacks; empty where it lacks none."""
    # a classifier's positive control is that it labels plain sentences rightly
    if not (work.task.positive or any(work.task.probe.instrument)):
        return "no positive control vouches for the probe, so silence is no evidence"
    if all(control.kind == "positive" for control in work.controls):
        return "the probe has neither a negative control nor a placebo, so silence is no evidence"
    return ""


def _examine(
    comparison: Comparison, examined: Examination, role: Role, shared: tuple[str, ...]
) -> Result:
    scored, settings = examined.scored, examined.settings
    known = check_stability(scored, comparison, settings)
    result = build_result(scored, comparison, settings, role=role, checks=known)
    result = with_checks(result, examined.checks(comparison, known))
    update = {
        "statuses": (*result.statuses, *shared),
        "adjusted_estimate": examined.adjusted_gap(comparison),
    }
    return result.model_copy(update=update)


def _record(work: _Work, harmful: frozenset[str]) -> ProbeRecord:
    statuses = [status for result in work.primary for status in result.statuses]
    outcomes = Counter(result.outcome for result in work.primary if result.outcome)
    return build_probe_record(work.scored, harmful).model_copy(
        update={
            "outcomes": dict(sorted(outcomes.items())),
            "statuses": tuple(dict.fromkeys(statuses)),
            "scope": work.primary[0].scope,
            "controls": tuple(r.id for c in work.controls for r in c.results),
            "skips": tuple(
                build_skip_record(s) for s in (*work.scored.skips, *work.scored.cube.skips)
            ),
        }
    )
