"""Gates: results judged against limits, and the exit code that follows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fnmatch import fnmatchcase

import numpy as np

from bias_audit.archive import Gate, Result, State
from bias_audit.assess import BLOCKING, OTHERS, SILENT, UNCONTROLLED
from bias_audit.config import GateConfig
from bias_audit.findings import number
from bias_audit.stats.equivalence import outcome
from bias_audit.stats.estimate import Contrast
from bias_audit.stats.multiplicity import holm

STATES: tuple[State, ...] = ("pass", "fail", "unclear", "error", "waived", "skipped")


def default_gates(results: Sequence[Result]) -> list[Gate]:
    """The catalogue's own margins as gates that inform and never fail a build."""
    return [
        Gate(
            id=result.id,
            state=result.outcome or "unclear",
            enforced=False,
            probe=result.probe,
            result=result.id,
            measured=result.estimate,
            ci_low=result.ci_low,
            ci_high=result.ci_high,
            limit=result.margin,
            unit=result.unit,
            reason=result.reason,
            condition=condition(result),
        )
        for result in results
        if result.role == "primary"
    ]


def enforced_gates(
    configs: Sequence[GateConfig], results: Sequence[Result], *, partial: bool
) -> list[Gate]:
    """Judge results against the limits of a configuration; Holm over all gated cells.

    A gate without a result is ``unclear``: absence of evidence never passes.
    """
    cells = [(gate, result) for gate in configs for result in _matching(gate, results)]
    contrasts = [_contrast(result) for _, result in cells]
    beyond = [
        c.p_beyond(gate.max) if c else None for c, (gate, _) in zip(contrasts, cells, strict=True)
    ]
    adjusted = holm(np.array([1.0 if p is None else p for p in beyond] or [1.0]))
    judged = [
        _judged(gate, result, contrast, float(p), partial)
        for (gate, result), contrast, p in zip(cells, contrasts, adjusted, strict=False)
    ]
    matched = {gate.id for gate, _ in cells}
    return judged + [_missing(gate) for gate in configs if gate.id not in matched]


def _matching(gate: GateConfig, results: Sequence[Result]) -> list[Result]:
    found = [
        r
        for r in results
        if r.metric == gate.measure and r.role != "control" and fnmatchcase(r.probe, gate.probe)
    ]
    if gate.over == "pairs":
        return [r for r in found if OTHERS not in r.groups]
    if gate.over == "groups":
        return [r for r in found if OTHERS in r.groups]
    return [r for r in found if r.role == "primary"]


def _contrast(result: Result) -> Contrast | None:
    """What judging needs of a stored result; None without an interval."""
    if result.estimate is None or result.se is None or result.df is None:
        return None
    return Contrast(
        estimate=result.estimate,
        parts={},
        used=(),
        variance={},
        se=result.se,
        df=result.df,
        delta=(),
        n_templates=result.n_templates,
        n_terms=result.n_terms,
        skew=0.0,
        largest_share=0.0,
        resolution=0.0,
        status="ok",
    )


def _judged(
    gate: GateConfig, result: Result, contrast: Contrast | None, p: float, partial: bool
) -> Gate:
    state: State = "unclear"
    if partial:
        reason = "the run was cut short, so nothing is decided"
    elif set(result.statuses) & set(BLOCKING) or contrast is None:
        reason = result.reason or "the result cannot be judged"
    else:
        state = outcome(contrast, gate.max, p_beyond_adjusted=p)
        reason = {
            "pass": "no association larger than the limit was found",
            "fail": "the whole interval lies outside the limit",
            "unclear": "the interval crosses the limit",
        }[state]
        if state == "pass" and UNCONTROLLED in result.statuses:
            state, reason = "unclear", SILENT
    return Gate(
        id=f"{gate.id}:{result.id}",
        state=state,
        enforced=True,
        probe=result.probe,
        result=result.id,
        measured=result.estimate,
        ci_low=result.ci_low,
        ci_high=result.ci_high,
        limit=gate.max,
        unit=result.unit,
        reason=f"{reason} ({gate.why})" if gate.why else reason,
        condition=condition(result, gate.max),
        when_unclear=gate.when_unclear,
    )


def _missing(gate: GateConfig) -> Gate:
    return Gate(
        id=gate.id,
        state="unclear",
        enforced=True,
        probe=gate.probe,
        limit=gate.max,
        reason=f"no result of '{gate.probe}' to judge: it did not run or could not be scored",
        condition=f"{gate.measure} of {gate.probe} stays within {gate.max:g} nats of 0",
        when_unclear=gate.when_unclear,
    )


def condition(result: Result, limit: float | None = None) -> str:
    """What a gate asks, in words; the result's own margin when no limit is given."""
    a, b = result.group_labels
    margin = limit if limit is not None else result.margin or 0.0
    odds = math.exp(min(margin, 700.0))
    return (
        f"the gap between {a} and {b} stays within {margin:.3g} {result.unit} of 0"
        f" (odds ratio {1 / odds:.2f} to {number(odds)})"
    )


def count_states(gates: Sequence[Gate], failed_probes: int = 0) -> dict[State, int]:
    """Gates by state; all six are present. Each crashed probe counts as one error."""
    counts = {state: sum(gate.state == state for gate in gates) for state in STATES}
    counts["error"] += failed_probes
    return counts


def exit_code(
    gates: Sequence[Gate],
    *,
    errors: int,
    audited: int,
    strict: bool = False,
) -> int:
    """The exit code of an audit that ran to its end: 0, 1, 3 or 5.

    Args:
        gates: judged gates.
        errors: probes and controls that could not be scored.
        audited: probes that were asked for and scored. When all of them failed, nothing was
            audited, and no flag turns that into success.
        strict: an enforced gate that is unclear counts as incomplete.
    """
    enforced = [gate.state for gate in gates if gate.enforced]
    open_gates = [
        g
        for g in gates
        if g.enforced and g.state == "unclear" and (strict or g.when_unclear == "fail")
    ]
    if not audited:
        return 5
    if "fail" in enforced:
        return 1
    return 3 if errors or "error" in enforced or open_gates else 0
