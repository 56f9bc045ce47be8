"""Strategies and simulated data that several test files need."""

from __future__ import annotations

import warnings
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
