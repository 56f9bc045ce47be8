"""Judging: adjust for the number of comparisons, then say pass, fail or unclear and why."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bias_audit.archive import Result, State
from bias_audit.assess._input import Comparison
from bias_audit.stats.equivalence import outcome
from bias_audit.stats.multiplicity import holm

BLOCKING = ("descriptive_only", "degenerate", "incomplete", "fragile", "instrument_failed")
MOST_UNITS = 400
"""Designs larger than this are not proposed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One primary result that waits for its verdict."""

    result: Result
    comparison: Comparison
    instrument: str
    """Why the instrument failed; empty when it works."""
    judged: bool
    """False for a probe without a measurement card."""
    controlled: bool
    """False for a probe without controls."""
    placebo_gaps: tuple[float, ...]


def judge(cases: Sequence[Case], *, partial: bool) -> list[Result]:
    """Judge the confirmatory family of one axis, in the order given."""
    if not cases:
        return []
    raw = [case.result.p_value for case in cases]
    beyond = [case.comparison.contrast.p_beyond(case.result.margin or 0.0) for case in cases]
    p_adjusted = holm(np.array([1.0 if p is None else p for p in raw]))
    p_beyond = holm(np.array([1.0 if p is None else p for p in beyond]))
    return [
        _judged(case, None if p is None else float(adjusted), float(outside), partial)
        for case, p, adjusted, outside in zip(cases, raw, p_adjusted, p_beyond, strict=True)
    ]


def _judged(case: Case, p_adjusted: float | None, p_beyond: float, partial: bool) -> Result:
    result, margin = case.result, case.result.margin or 0.0
    statuses = list(result.statuses)
    if case.instrument:
        statuses.append("instrument_failed")
    state: State = outcome(case.comparison.contrast, margin, p_beyond_adjusted=p_beyond)
    reason = _blocked(case, statuses, state, partial)
    if reason:
        state = "unclear"
    else:
        reason = _reason(case, state, margin)
    if state == "unclear" and result.mde80 is not None and result.mde80 > margin:
        statuses.append("under_powered")
    gaps = case.placebo_gaps
    percentile = None
    if gaps and result.estimate is not None:
        percentile = sum(gap < abs(result.estimate) for gap in gaps) / len(gaps)
    return result.model_copy(
        update={
            "p_adjusted": p_adjusted,
            "outcome": state,
            "reason": reason,
            "statuses": tuple(dict.fromkeys(statuses)),
            "placebo_percentile": percentile,
        }
    )


def _blocked(case: Case, statuses: Sequence[str], state: State, partial: bool) -> str:
    """Why no verdict may be given; empty when it may."""
    if partial:
        return "the run was cut short, so nothing is decided"
    if case.instrument:
        return case.instrument
    if not case.judged:
        return "the probe has no measurement card, so it is measured and not judged"
    if "descriptive_only" in statuses:
        return f"only {case.result.n_templates} sentences or too few words: described, not judged"
    if "degenerate" in statuses:
        return "the scores do not vary, so there is nothing to judge by"
    if "incomplete" in statuses:
        return "a pole lost too many of its words to the vocabulary"
    if "fragile" in statuses:
        return "the verdict hangs on one sentence or on one interval method"
    if state == "pass" and not case.controlled:
        return "the probe has no controls, so silence is no evidence"
    return ""


def _reason(case: Case, state: State, margin: float) -> str:
    result = case.result
    if state == "pass":
        detected = result.p_value is not None and result.p_value < 0.05
        return (
            "detected, smaller than the margin"
            if detected
            else "no association larger than the margin was found"
        )
    if state == "fail":
        return "the whole interval lies outside the margin"
    return _advice(case.comparison, margin)


def _advice(comparison: Comparison, margin: float) -> str:
    """How much larger a design would probably decide, from the variance components."""
    contrast = comparison.contrast
    limits = contrast.interval(0.95)
    if limits is None or contrast.se is None:
        return "there is no interval to judge by"
    room = abs(abs(contrast.estimate) - margin)
    half = (limits[1] - limits[0]) / 2
    factor = (half / room) ** 2 if room > 0 else math.inf
    sources = {k: v for k, v in contrast.variance.items() if k in contrast.used}
    main = max(sources, key=lambda name: sources[name])
    if "targets" in sources and main == "targets":
        noun, have = "words per pole", 0
    elif main == "terms":
        noun, have = "group words", comparison.n_terms
    else:
        noun, have = "sentences", contrast.n_templates
    spread = f"most of the uncertainty comes from the {main}"
    if not math.isfinite(factor) or factor * max(have, 1) > MOST_UNITS:
        return f"the interval crosses the margin and no practical design would decide; {spread}"
    times = f"{factor:.1f} times as many sentences and words"
    more = f" (about {math.ceil(factor * have)} {noun})" if have else f" (above all {noun})"
    return f"the interval crosses the margin; {times}{more} would probably decide; {spread}"
