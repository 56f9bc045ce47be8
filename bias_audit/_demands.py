"""What a gate of the configuration asks: of which results, in which words, from which line."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

from bias_audit.config import GateConfig
from bias_audit.errors import UsageError
from bias_audit.policy import Policy
from bias_audit.records import OTHERS
from bias_audit.results import Result
from bias_audit.utils.text import number


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


def place(gate: GateConfig, policy: Policy) -> dict[str, Any]:
    """Where the configuration has the gate: fields of its record."""
    if gate.id not in policy.places:
        return {}
    line, column = policy.places[gate.id]
    return {"file": policy.file, "line": line, "column": column}


def condition(result: Result, limit: float, baseline: str | None = None) -> str:
    """What a gate asks of a result, in words.

    Raises:
        UsageError: the result is damaged.
    """
    if len(result.group_labels) != 2:
        raise UsageError(
            f"the results are damaged: '{result.id}' does not name two groups",
            hint="run the audit again",
        )
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


def asked(gate: GateConfig) -> str:
    """What a gate without a result asks, in words."""
    if gate.baseline is not None:
        return (
            f"{gate.measure} of {gate.probe} is at most {gate.limit:g} nats larger than in the"
            f" baseline '{gate.baseline}'"
        )
    return f"{gate.measure} of {gate.probe} stays within {gate.limit:g} nats of 0"
