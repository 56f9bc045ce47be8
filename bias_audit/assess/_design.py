"""How the columns of a probe's cube are compared: pairs of words, two groups, or one and the rest.

Words are put in the order of their labels first, so that the order in a file changes no number.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from bias_audit.assess._input import OTHERS, Scored
from bias_audit.probes import Probe
from bias_audit.records import Floats
from bias_audit.stats.contrast import matched_pairs, two_groups, versus_rest
from bias_audit.stats.estimate import Contrast, Part, Scope
from bias_audit.stats.permutation import label_exchange, pair_flip
from bias_audit.tables import Cube

MIN_LABELS = 4
"""Labels that each group needs before its words can stand for the group (``concept`` scope)."""
MIN_PAIRS = 5
"""Matched pairs that do the same."""
MIN_CONSTRUCT = 6
"""Scored targets that each pole needs before they can stand for a construct."""
ROUNDING = 1e-12
"""Share of the largest score below which a difference of scores is rounding."""
MIN_LEFT_OUT = 3
"""Words of a group (or pairs) from which one can be left out."""


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


def settled(differences: Floats, floor: float) -> Floats:
    """Set what is rounding to 0: it must neither look like a gap nor like variance."""
    return np.asarray(np.where(np.abs(differences) <= floor, 0.0, differences))


class Design:
    """One comparison of a probe: group ``a`` with group ``b``, or with all others."""

    def __init__(self, scored: Scored, a: str, b: str) -> None:
        cube, ids = scored.cube, scored_groups(scored)
        self.groups = [_by_label(cube, cube.columns(group)) for group in ids]
        self.which = ids.index(a)
        self.in_a = self.groups[self.which]
        self.rest = b == OTHERS
        self.in_b = (
            [i for k, cols in enumerate(self.groups) if k != self.which for i in cols]
            if self.rest
            else self.groups[ids.index(b)]
        )
        self.pairs = [] if self.rest else _matched(cube, self.in_a, self.in_b)
        self.scope = self._scope(scored.probe)
        self.floor = rounding(cube)

    def _scope(self, probe: Probe) -> Scope:
        asked = probe.spec.scope
        sides = self.groups if self.rest else [self.in_a, self.in_b]
        fewest = min(len(side) for side in sides)
        if asked == "concept" and fewest < 2:
            return "terms"
        if asked != "auto":
            return cast(Scope, asked)
        many = len(self.pairs) >= MIN_PAIRS or fewest >= MIN_LABELS
        return "concept" if many else "terms"

    @property
    def n_terms(self) -> int:
        """Words (or matched pairs) behind the comparison."""
        return len(self.pairs) or len(self.in_a) + len(self.in_b)

    def _inside_pairs(self, y: Floats) -> Floats:
        a, b = [i for i, _ in self.pairs], [i for _, i in self.pairs]
        return settled(y[:, a] - y[:, b], self.floor)

    def contrast(self, y: Floats, part: tuple[Part, ...] | None) -> Contrast:
        """The crossed-factor contrast of a (templates, units) response."""
        if self.pairs:
            return matched_pairs(self._inside_pairs(y), scope=self.scope, target_part=part)
        if self.rest:
            return versus_rest(y, self.groups, self.which, scope=self.scope, target_part=part)
        return two_groups(y, self.in_a, self.in_b, scope=self.scope, target_part=part)

    def difference(self, y: Floats) -> Floats:
        """A minus B along the unit axis (axis 1) of a response."""
        if not self.rest:
            gap = y[:, self.in_a].mean(axis=1) - y[:, self.in_b].mean(axis=1)
            return settled(gap, self.floor)
        others = [y[:, cols].mean(axis=1) for k, cols in enumerate(self.groups) if k != self.which]
        return settled(y[:, self.in_a].mean(axis=1) - np.mean(others, axis=0), self.floor)

    def target_differences(self, values: Floats) -> Floats:
        """d(a): A minus B for each target, averaged over templates; (targets,), nats."""
        return np.asarray(self.difference(values).mean(axis=0))

    def exchange(
        self, y: Floats, rng: np.random.Generator, resamples: int
    ) -> tuple[float | None, str]:
        """The fixed-templates answer: labels exchanged across words or inside pairs."""
        if self.pairs:
            flipped = pair_flip(self._inside_pairs(y), rng, resamples)
            return flipped.p, flipped.method
        if min(len(self.in_a), len(self.in_b)) < 2:
            return None, "not possible with one word in a group"
        exchanged = label_exchange(y, self.in_a, self.in_b, rng, resamples)
        return exchanged.p, exchanged.method

    def without_a_term(self, y: Floats) -> tuple[float, ...]:
        """Estimate without each word (or pair) in turn; empty where words are no sample (R2)."""
        if self.scope != "concept":
            return ()
        if self.pairs:
            return tuple(_without_one(self._inside_pairs(y).mean(axis=0)))
        means = y.mean(axis=0)
        sides = self.groups if self.rest else [self.in_a, self.in_b]
        first = self.which if self.rest else 0
        weights = [1.0 if k == first else -1.0 / (len(sides) - 1) for k in range(len(sides))]
        whole = sum(w * means[cols].mean() for w, cols in zip(weights, sides, strict=True))
        return tuple(
            float(whole + w * (left - means[cols].mean()))
            for w, cols in zip(weights, sides, strict=True)
            for left in _without_one(means[cols])
        )


def _without_one(values: Floats) -> list[float]:
    """Mean without each value in turn; empty when too few are left."""
    if values.size < MIN_LEFT_OUT:
        return []
    return [float(x) for x in (values.sum() - values) / (values.size - 1)]


def _by_label(cube: Cube, columns: list[int]) -> list[int]:
    return sorted(columns, key=lambda i: cube.units[i].label)


def _matched(cube: Cube, in_a: list[int], in_b: list[int]) -> list[tuple[int, int]]:
    """Pair up the columns of two groups; empty unless every word has exactly one partner."""
    left = {cube.units[i].pair: i for i in in_a}
    right = {cube.units[i].pair: i for i in in_b}
    whole = len(left) == len(in_a) and len(right) == len(in_b)
    if None in left or not whole or set(left) != set(right):
        return []
    return [(left[key], right[key]) for key in sorted(key for key in left if key is not None)]
