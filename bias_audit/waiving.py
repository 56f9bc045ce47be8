"""Which waiver covers which gate, and whether it still holds: a pure function of both and a day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from fnmatch import fnmatchcase

from bias_audit.errors import nearest
from bias_audit.results import Gate, WaiverRecord, finding_id
from bias_audit.waivers import Placed, Waiver


def matches(finding: str, gate: Gate) -> bool:
    """Whether a waiver's ``finding`` names a gate: by finding, result, gate, or a glob of gates."""
    names = {gate.id}
    if gate.result is not None:
        names |= {gate.result, finding_id(gate.result)}
    return finding in names or fnmatchcase(gate.id, finding)


def names(gates: Sequence[Gate]) -> list[str]:
    """Everything that a waiver could name: gates, results and findings, without repetition."""
    found = [gate.id for gate in gates]
    results = [gate.result for gate in gates if gate.result is not None]
    return list(dict.fromkeys([*found, *results, *map(finding_id, results)]))


def waive(
    gates: Sequence[Gate], waivers: Sequence[Placed], today: date
) -> tuple[list[Gate], list[WaiverRecord]]:
    """Turn failures that a waiver covers into ``waived``; say what became of every waiver.

    A waiver touches nothing but failures. It is void as a whole when it has expired, or when one
    of the failures that it covers is larger than it allows: somebody has to look again.
    """
    left = list(gates)
    records = []
    for placed in waivers:
        record = _record(placed, gates, today)
        records.append(record)
        if record.status == "active":
            left = [_waived(gate, placed.waiver) for gate in left]
    return left, records


def standing(placed: Placed, today: date) -> WaiverRecord:
    """What a waiver says, and whether it has expired, whatever it covers."""
    waiver = placed.waiver
    late, left = (today - waiver.expires).days, (waiver.expires - today).days
    gone = f"expired {late} day{'s'[: late != 1]} ago: it turns nothing"
    return WaiverRecord(
        finding=waiver.finding,
        reason=waiver.reason,
        owner=waiver.owner,
        created=waiver.created.isoformat(),
        expires=waiver.expires.isoformat(),
        up_to=waiver.up_to,
        status="expired" if late > 0 else "active",
        detail=gone if late > 0 else f"{left} day{'s'[: left != 1]} left",
        file=placed.file,
        line=placed.line,
    )


def _record(placed: Placed, gates: Sequence[Gate], today: date) -> WaiverRecord:
    """What became of a waiver in a run that was judged."""
    waiver = placed.waiver
    covered = [gate for gate in gates if matches(waiver.finding, gate)]
    failed = [gate for gate in covered if gate.state == "fail"]
    over = [gate for gate in failed if _exceeds(waiver, gate)]
    record = standing(placed, today)
    record = record.model_copy(update={"gates": tuple(gate.id for gate in covered)})
    if record.status == "expired":
        return record
    if not covered:
        near = nearest(waiver.finding, names(gates))
        said = "no gate has this name" + (f"; did you mean '{near}'?" if near else "")
        return record.model_copy(update={"status": "unmatched", "detail": said})
    if over:
        worst = max(over, key=lambda gate: abs(gate.estimate or 0.0))
        said = f"{worst.id} measures {worst.estimate:.3g}, more than the {waiver.up_to:g} allowed"
        return record.model_copy(update={"status": "exceeded", "detail": said})
    said = f"waives {len(failed)} of {len(covered)} gate{'s'[: len(covered) != 1]}"
    said += f", {record.detail}" if failed else ": none fails, it is not needed"
    return record.model_copy(update={"detail": said})


def _exceeds(waiver: Waiver, gate: Gate) -> bool:
    """Larger than the ceiling, or without a size that could be held against it."""
    if waiver.up_to is None:
        return False
    return gate.estimate is None or abs(gate.estimate) > waiver.up_to


def _waived(gate: Gate, waiver: Waiver) -> Gate:
    if gate.state != "fail" or not matches(waiver.finding, gate):
        return gate
    said = f"waived until {waiver.expires} by {waiver.owner}: {waiver.reason}; {gate.reason}"
    return gate.model_copy(
        update={
            "state": "waived",
            "state_before_waiver": "fail",
            "reason": said,
            "reason_code": "waived",
            "waiver": waiver.finding,
        }
    )
