"""Secondary measures of a probe: divergence of completions, overall skew, labour statistics."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bias_audit._claims import MIN_LABELS
from bias_audit.archive import Result
from bias_audit.assess._compare import primary_difference
from bias_audit.assess._design import scored_groups
from bias_audit.assess._input import Scored, Settings
from bias_audit.metrics import info
from bias_audit.metrics.divergence import jsd_permutation
from bias_audit.stats.contrast import matched_pairs
from bias_audit.stats.correlation import logit, rank_correlation
from bias_audit.stats.layout import over_targets
from bias_audit.stats.seeds import stream

MAX_LOST_MASS = 0.2
"""Share of the probability outside whole words above which a divergence is not read."""


def divergence(scored: Scored, settings: Settings) -> Result | None:
    """Between-group divergence of the completions, tested by exchanging words (M3)."""
    kept = _complete_open(scored)
    if kept is None:
        return None
    table, columns, mass = kept.table, kept.groups, kept.mass
    groups = [g for g in scored_groups(scored) if g in columns]
    if len(groups) < 2:
        return None
    fewest = min(columns.count(g) for g in groups)
    spec, metric = scored.probe.spec, info.get("jsd")
    rng = stream(settings.seed, spec.axis, spec.id, "jsd", "exchange")
    found = jsd_permutation(
        table,
        [[i for i, name in enumerate(columns) if name == g] for g in groups],
        rng,
        resamples=settings.divergence_resamples,
        blocks=kept.blocks,
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
        n_prompts=sum(answer.skip is None for answer in scored.open_scores),
        scope="concept" if _unit(scored) == "label" and fewest >= MIN_LABELS else "terms",
        statuses=("low_word_mass",) if mass < 1 - MAX_LOST_MASS else (),
        reason=f"whole words hold {mass:.0%} of the probability"
        if mass < 1 - MAX_LOST_MASS
        else "",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Completions:
    """A complete block of distributions."""

    table: NDArray[np.float32]
    """(templates, columns, words)."""
    groups: list[str]
    """Group of each column."""
    blocks: list[int]
    """Columns that may change places have the same number."""
    mass: float
    """Mean share of the probability that fell on whole words."""


def _complete_open(scored: Scored) -> _Completions | None:
    """Distributions of every unit in every sentence that could be scored."""
    unit = _unit(scored)
    cells: dict[tuple[str, str, str], list[NDArray[np.float32]]] = {}
    answered = list(zip(scored.open_prompts, scored.open_scores, strict=True))
    lost = {prompt.template for prompt, answer in answered if answer.skip is not None}
    kept = [(prompt, answer) for prompt, answer in answered if prompt.template not in lost]
    for prompt, answer in kept:
        name = getattr(prompt, unit)
        cells.setdefault((prompt.template, prompt.group, name), []).append(answer.words)
    templates = list(dict.fromkeys(key[0] for key in cells))
    columns = [
        column
        for column in dict.fromkeys(key[1:] for key in cells)
        if all((template, *column) in cells for template in templates)
    ]
    if len({group for group, _ in columns}) < 2:
        return None
    return _Completions(
        table=np.stack(
            [
                [np.mean(cells[(t, *c)], axis=0, dtype=np.float32) for c in columns]
                for t in templates
            ]
        ),
        groups=[group for group, _ in columns],
        blocks=_blocks(scored, columns, unit),
        mass=float(np.mean([answer.word_mass for _, answer in kept])),
    )


def _unit(scored: Scored) -> str:
    """What is exchanged: labels, heads averaged; the words of a label where groups have just one.

    Words that share a label are no independent units, so a group that has several labels is
    represented by these (4.1).
    """
    labels = {(prompt.group, prompt.label) for prompt in scored.open_prompts}
    groups = {group for group, _ in labels}
    return "label" if len(labels) > len(groups) else "term"


def _blocks(scored: Scored, columns: list[tuple[str, str]], unit: str) -> list[int]:
    """Matched words change places inside their pair; words of one label inside their head."""
    words = {
        (group.id, getattr(word, "label" if unit == "label" else "id")): word
        for group in scored.probe.groups
        for word in group.words
    }
    found = [words[column] for column in columns]
    keys = [word.pair or "" for word in found]
    if not all(keys):
        keys = [word.block for word in found] if unit == "term" else [""] * len(found)
    names = sorted(set(keys))
    return [names.index(key) for key in keys]


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
        effect_size=math.exp(min(contrast.estimate, 700.0)),
        unit=metric.unit,
        direction=metric.direction,
        n_templates=contrast.n_templates,
        n_terms=len(scored.cube.units),
        n_targets=y.shape[1],
        n_prompts=y.size * len(scored.cube.units),
        variance=over_targets(contrast).variance,
        reason="" if limits else f"no interval: {contrast.status.replace('_', ' ')}",
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
