"""The primary analysis: a difference between groups whose sentences and words are both samples.

Everything reduces to a matrix of cell responses, templates by terms, or to cells of templates,
terms and targets. Three designs end in one :class:`~bias_audit.stats.estimate.Contrast`: two groups
of words, one group against all others, and matched pairs of words.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bias_audit.stats._arrays import ROUNDING, Indices, columns, finite
from bias_audit.stats.crossing import Factor, Part, combine, cross, units
from bias_audit.stats.distribution_shape import trimmed_mean
from bias_audit.stats.estimate import USED, Contrast, Scope, assemble, build
from bias_audit.utils.arrays import Floats

INTERACTION = (1.0, -1.0, -1.0, 1.0)
"""Weights of the cells 11, 12, 21 and 22 in the interaction of two axes."""


class Clusters(NamedTuple):
    """Cluster of every template, column and target; each unit is its own where empty."""

    templates: Sequence[Hashable] = ()
    terms: Sequence[Hashable] = ()
    """Of each column, or of each matched pair."""
    targets: Sequence[Hashable] = ()


ALONE = Clusters()
"""Each unit is its own cluster."""


def one_group(name: str, size: int, clusters: Sequence[Hashable] = ()) -> Factor:
    """Return a factor all of whose units are one group: templates, or matched pairs."""
    return Factor(name, (units(range(size), clusters),))


def several_groups(
    name: str,
    groups: Sequence[Indices],
    weights: Sequence[float],
    clusters: Sequence[Hashable] = (),
    sampled: Sequence[float] = (),
) -> Factor:
    """Return a factor with a group of columns for each weight.

    A cluster that reaches into two groups is one in each: what it shares cancels in a difference.

    Args:
        name: ``terms`` or ``targets``.
        groups: columns of each.
        weights: of their means in the contrast.
        clusters: of every column, numbered as in ``groups``.
        sampled: share of all units of each group that there are, in [0, 1]: of a census nothing is
            left to chance. Source: Cochran (1977), finite population correction.
    """
    shares = sampled or [0.0] * len(groups)
    return Factor(
        name,
        tuple(
            units(g, [clusters[i] for i in g] if clusters else (), weight=w, sampled=share)
            for g, w, share in zip(groups, weights, shares, strict=True)
        ),
    )


def two_claims(
    values: ArrayLike, factors: Sequence[Factor], *, scope: Scope
) -> tuple[Contrast, Contrast | None]:
    """Return both claims about cells of (templates, terms, targets), nats.

    The first is about these words: the targets are the list. The second is about words of their
    kind: the targets are a sample too; None where a pole has fewer than two clusters of them.

    Args:
        values: the cells.
        factors: templates, terms and targets, in the order of the axes.
        scope: which of templates and terms are random.
    """
    cells = finite(values, ndim=len(factors), name="values")
    crossed, resolution = cross(cells, factors), ROUNDING * float(np.abs(cells).max())
    heavy = ["templates"]
    if scope != "terms" and len(factors[1].groups) == 1:
        heavy.append(factors[1].name)
    claims = [
        assemble(crossed, factors, used=used, resolution=resolution, heavy=heavy)
        for used in (USED[scope], (*USED[scope], "targets"))
    ]
    return claims[0], claims[1] if factors[-1].is_sample else None


def _linear(y: Floats, terms: Factor, scope: Scope, clusters: Clusters) -> Contrast:
    factors = [one_group("templates", len(y), clusters.templates), terms]
    heavy = ["templates", *(["terms"] if scope != "terms" and len(terms.groups) == 1 else [])]
    resolution = ROUNDING * float(np.abs(y).max())
    return assemble(
        cross(y, factors), factors, used=USED[scope], resolution=resolution, heavy=heavy
    )


def _groups(
    y: ArrayLike,
    groups: Sequence[Indices],
    weights: Sequence[float],
    scope: Scope,
    clusters: Clusters,
    sampled: Sequence[float] = (),
) -> Contrast:
    matrix = finite(y, ndim=2, name="y")
    cols = [columns(g, matrix.shape[1], name=f"group {i}") for i, g in enumerate(groups)]
    terms = several_groups("terms", cols, weights, clusters.terms, sampled)
    return _linear(matrix, terms, scope, clusters)


def two_groups(
    y: ArrayLike,
    in_a: Indices,
    in_b: Indices,
    *,
    scope: Scope,
    clusters: Clusters = ALONE,
    sampled: Sequence[float] = (),
) -> Contrast:
    """Compare two groups of unmatched terms (design D2): mean of A minus mean of B.

    Args:
        y: (J, T) responses, templates by terms, nats. Terms that share a label are averaged by
            the caller before: they are one unit.
        in_a: columns of group A.
        in_b: columns of group B.
        scope: which factors are random.
        clusters: units that are not independent.
        sampled: as in :func:`several_groups`.

    Source: Clark (1973); Welch (1947) and Satterthwaite (1946) for the degrees of freedom.
    """
    return _groups(y, [in_a, in_b], [1.0, -1.0], scope, clusters, sampled)


def versus_rest(
    y: ArrayLike,
    groups: Sequence[Indices],
    which: int,
    *,
    scope: Scope,
    clusters: Clusters = ALONE,
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
        clusters: units that are not independent.
    """
    k = len(groups)
    if k < 2 or not 0 <= which < k:
        raise ValueError(f"expected two groups or more and one of them, got {which} of {k}")
    weights = [1.0 if g == which else -1.0 / (k - 1) for g in range(k)]
    return _groups(y, groups, weights, scope, clusters)


def two_by_two(cells: Sequence[Indices], size: int, clusters: Sequence[Hashable] = ()) -> Factor:
    """Return the terms of the interaction of two axes: (first - second) - (third - fourth).

    What a group of two axes has beyond what each axis brings alone. Whatever a word of one axis
    adds (its length, its frequency) cancels.

    Args:
        cells: columns of the four cells: 11, 12, 21, 22.
        size: number of columns.
        clusters: of every column.
    """
    if len(cells) != 4:
        raise ValueError(f"expected the four cells of a 2 x 2 table, got {len(cells)}")
    cols = [columns(cell, size, name=f"cell {i}") for i, cell in enumerate(cells)]
    return several_groups("terms", cols, INTERACTION, clusters)


def matched_pairs(d: ArrayLike, *, scope: Scope, clusters: Clusters = ALONE) -> Contrast:
    """Compare groups whose words come in pairs (design D1), such as mother and father.

    Args:
        d: (J, P) differences inside each pair, A minus B, nats.
        scope: which factors are random; ``concept`` counts pairs as a sample.
        clusters: units that are not independent; ``terms`` are those of the pairs.
    """
    matrix = finite(d, ndim=2, name="d")
    pairs = one_group("terms", matrix.shape[1], clusters.terms)
    return _linear(matrix, pairs, scope, clusters)


def trim(contrast: Contrast, share: float = 0.2) -> Contrast:
    """Return the contrast with extreme templates cut off, other sources of variance kept.

    ``share`` of the (clusters of) templates is cut at each end.

    Source: Yuen (1974) for the trimmed mean's variance and degrees of freedom.
    """
    values = np.asarray(contrast.by_cluster)
    mean, variance, df = trimmed_mean(values, share)
    parts = {source: value for source, value in contrast.parts.items() if source != "templates"}
    status = contrast.status
    if df >= 1:
        parts = {"templates": (Part(variance, df, variance),), **parts}
    elif "templates" in contrast.used:
        status = "too_few_templates"
    return build(
        mean,
        parts,
        contrast.shared,
        used=contrast.used,
        status=status,
        delta=np.asarray(contrast.delta),
        by_cluster=values,
        n_terms=contrast.n_terms,
        share=contrast.largest_share,
        resolution=contrast.resolution,
    )


class ContrastBatch(NamedTuple):
    """The primary analysis of many data sets of one design at once, (sets,) each."""

    estimate: Floats
    se: Floats
    df: Floats


def analyse_many(values: Floats, factors: Sequence[Factor], used: Sequence[str]) -> ContrastBatch:
    """Analyse (sets, units of each factor) cells by the formulas of a single data set."""
    crossed = cross(values, factors)
    return ContrastBatch(crossed.estimate, *combine(crossed.parts, crossed.shared, used))
