"""Assesses all probes of an audit together: families span the probes of an axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bias_audit._reasons import UNCONTROLLED
from bias_audit.archive import ProbeRecord, Result, Role, State
from bias_audit.assess import (
    _compare,
    _controls,
    _families,
    _profile,
    _results,
    _robust,
    secondary,
)
from bias_audit.assess._controls import Control
from bias_audit.assess._input import Comparison, Scored, Settings, WordLists
from bias_audit.assess._judge import Case, barred, judge, levels, withheld
from bias_audit.assess.checks import Examination, applied, percentile, twins
from bias_audit.probes import Probe
from bias_audit.specs import tongue
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


@dataclass
class _Work:
    """Results of one probe while the audit is being assessed."""

    task: Task
    scored: Scored
    instrument: str = ""
    """Why nothing of it may be judged."""
    examined: Examination = field(init=False)
    compared: list[Comparison] = field(default_factory=list)
    """The primary comparisons, before they are judged."""
    cases: list[Case] = field(default_factory=list)
    secondary: list[Result] = field(default_factory=list)
    overall: list[Result] = field(default_factory=list)
    """Tests of all groups at once."""
    controls: list[Control] = field(default_factory=list)
    primary: list[Result] = field(default_factory=list)


def assess(
    tasks: Sequence[Task],
    scored: Mapping[str, Scored],
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
    asked = {task.probe.spec.id: task for task in tasks if task.probe.spec.role == "probe"}
    pairs = twins({name: scored[name] for name in asked if name in scored})
    works = [
        _Work(task=task, scored=scored[name], compared=_compare.primary(scored[name], settings))
        for name, task in asked.items()
        if name in scored
    ]
    for axis in dict.fromkeys(work.task.probe.spec.axis for work in works):
        members = [work for work in works if work.task.probe.spec.axis == axis]
        for work in members:
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
        _describe(members, settings, lists or WordLists())
        described = [each for work in members for each in (work.secondary, work.overall)]
        _families.exploratory(described, settings)
    mine = {work.task.probe.spec.id for work in works}
    alone = [controls[key] for key in sorted(controls) if key not in mine]
    halves = [c for work in works for c in work.controls if c.id not in controls]
    return Assessment(
        probes=(
            *(_record(work, hurtful) for work in works),
            *(_profile.control_record(control, scored[control.id], hurtful) for control in alone),
        ),
        results=(
            *(r for work in works for r in (*work.primary, *work.secondary, *work.overall)),
            *(r for control in (*alone, *halves) for r in control.results),
        ),
    )


def _run_controls(
    tasks: Sequence[Task], scored: Mapping[str, Scored], settings: Settings
) -> dict[str, Control]:
    """Each control once, also when several probes share it or somebody asked for it by name."""
    found: dict[str, Control] = {}
    for task in tasks:
        name, role = task.probe.spec.id, task.probe.spec.role
        positive = (*task.positive, *([name] if role == "positive_control" else []))
        negative = (*task.negative, *([name] if role == "negative_control" else []))
        for name in positive:
            if name in scored and name not in found:
                found[name] = _controls.positive(scored[name], settings)
        for name in negative:
            if name in scored and name not in found:
                found[name] = _controls.negative(scored[name], settings)
        if task.placebo and task.placebo in scored:
            found[task.placebo] = _controls.negative(scored[task.placebo], settings, placebo=True)
    return found


def _levels(members: Sequence[_Work], settings: Settings) -> list[list[float]]:
    """Of each probe of an axis the levels that decide its comparisons, after Holm over them all."""
    family = [
        (one, work.task.probe.spec.margin, _barred(work, one, settings))
        for work in members
        for one in work.compared
    ]
    found = iter(levels(family))
    return [[next(found) for _ in work.compared] for work in members]


def _barred(work: _Work, comparison: Comparison, settings: Settings) -> bool:
    """Whether no claim can be made of a comparison, at whatever level the family decides."""
    small = _robust.undecidable(comparison.contrast, settings)
    statuses = (*_shared_statuses(work, settings), *small)
    # The checks cost most, so they are asked last.
    return barred(statuses, work.instrument) or barred(work.examined.forbids(comparison), "")


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
    if _controls.can_split(work.scored):
        work.controls.append(_controls.split_halves(work.scored, settings))
    untrained = sanity.get(tongue(task.probe.spec.language), "")
    reasons = [untrained, *(c.reason for c in work.controls), *missing]
    return "; ".join(reason for reason in reasons if reason)


def _measure(work: _Work, settings: Settings, decides: Sequence[float]) -> None:
    """The results of a probe, each with what it can bear; those that gates may judge are examined.

    Args:
        work: the probe.
        settings: choices of the analysis.
        decides: level of the interval that decides each primary comparison.
    """
    scored, shared = work.scored, _shared_statuses(work, settings)
    examined, instrument, gaps = work.examined, work.instrument, work.examined.gaps
    for comparison, level in zip(work.compared, decides, strict=True):
        result = _checked(comparison, examined, "primary", shared, level)
        work.cases.append(
            Case(result=result, comparison=comparison, instrument=instrument, placebo_gaps=gaps)
        )
    for comparison in _compare.all_pairs(scored, settings):
        found = _checked(comparison, examined, "secondary", shared, DECIDES)
        among = percentile(comparison.contrast.estimate, gaps)
        found = found.model_copy(update={"placebo_percentile": among})
        work.secondary.append(withheld(found, instrument, comparison))
    if (whole := secondary.spread(scored, settings)) is not None:
        whole = whole.model_copy(update={"statuses": (*whole.statuses, *shared)})
        work.overall = [withheld(whole, instrument)]


def _describe(members: Sequence[_Work], settings: Settings, lists: WordLists) -> None:
    """What nothing is judged by: measures beside the primary ones, of each probe and of two."""
    for work in members:
        found = secondary.measures(work.scored, settings, lists)
        work.secondary += secondary.marked(found, work.primary)
        work.primary = [
            result.model_copy(
                update={"companions": secondary.beside(work.scored, case.comparison, settings)}
            )
            for result, case in zip(work.primary, work.cases, strict=True)
        ]
    planes = secondary.planes([(work.scored, work.primary) for work in members])
    for work in members:
        if (plane := planes.get(work.task.probe.spec.id)) is not None:
            work.secondary.append(plane)


def _shared_statuses(work: _Work, settings: Settings) -> tuple[str, ...]:
    """Statuses of all results of a probe, whatever is compared."""
    statuses = list(_robust.lost_poles(work.scored, settings))
    if work.task.probe.spec.card is None:
        statuses.append("no_card")
    if not work.task.positive or all(control.kind == "positive" for control in work.controls):
        statuses.append(UNCONTROLLED)
    return tuple(statuses)


def _checked(
    comparison: Comparison,
    examined: Examination,
    role: Role,
    shared: tuple[str, ...],
    level: float,
) -> Result:
    scored, settings = examined.scored, examined.settings
    known = _robust.check(scored, comparison, settings, level)
    result = _results.build(scored, comparison, settings, role=role, checks=known)
    result = applied(result, examined.checks(comparison, known))
    update = {"statuses": (*result.statuses, *shared), "adjusted": examined.adjusted(comparison)}
    return result.model_copy(update=update)


def _state(results: Sequence[Result]) -> State:
    states = [result.outcome for result in results]
    if "fail" in states:
        return "fail"
    return "pass" if states and all(state == "pass" for state in states) else "unclear"


def _record(work: _Work, harmful: frozenset[str]) -> ProbeRecord:
    statuses = [status for result in work.primary for status in result.statuses]
    record = _profile.record(work.scored, harmful)
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
            "placebo_gaps": _profile.placebo_gaps(work.controls),
            "skips": tuple(
                _profile.skip_record(s) for s in (*work.scored.skips, *work.scored.cube.skips)
            ),
        }
    )
