"""What a gate should have judged and could not: an unclear gate each, never silence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from bias_audit._demands import asked, matching, place
from bias_audit.config import GateConfig
from bias_audit.policy import Policy
from bias_audit.records import OTHERS
from bias_audit.results import Comparison, Gate, MissingChange, ProbeRecord, Results


def absent(
    results: Results, policy: Policy, compared: Mapping[str, Comparison | MissingChange]
) -> Iterator[Gate]:
    """Yield a gate for every demand without a result, in the order of the configuration."""
    for gate in policy.gates:
        yield from _lost(gate, results, policy)
    for gate in policy.gates:
        found = compared.get(gate.baseline or "")
        if isinstance(found, Comparison):
            yield from _dropped(gate, results, policy, found)


def _lost(gate: GateConfig, results: Results, policy: Policy) -> list[Gate]:
    """What a gate should have judged and could not: crashed probes, or nothing at all."""
    base = Gate(
        id=gate.id,
        state="unclear",
        enforced=True,
        probe=gate.probe,
        limit=gate.limit,
        reason=_nothing(gate, results),
        reason_code="no_result",
        condition=asked(gate),
        when_unclear=gate.when_unclear,
        gate=gate.id,
        kind="absolute" if gate.against is None else "regression",
        baseline=gate.baseline,
        **place(gate, policy),
    )
    there = {result.probe for result in matching(gate, results.results)}
    gone = [
        base.model_copy(update=_why(gate, probe))
        for probe in results.probes
        if probe.role == "probe"
        if fnmatchcase(probe.id, gate.probe) and probe.id not in there
    ]
    return gone or ([] if there else [base])


def _nothing(gate: GateConfig, results: Results) -> str:
    """Why a gate that names no judged probe of the run has nothing to judge."""
    if any(p.role != "probe" and fnmatchcase(p.id, gate.probe) for p in results.probes):
        return f"'{gate.probe}' names controls only: they check the instrument and are not gated"
    return f"no result of '{gate.probe}' to judge: it did not run or could not be scored"


def _dropped(
    gate: GateConfig, results: Results, policy: Policy, comparison: Comparison
) -> Iterator[Gate]:
    """What the baseline was judged by and this run leaves out: else the worst probe could go."""
    told = {probe.id for probe in results.probes} - {result.probe for result in results.results}
    for missing in comparison.missing:
        over = OTHERS in missing.groups
        wanted = {"pairs": not over, "groups": over, None: missing.role == "primary"}[gate.over]
        if (
            missing.reason_code == "no_result"
            and wanted
            and missing.role != "control"
            and missing.probe not in told
            and fnmatchcase(missing.probe, gate.probe)
        ):
            yield Gate(
                id=f"{gate.id}:{missing.result}",
                state="unclear",
                enforced=True,
                probe=missing.probe,
                limit=gate.limit,
                reason=f"the baseline '{gate.baseline}' has this result and the run does not: its"
                " probe or groups were left out",
                reason_code="no_result",
                condition=asked(gate),
                when_unclear=gate.when_unclear,
                gate=gate.id,
                kind="regression",
                baseline=gate.baseline,
                **place(gate, policy),
            )


def _why(gate: GateConfig, probe: ProbeRecord) -> dict[str, Any]:
    """Id, state and reason of a gate whose probe has nothing to judge."""
    named = {"id": f"{gate.id}:{probe.id}", "probe": probe.id}
    if probe.state == "error":
        said = f"the probe could not be scored: {probe.reason}"
        return named | {"state": "error", "reason_code": "probe_error", "reason": said}
    if probe.state == "skipped":
        said = f"the probe was not scored: {probe.reason}"
        return named | {"state": "unclear", "reason_code": "partial_run", "reason": said}
    wanted = f"{gate.measure} over {gate.over}" if gate.over else f"primary {gate.measure}"
    return named | {"reason": f"the probe has no {wanted} to judge"}
