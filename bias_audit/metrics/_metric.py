"""What is said of a metric: the record that describes one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricInfo:
    """Description of one metric, for reports and documentation."""

    id: str
    """Name in probe files and results."""
    name: str
    """Name for people."""
    unit: str
    """``nats``, ``bits``, ``probability`` or ``r``."""
    range: tuple[float, float]
    """Smallest and largest possible value; infinite when unbounded."""
    neutral: float | None
    """Value that means no difference; None when no value is better than another."""
    direction: str
    """What a larger value means."""
    reference: str
    """Where the metric comes from."""
    sentence: str
    """Pattern for one conclusion, for ``str.format``: {a}, {b} the groups, {plus}, {minus} the
    poles, {value} the estimate, {ratio} its exponential, {null} the permutation null's mean."""
