"""Groups that are scored beside the compared ones, each with the cells that both have.

They are kept apart from the probe's own cube: whatever is lost of them, or through them, changes no
comparison.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from bias_audit.errors import ScoringError
from bias_audit.probes.probe import Group, Probe
from bias_audit.records import Skip
from bias_audit.tables import Cube, Scores, cube


@dataclass(frozen=True, kw_only=True, slots=True)
class Uncompared:
    """One group that is compared with nobody, scored where the words of the others are."""

    group: str
    """Its id."""
    cube: Cube
    """The complete block of the compared groups and this one."""
    pieces: tuple[int, ...]
    """The different numbers of pieces of all these words, sorted."""


def uncompared(probe: Probe, own: Cube, scores: Scores) -> tuple[list[Uncompared], list[Skip]]:
    """Arrange the scores of each group beside, and say what could not be used and why.

    Args:
        probe: the probe.
        own: its cube, of the compared groups alone.
        scores: all rows of the probe.
    """
    found: list[Uncompared] = []
    skips: list[Skip] = []
    known = {(skip.kind, skip.what) for skip in own.skips}
    for group in probe.extra_groups:
        rows = _rows(scores, (*probe.groups, group))
        try:
            block = cube(replace(probe, groups=(*probe.groups, group), extra_groups=()), rows)
        except ScoringError as error:
            skips.append(_lost(probe, group, error.message))
            continue
        lost = [skip for skip in block.skips if (skip.kind, skip.what) not in known]
        skips += [_told(skip, group) for skip in lost]
        if not block.columns(group.id):
            skips.append(_lost(probe, group, f"no word of '{group.label}' could be scored"))
            continue
        terms = rows.frame[rows.frame["skip"] == ""]
        pieces = sorted({int(size) for size in terms["pieces"].unique()})
        found.append(Uncompared(group=group.id, cube=block, pieces=tuple(pieces)))
    return found, skips


def _rows(scores: Scores, groups: Iterable[Group]) -> Scores:
    frame = scores.frame
    return Scores(frame[frame["group"].isin([group.id for group in groups])])


def _told(skip: Skip, group: Group) -> Skip:
    """What is lost through a group beside is lost to its share alone."""
    only = f"left out of the share of '{group.label}' only"
    return replace(skip, detail=f"{skip.detail}; {only}" if skip.detail else only)


def _lost(probe: Probe, group: Group, why: str) -> Skip:
    return Skip(
        probe=probe.spec.id,
        kind="measure",
        what=f"beside_share of {group.id}",
        reason="unscorable",
        detail=why,
    )
