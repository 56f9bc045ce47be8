"""A few targets in place of all, where asking for all would cost too much."""

from __future__ import annotations

from bias_audit.probes.probe import Probe


def spread_targets(probe: Probe, each: int) -> frozenset[str]:
    """Return ``each`` targets of every pole, evenly from their ids in order.

    No draw: the same probe gives the same words, whatever the seed and the order in its file.
    """
    poles: dict[str, list[str]] = {}
    for target in probe.targets:
        if target.pole != "0":
            poles.setdefault(target.pole, []).append(target.word.id)
    ordered = [sorted(names) for names in poles.values()]
    return frozenset(
        names[(2 * i + 1) * len(names) // (2 * each)] if len(names) > each else names[i]
        for names in ordered
        for i in range(min(each, len(names)))
    )
