"""R4: does the gap remain when rare and frequent, long and short words are made equal?"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from bias_audit import _claims
from bias_audit.archive import Check
from bias_audit.assess._design import Design
from bias_audit.assess._input import Comparison, Scored
from bias_audit.assess._robust import detected
from bias_audit.assess.checks._record import described, impossible, judged, short
from bias_audit.metrics.log_odds import cell_response
from bias_audit.probes import Probe, Word
from bias_audit.records import Floats
from bias_audit.stats.adjusted import Adjusted, adjusted
from bias_audit.stats.fragility import LEAST_SHARE, decided_side, is_confounded
from bias_audit.stats.matched import Matched, matched, matched_pairs

FREQUENCY, COUNT = "log10_freq", "count"
"""Facts of a group word that say how frequent it is; the second is a number of bearers or uses."""


class Properties(NamedTuple):
    """What else differs between the words of a probe."""

    names: tuple[str, ...]
    values: Floats
    """(units, properties)."""


def bare(word: Word) -> str:
    """A group word without its head: the adjective, or the word itself."""
    entry = word.entry
    return entry.adjective or entry.sg or entry.pl or word.label


def given_frequency(word: Word) -> float | None:
    """The decimal logarithm of the frequency that the lexicon gives, if it gives one."""
    facts = word.entry.facts
    if FREQUENCY in facts:
        return facts[FREQUENCY]
    return math.log10(facts[COUNT]) if facts.get(COUNT, 0) > 0 else None


def wants_priors(probe: Probe) -> tuple[str, ...]:
    """Group words whose prior the adjustment needs: those of a sample, without a frequency."""
    spec = probe.spec
    if spec.role != "probe" or spec.mask != "target" or spec.targets.own:
        return ()
    words = [word for group in probe.groups for word in group.words]
    given = all(given_frequency(word) is not None for word in words)
    if given or _claims.scope(probe) != "concept":
        return ()
    return tuple(dict.fromkeys(map(bare, words)))


def properties(scored: Scored) -> Properties:
    """Frequency, length and capitals of the units of a probe, as far as they are known."""
    words: dict[tuple[str, str], list[Word]] = {}
    for group in scored.probe.groups:
        for word in group.words:
            words.setdefault((group.id, word.label), []).append(word)
    units = [words[unit.group, unit.label] for unit in scored.cube.units]

    def mean(find: Callable[[Word], float | None]) -> list[float] | None:
        found = [[find(word) for word in each] for each in units]
        if any(value is None for each in found for value in each):
            return None
        return [float(np.mean([v for v in each if v is not None])) for each in found]

    def prior(word: Word) -> float | None:
        known = scored.priors.get(bare(word))
        return known.log_prob if known else None

    def pieces(word: Word) -> float | None:
        known = scored.priors.get(bare(word))
        return float(known.pieces) if known and known.pieces else None

    found = {
        "frequency": mean(given_frequency),
        "prior": mean(prior),
        "pieces": mean(pieces),
        "letters": mean(lambda word: float(len(bare(word)))),
        "capitals": mean(lambda word: float(bare(word)[:1].isupper())),
    }
    if found["frequency"] is not None:
        found["prior"] = None
    if found["pieces"] is not None:
        found["letters"] = None
    kept = {name: column for name, column in found.items() if column is not None}
    return Properties(tuple(kept), np.array(list(kept.values())).T)


def adjustment(scored: Scored, comparison: Comparison, known: Properties) -> Check | None:
    """Compare the gap with the one at equal properties; None where words are no sample.

    One that lies inside the margin must not leave it, and one outside must not come in; of one
    that was detected and does not pass, half must be left.
    """
    if scored.probe.spec.mask != "target" or comparison.scope != "concept":
        return None
    found = at_equal(scored, comparison, known)
    if found is None:
        return impossible("R4", "too few words, or words that are all alike")
    margin = scored.probe.spec.margin
    kept = found.estimate / found.raw if found.raw else 1.0
    note = _told(scored, comparison, known, found)
    there = detected(comparison)
    side = decided_side(comparison.contrast, margin)
    if not there and side is None:
        return described("R4", kept, note)
    holds = not is_confounded(found.raw, found.estimate, side, margin, detected=there)
    # A share of a gap is a threshold only where half of it has to be left.
    crossed = found.raw != 0 and (side == 0 or (not holds and kept >= LEAST_SHARE))
    threshold = margin / abs(found.raw) if crossed else LEAST_SHARE
    return judged("R4", kept, threshold, holds, "confounded", note)


def at_equal(scored: Scored, comparison: Comparison, known: Properties) -> Adjusted | None:
    """The gap at equal properties; None where words are no sample, too few, or all alike."""
    if scored.probe.spec.mask != "target" or comparison.scope != "concept":
        return None
    if comparison.contrast.status != "ok":
        return None
    return adjusted(_groups(scored, comparison, known.values))


def _told(scored: Scored, comparison: Comparison, known: Properties, found: Adjusted) -> str:
    note = f"{found.estimate:+.3f} nats at equal {_listed(known.names, found.used)}"
    if found.inseparable:
        note += f"; {_listed(known.names, found.inseparable)} cannot be told from the group"
    alike = _alike(scored, comparison, known.values)
    if alike is not None:
        kind = "pairs" if comparison.paired else "words of each group"
        note += f"; {alike.estimate:+.3f} nats between {alike.words} {kind} that are alike"
    return note


def _alike(scored: Scored, comparison: Comparison, values: Floats) -> Matched | None:
    """The gap between words that are matched in their properties; of two groups only."""
    design = Design(scored, comparison.a, comparison.b)
    if design.rest:
        return None
    means = _means(scored)
    if design.pairs:
        a, b = [i for i, _ in design.pairs], [j for _, j in design.pairs]
        return matched_pairs(means[a] - means[b], (values[a], values[b]))
    a, b = design.in_a, design.in_b
    return matched((means[a], values[a]), (means[b], values[b]))


def _means(scored: Scored) -> Floats:
    cube = scored.cube
    response = cell_response(cube.values, cube.pole("+"), cube.pole("-"))
    return np.asarray(response.mean(axis=0))


def _groups(
    scored: Scored, comparison: Comparison, values: Floats
) -> list[tuple[float, Floats, Floats]]:
    return weighted(Design(scored, comparison.a, comparison.b), _means(scored), values)


def weighted(design: Design, means: Floats, values: Floats) -> list[tuple[float, Floats, Floats]]:
    """Weight, mean responses and properties of the words of each group, or of the pairs."""
    if design.pairs:
        a, b = [i for i, _ in design.pairs], [j for _, j in design.pairs]
        return [(1.0, means[a] - means[b], values[a] - values[b])]
    weights = design.weights if design.rest else [1.0, -1.0]
    return [(w, means[g], values[g]) for w, g in zip(weights, design.groups, strict=True)]


def _listed(names: Sequence[str], chosen: Sequence[int]) -> str:
    return " and ".join(names[number] for number in chosen)


def priors_of(
    scored: Scored, labels: Sequence[str], group: str
) -> tuple[tuple[float | None, ...], tuple[int, ...]]:
    """Prior and pieces of the terms of a group, for the record; empty where nobody asked."""
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
        tuple(short(p.log_prob) if p and p.log_prob is not None else None for p in known),
        tuple(p.pieces if p else 0 for p in known),
    )
