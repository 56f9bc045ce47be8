"""What follows from an instrument that failed: a number that is no evidence in either direction."""

from __future__ import annotations

from collections.abc import Iterable

from bias_audit.metrics.base import joined
from bias_audit.results import Result

FAILED = "instrument_failed"


def failure(primary: Iterable[Result]) -> str:
    """Return why the instrument of a probe failed, from its primary results; empty if it works."""
    return next((r.reason or FAILED for r in primary if FAILED in r.statuses), "")


def withhold(result: Result, reason: str) -> Result:
    """Return the result with the status ``instrument_failed``, and the reason before its own.

    Args:
        result: what was measured.
        reason: why the instrument failed; the result stays as it is where this is empty.
    """
    if not reason:
        return result
    statuses = tuple(dict.fromkeys((*result.statuses, FAILED)))
    update = {"statuses": statuses, "reason": joined(reason, result.reason)}
    return result.model_copy(update=update)
