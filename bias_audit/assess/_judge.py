"""Verdicts: adjust for the number of comparisons, then hold each to its probe's own margin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bias_audit.archive import Result
from bias_audit.assess import _families
from bias_audit.assess._input import Comparison, Settings
from bias_audit.assess.checks import percentile
from bias_audit.gates.verdict import (
    Verdict,
    holm_families,
    is_barred,
    judge_margins,
    why_blocked,
)
from bias_audit.stats.fragility import decided_side


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
    family = _families.primary([c.result for c in cases], [c.comparison for c in cases], settings)
    results = [
        _with_instrument(case.result, case.instrument).model_copy(
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
    p_values = [None if barred else one.contrast.p_beyond(m) for one, m, barred in family]
    return [one.level for one in holm_families([1.0 if p is None else p for p in p_values])]


def barred(statuses: Sequence[str], instrument: str) -> bool:
    """Return whether no claim can be made, so that p is no evidence."""
    return bool(instrument) or is_barred(statuses)


def _with_instrument(result: Result, instrument: str) -> Result:
    """A result with the status of a failed instrument; its reason is why, or empty."""
    statuses = [*result.statuses, *(["instrument_failed"] if instrument else [])]
    return result.model_copy(update={"statuses": tuple(statuses), "reason": instrument})


def _with_verdict(result: Result, verdict: Verdict, gaps: tuple[float, ...]) -> Result:
    statuses = list(result.statuses)
    if verdict.state == "unclear" and _misses(result, result.margin or 0.0):
        statuses.append("under_powered")
    return result.model_copy(
        update={
            "outcome": verdict.state,
            "reason": verdict.reason,
            "statuses": tuple(dict.fromkeys(statuses)),
            "placebo_percentile": percentile(
                result.estimate or 0.0, gaps if result.estimate is not None else ()
            ),
        }
    )


def withheld(result: Result, instrument: str, comparison: Comparison | None = None) -> Result:
    """Return a result outside of the family, with the reason why no gate may judge it, if any.

    Args:
        result: what was measured.
        instrument: why the instrument failed; empty when it works.
        comparison: behind a result that gates may judge.
    """
    statuses = [*result.statuses, *(["instrument_failed"] if instrument else [])]
    reason, margin = instrument or why_blocked(statuses, result.n_templates), result.margin or 0.0
    if (
        comparison
        and (reason or decided_side(comparison.contrast, margin) is None)
        and _misses(result, margin)
    ):
        statuses.append("under_powered")
    update = {"statuses": tuple(statuses), "reason": reason or result.reason}
    return result.model_copy(update=update)


def _misses(result: Result, margin: float) -> bool:
    """A gap of the size of the margin could go unnoticed, computed or tried (R8b)."""
    tried = any(check.consequence == "under_powered" for check in result.checks)
    return tried or (result.mde80 is not None and result.mde80 > margin)
