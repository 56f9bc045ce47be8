"""Every gate of a policy beside every result that it judges."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from bias_audit._reasons import MISSING_BASELINE
from bias_audit._verdict import (
    PARTIAL_SIDE,
    Family,
    Verdict,
    absolute,
    p_absolute,
    p_rise,
    regression,
)
from bias_audit.archive import (
    Change,
    Comparison,
    Gate,
    MissingChange,
    ProbeRecord,
    Result,
    Results,
)
from bias_audit.config import GateConfig
from bias_audit.findings import number
from bias_audit.policy import Policy
from bias_audit.records import OTHERS
from bias_audit.stats.multiplicity import holm

Compared = Mapping[str, Comparison | MissingChange]
"""By the name of a baseline: the comparison with it, or why there is none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Cell:
    """A gate of the configuration beside one result that it judges."""

    config: GateConfig
    result: Result
    change: Change | MissingChange | None
    """Of a regression gate: the change, or why there is none."""
    baseline: str | None
    """What it was compared with: the baseline that the gate names, unless another was asked for."""
    partial: bool

    @property
    def p(self) -> float:
        """p for lying beyond the limit, before Holm."""
        if self.partial:
            return 1.0
        if self.config.against is None:
            return p_absolute(self.result, self.config.limit)
        change = self.change if isinstance(self.change, Change) else None
        return p_rise(change, self.config.limit)

    def verdict(self, family: Family) -> Verdict:
        """Judge, with what the other gates mean for this one."""
        limit = self.config.limit
        if self.config.against is None:
            return absolute(self.result, limit, family, partial=self.partial)
        if self.change is None or isinstance(self.change, MissingChange):
            return _unpaired(self.change, partial=self.partial)
        return regression(self.result, self.change, limit, family, partial=self.partial)


def _unpaired(missing: MissingChange | None, *, partial: bool) -> Verdict:
    """There is nothing to compare; that the baseline is missing is told first."""
    if partial and (missing is None or missing.reason_code not in MISSING_BASELINE):
        return Verdict("unclear", "partial_run", PARTIAL_SIDE)
    if missing is None:
        return Verdict("unclear", "not_in_baseline", "the baseline has no such result")
    return Verdict("unclear", missing.reason_code, missing.reason)


def enforced(results: Results, policy: Policy, compared: Compared) -> list[Gate]:
    """Judge results against the limits of a configuration; Holm over all gated cells.

    A gate without a result is ``unclear``: absence of evidence never passes.
    """
    cells = [
        _cell(gate, result, results, compared)
        for gate in policy.gates
        for result in matching(gate, results.results)
    ]
    adjusted = holm(np.array([cell.p for cell in cells] or [1.0]))
    families = [Family(p=float(p), size=len(cells)) for p in adjusted]
    judged = [
        _gate(cell, cell.verdict(family), policy)
        for cell, family in zip(cells, families, strict=False)
    ]
    return judged + [lost for gate in policy.gates for lost in _lost(gate, results, policy)]


def matching(gate: GateConfig, results: Iterable[Result]) -> list[Result]:
    """The results that a gate judges.

    Of two groups each is the other one's rest, so that ``groups`` is their pair.
    """
    found = [
        r
        for r in results
        if r.metric == gate.measure and r.role != "control" and fnmatchcase(r.probe, gate.probe)
    ]
    if gate.over == "pairs":
        return [r for r in found if OTHERS not in r.groups]
    if gate.over == "groups":
        many = {r.probe for r in found if OTHERS in r.groups}
        return [
            r for r in found if OTHERS in r.groups or (r.probe not in many and r.role == "primary")
        ]
    return [r for r in found if r.role == "primary"]


def _cell(gate: GateConfig, result: Result, results: Results, compared: Compared) -> _Cell:
    partial = results.run.partial
    change: Change | MissingChange | None = None
    name = gate.baseline
    if name is not None:
        found = compared.get(name) or _no_baseline(name)
        change = found if isinstance(found, MissingChange) else _change(found, result)
        partial |= isinstance(found, Comparison) and found.baseline_run.partial
        name = found.baseline if isinstance(found, Comparison) else name
    return _Cell(config=gate, result=result, change=change, baseline=name, partial=partial)


def _no_baseline(name: str) -> MissingChange:
    said = f"there is no baseline named '{name}': accept one with 'bias-audit baseline accept'"
    return MissingChange(probe="*", reason_code="no_baseline", reason=said)


def _change(comparison: Comparison, result: Result) -> Change | MissingChange | None:
    """What the comparison says about a result; its whole probe may be missing."""
    changes = (change for change in comparison.changes if change.result == result.id)
    lost = (
        missing
        for missing in comparison.missing
        if missing.result == result.id or (not missing.result and missing.probe == result.probe)
    )
    return next(changes, None) or next(lost, None)


def _gate(cell: _Cell, verdict: Verdict, policy: Policy) -> Gate:
    gate, result, change = cell.config, cell.result, cell.change
    return Gate(
        id=f"{gate.id}:{result.id}",
        state=verdict.state,
        enforced=True,
        probe=result.probe,
        result=result.id,
        measured=result.estimate,
        ci_low=result.ci_low,
        ci_high=result.ci_high,
        limit=gate.limit,
        unit=result.unit,
        reason=f"{verdict.reason} ({gate.why})" if gate.why else verdict.reason,
        condition=condition(result, gate.limit, cell.baseline),
        when_unclear=gate.when_unclear,
        gate=gate.id,
        kind="absolute" if gate.against is None else "regression",
        reason_code=verdict.code,
        templates_needed=verdict.templates,
        terms_needed=verdict.terms,
        targets_needed=verdict.targets,
        baseline=cell.baseline,
        **_rise(change),
        **_place(gate, policy),
    )


def _rise(change: Change | MissingChange | None) -> dict[str, float | None]:
    """What a regression gate says about its baseline."""
    if not isinstance(change, Change):
        return {}
    return {
        "baseline_value": change.baseline,
        "rise": change.rise,
        "rise_low": change.rise_low,
        "rise_high": change.rise_high,
    }


def _place(gate: GateConfig, policy: Policy) -> dict[str, Any]:
    """Where the configuration has the gate."""
    if gate.id not in policy.places:
        return {}
    line, column = policy.places[gate.id]
    return {"file": policy.file, "line": line, "column": column}


def _lost(gate: GateConfig, results: Results, policy: Policy) -> list[Gate]:
    """What a gate should have judged and could not: crashed probes, or nothing at all."""
    base = Gate(
        id=gate.id,
        state="unclear",
        enforced=True,
        probe=gate.probe,
        limit=gate.limit,
        reason=f"no result of '{gate.probe}' to judge: it did not run or could not be scored",
        reason_code="no_result",
        condition=_asked(gate),
        when_unclear=gate.when_unclear,
        gate=gate.id,
        kind="absolute" if gate.against is None else "regression",
        baseline=gate.baseline,
        **_place(gate, policy),
    )
    there = {result.probe for result in matching(gate, results.results)}
    gone = [
        base.model_copy(update=_why(gate, probe))
        for probe in results.probes
        if probe.role == "probe"
        if fnmatchcase(probe.id, gate.probe) and probe.id not in there
    ]
    return gone or ([] if there else [base])


def _why(gate: GateConfig, probe: ProbeRecord) -> dict[str, Any]:
    """Id, state and reason of a gate whose probe has nothing to judge."""
    named = {"id": f"{gate.id}:{probe.id}", "probe": probe.id}
    if probe.state == "error":
        said = f"the probe could not be scored: {probe.reason}"
        return named | {"state": "error", "reason_code": "probe_error", "reason": said}
    if probe.state == "skipped":
        said = f"the probe was not scored: {probe.reason}"
        return named | {"state": "unclear", "reason_code": "partial_run", "reason": said}
    asked = f"{gate.measure} over {gate.over}" if gate.over else f"primary {gate.measure}"
    return named | {"reason": f"the probe has no {asked} to judge"}


def condition(result: Result, limit: float, baseline: str | None = None) -> str:
    """What a gate asks of a result, in words."""
    a, b = result.group_labels
    if baseline is not None:
        return (
            f"the gap between {a} and {b} is at most {limit:.3g} {result.unit} larger than in the"
            f" baseline '{baseline}'"
        )
    odds = math.exp(min(limit, 700.0))
    return (
        f"the gap between {a} and {b} stays within {limit:.3g} {result.unit} of 0"
        f" (odds ratio {1 / odds:.2f} to {number(odds)})"
    )


def _asked(gate: GateConfig) -> str:
    """What a gate without a result asks, in words."""
    if gate.baseline is not None:
        return (
            f"{gate.measure} of {gate.probe} is at most {gate.limit:g} nats larger than in the"
            f" baseline '{gate.baseline}'"
        )
    return f"{gate.measure} of {gate.probe} stays within {gate.limit:g} nats of 0"
