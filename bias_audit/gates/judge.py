"""Gates: results judged against limits, baselines and waivers, and the exit code that follows.

A pure function of stored records, so that a fresh run and a stored one are judged alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from bias_audit.errors import UsageError
from bias_audit.gates.checks import LEFT_OUT, BaselineComparisons, check_gates
from bias_audit.gates.policy import Policy
from bias_audit.gates.schema import GateConfig, describe_ambiguity
from bias_audit.gates.waivers import apply_waivers, names_all
from bias_audit.results.decisions import Comparison, Gate, WaiverRecord, is_incomplete
from bias_audit.results.evidence import EVIDENCE_FILE
from bias_audit.results.io import Results
from bias_audit.results.run_record import NOT_MEASURED, ErrorRecord
from bias_audit.results.schema import OUTCOMES, Outcome, ProbeRecord, Result, State
from bias_audit.utils.readings import READINGS

UNVERIFIED = (
    f"There is no {EVIDENCE_FILE} beside the results, so the numbers that were judged could not be"
    " computed again."
)
STATES: tuple[State, ...] = ("pass", "fail", "unclear", "error", "waived", "skipped")


def judge(
    results: Results, policy: Policy, comparisons: BaselineComparisons | None = None
) -> Results:
    """Return the run with gates, waivers, states, comparison and exit code by this policy.

    Args:
        results: a fresh or stored run; its own gates are replaced.
        policy: gates and waivers.
        comparisons: with every baseline that the gates name; a name that is left out is a missing
            baseline.

    Raises:
        UsageError: a limit is in another unit than what was measured, or asks for a claim that is
            not made.
    """
    comparisons = comparisons or {}
    require_units(policy.gates, results.model.name, results.model.reading)
    results = results.model_copy(update={"errors": (*_errors(results, policy),)})
    gates = check_gates(results, policy, comparisons)
    if policy.strict:  # so that every format shows an unclear gate as what it does to the build
        gates = [gate.model_copy(update={"when_unclear": "fail"}) for gate in gates]
    records: list[WaiverRecord] = []
    if policy.today is not None:
        gates, records = apply_waivers(gates, policy.waivers, policy.today, results.model)
    named = (comparisons[n] for n in (*policy.baselines, *comparisons) if n in comparisons)
    comparison = next((c for c in named if isinstance(c, Comparison)), None)
    judged = results.model_copy(
        update={
            "gates": tuple(gates),
            "waivers": tuple(records),
            "comparison": comparison,
            "limits_digest": policy.digest if gates else "",
            "notices": (*_notices(policy, gates, records),),
            "states": count_states(gates, results),
            "outcomes": count_outcomes(results.results),
        }
    )
    return judged.model_copy(update={"exit_code": exit_code(judged, strict=policy.strict)})


def _errors(results: Results, policy: Policy) -> Iterator[ErrorRecord]:
    """What crashed, and the probes that the configuration asks for and this run does not have."""
    yield from (error for error in results.errors if error.type != NOT_MEASURED)
    there = {probe.id for probe in results.probes}
    unfit = {skip.probe: skip.detail for skip in results.skips if skip.kind == "probe"}
    for name in policy.probes if policy.gates else ():
        if name not in there:
            yield ErrorRecord(probe=name, type=NOT_MEASURED, message=unfit.get(name) or LEFT_OUT)


def _notices(
    policy: Policy, gates: Iterable[Gate], waivers: Iterable[WaiverRecord]
) -> Iterator[str]:
    """What a reader should know about the judging itself."""
    if not policy.verified:
        yield UNVERIFIED
    for gate in policy.gates:
        if gate.ambiguity:
            yield f"The limit of the gate '{gate.id}' is {gate.ambiguity}"
    in_nats = {gate.id for gate in gates if gate.unit == "nats"}
    for entry, waiver in zip(policy.waivers, waivers, strict=False):
        unit = "nats" if in_nats.intersection(waiver.gates) else ""
        if text := describe_ambiguity(entry.waiver.up_to, unit):
            yield f"The ceiling of the waiver '{waiver.finding}' is {text}"
        if waiver.status == "active" and names_all(waiver.finding):
            yield (
                f"The waiver '{waiver.finding}' ({waiver.file}:{waiver.line}) names every gate:"
                " whatever fails below its ceiling is waived."
            )


def require_units(gates: Iterable[GateConfig], model: str, reading: str) -> None:
    """Refuse a gate whose limit is in another unit than the gaps of a model that is read so.

    Raises:
        UsageError: there is one.
    """
    unit, whole = READINGS[reading].scale.unit, f"'{model}' is read as {reading}"
    for gate in gates:
        if gate.unit == "points" and not READINGS[reading].completes:
            raise UsageError(
                f"the gate '{gate.id}' judges {gate.measure}, and {whole}: it completes nothing",
                hint="leave this gate out for models of this kind",
            )
        if gate.unit not in ("points", unit):
            raise UsageError(
                f"the gate '{gate.id}' has a limit in {gate.unit}, and {whole}, whose gaps are in"
                f" {unit}: one unit is no other",
                hint=f"write 'unit: {unit}' with a limit in it, or keep a configuration for each"
                " kind of model",
            )


def count_outcomes(results: Iterable[Result]) -> dict[Outcome, int]:
    """Count primary comparisons by outcome; completions are counted by nobody but themselves."""
    every = Counter(result.outcome for result in results if result.role == "primary")
    return {name: every[name] for name in OUTCOMES}


def count_states(gates: Sequence[Gate], results: Results) -> dict[State, int]:
    """Gates by state; a crashed probe without a gate is an error, one not reached is skipped."""
    counts = {state: sum(gate.state == state for gate in gates) for state in STATES}
    counted = {gate.probe for gate in gates if gate.state == "error"}
    probes = _judged_probes(results)
    counts["error"] += sum(p.state == "error" and p.id not in counted for p in probes)
    counts["skipped"] += sum(p.state == "skipped" for p in probes)
    return counts


def _judged_probes(results: Results) -> list[ProbeRecord]:
    """The probes of the run; controls where there is nothing else."""
    probes = [probe for probe in results.probes if probe.role == "probe"]
    return probes or list(results.probes)


def exit_code(results: Results, *, strict: bool = False) -> int:
    """Return the exit code of a judged run: 0, 1, 3 or 5, the first of 5, 1, 3 that applies.

    Args:
        results: with its gates.
        strict: a gate that is unclear, a hub model without a pinned revision, and numbers without
            evidence count as incomplete.
    """
    if not any(probe.state == "measured" for probe in _judged_probes(results)):
        return 5
    if any(gate.state == "fail" for gate in results.gates):
        return 1
    unpinned = any("not pinned" in notice for notice in results.model.notices)
    if results.errors or (strict and (unpinned or UNVERIFIED in results.notices)):
        return 3
    return 3 if any(is_incomplete(gate, strict=strict) for gate in results.gates) else 0
