"""Test whether k groups differ at all, before looking at pairs.

The sources of variance are those of the primary analysis, as matrices over the groups, but for what
they share, which is counted in each: the test is cautious. With two groups the statistic is the
square of such a t, with the same degrees of freedom; with equal numbers of words it is Clark's
min F'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import fdtrc, fdtri

from bias_audit.stats._arrays import ROUNDING, Indices, columns, finite
from bias_audit.stats.estimate import USED, Scope, Status
from bias_audit.utils.arrays import Floats

FEWEST_GROUPS = 2


class Source(NamedTuple):
    """One part of the covariance of the group means, up to what all groups share."""

    name: str
    """``templates``, ``terms`` or ``targets``."""
    covariance: Floats
    """(k, k), squared unit of the response."""
    df: int
    """Degrees of freedom, at least 1."""
    pooled: Floats
    """What ``covariance`` would be if all parts with this name varied alike."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QuasiF:
    """Whether the means of k groups differ, and by how much."""

    spread: float
    """Standard deviation of the group means around their mean, in the unit of the responses."""
    expected: float | None
    """Spread that equal groups would show: square root of the mean square; None unless ``ok``."""
    expected95: float | None
    """Spread that 95 % of such designs with equal groups stay below; None unless ``ok``."""
    f: float | None
    """Quasi-F, the square of ``spread`` over ``expected``; None unless ``ok``."""
    df_groups: float | None
    """Degrees of freedom of the numerator, in [1, k - 1]; None unless ``ok``."""
    df_error: float | None
    """Degrees of freedom of the denominator; None unless ``ok``."""
    p: float | None
    """1 when the groups are identical; None when there is no variance to judge by."""
    variance: dict[str, float]
    """Mean square by source: what each adds to ``expected`` squared."""
    status: Status
    """Whether there is a test; if not, why."""


def across_templates(rows: Floats) -> Source:
    """Covariance that sentences give to the means of (J, k) group effects, J at least two."""
    covariance = _of_means(rows)
    return Source("templates", covariance, rows.shape[0] - 1, covariance)


def across_terms(means: Sequence[Floats]) -> list[Source]:
    """Covariance that words give: means of the words of each of k groups, at least two of each."""
    dfs = [values.size - 1 for values in means]
    each = [float(values.var(ddof=1)) for values in means]
    alike = sum(np.sort(np.multiply(dfs, each))) / sum(dfs)
    sources = []
    for number, (df, variance) in enumerate(zip(dfs, each, strict=True)):
        place = np.zeros((len(means), len(means)))
        place[number, number] = 1 / (df + 1)
        sources.append(Source("terms", variance * place, df, alike * place))
    return sources


def across_targets(poles: Sequence[ArrayLike]) -> list[Source]:
    """Covariance that targets give, where they stand for a construct.

    Each pole has its (m, k) group effects, one row per target, averaged over templates and words.
    """
    rows = [finite(pole, ndim=2, name="targets of a pole") for pole in poles]
    if min(len(pole) for pole in rows) < FEWEST_GROUPS:
        raise ValueError("targets can stand for a construct only with two or more in each pole")
    each = [_of_means(pole) * len(pole) for pole in rows]
    dfs = [len(pole) - 1 for pole in rows]
    alike = np.sum([df * matrix for df, matrix in zip(dfs, each, strict=True)], axis=0) / sum(dfs)
    return [
        Source("targets", matrix / (df + 1), df, alike / (df + 1))
        for df, matrix in zip(dfs, each, strict=True)
    ]


def _of_means(rows: Floats) -> Floats:
    # What all groups share is taken off first: squared, it would drown small differences.
    rows = rows - rows.mean(axis=1, keepdims=True)
    centred = rows - rows.mean(axis=0)
    return np.asarray(centred.T @ centred / ((len(rows) - 1) * len(rows)))


def quasi_f(
    y: ArrayLike,
    groups: Sequence[Indices],
    *,
    scope: Scope,
    targets: Sequence[Source] = (),
) -> QuasiF:
    """Test whether k groups of unmatched words differ.

    Args:
        y: (J, T) responses, templates by terms.
        groups: columns of each of the k groups, at least two.
        scope: which factors are random, as in the primary analysis.
        targets: from :func:`across_targets` when the targets stand for a construct.

    Source: Clark (1973) for the statistic; Box (1954), Greenhouse and Geisser (1959) and Brunner,
    Dette and Munk (1997) for the degrees of freedom under unequal variances; Satterthwaite (1946)
    for their sum, which is bounded as in :func:`~bias_audit.stats.estimate.satterthwaite`.
    """
    matrix = finite(y, ndim=2, name="y")
    if len(groups) < FEWEST_GROUPS:
        raise ValueError(f"expected two groups or more, got {len(groups)}")
    cols = [columns(g, matrix.shape[1], name=f"group {i}") for i, g in enumerate(groups)]
    rows = np.stack([matrix[:, c].mean(axis=1) for c in cols], axis=1)
    sources: list[Source] = []
    if "templates" in USED[scope] and len(rows) > 1:
        sources.append(across_templates(rows))
    if "terms" in USED[scope] and min(c.size for c in cols) > 1:
        sources += across_terms([matrix[:, c].mean(axis=0) for c in cols])
    names = {source.name for source in sources}
    missing = next((name for name in USED[scope] if name not in names), None)
    if missing:
        short: Status = "too_few_templates" if missing == "templates" else "too_few_terms"
        return _without_test(_spread(rows.mean(axis=0)), short)
    floor = ROUNDING * float(np.abs(matrix).max())
    return of_sources(rows.mean(axis=0), [*sources, *targets], floor=floor)


def of_sources(means: Floats, sources: Sequence[Source], *, floor: float = 0.0) -> QuasiF:
    """Test whether (k,) means differ, given the independent sources of their covariance.

    Spreads up to ``floor`` are rounding, in the unit of the means.
    """
    k = means.size
    centre = np.eye(k) - 1 / k
    dfs = [source.df for source in sources]
    parts = [centre @ source.covariance @ centre for source in sources]
    alike = [centre @ source.pooled @ centre for source in sources]
    traces = [float(np.trace(part)) for part in parts]
    spread, total = _spread(means), max(float(np.sum(np.sort(traces))), 0.0)
    expected = float(np.sqrt(total / (k - 1)))
    if expected <= floor:
        return _without_test(spread, "identical" if spread <= floor else "no_variance")
    df_groups = _equals(np.sum(parts, axis=0), k)
    df_error = min(_error(parts, dfs, k), _error(alike, dfs, k))
    f = (spread / expected) ** 2
    variance: dict[str, float] = {}
    for source, trace in zip(sources, traces, strict=True):
        variance[source.name] = variance.get(source.name, 0.0) + trace / (k - 1)
    return QuasiF(
        spread=spread,
        expected=expected,
        expected95=expected * float(np.sqrt(fdtri(df_groups, df_error, 0.95))),
        f=f,
        df_groups=df_groups,
        df_error=df_error,
        p=float(fdtrc(df_groups, df_error, f)),
        variance=variance,
        status="ok",
    )


def _spread(means: Floats) -> float:
    return float(means.std(ddof=1))


def _without_test(spread: float, status: Status) -> QuasiF:
    return QuasiF(
        spread=0.0 if status == "identical" else spread,
        expected=None,
        expected95=None,
        f=None,
        df_groups=None,
        df_error=None,
        p=1.0 if status == "identical" else None,
        variance={},
        status=status,
    )


def _error(parts: Sequence[Floats], dfs: Sequence[int], k: int) -> float:
    """Degrees of freedom of the denominator.

    Numbers of equal variances that would behave like the estimated ones. The estimates make them
    too small on average (the Greenhouse-Geisser bias). A correction would find more, and too much
    where one group varies more than the others.
    """
    total, below = float(np.trace(np.sum(parts, axis=0))), 0.0
    for part, df in zip(parts, dfs, strict=True):
        trace = float(np.trace(part))
        if trace > 0:
            below += trace**2 / (df * _equals(part, k))
    return total**2 / below


def _equals(matrix: Floats, k: int) -> float:
    """Squared trace over the trace of the square of a centred covariance, in [1, k - 1]."""
    df = float(np.trace(matrix)) ** 2 / float(np.sum(matrix * matrix))
    return min(max(df, 1.0), k - 1.0)
