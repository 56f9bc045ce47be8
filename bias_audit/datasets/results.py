"""Scores of data sets as result records: overall and by category, with clustered intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from scipy.special import stdtrit

from bias_audit.datasets.pair_scores import PairRow, score_arrays
from bias_audit.metrics.base import make_result
from bias_audit.metrics.pair_preference import (
    Preference,
    by_category,
    interval,
    preference,
    published_crows,
)
from bias_audit.metrics.registry import find_info
from bias_audit.metrics.stereoset import StereoSetScore
from bias_audit.results import Result, SkipRecord
from bias_audit.stats.clusters import WHY, ClusteredMean

ALL = "all"
"""The group of the overall results."""
AXIS = "benchmark"
"""Axis of every result of a published data set."""
GAP = "crows_pairs_gap"
"""The one measure of pairs that is a mean, not a share."""


@dataclass(kw_only=True, slots=True)
class DatasetOutput:
    """What some measures of one data set gave."""

    results: list[Result] = field(default_factory=list)
    skips: list[SkipRecord] = field(default_factory=list)
    rows: list[PairRow] = field(default_factory=list)
    sentences: int = 0
    """Sentences behind the results."""
    notes: tuple[str, ...] = ()
    """What a reader should know."""
    partial: bool = False
    """Whether a limit left items out."""


def dataset_result(
    dataset: str, measure: str, group: str, label: str, estimate: float | None, **fields: Any
) -> Result:
    """Build the record of one number of a data set; all of them are made here.

    ``group`` is what the number is about (``all``, a category, an axis), ``label`` the same for
    people. Counts are 0 unless given.
    """
    counts = {"n_templates": 0, "n_terms": 0, "n_prompts": 0}
    return make_result(
        find_info(measure),
        estimate,
        probe=dataset,
        axis=AXIS,
        groups=(group,),
        labels=(label,),
        about=group,
        **(counts | fields),
    )


def pair_results(
    rows: Sequence[PairRow], confidence: float, excluded: Mapping[str, int] = MappingProxyType({})
) -> list[Result]:
    """Build the results of one measure: over all pairs, by direction as published, by category.

    ``excluded`` counts the records that made no pair, by category (empty: of none).
    """
    dataset, measure = rows[0].dataset, rows[0].measure
    losses = _losses(rows, excluded)
    clusters: list[Hashable] = [
        row.cluster or ("own", n) for n, row in enumerate(rows) if not row.skip
    ]
    rows = [row for row in rows if not row.skip]
    if not rows:
        reason = f"no pair could be scored; {losses[ALL]}"
        return [dataset_result(dataset, measure, ALL, "all pairs", None, reason=reason)]
    more, less, ties = score_arrays(rows)
    overall = preference(more, less, clusters=clusters, ties=ties)
    results = [_pair_result(rows[0], ALL, "all pairs", overall, None, confidence, losses)]
    if measure == GAP:
        return results
    if measure == "crows_pairs_published":
        results += _directions(rows)
    names = [row.category for row in rows]
    parts = by_category(more, less, names, clusters=clusters, ties=ties)
    if len(parts) > 1:
        results += [
            _pair_result(
                rows[0], p.category, p.category, p.preference, p.p_adjusted, confidence, losses
            )
            for p in parts
        ]
    return results


def _losses(rows: Sequence[PairRow], excluded: Mapping[str, int]) -> dict[str, str]:
    """Say how many records are not behind a number: of all pairs, and of each category."""
    lost = Counter(excluded) + Counter(row.category for row in rows if row.skip)
    sizes = Counter(excluded) + Counter(row.category for row in rows)
    lost[ALL], sizes[ALL] = lost.total(), sizes.total()
    return {name: left_out(lost[name], sizes[name]) for name in sizes}


def left_out(lost: int, of: int) -> str:
    """Say how many records are not behind a number; empty where all are."""
    return f"{lost:,} of {of:,} records left out" if lost else ""


def _pair_result(
    row: PairRow,
    group: str,
    label: str,
    value: Preference,
    p_adjusted: float | None,
    confidence: float,
    losses: Mapping[str, str],
) -> Result:
    gap = row.measure == GAP
    mean = value.gap if gap else value.share
    neutral = 0.0 if gap else 50.0
    reasons = [losses[group]] if losses[group] else []
    if value.ties:
        reasons.append(f"{value.ties} pair{'s'[: value.ties != 1]} tied")
    if mean.se is None:
        reasons.append(f"no interval: {WHY[mean.status]}")
    return dataset_result(
        row.dataset,
        row.measure,
        group,
        label,
        mean.estimate,
        **_spread(mean, mean.interval(confidence) if gap else interval(mean, confidence)),
        confidence=confidence,
        p_value=mean.p_value(neutral),
        p_adjusted=p_adjusted,
        p_method=f"t on clustered pairs against {neutral:.0f}",
        effect_size=value.consistency if gap else value.from_neutral,
        n_templates=mean.n_items,
        n_terms=mean.n_clusters,
        n_prompts=2 * mean.n_items,
        reason="; ".join(reasons),
    )


def _spread(mean: ClusteredMean, limits: tuple[float, float] | None) -> dict[str, float | None]:
    """Return the fields that say how sure a mean is."""
    low, high = limits or (None, None)
    return {"ci_low": low, "ci_high": high, "se": mean.se, "df": mean.df}


def _directions(rows: Sequence[PairRow]) -> list[Result]:
    """Build the two shares that the published script prints with the overall one; no interval."""
    if not all(row.direction for row in rows):
        return []
    more, less, _ = score_arrays(rows)
    script = published_crows(more, less, [row.direction for row in rows])
    direction = np.array([row.direction for row in rows])
    results = []
    for name, label, value in (
        ("stereo", "pairs that state a stereotype", script.stereo),
        ("antistereo", "pairs that contradict one", script.antistereo),
    ):
        if value is not None:
            items = int(((direction == name) & (more != less)).sum())
            about = rows[0].dataset, rows[0].measure, f"direction:{name}", label, value
            results.append(
                dataset_result(
                    *about,
                    n_templates=items,
                    n_prompts=2 * items,
                    reason="ties left out, as published",
                )
            )
    return results


def stereoset_results(
    dataset: str,
    group: str,
    label: str,
    score: StereoSetScore,
    confidence: float,
    adjusted: Mapping[str, float | None] | None = None,
) -> list[Result]:
    """Build the six StereoSet numbers of some items; ``adjusted`` holds p-values by measure."""
    items = score.n_items
    counts = {"n_templates": items, "n_terms": score.n_terms, "n_prompts": 3 * items}
    results = []
    for name in ("lms", "ss", "lms_items", "ss_items"):
        measure, mean = f"stereoset_{name}", getattr(score, name)
        fields: dict[str, Any] = counts | _spread(mean, interval(mean, confidence))
        fields["confidence"] = confidence
        if "_ss" in measure:
            fields |= {
                "p_value": mean.p_value(50.0),
                "p_adjusted": (adjusted or {}).get(measure),
                "p_method": "t over target terms against 50",
                "effect_size": mean.estimate - 50.0,
            }
        results.append(dataset_result(dataset, measure, group, label, mean.estimate, **fields))
    extra: dict[str, Any] = {}
    if score.icat_se is not None:
        df = float(score.n_terms - 1)
        half = float(stdtrit(df, (1 + confidence) / 2)) * score.icat_se
        low, high = max(0.0, score.icat - half), min(100.0, score.icat + half)
        extra = {"ci_low": low, "ci_high": high, "se": score.icat_se, "df": df}
        extra["confidence"] = confidence
    for measure, value, fields in (
        ("stereoset_icat", score.icat, extra),
        ("stereoset_icat_items", score.icat_items, {}),
    ):
        results.append(dataset_result(dataset, measure, group, label, value, **counts, **fields))
    return results


def skip_records(rows: Sequence[PairRow]) -> list[SkipRecord]:
    """Count what could not be scored, by measure and reason."""
    examples: dict[tuple[str, str], str] = {}
    counts: Counter[tuple[str, str]] = Counter()
    order = {name: n for n, name in enumerate(dict.fromkeys(row.measure for row in rows))}
    for row in rows:
        if row.skip:
            counts[row.measure, row.skip] += 1
            examples.setdefault((row.measure, row.skip), row.detail)
    return [
        SkipRecord(
            probe=rows[0].dataset,
            kind="measure",
            what=measure,
            reason=reason,
            detail=f"for example: {detail}" if (detail := examples[measure, reason]) else "",
            count=counts[measure, reason],
        )
        for measure, reason in sorted(counts, key=lambda key: (order[key[0]], key[1]))
    ]


def excluded_records(dataset: str, reasons: Mapping[str, int]) -> list[SkipRecord]:
    """Count the items of a data set that make no question for the model, by reason."""
    return [
        SkipRecord(
            probe=dataset, kind="cell", what="records", reason="excluded", detail=why, count=count
        )
        for why, count in sorted(reasons.items())
        if count
    ]
