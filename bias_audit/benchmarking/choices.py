"""StereoSet: three candidates in one blank."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import islice

import numpy as np

from bias_audit._contract import Result, SkipRecord
from bias_audit.benchmarking.tables import holm_over_groups, left_out, stereoset_results
from bias_audit.datasets import Dataset
from bias_audit.datasets.records import Choice
from bias_audit.metrics.pairs import Ties
from bias_audit.metrics.stereoset import StereoSetScore, stereoset
from bias_audit.records import Floats
from bias_audit.scoring.base import SentenceScoring

Listener = Callable[[str, int, int], None]


def choice_results(
    scorer: SentenceScoring,
    dataset: Dataset,
    measures: Sequence[str],
    *,
    confidence: float,
    limit: int | None,
    progress: Listener | None,
) -> tuple[list[Result], list[SkipRecord]]:
    """Return the results of the items inside a sentence, and what could not be scored.

    Items between sentences need a model of what follows a sentence, which a masked one is not.
    """
    name = dataset.info.id
    items = [r for r in islice(dataset, limit) if isinstance(r, Choice)]
    inside = [item for item in items if item.kind == "intrasentence"]
    lost: Counter[str] = Counter()
    lost["between sentences: a masked language model does not say what follows"] = len(items) - len(
        inside
    )
    ready = [item for item in inside if item.fills is not None]
    lost["the sentences do not follow the context, or it has two blanks"] = len(inside) - len(ready)
    blanks = [(item.left, word, item.right) for item in ready for word in item.fills or ()]
    tell = None if progress is None else (lambda d, t: progress("blanks", d, t))
    scores = list(scorer.fills(blanks, progress=tell))
    kept: list[int] = []
    for number in range(len(ready)):
        bad = [s.detail for s in scores[3 * number : 3 * number + 3] if s.skip is not None]
        if bad:
            lost["a candidate cannot be scored"] += 1
        else:
            kept.append(number)
    if not kept:
        return [], left_out(name, lost)
    ours = np.array([[s.log_prob / s.pieces for s in scores[3 * n : 3 * n + 3]] for n in kept])
    theirs = np.array([[s.published for s in scores[3 * n : 3 * n + 3]] for n in kept])
    results = _parts(name, [ready[n] for n in kept], ours, theirs, confidence)
    return [r for r in results if r.metric in measures], left_out(name, lost)


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
