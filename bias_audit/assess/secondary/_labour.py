"""Overall skew of a group-masked probe, and its targets beside labour statistics (M16)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bias_audit.assess._compare import primary_difference
from bias_audit.assess._design import scored_groups, target_scope
from bias_audit.assess._input import Scored, Settings
from bias_audit.assess.secondary import _record
from bias_audit.metrics.labour import mean_distance
from bias_audit.results import Companion, Result
from bias_audit.stats.contrast import matched_pairs
from bias_audit.stats.correlation import Correlation, calibration_line, logit, rank_correlation
from bias_audit.stats.layout import over_targets
from bias_audit.stats.seeds import stream
from bias_audit.utils.arrays import Floats


def skew(scored: Scored, settings: Settings) -> Result | None:
    """Overall preference for the first scored group word, over all targets (GM probes only)."""
    if scored.probe.spec.mask != "group" or len(scored_groups(scored)) != 2:
        return None
    a, b, y = next(primary_difference(scored))
    scope_t = target_scope(scored.probe, scored.cube)
    sampled = scope_t == "construct"
    contrast = matched_pairs(y, scope="concept" if sampled else "terms")
    factors = "templates and targets" if sampled else "templates"
    return _record.build(
        scored,
        "skew",
        (a, b),
        contrast.estimate,
        about=f"{a}-vs-{b}",
        p_value=contrast.p_value(),
        p_method=f"crossed factors {factors}, t with Satterthwaite df",
        effect_size=math.exp(min(contrast.estimate, 700.0)),
        n_templates=contrast.n_templates,
        n_terms=len(scored.cube.units),
        n_targets=y.shape[1],
        n_prompts=y.size * len(scored.cube.units),
        variance=over_targets(contrast).variance,
        scope="terms",
        target_scope=scope_t,
        **_record.limits(contrast, settings),
    )


def labour(scored: Scored, settings: Settings) -> Result | None:
    """Rank correlation of per-target gaps with the fact that defines the poles.

    A gap is that of the group whose share the fact states to the other group, whichever of them
    the probe names first.
    """
    spec = scored.probe.spec
    where = spec.targets.plus.where if spec.targets.plus else None
    if where is None or len(scored_groups(scored)) != 2:
        return None
    share = _shares(scored, where.fact)
    usable = np.isfinite(share) & (share > 0) & (share < 1)
    a, b, y = next(primary_difference(scored))
    gaps = y.mean(axis=0)
    whose = spec.targets.share_of
    if whose == b:
        a, b, gaps = b, a, -gaps
    elif whose not in (None, a):
        why = f"the fact states the share of '{whose}', of which no word was scored"
        return _about(scored, (a, b), None, where.fact, n_targets=0, reason=why)
    rng = stream(settings.seed, spec.axis, spec.id, "labour_correlation")
    found = rank_correlation(logit(share[usable]), gaps[usable], rng, level=settings.confidence)
    if found is None:
        return None
    return _about(
        scored,
        (a, b),
        found.spearman.r,
        where.fact,
        ci_low=found.spearman.low,
        ci_high=found.spearman.high,
        confidence=settings.confidence,
        p_value=found.spearman.p,
        p_method=f"Spearman, {found.draws} permutations; percentile bootstrap over targets",
        n_targets=found.n,
        reason=_left_out(share),
        companions=(
            _pearson(found),
            *(_calibration(share[usable], gaps[usable], settings) if spec.mask == "group" else ()),
        ),
    )


def _about(
    scored: Scored, groups: tuple[str, str], estimate: float | None, fact: str, **more: Any
) -> Result:
    """The record of the correlation with a fact."""
    return _record.build(
        scored,
        "labour_correlation",
        groups,
        estimate,
        about=fact,
        target=fact,
        neutral=None,
        n_templates=len(scored.cube.templates),
        n_terms=len(scored.cube.units),
        n_prompts=int(scored.cube.values.size),
        **more,
    )


def _shares(scored: Scored, fact: str) -> Floats:
    """The fact of each scored target as a share; not a number where it has none."""
    facts = {target.word.id: target.facts.get(fact) for target in scored.probe.targets}
    known = [np.nan if (f := facts[n]) is None else f for n in scored.cube.targets]
    return np.array(known, dtype=float) / 100


def _left_out(share: Floats) -> str:
    """Which targets have no logit, in words; empty where all have one."""
    unknown = int(np.count_nonzero(~np.isfinite(share)))
    ends = int(np.count_nonzero((share <= 0) | (share >= 1)))
    return _record.joined(
        f"{unknown} scored words without the fact are left out" if unknown else "",
        f"{ends} scored words at 0 or 100 % have no logit and are left out" if ends else "",
    )


def _pearson(found: Correlation) -> Companion:
    return Companion(
        metric="labour_pearson",
        value=_record.brief(found.pearson.r),
        ci_low=_record.brief(found.pearson.low),
        ci_high=_record.brief(found.pearson.high),
    )


def _calibration(share: Floats, gaps: Floats, settings: Settings) -> tuple[Companion, ...]:
    """How the model's shares follow those of the statistics; a gap is the logit of a share."""
    line = calibration_line(logit(share), gaps, settings.confidence)
    apart = Companion(metric="labour_distance", value=_record.brief(mean_distance(gaps, share)))
    if line is None:
        return (apart,)
    ends = (
        ("labour_slope", line.slope, line.slope_low, line.slope_high),
        ("labour_intercept", line.intercept, line.intercept_low, line.intercept_high),
    )
    return (
        *(
            Companion(
                metric=name,
                value=_record.brief(value),
                ci_low=_record.brief(low),
                ci_high=_record.brief(high),
            )
            for name, value, low, high in ends
        ),
        apart,
    )
