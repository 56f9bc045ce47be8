"""Strategies and simulated data that several test files need."""

from __future__ import annotations

import warnings
from itertools import combinations, product
from types import ModuleType

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

DELTA = np.array([0.4, 0.3, 0.5, 0.2, 0.6, -0.1, 0.3, 0.4])
"""The worked example of the measurement specification, 5.2."""

nats = st.floats(-20, 20, allow_nan=False, width=32)


def matrices(rows=(2, 8), cols=(4, 10)):
    """Response matrices (J, T) with values like log-scores."""
    shape = st.tuples(st.integers(*rows), st.integers(*cols))
    return shape.flatmap(lambda s: hnp.arrays(np.float64, s, elements=nats))


def halves(y):
    """Columns of two groups that together make up ``y``, the first one smaller or equal."""
    cut = y.shape[1] // 2
    return np.arange(cut), np.arange(cut, y.shape[1])


def crossed(rng, *, rows=12, terms=8, vc=0.2, vb=0.2, ve=1.0, effect=0.0):
    """Simulate (J, 2n) responses: template, template by group, term and cell noise (appendix B)."""
    y = rng.normal(0, 1, (rows, 1)) + rng.normal(0, np.sqrt(ve), (rows, 2 * terms))
    group = np.repeat([1.0, 0.0], terms)
    y = y + rng.normal(0, np.sqrt(vc), (rows, 2))[:, np.repeat([0, 1], terms)]
    return y + rng.normal(0, np.sqrt(vb), 2 * terms) + effect * group


def statsmodels(name: str) -> ModuleType:
    """Import a statsmodels module; its own warnings are not ours."""
    import importlib

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(f"statsmodels.{name}")


def slow_crossed(cells, axes, used):
    """Second implementation of a crossed contrast, with matrices: estimate, standard error, df.

    Args:
        cells: an array with one axis for each factor.
        axes: of each factor its groups: weight, columns, cluster of each column, share sampled.
        used: numbers of the factors that are random.
    """

    def along(k, values):
        weights = np.zeros(cells.shape[k])
        for w, columns, _, _ in axes[k]:
            weights[list(columns)] += w / len(columns)
        return np.tensordot(values, weights, ([k], [0]))

    def sizes(clusters):
        names = sorted(set(clusters), key=str)
        inside = np.array([[c == name for name in names] for c in clusters], dtype=float)
        q = inside.sum(axis=0) / len(clusters)
        m = np.eye(len(q)) - np.outer(np.ones(len(q)), q)
        form = m.T @ np.diag(q**2) @ m
        trace = np.trace(form)
        return inside, np.sum(q**2), trace / np.sum(q**2), trace**2 / np.trace(form @ form)

    estimate = cells
    for k in reversed(range(len(axes))):
        estimate = along(k, estimate)
    once, each, parts = 0.0, [], []
    for count in range(1, len(used) + 1):
        for chosen in combinations(used, count):
            means = cells
            for k in reversed([k for k in range(len(axes)) if k not in chosen]):
                means = along(k, means)
            total, mine = 0.0, []
            for block in product(*(axes[k] for k in chosen)):
                value, scale = means, 1.0
                for place, (w, columns, clusters, sampled) in enumerate(block):
                    inside, spread, bias, df = sizes(clusters)
                    value = np.moveaxis(np.take(value, list(columns), axis=place), place, 0)
                    value = value - value.mean(axis=0)
                    value = np.tensordot(inside.T, value, 1) / len(columns)
                    value = np.moveaxis(value, 0, place)
                    scale *= w**2 * (1 - sampled) / bias
                variance = scale * np.sum(value**2)
                total += variance
                part = w**2 * spread * (1 - sampled)
                mine.append((variance, df, variance / part if part else 0.0, part))
            once += total if count % 2 else -total
            if count == 1:
                each.append(total)
                free = sum(df for _, df, _, _ in mine)
                alike = sum(df * one for _, df, one, _ in mine) / free if free else 0.0
                parts += [(v, df, alike * scale) for v, df, _, scale in mine]
    whole = sum(each)
    once = min(max(once, *each), whole)
    dfs = [sum(p[i] for p in parts) ** 2 / sum(p[i] ** 2 / p[1] for p in parts) for i in (0, 2)]
    return float(estimate), once**0.5, max(min(dfs) * once / whole, min(*dfs, 1.0))


def plain_axis(*groups):
    """Groups of a factor whose units are all independent: (weight, columns)."""
    return [(w, list(columns), list(columns), 0.0) for w, columns in groups]


def counted_in_each(contrast):
    """Standard error and df where what sources share is counted in each of them."""
    parts = [part for source in contrast.used for part in contrast.parts[source]]
    total = sum(part.value for part in parts)
    alike = sum(part.pooled for part in parts)
    dfs = [
        total**2 / sum(part.value**2 / part.df for part in parts),
        alike**2 / sum(part.pooled**2 / part.df for part in parts),
    ]
    return total**0.5, min(dfs)
