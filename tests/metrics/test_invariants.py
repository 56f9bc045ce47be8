"""What holds for every measure and every test, whatever the numbers: beside the tests of each."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bias_audit.metrics.completion_lists import expected_value, hit_rates, rate_odds
from bias_audit.metrics.completion_overlap import (
    hellinger,
    jaccard,
    rank_overlap,
    ranking,
    top_overlap,
    total_variation,
)
from bias_audit.metrics.diagonal import diagonal_contrast
from bias_audit.metrics.divergence import jsd, jsd_permutation
from bias_audit.metrics.four_fifths import closed_log_share, impact_ratio
from bias_audit.metrics.log_odds import (
    aitchison_distance,
    cell_response,
    group_levels,
    mass_log_odds,
    target_differences,
)
from bias_audit.metrics.lpbs import association, cbs
from bias_audit.metrics.pair_preference import outcomes, preference
from bias_audit.metrics.stereoset import icat
from bias_audit.metrics.weat import associations, effect
from bias_audit.stats.clusters import mcnemar
from bias_audit.stats.contrast import matched_pairs, two_groups
from bias_audit.stats.effect_sizes import cliffs_delta, rank_biserial
from bias_audit.stats.fragility import decided_side
from bias_audit.stats.permutation import label_exchange, pair_flip, sign_flip

modest = settings(deadline=None, max_examples=40)
A, B, PLUS, MINUS = [0, 1], [2, 3], [0, 1], [2, 3]
nats = st.floats(-20, -0.125, width=32)
cubes = st.tuples(st.integers(2, 4), st.just(4), st.integers(5, 6)).flatmap(
    lambda shape: hnp.arrays(np.float64, shape, elements=nats)
)
tables = st.tuples(st.integers(3, 7), st.just(4)).flatmap(
    lambda shape: hnp.arrays(np.float64, shape, elements=st.floats(-5, 5, width=32))
)
weights = st.integers(3, 12).flatmap(
    lambda n: hnp.arrays(np.float64, (2, n), elements=st.floats(0.001, 1))
)
seeds = st.integers(0, 2**32 - 1)


def lpbs(a, a_prior, b, b_prior):
    """Kurita's score of each cell, as a difference of two associations."""
    return association(a, a_prior) - association(b, b_prior)


def shares(rows):
    return rows / rows.sum(axis=1, keepdims=True)


def rng():
    return np.random.default_rng(1)


def closed(scores, group):
    """A group's mean log share of the first pole."""
    return float(closed_log_share(scores, PLUS, [*PLUS, *MINUS])[:, group].mean())


@modest
@given(cubes, weights)
def test_i1_identical_groups_differ_in_nothing(scores, rows):
    one = shares(rows)[0]
    first = ranking(one, 5)
    assert jsd(one, one) == total_variation(one, one) == hellinger(one, one) == 0.0
    for overlap in (
        top_overlap(first, first, 5),
        jaccard(first, first, 5),
        rank_overlap(first, first),
    ):
        assert overlap == pytest.approx(1.0)
    assert aitchison_distance(target_differences(scores, A, A)) == 0.0
    assert impact_ratio([closed(scores, A)] * 2) == 1.0
    cell = scores[:, 0]
    assert not lpbs(cell, cell - 1, cell, cell - 1).any()
    assert cbs(np.stack([cell, cell], axis=-1)).value == 0.0
    y = cell_response(scores, PLUS, MINUS)
    same = np.concatenate([y[:, A], y[:, A]], axis=1)
    assert sign_flip(same[:, A].mean(axis=1) - same[:, B].mean(axis=1), rng()).p == 1.0
    assert pair_flip(same[:, A] - same[:, B], rng()).p == 1.0
    assert label_exchange(same[:, [0, 2]], [0], [1], rng()).p == 1.0
    contrast = two_groups(same, A, B, scope="concept")
    assert (contrast.estimate, contrast.p_value()) == (0.0, 1.0)
    assert decided_side(contrast, 0.223) in (None, 0)


@modest
@given(cubes, weights, tables)
def test_i2_swapping_groups_turns_signs_and_leaves_sizes(scores, rows, y):
    p, q = shares(rows)
    for distance in (jsd, total_variation, hellinger):
        assert distance(p, q) == pytest.approx(distance(q, p), abs=1e-12)
    one, other = ranking(p, 4), ranking(q, 4)
    depth = min(4, p.size)
    assert top_overlap(one, other, depth) == top_overlap(other, one, depth)
    assert jaccard(one, other, depth) == jaccard(other, one, depth)
    assert rank_overlap(one, other) == pytest.approx(rank_overlap(other, one))
    levels = [closed(scores, A), closed(scores, B)]
    assert impact_ratio(levels) == impact_ratio(levels[::-1])
    cell, over = scores[:, 0], scores[:, 1]
    one_prior, other_prior = np.full_like(cell, -1), np.full_like(cell, -2)
    there = lpbs(cell, one_prior, over, other_prior)
    back = lpbs(over, other_prior, cell, one_prior)
    assert there == pytest.approx(-back)
    pair = np.stack([cell, over], axis=-1)
    assert cbs(pair).value == pytest.approx(cbs(pair[..., ::-1]).value)
    delta = y[:, A].mean(axis=1) - y[:, B].mean(axis=1)
    assert sign_flip(delta, rng()).p == sign_flip(-delta, rng()).p
    assert label_exchange(y, A, B, rng()).p == label_exchange(y, B, A, rng()).p
    assert cliffs_delta(y, A, B, rng(), 1).value == -cliffs_delta(y, B, A, rng(), 1).value
    assert rank_biserial(delta, rng(), 1).value == -rank_biserial(-delta, rng(), 1).value
    rates = (y + 5) / 10
    assert rate_odds(rates, A, B, 20)[0] == pytest.approx(-rate_odds(rates, B, A, 20)[0])


@modest
@given(cubes, seeds)
def test_i3_swapping_poles_negates(scores, seed):
    there, back = (mass_log_odds(scores, *poles, A, B) for poles in ((PLUS, MINUS), (MINUS, PLUS)))
    assert there == pytest.approx(-back, abs=1e-9)
    d = target_differences(scores, A, B)
    assert aitchison_distance(d) == pytest.approx(aitchison_distance(-d))
    draw = np.random.default_rng(seed)
    x, y, a, b = (draw.normal(size=(4, 3)) for _ in range(4))
    s_x, s_y = associations(x, a, b), associations(y, a, b)
    assert effect(s_x, s_y) == pytest.approx(-effect(s_y, s_x))
    assert effect(s_x, s_y) == pytest.approx(-effect(associations(x, b, a), associations(y, b, a)))


@modest
@given(cubes, weights, tables, st.lists(st.booleans(), min_size=12, max_size=12))
def test_i4_bounds(scores, rows, y, listed):
    p, q = shares(rows)
    one, other = ranking(p, 4), ranking(q, 4)
    depth = min(4, p.size)
    for value in (
        top_overlap(one, other, depth),
        jaccard(one, other, depth),
        rank_overlap(one, other),
        total_variation(p, q),
        hellinger(p, q),
        jsd(p, q),
        impact_ratio([closed(scores, A), closed(scores, B)]) or 0.0,
        *hit_rates(one, listed[: p.size], (1, depth)),
    ):
        assert 0 <= value <= 1
    assert jaccard(one, other, depth) <= top_overlap(one, other, depth)
    assert (np.abs(group_levels(scores, A)[0]) <= 1).all()
    assert -1 <= cliffs_delta(y, A, B, rng(), 1).value <= 1
    assert -1 <= rank_biserial(y[:, 0], rng(), 1).value <= 1
    assert -1 <= expected_value(p, np.where(listed[: p.size], 1.0, -1.0)) <= 1


@modest
@given(cubes, st.permutations(range(4)), seeds)
def test_i7_order_of_sentences_words_and_targets(scores, order, seed):
    draw = np.random.default_rng(seed)
    rows, cols = draw.permutation(len(scores)), draw.permutation(scores.shape[2])
    moved = scores[rows][:, order][:, :, cols]
    a, b = ([order.index(i) for i in side] for side in (A, B))
    plus, minus = ([cols.tolist().index(i) for i in side] for side in (PLUS, MINUS))
    assert mass_log_odds(moved, plus, minus, a, b) == pytest.approx(
        mass_log_odds(scores, PLUS, MINUS, A, B), abs=1e-9
    )
    assert target_differences(moved, a, b) == pytest.approx(
        target_differences(scores, A, B)[cols], abs=1e-9
    )
    y, again = (cell_response(s, *p) for s, p in ((scores, (PLUS, MINUS)), (moved, (plus, minus))))
    assert label_exchange(again, a, b, rng()).p == label_exchange(y, A, B, rng()).p


@modest
@given(cubes)
def test_i11_a_target_in_neither_pole_changes_a_share_and_no_gap(scores):
    wider = np.concatenate([scores, np.zeros_like(scores[:, :, :1])], axis=2)
    assert mass_log_odds(wider, PLUS, MINUS, A, B) == mass_log_odds(scores, PLUS, MINUS, A, B)
    every = [*PLUS, *MINUS]
    narrow = closed_log_share(wider, PLUS, every)
    wide = closed_log_share(wider, PLUS, [*every, scores.shape[2]])
    assert (wide < narrow).all()
    assert (narrow == closed_log_share(scores, PLUS, every)).all()


@modest
@given(st.permutations(range(3)), seeds)
def test_i12_names_of_groups_change_no_number(order, seed):
    draw = np.random.default_rng(seed)
    table = draw.dirichlet(np.ones(5), size=(2, 6))
    groups = [[0, 1], [2, 3], [4, 5]]
    found = [
        jsd_permutation(table, [groups[i] for i in named], rng()) for named in (range(3), order)
    ]
    assert found[0].exact
    for name in ("value", "null_mean", "null_p95", "r2", "p"):
        assert getattr(found[1], name) == pytest.approx(getattr(found[0], name), abs=1e-6), name
    log_ratios = draw.normal(size=(4, 3))
    assert cbs(log_ratios[:, order]).value == pytest.approx(cbs(log_ratios).value)
    square = draw.normal(size=(3, 3, 3))
    assert diagonal_contrast(square[:, order][:, :, order]) == pytest.approx(
        diagonal_contrast(square)
    )


@modest
@given(cubes, st.floats(-3, 3))
def test_i14_what_is_added_to_one_side_is_what_moves(scores, shift):
    square = scores[:, :3, :3]
    moved = square + shift * np.eye(3)
    assert diagonal_contrast(moved) - diagonal_contrast(square) == pytest.approx(shift, abs=1e-9)
    cell = scores[:, 0]
    before = np.full_like(cell, -1)
    change = lpbs(cell + shift, before, cell, before)
    assert change == pytest.approx(shift, abs=1e-9)


@modest
@given(st.floats(-20, -1), st.integers(2, 20))
def test_i15_a_uniform_model_ties_everywhere(value, n):
    flat = np.full((3, 4, 4), value)
    assert not lpbs(flat, flat, flat, flat).any()
    assert cbs(flat).value == 0.0
    assert not diagonal_contrast(np.full((2, 3, 3), value)).any()
    assert impact_ratio([closed(flat, A), closed(flat, B)]) == 1.0
    even = np.full(n, 1 / n)
    assert jsd(even, even) == 0.0
    pairs = preference([value] * n, [value] * n)
    assert (pairs.share.estimate, pairs.ties, pairs.gap.estimate) == (50.0, n, 0.0)


@modest
@given(
    hnp.arrays(np.float64, st.integers(2, 15), elements=st.integers(-5, 5)),
    st.floats(0, 100),
    st.integers(0, 2**32 - 1),
)
def test_i26_pairs_turn_round_and_icat_has_its_corners(more, lms, seed):
    less = np.random.default_rng(seed).integers(-5, 6, more.size).astype(float)
    there, back = preference(more, less), preference(less, more)
    assert there.share.estimate == pytest.approx(100 - back.share.estimate)
    assert there.from_neutral == pytest.approx(-back.from_neutral)
    assert there.gap.estimate == pytest.approx(-back.gap.estimate)
    assert (there.wins, there.ties) == (back.losses, back.ties)
    assert icat(lms, 50) == pytest.approx(lms)
    assert icat(lms, 0) == icat(lms, 100) == 0
    assert 0 <= icat(lms, float(there.share.estimate)) <= lms + 1e-9


@modest
@given(tables, st.floats(0.05, 1))
def test_i27_a_model_against_itself(y, margin):
    won = outcomes(y[:, 0], y[:, 1]) > 0.5
    assert mcnemar(int((won & ~won).sum()), int((~won & won).sum())) == 1.0
    change = matched_pairs(y - y, scope="concept")
    assert (change.estimate, change.p_value()) == (0.0, 1.0)
    assert decided_side(change, margin) is None
