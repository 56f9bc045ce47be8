"""The k-way diagonal contrast."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bias_audit.metrics.diagonal import diagonal_contrast, double_centred
from bias_audit.metrics.log_odds import cell_response
from bias_audit.stats.contrast import matched_pairs, two_groups

modest = settings(deadline=None, max_examples=60)
tables = st.tuples(st.integers(1, 5), st.integers(2, 5)).flatmap(
    lambda s: hnp.arrays(np.float64, (s[0], s[1], s[1]), elements=st.floats(-20, 0, width=32))
)


@modest
@given(tables)
def test_against_loops(scores):
    k = scores.shape[1]
    for table, found in zip(scores, diagonal_contrast(scores), strict=True):
        own = sum(table[g, g] for g in range(k)) / k
        rest = sum(table[g, h] for g in range(k) for h in range(k) if g != h) / (k * (k - 1))
        assert found == pytest.approx(own - rest, abs=1e-9)  # row and column means cancel anyway


@modest
@given(tables)
def test_rows_and_columns_sum_to_zero(scores):
    centred = double_centred(scores)
    assert centred.sum(axis=-1) == pytest.approx(np.zeros(scores.shape[:-1]), abs=1e-9)
    assert centred.sum(axis=-2) == pytest.approx(np.zeros(scores.shape[:-1]), abs=1e-9)
    assert double_centred(centred) == pytest.approx(centred, abs=1e-9)


@modest
@given(tables, st.integers(0, 2**32 - 1))
def test_main_effects_cancel(scores, seed):
    rng = np.random.default_rng(seed)
    rows, cols = rng.normal(0, 5, (2, scores.shape[1]))
    moved = scores + rows[:, None] + cols
    assert diagonal_contrast(moved) == pytest.approx(diagonal_contrast(scores), abs=1e-9)


def test_two_groups_are_half_the_log_odds_ratio():
    scores = np.random.default_rng(0).normal(-5, 1, (8, 2, 2))
    y = cell_response(scores, [0], [1])
    full = two_groups(y, [0], [1], scope="terms")
    half = matched_pairs(diagonal_contrast(scores)[:, None], scope="terms")
    assert 2 * half.estimate == pytest.approx(full.estimate, rel=1e-12)
    assert half.p_value() == pytest.approx(full.p_value(), rel=1e-9)


def test_only_square_tables():
    for shape in ((3, 2, 3), (3, 1, 1)):
        with pytest.raises(ValueError, match="square"):
            diagonal_contrast(np.zeros(shape))
    with pytest.raises(ValueError, match="3 axes"):
        diagonal_contrast(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="finite"):
        diagonal_contrast(np.full((1, 2, 2), -np.inf))
