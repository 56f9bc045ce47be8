"""Two runs of the same data sets, pair by pair."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bias_audit.benchmarking.rows import PairRow, read
from bias_audit.errors import UsageError
from bias_audit.metrics.pair_preference import PAIR_SHARES, Ties, adjust, compare_shares, outcomes
from bias_audit.metrics.registry import find_info
from bias_audit.records import Floats
from bias_audit.results import Results, ShareChange
from bias_audit.results.evidence import Source
from bias_audit.stats.clustered import WHY

ALL = "all"
ALPHA = 0.05
MOST_LOST = 0.1
"""Share of lost pairs above which a difference is not judged, as for sentences of probes."""
CONFIDENCE = 0.95
_Key = tuple[str, str, str, int]
"""Data set, measure, pair, and the how manieth of its name."""
_Scored = dict[_Key, PairRow]
Shares = dict[tuple[str, str], _Scored]
"""Rows by data set and measure."""


def compare_benchmarks(first: str | Source, second: str | Source) -> list[ShareChange]:
    """Compare two runs that measured the same data sets.

    Only pairs that both runs scored count. Means such as ``crows_pairs_gap`` depend on the
    vocabulary and are left out.

    Args:
        first: ``benchmarks.csv.gz`` of the baseline.
        second: that of the candidate.

    Returns:
        Each share of pairs and, where there are several, those of its categories.

    Raises:
        UsageError: a file cannot be read, or the runs share no measure of a data set.
    """
    found = paired(shares(first), shares(second))
    if not found:
        raise UsageError(
            "the two runs have no scored pair in common",
            hint="compare runs of the same data sets by the same measures",
        )
    return found


def paired(one: Shares, two: Shares) -> list[ShareChange]:
    """The same for rows that were read; empty where no pair is in both."""
    both = [name for name in one if name in two]
    return [row for name in both for row in _compared(*name, one[name], two[name])]


def shares(source: str | Source) -> Shares:
    """The rows behind each share of pairs, by data set and measure; rows without a score too.

    Raises:
        UsageError: it is no file of benchmark scores, or a category is called ``all``.
        UnknownNameError: there is no such measure.
    """
    rows = read(Path(source) if isinstance(source, str) else source)
    groups: dict[tuple[str, str], _Scored] = defaultdict(dict)
    met: Counter[tuple[str, str, str]] = Counter()
    for row in rows:
        name = row.dataset, row.measure
        if row.category == ALL:
            raise UsageError(
                f"a category of {row.dataset} is called '{ALL}', which stands for all its pairs",
                hint="rename the category in the data set and run it again",
            )
        if find_info(row.measure).id in PAIR_SHARES:
            groups[name][*name, row.pair, met[*name, row.pair]] = row
            met[*name, row.pair] += 1
    return dict(sorted(groups.items()))


def preferred(measure: str, rows: Sequence[PairRow]) -> Floats:
    """1 for each pair whose first sentence is preferred, as the measure counts it, (n,).

    The published script of CrowS-Pairs rounds to 3 decimals and counts a tie as lost.
    """
    published = measure.endswith("_published")
    more, less = (
        np.array([getattr(row, side) for row in rows], dtype=np.float64)
        for side in ("more", "less")
    )
    if published:
        more, less = np.round(more, 3), np.round(less, 3)
    ties: Ties = "lost" if published else "half"
    return outcomes(more, less, ties=ties)


def foreign(results: Results, rows: Shares) -> str:
    """The first overall share that its rows, or their absence, do not give; empty when all do.

    Scores are written with 6 decimals, so pairs that are closer than that may be ties here.
    """
    for result in results.results:
        scored = rows.get((result.probe, result.metric))
        if result.groups != (ALL,) or result.metric not in PAIR_SHARES:
            continue
        known = [row for row in (scored or {}).values() if not row.skip]
        if not known or result.estimate is None:
            if bool(known) != (result.estimate is not None):
                return result.id
            continue
        value = 100 * float(preferred(result.metric, known).mean())
        near = 2e-3 if result.metric.endswith("_published") else 2e-6
        open_pairs = sum(abs((row.more or 0.0) - (row.less or 0.0)) < near for row in known)
        if abs(value - result.estimate) > 100 * open_pairs / len(known) + 1e-4:
            return result.id
    return ""


def _compared(dataset: str, measure: str, one: _Scored, two: _Scored) -> Iterator[ShareChange]:
    met = {key: (one.get(key) or two[key]).category for key in dict.fromkeys((*one, *two))}
    both = [
        (one[key], two[key])
        for key in met
        if key in one and key in two and not one[key].skip and not two[key].skip
    ]
    if not both:
        return
    categories = sorted({a.category for a, _ in both})
    parts = {ALL: both}
    if len(categories) > 1:
        parts |= {c: [pair for pair in both if pair[0].category == c] for c in categories}
    sizes = {**Counter(met.values()), ALL: len(met)}
    numbers = {name: _numbers(measure, pairs) for name, pairs in parts.items()}
    family = {name: found["p_value"] for name, found in numbers.items() if name != ALL}
    adjusted = adjust(family)
    for name, found in numbers.items():
        p = adjusted.get(name, found["p_value"])
        lost = sizes[name] - found["pairs"]
        gone = lost > MOST_LOST * sizes[name]
        yield ShareChange(
            dataset=dataset,
            measure=measure,
            measure_name=find_info(measure).name,
            category=name,
            neutral=find_info(measure).neutral,
            direction=find_info(measure).direction,
            p_adjusted=adjusted.get(name),
            differs=p is not None and p < ALPHA and not gone,
            lost_pairs=lost,
            lost_share=lost / sizes[name],
            statuses=("incomplete",) if gone else (),
            **found,
        )


def _numbers(measure: str, both: Sequence[tuple[PairRow, PairRow]]) -> dict[str, Any]:
    """Both shares and their difference."""
    before = preferred(measure, [a for a, _ in both])
    after = preferred(measure, [b for _, b in both])
    found = compare_shares(before, after, [a.cluster or (n,) for n, (a, _) in enumerate(both)])
    mean = found.difference
    low, high = mean.interval(CONFIDENCE) or (None, None)
    why = {**WHY, "no_variance": "every pair differs alike"}
    return {
        "baseline": 100 * float(before.mean()),
        "candidate": 100 * float(after.mean()),
        "difference": mean.estimate,
        "ci_low": low,
        "ci_high": high,
        "se": mean.se,
        "df": mean.df,
        "p_value": mean.p_value(),
        "identical": all((a.more, a.less) == (b.more, b.less) for a, b in both),
        "only_baseline": found.only_first,
        "only_candidate": found.only_second,
        "mcnemar_p": found.mcnemar,
        "pairs": mean.n_items,
        "clusters": mean.n_clusters,
        "reason": "" if mean.se is not None else f"no interval: {why[mean.status]}",
    }
