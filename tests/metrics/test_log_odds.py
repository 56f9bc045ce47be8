"""The association log-odds ratio and its companions."""

from __future__ import annotations

import math
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bias_audit.metrics.log_odds import (
    cell_response,
    group_levels,
    mass_log_odds,
    mass_response,
    pole_heterogeneous,
    target_differences,
)
from bias_audit.stats.contrast import two_groups

modest = settings(deadline=None, max_examples=60)
PLUS, MINUS = [0, 1], [2, 3]
"""One template, terms A and B, two targets of each pole: the specification's 5.2."""

cubes = st.tuples(st.integers(2, 4), st.integers(4, 6), st.integers(5, 7)).flatmap(
    lambda shape: hnp.arrays(np.float64, shape, elements=st.floats(-20, -0.125, width=32))
)
A, B = [0, 1], [2, 3]


def gap(scores, a=A, b=B, plus=PLUS, minus=MINUS):
    return two_groups(cell_response(scores, plus, minus), a, b, scope="terms").estimate


@modest
@given(cubes)
def test_against_loops(scores):
    d = []
    for t in range(scores.shape[2]):
        means = [
            fmean(scores[j, g, t] for j in range(len(scores)) for g in side) for side in (A, B)
        ]
        d.append(means[0] - means[1])
    assert target_differences(scores, A, B) == pytest.approx(d, abs=1e-9)
    assert gap(scores) == pytest.approx(fmean(d[:2]) - fmean(d[2:4]), abs=1e-9)
    mass = []
    for row in scores:
        odds = [
            math.log(sum(math.exp(cell[t]) for t in PLUS) / sum(math.exp(cell[t]) for t in MINUS))
            for cell in row
        ]
        mass.append(fmean(odds[t] for t in A) - fmean(odds[t] for t in B))
    assert mass_log_odds(scores, PLUS, MINUS, A, B) == pytest.approx(fmean(mass), abs=1e-9)


@modest
@given(cubes)
def test_i2_i3_signs(scores):
    assert gap(scores, B, A) == -gap(scores)
    assert gap(scores, plus=MINUS, minus=PLUS) == -gap(scores)
    assert mass_log_odds(scores, PLUS, MINUS, B, A) == -mass_log_odds(scores, PLUS, MINUS, A, B)
    assert (target_differences(scores, B, A) == -target_differences(scores, A, B)).all()


@modest
@given(cubes, st.integers(0, 2**32 - 1))
def test_i10_main_effects_cancel(scores, seed):
    rng = np.random.default_rng(seed)
    shifts = (
        rng.normal(0, 3, scores.shape[:2])[:, :, None],  # normaliser of a prompt
        rng.normal(0, 3, scores.shape[2]),  # frequency of a target
        rng.normal(0, 3, (len(scores), 1, scores.shape[2])),  # template by target
    )
    for shift in shifts:
        assert gap(scores + shift) == pytest.approx(gap(scores), abs=1e-9)
    moved = target_differences(scores + shifts[1], A, B)
    assert moved == pytest.approx(target_differences(scores, A, B), abs=1e-9)


@modest
@given(cubes, st.floats(-3, 3))
def test_i14_injected_shift(scores, shift):
    moved = scores.copy()
    moved[:, np.ix_(A, PLUS)[0], np.ix_(A, PLUS)[1]] += shift
    assert gap(moved) - gap(scores) == pytest.approx(shift, abs=1e-9)
    mass = [mass_log_odds(s, PLUS, MINUS, A, B) for s in (scores, moved)]
    assert mass[1] - mass[0] == pytest.approx(shift, abs=1e-9)


def test_mass_follows_likely_words_and_the_mean_does_not():
    scores = np.array([[[-1.0, -9.0, -3.0], [-1.2, -5.0, -3.0]]])
    mean = gap(scores, [0], [1], [0, 1], [2])
    mass = mass_log_odds(scores, [0, 1], [2], [0], [1])
    assert mean < 0 < mass
    assert pole_heterogeneous(mean, mass, 0.223)
    assert not pole_heterogeneous(mean, mass, 5.0)
    assert not pole_heterogeneous(0.5, 0.1, 0.223)


@modest
@given(cubes)
def test_levels_of_a_group_against_loops(scores):
    chances, odds = group_levels(scores, A)
    for t in range(scores.shape[2]):
        p = [math.exp(row[g][t]) for row in scores for g in A]
        assert chances[t] == pytest.approx(fmean(p), abs=1e-9)
        assert odds[t] == pytest.approx(fmean(math.log(x / (1 - x)) for x in p), abs=1e-6)


def test_shapes_and_refusals():
    scores = np.random.default_rng(0).normal(-9, 1, (3, 5, 4))
    assert cell_response(scores, PLUS, MINUS).shape == (3, 5)
    assert mass_response(scores, PLUS, MINUS).shape == (3, 5)
    with pytest.raises(ValueError, match="minus"):
        cell_response(scores, PLUS, [])
    with pytest.raises(ValueError, match="3 axes"):
        cell_response(scores[0], PLUS, MINUS)
    with pytest.raises(ValueError, match="finite"):
        target_differences(np.where(scores > -9, -np.inf, scores), A, B)
    with pytest.raises(ValueError, match="in_b"):
        target_differences(scores, A, [9])
    with pytest.raises(ValueError, match="below 0"):
        group_levels(scores + 20, A)
