"""One number against one limit: the state, the reason, and what would decide."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bias_audit._advice import advice, all_of, needed
from bias_audit.results import Change, Result, RiseBound, State
from bias_audit.results.codes import BLOCKING, NO_CONTROLS, NO_CONTROLS_REASON, as_clause
from bias_audit.stats import severity
from bias_audit.stats.equivalence import outcome
from bias_audit.stats.estimate import Contrast
from bias_audit.stats.layout import without_one
from bias_audit.stats.steady import (
    ALPHA,
    DECIDES,
    Halves,
    Limits,
    Steadiness,
    confounds,
    decided,
    unsteady,
)
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


class Verdict(NamedTuple):
    """What a gate says."""

    state: State
    code: str
    """Reason code."""
    reason: str
    """In words."""
    templates: int | None = None
    """Sentences that would decide."""
    terms: int | None = None
    """Group words that would decide."""
    targets: int | None = None
    """Words of the poles that would decide."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Family:
    """What the other gates of the run mean for this one."""

    p: float
    """p for lying beyond the limit, after Holm over all gated results."""
    size: int
    """Number of gated results."""
    level: float = DECIDES
    """Level of the interval that decides a failure by this p."""


def absolute(result: Result, limit: float, family: Family, *, partial: bool) -> Verdict:
    """Judge the size of a gap: pass by its 90 % interval, fail by the one after Holm."""
    if partial:
        return Verdict("unclear", "partial_run", PARTIAL)
    if code := _blocking_size(result):
        return Verdict("unclear", code, result.reason or as_clause(code, n=result.n_templates))
    found = contrast(result)
    if found is None:
        return Verdict("unclear", "no_interval", result.reason or NO_INTERVAL)
    state = outcome(found, limit, p_beyond_adjusted=family.p)
    if _confounded(result, found, limit):
        said = OUTSIDE if state == "pass" else as_clause("confounded")
        return Verdict("unclear", "confounded", said)
    if state == "unclear":
        return _wider(result, found, limit, family)
    if unsteady(found, _steadiness(result), limit, family.level):
        return Verdict("unclear", "fragile", FRAGILE)
    if state == "fail":
        return Verdict("fail", "outside_limit", "the whole interval lies outside the limit")
    if NO_CONTROLS in result.statuses:
        return Verdict("unclear", "uncontrolled", NO_CONTROLS_REASON)
    found_gap = result.p_value is not None and result.p_value < ALPHA
    said = "an association was found, and it is smaller than the limit"
    none = "no association larger than the limit was found"
    return Verdict("pass", "inside_limit", said if found_gap else none)


def regression(
    result: Result, change: Change, limit: float, family: Family, *, partial: bool
) -> Verdict:
    """Judge the rise of a gap over its baseline: an intersection-union test of two bounds."""
    if partial:
        return Verdict("unclear", "partial_run", PARTIAL_SIDE)
    statuses = (*change.statuses, *(code for code in result.statuses if code in SHARED))
    code = change.reason_code or _blocking(statuses)
    if change.identical and code != "instrument_failed" and (not code or code in BLOCKING):
        said = "model and baseline give every gated sentence the same scores"
        return Verdict("pass", "identical_outputs", said)
    if code:
        own = change.reason if change.reason_code else result.reason * (code in result.statuses)
        return Verdict("unclear", code, own or as_clause(code, n=result.n_templates))
    held = severity.p_held(change.bounds, limit, change.bound_level)
    if held is None:
        return Verdict("unclear", "no_interval", change.reason or NO_INTERVAL)
    if held > ALPHA and family.p > ALPHA:
        return _wider_rise(result, change, limit, family)
    if severity.hangs_on_one(change.bounds, limit, change.bound_level, held=held <= ALPHA):
        return Verdict("unclear", "fragile", FRAGILE)
    size = f"{number(limit)} {change.unit}"
    if held > ALPHA:
        return Verdict("fail", "outside_rise", f"the gap has grown by more than {size}")
    if NO_CONTROLS in (*result.statuses, *change.statuses):
        return Verdict("unclear", "uncontrolled", NO_CONTROLS_REASON)
    return Verdict("pass", "inside_rise", f"the gap has not grown by more than {size}")


def p_absolute(result: Result, limit: float) -> float:
    """p for a gap larger than the limit, before Holm; 1 where nothing can be judged."""
    found = contrast(result)
    if found is None or _blocking_size(result) or _confounded(result, found, limit):
        return 1.0
    p = found.p_beyond(limit)
    return 1.0 if p is None else p


def p_rise(change: Change | None, limit: float) -> float:
    """p for a rise of more than the limit, before Holm; 1 where nothing can be judged."""
    if change is None or change.reason_code or change.identical:
        return 1.0
    p = severity.p_risen(change.bounds, limit, change.bound_level)
    return 1.0 if p is None else p


def contrast(result: Result) -> Contrast | None:
    """What judging needs of a stored result; None without an interval, or with one of no width."""
    if result.estimate is None or result.se is None or result.df is None:
        return None
    if result.se <= 0 or result.df <= 0:
        return None
    return Contrast(
        estimate=result.estimate,
        parts={},
        used=(),
        variance={},
        se=result.se,
        df=result.df,
        delta=(),
        n_templates=result.n_templates,
        n_terms=result.n_terms,
        skew=0.0,
        largest_share=0.0,
        resolution=0.0,
        status="ok",
    )


def _blocking(statuses: Iterable[str]) -> str:
    """The most important status that forbids a verdict; empty when there is none."""
    there = set(statuses)
    return next((code for code in BLOCKING if code in there), "")


def _blocking_size(result: Result) -> str:
    """As :func:`_blocking`, less what is about the probe's own margin: a gate has its own.

    These statuses still count for runs of older versions, which do not say what they were found by.
    """
    asked = {"fragile": result.loo_low, "confounded": result.adjusted_estimate}
    return _blocking(code for code in result.statuses if asked.get(code) is None)


def _confounded(result: Result, found: Contrast, limit: float) -> bool:
    """Whether another verdict would be due at equal frequency and length of the words (R4).

    It is asked before Holm, since the answer takes the result out of the claims of its family.
    """
    if result.adjusted_estimate is None:
        return False
    verdict, p = decided(found, limit), found.p_value()
    where, there = verdict[2] if verdict else None, p is not None and p < ALPHA
    return confounds(found.estimate, result.adjusted_estimate, where, limit, there=there)


def _steadiness(result: Result) -> Steadiness:
    """What is stored about it; the sentences alone tell for runs of older versions."""
    if result.loo_low is None or result.loo_high is None:
        left = without_one(np.array([effect.value for effect in result.by_template]))
        return Steadiness(without=(min(left), max(left)) if left else None, uneven=False)
    return Steadiness(
        without=(result.loo_low, result.loo_high),
        uneven=result.skewed,
        other=_both(result.alt_ci_low, result.alt_ci_high),
        other90=_both(result.alt_ci90_low, result.alt_ci90_high),
        halves=_halves(result),
    )


def _halves(result: Result) -> Halves | None:
    low, high, outside = result.split_half_low, result.split_half_high, result.split_half_fail_limit
    if low is None or high is None or outside is None:
        return None
    inside = math.inf if result.split_half_pass_limit is None else result.split_half_pass_limit
    return Halves(low=low, high=high, outside=outside, inside=inside)


def _both(low: float | None, high: float | None) -> Limits | None:
    return None if low is None or high is None else (low, high)


def _wider(result: Result, found: Contrast, limit: float, family: Family) -> Verdict:
    """An interval that crosses the limit, and how much more would decide."""
    gap = abs(found.estimate) - limit
    said = "the interval crosses the limit"
    if gap > 0 and (alone := found.p_beyond(limit)) is not None and alone <= ALPHA:
        said = f"the interval lies outside the limit, but not after adjusting for {family.size}"
        said += " gated results"
    tail = ALPHA if gap <= 0 else ALPHA / 2 / family.size
    more = needed(result, result.variance, found.df or 0.0, abs(gap), tail)
    return Verdict(
        "unclear", "crosses_limit", f"{said}; {advice(result, result.variance, more)}", *more
    )


def _wider_rise(result: Result, change: Change, limit: float, family: Family) -> Verdict:
    """A rise that may lie on either side of the limit, and how much more would decide."""
    beyond = 1 - change.bound_level
    above = max(bound.estimate for bound in change.bounds) > limit
    if above and p_rise(change, limit) <= ALPHA:
        said = "the rise is above the limit, but not after adjusting for"
        said += f" {family.size} gated results"
    else:
        said = "the interval of the rise crosses the limit"
    tail = beyond / family.size if above else beyond
    open_ = [bound for bound in change.bounds if _is_open(bound, limit, change, above=above)]
    variances = [_variance(bound, result, change) for bound in open_]
    found = [
        needed(result, variance, bound.df or 0.0, abs(bound.estimate - limit), tail)
        for bound, variance in zip(open_, variances, strict=True)
    ]
    more = all_of(found)
    return Verdict(
        "unclear", "crosses_rise", f"{said}; {advice(result, variances[0], more)}", *more
    )


def _is_open(bound: RiseBound, limit: float, change: Change, *, above: bool) -> bool:
    """What keeps the gate from deciding: the claim above the limit, else all not below it."""
    if above:
        return bound.estimate == max(other.estimate for other in change.bounds)
    held = severity.p_held([bound], limit, change.bound_level)
    return held is None or held > ALPHA


def _variance(bound: RiseBound, result: Result, change: Change) -> Mapping[str, float]:
    """Sources of a claim's uncertainty.

    ``further`` is the difference of both runs; ``reversed`` is their sum, in which nothing cancels:
    its sources have the proportions of a single run's.
    """
    if bound.claim == "further":
        return change.variance
    whole = sum(value for source, value in result.variance.items() if source != "residual")
    if not whole or bound.se is None:
        return {}
    return {source: value * bound.se**2 / whole for source, value in result.variance.items()}
