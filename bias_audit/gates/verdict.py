"""One number against the limit of a gate: the state, the reason, and what would decide.

A limit is a number that a user wrote. The reference margins of the catalogue are not judged here:
they give outcomes (:mod:`bias_audit.analysis.outcomes`), never a state.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bias_audit.gates.power import (
    RequiredSize,
    describe_required,
    largest_of,
    random_units,
    required_sample_size,
)
from bias_audit.results.codes import BLOCKING, CODES, DEAF, FAILED, LOUD, SILENT, as_clause
from bias_audit.results.decisions import Change, RiseBound
from bias_audit.results.schema import Claim, ClaimName, Result, State
from bias_audit.stats.estimate import Contrast
from bias_audit.stats.fragility import StabilityBounds, depends_on_one_unit, is_confounded
from bias_audit.stats.ladder import ALPHA
from bias_audit.stats.multiplicity import holm
from bias_audit.stats.power import VarianceComponents
from bias_audit.stats.rise import p_increased, p_not_increased
from bias_audit.utils.text import number, times

PARTIAL = "the run was cut short, so nothing is decided"
PARTIAL_SIDE = "the run or its baseline was cut short, so nothing is decided"
NO_INTERVAL = "there is no interval to judge by"
OF_THE_MARGIN = ("fragile", "confounded")
"""Notices that were made at the reference margin: at the limit of a gate they are asked again."""


class Verdict(NamedTuple):
    """What a gate says."""

    state: State
    code: str
    """Reason code."""
    reason: str
    """In words."""
    required: RequiredSize = RequiredSize()
    """What would decide an interval that crosses the limit."""
    notices: tuple[str, ...] = ()
    """What a reader should know beside the state."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GateFamily:
    """What all gates together mean for one of them."""

    p: float
    """p for lying beyond the limit, after Holm over the family."""
    size: int
    """Number of its members."""


def holm_families(p_values: Sequence[float]) -> list[GateFamily]:
    """Return for each of the numbers that are judged together what the others mean for it."""
    adjusted = holm(np.array(p_values)).tolist() if p_values else []
    return [GateFamily(p=after, size=len(adjusted)) for after in adjusted]


def judge_gap(
    result: Result, limit: float, family: GateFamily, *, claim: ClaimName, partial: bool
) -> Verdict:
    """Judge the size of a gap: pass by its 90 % interval, fail by a one-sided test after Holm.

    Only what is not measurable, and a run that was cut short, forbid a verdict. Checks that did not
    hold are notices beside it.
    """
    if partial:
        return Verdict("unclear", "partial_run", PARTIAL)
    if code := _blocking(result.statuses):
        return Verdict("unclear", code, result.reason or as_clause(code, n=result.n_templates))
    contrast = claimed_contrast(result, claim)
    inside = None if contrast is None else contrast.p_inside(limit)
    if contrast is None or inside is None:
        return Verdict("unclear", "no_interval", result.reason or NO_INTERVAL)
    notices = tuple(_notices(result, limit))
    if family.p <= ALPHA:
        reason = "the gap is shown to lie beyond the limit"
        return Verdict("fail", "outside_limit", reason, notices=notices)
    deaf = _first(DEAF, result.statuses)
    if inside <= ALPHA and not deaf:
        reason = "the whole 90 % interval lies inside the limit"
        return Verdict("pass", "inside_limit", reason, notices=notices)
    if code := deaf or _first((LOUD,), result.statuses):
        return Verdict("unclear", code, result.reason or as_clause(code), notices=notices)
    return _crossing(result, contrast, limit, family)._replace(notices=notices)


def judge_increase(
    result: Result, change: Change, limit: float, family: GateFamily, *, partial: bool
) -> Verdict:
    """Judge the rise of a gap over its baseline: an intersection-union test of two bounds."""
    if partial:
        return Verdict("unclear", "partial_run", PARTIAL_SIDE)
    statuses = (*result.statuses, *change.statuses)
    code = change.reason_code or _blocking(statuses)
    heard = code != FAILED and SILENT not in statuses
    if change.identical and heard and (not code or code in BLOCKING):
        reason = "model and baseline give every gated sentence the same scores"
        return Verdict("pass", "identical_outputs", reason)
    if code:
        own = change.reason if change.reason_code else result.reason * (code in result.statuses)
        return Verdict("unclear", code, own or as_clause(code, n=result.n_templates))
    if change.identical:
        return Verdict("unclear", SILENT, as_clause(SILENT))
    p_inside = p_not_increased(change.bounds, limit, change.bound_level)
    if p_inside is None:
        return Verdict("unclear", "no_interval", change.reason or NO_INTERVAL)
    notices = ("fragile",) if _crosses_without_one(change.bounds, limit) else ()
    nats = change.unit == "nats"
    size = f"a factor of {times(limit)}" if nats else f"{number(limit)} {change.unit}"
    if family.p <= ALPHA:
        reason = f"the gap has grown by more than {size}"
        return Verdict("fail", "outside_rise", reason, notices=notices)
    deaf = _first(DEAF, statuses)
    if p_inside <= ALPHA and not deaf:
        reason = f"the gap has not grown by more than {size}"
        return Verdict("pass", "inside_rise", reason, notices=notices)
    if code := deaf or _first((LOUD,), statuses):
        return Verdict("unclear", code, as_clause(code), notices=notices)
    return _crossing_rise(result, change, limit, family)._replace(notices=notices)


def p_gap(result: Result, limit: float, claim: ClaimName) -> float:
    """Return p for a gap beyond a limit, before Holm; 1 where nothing can be judged."""
    contrast = claimed_contrast(result, claim)
    if contrast is None or _blocking(result.statuses) or LOUD in result.statuses:
        return 1.0
    p = contrast.p_beyond(limit)
    return 1.0 if p is None else p


def p_increase(result: Result, change: Change | None, limit: float) -> float:
    """Return p for a rise of more than the limit, before Holm; 1 where nothing can be judged."""
    if change is None or change.reason_code or change.identical:
        return 1.0
    if LOUD in (*result.statuses, *change.statuses):
        return 1.0
    p = p_increased(change.bounds, limit, change.bound_level)
    return 1.0 if p is None else p


def claimed_contrast(result: Result, claim: ClaimName) -> Contrast | None:
    """Return what judging a claim needs of a stored result; None without an interval."""
    source: Result | Claim | None = result
    if claim == "words_of_this_kind":
        source = result.words_of_this_kind
    if result.estimate is None or source is None or source.se is None or source.df is None:
        return None
    if source.se <= 0 or source.df <= 0:
        return None
    return Contrast(
        estimate=result.estimate,
        se=source.se,
        df=source.df,
        n_templates=result.n_templates,
        n_terms=result.n_terms,
    )


def why_blocked(statuses: Iterable[str], n_templates: int) -> str:
    """Return why something is not measurable, in words; empty when it is."""
    code = _blocking(statuses)
    return as_clause(code, n=n_templates) if code else ""


def _blocking(statuses: Iterable[str]) -> str:
    """The most important status of what is not measurable; empty when there is none."""
    return _first(BLOCKING, tuple(statuses))


def _first(codes: Sequence[str], statuses: Sequence[str]) -> str:
    return next((code for code in codes if code in statuses), "")


def _notices(result: Result, limit: float) -> Iterator[str]:
    """Notices of a result; what was asked at the reference margin is asked again at the limit."""
    gap, equal = result.estimate or 0.0, result.adjusted_estimate
    side = int(gap > limit) - int(gap < -limit)
    bounds = StabilityBounds(loo_low=result.loo_low, loo_high=result.loo_high)
    if depends_on_one_unit(bounds, side, limit):
        yield "fragile"
    if equal is not None and is_confounded(gap, equal, side, limit, detected=side != 0):
        yield "confounded"
    for code in result.statuses:
        known = CODES.get(code)
        if known is not None and not known.reason and code not in OF_THE_MARGIN:
            yield code


def _crosses_without_one(bounds: Sequence[RiseBound], limit: float) -> bool:
    """Whether the rise lies on the other side of the limit without one sentence or word."""
    rise = max((bound.estimate for bound in bounds), default=0.0)
    highest = max((v for b in bounds if (v := b.loo_high) is not None), default=rise)
    lowest = max((v for b in bounds if (v := b.loo_low) is not None), default=rise)
    return any((value > limit) != (rise > limit) for value in (lowest, highest))


def _crossing(result: Result, contrast: Contrast, limit: float, family: GateFamily) -> Verdict:
    """An interval that crosses the limit, and how much more would decide."""
    gap, alone = abs(contrast.estimate) - limit, contrast.p_beyond(limit)
    reason = "the interval crosses the limit"
    if gap > 0 and alone is not None and alone <= ALPHA:
        reason = "the gap lies beyond the limit, but not after adjusting for"
        reason += f" {family.size} gated results"
    elif gap > 0 and alone is not None and _lies_beyond(contrast, limit):  # p has both tails
        reason = f"the gap is not shown to lie beyond the limit (p {alone:.3f}, {ALPHA:g} needed)"
    tail = ALPHA if gap <= 0 else ALPHA / family.size
    required = required_sample_size(
        result, result.variance, contrast.df or 0.0, gap=abs(gap), tail=tail
    )
    reason += f"; {describe_required(result, result.variance, required)}"
    return Verdict("unclear", "crosses_limit", reason, required)


def _lies_beyond(contrast: Contrast, limit: float) -> bool:
    """Whether the interval that is printed lies beyond the limit on one side."""
    low, high = contrast.interval(1 - 2 * ALPHA) or (0.0, 0.0)
    return low > limit or high < -limit


def _crossing_rise(result: Result, change: Change, limit: float, family: GateFamily) -> Verdict:
    """A rise that may lie on either side of the limit, and how much more would decide."""
    beyond = 1 - change.bound_level
    above = max(bound.estimate for bound in change.bounds) > limit
    reason = "the interval of the rise crosses the limit"
    if above and p_increase(result, change, limit) <= ALPHA:
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
