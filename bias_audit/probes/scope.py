"""What the numbers of a probe can speak for: its words, its targets, its axes."""

from __future__ import annotations

from collections.abc import Sequence

from bias_audit.probes.probe import Group, Probe

MIN_LABELS = 4
"""Labels that each group needs before its words can represent the group (``concept`` scope)."""
MIN_PAIRS = 5
"""Matched pairs that do the same."""
MIN_TARGETS = 2
"""Targets that each pole needs before anything can be said of other words of their kind."""


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


def has_words_of_this_kind(probe: Probe) -> bool:
    """Return whether the targets can speak for others of their kind if all can be scored."""
    return min(sum(target.pole == sign for target in probe.targets) for sign in "+-") >= MIN_TARGETS


def negated_sets(probe: Probe) -> set[str]:
    """Return the template sets that hold the negated sentences of a probe."""
    names = (frame.template.negated_twin for frame in probe.frames)
    return {name.rpartition(".")[0] for name in names if name}


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
