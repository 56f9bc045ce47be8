"""Verdicts that depend on one unit or one method, by hand-made bounds."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from bias_audit.stats.contrast import matched_pairs
from bias_audit.stats.fragility import (
    StabilityBounds,
    decided_side,
    deciding_level,
    depends_on_one_unit,
    half_contradicts,
    is_confounded,
    is_fragile,
)
from bias_audit.stats.multiplicity import holm

LIMIT = 0.5


def contrast(mean, spread=0.3, size=12):
    values = np.linspace(-1, 1, size)
    return matched_pairs((mean + spread * values)[:, None], scope="terms")


def depends(estimate, half, **bounds):
    """A 95 % interval of ``half`` on each side; the 90 % one has about four fifths of it."""
    se = half / stats.t.ppf(0.975, 20)
    one = replace(contrast(0.0), estimate=estimate, se=se, df=20.0)
    return depends_on_one_unit(one, StabilityBounds(**bounds), LIMIT)


@pytest.mark.parametrize(
    ("estimate", "half", "without", "expected"),
    [
        (0.2, 0.1, (0.15, 0.25), False),
        (0.2, 0.1, (0.15, 0.43), True),  # narrow ends at 0.283; a step of 0.23 takes it to 0.51
        (0.2, 0.1, (0.15, 0.41), False),
        (-0.2, 0.1, (-0.43, -0.15), True),
        (0.2, 0.1, (-0.43, 0.2), True),  # through the other side
        (0.2, 0.1, (-0.41, 0.2), False),
        (0.8, 0.2, (0.75, 0.85), False),
        (0.8, 0.2, (0.69, 0.85), True),
        (-0.8, 0.2, (-0.85, -0.69), True),
        (-0.8, 0.2, (-0.95, -0.75), False),
        (0.5, 0.2, (0.0, 1.0), False),  # nothing was decided
        (0.2, 0.1, (0.25, 0.30), False),  # every step goes one way
    ],
)
def test_one_unit_less(estimate, half, without, expected):
    low, high = without
    assert depends(estimate, half, loo_low=low, loo_high=high) is expected
    one = {"loo_low": low, "loo_high": high}
    assert depends(estimate, half, alt_ci_low=0.0, **one) is expected, "even sentences"


@pytest.mark.parametrize(
    ("estimate", "half", "other", "other90", "expected"),
    [
        (0.2, 0.1, (0.0, 0.6), (0.1, 0.4), False),  # only the 90 % interval decides a pass
        (0.2, 0.1, (0.1, 0.3), (0.1, 0.5), True),
        (0.2, 0.1, (0.1, 0.3), (None, None), True),
        (0.8, 0.2, (0.55, 0.9), (0.1, 0.9), False),
        (0.8, 0.2, (0.45, 0.9), (0.6, 0.9), True),
        (0.8, 0.2, (None, None), (0.6, 0.9), True),
        (-0.8, 0.2, (-0.9, -0.45), (-0.9, -0.6), True),
        (-0.8, 0.2, (-0.9, -0.55), (-0.9, -0.6), False),
    ],
)
def test_other_methods_have_to_agree_where_sentences_are_skewed(
    estimate, half, other, other90, expected
):
    names = ("alt_ci_low", "alt_ci_high", "alt_ci90_low", "alt_ci90_high")
    bounds = dict(zip(names, (*other, *other90), strict=True))
    assert depends(estimate, half, skewed=True, **bounds) is expected
    assert depends(estimate, half, skewed=False, **bounds) is False


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


def test_the_deciding_interval_lies_outside_just_when_holm_says_so():
    contrasts = [contrast(0.5 + 0.02 * i) for i in range(12)]
    raw = [one.p_beyond(LIMIT) for one in contrasts]
    states = set()
    for one, p, after in zip(contrasts, raw, holm(np.array(raw)), strict=True):
        low = one.interval(deciding_level(p, float(after)))[0]
        assert (low > LIMIT) is bool(after <= 0.05)
        states.add(low > LIMIT)
    assert states == {True, False}


def test_a_failure_is_checked_at_the_level_that_it_was_decided_by():
    """A failure that just holds after Holm hangs on one sentence; its 95 % interval does not."""
    one = contrast(0.75)
    low = one.interval(0.95)[0]
    level = 1 - 1.01 * one.p_beyond(LIMIT)
    assert one.interval(level)[0] > LIMIT
    near = LIMIT + 0.01
    for bounds in (
        StabilityBounds(loo_low=one.estimate - 0.9 * (low - LIMIT), loo_high=0.8),
        # other methods: wider by as much as the primary interval
        StabilityBounds(
            skewed=True, alt_ci_low=near, alt_ci_high=1.0, alt_ci90_low=near, alt_ci90_high=1.0
        ),
    ):
        assert not is_fragile(one, bounds, LIMIT)
        assert is_fragile(one, bounds, LIMIT, level)


def test_nothing_is_fragile_where_holm_leaves_nothing_decided():
    one = contrast(0.65)
    bounds = StabilityBounds(loo_low=0.0, loo_high=2.0)
    assert is_fragile(one, bounds, LIMIT)
    level = 1 - 0.99 * one.p_beyond(LIMIT)
    assert decided_side(one, LIMIT, level) is None
    assert not is_fragile(one, bounds, LIMIT, level)


def test_a_verdict_that_half_of_the_words_contradict_is_fragile():
    agree = StabilityBounds(
        split_half_low=0.3,
        split_half_high=1.2,
        split_half_fail_limit=0.4,
        split_half_pass_limit=0.9,
    )
    assert not is_fragile(contrast(0.75), agree, LIMIT)
    assert is_fragile(contrast(0.75), replace(agree, split_half_low=-0.1), LIMIT)


def test_bounds_are_read_from_the_fields_of_a_record():
    bounds = StabilityBounds(loo_low=0.1, skewed=True, split_half_pass_limit=0.7)
    names = StabilityBounds.__dataclass_fields__
    record = SimpleNamespace(**{name: getattr(bounds, name) for name in names}, estimate=1.0)
    assert StabilityBounds.of(record) == bounds


def test_a_p_too_small_to_be_written_keeps_its_share_of_the_family():
    far = replace(contrast(0.0), estimate=100.0, se=1.0, df=1e6)
    assert stats.t.sf(99.5, 1e6) == 0, "the tail cannot be written"
    p = far.p_beyond(LIMIT)
    adjusted = holm(np.array([p, 0.5, 0.9, 1.0]))
    assert deciding_level(p, float(adjusted[0])) == pytest.approx(1 - 0.05 / 4)


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
