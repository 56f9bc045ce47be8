"""Responses, split by their sources of variance: of one data set, or of many along leading axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bias_audit.stats._arrays import Indices
from bias_audit.utils.arrays import Floats


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
