"""Secondary measures of a probe: divergence of completions, overall skew, labour statistics."""

from __future__ import annotations

import numpy as np

from bias_audit.archive import Result
from bias_audit.assess._compare import primary_difference, scored_groups
from bias_audit.assess._input import Scored, Settings
from bias_audit.metrics import info
from bias_audit.metrics.divergence import jsd_permutation
from bias_audit.stats.contrast import matched_pairs
from bias_audit.stats.correlation import logit, rank_correlation
from bias_audit.stats.seeds import stream

MAX_LOST_MASS = 0.2
"""Share of the probability outside whole words above which a divergence is not read."""


def divergence(scored: Scored, settings: Settings) -> Result | None:
    """Between-group divergence of the completions, tested by exchanging words (M3)."""
    kept = _complete_open(scored)
    if kept is None:
        return None
    table, columns, blocks, mass = kept
    groups = [g for g in scored_groups(scored) if g in columns]
    spec, metric = scored.probe.spec, info.get("jsd")
    rng = stream(settings.seed, spec.axis, spec.id, "jsd", "exchange")
    found = jsd_permutation(
        table,
        [[i for i, name in enumerate(columns) if name == g] for g in groups],
        rng,
        resamples=settings.divergence_resamples,
        blocks=blocks,
    )
    labels = {group.id: group.label for group in scored.probe.groups}
    return Result(
        id=f"{spec.id}:jsd",
        probe=spec.id,
        axis=spec.axis,
        metric=metric.id,
        role="secondary",
        groups=tuple(groups),
        group_labels=tuple(labels[g] for g in groups),
        estimate=found.value,
        p_value=found.p,
        p_method=found.method,
        effect_size=found.r2,
        neutral=found.null_mean,
        null_mean=found.null_mean,
        null_p95=found.null_p95,
        excess=found.excess,
        unit=metric.unit,
        direction=metric.direction,
        n_templates=table.shape[0],
        n_terms=table.shape[1],
        n_prompts=table.shape[0] * table.shape[1],
        statuses=("low_word_mass",) if mass < 1 - MAX_LOST_MASS else (),
        reason=f"whole words hold {mass:.0%} of the probability"
        if mass < 1 - MAX_LOST_MASS
        else "",
    )


def _complete_open(
    scored: Scored,
) -> tuple[np.ndarray, list[str], list[int], float] | None:
    """Distributions as (templates, terms, words), the group and block of each column, word mass."""
    cells: dict[tuple[str, str, str], list[np.ndarray]] = {}
    mass = []
    lost = {
        p.template
        for p, a in zip(scored.open_prompts, scored.open_scores, strict=True)
        if a.skip is not None
    }
    for prompt, answer in zip(scored.open_prompts, scored.open_scores, strict=True):
        if prompt.template not in lost:
            key = (prompt.template, prompt.group, prompt.term)
            cells.setdefault(key, []).append(answer.words)
            mass.append(answer.word_mass)
    templates = list(dict.fromkeys(key[0] for key in cells))
    columns = list(dict.fromkeys(key[1:] for key in cells))
    if not templates or len({group for group, _ in columns}) < 2:
        return None
    columns = [c for c in columns if all((t, *c) in cells for t in templates)]
    table = np.stack(
        [[np.mean(cells[(t, *c)], axis=0, dtype=np.float32) for c in columns] for t in templates]
    )
    words = {word.id: word for group in scored.probe.groups for word in group.words}
    keys = [words[term].pair or words[term].block for _, term in columns]
    if all(words[term].pair for _, term in columns):
        names = sorted(set(keys))
    else:
        names = sorted({words[term].block for _, term in columns})
        keys = [words[term].block for _, term in columns]
    return (
        table,
        [group for group, _ in columns],
        [names.index(key) for key in keys],
        float(np.mean(mass)),
    )


def skew(scored: Scored, settings: Settings) -> Result | None:
    """Overall preference for the first scored group word, over all targets (GM probes only)."""
    if scored.probe.spec.mask != "group" or len(scored_groups(scored)) != 2:
        return None
    a, b, y = next(primary_difference(scored))
    contrast = matched_pairs(y, scope="concept")
    limits = contrast.interval(settings.confidence)
    spec, metric = scored.probe.spec, info.get("skew")
    labels = {group.id: group.label for group in scored.probe.groups}
    return Result(
        id=f"{spec.id}:skew:{a}-vs-{b}",
        probe=spec.id,
        axis=spec.axis,
        metric=metric.id,
        role="secondary",
        groups=(a, b),
        group_labels=(labels[a], labels[b]),
        estimate=contrast.estimate,
        ci_low=limits[0] if limits else None,
        ci_high=limits[1] if limits else None,
        confidence=settings.confidence,
        se=contrast.se,
        df=contrast.df,
        p_value=contrast.p_value(),
        p_method="crossed factors templates and targets, t with Satterthwaite df",
        effect_size=float(np.exp(contrast.estimate)),
        unit=metric.unit,
        direction=metric.direction,
        n_templates=contrast.n_templates,
        n_terms=2,
        n_targets=y.shape[1],
        n_prompts=y.size * 2,
        reason="" if limits else contrast.status,
    )


def labour(scored: Scored, settings: Settings) -> list[Result]:
    """Rank correlation of per-target gaps with the fact that defines the poles (M16)."""
    spec = scored.probe.spec
    where = spec.targets.plus.where if spec.targets.plus else None
    if where is None or len(scored_groups(scored)) != 2:
        return []
    facts = {target.word.id: target.facts.get(where.fact) for target in scored.probe.targets}
    names = scored.cube.targets
    share = np.array([np.nan if (f := facts[n]) is None else f for n in names], dtype=float) / 100
    usable = np.isfinite(share) & (share > 0) & (share < 1)
    a, b, y = next(primary_difference(scored))
    gaps = y.mean(axis=0)
    rng = stream(settings.seed, spec.axis, spec.id, "labour_correlation")
    found = rank_correlation(logit(share[usable]), gaps[usable], rng, level=settings.confidence)
    if found is None:
        return []
    metric = info.get("labour_correlation")
    labels = {group.id: group.label for group in scored.probe.groups}
    return [
        Result(
            id=f"{spec.id}:labour_correlation:{where.fact}",
            probe=spec.id,
            axis=spec.axis,
            metric=metric.id,
            role="secondary",
            groups=(a, b),
            group_labels=(labels[a], labels[b]),
            target=where.fact,
            estimate=found.spearman.r,
            ci_low=found.spearman.low,
            ci_high=found.spearman.high,
            confidence=settings.confidence,
            p_value=found.spearman.p,
            p_method=f"Spearman, {found.draws} permutations; percentile bootstrap over targets",
            neutral=None,
            unit=metric.unit,
            direction=metric.direction,
            n_templates=len(scored.cube.templates),
            n_terms=len(scored.cube.units),
            n_targets=found.n,
            n_prompts=int(scored.cube.values.size),
        )
    ]
