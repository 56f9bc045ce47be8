"""Benchmark scores as result records: overall and by category, with clustered intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from scipy.special import stdtrit

from bias_audit.benchmarking.passes import Column
from bias_audit.datasets.records import SentencePair
from bias_audit.metrics.pair_preference import (
    Preference,
    Ties,
    adjust,
    by_category,
    interval,
    preference,
    published_crows,
)
from bias_audit.metrics.registry import find_info
from bias_audit.metrics.stereoset import StereoSetScore
from bias_audit.results import Result, SkipRecord
from bias_audit.stats.clustered import WHY, ClusteredMean

ALL = "all"
_METHOD = "t on clustered pairs against 50"


def pair_results(
    name: str, measure: str, column: Column, pairs: Sequence[SentencePair], confidence: float
) -> list[Result]:
    """Results of one measure: over all pairs, by direction as published, and by category."""
    kept = [n for n, skip in enumerate(column.skips) if skip is None]
    if not kept:
        return [_empty(name, measure, "no pair could be scored")]
    published = measure == "crows_pairs_published"
    more, less = (np.array([side[n] for n in kept]) for side in (column.more, column.less))
    if published:
        more, less = np.round(more, 3), np.round(less, 3)
    clusters: list[Hashable] = [pairs[n].cluster or ("own", n) for n in kept]
    ties: Ties = "lost" if published else "half"
    whole = preference(more, less, clusters=clusters, ties=ties)
    common: dict[str, Any] = {"name": name, "measure": measure, "confidence": confidence}
    results = [_result(whole, ALL, "all pairs", None, **common)]
    if measure == "crows_pairs_gap":
        return results
    if published:
        results += _directions(more, less, [pairs[n].direction for n in kept], **common)
    found = by_category(more, less, [pairs[n].category for n in kept], clusters=clusters, ties=ties)
    if len(found) > 1:
        results += [
            _result(c.preference, c.category, c.category, c.p_adjusted, **common) for c in found
        ]
    return results


def _directions(more: Any, less: Any, directions: Sequence[str], **common: Any) -> list[Result]:
    """The two shares that the published script prints beside the overall one; no interval."""
    if not all(directions):
        return []
    script = published_crows(more, less, directions)
    parts = (
        ("stereo", "pairs that state a stereotype", script.stereo),
        ("antistereo", "pairs that contradict one", script.antistereo),
    )
    way = np.array(directions)
    results = []
    for which, label, value in parts:
        items = int(((way == which) & (more != less)).sum())
        bare = bare_result(
            common["name"], common["measure"], f"direction:{which}", label, value, items
        )
        if value is not None:
            results.append(bare.model_copy(update={"reason": "ties left out, as published"}))
    return results


def _result(
    found: Preference,
    group: str,
    label: str,
    p_adjusted: float | None,
    *,
    name: str,
    measure: str,
    confidence: float,
) -> Result:
    info = find_info(measure)
    gap = measure == "crows_pairs_gap"
    mean = found.gap if gap else found.share
    limits = mean.interval(confidence) if gap else interval(mean, confidence)
    neutral = 0.0 if gap else 50.0
    base = bare_result(name, measure, group, label, mean.estimate, mean.n_items)
    low, high = limits or (None, None)
    return base.model_copy(
        update={
            "ci_low": low,
            "ci_high": high,
            "confidence": confidence,
            "se": mean.se,
            "df": mean.df,
            "p_value": mean.p_value(neutral),
            "p_adjusted": p_adjusted,
            "p_method": "t on clustered pairs against 0" if gap else _METHOD,
            "effect_size": found.consistency if gap else found.signed,
            "n_terms": mean.n_clusters,
            "reason": _said(mean, found.ties),
            "direction": info.direction,
        }
    )


def _said(mean: ClusteredMean, ties: int) -> str:
    parts = []
    if ties:
        parts.append(f"{ties} pair{'s'[: ties != 1]} tied")
    if mean.se is None:
        parts.append(f"no interval: {WHY[mean.status]}")
    return "; ".join(parts)


def bare_result(
    name: str, measure: str, group: str, label: str, estimate: float | None, items: int = 0
) -> Result:
    """The record of one benchmark number, without its interval; ``items`` are pairs."""
    info = find_info(measure)
    return Result(
        id=f"{name}:{measure}:{group}",
        probe=name,
        axis="benchmark",
        metric=measure,
        metric_name=info.name,
        role="secondary",
        groups=(group,),
        group_labels=(label,),
        estimate=estimate,
        neutral=info.neutral,
        unit=info.unit,
        direction=info.direction,
        n_templates=items,
        n_terms=0,
        n_prompts=2 * items,
    )


def _empty(name: str, measure: str, reason: str) -> Result:
    bare = bare_result(name, measure, ALL, "all pairs", None, 0)
    return bare.model_copy(update={"reason": reason})


def stereoset_results(
    name: str, label: str, group: str, found: StereoSetScore, confidence: float
) -> list[Result]:
    """The six StereoSet numbers of one kind of items."""
    means = {
        "stereoset_lms": found.lms,
        "stereoset_ss": found.ss,
        "stereoset_lms_items": found.lms_items,
        "stereoset_ss_items": found.ss_items,
    }
    results = []
    for measure, mean in means.items():
        limits = interval(mean, confidence) or (None, None)
        base = bare_result(name, measure, group, label, mean.estimate, found.n_items)
        changes: dict[str, Any] = {
            "ci_low": limits[0],
            "ci_high": limits[1],
            "confidence": confidence,
            "se": mean.se,
            "df": mean.df,
            "n_terms": found.n_terms,
            "n_prompts": 3 * found.n_items,
        }
        if "_ss" in measure:
            changes |= {"p_value": mean.p_value(50.0), "p_method": "t over target terms against 50"}
            changes |= {"effect_size": mean.estimate - 50.0}
        results.append(base.model_copy(update=changes))
    shown = (("stereoset_icat", found.icat), ("stereoset_icat_items", found.icat_items))
    for measure, value in shown:
        base = bare_result(name, measure, group, label, value, found.n_items)
        extra: dict[str, Any] = {"n_terms": found.n_terms, "n_prompts": 3 * found.n_items}
        if measure == "stereoset_icat" and found.icat_se is not None:
            df = float(found.n_terms - 1)
            half = float(stdtrit(df, (1 + confidence) / 2)) * found.icat_se
            extra |= {"se": found.icat_se, "df": df, "confidence": confidence}
            extra |= {"ci_low": max(0.0, value - half), "ci_high": min(100.0, value + half)}
        results.append(base.model_copy(update=extra))
    return results


def holm_over_groups(results: Sequence[Result]) -> list[Result]:
    """Adjust each measure's p-values over its groups, the overall one left out."""
    adjusted: dict[str, float | None] = {}
    for measure in dict.fromkeys(result.metric for result in results):
        family = {r.id: r.p_value for r in results if r.metric == measure and r.groups != (ALL,)}
        adjusted |= adjust(family)
    return [
        r.model_copy(update={"p_adjusted": adjusted[r.id]}) if r.id in adjusted else r
        for r in results
    ]


def skip_records(name: str, columns: dict[str, Column]) -> list[SkipRecord]:
    """What could not be scored, counted by measure and reason."""
    records = []
    for measure, column in columns.items():
        lost = Counter(skip for skip in column.skips if skip is not None)
        by_reason: dict[str, tuple[int, str]] = {}
        for (reason, detail), count in lost.items():
            before = by_reason.get(reason, (0, detail))
            by_reason[reason] = (before[0] + count, before[1])
        records += [
            SkipRecord(
                probe=name,
                kind="measure",
                what=measure,
                reason=reason,
                detail=f"for example: {detail}" if detail else "",
                count=count,
            )
            for reason, (count, detail) in sorted(by_reason.items())
        ]
    return records


def left_out(name: str, reasons: Counter[str]) -> list[SkipRecord]:
    """Records of a data set that make no question for the model, with their reasons."""
    return [
        SkipRecord(
            probe=name, kind="cell", what="records", reason="excluded", detail=why, count=count
        )
        for why, count in sorted(reasons.items())
        if count
    ]
