"""The facts of a pipeline entry under fixed names: CSV columns, JUnit and SARIF properties."""

from __future__ import annotations

from bias_audit.render._entries import Entry

Fact = str | int | float | bool | None

_NUMBERS = (
    "estimate", "ci_low", "ci_high", "limit", "baseline_value", "rise", "rise_low", "rise_high",
    "templates_needed", "terms_needed", "targets_needed",
)  # fmt: skip
NAMES = (
    "id", "state", "state_before_waiver", "enforced", "kind", "gate", "probe", "axis", "result",
    "finding", "group_a", "group_b", *_NUMBERS, "unit", "baseline", "n_templates", "n_terms",
    "when_unclear", "reason_code", "reason", "condition", "waiver", "waiver_status", "waiver_owner",
    "waiver_expires", "waiver_reason", "file", "line", "column", "fingerprint",
)  # fmt: skip
"""Names of the facts, in order."""


def facts(entry: Entry) -> dict[str, Fact]:
    """All facts of an entry; None where there is nothing to say."""
    found: dict[str, Fact] = dict.fromkeys(NAMES)
    found |= {"id": entry.id, "state": entry.state, "fingerprint": entry.fingerprint}
    if entry.gate is None:
        found |= {"kind": entry.rule, "reason": entry.message}
    else:
        gate = entry.gate
        found |= {name: getattr(gate, name) for name in _NUMBERS}
        found |= {name: getattr(gate, name) or None for name in _OF_GATE}
        found["enforced"] = gate.enforced
    if entry.placed:
        found |= {"file": entry.path, "line": entry.line, "column": entry.column}
    if entry.result is not None:
        result = entry.result
        labels = (*(result.group_labels or result.groups), None, None)
        found |= {"axis": result.axis, "group_a": labels[0], "group_b": labels[1]}
        found |= {"n_templates": result.n_templates, "n_terms": result.n_terms}
    found["finding"] = entry.finding.id if entry.finding else None
    return found | _waiver(entry)


_OF_GATE = (
    "state_before_waiver", "kind", "gate", "probe", "result", "unit", "baseline", "when_unclear",
    "reason_code", "reason", "condition",
)  # fmt: skip


def _waiver(entry: Entry) -> dict[str, Fact]:
    """The waiver that holds, else the first one that names the gate."""
    named = sorted(entry.waivers, key=lambda waiver: waiver.status != "active")
    if not named:
        return {}
    waiver = named[0]
    return {
        "waiver": waiver.finding,
        "waiver_status": waiver.status,
        "waiver_owner": waiver.owner,
        "waiver_expires": waiver.expires,
        "waiver_reason": waiver.reason,
    }
