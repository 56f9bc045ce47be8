"""How the columns of a probe's cube are compared: pairs of words, two groups, or one and the rest.

Words are put in the order of their labels first, so that the order in a file changes no number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from bias_audit.assess._input import Scored
from bias_audit.probes.probe import Probe
from bias_audit.probes.scope import MIN_CONSTRUCT, MIN_LABELS, MIN_PAIRS
from bias_audit.records import OTHERS
from bias_audit.stats.estimate import Scope
from bias_audit.stats.layout import Layout
from bias_audit.stats.permutation import decided, label_exchange, pair_flip
from bias_audit.tables import Cube, Unit
from bias_audit.utils.arrays import Floats

ROUNDING = 1e-12
"""Share of the largest score below which a difference of scores is rounding."""


def scored_groups(scored: Scored) -> list[str]:
    """Ids of the groups that have a scored word, in the order of the probe."""
    there = {unit.group for unit in scored.cube.units}
    return [group.id for group in scored.probe.groups if group.id in there]


def target_scope(probe: Probe, cube: Cube) -> str:
    """``construct`` when the targets stand for more than themselves, else ``fixed``."""
    fewest = smaller_pole(cube)
    if probe.spec.targets.own:
        return "fixed"
    if probe.spec.target_scope != "auto":
        return probe.spec.target_scope if fewest > 1 else "fixed"
    return "construct" if fewest >= MIN_CONSTRUCT else "fixed"


def smaller_pole(cube: Cube) -> int:
    """Number of scored targets of the pole that has fewer."""
    return min(len(cube.pole("+")), len(cube.pole("-")))


def rounding(cube: Cube) -> float:
    """Differences of scores below this are rounding, in nats."""
    return ROUNDING * float(np.abs(cube.values).max())


class Design(Layout):
    """One comparison of a probe: group ``a`` with group ``b``, or with all others."""

    def __init__(self, scored: Scored, a: str, b: str, units: Sequence[Unit] | None = None) -> None:
        """Arrange the columns of the scores, or of another table with the same kind of units."""
        cube = scored.cube
        self.units = cube.units if units is None else tuple(units)
        there = {unit.group for unit in self.units}
        ids = [group.id for group in scored.probe.groups if group.id in there]
        columns = [_by_label(self.units, group) for group in ids]
        sides = columns if b == OTHERS else [columns[ids.index(a)], columns[ids.index(b)]]
        pairs = [] if b == OTHERS else _matched(self.units, sides[0], sides[1])
        super().__init__(
            groups=sides,
            which=ids.index(a) if b == OTHERS else 0,
            rest=b == OTHERS,
            pairs=pairs,
            scope=_scope(scored.probe, sides, pairs),
            floor=rounding(cube),
        )

    @property
    def pair_labels(self) -> tuple[tuple[str, str], ...]:
        """Labels of the matched pairs, the first group's first."""
        return tuple((self.units[i].label, self.units[j].label) for i, j in self.pairs)

    @property
    def weighed(self) -> list[tuple[float, list[int]]]:
        """Weight and columns of each group, for draws: the compared group first, then by words.

        The order of the groups in a file changes no number.
        """
        weights = self.weights if self.rest else [1.0, -1.0]
        return sorted(
            zip(weights, self.groups, strict=True),
            key=lambda each: (-each[0], self.units[each[1][0]].label),
        )

    def exchange(
        self, y: Floats, rng: np.random.Generator, resamples: int
    ) -> tuple[float | None, str]:
        """The fixed-templates answer: labels exchanged across words or inside pairs."""
        if self.pairs:
            d = self.inside_pairs(y)
            flipped = decided(lambda draws: pair_flip(d, rng, draws), resamples)
            return flipped.p, flipped.method
        if min(len(self.in_a), len(self.in_b)) < 2:
            return None, "not possible with one word in a group"
        exchanged = decided(
            lambda draws: label_exchange(y, self.in_a, self.in_b, rng, draws), resamples
        )
        return exchanged.p, exchanged.method


def _scope(probe: Probe, sides: list[list[int]], pairs: list[tuple[int, int]]) -> Scope:
    asked = probe.spec.scope
    fewest = min(len(side) for side in sides)
    if asked == "concept" and fewest < 2:
        return "terms"
    if asked != "auto":
        return cast(Scope, asked)
    return "concept" if len(pairs) >= MIN_PAIRS or fewest >= MIN_LABELS else "terms"


def _by_label(units: Sequence[Unit], group: str) -> list[int]:
    """Columns of a group in the order of their labels."""
    mine = [i for i, unit in enumerate(units) if unit.group == group]
    return sorted(mine, key=lambda i: units[i].label)


def _matched(units: Sequence[Unit], in_a: list[int], in_b: list[int]) -> list[tuple[int, int]]:
    """Pair up the columns of two groups; empty unless every word has exactly one partner."""
    left = {units[i].pair: i for i in in_a}
    right = {units[i].pair: i for i in in_b}
    whole = len(left) == len(in_a) and len(right) == len(in_b)
    if None in left or not whole or set(left) != set(right):
        return []
    return [(left[key], right[key]) for key in sorted(key for key in left if key is not None)]
