"""Two runs of the same data sets, pair by pair."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from bias_audit.datasets.pair_scores import PairRow, read_rows, score_arrays
from bias_audit.datasets.results import ALL, AXIS
from bias_audit.errors import UsageError
from bias_audit.metrics.pair_preference import PAIR_SHARES, adjust, compare_shares, outcomes
from bias_audit.metrics.registry import find_info
from bias_audit.results import (
    PAIR_SCORES_FILE,
    Comparison,
    MissingChange,
    Result,
    Results,
    ShareChange,
    StoredRun,
    missing_change,
)
from bias_audit.results.evidence import Source
from bias_audit.results.io import same_model
from bias_audit.stats.clusters import WHY
from bias_audit.stats.ladder import ALPHA
from bias_audit.utils.arrays import Floats

MAX_LOST = 0.1
"""Share of lost pairs above which a difference is not judged, as for sentences of probes."""
CONFIDENCE = 0.95
_DIGEST = re.compile(r"\b[0-9a-f]{64}\b")
_Key = tuple[str, str, str, int]
"""Data set, measure, pair, and how many pairs of that name come before it."""
_Rows = dict[_Key, PairRow]
Shares = dict[tuple[str, str], _Rows]
"""Rows by data set and measure."""


def compare_dataset_runs(
    base: StoredRun, candidate: StoredRun, *, names: tuple[str, str]
) -> Comparison:
    """Compare every share of pairs of ``candidate`` with that of ``base``.

    Only pairs that both runs scored count. Means such as ``crows_pairs_gap`` depend on the
    vocabulary and are left out. ``names`` is how both were given.

    Raises:
        UsageError: one of them is not a run of data sets, its scores are damaged or belong to
            another run, or no pair is in both.
    """
    one, two = (_read(run, name) for run, name in zip((base, candidate), names, strict=True))
    old, new = base.results, candidate.results
    differing = _differing_copies(old, new)
    changes = [share for share in compare_rows(one, two) if share.dataset not in differing]
    if not changes:
        why = "; ".join(_why_none(old, new, differing))
        raise UsageError(
            f"{names[0]} and {names[1]} have no scored pair in common{f': {why}' if why else ''}",
            hint="compare runs of the same files of data sets, by the same measures",
        )
    compared = {(share.dataset, share.measure) for share in changes}
    missing = tuple(_missing(old, new, differing, compared))
    complete = all(share.identical and not share.lost_pairs for share in changes)
    return Comparison(
        baseline=names[0],
        baseline_model=old.model,
        baseline_run=old.run,
        identical=complete and not missing,
        shares=tuple(changes),
        missing=missing,
        notices=tuple(_notices(old, new)),
    )


def read_shares(source: Source) -> Shares:
    """Read the rows behind each share of pairs from ``benchmarks.csv.gz``, scored or not.

    Raises:
        UsageError: it is not a file of benchmark scores, or a category is called ``all``.
        UnknownNameError: there is no such measure.
    """
    groups: dict[tuple[str, str], _Rows] = defaultdict(dict)
    counts: Counter[tuple[str, str, str]] = Counter()
    for row in read_rows(source):
        if row.category == ALL:
            raise UsageError(
                f"a category of {row.dataset} is called '{ALL}', which stands for all its pairs",
                hint="rename the category in the data set and run it again",
            )
        if find_info(row.measure).id in PAIR_SHARES:
            pair = row.dataset, row.measure, row.pair
            groups[row.dataset, row.measure][*pair, counts[pair]] = row
            counts[pair] += 1
    return dict(sorted(groups.items()))


def compare_rows(base: Shares, candidate: Shares) -> list[ShareChange]:
    """Compare the shares of two runs that have a common pair, overall and by category."""
    return [
        change
        for (dataset, measure), rows in base.items()
        if (other := candidate.get((dataset, measure)))
        for change in _changes(dataset, measure, rows, other)
    ]


def _changes(dataset: str, measure: str, one: _Rows, two: _Rows) -> Iterator[ShareChange]:
    """Compare one share, overall and by category, with Holm over the categories."""
    info = find_info(measure)
    categories = {key: (one.get(key) or two[key]).category for key in (*one, *two)}
    both = [
        (one[key], two[key])
        for key in categories
        if key in one and key in two and not one[key].skip and not two[key].skip
    ]
    if not both:
        return
    names = sorted({row.category for row, _ in both})
    parts = {ALL: both}
    if len(names) > 1:
        parts |= {name: [pair for pair in both if pair[0].category == name] for name in names}
    sizes = {**Counter(categories.values()), ALL: len(categories)}
    numbers = {name: _numbers(pairs) for name, pairs in parts.items()}
    adjusted = adjust({name: n["p_value"] for name, n in numbers.items() if name != ALL})
    for name, values in numbers.items():
        p_value = adjusted.get(name, values["p_value"])
        lost = sizes[name] - values["pairs"]
        incomplete = lost > MAX_LOST * sizes[name]
        yield ShareChange(
            dataset=dataset,
            measure=measure,
            category=name,
            measure_name=info.name,
            neutral=info.neutral,
            direction=info.direction,
            p_adjusted=adjusted.get(name),
            differs=p_value is not None and p_value < ALPHA and not incomplete,
            lost_pairs=lost,
            lost_share=lost / sizes[name],
            statuses=("incomplete",) if incomplete else (),
            **values,
        )


def _numbers(pairs: Sequence[tuple[PairRow, PairRow]]) -> dict[str, Any]:
    """Return both shares and their difference, as fields of a change."""
    before, after = (_outcomes(rows) for rows in zip(*pairs, strict=True))
    clusters = [row.cluster or (n,) for n, (row, _) in enumerate(pairs)]
    change = compare_shares(before, after, clusters)
    mean = change.difference
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
        "identical": all((a.more, a.less) == (b.more, b.less) for a, b in pairs),
        "only_baseline": change.only_first,
        "only_candidate": change.only_second,
        "mcnemar_p": change.mcnemar,
        "pairs": mean.n_items,
        "clusters": mean.n_clusters,
        "reason": "" if mean.se is not None else f"no interval: {why[mean.status]}",
    }


def _outcomes(rows: Sequence[PairRow]) -> Floats:
    """Return 1 for each pair whose first sentence is preferred, as its measure counts it, (n,)."""
    more, less, ties = score_arrays(rows)
    return outcomes(more, less, ties=ties)


def _read(run: StoredRun, name: str) -> Shares:
    if run.pair_scores is None:
        why = "asked probes, and the other one data sets"
        if any(probe.axis == AXIS for probe in run.results.probes):
            why = f"has no {PAIR_SCORES_FILE}"
        raise UsageError(
            f"{name} {why}, so nothing can be paired",
            hint="give two whole folders of runs of the same kind",
        )
    shares = read_shares(run.pair_scores)
    if result := _contradiction(run.results, shares):
        raise UsageError(
            f"{PAIR_SCORES_FILE} of {name} does not belong to its results.json: '{result}' is"
            " another number by its scores, or has none",
            hint="one of the two was changed; run the data sets again",
        )
    return shares


def _contradiction(results: Results, shares: Shares) -> str:
    """Return the first overall share that its rows, or their absence, do not give; or nothing.

    Scores are written with 6 decimals, so pairs that are closer than that may be ties here.
    """
    for result in results.results:
        if result.groups != (ALL,) or result.metric not in PAIR_SHARES:
            continue
        rows = shares.get((result.probe, result.metric), {}).values()
        scored = [row for row in rows if not row.skip]
        if not scored or result.estimate is None:
            if bool(scored) != (result.estimate is not None):
                return result.id
            continue
        value = 100 * float(_outcomes(scored).mean())
        near = 2e-3 if result.metric.endswith("_published") else 2e-6
        open_pairs = sum(abs((row.more or 0.0) - (row.less or 0.0)) < near for row in scored)
        if abs(value - result.estimate) > 100 * open_pairs / len(scored) + 1e-4:
            return result.id
    return ""


def _differing_copies(old: Results, new: Results) -> set[str]:
    """Return data sets whose files differ, so that an id of a pair may be another pair."""
    before, after = _digests(old), _digests(new)
    return {name for name in before.keys() & after.keys() if before[name] != after[name]}


def _digests(results: Results) -> dict[str, str]:
    """Return the digest of each data set's copy, which its card states as the source."""
    sources = {probe.id: probe.card.source for probe in results.probes if probe.card is not None}
    return {name: match[0] for name, text in sources.items() if (match := _DIGEST.search(text))}


def _measures(results: Results) -> dict[tuple[str, str], Result]:
    """Return a result of each measure of a data set: the overall one, else the first."""
    firsts: dict[tuple[str, str], Result] = {}
    for result in results.results:
        key = result.probe, result.metric
        if result.axis == AXIS and (result.groups == (ALL,) or key not in firsts):
            firsts[key] = result
    return firsts


def _without_pairs(old: Results, new: Results) -> list[str]:
    """Return measures of both runs that are not shares of pairs."""
    both = _measures(old).keys() & _measures(new).keys()
    return sorted({measure for _, measure in both} - PAIR_SHARES)


def _why_none(old: Results, new: Results, differing: set[str]) -> Iterator[str]:
    """Say why two runs have nothing to compare."""
    if differing:
        yield f"their copies of {', '.join(sorted(differing))} differ"
    if measures := _without_pairs(old, new):
        yield f"these measures have no pairs: {', '.join(measures)}"


def _missing(
    old: Results, new: Results, differing: set[str], compared: set[tuple[str, str]]
) -> Iterator[MissingChange]:
    """Yield measures of one run only, shares without a pair in both, and differing copies."""
    before, after = _measures(old), _measures(new)
    for key, result in after.items():
        if key[0] in differing:
            why = "the two runs read different copies of the data set"
            yield missing_change(result, "probe_version_changed", why)
        elif key not in before:
            yield missing_change(result, "not_in_baseline")
        elif key[1] in PAIR_SHARES and key not in compared:
            yield missing_change(result, "cells_lost", "no pair is scored in both runs")
    for key, result in before.items():
        if key not in after and key[0] not in differing:
            yield missing_change(result, "no_result", "only the baseline has this result")


def _notices(old: Results, new: Results) -> Iterator[str]:
    """Say what a reader should know."""
    yield from same_model(old, new)
    for results, name in ((old, "the baseline"), (new, "this run")):
        if results.run.partial:
            yield f"{name} was cut short: only pairs that both runs scored are compared"
    if measures := _without_pairs(old, new):
        yield f"only shares of pairs are compared, and these are none: {', '.join(measures)}"
