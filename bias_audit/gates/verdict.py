"""One number against one limit: the state, the reason, and what would decide.

The limit of a gate and the catalogue's margin are judged by the same rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bias_audit.gates.power import (
    RequiredSize,
    describe_required,
    describe_scaled,
    largest_of,
    random_units,
    required_sample_size,
)
from bias_audit.results.codes import BLOCKING, NO_CONTROLS, NO_CONTROLS_REASON, as_clause
from bias_audit.results.decisions import Change, RiseBound
from bias_audit.results.schema import Result, State
from bias_audit.stats.equivalence import outcome
from bias_audit.stats.estimate import Contrast
from bias_audit.stats.fragility import (
    ALPHA,
    DECIDES,
    StabilityBounds,
    decided_side,
    deciding_level,
    is_confounded,
    is_fragile,
)
from bias_audit.stats.multiplicity import holm
from bias_audit.stats.power import VarianceComponents
from bias_audit.stats.rise import depends_on_one_unit, p_increased, p_not_increased
from bias_audit.utils.text import number

PARTIAL = "the run was cut short, so nothing is decided"
PARTIAL_SIDE = "the run or its baseline was cut short, so nothing is decided"
FRAGILE = (
    "without one sentence or word, on half of the words, or by another interval method, the verdict"
    " would change"
)
OUTSIDE = "between group words of equal frequency and length the gap would lie outside of the limit"
NO_INTERVAL = "there is no interval to judge by"
SHARED = ("instrument_failed", "no_card", "descriptive_only", "incomplete")
"""Statuses of a result that forbid a verdict on its change too; the others are about its size."""
AT_THE_MARGIN = ("fragile", "confounded")
"""Statuses that were found at the probe's own margin: another limit has to ask again."""


class Verdict(NamedTuple):
    """What a gate says."""

    state: State
    code: str
    """Reason code."""
    reason: str
    """In words."""
    required: RequiredSize = RequiredSize()
    """What would decide an interval that crosses the limit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GateFamily:
    """What everything that is judged together means for one number."""

    p: float
    """p for lying beyond the limit, after Holm over the family."""
    size: int
    """Number of its members."""
    level: float = DECIDES
    """Level of the interval that decides a failure by this p."""


def holm_families(p_values: Sequence[float]) -> list[GateFamily]:
    """Return for each of the numbers that are judged together what the others mean for it."""
    adjusted = holm(np.array(p_values)).tolist() if p_values else []
    return [
        GateFamily(p=after, size=len(adjusted), level=deciding_level(p, after))
        for p, after in zip(p_values, adjusted, strict=True)
    ]


def judge_gap(
    result: Result, limit: float, family: GateFamily, *, partial: bool, own_margin: bool = False
) -> Verdict:
    """Judge the size of a gap: pass by its 90 % interval, fail by the one after Holm.

    ``own_margin`` says that the limit is the margin of the probe, at which the checks of the result
    were made; at another limit they are made again, from the bounds that the result holds.
    """
    if partial:
        return Verdict("unclear", "partial_run", PARTIAL)
    if code := _blocking_size(result, own_margin=own_margin):
        return Verdict("unclear", code, result.reason or as_clause(code, n=result.n_templates))
    contrast = _contrast(result)
    if contrast is None:
        return Verdict("unclear", "no_interval", result.reason or NO_INTERVAL)
    state = outcome(contrast, limit, p_beyond_adjusted=family.p)
    if not own_margin and _is_confounded(result, contrast, limit):
        reason = OUTSIDE if state == "pass" else as_clause("confounded")
        return Verdict("unclear", "confounded", reason)
    if state == "unclear":
        return _crossing(result, contrast, limit, family, own_margin=own_margin)
    if not own_margin and is_fragile(contrast, StabilityBounds.of(result), limit, family.level):
        return Verdict("unclear", "fragile", FRAGILE)
    noun = "margin" if own_margin else "limit"
    if state == "fail":
        return Verdict("fail", "outside_limit", f"the whole interval lies outside the {noun}")
    if NO_CONTROLS in result.statuses:
        return Verdict("unclear", "uncontrolled", NO_CONTROLS_REASON)
    if result.p_value is None or result.p_value >= ALPHA:
        reason = f"no association larger than the {noun} was found"
    elif own_margin:
        reason = "detected, smaller than the margin"
    else:
        reason = "an association was found, and it is smaller than the limit"
    return Verdict("pass", "inside_limit", reason)


def judge_margins(results: Sequence[Result], *, partial: bool = False) -> list[Verdict]:
    """Judge primary results by their own margins; Holm over the results of each axis.

    What cannot be judged counts in its family, so that a failed control makes it no easier to fail
    the rest.
    """
    axes: dict[str, list[int]] = {}
    for index, result in enumerate(results):
        axes.setdefault(result.axis, []).append(index)
    verdicts: dict[int, Verdict] = {}
    for members in axes.values():
        p_values = [p_gap(results[index], None) for index in members]
        for index, family in zip(members, holm_families(p_values), strict=True):
            result = results[index]
            verdicts[index] = (
                judge_gap(result, result.margin, family, partial=partial, own_margin=True)
                if result.margin
                else Verdict("unclear", "no_interval", result.reason)
            )
    return [verdicts[index] for index in range(len(results))]


def judge_increase(
    result: Result, change: Change, limit: float, family: GateFamily, *, partial: bool
) -> Verdict:
    """Judge the rise of a gap over its baseline: an intersection-union test of two bounds."""
    if partial:
        return Verdict("unclear", "partial_run", PARTIAL_SIDE)
    statuses = (*change.statuses, *(code for code in result.statuses if code in SHARED))
    code = change.reason_code or _blocking(statuses)
    if change.identical and code != "instrument_failed" and (not code or code in BLOCKING):
        reason = "model and baseline give every gated sentence the same scores"
        return Verdict("pass", "identical_outputs", reason)
    if code:
        own = change.reason if change.reason_code else result.reason * (code in result.statuses)
        return Verdict("unclear", code, own or as_clause(code, n=result.n_templates))
    p_inside = p_not_increased(change.bounds, limit, change.bound_level)
    if p_inside is None:
        return Verdict("unclear", "no_interval", change.reason or NO_INTERVAL)
    passes = p_inside <= ALPHA
    if not passes and family.p > ALPHA:
        return _crossing_rise(result, change, limit, family)
    if depends_on_one_unit(change.bounds, limit, change.bound_level, passes=passes):
        return Verdict("unclear", "fragile", FRAGILE)
    size = f"{number(limit)} {change.unit}"
    if not passes:
        return Verdict("fail", "outside_rise", f"the gap has grown by more than {size}")
    if NO_CONTROLS in (*result.statuses, *change.statuses):
        return Verdict("unclear", "uncontrolled", NO_CONTROLS_REASON)
    return Verdict("pass", "inside_rise", f"the gap has not grown by more than {size}")


def p_gap(result: Result, limit: float | None) -> float:
    """Return p for a gap larger than a limit, before Holm; 1 where nothing can be judged.

    None is the probe's own margin, at which what is fragile still has its p.
    """
    contrast = _contrast(result)
    if contrast is None:
        return 1.0
    if limit is None:
        lost = is_barred(result.statuses)
    else:
        lost = bool(_blocking_size(result)) or _is_confounded(result, contrast, limit)
    p = None if lost else contrast.p_beyond(limit or result.margin or 0.0)
    return 1.0 if p is None else p


def p_increase(change: Change | None, limit: float) -> float:
    """Return p for a rise of more than the limit, before Holm; 1 where nothing can be judged."""
    if change is None or change.reason_code or change.identical:
        return 1.0
    p = p_increased(change.bounds, limit, change.bound_level)
    return 1.0 if p is None else p


def _contrast(result: Result) -> Contrast | None:
    """What judging needs of a stored result; None without an interval of some width."""
    if result.estimate is None or result.se is None or result.df is None:
        return None
    if result.se <= 0 or result.df <= 0:
        return None
    return Contrast(
        estimate=result.estimate,
        se=result.se,
        df=result.df,
        n_templates=result.n_templates,
        n_terms=result.n_terms,
    )


def is_barred(statuses: Iterable[str]) -> bool:
    """Return whether no claim can be made, so that p is no evidence; fragile ones keep theirs."""
    return any(code in BLOCKING and code != "fragile" for code in statuses)


def why_blocked(statuses: Iterable[str], n_templates: int) -> str:
    """Return why no verdict may be given, in words; empty when it may."""
    code = _blocking(statuses)
    return as_clause(code, n=n_templates) if code else ""


def _blocking(statuses: Iterable[str]) -> str:
    """The most important status that forbids a verdict; empty when there is none."""
    present = set(statuses)
    return next((code for code in BLOCKING if code in present), "")


def _blocking_size(result: Result, *, own_margin: bool = False) -> str:
    if own_margin:
        return _blocking(result.statuses)
    return _blocking(code for code in result.statuses if code not in AT_THE_MARGIN)


def _is_confounded(result: Result, contrast: Contrast, limit: float) -> bool:
    """Whether another verdict would be due at equal frequency and length of the words (R4).

    It is asked before Holm, since the answer takes the result out of the claims of its family.
    """
    if result.adjusted_estimate is None:
        return False
    side, p = decided_side(contrast, limit), contrast.p_value()
    detected = p is not None and p < ALPHA
    return is_confounded(
        contrast.estimate, result.adjusted_estimate, side, limit, detected=detected
    )


def _crossing(
    result: Result, contrast: Contrast, limit: float, family: GateFamily, *, own_margin: bool
) -> Verdict:
    """An interval that crosses the limit, and how much more would decide."""
    gap, alone = abs(contrast.estimate) - limit, contrast.p_beyond(limit)
    noun, members = ("margin", "gaps") if own_margin else ("limit", "gated results")
    reason = f"the interval crosses the {noun}"
    if gap > 0 and alone is not None and alone <= ALPHA:
        reason = f"the interval lies outside the {noun}, but not after adjusting for"
        reason += f" {family.size} {members}"
    if own_margin:
        reason += describe_scaled(result, contrast, limit, family.size)
        return Verdict("unclear", "crosses_limit", reason)
    tail = ALPHA if gap <= 0 else ALPHA / 2 / family.size
    required = required_sample_size(
        result, result.variance, contrast.df or 0.0, gap=abs(gap), tail=tail
    )
    reason += f"; {describe_required(result, result.variance, required)}"
    return Verdict("unclear", "crosses_limit", reason, required)


def _crossing_rise(result: Result, change: Change, limit: float, family: GateFamily) -> Verdict:
    """A rise that may lie on either side of the limit, and how much more would decide."""
    beyond = 1 - change.bound_level
    above = max(bound.estimate for bound in change.bounds) > limit
    reason = "the interval of the rise crosses the limit"
    if above and p_increase(change, limit) <= ALPHA:
        reason = "the rise is above the limit, but not after adjusting for"
        reason += f" {family.size} gated results"
    tail = beyond / family.size if above else beyond
    undecided = [b for b in change.bounds if _is_undecided(b, limit, change, above=above)]
    variances = [_variance(bound, result, change) for bound in undecided]
    required = largest_of(
        [
            required_sample_size(
                result, variance, bound.df or 0.0, gap=abs(bound.estimate - limit), tail=tail
            )
            for bound, variance in zip(undecided, variances, strict=True)
        ]
    )
    reason += f"; {describe_required(result, variances[0], required)}"
    return Verdict("unclear", "crosses_rise", reason, required)


def _is_undecided(bound: RiseBound, limit: float, change: Change, *, above: bool) -> bool:
    """What keeps the gate from deciding: the claim above the limit, else all not below it."""
    if above:
        return bound.estimate == max(other.estimate for other in change.bounds)
    p = p_not_increased([bound], limit, change.bound_level)
    return p is None or p > ALPHA


def _variance(bound: RiseBound, result: Result, change: Change) -> Mapping[str, float]:
    """Sources of a claim's uncertainty.

    ``further`` is the difference of both runs; ``reversed`` is their sum, in which nothing cancels:
    its sources have the proportions of a single run's.
    """
    if bound.claim == "further":
        return change.variance
    units = random_units(result)
    total = VarianceComponents(variance=result.variance, units=units, df=1.0).total
    if not total or bound.se is None:
        return {}
    return {source: value * bound.se**2 / total for source, value in result.variance.items()}
