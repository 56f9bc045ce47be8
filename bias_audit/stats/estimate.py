"""The record of a difference between groups, with its interval and its tests.

The variance of a difference has up to three sources (templates, terms, targets), put together by
:func:`bias_audit.stats.crossing.combine`. With two sources whose interaction is counted in each,
the squared statistic is the quasi-F of Clark (1973).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from scipy.special import stdtr, stdtrit

from bias_audit.stats.crossing import (
    CrossedMeans,
    Factor,
    Part,
    Spread,
    cluster_values,
    combine,
    names_of,
)
from bias_audit.stats.distribution_shape import largest_share, skew
from bias_audit.utils.arrays import Floats

Scope = Literal["terms", "concept", "templates"]
"""What is random: ``terms`` (these very words) only templates; ``concept`` templates and words;
``templates`` (these very frames) only words, for diagnosis."""

USED: Mapping[Scope, tuple[str, ...]] = {
    "terms": ("templates",),
    "concept": ("templates", "terms"),
    "templates": ("terms",),
}
"""Sources of variance that count as random."""
Status = Literal["ok", "identical", "no_variance", "too_few_templates", "too_few_terms"]
"""``identical``: no difference and no variance, p is 1. ``no_variance``: a difference that never
varies. The others: a source of variance has fewer than two units. Only ``ok`` has an interval."""


SMALLEST = sys.float_info.min
"""No p of a t test is below this: 0 would lose its share of a family, and no p is 0."""


def upper_tail(t: float, df: float) -> float:
    """Return the probability that a t variable with ``df`` degrees of freedom exceeds ``t``.

    From scipy.special: scipy.stats takes half a second to import, which judging a stored audit
    would feel.
    """
    return float(stdtr(df, -t))


@dataclass(frozen=True, kw_only=True, slots=True)
class Contrast:
    """A difference between groups, with what is needed to judge it.

    One that was stored is known by its estimate, error and sizes alone.
    """

    estimate: float
    """Difference, in the unit of the responses (nats)."""
    parts: Mapping[str, tuple[Part, ...]] = field(default_factory=dict)
    """All parts that could be computed, by source: ``templates``, ``terms``, ``targets``."""
    used: tuple[str, ...] = ()
    """The sources that count as random and make up ``se``."""
    shared: Mapping[tuple[str, ...], float] = field(default_factory=dict)
    """What two or three sources share, by their names: it is inside each of theirs."""
    se: float | None
    """Standard error over the sources in use; None unless ``status`` is ``ok``."""
    df: float | None
    """Satterthwaite degrees of freedom; None unless ``status`` is ``ok``."""
    delta: tuple[float, ...] = ()
    """Difference in each template, in the order given."""
    by_cluster: tuple[float, ...] = ()
    """The same of each cluster of templates, with the same mean: the independent values."""
    n_templates: int
    """Templates behind the difference."""
    n_terms: int = 0
    """Terms in the groups, or matched pairs."""
    skew: float = 0.0
    """Moment skewness of ``by_cluster``."""
    largest_share: float = 0.0
    """Largest single unit's share of the absolute differences, in [0, 1]: templates, and pairs
    where there are any."""
    resolution: float = 0.0
    """Values below this are rounding."""
    status: Status = "ok"
    """Whether there is an interval; if not, why."""

    @property
    def variance(self) -> dict[str, float]:
        """Variance of the estimate by source, and what sources share: ``templates x terms``."""
        sources = {
            name: math.fsum(float(part.value) for part in parts)
            for name, parts in self.parts.items()
        }
        return sources | {names_of(names): value for names, value in self.shared.items()}

    def _t(self) -> tuple[float, float] | None:
        if self.se is None or self.df is None:
            return None
        return self.se, self.df

    def interval(self, level: float = 0.95) -> tuple[float, float] | None:
        """Return the t interval at ``level`` in (0, 1); None unless the status is ``ok``."""
        if (scale := self._t()) is None:
            return None
        half = float(stdtrit(scale[1], (1 + level) / 2)) * scale[0]
        return self.estimate - half, self.estimate + half

    def p_value(self) -> float | None:
        """Return the two-sided p against no difference; 1 when identical, None without variance."""
        return self.p_beyond(0.0)

    def p_beyond(self, margin: float) -> float | None:
        """Return p for a difference larger than ``margin`` in size, on either side.

        The sum of both tails at the margin: of size alpha there, one-sided for a margin that is
        wide beside the standard error, and the two-sided p at a margin of 0. 1 when the groups are
        identical; None when there is no variance to judge by.
        """
        if (scale := self._t()) is None:
            return 1.0 if self.status == "identical" else None
        size = abs(self.estimate)
        p = sum(upper_tail((size + sign * margin) / scale[0], scale[1]) for sign in (-1, 1))
        return min(1.0, max(p, SMALLEST))

    def p_inside(self, margin: float) -> float | None:
        """Return the equivalence p (two one-sided tests, Schuirmann 1987); None unless ``ok``.

        It is at most alpha exactly when the 1 - 2 alpha interval lies inside [-margin, margin].
        """
        if (scale := self._t()) is None:
            return None
        return upper_tail((margin - abs(self.estimate)) / scale[0], scale[1])

    def mde(self) -> float | None:
        """Return the difference that is found in 80 % of audits, at 5 %; None unless ``ok``."""
        if (scale := self._t()) is None:
            return None
        return float(stdtrit(scale[1], 0.975) + stdtrit(scale[1], 0.8)) * scale[0]


def _missing(used: Sequence[str], factors: Sequence[Factor]) -> Status:
    """Name the first source in use that has too few clusters."""
    enough = {factor.name for factor in factors if factor.is_sample}
    if "templates" in used and "templates" not in enough:
        return "too_few_templates"
    return "ok" if set(used) <= enough else "too_few_terms"


def assemble(
    crossed: CrossedMeans,
    factors: Sequence[Factor],
    *,
    used: Sequence[str],
    resolution: float,
    heavy: Sequence[str] = ("templates",),
) -> Contrast:
    """Make a :class:`Contrast` of one data set.

    Args:
        crossed: the contrast with its variances.
        factors: its factors, templates first.
        used: names of those that are random.
        resolution: values below this are rounding.
        heavy: factors of which the largest unit's share is looked at, of one group each; templates
            are among them.
    """
    values = {
        f.name: cluster_values(crossed.means[f.name], f.groups[0])
        for f in factors
        if f.name in heavy
    }
    return build(
        float(crossed.estimate),
        {name: tuple(map(_plain, parts)) for name, parts in crossed.parts.items()},
        {names: float(value) for names, value in crossed.shared.items()},
        used=tuple(used),
        status=_missing(used, factors),
        delta=crossed.means["templates"],
        by_cluster=values["templates"],
        n_terms=sum(g.columns.size for f in factors if f.name == "terms" for g in f.groups),
        share=max(largest_share(values[name]) for name in heavy),
        resolution=resolution,
    )


def _plain(part: Spread) -> Part:
    return Part(float(part.value), part.df, float(part.pooled))


def build(
    estimate: float,
    parts: Mapping[str, tuple[Part, ...]],
    shared: Mapping[tuple[str, ...], float],
    *,
    used: tuple[str, ...],
    status: Status,
    delta: Floats,
    by_cluster: Floats,
    n_terms: int,
    share: float,
    resolution: float,
) -> Contrast:
    """Make a :class:`Contrast` of the parts of its variance; the arguments are its fields."""
    se, df = (0.0, math.inf)
    if status == "ok":
        se, df = (float(x) for x in combine(parts, shared, used))
        if se <= resolution:
            status = "identical" if abs(estimate) <= resolution else "no_variance"
    return Contrast(
        estimate=estimate,
        parts=parts,
        used=used,
        shared=shared,
        se=se if status == "ok" else None,
        df=df if status == "ok" else None,
        delta=tuple(delta.tolist()),
        by_cluster=tuple(by_cluster.tolist()),
        n_templates=delta.size,
        n_terms=n_terms,
        skew=skew(by_cluster),
        largest_share=share,
        resolution=resolution,
        status=status,
    )
