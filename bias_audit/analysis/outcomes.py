"""Outcomes: what every primary comparison says, in every run, gates or none.

Bounds and ``small`` are judged for these very words. Against zero only other words of their kind
are evidence: for an exact list everything differs from zero, placebos included.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bias_audit.analysis.multiple_testing import adjust_primary
from bias_audit.analysis.statements import Question, leaning, size_word, statement
from bias_audit.gates.verdict import NO_INTERVAL, PARTIAL, claimed_contrast, why_blocked
from bias_audit.metrics.base import join_reasons
from bias_audit.records import OTHERS
from bias_audit.results import Outcome, Result
from bias_audit.results.codes import (
    BLOCKING,
    DEAF,
    FAILED,
    FLAT,
    LOUD,
    NO_CONTROLS,
    SILENT,
    as_clause,
)
from bias_audit.stats.ladder import ALPHA, at_least, at_most
from bias_audit.utils.scales import NO_GAP, gap_scale


@dataclass(frozen=True, kw_only=True, slots=True)
class ControlFault:
    """One result of a control that does not do what it must."""

    code: str
    """``silent_control`` or ``loud_control``."""
    reason: str
    groups: tuple[str, ...]
    """Ids of the groups that the control compares."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Instrument:
    """Whether what a probe measures can be believed."""

    failed: str = ""
    """Why nothing of it can; empty where it can."""
    faults: tuple[ControlFault, ...] = ()

    def vet(self, result: Result, groups: Iterable[str]) -> Result:
        """Return a result with the statuses that follow for its groups, and the reason first.

        A control of other groups (placebo, halves, a word for each group) vouches for all of them.

        Args:
            result: of the probe.
            groups: ids of all groups of the probe.
        """
        mine, every = set(result.groups) - {OTHERS}, set(groups)
        met = [
            fault
            for fault in self.faults
            if not every & set(fault.groups) or mine & set(fault.groups)
        ]
        codes = [FAILED] * bool(self.failed) + [fault.code for fault in met]
        if not codes:
            return result
        reasons = dict.fromkeys(filter(None, [self.failed, *(fault.reason for fault in met)]))
        update = {
            "statuses": tuple(dict.fromkeys((*result.statuses, *codes))),
            "reason": join_reasons("; ".join(reasons), result.reason),
        }
        return result.model_copy(update=update)


def conclude(
    results: Sequence[Result], question: Question, *, partial: bool, silence: str = ""
) -> list[Result]:
    """Return the primary comparisons of one probe with their outcomes, in the order given.

    They are one family: what else was run changes none of them.

    Args:
        results: primary comparisons without outcomes.
        question: what the probe asks.
        partial: the run was cut short.
        silence: why small gaps are no evidence, where a control is missing.
    """
    family = adjust_primary(results)
    return [
        _with_outcome(
            result.model_copy(update={"p_adjusted": p, "p_adjustment": family.method}),
            question,
            partial=partial,
            silence=silence,
        )
        for result, p in zip(results, family.adjusted, strict=True)
    ]


def outcome_of(result: Result, margin: float, *, partial: bool = False) -> Outcome:
    """Return what a comparison says, from its interval, its adjusted p and its statuses."""
    scale = gap_scale(result.unit)
    contrast = claimed_contrast(result, "these_words")
    ends = contrast.interval(0.9) if contrast else None
    if partial or contrast is None or ends is None or set(BLOCKING) & set(result.statuses):
        return "not_measurable"
    if _generalises(result) or at_least(contrast, scale):
        return "not_measurable" if LOUD in result.statuses else "association"
    if max(map(abs, ends)) < margin:
        return "not_measurable" if set(DEAF) & set(result.statuses) else "small"
    return "open"


def _with_outcome(result: Result, question: Question, *, partial: bool, silence: str) -> Result:
    """The result with its outcome, and everything that says it."""
    margin, scale = result.margin or 0.0, gap_scale(result.unit)
    contrast = claimed_contrast(result, "these_words")
    outcome = outcome_of(result, margin, partial=partial)
    least = at_least(contrast, scale) if contrast else None
    most = at_most(contrast, scale) if contrast else None
    statuses, measured = list(result.statuses), outcome != "not_measurable"
    if outcome == "association" and not _generalises(result):
        statuses.append("these_words_only")
    if outcome == "open" and _misses(result, margin):
        statuses.append("under_powered")
    result = result.model_copy(
        update={
            "outcome": outcome,
            "at_least": least if measured and LOUD not in statuses else None,
            "at_most": most if measured and not set(DEAF) & set(statuses) else None,
            "statuses": tuple(dict.fromkeys(statuses)),
            "reason": result.reason if measured else _why_not(result, silence, partial=partial),
        }
    )
    ends = contrast.interval() if contrast else None
    has_sign = outcome == "open" and ends is not None and not ends[0] <= 0 <= ends[1]
    if outcome == "association" or has_sign:
        who, pole = leaning(result, question)
        size = size_word(result.estimate or 0.0, scale)
        result = result.model_copy(update={"leans": who, "pole": pole, "size": size})
    return result.model_copy(update={"statement": statement(result, question)})


def _generalises(result: Result) -> bool:
    """Whether the claim about other words of the kind holds against no gap at all."""
    return result.p_adjusted is not None and result.p_adjusted < ALPHA


def _why_not(result: Result, silence: str, *, partial: bool) -> str:
    """Why a comparison is not measurable; what was found out about the instrument comes first."""
    if partial:
        return PARTIAL
    flat = _flat(result) if FLAT in result.statuses and FAILED not in result.statuses else ""
    if {FAILED, SILENT, LOUD} & set(result.statuses):
        return join_reasons(result.reason, flat)
    if flat and "descriptive_only" not in result.statuses:
        return flat
    if blocked := why_blocked(result.statuses, result.n_templates):
        return blocked
    deaf = set(DEAF) & set(result.statuses)
    return (silence or as_clause(NO_CONTROLS)) if deaf else result.reason or NO_INTERVAL


def _flat(result: Result) -> str:
    """Say which gap every sentence shows, and what that may come from."""
    gap, scale = abs(result.estimate or 0.0), gap_scale(result.unit)
    if gap < NO_GAP:
        return "no group changes any score"
    return (
        f"the gap is the same in every sentence ({scale.tell(gap)} {scale.mark}), so no interval "
        "can be computed; it may come from a rule on single words: look at the evidence"
    )


def failure(primary: Iterable[Result]) -> str:
    """Return why the instrument of a probe failed, from its primary results; empty if it works."""
    return next((r.reason or as_clause(FAILED) for r in primary if FAILED in r.statuses), "")


def withhold(result: Result, reason: str) -> Result:
    """Return the result with the status ``instrument_failed``, and the reason before its own.

    Args:
        result: what was measured.
        reason: why the instrument failed; the result stays as it is where this is empty.
    """
    return Instrument(failed=reason).vet(result, ())


def _misses(result: Result, margin: float) -> bool:
    """A gap of the size of the margin could go unnoticed, computed or tried (R8b)."""
    tried = any(check.consequence == "under_powered" for check in result.checks)
    return tried or (result.mde80 is not None and result.mde80 > margin)
