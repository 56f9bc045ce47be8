"""Divergences against scipy, printed examples and their inequalities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats
from scipy.spatial.distance import jensenshannon

from bias_audit.metrics.completion_overlap import hellinger, pulls, total_variation
from bias_audit.metrics.divergence import (
    decompose,
    generalised_jsd,
    jsd,
)

modest = settings(deadline=None, max_examples=80)


def rows(count, words=(2, 12)):
    """Distributions, zeros and near-zeros included."""
    shape = st.tuples(count, st.integers(*words))
    weights = st.one_of(st.just(0.0), st.floats(1e-9, 1))
    return shape.flatmap(lambda s: hnp.arrays(np.float64, s, elements=weights)).map(
        lambda w: (
            (w + (w.sum(1, keepdims=True) == 0))
            / (w + (w.sum(1, keepdims=True) == 0)).sum(1)[:, None]
        )
    )


pairs, triples = rows(st.just(2)), rows(st.just(3))


@modest
@given(pairs)
def test_against_scipy(p):
    assert jsd(*p) == pytest.approx(np.nan_to_num(jensenshannon(*p, base=2)) ** 2, abs=1e-9)


@modest
@given(rows(st.integers(2, 6)), st.integers(0, 2**32 - 1))
def test_generalised_is_mutual_information(p, seed):
    weights = np.random.default_rng(seed).dirichlet(np.ones(len(p)))
    parts = weights @ stats.entropy(p, base=2, axis=1)
    other = stats.entropy(weights @ p, base=2) - parts
    assert generalised_jsd(p, weights) == pytest.approx(other, abs=1e-9)


@modest
@given(pairs)
def test_i4_bounds_and_orderings(p):
    j, tv, h = jsd(*p), total_variation(*p), hellinger(*p)
    edge = 1e-9
    assert 0 <= j <= 1
    assert 0 <= tv <= 1
    assert 0 <= h <= 1
    assert tv**2 / (2 * np.log(2)) <= j + edge
    assert j <= tv + edge
    assert h**2 <= tv + edge
    assert tv <= np.sqrt(2) * h + edge


@modest
@given(rows(st.integers(2, 6)))
def test_i4_generalised_bound(p):
    assert 0 <= generalised_jsd(p) <= np.log2(len(p))
    assert generalised_jsd(np.eye(len(p))) == pytest.approx(np.log2(len(p)))


@modest
@given(triples)
def test_i5_triangle_inequality(p):
    for distance in (lambda *two: jsd(*two) ** 0.5, total_variation, hellinger):
        assert distance(p[0], p[2]) <= distance(p[0], p[1]) + distance(p[1], p[2]) + 1e-7


@modest
@given(rows(st.integers(4, 9)))
def test_i13_total_is_between_plus_within(p):
    groups = [range(2), range(2, len(p))]
    d = decompose(p, groups)
    assert d.total == pytest.approx(d.between + d.within, abs=1e-12)
    assert 0 <= d.r2 <= 1
    sizes = np.array([2, len(p) - 2])
    means = np.stack([p[:2].mean(0), p[2:].mean(0)])
    assert d.between == pytest.approx(generalised_jsd(means, sizes), abs=1e-12)
    assert d.total == pytest.approx(
        stats.entropy(p.mean(0), base=2) - stats.entropy(p, base=2, axis=1).mean(), abs=1e-9
    )


@modest
@given(rows(st.integers(4, 8)), st.randoms(use_true_random=False))
def test_i7_order_of_terms_and_words_changes_nothing(p, random):
    groups = [[0, 1], list(range(2, len(p)))]
    terms = random.sample(range(len(p)), len(p))
    words = random.sample(range(p.shape[1]), p.shape[1])
    moved = [[terms.index(t) for t in g] for g in groups]
    one, other = decompose(p, groups), decompose(p[terms][:, words], moved)
    assert (one.total, one.between) == pytest.approx((other.total, other.between), abs=1e-9)


def test_nearly_equal_rows_keep_their_digits():
    p = np.full(30_000, 1 / 30_000)
    q = p * (1 + 1e-5 * np.resize([1, -1], 30_000))
    assert jsd(p, q) == pytest.approx(1e-10 / 8 / np.log(2), rel=1e-3)


def test_terms_that_agree_have_no_share():
    assert decompose(np.tile([0.5, 0.5], (4, 1)), [[0, 1], [2, 3]]).r2 == 0


def test_a_weight_of_zero_leaves_a_row_out():
    assert generalised_jsd([[1, 0, 0], [0, 1, 0], [0, 0, 1]], [1, 1, 0]) == 1


def test_unusable_input_is_refused():
    with pytest.raises(ValueError, match="sum to 1"):
        jsd([0.5, 0.4], [0.5, 0.5])
    with pytest.raises(ValueError, match="negative"):
        jsd([1.5, -0.5], [0.5, 0.5])
    with pytest.raises(ValueError, match="same words"):
        jsd([1, 0], [1, 0, 0])
    with pytest.raises(ValueError, match="weights"):
        generalised_jsd([[1, 0], [0, 1]], [1, -1])
    with pytest.raises(ValueError, match="weights"):
        generalised_jsd([[1, 0], [0, 1]], [1])
    with pytest.raises(ValueError, match="share terms"):
        decompose(np.eye(4), [[0, 1], [1, 2]])
    with pytest.raises(ValueError, match="two groups"):
        decompose(np.eye(4), [[0, 1]])


@modest
@given(rows(st.integers(2, 5)))
def test_the_pulls_of_the_words_are_the_divergence(p):
    parts = pulls(p)
    assert parts.shape == (p.shape[1],)
    assert (parts >= 0).all()
    assert parts.sum() == pytest.approx(generalised_jsd(p), abs=1e-9)
