"""Verdicts: adjust for the number of comparisons, then hold each to its probe's own margin."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bias_audit.analysis.multiple_testing import adjust_primary
from bias_audit.analysis.robustness import placebo_percentile
from bias_audit.gates.verdict import Verdict, holm_families, judge_margins, why_blocked
from bias_audit.metrics.base import join_reasons
from bias_audit.metrics.design import Comparison
from bias_audit.metrics.scored_probe import Settings
from bias_audit.results import Result
from bias_audit.stats.estimate import Contrast
from bias_audit.stats.fragility import decided_side

FAILED = "instrument_failed"


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
    results = [
        withhold(case.result.model_copy(update={"reason": ""}), case.instrument).model_copy(
            update={"p_adjusted": p, "p_adjustment": family.method}
        )
        for case, p in zip(cases, family.adjusted, strict=True)
    ]
    verdicts = judge_margins(results, partial=partial)
    return [
        _with_verdict(result, verdict, case.placebo_gaps)
        for result, verdict, case in zip(results, verdicts, cases, strict=True)
    ]


def levels(family: Sequence[tuple[Comparison, float, bool]]) -> list[float]:
    """Return the level of the interval that decides each comparison of a family.

    Each is given with its margin, and whether it is barred from any claim; what is barred counts.
    """
    p_values = [None if barred else one.these_words.p_beyond(m) for one, m, barred in family]
    return [one.level for one in holm_families([1.0 if p is None else p for p in p_values])]


def _with_verdict(result: Result, verdict: Verdict, gaps: tuple[float, ...]) -> Result:
    statuses = list(result.statuses)
    if verdict.state == "unclear" and _misses(result, result.margin or 0.0):
        statuses.append("under_powered")
    return result.model_copy(
        update={
            "outcome": verdict.state,
            "reason": verdict.reason,
            "statuses": tuple(dict.fromkeys(statuses)),
            "placebo_percentile": placebo_percentile(
                result.estimate or 0.0, gaps if result.estimate is not None else ()
            ),
        }
    )


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
    update = {"statuses": statuses, "reason": join_reasons(reason, result.reason)}
    return result.model_copy(update=update)


def block(result: Result, instrument: str, contrast: Contrast | None = None) -> Result:
    """Return a result outside of the family with the reason why no gate may judge it, if any.

    Args:
        result: what was measured.
        instrument: why the instrument failed; empty when it works.
        contrast: behind a gap, which may be too uncertain for its margin.
    """
    result = withhold(result, instrument)
    statuses, margin = [*result.statuses], result.margin or 0.0
    reason = instrument or why_blocked(statuses, result.n_templates)
    undecided = reason or (contrast and decided_side(contrast, margin) is None)
    if contrast and undecided and _misses(result, margin):
        statuses.append("under_powered")
    update = {"statuses": tuple(statuses)} | (
        {} if instrument or not reason else {"reason": reason}
    )
    return result.model_copy(update=update)


def _misses(result: Result, margin: float) -> bool:
    """A gap of the size of the margin could go unnoticed, computed or tried (R8b)."""
    tried = any(check.consequence == "under_powered" for check in result.checks)
    return tried or (result.mde80 is not None and result.mde80 > margin)
