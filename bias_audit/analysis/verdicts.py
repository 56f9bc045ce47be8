"""Judging: adjust for the number of comparisons, then say pass, fail or unclear and why."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bias_audit.analysis.multiple_testing import adjust_primary
from bias_audit.analysis.robustness import placebo_percentile
from bias_audit.metrics.design import Comparison
from bias_audit.metrics.scored_probe import Settings
from bias_audit.results import Result, State
from bias_audit.results.codes import BLOCKING, NO_CONTROLS, NO_CONTROLS_REASON, as_clause
from bias_audit.stats.equivalence import outcome
from bias_audit.stats.multiplicity import holm
from bias_audit.stats.steady import decided, deciding_level

MOST_UNITS = 400
"""Designs larger than this are not proposed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One primary result that waits for its verdict."""

    result: Result
    comparison: Comparison
    instrument: str
    """Why the instrument failed; empty when it works."""
    placebo_gaps: tuple[float, ...]


def judge(cases: Sequence[Case], settings: Settings, *, partial: bool) -> list[Result]:
    """Judge the confirmatory family of one axis, in the order given.

    A gap beyond its margin is adjusted by Holm, whatever the family's method: what lies beyond a
    margin is no question that flipped signs could answer.
    """
    if not cases:
        return []
    family = adjust_primary([c.result for c in cases], [c.comparison for c in cases], settings)
    beyond = _beyond(
        [
            (c.comparison, c.result.margin or 0.0, barred(c.result.statuses, c.instrument))
            for c in cases
        ]
    )
    return [
        _judged(case, p, outside, partial, len(cases)).model_copy(
            update={"p_adjustment": family.method}
        )
        for case, p, (_, outside) in zip(cases, family.adjusted, beyond, strict=True)
    ]


def barred(statuses: Sequence[str], instrument: str) -> bool:
    """Whether no claim can be made, so that p is no evidence; what is fragile still has its p."""
    return bool(instrument) or any(code in BLOCKING and code != "fragile" for code in statuses)


def levels(family: Sequence[tuple[Comparison, float, bool]]) -> list[float]:
    """Level of the interval that decides each comparison of a family.

    Each is given with its margin, and whether it is barred from any claim.
    """
    return [deciding_level(p, adjusted) for p, adjusted in _beyond(family)]


def _beyond(family: Sequence[tuple[Comparison, float, bool]]) -> list[tuple[float, float]]:
    """p for lying beyond the margin, before and after Holm; 1 where it cannot be told.

    What is barred counts, so that a failed control makes it no easier to fail the rest.
    """
    found = [None if out else one.contrast.p_beyond(margin) for one, margin, out in family]
    raw = np.array([1.0 if p is None else p for p in found])
    return list(zip(raw.tolist(), holm(raw).tolist(), strict=True))


def _judged(
    case: Case, p_adjusted: float | None, p_beyond: float, partial: bool, tests: int
) -> Result:
    result, margin = case.result, case.result.margin or 0.0
    statuses = [*result.statuses, *(["instrument_failed"] if case.instrument else [])]
    state: State = outcome(case.comparison.contrast, margin, p_beyond_adjusted=p_beyond)
    reason = "the run was cut short, so nothing is decided" if partial else ""
    reason = reason or blocked(statuses, case.instrument, result.n_templates)
    if not reason and state == "pass" and NO_CONTROLS in statuses:
        reason = NO_CONTROLS_REASON
    if reason:
        state = "unclear"
    else:
        reason = _reason(case, state, margin, tests)
    if state == "unclear" and _misses(result, margin):
        statuses.append("under_powered")
    gaps = case.placebo_gaps if result.estimate is not None else ()
    return result.model_copy(
        update={
            "p_adjusted": p_adjusted,
            "outcome": state,
            "reason": reason,
            "statuses": tuple(dict.fromkeys(statuses)),
            "placebo_percentile": placebo_percentile(result.estimate or 0.0, gaps),
        }
    )


def withheld(result: Result, instrument: str, comparison: Comparison | None = None) -> Result:
    """A result outside of the family, with the reason why no gate may judge it, if there is one.

    Args:
        result: what was measured.
        instrument: why the instrument failed; empty when it works.
        comparison: behind a result that gates may judge.
    """
    statuses = [*result.statuses, *(["instrument_failed"] if instrument else [])]
    said, margin = blocked(statuses, instrument, result.n_templates), result.margin or 0.0
    if (
        comparison
        and (said or not decided(comparison.contrast, margin))
        and _misses(result, margin)
    ):
        statuses.append("under_powered")
    update = {"statuses": tuple(statuses), "reason": said or result.reason}
    return result.model_copy(update=update)


def _misses(result: Result, margin: float) -> bool:
    """A gap of the size of the margin could go unnoticed, computed or tried (R8b)."""
    tried = any(check.consequence == "under_powered" for check in result.checks)
    return tried or (result.mde80 is not None and result.mde80 > margin)


def blocked(statuses: Sequence[str], instrument: str, n_templates: int) -> str:
    """Why no verdict may be given; empty when it may."""
    if instrument:
        return instrument
    code = next((code for code in BLOCKING if code in statuses), "")
    return as_clause(code, n=n_templates) if code else ""


def _reason(case: Case, state: State, margin: float, tests: int) -> str:
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
    return advice(case.comparison, margin, tests)


def advice(comparison: Comparison, margin: float, tests: int) -> str:
    """Return how much larger a design would probably decide, from the variance components.

    A gap inside the margin needs its 90 % interval inside; one outside needs the interval at the
    level that is left when ``tests`` comparisons are judged together.
    """
    contrast = comparison.contrast
    gap = abs(contrast.estimate) - margin
    limits = contrast.interval(0.9 if gap <= 0 else 1 - 0.05 / tests)
    if limits is None:
        return "there is no interval to judge by"
    half = (limits[1] - limits[0]) / 2
    factor = (half / gap) ** 2 if gap != 0 else math.inf
    main, noun, have = _largest_source(comparison)
    said = "the interval crosses the margin"
    alone = contrast.interval(0.95)
    if gap > 0 and alone is not None and (alone[1] - alone[0]) / 2 < gap:
        said = f"the interval lies outside the margin, but not after adjusting for {tests} gaps"
    spread = f"most of the uncertainty comes from the {main}"
    if not math.isfinite(factor) or factor * have > MOST_UNITS:
        return f"{said} and no practical design would decide; {spread}"
    times = f"{_about(factor)} times as many sentences and words"
    return (
        f"{said}; {times} (about {math.ceil(factor * have)} {noun}) would probably decide; {spread}"
    )


def _about(factor: float) -> str:
    """How many times, no sharper than an advice can be: ``1.3``, ``about 15``."""
    return f"about {factor:.0f}" if factor >= 5 else f"{math.ceil(factor * 10) / 10:.1f}"


def _largest_source(comparison: Comparison) -> tuple[str, str, int]:
    """The random source with most variance, the name of its units, and how many there are."""
    contrast = comparison.contrast
    main = max(contrast.used, key=lambda source: contrast.variance[source])
    if main == "targets":
        return "words of the poles", "words per pole", comparison.n_targets
    if main == "terms":
        noun = "pairs of group words" if comparison.paired else "group words"
        return "group words", noun, comparison.n_terms
    return "sentences", "sentences", contrast.n_templates
