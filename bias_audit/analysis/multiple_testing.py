"""Families of questions: which p-values are adjusted together, and by which method.

What belongs to a family follows from the probes and their declarations, so it is known before
anything is scored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from bias_audit.metrics.design import Comparison
from bias_audit.metrics.scored_probe import Settings
from bias_audit.results import Result
from bias_audit.stats.estimate import Contrast
from bias_audit.stats.multiplicity import FEWEST, bh, by, holm, max_t_flips
from bias_audit.stats.permutation import MOST_FLIPPED
from bias_audit.stats.seeds import stream
from bias_audit.utils.arrays import Floats

Adjust = Callable[[Floats], Floats]
_METHODS: Mapping[str, tuple[str, Adjust]] = {
    "holm": ("Holm", holm),
    "by": ("Benjamini-Yekutieli", by),
    "bh": ("Benjamini-Hochberg", bh),
}


class Family(NamedTuple):
    """The questions of one family, answered together."""

    adjusted: list[float | None]
    """One for each question, in their order; None where there is no p-value."""
    method: str
    """How, and over how many: ``Holm over 7``."""


def adjust_primary(results: Sequence[Result]) -> Family:
    """Return the confirmatory family of one probe: its primary comparisons, by Holm."""
    return _by_p("holm", [result.p_value for result in results])


def adjust_targets(
    comparison: Comparison, raw: Sequence[float | None], settings: Settings, *keys: str
) -> Family:
    """Return the family of one table of words: every target of a comparison."""
    if settings.target_family != "max-t":
        return _by_p(settings.target_family, raw)
    return _max_t(comparison.targets, raw, settings, keys) or _instead(raw)


def adjust_exploratory(lists: Sequence[list[Result]], settings: Settings) -> None:
    """Adjust everything else about one probe as one family, in place.

    Never split: a family of its own would make each of its questions look stronger. A test that
    gave no p counts, because a family that shrinks with its data makes the others look surer.
    """
    tested = [r.p_value for results in lists for r in results if r.p_method]
    family = _by_p(settings.secondary_family, tested)
    adjusted = iter(family.adjusted)
    for results in lists:
        for number, result in enumerate(results):
            if result.p_method and (p := next(adjusted)) is not None:
                update = {"p_adjusted": p, "p_adjustment": family.method}
                results[number] = result.model_copy(update=update)


def _by_p(method: str, raw: Sequence[float | None]) -> Family:
    """A method that looks at the p-values alone."""
    name, adjust = _METHODS[method]
    values = adjust(np.array([1.0 if p is None else p for p in raw]))
    adjusted = [None if p is None else float(q) for p, q in zip(raw, values, strict=True)]
    return Family(adjusted, f"{name} over {len(raw)}")


def _instead(raw: Sequence[float | None]) -> Family:
    family = _by_p("by", raw)
    why = "max-T needs a claim about exactly these words and targets"
    return family._replace(method=f"{family.method} ({why})")


def _max_t(
    questions: Sequence[tuple[str, Contrast]],
    raw: Sequence[float | None],
    settings: Settings,
    keys: Sequence[str],
) -> Family | None:
    """Signs of sentences flipped in all questions at once; None where they share no such scheme."""
    if not questions or all(p is None for p in raw):
        return None
    if any(contrast.used != ("templates",) for _, contrast in questions):
        return None
    if len(questions) != len(raw) or len(questions[0][1].by_cluster) < FEWEST:
        return None
    # No order in a file moves a draw: questions go by their names, sentences by their values.
    order = sorted(range(len(questions)), key=lambda i: questions[i][0])
    deltas = np.array([questions[i][1].by_cluster for i in order]).T
    deltas = deltas[np.lexsort(deltas.T)]
    rng = stream(settings.seed, *keys, "max-t")
    p_values = max_t_flips(deltas, rng, settings.resamples)
    adjusted: list[float | None] = [None] * len(raw)
    for i, p in zip(order, p_values, strict=True):
        own = raw[i]
        adjusted[i] = None if own is None else max(float(p), own)
    rows = len(deltas)
    flips = f"all {2**rows}" if rows <= MOST_FLIPPED else f"{settings.resamples} drawn"
    return Family(adjusted, f"max-T over {len(order)}, {flips} flips of sentences")
