"""HolisticBias: hundreds of thousands of sentences, scored as they are made."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from bias_audit.backends import Backend, score_stream
from bias_audit.benchmarking.tables import bare_result
from bias_audit.datasets.records import GroupSentence, Record
from bias_audit.metrics.likelihood_bias import LikelihoodBias, length_adjusted, likelihood_bias
from bias_audit.metrics.sentence import pll_mean
from bias_audit.records import SentenceRequest
from bias_audit.results import Result, SkipRecord
from bias_audit.stats.seeds import stream

Listener = Callable[[str, int, int], None]
NULL = "null"
"""The axis of sentences without a descriptor."""


@dataclass(slots=True)
class _Axis:
    """Numbers of one axis; the texts are gone."""

    values: list[float] = field(default_factory=list)
    pieces: list[int] = field(default_factory=list)
    templates: list[str] = field(default_factory=list)
    descriptors: list[str] = field(default_factory=list)
    nouns: list[str] = field(default_factory=list)


def likelihood_results(
    backend: Backend,
    name: str,
    records: Iterable[Record],
    measures: Sequence[str],
    *,
    seed: int,
    progress: Listener | None,
) -> tuple[list[Result], list[SkipRecord], int]:
    """Return the results of every axis, what could not be scored, and the number of sentences."""
    waiting: deque[GroupSentence] = deque()

    def requests() -> Iterator[SentenceRequest]:
        for record in records:
            if isinstance(record, GroupSentence):
                waiting.append(record)
                yield SentenceRequest(text=record.text)

    axes: dict[str, _Axis] = defaultdict(_Axis)
    lost: Counter[tuple[str, str]] = Counter()
    tell = None if progress is None else (lambda d, t: progress("sentences", d, t))
    count = 0
    scores = score_stream(backend, requests(), progress=tell)
    for count, score in enumerate(scores, 1):  # noqa: B007
        record = waiting.popleft()
        if score.skip is not None:
            lost[score.skip, score.detail] += 1
            continue
        axis = axes[record.axis]
        axis.values.append(-pll_mean(score.log_probs))
        axis.pieces.append(score.log_probs.size)
        axis.templates.append(record.template)
        axis.descriptors.append(record.term)
        axis.nouns.append(record.noun)
    results: list[Result] = []
    for about in sorted(set(axes) - {NULL}):
        results += _axis(name, about, axes[about], measures, seed)
    skips = [
        SkipRecord(
            probe=name,
            kind="cell",
            what="sentences",
            reason=reason,
            detail=detail,
            count=number,
        )
        for (reason, detail), number in sorted(lost.items())
    ]
    return results, skips, count


def _axis(name: str, axis: str, numbers: _Axis, measures: Sequence[str], seed: int) -> list[Result]:
    """Raw, and with the length of the descriptors taken out."""
    adjusted = length_adjusted(numbers.values, numbers.templates, numbers.pieces)
    kinds = {
        axis: (axis, np.array(numbers.values)),
        f"{axis}:length": (f"{axis}, length taken out", adjusted),
    }
    results = []
    for group, (label, values) in kinds.items():
        try:
            found = likelihood_bias(
                values,
                numbers.templates,
                numbers.descriptors,
                numbers.nouns,
                rng=stream(seed, name, group, "likelihood_bias"),
            )
        except ValueError as error:
            results += [_result(name, group, label, m, None, str(error)) for m in measures]
            continue
        results += [_result(name, group, label, m, found, "") for m in measures]
    return results


def _result(
    name: str, group: str, label: str, measure: str, found: LikelihoodBias | None, reason: str
) -> Result:
    value = None
    if found is not None:
        value = {
            "likelihood_bias": found.share,
            "likelihood_bias_adjusted": found.adjusted_share,
            "likelihood_gap": found.median_gap,
        }[measure]
    null = found if found is not None and measure == "likelihood_bias" else None
    return bare_result(name, measure, group, label, value).model_copy(
        update={
            "n_templates": found.n_templates if found else 0,
            "n_terms": found.n_descriptors if found else 0,
            "n_prompts": found.n_sentences if found else 0,
            "null_mean": null.null_share if null else None,
            "excess": null.excess if null else None,
            "reason": reason,
        }
    )
