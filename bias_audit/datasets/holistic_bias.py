"""HolisticBias: hundreds of thousands of sentences, scored as they are made."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from bias_audit.backends import Backend
from bias_audit.datasets.items import GroupSentence, Item
from bias_audit.datasets.results import DatasetOutput, dataset_result, left_out
from bias_audit.datasets.scores import Listener, score_sentences
from bias_audit.metrics.likelihood_bias import LikelihoodBias, length_adjusted, likelihood_bias
from bias_audit.metrics.sentence import pll_mean
from bias_audit.results import Result, SkipRecord
from bias_audit.stats.seeds import stream

NULL = "null"
"""The axis of sentences without a descriptor."""


@dataclass(slots=True)
class _Axis:
    """Numbers of one axis; the texts are not kept."""

    values: list[float] = field(default_factory=list)
    """Log-perplexity of each sentence, nats per token."""
    tokens: list[int] = field(default_factory=list)
    templates: list[str] = field(default_factory=list)
    descriptors: list[str] = field(default_factory=list)
    nouns: list[str] = field(default_factory=list)


def measure_likelihood(
    backend: Backend,
    dataset: str,
    items: Iterable[Item],
    measures: Sequence[str],
    *,
    seed: int,
    progress: Listener | None,
) -> DatasetOutput:
    """Measure every axis, as it is and with the length of the descriptors taken out."""
    axes: dict[str, _Axis] = defaultdict(_Axis)
    missing: Counter[tuple[str, str]] = Counter()
    lost: Counter[str] = Counter()
    count = 0
    sentences = (item for item in items if isinstance(item, GroupSentence))
    for item, score in score_sentences(backend, sentences, progress=progress):
        count += 1
        if score.skip is not None:
            missing[score.skip, score.detail] += 1
            lost[item.axis] += 1
            continue
        axis = axes[item.axis]
        axis.values.append(-pll_mean(score.log_probs))
        axis.tokens.append(score.log_probs.size)
        axis.templates.append(item.template)
        axis.descriptors.append(item.term)
        axis.nouns.append(item.noun)
    results: list[Result] = []
    for name in sorted(set(axes) - {NULL}):
        reason = left_out(lost[name], lost[name] + len(axes[name].values))
        results += [
            r.model_copy(update={"reason": "; ".join(filter(None, (reason, r.reason)))})
            for r in _results(dataset, name, axes[name], measures, seed)
        ]
    skips = [
        SkipRecord(
            probe=dataset, kind="cell", what="sentences", reason=reason, detail=detail, count=number
        )
        for (reason, detail), number in sorted(missing.items())
    ]
    return DatasetOutput(results=results, skips=skips, sentences=count)


def _results(
    dataset: str, axis: str, numbers: _Axis, measures: Sequence[str], seed: int
) -> list[Result]:
    adjusted = length_adjusted(numbers.values, numbers.templates, numbers.tokens)
    results = []
    for group, label, values in (
        (axis, axis, np.array(numbers.values)),
        (f"{axis}:length", f"{axis}, length taken out", adjusted),
    ):
        try:
            bias = likelihood_bias(
                values,
                numbers.templates,
                numbers.descriptors,
                numbers.nouns,
                rng=stream(seed, dataset, group, "likelihood_bias"),
            )
        except ValueError as error:
            reason = str(error)
            results += [
                dataset_result(dataset, m, group, label, None, reason=reason) for m in measures
            ]
        else:
            results += [_result(dataset, m, group, label, bias) for m in measures]
    return results


def _result(dataset: str, measure: str, group: str, label: str, bias: LikelihoodBias) -> Result:
    value, null = {
        "likelihood_bias": (bias.share, {"null_mean": bias.null_share, "excess": bias.excess}),
        "likelihood_bias_adjusted": (bias.adjusted_share, {}),
        "likelihood_gap": (bias.median_gap, {}),
    }[measure]
    return dataset_result(
        dataset,
        measure,
        group,
        label,
        value,
        n_templates=bias.n_templates,
        n_terms=bias.n_descriptors,
        n_prompts=bias.n_sentences,
        **null,
    )
