"""Adjusted p-values against statsmodels, enumeration and the printed example."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bias_audit.stats.multiplicity import bh, by, holm, max_t_flips
from bias_audit.stats.permutation import sign_flip

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


# Max-T.


def rng(seed=3):
    return np.random.default_rng(seed)


def t_sizes(rows):
    return np.abs(stats.ttest_1samp(rows, 0).statistic)


def by_definition(seen, null):
    """Westfall and Young's step-down in loops: (m,) statistics, (N, m) arrangements."""
    order = np.argsort(-seen)
    adjusted, most = np.empty(seen.size), 0.0
    for place, question in enumerate(order):
        family = order[place:]
        share = np.mean([row[family].max() >= seen[question] - 1e-9 for row in null])
        most = max(most, share)
        adjusted[question] = most
    return adjusted


def test_flips_against_every_pattern():
    deltas = rng(1).normal([0.9, 0.1, 0.5, -0.7], 1, (7, 4))
    patterns = np.array(list(itertools.product([1, -1], repeat=7)))
    null = np.array([t_sizes(deltas * signs[:, None]) for signs in patterns])
    expected = by_definition(t_sizes(deltas), null)
    assert max_t_flips(deltas, rng()) == pytest.approx(expected)


def test_one_question_needs_no_adjustment():
    delta = rng(5).normal(0.5, 1, 9)
    assert max_t_flips(delta[:, None], rng())[0] == pytest.approx(sign_flip(delta, rng()).p)


def test_equal_questions_cost_nothing_and_holm_does_not_know():
    delta = rng(5).normal(0.8, 1, (10, 1))
    alone = sign_flip(delta[:, 0], rng()).p
    same = np.repeat(delta, 6, axis=1)
    assert max_t_flips(same, rng()) == pytest.approx(np.full(6, alone))
    assert holm(np.full(6, alone)) == pytest.approx(np.full(6, min(1, 6 * alone)))


def test_i19_adjusted_is_at_least_raw_and_keeps_the_order():
    deltas = rng(8).normal(np.linspace(0, 1, 6), 1, (9, 6))
    raw = np.array([sign_flip(column, rng()).p for column in deltas.T])
    down = max_t_flips(deltas, rng())
    assert (down >= raw - 1e-12).all()
    order = np.argsort(t_sizes(deltas))
    assert (np.diff(down[order]) <= 1e-12).all()


def test_monte_carlo_meets_exact(monkeypatch):
    deltas = rng(4).normal([0.6, 0.2, 0.0], 1, (10, 3))
    exact = max_t_flips(deltas, rng())
    monkeypatch.setattr("bias_audit.stats.multiplicity.MOST_FLIPPED", 0)
    assert max_t_flips(deltas, rng(), 9999) == pytest.approx(exact, abs=0.02)


@pytest.mark.slow
def test_no_wrong_claim_in_more_than_one_family_of_twenty():
    generator, wrong = rng(9), 0
    for _ in range(600):
        shared = generator.normal(0, 1, (9, 1))
        wrong += max_t_flips(shared + generator.normal(0, 1, (9, 8)), generator).min() <= 0.05
    assert wrong / 600 <= 0.068  # 0.05 and two standard errors


@pytest.mark.parametrize("units", [6, 9, 12])
def test_a_difference_that_never_varies_meets_itself_among_all_patterns(units):
    """Rounding must not make the observed arrangement rarer than it is: p would be 0."""
    for value in (0.1, 0.3, 0.7, 1.1, 1e-3, 123.4):
        deltas = np.full((units, 3), value) * [1.0, 1 / 3, -0.7]
        assert max_t_flips(deltas, rng()) == pytest.approx(np.full(3, 2 / 2**units))


def test_nothing_there_gives_p_1():
    assert max_t_flips(np.zeros((8, 3)), rng()) == pytest.approx(np.ones(3))


def test_too_few_units_are_refused():
    with pytest.raises(ValueError, match="two templates"):
        max_t_flips(np.ones((1, 3)), rng())
