"""Gates: results judged against limits, baselines and waivers, and the exit code that follows.

A pure function of stored records, so that a run that was just measured and one that was stored
are judged alike.
"""

from __future__ import annotations

from collections.abc import Sequence

from bias_audit._cells import Compared, enforced
from bias_audit._demands import condition, matching
from bias_audit.policy import Policy
from bias_audit.results import Comparison, Gate, ProbeRecord, Result, Results, State, WaiverRecord
from bias_audit.results.codes import BLOCKING, MISSING_BASELINE, NO_CONTROLS_REASON
from bias_audit.waiving import waive

__all__ = ["Compared", "count_states", "default_gates", "exit_code", "judge", "matching"]

STATES: tuple[State, ...] = ("pass", "fail", "unclear", "error", "waived", "skipped")


def judge(results: Results, policy: Policy, compared: Compared | None = None) -> Results:
    """Return the run with gates, waivers, states, comparison and exit code by this policy.

    Args:
        results: a measured or stored run; its own gates are replaced.
        policy: gates and waivers; without gates, the probes' own margins inform.
        compared: what every baseline that the gates name came to; a name that is left out is a
            missing baseline.
    """
    compared = compared or {}
    gates = enforced(results, policy, compared)
    if policy.strict:  # so that every format shows an unclear gate as what it does to the build
        gates = [gate.model_copy(update={"when_unclear": "fail"}) for gate in gates]
    covered = {gate.result for gate in gates}
    own = default_gates(results.results, partial=results.run.partial)
    gates += [gate for gate in own if gate.result not in covered]
    records: list[WaiverRecord] = []
    if policy.today is not None:
        gates, records = waive(gates, policy.waivers, policy.today)
    found = (compared[name] for name in (*policy.baselines, *compared) if name in compared)
    comparison = next((c for c in found if isinstance(c, Comparison)), None)
    judged = results.model_copy(
        update={
            "gates": tuple(gates),
            "waivers": tuple(records),
            "comparison": comparison,
            "states": count_states(gates, results),
        }
    )
    return judged.model_copy(update={"exit_code": exit_code(judged, strict=policy.strict)})


def default_gates(results: Sequence[Result], *, partial: bool = False) -> list[Gate]:
    """The catalogue's own margins as gates that inform and never fail a build."""
    return [
        Gate(
            id=result.id,
            state=result.outcome or "unclear",
            enforced=False,
            probe=result.probe,
            result=result.id,
            estimate=result.estimate,
            ci_low=result.ci_low,
            ci_high=result.ci_high,
            limit=result.margin,
            unit=result.unit,
            reason=result.reason,
            reason_code="partial_run" if partial else _code(result),
            condition=condition(result, result.margin or 0.0),
        )
        for result in results
        if result.role == "primary"
    ]


def _code(result: Result) -> str:
    """The reason code of a result's own verdict, which was given when it was measured."""
    if result.outcome in ("pass", "fail"):
        return "inside_limit" if result.outcome == "pass" else "outside_limit"
    blocked = next((code for code in BLOCKING if code in result.statuses), None)
    if blocked is not None:
        return blocked
    if result.reason == NO_CONTROLS_REASON:
        return "uncontrolled"
    return "crosses_limit" if result.se is not None else "no_interval"


def count_states(gates: Sequence[Gate], results: Results) -> dict[State, int]:
    """Gates by state; all six are present.

    Each probe that crashed counts as one error, also when it has no gate; each probe that was not
    reached in time counts as skipped.
    """
    counts = {state: sum(gate.state == state for gate in gates) for state in STATES}
    told = {gate.probe for gate in gates if gate.state == "error"}
    counts["error"] += sum(p.state == "error" and p.id not in told for p in _asked(results))
    counts["skipped"] += sum(p.state == "skipped" for p in _asked(results))
    return counts


def _asked(results: Results) -> list[ProbeRecord]:
    """The probes that were asked for; controls where nothing else was."""
    probes = [probe for probe in results.probes if probe.role == "probe"]
    return probes or list(results.probes)


def exit_code(results: Results, *, strict: bool = False) -> int:
    """The exit code of a run that was judged: 0, 1, 3 or 5, the first of 5, 1, 3 that applies.

    Args:
        results: with its gates.
        strict: an enforced gate that is unclear, and a hub model without a pinned revision, count
            as incomplete.
    """
    if not any(probe.state not in ("error", "skipped") for probe in _asked(results)):
        return 5
    gates = [gate for gate in results.gates if gate.enforced]
    if any(gate.state == "fail" for gate in gates):
        return 1
    unpinned = any("not pinned" in notice for notice in results.model.notices)
    if results.errors or (strict and unpinned) or any(_open(gate, strict) for gate in gates):
        return 3
    return 0


def _open(gate: Gate, strict: bool) -> bool:
    """An enforced gate that leaves the run incomplete."""
    if gate.state == "error" or gate.reason_code in MISSING_BASELINE:
        return True
    return gate.state == "unclear" and (strict or gate.when_unclear == "fail")
