"""Records of ``trace``: one probe, or one axis, read from two models side by side."""

from __future__ import annotations

from typing import Literal

from bias_audit.results.run_record import Model
from bias_audit.results.schema import Outcome, Record

Over = Literal["target words", "group words", "groups"]


class TracedRun(Record):
    """One of the two runs."""

    name: str
    """What it was given as."""
    model: Model
    unit: str
    """Of its gaps."""
    partial: bool = False


class TracedGap(Record):
    """One side of a comparison, as the run has it."""

    result: str
    probe: str
    estimate: float | None
    ci_low: float | None
    ci_high: float | None
    unit: str
    outcome: Outcome | None
    plus: str
    """Name of the pole that positive numbers lean to."""
    minus: str


class TracedComparison(Record):
    """The same groups compared in both runs; no number is made of the two."""

    axis: str
    groups: tuple[str, ...]
    group_labels: tuple[str, ...]
    base: TracedGap
    deployed: TracedGap


class TracedOrder(Record):
    """How alike both models order something: Spearman's rank correlation."""

    axis: str
    base_probe: str
    deployed_probe: str
    over: Over
    groups: tuple[str, ...] = ()
    """Over target words: the groups whose gap is taken for each word."""
    group_labels: tuple[str, ...] = ()
    n: int
    """Words or groups that both have."""
    spearman: float | None = None
    low: float | None = None
    """Ends of the interval, words drawn with replacement."""
    high: float | None = None
    p: float | None = None
    """Against no relation, by exchange."""
    reason: str = ""
    """Why there is no number."""


class Trace(Record):
    """Two runs side by side."""

    base: TracedRun
    deployed: TracedRun
    confidence: float
    comparisons: tuple[TracedComparison, ...]
    orders: tuple[TracedOrder, ...]
    notices: tuple[str, ...] = ()
    """What differs between the two, and what has no partner."""
