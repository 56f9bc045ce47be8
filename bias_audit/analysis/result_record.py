"""Comparisons as result records: every number with its interval, unit, counts and names."""

from __future__ import annotations

import math
from typing import Any

from bias_audit.analysis.multiple_testing import adjust_targets
from bias_audit.analysis.robustness.stability import StabilityChecks
from bias_audit.metrics.base import (
    T_TEST,
    MetricInfo,
    estimate_of,
    interval_fields,
    probe_result,
    target_effect,
    versus,
)
from bias_audit.metrics.design import GAPS, Comparison
from bias_audit.metrics.registry import find_info
from bias_audit.metrics.scored_probe import ScoredProbe, Settings
from bias_audit.results import Claim, Result, Role, TemplateEffect
from bias_audit.stats.estimate import Contrast

LARGEST = 230.0
"""Gap, nats, whose odds ratio a file may still hold: just below 1e100."""


def result_id(scored: ScoredProbe, comparison: Comparison) -> str:
    """Stable id of a comparison's result."""
    metric = primary_metric(scored)
    return f"{scored.probe.spec.id}:{metric.id}:{versus(comparison.a, comparison.b)}"


def primary_metric(scored: ScoredProbe) -> MetricInfo:
    """Return the metric of a probe that is judged."""
    return find_info(GAPS[scored.unit][bool(scored.probe.spec.targets.own)])


def build_result(
    scored: ScoredProbe,
    comparison: Comparison,
    settings: Settings,
    *,
    role: Role,
    checks: StabilityChecks | None = None,
) -> Result:
    """Turn one comparison into a result, before adjustment and judgement."""
    spec, contrast, kind = scored.probe.spec, comparison.these_words, comparison.words_of_this_kind
    limits90 = contrast.interval(0.9)
    return probe_result(
        scored,
        primary_metric(scored),
        (comparison.a, comparison.b),
        estimate_of(contrast),
        about=versus(comparison.a, comparison.b),
        role=role,
        ci90_low=limits90[0] if limits90 else None,
        ci90_high=limits90[1] if limits90 else None,
        p_value=kind.p_value() if kind else None,
        p_method=T_TEST if kind else "",
        p_sign_flip=comparison.p_sign_flip,
        p_label_exchange=comparison.p_exchange,
        effect_size=math.exp(min(contrast.estimate, LARGEST)) if scored.unit == "nats" else None,
        n_terms=comparison.n_terms,
        n_targets=len(scored.cube.pole("+")) + len(scored.cube.pole("-"))
        or len(scored.cube.targets),
        n_prompts=_prompts(scored, comparison),
        scope=comparison.scope,
        claim="these_words",
        words_of_this_kind=build_claim(kind, settings.confidence) if kind else None,
        clusters=dict(comparison.clusters),
        pairs=comparison.pairs,
        variance=(kind or contrast).variance,
        mde80=contrast.mde(),
        margin=scored.margin,
        margin_reason=spec.margin_reason,
        sign_share=checks.sign_share if checks else None,
        statuses=checks.statuses if checks else (),
        loo_low=checks.bounds.loo_low if checks else None,
        loo_high=checks.bounds.loo_high if checks else None,
        by_template=_templates(scored, comparison),
        **interval_fields(contrast, settings.confidence),
        **_targets(scored, comparison, settings),
    )


def build_claim(contrast: Contrast, confidence: float) -> Claim:
    """Return the record of a claim beside the one that a result is about."""
    wide, narrow = contrast.interval(confidence), contrast.interval(0.9)
    return Claim(
        se=contrast.se,
        df=contrast.df,
        ci_low=wide[0] if wide else None,
        ci_high=wide[1] if wide else None,
        ci90_low=narrow[0] if narrow else None,
        ci90_high=narrow[1] if narrow else None,
        p_value=contrast.p_value(),
    )


def _prompts(scored: ScoredProbe, comparison: Comparison) -> int:
    """Scored sentences behind a comparison."""
    counts = scored.cube.prompts
    if comparison.a in counts and comparison.b in counts:
        return counts[comparison.a] + counts[comparison.b]
    return sum(counts.values())


def _templates(scored: ScoredProbe, comparison: Comparison) -> tuple[TemplateEffect, ...]:
    texts = {frame.id: frame.template.text for frame in scored.probe.frames}
    floor = comparison.these_words.resolution
    return tuple(
        TemplateEffect(id=name, text=texts[name], value=0.0 if abs(value) <= floor else value)
        for name, value in zip(scored.cube.templates, comparison.these_words.delta, strict=True)
    )


def _targets(scored: ScoredProbe, comparison: Comparison, settings: Settings) -> dict[str, Any]:
    """The table of words of a comparison, and how its p-values are adjusted."""
    if not comparison.targets:
        return {}
    p_values = [contrast.p_value() for _, contrast in comparison.targets]
    keys = (scored.probe.spec.axis, result_id(scored, comparison))
    family = adjust_targets(comparison, p_values, settings, *keys)
    level = settings.confidence
    effects = tuple(
        target_effect(scored, name, contrast, level, p_value=p, p_adjusted=adjusted)
        for (name, contrast), p, adjusted in zip(
            comparison.targets, p_values, family.adjusted, strict=True
        )
    )
    return {"by_target": effects, "targets_adjustment": family.method}
