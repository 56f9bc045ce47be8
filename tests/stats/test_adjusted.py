"""Differences of groups at equal frequency and length, beside a regression with dummies."""

from __future__ import annotations

import numpy as np
import pytest

from bias_audit.stats.adjusted import adjusted


def with_dummies(groups, used):
    """The same contrast from one least-squares fit of group dummies and covariates."""
    rows = sum(values.size for _, values, _ in groups)
    design = np.zeros((rows, len(groups) + len(used)))
    values = np.concatenate([v for _, v, _ in groups])
    at = 0
    for number, (_, v, x) in enumerate(groups):
        design[at : at + v.size, number] = 1
        design[at : at + v.size, len(groups) :] = x[:, used]
        at += v.size
    fitted = np.linalg.lstsq(design, values, rcond=None)[0]
    return sum(w * c for (w, _, _), c in zip(groups, fitted[: len(groups)], strict=True))


def drawn(rng, sizes, weights, width=2):
    return [
        (w, rng.normal(size=n), rng.normal(i, 1, (n, width)))
        for i, (n, w) in enumerate(zip(sizes, weights, strict=True))
    ]


@pytest.mark.parametrize(
    ("sizes", "weights"),
    [((8, 9), (1.0, -1.0)), ((5, 6, 7), (1.0, -0.5, -0.5)), ((9,), (1.0,))],
)
def test_the_adjusted_contrast_is_that_of_a_regression_with_dummies(sizes, weights):
    groups = drawn(np.random.default_rng(1), sizes, weights)
    found = adjusted(groups)
    assert found is not None
    assert found.used == (0, 1)
    assert found.estimate == pytest.approx(with_dummies(groups, [0, 1]))
    assert found.raw == pytest.approx(sum(w * v.mean() for w, v, _ in groups))


def test_a_gap_made_by_frequency_alone_disappears():
    rng = np.random.default_rng(2)
    x = [rng.normal(mean, 1, (10, 1)) for mean in (0.0, 3.0)]
    found = adjusted([(1.0, 2 * x[0][:, 0], x[0]), (-1.0, 2 * x[1][:, 0], x[1])])
    assert found is not None
    assert abs(found.raw) > 3
    assert found.estimate == pytest.approx(0, abs=1e-9)


def test_a_gap_without_frequency_in_it_stays():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(10, 1))
    found = adjusted([(1.0, 1 + x[:, 0], x), (-1.0, x[:, 0], x)])
    assert found is not None
    assert found.estimate == pytest.approx(1)


def test_pairs_are_adjusted_by_their_differences():
    x = np.array([0.0, 1, 2, 3, 4, 5, 6, 7])
    found = adjusted([(1.0, 0.5 + 2 * x, x[:, None])])
    assert found is not None
    assert found.estimate == pytest.approx(0.5), "the gap of a pair of equal frequency"


def test_what_only_tells_the_groups_apart_is_named_and_not_used():
    rng = np.random.default_rng(4)
    groups = [
        (w, rng.normal(size=9), np.column_stack([rng.normal(size=9), np.full(9, capital)]))
        for w, capital in ((1.0, 1.0), (-1.0, 0.0))
    ]
    found = adjusted(groups)
    assert found is not None
    assert (found.used, found.inseparable) == ((0,), (1,))


def test_few_words_take_few_covariates_and_too_few_none():
    rng = np.random.default_rng(5)
    assert adjusted(drawn(rng, (4, 4), (1.0, -1.0), 3)).used == (0,)
    assert adjusted(drawn(rng, (3, 4), (1.0, -1.0), 3)) is None
    assert adjusted([(1.0, rng.normal(size=20), np.ones((20, 1)))]) is None


def test_a_covariate_that_repeats_another_is_left_out():
    rng = np.random.default_rng(6)
    x = rng.normal(size=(20, 1))
    found = adjusted(
        [(1.0, rng.normal(size=20), np.hstack([x, 2 * x + 1, rng.normal(size=(20, 1))]))]
    )
    assert found is not None
    assert found.used == (0, 2)
