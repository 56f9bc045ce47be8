"""Derive from a probe what it computes and what its numbers generalise to."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from bias_audit.probes.probe import Group, Probe
from bias_audit.probes.schema.text import primary_language

MIN_LABELS = 4
"""Labels that each group needs before its words can represent the group (``concept`` scope)."""
MIN_PAIRS = 5
"""Matched pairs that do the same."""
MIN_CONSTRUCT = 6
"""Scored targets that each pole needs before they can represent a construct."""


def scope(probe: Probe) -> str:
    """Return ``concept`` or ``terms``: what the group words represent if all can be scored."""
    requested = probe.spec.scope
    fewest = min(len({word.label for word in group.words}) for group in probe.groups)
    if probe.spec.mask == "group" or (requested == "concept" and fewest < 2):
        return "terms"
    if requested != "auto":
        return requested
    enough = len(_pairs(probe.groups)) >= MIN_PAIRS or fewest >= MIN_LABELS
    return "concept" if enough else "terms"


def target_scope(probe: Probe) -> str:
    """Return ``construct`` or ``fixed``: what the targets represent if all can be scored."""
    if probe.spec.targets.own:
        return "fixed"
    fewest = min(sum(target.pole == sign for target in probe.targets) for sign in "+-")
    if probe.spec.target_scope != "auto":
        return probe.spec.target_scope if fewest > 1 else "fixed"
    return "construct" if fewest >= MIN_CONSTRUCT else "fixed"


def compares_with_rest(probe: Probe, groups: int) -> bool:
    """Return whether each of so many scored groups is compared with the mean of the others."""
    return groups > 2 and probe.spec.compare in (None, "others")


def family_sizes(probes: Iterable[Probe]) -> dict[str, int]:
    """Return the number of primary comparisons of each axis if all groups can be scored."""
    sizes: dict[str, int] = {}
    for probe in probes:
        if probe.spec.role == "probe":
            k = len(probe.groups)
            many = k if compares_with_rest(probe, k) else math.comb(k, 2)
            many = 1 if probe.spec.targets.own else many
            sizes[probe.spec.axis] = sizes.get(probe.spec.axis, 0) + many
    return sizes


def metrics(probe: Probe) -> list[str]:
    """Return the names of the numbers that are computed; the first one is judged."""
    spec = probe.spec
    if spec.targets.own:
        return ["diagonal_log_odds"]
    names = ["log_odds_gap"]
    if probe.open_frames and spec.role == "probe":
        names.append("jsd")
    if spec.mask == "group" and len(probe.groups) == 2:
        names.append("skew")
    if len(probe.groups) == 2 and spec.targets.plus and spec.targets.plus.where:
        names.append("labour_correlation")
    return [*names, *_beside(probe)] if spec.role == "probe" else names


def _beside(probe: Probe) -> list[str]:
    """Measures that describe a probe whose numbers are judged."""
    spec, names = probe.spec, []
    if probe.extra_groups:
        names.append("beside_share")
    if len(probe.groups) > 2:
        names.append("group_spread")
    if spec.mask == "target":
        names.append("four_fifths")
        if product([group.id for group in probe.groups]):
            names.append("interaction")
    if probe.open_frames and primary_language(spec.language) == "en":
        names += ["hurtful_rate", "completion_valence"]
    return names


def product(names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Return the levels of two axes whose every combination is a group, ``<first>-<second>``.

    ``black-women, black-men, white-women, white-men`` are (black, white) x (women, men). None
    where a combination is missing or there is another group.
    """
    if not names:
        return None
    parts = names[0].split("-")
    for at in range(1, len(parts)):
        start, end = "-".join(parts[:at]) + "-", "-" + "-".join(parts[at:])
        first = [name.removesuffix(end) for name in names if name.endswith(end)]
        second = [name.removeprefix(start) for name in names if name.startswith(start)]
        crossed = {f"{a}-{b}" for a in first for b in second}
        if (
            min(len(first), len(second)) > 1
            and len(names) == len(crossed)
            and crossed == set(names)
        ):
            return tuple(first), tuple(second)
    return None


def _pairs(groups: Sequence[Group]) -> set[str]:
    """Keys of the matched pairs; none unless every word of two groups has its partner."""
    if len(groups) != 2:
        return set()
    keys = [[word.pair for word in group.words] for group in groups]
    is_complete = all(None not in side and len(set(side)) == len(side) for side in keys)
    if not is_complete or set(keys[0]) != set(keys[1]):
        return set()
    return {key for key in keys[0] if key is not None}
