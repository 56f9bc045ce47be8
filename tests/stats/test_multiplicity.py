"""Adjusted p-values against statsmodels and the printed example."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bias_audit.stats.multiplicity import bh, by, holm

from .helpers import statsmodels

families = st.lists(st.floats(0, 1), min_size=1, max_size=30)
METHODS = [(holm, "holm"), (bh, "fdr_bh"), (by, "fdr_by")]


def test_printed_example_of_the_specification():
    p = [0.001, 0.01, 0.02, 0.04, 0.2]
    assert holm(p) == pytest.approx([0.005, 0.04, 0.06, 0.08, 0.2])
    assert bh(p).round(4).tolist() == [0.005, 0.025, 0.0333, 0.05, 0.2]
    assert by(p).round(4).tolist() == [0.0114, 0.0571, 0.0761, 0.1142, 0.4567]


@pytest.mark.parametrize(("ours", "name"), METHODS)
@settings(deadline=None, max_examples=50)
@given(p=families)
def test_against_statsmodels(ours, name, p):
    multipletests = statsmodels("stats.multitest").multipletests
    assert ours(p) == pytest.approx(multipletests(p, method=name)[1], rel=1e-9, abs=1e-300)


@settings(deadline=None, max_examples=50)
@given(families)
def test_i19_adjusting_only_raises_and_keeps_the_order(p):
    raw = np.asarray(p)
    order = np.argsort(raw, kind="stable")
    for adjusted in (holm(p), bh(p), by(p)):
        assert (adjusted >= raw - 1e-12).all()
        assert (adjusted <= 1).all()
        assert (np.diff(adjusted[order]) >= 0).all()
    assert (by(p) >= bh(p) - 1e-12).all()
    assert (holm(p) >= bh(p) - 1e-12).all()


@pytest.mark.parametrize("method", [holm, bh, by])
def test_edges(method):
    assert method([]).tolist() == []
    assert method([0.03]).tolist() == [0.03]
    for wrong in ([0.5, float("nan")], [1.1], [-0.1], [[0.1]]):
        with pytest.raises(ValueError, match="p-values"):
            method(wrong)
