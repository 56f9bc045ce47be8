"""Warmth and competence: two probes of an axis as one plane (M17)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from bias_audit.metrics.base import Metric, MetricInfo, companion, probe_result
from bias_audit.metrics.scored_probe import ScoredProbe
from bias_audit.probes.probe import Probe
from bias_audit.probes.schema.text import primary_language
from bias_audit.probes.scope import negated_sets
from bias_audit.records import OTHERS
from bias_audit.results import Companion, Result

PLANE = MetricInfo(
    id="warmth_competence",
    name="distance by warmth and competence",
    unit="nats",
    direction="larger: the group is further from the mean of the others, in warmth, competence or "
    "both",
    reference="Fiske, Cuddy, Glick and Xu (2002); Fraser et al. (2021, acl-long.50).",
)
WARMTH = MetricInfo(
    id="warmth",
    name="warmth",
    unit="nats",
    direction="positive: the group is tied more closely to warm traits than the others are",
    reference="Fiske, Cuddy, Glick and Xu (2002).",
)
COMPETENCE = MetricInfo(
    id="competence",
    name="competence",
    unit="nats",
    direction="positive: the group is tied more closely to competent traits than the others are",
    reference="Fiske, Cuddy, Glick and Xu (2002).",
)
DIMENSIONS = {"warmth": ("warm", "cold"), "competence": ("competent", "incompetent")}
"""Names of the sets of words that make the poles of each dimension."""


def distance(warmth: float, competence: float) -> float:
    """Return the distance of a group from the mean of the others, nats: how distinct it is.

    >>> distance(3.0, -4.0)
    5.0
    """
    return math.hypot(warmth, competence)


def ambivalent(warmth: float, competence: float) -> bool:
    """Return whether a group stands off the diagonal: warmer but less able, or the reverse.

    Source: Fiske, Cuddy, Glick and Xu (2002): most stereotypes are mixed.
    """
    return warmth * competence < 0


class _Place(NamedTuple):
    """Where a group is on one dimension, with its interval."""

    value: float
    low: float | None
    high: float | None


class Plane(NamedTuple):
    """A pair of probes of one axis, and where their groups are."""

    warmth: str
    """Id of the probe of warmth; its results get the record."""
    competence: str
    """Id of the probe of competence."""
    result: Result


def dimension(probe: Probe) -> tuple[str, float] | None:
    """Return which dimension a probe measures, and the sign that makes the good pole positive."""
    targets = probe.spec.targets
    poles = (targets.plus.set if targets.plus else None, targets.minus.set if targets.minus else "")
    for name, ends in DIMENSIONS.items():
        if poles == ends:
            return name, 1.0
        if poles == ends[::-1]:
            return name, -1.0
    return None


def planes(probes: Sequence[tuple[ScoredProbe, Sequence[Result]]]) -> list[Plane]:
    """Join the probes of warmth with those of competence about the same words of one language.

    Sentences that say "not" measure something else, so a negated twin has no place in the plane.
    """
    negated = {name for scored, _ in probes for name in negated_sets(scored.probe)}
    kinds = [
        (kind, scored, results)
        for scored, results in probes
        if negated.isdisjoint(map(str, scored.probe.spec.templates))
        and (kind := dimension(scored.probe)) is not None
    ]
    all_planes = []
    for kind, scored, results in kinds:
        if kind[0] != "warmth":
            continue
        warm = _places(scored, results, kind[1])
        for other, partner, more in kinds:
            if other[0] != "competence" or _about(partner.probe) != _about(scored.probe):
                continue
            able = _places(partner, more, other[1])
            if warm and list(warm) == list(able):
                result = _result(scored, partner, warm, able)
                all_planes.append(Plane(scored.probe.spec.id, partner.probe.spec.id, result))
                break
    return all_planes


def _about(probe: Probe) -> tuple[str, str, list[tuple[str, list[str]]]]:
    """What both coordinates of a place have to share: the language, the mask, the words."""
    words = [(group.id, sorted({word.label for word in group.words})) for group in probe.groups]
    return primary_language(probe.spec.language), probe.spec.mask, sorted(words)


def _places(scored: ScoredProbe, results: Sequence[Result], sign: float) -> dict[str, _Place]:
    """Each group's gap to the mean of the others; of two groups one is the other's mirror."""
    places: dict[str, _Place] = {}
    for result in results:
        a, b = result.groups
        if result.estimate is None or (b != OTHERS and len(results) > 1):
            continue
        places[a] = _with_sign(result, sign)
        if b != OTHERS:
            places[b] = _with_sign(result, -sign)
    return {group.id: places[group.id] for group in scored.probe.groups if group.id in places}


def _with_sign(result: Result, sign: float) -> _Place:
    ends = [None if x is None else sign * x for x in (result.ci_low, result.ci_high)]
    low, high = ends if sign > 0 else ends[::-1]
    return _Place(sign * (result.estimate or 0.0), low, high)


def _result(
    scored: ScoredProbe, partner: ScoredProbe, warm: dict[str, _Place], able: dict[str, _Place]
) -> Result:
    far = {g: distance(warm[g].value, able[g].value) for g in warm}
    name = max(far, key=lambda group: round(far[group], 12))
    labels = {group.id: group.label for group in scored.probe.groups}
    mixed = [labels[g] for g in warm if ambivalent(warm[g].value, able[g].value)]
    return probe_result(
        scored,
        PLANE,
        (name, OTHERS),
        far[name],
        about=partner.probe.spec.id,
        n_templates=len(scored.cube.templates) + len(partner.cube.templates),
        n_targets=len(scored.cube.targets) + len(partner.cube.targets),
        n_prompts=scored.prompts + partner.prompts,
        reason=f"the furthest of {len(far)} groups; off the diagonal: "
        f"{', '.join(mixed) or 'none'}; a distance has no interval, its coordinates have",
        companions=tuple(
            _coordinate(info, group, places[group])
            for group in warm
            for info, places in ((WARMTH, warm), (COMPETENCE, able))
        ),
    )


def _coordinate(info: MetricInfo, group: str, place: _Place) -> Companion:
    return companion(info, place.value, (place.low, place.high), groups=(group,))


def _needs_warmth(probe: Probe) -> str:
    kind = dimension(probe)
    return "" if kind and kind[0] == "warmth" else "it needs a probe of warmth and its partner"


METRICS = (Metric(info=PLANE, companions=(WARMTH, COMPETENCE), unsupported=_needs_warmth),)
