"""StereoSet: three candidates in one blank."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from bias_audit.backends import Backend, score_stream
from bias_audit.benchmarking.rows import PairRow
from bias_audit.benchmarking.tables import holm_over_groups, left_out, stereoset_results
from bias_audit.datasets.records import Choice, Record
from bias_audit.metrics.pair_preference import Ties
from bias_audit.metrics.stereoset import StereoSetScore, stereoset
from bias_audit.records import BlankRequest, Floats
from bias_audit.results import Result, SkipRecord

Listener = Callable[[str, int, int], None]
COMPARISONS = {
    "stereoset_ss_items": (("", 0, 1),),
    "stereoset_lms_items": ((":stereotype", 0, 2), (":anti", 1, 2)),
}
"""Which candidates an item compares, by the measure that is a share of these comparisons."""


@dataclass(kw_only=True)
class Choices:
    """What the items of a data set gave."""

    results: list[Result] = field(default_factory=list)
    skips: list[SkipRecord]
    rows: list[PairRow] = field(default_factory=list)


def choice_results(
    backend: Backend,
    name: str,
    records: Iterable[Record],
    measures: Sequence[str],
    *,
    confidence: float,
    progress: Listener | None,
) -> Choices:
    """Return the results of the items inside a sentence, and what could not be scored.

    Items between sentences need a model of what follows a sentence, which a masked one is not.
    """
    items = [r for r in records if isinstance(r, Choice)]
    inside = [item for item in items if item.kind == "intrasentence"]
    lost: Counter[str] = Counter()
    lost["between sentences: a masked language model does not say what follows"] = len(items) - len(
        inside
    )
    ready = [item for item in inside if item.fills is not None]
    lost["the sentences do not follow the context, or it has two blanks"] = len(inside) - len(ready)
    blanks = [
        BlankRequest(left=item.left, word=word, right=item.right)
        for item in ready
        for word in item.fills or ()
    ]
    tell = None if progress is None else (lambda d, t: progress("blanks", d, t))
    scores = list(score_stream(backend, blanks, progress=tell))
    kept: list[int] = []
    for number in range(len(ready)):
        bad = [s.detail for s in scores[3 * number : 3 * number + 3] if s.skip is not None]
        if bad:
            lost["a candidate cannot be scored"] += 1
        else:
            kept.append(number)
    if not kept:
        return Choices(skips=left_out(name, lost))
    ours = np.array([[s.log_prob / s.pieces for s in scores[3 * n : 3 * n + 3]] for n in kept])
    theirs = np.array([[s.published for s in scores[3 * n : 3 * n + 3]] for n in kept])
    whole = [ready[n] for n in kept]
    results = _parts(name, whole, ours, theirs, confidence)
    return Choices(
        results=[r for r in results if r.metric in measures],
        skips=left_out(name, lost),
        rows=_rows(name, whole, ours, measures),
    )


def _rows(
    name: str, items: Sequence[Choice], scores: Floats, measures: Sequence[str]
) -> list[PairRow]:
    """Every comparison that a share counts."""
    return [
        PairRow(
            dataset=name,
            pair=f"{item.id}{which}",
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
        for which, first, second in pairs
    ]


def _parts(
    name: str, items: Sequence[Choice], ours: Floats, theirs: Floats, confidence: float
) -> list[Result]:
    """All items, all items as published, and each domain."""
    terms = [item.target for item in items]
    whole = _scored(ours, terms)
    published = _scored(theirs, terms, ties="lost")
    results = stereoset_results(name, "all items", "all", whole, confidence)
    label = "all items, scored as the published script does"
    results += stereoset_results(name, label, "published", published, confidence)
    domains: dict[str, list[int]] = defaultdict(list)
    for number, item in enumerate(items):
        domains[item.category].append(number)
    parts: list[Result] = []
    for domain, rows in sorted(domains.items()):
        found = _scored(ours[rows], [terms[n] for n in rows])
        parts += stereoset_results(name, domain, domain, found, confidence)
    return results + holm_over_groups(parts)


def _scored(scores: Floats, terms: Sequence[str], *, ties: Ties = "half") -> StereoSetScore:
    """Columns: stereotype, anti-stereotype, unrelated."""
    return stereoset(scores[:, 0], scores[:, 1], scores[:, 2], terms, ties=ties)
