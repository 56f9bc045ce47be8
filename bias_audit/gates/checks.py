"""Each gate of a policy with each result that it judges, or why there is none to judge."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from bias_audit.errors import UsageError
from bias_audit.gates.policy import Policy
from bias_audit.gates.schema import BASELINE, GateConfig
from bias_audit.gates.verdict import (
    PARTIAL_SIDE,
    GateFamily,
    Verdict,
    holm_families,
    judge_gap,
    judge_increase,
    p_gap,
    p_increase,
)
from bias_audit.records import OTHERS
from bias_audit.results.decisions import Change, Comparison, Gate, MissingChange
from bias_audit.results.io import Results
from bias_audit.results.schema import ProbeRecord, Result
from bias_audit.utils.text import size_in

BaselineComparisons = Mapping[str, Comparison | MissingChange]
"""By the name of a baseline: the comparison with it, or why there is none."""
_MOST_NATS = 50.0
"""A limit beyond which nobody writes times."""
LEFT_OUT = "the configuration asks for this probe, and the run left it out"


@dataclass(frozen=True, kw_only=True, slots=True)
class GateCheck:
    """A gate of the configuration with one result that it judges."""

    config: GateConfig
    result: Result
    change: Change | MissingChange | None
    """Of a regression gate: the change, or why there is none."""
    baseline: str | None
    """What it was compared with: the baseline that the gate names, unless another was given."""
    partial: bool

    @property
    def quantity(self) -> tuple[str, str | None]:
        """The number that is held against the limit: a gap, or its rise over a baseline."""
        return self.result.id, self.baseline

    @property
    def p(self) -> float:
        """p for lying beyond the limit, before Holm."""
        if self.partial:
            return 1.0
        if self.config.kind == "absolute":
            return p_gap(self.result, self.config.limit, self.config.claim)
        change = self.change if isinstance(self.change, Change) else None
        return p_increase(self.result, change, self.config.limit)

    def verdict(self, family: GateFamily) -> Verdict:
        """Judge, with what the other gates mean for this one."""
        limit = self.config.limit
        if self.config.kind == "absolute":
            claim = self.config.claim
            return judge_gap(self.result, limit, family, claim=claim, partial=self.partial)
        if self.change is None or isinstance(self.change, MissingChange):
            return _without_change(self.change, partial=self.partial)
        return judge_increase(self.result, self.change, limit, family, partial=self.partial)


def _without_change(missing: MissingChange | None, *, partial: bool) -> Verdict:
    """The verdict without a counterpart; a missing baseline takes precedence."""
    if partial and (missing is None or missing.reason_code not in ("no_baseline", "no_evidence")):
        return Verdict("unclear", "partial_run", PARTIAL_SIDE)
    if missing is None:
        return Verdict("unclear", "not_in_baseline", "the baseline has no such result")
    return Verdict("unclear", missing.reason_code, missing.reason)


def check_gates(results: Results, policy: Policy, comparisons: BaselineComparisons) -> list[Gate]:
    """Judge results against the limits of a configuration; Holm over everything that is gated.

    A gate without a result is ``unclear``: absence of evidence never passes.
    """
    checks = [
        _gate_check(gate, result, results, comparisons)
        for gate in policy.gates
        for result in select_results(gate, results.results)
    ]
    for check in checks:
        _require_claim(check.config, check.result)
    largest = _largest_p(checks)
    gates = [_gate(check, check.verdict(_family(check, largest)), policy) for check in checks]
    return [*gates, *_missing_results(results, policy, comparisons)]


def judge_again(results: Results) -> Iterator[tuple[Gate, Gate]]:
    """Judge the stored gates of a run again, each by the limit that it states, before waivers.

    Gates without a result have nothing to be judged by. Where a gate names another baseline than
    the one that the run was compared with, none is judged: its p is in no file and counts in Holm.
    """
    known = {result.id: result for result in results.results}
    judged = [(gate, known[gate.result]) for gate in results.gates if gate.result in known]
    named = {gate.baseline for gate, _ in judged if gate.baseline is not None}
    comparison = results.comparison
    if named - ({comparison.baseline} if comparison else set()):
        return
    comparisons = {name: comparison for name in named if comparison is not None}
    checks = [
        _gate_check(_stored_config(gate, result), result, results, comparisons)
        for gate, result in judged
    ]
    largest = _largest_p(checks)
    for (gate, _), check in zip(judged, checks, strict=True):
        yield gate, _gate(check, check.verdict(_family(check, largest)), Policy())


def _stored_config(gate: Gate, result: Result) -> GateConfig:
    """What a configuration said of a gate, as far as its record has it."""
    most = _as_written(gate.limit or 0.0, gate.unit)
    limit: dict[str, Any] = {"max": most, "claim": gate.claim}
    if gate.baseline is not None:
        limit = {"against": f"{BASELINE}{gate.baseline}", "max_rise": most}
    limit |= {"measure": result.metric, "unit": gate.unit}
    return GateConfig.model_construct(id=gate.gate, probe=gate.probe, **limit)


def _as_written(limit: float, unit: str) -> float:
    """The limit that a configuration wrote as times, such as 2x, before it was rounded."""
    written = math.log(round(math.exp(min(limit, _MOST_NATS)), 6) or 1.0)
    return written if unit == "nats" and math.isclose(written, limit, abs_tol=1e-7) else limit


def _largest_p(checks: Iterable[GateCheck]) -> dict[tuple[str, str | None], float]:
    largest: dict[tuple[str, str | None], float] = {}
    for check in checks:
        largest[check.quantity] = max(check.p, largest.get(check.quantity, 0.0))
    return largest


def _require_claim(gate: GateConfig, result: Result) -> None:
    """Refuse a gate on a claim that a measured result does not make.

    Raises:
        UsageError: it does not.
    """
    if gate.claim == "these_words" or result.words_of_this_kind is not None or result.se is None:
        return
    raise UsageError(
        f"the gate '{gate.id}' asks for 'claim: words_of_this_kind', which"
        f" '{result.id}' does not have: its words are a list and stand for no others",
        hint="write 'claim: these_words', or leave the key out",
    )


def _family(check: GateCheck, largest: Mapping[tuple[str, str | None], float]) -> GateFamily:
    """Holm over the measured quantities of all gates, each of the others by its largest p.

    Limits on one number are nested claims, so that a second limit on it costs nothing (closed
    testing): copies of a gate, or a looser one, let no failure go.
    """
    p_values = {**largest, check.quantity: check.p}
    index = list(p_values).index(check.quantity)
    return holm_families(list(p_values.values()))[index]


def _gate_check(
    gate: GateConfig, result: Result, results: Results, comparisons: BaselineComparisons
) -> GateCheck:
    partial = results.run.partial
    change: Change | MissingChange | None = None
    name = gate.baseline
    if name is not None:
        comparison = comparisons.get(name) or _no_baseline(name)
        if isinstance(comparison, MissingChange):
            change = comparison
        else:
            change = _change(comparison, result)
            partial |= comparison.baseline_run.partial
            name = comparison.baseline
    return GateCheck(config=gate, result=result, change=change, baseline=name, partial=partial)


def _no_baseline(name: str) -> MissingChange:
    reason = f"there is no baseline named '{name}': accept one with 'bias-audit baseline accept'"
    return MissingChange(probe="*", reason_code="no_baseline", reason=reason)


def _change(comparison: Comparison, result: Result) -> Change | MissingChange | None:
    """What the comparison says about a result; its whole probe may be missing."""
    changes = (change for change in comparison.changes if change.result == result.id)
    missing = (
        missing
        for missing in comparison.missing
        if missing.result == result.id or (not missing.result and missing.probe == result.probe)
    )
    return next(changes, None) or next(missing, None)


def _gate(check: GateCheck, verdict: Verdict, policy: Policy) -> Gate:
    gate, result, change = check.config, check.result, check.change
    rise: dict[str, Any] = {}
    if isinstance(change, Change):
        rise = {name: getattr(change, name) for name in ("rise", "rise_low", "rise_high")}
        rise["baseline_value"] = change.baseline
    return Gate(
        id=f"{gate.id}:{result.id}",
        state=verdict.state,
        reason=verdict.reason,
        condition=_condition(result, gate.limit, check.baseline),
        reason_code=verdict.code,
        templates_needed=verdict.required.templates,
        terms_needed=verdict.required.terms,
        targets_needed=verdict.required.targets,
        notices=verdict.notices,
        **(
            _of_config(gate, policy)
            | _of_result(result)
            | _interval(gate, result)
            | {"baseline": check.baseline}
            | rise
        ),
    )


def _of_result(result: Result) -> dict[str, Any]:
    """The fields of a gate that its result fills in."""
    names = ("probe", "estimate", "unit")
    return {"result": result.id} | {name: getattr(result, name) for name in names}


def _interval(gate: GateConfig, result: Result) -> dict[str, Any]:
    """The intervals of the claim that a gate asks for."""
    other = gate.claim == "words_of_this_kind"
    source = result.words_of_this_kind if other and result.words_of_this_kind else result
    names = ("ci_low", "ci_high", "ci90_low", "ci90_high")
    return {name: getattr(source, name) for name in names}


def _of_config(gate: GateConfig, policy: Policy) -> dict[str, Any]:
    """The fields of a gate that the configuration fills in."""
    line, column = policy.places.get(gate.id, (0, 0))
    return {
        "probe": gate.probe,
        "limit": gate.limit,
        "unit": gate.unit,
        "why": gate.why or "",
        "claim": gate.claim,
        "when_unclear": gate.when_unclear,
        "gate": gate.id,
        "kind": gate.kind,
        "baseline": gate.baseline,
        "file": policy.file if gate.id in policy.places else "",
        "line": line,
        "column": column,
    }


def select_results(gate: GateConfig, results: Iterable[Result]) -> list[Result]:
    """The results that a gate judges; of two groups, ``groups`` is their pair."""
    matches = [
        r
        for r in results
        if r.metric == gate.measure and r.role != "control" and fnmatchcase(r.probe, gate.probe)
    ]
    if gate.over == "pairs":
        return [r for r in matches if OTHERS not in r.groups]
    if gate.unit == "points":
        return matches
    primary = [r for r in matches if r.role == "primary"]
    if gate.over == "groups":
        many = {r.probe for r in matches if OTHERS in r.groups}
        return [r for r in matches if OTHERS in r.groups or (r in primary and r.probe not in many)]
    return primary


def _condition(result: Result, limit: float, baseline: str | None = None) -> str:
    """What a gate asks of a result, in words; refuses a damaged one."""
    if len(result.group_labels) != 2:
        raise UsageError(
            f"the results are damaged: '{result.id}' does not name two groups",
            hint="run the audit again",
        )
    a, b = result.group_labels
    if result.unit == "points":
        what = "hurtful completions" if result.metric == "hurtful_completions" else "completions"
        most = f"the {what} after {a} and {b} differ by at most {limit:.3g} percentage points"
        if baseline is not None:
            return f"{most} more than in the baseline '{baseline}'"
        return f"{most} of probability"
    return _asks(f"the gap between {a} and {b}", limit, result.unit, baseline)


def _asks(what: str, limit: float, unit: str, baseline: str | None) -> str:
    """A limit on something in words."""
    most = size_in(limit, unit)
    if baseline is None:
        return f"{what} is at most {most}, in either direction"
    more = f"{most} that" if unit == "nats" else f"{most} larger than that"
    return f"{what} is at most {more} of the baseline '{baseline}'"


def _missing_results(
    results: Results, policy: Policy, comparisons: BaselineComparisons
) -> Iterator[Gate]:
    """A gate for everything that has no result, in the order of the configuration."""
    for gate in policy.gates:
        yield from _gates_without_scores(gate, results, policy)
    for gate in policy.gates:
        comparison = comparisons.get(gate.baseline or "")
        if isinstance(comparison, Comparison):
            yield from _not_in_run(gate, results, policy, comparison)


def _without_result(gate: GateConfig, policy: Policy, **fields: Any) -> Gate:
    what = f"{gate.measure} of {gate.probe}"
    condition = _asks(what, gate.limit, gate.unit, gate.baseline)
    values = {"id": gate.id, "state": "unclear", "reason_code": "no_result", "condition": condition}
    return Gate(**(values | _of_config(gate, policy) | fields))


def _gates_without_scores(gate: GateConfig, results: Results, policy: Policy) -> list[Gate]:
    """The probes of a gate that crashed or were not reached; or that it has nothing to judge."""
    present = {result.probe for result in select_results(gate, results.results)}
    lost = [
        _without_result(gate, policy, **_why_lost(gate, probe))
        for probe in results.probes
        if probe.role == "probe"
        if fnmatchcase(probe.id, gate.probe) and probe.id not in present
    ]
    there = {probe.id for probe in results.probes}
    lost += [
        _without_result(gate, policy, id=f"{gate.id}:{name}", probe=name, reason=LEFT_OUT)
        for name in policy.probes
        if fnmatchcase(name, gate.probe) and name not in there
    ]
    if lost or present:
        return lost
    reason = f"no result of '{gate.probe}' to judge: it did not run or could not be scored"
    if any(p.role != "probe" and fnmatchcase(p.id, gate.probe) for p in results.probes):
        reason = f"'{gate.probe}' names controls only: they check the instrument and are not gated"
    return [_without_result(gate, policy, reason=reason)]


def _why_lost(gate: GateConfig, probe: ProbeRecord) -> dict[str, Any]:
    """Id, state and reason of a gate whose probe has nothing to judge."""
    named = {"id": f"{gate.id}:{probe.id}", "probe": probe.id}
    if probe.state == "error":
        reason = f"the probe could not be scored: {probe.reason}"
        return named | {"state": "error", "reason_code": "probe_error", "reason": reason}
    if probe.state == "skipped":
        reason = f"the probe was not scored: {probe.reason}"
        return named | {"reason_code": "partial_run", "reason": reason}
    kind = f"{gate.measure} over {gate.over}" if gate.over else f"primary {gate.measure}"
    kind = gate.measure if gate.unit == "points" else kind
    return named | {"reason": f"the probe has no {kind} to judge"}


def _not_in_run(
    gate: GateConfig, results: Results, policy: Policy, comparison: Comparison
) -> Iterator[Gate]:
    """What the baseline was judged by and this run leaves out: else the worst probe could go."""
    explained = {p.id for p in results.probes} - {r.probe for r in results.results}
    for missing in comparison.missing:
        rest = OTHERS in missing.groups
        selected = {"pairs": not rest, "groups": rest, None: missing.role == "primary"}[gate.over]
        if gate.unit == "points":
            selected = f":{gate.measure}:" in missing.result
        if (
            missing.reason_code == "no_result"
            and selected
            and missing.role != "control"
            and missing.probe not in explained
            and fnmatchcase(missing.probe, gate.probe)
        ):
            reason = (
                f"the baseline '{gate.baseline}' has this result and the run does not: its"
                " probe or groups were left out"
            )
            name = f"{gate.id}:{missing.result}"
            yield _without_result(gate, policy, id=name, probe=missing.probe, reason=reason)
