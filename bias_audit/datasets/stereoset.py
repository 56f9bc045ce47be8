"""StereoSet: three candidates in one blank."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from bias_audit.backends import Backend
from bias_audit.datasets.items import Choice, Item
from bias_audit.datasets.pair_scores import PairRow
from bias_audit.datasets.results import (
    ALL,
    DatasetOutput,
    excluded_records,
    left_out,
    stereoset_results,
)
from bias_audit.datasets.scores import Listener, score_blanks
from bias_audit.metrics.pair_preference import Ties, adjust
from bias_audit.metrics.stereoset import StereoSetScore, stereoset
from bias_audit.results import Result
from bias_audit.utils.arrays import Floats

COMPARISONS = {
    "stereoset_ss_items": (("", 0, 1),),
    "stereoset_lms_items": ((":stereotype", 0, 2), (":anti", 1, 2)),
}
"""Which candidates an item compares, by the measure that is a share of these comparisons."""


def measure_choices(
    backend: Backend,
    dataset: str,
    items: Iterable[Item],
    measures: Sequence[str],
    *,
    confidence: float,
    progress: Listener | None,
) -> DatasetOutput:
    """Measure the items inside a sentence.

    Items between sentences need a model of what follows a sentence, which a masked one is not.
    """
    choices = [item for item in items if isinstance(item, Choice)]
    inside = [item for item in choices if item.kind == "intrasentence"]
    with_blank = [item for item in inside if item.fills is not None]
    scores = score_blanks(backend, with_blank, progress=progress)
    complete = [n for n, three in enumerate(scores) if all(s.skip is None for s in three)]
    between, unfit = len(choices) - len(inside), len(inside) - len(with_blank)
    excluded = {
        "between sentences: a masked language model does not say what follows": between,
        "the sentences do not follow the context, or it has two blanks": unfit,
        "a candidate cannot be scored": len(scores) - len(complete),
    }
    skips = excluded_records(dataset, excluded)
    if not complete:
        return DatasetOutput(skips=skips)
    scored = [with_blank[n] for n in complete]
    per_token = np.array([[s.log_prob / s.pieces for s in scores[n]] for n in complete])
    published = np.array([[s.published for s in scores[n]] for n in complete])
    reason = left_out(sum(excluded.values()), len(choices))
    results = [
        r.model_copy(update={"reason": reason}) if r.groups[0] in (ALL, "published") else r
        for r in _results(dataset, scored, per_token, published, confidence)
    ]
    return DatasetOutput(
        results=[r for r in results if r.metric in measures],
        skips=skips,
        rows=_rows(dataset, scored, per_token, measures),
        sentences=3 * len(scored),
    )


def _rows(
    dataset: str, items: Sequence[Choice], scores: Floats, measures: Sequence[str]
) -> list[PairRow]:
    """Return every comparison that a share counts."""
    return [
        PairRow(
            dataset=dataset,
            pair=f"{item.id}{suffix}",
            category=item.category,
            direction="",
            cluster=item.target,
            measure=measure,
            more=float(row[first]),
            less=float(row[second]),
            skip="",
            detail="",
        )
        for measure, pairs in COMPARISONS.items()
        if measure in measures
        for item, row in zip(items, scores, strict=True)
        for suffix, first, second in pairs
    ]


def _results(
    dataset: str, items: Sequence[Choice], scores: Floats, published: Floats, confidence: float
) -> list[Result]:
    """Build the results of all items, of all items as published, and of each domain."""
    terms = [item.target for item in items]
    overall, script = _measure(scores, terms), _measure(published, terms, ties="lost")
    label = "all items, scored as the published script does"
    results = stereoset_results(dataset, ALL, "all items", overall, confidence)
    results += stereoset_results(dataset, "published", label, script, confidence)
    members: dict[str, list[int]] = defaultdict(list)
    for number, item in enumerate(items):
        members[item.category].append(number)
    domains = {
        domain: _measure(scores[rows], [terms[n] for n in rows])
        for domain, rows in sorted(members.items())
    }
    adjusted = {
        "stereoset_ss": adjust({d: s.ss.p_value(50.0) for d, s in domains.items()}),
        "stereoset_ss_items": adjust({d: s.ss_items.p_value(50.0) for d, s in domains.items()}),
    }
    for domain, score in domains.items():
        own = {measure: p_values[domain] for measure, p_values in adjusted.items()}
        results += stereoset_results(dataset, domain, domain, score, confidence, own)
    return results


def _measure(scores: Floats, terms: Sequence[str], *, ties: Ties = "half") -> StereoSetScore:
    """Columns of ``scores``: stereotype, anti-stereotype, unrelated."""
    return stereoset(scores[:, 0], scores[:, 1], scores[:, 2], terms, ties=ties)
