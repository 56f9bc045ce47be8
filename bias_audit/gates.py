"""Gates: results judged against limits, and the exit code that follows."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bias_audit.archive import Gate, Result, State

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


def condition(result: Result) -> str:
    """What the gate asks, in words."""
    a, b = result.group_labels
    margin = result.margin or 0.0
    return (
        f"the gap between {a} and {b} stays within {margin:.3g} {result.unit} of 0"
        f" (odds ratio {math.exp(-margin):.2f} to {math.exp(margin):.2f})"
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
    exit_zero: bool = False,
) -> int:
    """The exit code of an audit that ran to its end: 0, 1, 3 or 5.

    Args:
        gates: judged gates.
        errors: probes that could not be scored.
        audited: probes that were scored.
        strict: an enforced gate that is unclear counts as incomplete.
        exit_zero: 1 and 3 become 0.
    """
    enforced = [gate.state for gate in gates if gate.enforced]
    if not audited and not errors:
        return 5
    if "fail" in enforced:
        code = 1
    elif errors or "error" in enforced or (strict and "unclear" in enforced):
        code = 3
    else:
        code = 0
    return 0 if exit_zero and code in (1, 3) else code
