"""Verdicts that depend on one unit or one method, by hand-made bounds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from bias_audit.stats.contrast import matched_pairs
from bias_audit.stats.fragility import (
    StabilityBounds,
    decided_side,
    depends_on_one_unit,
    half_contradicts,
    is_confounded,
    is_fragile,
)

LIMIT = 0.5


def contrast(mean, spread=0.3, size=12):
    values = np.linspace(-1, 1, size)
    return matched_pairs((mean + spread * values)[:, None], scope="terms")


@pytest.mark.parametrize(
    ("side", "without", "expected"),
    [
        (0, (0.15, 0.43), False),
        (0, (0.15, 0.51), True),
        (0, (-0.51, 0.2), True),
        (1, (0.51, 0.85), False),
        (1, (0.49, 0.85), True),
        (-1, (-0.85, -0.51), False),
        (-1, (-0.85, -0.49), True),
        (1, (-0.6, 0.9), True),
    ],
)
def test_one_unit_less_is_asked_of_the_estimate(side, without, expected):
    low, high = without
    assert depends_on_one_unit(StabilityBounds(loo_low=low, loo_high=high), side, LIMIT) is expected
    assert depends_on_one_unit(StabilityBounds(), side, LIMIT) is False


@pytest.mark.parametrize(
    ("mean", "other", "expected"),
    [
        (0.0, (-0.4, 0.4), False),
        (0.0, (-0.4, 0.5), True),
        (0.0, None, True),
        (0.8, (0.51, 0.9), False),
        (0.8, (0.49, 0.9), True),
        (-0.8, (-0.9, -0.51), False),
        (0.5, (0.0, 9.0), False),  # nothing is shown
    ],
)
def test_other_methods_have_to_agree_where_sentences_are_skewed(mean, other, expected):
    one = contrast(mean)
    assert is_fragile(one, StabilityBounds(skewed=True, other=other), LIMIT) is expected
    assert is_fragile(one, StabilityBounds(other=other), LIMIT) is False


def test_what_is_shown_is_what_both_one_sided_tests_say():
    for mean in np.linspace(-1, 1, 41):
        one = contrast(float(mean))
        t = np.array([mean - LIMIT, mean + LIMIT]) / one.se
        small = stats.t.cdf(t[0], one.df) < 0.05 and stats.t.sf(t[1], one.df) < 0.05
        large = stats.t.sf(t[0], one.df) < 0.05 or stats.t.cdf(t[1], one.df) < 0.05
        expected = 0 if small else np.sign(mean) if large else None
        assert decided_side(one, LIMIT) == expected


@pytest.mark.parametrize(
    ("side", "given", "expected"),
    [
        (0, {"split_half_fail_limit": 0.51}, True),  # half say outside
        (0, {"split_half_fail_limit": 0.49}, False),
        (
            0,
            {"split_half_low": -3.0, "split_half_high": 3.0},
            False,
        ),  # far, and too unsure
        (1, {"split_half_low": 0.01}, False),
        (1, {"split_half_low": -0.01}, True),  # half of the words point the other way
        (-1, {"split_half_high": -0.01}, False),
        (-1, {"split_half_high": 0.01}, True),
        (1, {"split_half_pass_limit": 0.49}, True),  # half of the words would pass
        (1, {"split_half_pass_limit": 0.51}, False),
        (1, {"split_half_pass_limit": None}, False),
        (1, {"split_half_low": None}, False),  # no halves
    ],
)
def test_a_half_contradicts_by_its_own_verdict_or_direction(side, given, expected):
    low, high = (0.4, 0.6) if side > 0 else (-0.6, -0.4)
    near = {
        "split_half_low": low,
        "split_half_high": high,
        "split_half_fail_limit": 0.0,
        "split_half_pass_limit": 9.0,
    }
    assert half_contradicts(StabilityBounds(**(near | given)), side, LIMIT) is expected


def test_a_verdict_that_half_of_the_words_contradict_is_fragile():
    agree = StabilityBounds(
        split_half_low=0.3,
        split_half_high=1.2,
        split_half_fail_limit=0.4,
        split_half_pass_limit=0.9,
    )
    assert not is_fragile(contrast(0.75), agree, LIMIT)
    assert is_fragile(contrast(0.75), replace(agree, split_half_low=-0.1), LIMIT)


@pytest.mark.parametrize(
    ("raw", "adjusted", "side", "detected", "expected"),
    [
        (0.3, 0.1, 0, True, False),  # a small gap of which little is left
        (0.3, -0.4, 0, True, False),
        (0.3, 0.6, 0, False, True),
        (0.3, -0.6, 0, False, True),
        (0.9, 0.46, 1, True, True),
        (0.9, 0.6, 1, True, False),
        (1.5, 0.6, 1, True, True),
        (-0.9, -0.6, -1, True, False),
        (-0.9, 0.6, -1, True, True),
        (0.6, 0.2, None, True, True),
        (0.6, 0.4, None, True, False),
        (0.6, 0.2, None, False, False),
    ],
)
def test_what_frequency_may_explain(raw, adjusted, side, detected, expected):
    assert is_confounded(raw, adjusted, side, LIMIT, detected=detected) is expected
