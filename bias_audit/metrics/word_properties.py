"""What else differs between the words of groups: how frequent, how long, how written."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from bias_audit.metrics.design import Design
from bias_audit.metrics.scored_probe import ScoredProbe
from bias_audit.probes.probe import Probe, Word
from bias_audit.probes.scope import scope
from bias_audit.utils.arrays import Floats

FREQUENCY, COUNT = "log10_freq", "count"
"""Facts of a group word that say how frequent it is; the second is a number of bearers or uses."""


class Properties(NamedTuple):
    """What else differs between the words of a probe."""

    names: tuple[str, ...]
    values: Floats
    """(units, properties)."""


def bare(word: Word) -> str:
    """Return a group word without its head: the adjective, or the word itself."""
    entry = word.entry
    return entry.adjective or entry.sg or entry.pl or word.label


def given_frequency(word: Word) -> float | None:
    """Return the decimal logarithm of the frequency that the lexicon gives, if it gives one."""
    facts = word.entry.facts
    if FREQUENCY in facts:
        return facts[FREQUENCY]
    return math.log10(facts[COUNT]) if facts.get(COUNT, 0) > 0 else None


def prior_words(probe: Probe) -> tuple[str, ...]:
    """Return the group words whose prior the adjustment needs: a sample, without a frequency."""
    spec = probe.spec
    if spec.role != "probe" or spec.mask != "target" or spec.targets.own:
        return ()
    words = [word for group in probe.groups for word in group.words]
    given = all(given_frequency(word) is not None for word in words)
    if given or scope(probe) != "concept":
        return ()
    return tuple(dict.fromkeys(map(bare, words)))


def properties(scored: ScoredProbe) -> Properties:
    """Return frequency, length and capitals of the units of a probe, as far as they are known."""
    words: dict[tuple[str, str], list[Word]] = {}
    for group in scored.probe.groups:
        for word in group.words:
            words.setdefault((group.id, word.label), []).append(word)
    units = [words[unit.group, unit.label] for unit in scored.cube.units]

    def mean(find: Callable[[Word], float | None]) -> list[float] | None:
        values = [[find(word) for word in each] for each in units]
        if any(value is None for each in values for value in each):
            return None
        return [float(np.mean([v for v in each if v is not None])) for each in values]

    def prior(word: Word) -> float | None:
        known = scored.priors.get(bare(word))
        return known.log_prob if known else None

    def pieces(word: Word) -> float | None:
        known = scored.priors.get(bare(word))
        return float(known.pieces) if known and known.pieces else None

    columns = {
        "frequency": mean(given_frequency),
        "prior": mean(prior),
        "pieces": mean(pieces),
        "letters": mean(lambda word: float(len(bare(word)))),
        "capitals": mean(lambda word: float(bare(word)[:1].isupper())),
    }
    if columns["frequency"] is not None:
        columns["prior"] = None
    if columns["pieces"] is not None:
        columns["letters"] = None
    known = {name: column for name, column in columns.items() if column is not None}
    return Properties(tuple(known), np.array(list(known.values())).T)


def weighted_groups(
    design: Design, means: Floats, values: Floats
) -> list[tuple[float, Floats, Floats]]:
    """Return weight, mean responses and properties of the words of each group, or of the pairs."""
    if design.pairs:
        a, b = [i for i, _ in design.pairs], [j for _, j in design.pairs]
        return [(1.0, means[a] - means[b], values[a] - values[b])]
    weights = design.weights if design.rest else [1.0, -1.0]
    return [(w, means[g], values[g]) for w, g in zip(weights, design.groups, strict=True)]


def priors_of(
    scored: ScoredProbe, labels: Sequence[str], group: str
) -> tuple[tuple[float | None, ...], tuple[int, ...]]:
    """Return prior and tokens of the terms of a group, for the record; empty if not scored."""
    if not scored.priors:
        return (), ()
    words = {
        word.label: scored.priors.get(bare(word))
        for each in scored.probe.groups
        if each.id == group
        for word in reversed(each.words)
    }
    known = [words[label] for label in labels]
    return (
        tuple(_short(p.log_prob) if p and p.log_prob is not None else None for p in known),
        tuple(p.pieces if p else 0 for p in known),
    )


def _short(value: float) -> float:
    return float(f"{value:.4g}")
