"""Two probes of an axis, one of warmth and one of competence, as one plane (M17)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bias_audit.assess._input import Scored
from bias_audit.assess.checks import negated_sets
from bias_audit.assess.secondary import _record
from bias_audit.metrics.plane import ambivalent, distance
from bias_audit.probes.probe import Probe
from bias_audit.probes.schema.text import primary_language
from bias_audit.records import OTHERS
from bias_audit.results import Companion, Result

DIMENSIONS = {"warmth": ("warm", "cold"), "competence": ("competent", "incompetent")}
"""Names of the sets of words that make the poles of each dimension."""


class _Place(NamedTuple):
    """Where a group stands on one dimension, with its interval."""

    value: float
    low: float | None
    high: float | None


def dimension(scored: Scored) -> tuple[str, float] | None:
    """Which dimension a probe measures, and the sign that makes the good pole positive."""
    targets = scored.probe.spec.targets
    poles = (targets.plus.set if targets.plus else None, targets.minus.set if targets.minus else "")
    for name, ends in DIMENSIONS.items():
        if poles == ends:
            return name, 1.0
        if poles == ends[::-1]:
            return name, -1.0
    return None


def planes(probes: Sequence[tuple[Scored, Sequence[Result]]]) -> dict[str, Result]:
    """Join the probes of warmth with those of competence about the same words of one language.

    Sentences that say "not" measure something else, so a negated twin has no place in the plane.

    Args:
        probes: the probes of one axis with their primary results.

    Returns:
        A record for each probe of warmth that has a partner, by the probe's id.
    """
    negated = {name for scored, _ in probes for name in negated_sets(scored.probe)}
    kinds = [
        (kind, scored, results)
        for scored, results in probes
        if negated.isdisjoint(map(str, scored.probe.spec.templates))
        and (kind := dimension(scored)) is not None
    ]
    found = {}
    for kind, scored, results in kinds:
        if kind[0] != "warmth":
            continue
        here = _places(scored, results, kind[1])
        for other, partner, more in kinds:
            if other[0] != "competence" or _about(partner.probe) != _about(scored.probe):
                continue
            there = _places(partner, more, other[1])
            if here and list(here) == list(there):
                plane = _record_of(scored, partner, here, there)
                (found[scored.probe.spec.id],) = _record.marked([plane], [*results, *more])
                break
    return found


def _about(probe: Probe) -> tuple[str, str, list[tuple[str, list[str]]]]:
    """What both coordinates of a place have to share: the language, the mask, the words."""
    words = [(group.id, sorted({word.label for word in group.words})) for group in probe.groups]
    return primary_language(probe.spec.language), probe.spec.mask, sorted(words)


def _places(scored: Scored, results: Sequence[Result], sign: float) -> dict[str, _Place]:
    """Each group's gap to the mean of the others; of two groups one is the other's mirror."""
    places: dict[str, _Place] = {}
    for result in results:
        a, b = result.groups
        if result.estimate is None or (b != OTHERS and len(results) > 1):
            continue
        places[a] = _signed(result, sign)
        if b != OTHERS:
            places[b] = _signed(result, -sign)
    return {group.id: places[group.id] for group in scored.probe.groups if group.id in places}


def _signed(result: Result, sign: float) -> _Place:
    ends = [None if x is None else sign * x for x in (result.ci_low, result.ci_high)]
    low, high = ends if sign > 0 else ends[::-1]
    return _Place(sign * (result.estimate or 0.0), low, high)


def _record_of(
    scored: Scored, partner: Scored, warm: dict[str, _Place], able: dict[str, _Place]
) -> Result:
    far = {g: distance(warm[g].value, able[g].value) for g in warm}
    name = max(far, key=lambda group: round(far[group], 12))
    labels = {group.id: group.label for group in scored.probe.groups}
    mixed = [labels[g] for g in warm if ambivalent(warm[g].value, able[g].value)]
    companions = [
        made
        for group in warm
        for made in (_axis("warmth", group, warm[group]), _axis("competence", group, able[group]))
    ]
    return _record.build(
        scored,
        "warmth_competence",
        (name, OTHERS),
        far[name],
        about=partner.probe.spec.id,
        n_templates=len(scored.cube.templates) + len(partner.cube.templates),
        n_terms=len(scored.cube.units),
        n_targets=len(scored.cube.targets) + len(partner.cube.targets),
        n_prompts=scored.prompts + partner.prompts,
        reason=f"the furthest of {len(far)} groups; off the diagonal: "
        f"{', '.join(mixed) or 'none'}; a distance has no interval, its coordinates have",
        companions=tuple(companions),
    )


def _axis(metric: str, group: str, place: _Place) -> Companion:
    low, high = (None if x is None else _record.brief(x) for x in (place.low, place.high))
    return Companion(
        metric=metric, groups=(group,), value=_record.brief(place.value), ci_low=low, ci_high=high
    )
