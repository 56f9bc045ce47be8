"""The record of a difference between groups, and how its variance is put together.

The variance of a difference has up to three sources (templates, terms, targets); each adds one or
more :class:`Part` with their own degrees of freedom, and the sum gets Satterthwaite's. With two
sources the squared statistic is the quasi-F of Clark (1973).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from scipy.special import stdtr, stdtrit

from bias_audit.stats._arrays import Indices
from bias_audit.stats.distribution_shape import skew
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


class Part(NamedTuple):
    """One part of the variance of an estimate."""

    value: float
    """Squared unit of the response (nats squared), at least 0."""
    df: float
    """Degrees of freedom, at least 1."""
    pooled: float
    """What ``value`` would be if all parts of its source varied alike."""


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
    parts: dict[str, tuple[Part, ...]] = field(default_factory=dict)
    """All parts that could be computed, by source: ``templates``, ``terms``, ``targets``."""
    used: tuple[str, ...] = ()
    """The sources that count as random and make up ``se``."""
    variance: dict[str, float] = field(default_factory=dict)
    """Sum of the parts by source, and ``residual``: the share of cell noise, which each source
    contains once (it is no further summand)."""
    se: float | None
    """Standard error over the sources in use; None unless ``status`` is ``ok``."""
    df: float | None
    """Satterthwaite degrees of freedom; None unless ``status`` is ``ok``."""
    delta: tuple[float, ...] = ()
    """Difference in each template, in the order given."""
    n_templates: int
    """Templates behind the difference."""
    n_terms: int
    """Terms in the groups, or matched pairs."""
    skew: float = 0.0
    """Moment skewness of ``delta``."""
    largest_share: float = 0.0
    """Largest single unit's share of the absolute differences, in [0, 1]: templates, and pairs
    where there are any."""
    resolution: float = 0.0
    """Values below this are rounding."""
    status: Status = "ok"
    """Whether there is an interval; if not, why."""

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

        The sum of both tails at the margin; at a margin of 0 that is the two-sided p. 1 when the
        groups are identical; None when there is no variance to judge by.
        """
        if (scale := self._t()) is None:
            return 1.0 if self.status == "identical" else None
        size = abs(self.estimate)
        p = sum(upper_tail((size + end) / scale[0], scale[1]) for end in (-margin, margin))
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


def satterthwaite(values: Floats, df: Floats, pooled: Floats) -> tuple[Floats, Floats]:
    """Return standard error and degrees of freedom of a sum of independent parts.

    The degrees of freedom are at most those of parts that vary alike inside their source. Without
    this, four words of one group that lie close together by accident leave the degrees of freedom
    to the many words of the other groups, and the interval is too short just when the estimate is
    too sure of itself (docs/validity.md). 0 and infinity where there is no variance.

    Args:
        values: (parts, ...) variance of each part; sorted before they are added, so that the order
            of the parts changes no digit.
        df: (parts, ...) degrees of freedom of each.
        pooled: (parts, ...) variance of each part if all of its source varied alike.

    Source: Satterthwaite (1946); the bound is this tool's.
    """
    total, effective_df = _satterthwaite(values, df)
    return np.sqrt(total), np.minimum(effective_df, _satterthwaite(pooled, df)[1])


def _satterthwaite(values: Floats, df: Floats) -> tuple[Floats, Floats]:
    """Sum of the parts and its degrees of freedom."""
    total = np.sort(values, axis=0).sum(axis=0)
    is_positive = total > 0
    # Shares rather than squares of the values, which would underflow for tiny variances.
    shares = values / np.where(is_positive, total, 1.0)
    below = np.sort(shares**2 / df, axis=0).sum(axis=0)
    return total, np.where(is_positive, 1 / np.where(is_positive, below, 1.0), np.inf)


def _spread(used: Sequence[str], parts: Mapping[str, tuple[Part, ...]]) -> tuple[float, float]:
    """Standard error and Satterthwaite degrees of freedom of the parts in use."""
    chosen = [part for source in used for part in parts[source]]
    values, df, pooled = (np.array(numbers) for numbers in zip(*chosen, strict=True))
    se, df = satterthwaite(values, df, pooled)
    return float(se), float(df)


def _missing(used: Sequence[str], parts: Mapping[str, tuple[Part, ...]]) -> Status:
    """Name the first source in use that has no part, for want of units."""
    if "templates" in used and "templates" not in parts:
        return "too_few_templates"
    if "terms" in used and "terms" not in parts:
        return "too_few_terms"
    return "ok"


def assemble(
    *,
    estimate: float,
    parts: dict[str, tuple[Part, ...]],
    used: tuple[str, ...],
    residual: float | None,
    delta: Floats,
    n_terms: int,
    shares: Sequence[float],
    resolution: float,
) -> Contrast:
    """Add the parts in use up to a :class:`Contrast`; the arguments are its fields.

    ``shares`` are the largest unit's share of each kind of unit.
    """
    variance = {
        source: math.fsum(p.value for p in of_source) for source, of_source in parts.items()
    }
    if residual is not None:
        variance["residual"] = residual
    status = _missing(used, parts)
    se, df = _spread(used, parts) if status == "ok" else (0.0, math.inf)
    if status == "ok" and se <= resolution:
        status = "identical" if abs(estimate) <= resolution else "no_variance"
    return Contrast(
        estimate=estimate,
        parts=parts,
        used=used,
        variance=variance,
        se=se if status == "ok" else None,
        df=df if status == "ok" else None,
        delta=tuple(delta.tolist()),
        n_templates=delta.size,
        n_terms=n_terms,
        skew=skew(delta),
        largest_share=max(shares),
        resolution=resolution,
        status=status,
    )


# Responses, split by their sources of variance: of one data set, or of many along leading axes.


class Spread(NamedTuple):
    """One part of a variance, of each data set."""

    value: Floats
    """Squared unit of the response."""
    df: int
    """Degrees of freedom."""
    pooled: Floats
    """What ``value`` would be if all parts of its source varied alike."""


class Split(NamedTuple):
    """What the primary analysis looks at."""

    delta: Floats
    """(..., templates) difference in each template."""
    terms: tuple[tuple[float, Floats], ...]
    """For each group its weight, and the (..., words) means of its words; pairs are one group."""

    def parts(self) -> dict[str, tuple[Spread, ...]]:
        """The parts of the variance that can be computed, by source."""
        parts: dict[str, tuple[Spread, ...]] = {}
        if self.delta.shape[-1] > 1:
            parts["templates"] = of_means((1.0, self.delta))
        if all(means.shape[-1] > 1 for _, means in self.terms):
            parts["terms"] = of_means(*self.terms)
        return parts


def of_means(*groups: tuple[float, Floats]) -> tuple[Spread, ...]:
    """Variance of a weighted sum of means of (..., n) independent values, n at least two each."""
    if not groups:
        return ()
    df = [values.shape[-1] - 1 for _, values in groups]
    each = [values.var(axis=-1, ddof=1) for _, values in groups]
    weighed = np.sort([k * variance for k, variance in zip(df, each, strict=True)], axis=0)
    alike = weighed.sum(axis=0) / sum(df)
    return tuple(
        Spread(w * w * variance / (k + 1), k, w * w * alike / (k + 1))
        for (w, _), variance, k in zip(groups, each, df, strict=True)
    )


def by_groups(y: Floats, groups: Sequence[Indices], weights: Sequence[float]) -> Split:
    """Split (..., templates, words) responses; the contrast is the weighted sum of group means."""
    blocks = [(w, y[..., list(g)]) for w, g in zip(weights, groups, strict=True)]
    delta: Floats = np.sum([w * block.mean(axis=-1) for w, block in blocks], axis=0)
    return Split(delta, tuple((w, block.mean(axis=-2)) for w, block in blocks))


def by_pairs(d: Floats) -> Split:
    """Split (..., templates, pairs) differences inside matched pairs."""
    return Split(d.mean(axis=-1), ((1.0, d.mean(axis=-2)),))


def left_out(values: Floats) -> Floats:
    """Mean of (..., n) values without each one in turn, n at least two."""
    return np.asarray((values.sum(axis=-1, keepdims=True) - values) / (values.shape[-1] - 1))
