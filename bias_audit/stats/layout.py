"""Which columns of a response are compared with which, and the contrast that follows.

One design for a single model and for the difference of two: everything here is linear in the
responses, up to what counts as rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bias_audit.stats.contrast import matched_pairs, versus_rest
from bias_audit.stats.estimate import (
    Contrast,
    Part,
    Scope,
    Split,
    by_groups,
    by_pairs,
    left_out,
)
from bias_audit.utils.arrays import Floats

MIN_LEFT_OUT = 3
"""Words of a group (or pairs) from which one can be left out."""


def zero_rounding(differences: Floats, floor: float) -> Floats:
    """Set differences up to ``floor`` to 0: rounding must not look like a gap or variance."""
    return np.asarray(np.where(np.abs(differences) <= floor, 0.0, differences))


class Layout:
    """One comparison: a group of columns with another, or with the mean of all others."""

    def __init__(
        self,
        *,
        groups: Sequence[list[int]],
        which: int,
        rest: bool,
        pairs: Sequence[tuple[int, int]] = (),
        scope: Scope,
        floor: float = 0.0,
    ) -> None:
        """Arrange the columns.

        Args:
            groups: columns of each group: all groups with ``rest``, else the two compared.
            which: number of the group that is compared.
            rest: compare with the unweighted mean of the other groups.
            pairs: matched columns of the two groups, the first group's first.
            scope: which factors are random.
            floor: differences up to this are rounding, in nats.
        """
        self.groups = list(groups)
        self.which = which
        self.rest = rest
        self.pairs = list(pairs)
        self.scope: Scope = scope
        self.floor = floor
        self.in_a = self.groups[which]
        self.in_b = [i for k, cols in enumerate(self.groups) if k != which for i in cols]

    @property
    def n_terms(self) -> int:
        """Words (or matched pairs) behind the comparison."""
        return len(self.pairs) or len(self.in_a) + len(self.in_b)

    def inside_pairs(self, y: Floats) -> Floats:
        """Differences inside the matched pairs of a (templates, units) response."""
        a, b = [i for i, _ in self.pairs], [i for _, i in self.pairs]
        return zero_rounding(y[..., a] - y[..., b], self.floor)

    @property
    def weights(self) -> list[float]:
        """Weight of each group's mean in the contrast."""
        share = -1.0 / (len(self.groups) - 1)
        return [1.0 if k == self.which else share for k in range(len(self.groups))]

    def split(self, y: Floats) -> Split:
        """Sources of variance of (..., templates, units) responses."""
        if self.pairs:
            return by_pairs(self.inside_pairs(y))
        return by_groups(y, self.groups, self.weights)

    def contrast(self, y: Floats, part: tuple[Part, ...] | None) -> Contrast:
        """The crossed-factor contrast of a (templates, units) response."""
        if self.pairs:
            return matched_pairs(self.inside_pairs(y), scope=self.scope, target_part=part)
        return versus_rest(y, self.groups, self.which, scope=self.scope, target_part=part)

    def difference(self, y: Floats) -> Floats:
        """A minus B along the unit axis (axis 1) of a response."""
        others = [y[:, cols].mean(axis=1) for k, cols in enumerate(self.groups) if k != self.which]
        return zero_rounding(y[:, self.in_a].mean(axis=1) - np.mean(others, axis=0), self.floor)

    def target_differences(self, values: Floats) -> Floats:
        """d(a): A minus B for each target, averaged over templates; (targets,), nats."""
        return np.asarray(self.difference(values).mean(axis=0))

    def without_a_term(self, y: Floats) -> tuple[float, ...]:
        """Estimate without each word (or pair) in turn; empty where words are no sample (R2)."""
        if self.scope != "concept":
            return ()
        return tuple(float(x) for x in without_a_unit(self.split(y)))


def without_a_unit(split: Split) -> Floats:
    """Estimates (..., words) without each word (or pair) in turn, of groups with enough of them."""
    estimate = np.sum([w * means.mean(axis=-1, keepdims=True) for w, means in split.terms], axis=0)
    estimates = [
        estimate + w * (left_out(means) - means.mean(axis=-1, keepdims=True))
        for w, means in split.terms
        if means.shape[-1] >= MIN_LEFT_OUT
    ]
    return np.concatenate(estimates, axis=-1) if estimates else estimate[..., :0]


def without_one(values: Floats) -> list[float]:
    """Mean without each value in turn; empty when too few are left."""
    if values.size < MIN_LEFT_OUT:
        return []
    return [float(x) for x in left_out(values)]


def over_targets(contrast: Contrast) -> Contrast:
    """Name the sources for what they are in a group-masked probe: its columns are targets."""
    names = {"terms": "targets"}
    return replace(
        contrast,
        parts={names.get(source, source): parts for source, parts in contrast.parts.items()},
        used=tuple(names.get(source, source) for source in contrast.used),
        variance={names.get(source, source): v for source, v in contrast.variance.items()},
    )
