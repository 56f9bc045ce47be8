"""Which columns of a response are compared with which, and the contrast that follows.

One design for a single model and for the difference of two: everything here is linear in the
responses, up to what counts as rounding.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace

import numpy as np

from bias_audit.stats.contrast import (
    ALONE,
    Clusters,
    matched_pairs,
    one_group,
    several_groups,
    two_claims,
    versus_rest,
)
from bias_audit.stats.crossing import Factor, Units, cluster_means, units
from bias_audit.stats.estimate import Contrast, Scope
from bias_audit.utils.arrays import Floats

MIN_LEFT_OUT = 3
"""Units (clusters of words, pairs or sentences) from which one can be left out."""


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
        clusters: Clusters = ALONE,
    ) -> None:
        """Arrange the columns.

        Args:
            groups: columns of each group: all groups with ``rest``, else the two compared.
            which: number of the group that is compared.
            rest: compare with the unweighted mean of the other groups.
            pairs: matched columns of the two groups, the first group's first.
            scope: which factors are random.
            floor: differences up to this are rounding, in nats.
            clusters: of templates, columns and targets.
        """
        self.groups = list(groups)
        self.which = which
        self.rest = rest
        self.pairs = list(pairs)
        self.scope: Scope = scope
        self.floor = floor
        self.in_a = self.groups[which]
        self.in_b = [i for k, cols in enumerate(self.groups) if k != which for i in cols]
        self.clusters = clusters
        if self.pairs and clusters.terms:
            joined = join(
                [[("a", clusters.terms[a]), ("b", clusters.terms[b])] for a, b in self.pairs]
            )
            self.clusters = clusters._replace(terms=joined)

    @property
    def n_terms(self) -> int:
        """Words (or matched pairs) behind the comparison."""
        return len(self.pairs) or len(self.in_a) + len(self.in_b)

    def inside_pairs(self, y: Floats, axis: int = -1) -> Floats:
        """Differences inside the matched pairs along the axis of the units."""
        a, b = [i for i, _ in self.pairs], [i for _, i in self.pairs]
        return zero_rounding(np.take(y, a, axis) - np.take(y, b, axis), self.floor)

    @property
    def weights(self) -> list[float]:
        """Weight of each group's mean in the contrast."""
        share = -1.0 / (len(self.groups) - 1)
        return [1.0 if k == self.which else share for k in range(len(self.groups))]

    def rows(self, size: int) -> Factor:
        """The templates, of which there are ``size``, as a source of variance."""
        return one_group("templates", size, self.clusters.templates)

    @property
    def terms(self) -> Factor:
        """The groups' columns, or the pairs, as a source of variance."""
        if self.pairs:
            return one_group("terms", len(self.pairs), self.clusters.terms)
        return several_groups("terms", self.groups, self.weights, self.clusters.terms)

    def contrast(self, y: Floats) -> Contrast:
        """The crossed-factor contrast of a (templates, units) response."""
        if self.pairs:
            return matched_pairs(self.inside_pairs(y), scope=self.scope, clusters=self.clusters)
        return versus_rest(y, self.groups, self.which, scope=self.scope, clusters=self.clusters)

    def claims(
        self,
        values: Floats,
        poles: tuple[Sequence[int], Sequence[int]],
        sampled: Sequence[float] = (),
    ) -> tuple[Contrast, Contrast | None]:
        """Both claims about (templates, units, targets) cells, of the first pole minus the second.

        Arguments as in :func:`~bias_audit.stats.contrast.several_groups`.
        """
        cells = self.inside_pairs(values, 1) if self.pairs else values
        targets = several_groups("targets", poles, (1.0, -1.0), self.clusters.targets, sampled)
        rows = self.rows(len(cells))
        return two_claims(cells, [rows, self.terms, targets], scope=self.scope)

    @property
    def in_order(self) -> Sequence[Units]:
        """The groups of :attr:`terms`, in an order of their own for draws."""
        return self.terms.groups

    def collapse(self, values: Floats) -> tuple[Floats, list[list[int]], list[float]]:
        """Make each cluster one unit, for draws that take units as independent.

        Args:
            values: (templates, units, ...) responses.

        Returns:
            The means of clusters (of pairs: of their differences), the columns of each group, and
            the groups' weights.
        """
        cells = self.inside_pairs(values, 1) if self.pairs else values
        rows = self.rows(len(cells)).groups[0]
        cells, groups = cluster_means(cells, rows, 0), self.in_order
        ends = np.cumsum([group.starts.size for group in groups]).tolist()
        places = [
            list(range(end - group.starts.size, end))
            for end, group in zip(ends, groups, strict=True)
        ]
        means = [cluster_means(cells, group, 1) for group in groups]
        return np.concatenate(means, axis=1), places, [group.weight for group in groups]

    def pole_claims(
        self,
        y: Floats,
        poles: tuple[Sequence[int], Sequence[int]],
        sampled: Sequence[float] = (),
    ) -> tuple[Contrast, Contrast | None]:
        """Both claims where the group words are the two that are scored.

        Args:
            y: (templates, targets) differences of the scored words.
            poles: as in :meth:`claims`.
            sampled: as in :meth:`claims`.
        """
        targets = several_groups("targets", poles, (1.0, -1.0), self.clusters.targets, sampled)
        rows = self.rows(len(y))
        return two_claims(y, [rows, targets], scope="terms")

    def difference(self, y: Floats) -> Floats:
        """A minus B along the unit axis (axis 1) of a response."""
        others = [y[:, cols].mean(axis=1) for k, cols in enumerate(self.groups) if k != self.which]
        return zero_rounding(y[:, self.in_a].mean(axis=1) - np.mean(others, axis=0), self.floor)

    def target_differences(self, values: Floats) -> Floats:
        """d(a): A minus B for each target, averaged over templates; (targets,), nats."""
        return np.asarray(self.difference(values).mean(axis=0))

    def without_a_term(self, y: Floats) -> tuple[float, ...]:
        """Estimate without each cluster of words (or pairs) in turn; empty where words are no
        sample (R2).
        """
        if self.scope != "concept":
            return ()
        means = (self.inside_pairs(y) if self.pairs else y).mean(axis=0)
        estimate = sum(g.weight * float(means[g.columns].mean()) for g in self.terms.groups)
        return tuple(
            estimate + g.weight * (left - float(means[g.columns].mean()))
            for g in self.terms.groups
            for left in without_one(means, g)
        )


def join(keys: Sequence[Sequence[Hashable]]) -> list[int]:
    """Return a cluster number for each unit: units that share any of their keys are in one."""
    cluster = list(range(len(keys)))
    owner: dict[Hashable, int] = {}
    for unit, mine in enumerate(keys):
        for key in mine:
            first = cluster[owner.setdefault(key, unit)]
            cluster = [first if number == cluster[unit] else number for number in cluster]
    return cluster


def without_one(values: Floats, group: Units | None = None) -> list[float]:
    """Mean of a group of (n,) values without each cluster in turn; empty when too few are left."""
    group = units(range(values.size)) if group is None else group
    if group.starts.size < MIN_LEFT_OUT:
        return []
    mine = values[group.columns]
    sums, sizes = (np.add.reduceat(x, group.starts) for x in (mine, np.ones_like(mine)))
    return [float(x) for x in (mine.sum() - sums) / (mine.size - sizes)]


def over_targets(contrast: Contrast) -> Contrast:
    """Name the sources for what they are in a group-masked probe: its columns are targets."""
    names = {"terms": "targets"}
    return replace(
        contrast,
        parts={names.get(source, source): parts for source, parts in contrast.parts.items()},
        used=tuple(names.get(source, source) for source in contrast.used),
        shared={
            tuple(names.get(source, source) for source in sources): value
            for sources, value in contrast.shared.items()
        },
    )
