"""One way to write a check down."""

from __future__ import annotations

from bias_audit.results import Check

DIGITS = 4
"""Significant digits: a check needs no more, and there are many of them."""


def short(value: float) -> float:
    """Return a number with as many digits as a check needs."""
    return float(f"{value:.{DIGITS}g}")


def passed_or_failed(
    name: str, value: float, threshold: float, holds: bool, consequence: str, note: str = ""
) -> Check:
    """Return a check with a threshold."""
    return Check(
        id=name,
        value=short(value),
        threshold=short(threshold),
        state="held" if holds else "not_held",
        consequence="" if holds else consequence,
        note=note,
    )


def informational(name: str, value: float, note: str = "") -> Check:
    """Return a number without a threshold."""
    return Check(id=name, value=short(value), state="described", note=note)


def not_computable(name: str, why: str) -> Check:
    """Return a check that could not be made."""
    return Check(id=name, state="not_possible", note=why)
