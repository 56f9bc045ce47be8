"""The primary analysis: a difference between groups whose sentences and words are both samples.

Everything reduces to a matrix of cell responses, templates by terms. Three designs end in one
:class:`~bias_audit.stats.estimate.Contrast`: two groups of words, one group against all others,
and matched pairs of words.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from bias_audit.stats._arrays import ROUNDING, Indices, columns, finite
from bias_audit.stats.distribution_shape import largest_share, trimmed_mean
from bias_audit.stats.estimate import (
    USED,
    Contrast,
    Part,
    Scope,
    Split,
    Spread,
    assemble,
    by_groups,
    by_pairs,
    of_means,
    satterthwaite,
)
from bias_audit.utils.arrays import Floats

INTERACTION = (1.0, -1.0, -1.0, 1.0)
"""Weights of the cells 11, 12, 21 and 22 in the interaction of two axes."""


def _plain(parts: tuple[Spread, ...]) -> tuple[Part, ...]:
    return tuple(Part(float(value), df, float(pooled)) for value, df, pooled in parts)


def _parts(split: Split, targets: tuple[Part, ...] | None) -> dict[str, tuple[Part, ...]]:
    parts_by_source = {source: _plain(parts) for source, parts in split.parts().items()}
    return parts_by_source | ({"targets": targets} if targets else {})


def _residual(block: Floats) -> float:
    """Variance that cell noise adds to the mean of a block (J, n): interaction mean square / Jn."""
    rows, cols = block.shape
    residuals = block - block.mean(axis=1, keepdims=True) - block.mean(axis=0) + block.mean()
    return float(np.sum(residuals**2) / ((rows - 1) * (cols - 1) * rows * cols))


def _sources(scope: Scope, targets: tuple[Part, ...] | None) -> tuple[str, ...]:
    return USED[scope] + (("targets",) if targets else ())


def _linear(
    y: ArrayLike,
    groups: Sequence[Indices],
    weights: Sequence[float],
    *,
    scope: Scope,
    target_part: tuple[Part, ...] | None,
    sampled: Sequence[float] = (),
) -> Contrast:
    """Weighted sum of group means; each group adds weight^2 s^2 / n to the variance over terms."""
    matrix = finite(y, ndim=2, name="y")
    cols = [columns(g, matrix.shape[1], name=f"group {i}") for i, g in enumerate(groups)]
    split = by_groups(matrix, cols, weights)
    delta, parts = split.delta, _parts(split, target_part)
    if sampled and "terms" in parts:
        parts["terms"] = _out_of_census(parts["terms"], sampled)
    noise = None
    if "templates" in parts and "terms" in parts:
        pairs = zip(weights, cols, strict=True)
        noise = math.fsum(w * w * _residual(matrix[:, c]) for w, c in pairs)
    return assemble(
        estimate=float(delta.mean()),
        parts=parts,
        used=_sources(scope, target_part),
        residual=noise,
        delta=delta,
        n_terms=sum(c.size for c in cols),
        shares=[largest_share(delta)],
        resolution=ROUNDING * float(np.abs(matrix).max()),
    )


def two_groups(
    y: ArrayLike,
    in_a: Indices,
    in_b: Indices,
    *,
    scope: Scope,
    target_part: tuple[Part, ...] | None = None,
    sampled: Sequence[float] = (),
) -> Contrast:
    """Compare two groups of unmatched terms (design D2): mean of A minus mean of B.

    Args:
        y: (J, T) responses, templates by terms, nats. Terms that share a label are averaged by
            the caller before: they are one unit.
        in_a: columns of group A.
        in_b: columns of group B.
        scope: which factors are random.
        target_part: parts from :func:`target_part` when the targets stand for a construct.
        sampled: share of each group's population that its terms are, as in :func:`target_part`.

    Source: Clark (1973) quasi-F; Welch (1947) and Satterthwaite (1946) for the degrees of freedom.
    """
    groups, weights = [in_a, in_b], [1.0, -1.0]
    return _linear(y, groups, weights, scope=scope, target_part=target_part, sampled=sampled)


def versus_rest(
    y: ArrayLike,
    groups: Sequence[Indices],
    which: int,
    *,
    scope: Scope,
    target_part: tuple[Part, ...] | None = None,
) -> Contrast:
    """Compare one of k groups with the unweighted mean of the other groups' means.

    With weights w = 1 for ``which`` and -1 / (k - 1) for the others, the difference in a template
    is the sum of w_g times the group's mean, and the variance over terms is the sum of
    w_g^2 s_g^2 / n_g, each with n_g - 1 degrees of freedom. For k = 2 this is :func:`two_groups`.

    Args:
        y: (J, T) responses, as in :func:`two_groups`.
        groups: columns of each of the k groups.
        which: number of the group that is compared with the rest.
        scope: which factors are random.
        target_part: as in :func:`two_groups`.
    """
    k = len(groups)
    if k < 2 or not 0 <= which < k:
        raise ValueError(f"expected two groups or more and one of them, got {which} of {k}")
    weights = [1.0 if g == which else -1.0 / (k - 1) for g in range(k)]
    return _linear(y, groups, weights, scope=scope, target_part=target_part)


def two_by_two(
    y: ArrayLike,
    cells: Sequence[Indices],
    *,
    scope: Scope,
    target_part: tuple[Part, ...] | None = None,
) -> Contrast:
    """Return the interaction of two axes: (first - second) - (third - fourth), nats.

    What a group of two axes has beyond what each axis brings alone. Whatever a word of one axis
    adds (its length, its frequency) cancels.

    Args:
        y: (J, T) responses, as in :func:`two_groups`.
        cells: columns of the four cells: 11, 12, 21, 22.
        scope: which factors are random.
        target_part: as in :func:`two_groups`, of the same contrast.
    """
    if len(cells) != 4:
        raise ValueError(f"expected the four cells of a 2 x 2 table, got {len(cells)}")
    return _linear(y, cells, INTERACTION, scope=scope, target_part=target_part)


def matched_pairs(
    d: ArrayLike, *, scope: Scope, target_part: tuple[Part, ...] | None = None
) -> Contrast:
    """Compare groups whose words come in pairs (design D1), such as mother and father.

    Args:
        d: (J, P) differences inside each pair, A minus B, nats.
        scope: which factors are random; ``concept`` counts pairs as a sample.
        target_part: as in :func:`two_groups`.
    """
    matrix = finite(d, ndim=2, name="d")
    rows, pairs = matrix.shape
    split = by_pairs(matrix)
    delta, by_pair, parts = split.delta, split.terms[0][1], _parts(split, target_part)
    shares = [largest_share(delta)] + ([largest_share(by_pair)] if scope != "terms" else [])
    return assemble(
        estimate=float(delta.mean()),
        parts=parts,
        used=_sources(scope, target_part),
        residual=_residual(matrix) if rows > 1 and pairs > 1 else None,
        delta=delta,
        n_terms=pairs,
        shares=shares,
        resolution=ROUNDING * float(np.abs(matrix).max()),
    )


def _out_of_census(parts: Sequence[Part], sampled: Sequence[float]) -> tuple[Part, ...]:
    """Take the share of a population that was met out of the variance of not meeting the rest."""
    return tuple(
        Part(part.value * (1 - share), part.df, part.pooled * (1 - share))
        for part, share in zip(parts, sampled, strict=True)
    )


def target_part(
    diffs_plus: ArrayLike, diffs_minus: ArrayLike, sampled: Sequence[float] = (0.0, 0.0)
) -> tuple[Part, Part]:
    """Return the variance parts of targets that stand for a construct (V3).

    Args:
        diffs_plus: (m,) group differences for each target of S+, nats, averaged over templates and
            terms; two or more.
        diffs_minus: the same for S-.
        sampled: share of all words of each pole that there are, in [0, 1]: of a census nothing is
            left to chance. Source: Cochran (1977), finite population correction.
    """
    plus = finite(diffs_plus, ndim=1, name="diffs_plus")
    minus = finite(diffs_minus, ndim=1, name="diffs_minus")
    if min(plus.size, minus.size) < 2:
        raise ValueError("targets can stand for a construct only with two or more in each pole")
    one, other = _out_of_census(_plain(of_means((1.0, plus), (-1.0, minus))), sampled)
    return one, other


def trim(contrast: Contrast, share: float = 0.2) -> Contrast:
    """Return the contrast with extreme templates cut off, other sources of variance kept.

    ``share`` of the templates is cut at each end.

    Source: Yuen (1974) for the trimmed mean's variance and degrees of freedom.
    """
    delta = np.asarray(contrast.delta)
    mean, variance, df = trimmed_mean(delta, share)
    parts = {source: value for source, value in contrast.parts.items() if source != "templates"}
    if df >= 1:
        parts = {"templates": (Part(variance, df, variance),), **parts}
    return assemble(
        estimate=mean,
        parts=parts,
        used=contrast.used,
        residual=contrast.variance.get("residual"),
        delta=delta,
        n_terms=contrast.n_terms,
        shares=[contrast.largest_share],
        resolution=contrast.resolution,
    )


class ContrastBatch:
    """The primary analysis of many data sets of one design at once, for simulations.

    ``estimate``, ``se`` and ``df`` are (sets,) each, by the formulas of a single data set.
    """

    def __init__(
        self, split: Split, scope: Scope, targets: tuple[Floats, Floats] | None = None
    ) -> None:
        """Analyse the data sets.

        Args:
            split: (sets, templates) differences and (sets, words) means, nats.
            scope: which of sentences and words are random.
            targets: (sets, targets) group differences of both poles, where they are a sample too.
        """
        parts: dict[str, tuple[Spread, ...]] = split.parts()
        used = USED[scope]
        if targets is not None:
            parts["targets"] = of_means((1.0, targets[0]), (-1.0, targets[1]))
            used = (*used, "targets")
        chosen = [part for source in used for part in parts[source]]
        self.estimate: Floats = split.delta.mean(axis=-1)
        self.se, self.df = satterthwaite(
            np.stack([part.value for part in chosen]),
            np.array([float(part.df) for part in chosen])[:, None],
            np.stack([part.pooled for part in chosen]),
        )
