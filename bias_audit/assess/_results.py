"""Comparisons as result records: every number with its interval, unit, counts and names."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from bias_audit.archive import Result, Role, TargetEffect, TemplateEffect
from bias_audit.assess import _families
from bias_audit.assess._input import Comparison, Scored, Settings
from bias_audit.assess._robust import Checks
from bias_audit.metrics import info
from bias_audit.records import OTHERS
from bias_audit.stats.estimate import Contrast

METHOD = "crossed factors, t with Satterthwaite df"
LARGEST = 230.0
"""Gap, nats, whose odds ratio a file may still hold: just below 1e100."""


def result_id(scored: Scored, comparison: Comparison) -> str:
    """Stable id of a comparison's result."""
    metric = metric_of(scored)
    return f"{scored.probe.spec.id}:{metric}:{comparison.a}-vs-{comparison.b.lstrip('~')}"


def metric_of(scored: Scored) -> str:
    """The primary metric of a probe."""
    return "diagonal_log_odds" if scored.probe.spec.targets.own else "log_odds_gap"


def build(
    scored: Scored,
    comparison: Comparison,
    settings: Settings,
    *,
    role: Role,
    checks: Checks | None = None,
) -> Result:
    """Turn one comparison into a result, before adjustment and judgement."""
    spec, contrast = scored.probe.spec, comparison.contrast
    metric = info.get(metric_of(scored))
    limits = contrast.interval(settings.confidence)
    limits90 = contrast.interval(0.9)
    labels = {"own": "each group's own word", "half-1": "one half", "half-2": "the other half"}
    labels |= {OTHERS: "the other groups"}
    labels |= {group.id: group.label for group in scored.probe.groups}
    return Result(
        id=result_id(scored, comparison),
        probe=spec.id,
        axis=spec.axis,
        metric=metric.id,
        role=role,
        groups=(comparison.a, comparison.b),
        group_labels=tuple(labels.get(name, name) for name in (comparison.a, comparison.b)),
        estimate=_clean(contrast.estimate, contrast),
        ci_low=limits[0] if limits else None,
        ci_high=limits[1] if limits else None,
        ci90_low=limits90[0] if limits90 else None,
        ci90_high=limits90[1] if limits90 else None,
        confidence=settings.confidence,
        se=contrast.se,
        df=contrast.df,
        p_value=contrast.p_value(),
        p_method=METHOD,
        p_sign_flip=comparison.p_sign_flip,
        p_label_exchange=comparison.p_exchange,
        effect_size=math.exp(min(contrast.estimate, LARGEST)),
        unit=metric.unit,
        direction=metric.direction,
        n_templates=contrast.n_templates,
        n_terms=comparison.n_terms,
        n_targets=len(scored.cube.pole("+")) + len(scored.cube.pole("-"))
        or len(scored.cube.targets),
        n_prompts=_prompts(scored, comparison),
        scope=comparison.scope,
        target_scope=comparison.target_scope,
        pairs=comparison.pairs,
        variance=contrast.variance,
        mde80=contrast.mde(),
        margin=spec.margin,
        margin_reason=spec.margin_reason,
        sign_share=checks.sign_share if checks else None,
        statuses=checks.statuses if checks else (),
        **(asdict(checks.bounds) if checks else {}),
        reason="" if limits else f"no interval: {contrast.status.replace('_', ' ')}",
        by_template=_templates(scored, comparison),
        **_targets(scored, comparison, settings),
    )


def _clean(value: float, contrast: Contrast) -> float:
    """Zero where a value is rounding: the same for every order of a sum."""
    return 0.0 if abs(value) <= contrast.resolution else value


def _prompts(scored: Scored, comparison: Comparison) -> int:
    """Scored sentences behind a comparison."""
    counts = scored.cube.prompts
    if comparison.a in counts and comparison.b in counts:
        return counts[comparison.a] + counts[comparison.b]
    return sum(counts.values())


def _templates(scored: Scored, comparison: Comparison) -> tuple[TemplateEffect, ...]:
    texts = {frame.id: frame.template.text for frame in scored.probe.frames}
    return tuple(
        TemplateEffect(id=name, text=texts[name], value=_clean(value, comparison.contrast))
        for name, value in zip(scored.cube.templates, comparison.contrast.delta, strict=True)
    )


def _targets(scored: Scored, comparison: Comparison, settings: Settings) -> dict[str, Any]:
    """The table of words of a comparison, and how its p-values are adjusted."""
    if not comparison.targets:
        return {}
    words = {target.word.id: target for target in scored.probe.targets}
    p_values = [contrast.p_value() for _, contrast in comparison.targets]
    keys = (scored.probe.spec.axis, result_id(scored, comparison))
    family = _families.targets(comparison, p_values, settings, *keys)
    found = []
    rows = zip(comparison.targets, p_values, family.adjusted, strict=True)
    for (name, contrast), p, adjusted in rows:
        limits = contrast.interval(settings.confidence)
        word = words[name].word
        found.append(
            TargetEffect(
                id=name,
                text=word.forms.get("sg") or word.label,
                pole=words[name].pole,
                value=_clean(contrast.estimate, contrast),
                ci_low=limits[0] if limits else None,
                ci_high=limits[1] if limits else None,
                p_value=p,
                p_adjusted=adjusted,
                facts=dict(words[name].facts),
            )
        )
    return {"by_target": tuple(found), "targets_adjustment": family.method}
