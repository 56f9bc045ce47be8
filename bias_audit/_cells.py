"""Every gate of a policy beside every result that it judges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bias_audit._absent import absent
from bias_audit._demands import condition, matching, place
from bias_audit._verdict import (
    PARTIAL_SIDE,
    Family,
    Verdict,
    absolute,
    p_absolute,
    p_rise,
    regression,
)
from bias_audit.config import GateConfig
from bias_audit.policy import Policy
from bias_audit.results import Change, Comparison, Gate, MissingChange, Result, Results
from bias_audit.results.codes import MISSING_BASELINE
from bias_audit.stats.multiplicity import holm
from bias_audit.stats.steady import deciding_level

Compared = Mapping[str, Comparison | MissingChange]
"""By the name of a baseline: the comparison with it, or why there is none."""


_Subject = tuple[str, str | None]
"""A result, and the baseline that it is compared with."""


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
    def subject(self) -> _Subject:
        """The number that is held against the limit: a gap, or its rise over a baseline."""
        return self.result.id, self.baseline

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
    worst: dict[_Subject, float] = {}
    for cell in cells:
        worst[cell.subject] = max(cell.p, worst.get(cell.subject, 0.0))
    judged = [_gate(cell, cell.verdict(_family(cell, worst)), policy) for cell in cells]
    return [*judged, *absent(results, policy, compared)]


def _family(cell: _Cell, worst: Mapping[_Subject, float]) -> Family:
    """Holm over the subjects of all gates, each of the others by its largest p.

    Limits on one number are nested claims, so that a second limit on it costs nothing (closed
    testing): copies of a gate, or a looser one beside it, let no failure go.
    """
    known = {**worst, cell.subject: cell.p}
    adjusted = float(holm(np.array([*known.values()]))[list(known).index(cell.subject)])
    return Family(p=adjusted, size=len(known), level=deciding_level(cell.p, adjusted))


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
        estimate=result.estimate,
        ci_low=result.ci_low,
        ci_high=result.ci_high,
        limit=gate.limit,
        unit=result.unit,
        reason=f"{verdict.reason} (limit: {gate.why.rstrip('.')})" if gate.why else verdict.reason,
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
        **place(gate, policy),
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
