"""Assesses all probes of an audit together: families span the probes of an axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from bias_audit._reasons import UNCONTROLLED
from bias_audit.archive import Card, ProbeRecord, Result, Role, State
from bias_audit.assess import _compare, _controls, _profile, _results, _robust, secondary
from bias_audit.assess._controls import Control
from bias_audit.assess._input import Comparison, Scored, Settings, WordLists
from bias_audit.assess._judge import Case, blocked, judge
from bias_audit.assess.checks import Examination, Twins, applied, percentile, twins
from bias_audit.probes import Probe
from bias_audit.specs import tongue
from bias_audit.stats.multiplicity import by


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
    cases: list[Case] = field(default_factory=list)
    secondary: list[Result] = field(default_factory=list)
    overall: list[Result] = field(default_factory=list)
    """Tests of all groups at once: a family of their own."""
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
        _measure(task, scored[name], controls, failures, settings, sanity or {}, pairs.get(name))
        for name, task in asked.items()
        if name in scored
    ]
    for axis in dict.fromkeys(work.task.probe.spec.axis for work in works):
        members = [work for work in works if work.task.probe.spec.axis == axis]
        judged = iter(judge([c for work in members for c in work.cases], partial=partial))
        for work in members:
            work.primary = [next(judged) for _ in work.cases]
        _describe(members, settings, lists or WordLists())
        _adjust_secondary(members)
    mine = {work.task.probe.spec.id for work in works}
    alone = [controls[key] for key in sorted(controls) if key not in mine]
    halves = [c for work in works for c in work.controls if c.id not in controls]
    return Assessment(
        probes=(
            *(_record(work, hurtful) for work in works),
            *(_control_record(control, scored[control.id], hurtful) for control in alone),
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


def _measure(
    task: Task,
    scored: Scored,
    controls: Mapping[str, Control],
    failures: Mapping[str, str],
    settings: Settings,
    sanity: Mapping[str, str],
    pair: Twins | None,
) -> _Work:
    work = _Work(task=task, scored=scored)
    names = [*task.positive, *task.negative, *([task.placebo] if task.placebo else [])]
    work.controls = [controls[name] for name in names if name in controls]
    missing = [
        f"the control '{name}' could not be scored: {failures.get(name, 'it was not run')}"
        for name in names
        if name not in controls
    ]
    if _controls.can_split(scored):
        work.controls.append(_controls.split_halves(scored, settings))
    untrained = sanity.get(tongue(task.probe.spec.language), "")
    reasons = [untrained, *(c.reason for c in work.controls), *missing]
    instrument = "; ".join(reason for reason in reasons if reason)
    shared = _shared_statuses(work, settings)
    gaps = tuple(gap for control in work.controls for gap in control.placebo_gaps)
    examined = Examination(scored, settings, gaps=gaps, pair=pair)
    for comparison in _compare.primary(scored, settings):
        result = _checked(scored, comparison, settings, "primary", shared, examined)
        work.cases.append(
            Case(result=result, comparison=comparison, instrument=instrument, placebo_gaps=gaps)
        )
    for comparison in _compare.all_pairs(scored, settings):
        found = _checked(scored, comparison, settings, "secondary", shared)
        among = percentile(comparison.contrast.estimate, gaps)
        found = found.model_copy(update={"placebo_percentile": among})
        work.secondary.append(_withheld(found, instrument))
    if (whole := secondary.spread(scored, settings)) is not None:
        whole = whole.model_copy(update={"statuses": (*whole.statuses, *shared)})
        work.overall = [_withheld(whole, instrument)]
    return work


def _describe(members: Sequence[_Work], settings: Settings, lists: WordLists) -> None:
    """What nothing is judged by: measures beside the primary ones, of each probe and of two."""
    for work in members:
        work.secondary += secondary.measures(work.scored, settings, lists)
        work.primary = [
            result.model_copy(
                update={"companions": secondary.beside(work.scored, case.comparison, settings)}
            )
            for result, case in zip(work.primary, work.cases, strict=True)
        ]
    found = secondary.planes([(work.scored, work.primary) for work in members])
    for work in members:
        if (plane := found.get(work.task.probe.spec.id)) is not None:
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
    scored: Scored,
    comparison: Comparison,
    settings: Settings,
    role: Role,
    shared: tuple[str, ...],
    examined: Examination | None = None,
) -> Result:
    checks = _robust.check(scored, comparison, settings)
    result = _results.build(scored, comparison, settings, role=role, checks=checks)
    if examined is not None:
        result = applied(result, examined.checks(comparison, checks))
    return result.model_copy(update={"statuses": (*result.statuses, *shared)})


def _withheld(result: Result, instrument: str) -> Result:
    """A secondary result with the reason why no gate may judge it, if there is one."""
    statuses = (*result.statuses, *(["instrument_failed"] if instrument else []))
    reason = blocked(statuses, instrument, result.n_templates) or result.reason
    return result.model_copy(update={"statuses": statuses, "reason": reason})


def _adjust_secondary(works: Sequence[_Work]) -> None:
    """Benjamini-Yekutieli over everything exploratory on one axis; tests of all groups apart."""
    for name in ("secondary", "overall"):
        lists: list[list[Result]] = [getattr(work, name) for work in works]
        family = [r.p_value for results in lists for r in results if r.p_value is not None]
        adjusted = iter(by(np.array(family)))
        for results in lists:
            results[:] = [
                r
                if r.p_value is None
                else r.model_copy(update={"p_adjusted": float(next(adjusted))})
                for r in results
            ]


def _state(results: Sequence[Result]) -> State:
    states = [result.outcome for result in results]
    if "fail" in states:
        return "fail"
    return "pass" if states and all(state == "pass" for state in states) else "unclear"


def _record(work: _Work, harmful: frozenset[str]) -> ProbeRecord:
    statuses = [status for result in work.primary for status in result.statuses]
    record = _base_record(work.scored, harmful)
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


def _control_record(control: Control, scored: Scored, harmful: frozenset[str]) -> ProbeRecord:
    return _base_record(scored, harmful, placebo=control.id.endswith("~placebo")).model_copy(
        update={
            "id": control.id,
            "role": f"{control.kind}_control",
            "state": "pass" if control.works else "fail",
            "reason": control.reason,
            "controls": (),
            "card": None,
        }
    )


def _base_record(scored: Scored, harmful: frozenset[str], *, placebo: bool = False) -> ProbeRecord:
    spec, cube = scored.probe.spec, scored.cube
    card = spec.card
    return ProbeRecord(
        id=spec.id,
        version=spec.version,
        language=spec.language,
        axis=spec.axis,
        title=spec.title,
        question=spec.question,
        state="unclear",
        mask=spec.mask,
        plus=scored.probe.plus_name,
        minus=scored.probe.minus_name,
        prompts=scored.prompts,
        templates=len(cube.templates),
        terms=len(cube.units),
        coverage=_profile.coverage(scored),
        card=Card(**card.model_dump()) if card else None,
        groups=tuple(_profile.groups(scored, harmful, placebo=placebo)),
        targets=tuple(_profile.targets(scored)),
        sensitive=spec.sensitive,
    )
