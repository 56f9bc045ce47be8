"""Verdicts that hang on one unit or one method, by hand-made limits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from bias_audit.stats.contrast import matched_pairs
from bias_audit.stats.multiplicity import holm
from bias_audit.stats.steady import (
    Halves,
    Steadiness,
    confounds,
    contradicted,
    decided,
    deciding_level,
    hangs_on_one,
    unsteady,
)

LIMIT = 0.5


def hangs(estimate: float, half: float, **steady: object) -> bool:
    """A wide interval of ``half`` on each side; the narrow one has four fifths of it."""
    wide = (estimate - half, estimate + half)
    narrow = (estimate - 0.8 * half, estimate + 0.8 * half)
    given = {"without": None, "uneven": False} | steady
    return hangs_on_one(estimate, wide, narrow, Steadiness(**given), LIMIT)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("estimate", "half", "without", "expected"),
    [
        (0.2, 0.1, (0.15, 0.25), False),
        (0.2, 0.1, (0.15, 0.43), True),  # narrow ends at 0.28; a step of 0.23 takes it to 0.51
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
def test_one_unit_less(
    estimate: float, half: float, without: tuple[float, float], expected: bool
) -> None:
    assert hangs(estimate, half, without=without) is expected


@pytest.mark.parametrize(
    ("estimate", "half", "other", "other90", "expected"),
    [
        (0.2, 0.1, (0.0, 0.6), (0.1, 0.4), False),  # only the 90 % interval decides a pass
        (0.2, 0.1, (0.1, 0.3), (0.1, 0.5), True),
        (0.2, 0.1, (0.1, 0.3), None, True),
        (0.8, 0.2, (0.55, 0.9), (0.1, 0.9), False),
        (0.8, 0.2, (0.45, 0.9), (0.6, 0.9), True),
        (0.8, 0.2, None, (0.6, 0.9), True),
        (-0.8, 0.2, (-0.9, -0.45), (-0.9, -0.6), True),
        (-0.8, 0.2, (-0.9, -0.55), (-0.9, -0.6), False),
    ],
)
def test_other_methods_have_to_agree_where_sentences_are_uneven(
    estimate: float,
    half: float,
    other: tuple[float, float] | None,
    other90: tuple[float, float] | None,
    expected: bool,
) -> None:
    assert hangs(estimate, half, uneven=True, other=other, other90=other90) is expected
    assert hangs(estimate, half, uneven=False, other=other, other90=other90) is False


@pytest.mark.parametrize(
    ("where", "given", "expected"),
    [
        (0, {"outside": 0.51}, True),  # inside by all words, outside by half of them
        (0, {"outside": 0.49}, False),
        (0, {"low": -3.0, "high": 3.0}, False),  # far away, and too unsure to say so
        (1, {"low": 0.01}, False),
        (1, {"low": -0.01}, True),  # half of the words point the other way
        (-1, {"high": -0.01}, False),
        (-1, {"high": 0.01}, True),
        (1, {"inside": 0.49}, True),  # half of the words would pass
        (1, {"inside": 0.51}, False),
    ],
)
def test_a_half_contradicts_by_its_own_verdict_or_direction(where, given, expected) -> None:
    near = {"low": 0.4, "high": 0.6} if where > 0 else {"low": -0.6, "high": -0.4}
    found = Halves(**({"outside": 0.0, "inside": 9.0} | near | given))
    assert contradicted(found, where, LIMIT) is expected


def contrast(mean: float, spread: float = 0.3, size: int = 12):
    values = np.linspace(-1, 1, size)
    return matched_pairs((mean + spread * values)[:, None], scope="terms")


def test_the_deciding_interval_lies_outside_just_when_holm_says_so() -> None:
    found = [contrast(0.5 + 0.02 * i) for i in range(12)]
    raw = [one.p_beyond(LIMIT) for one in found]
    adjusted = holm(np.array(raw))
    states = []
    for one, p, after in zip(found, raw, adjusted, strict=True):
        low = one.interval(deciding_level(p, float(after)))[0]
        assert (low > LIMIT) is bool(after <= 0.05)
        states.append(low > LIMIT)
    assert True in states
    assert False in states


def test_a_failure_is_steady_at_the_level_that_it_was_decided_by() -> None:
    """A failure that just holds after Holm hangs on one sentence; its 95 % interval does not."""
    one = contrast(0.75)
    low = one.interval(0.95)[0]
    steady = Steadiness(without=(one.estimate - 0.9 * (low - LIMIT), 0.8), uneven=False)
    assert not unsteady(one, steady, LIMIT)
    level = 1 - 1.01 * one.p_beyond(LIMIT)
    assert one.interval(level)[0] > LIMIT
    assert unsteady(one, steady, LIMIT, level)


def test_nothing_is_fragile_where_holm_leaves_nothing_decided() -> None:
    one = contrast(0.65)
    steady = Steadiness(without=(0.0, 2.0), uneven=False)
    assert unsteady(one, steady, LIMIT)
    level = 1 - 0.99 * one.p_beyond(LIMIT)
    assert decided(one, LIMIT, level) is None
    assert not unsteady(one, steady, LIMIT, level)


def test_other_methods_are_asked_at_the_deciding_level() -> None:
    one = contrast(0.75)
    near = (LIMIT + 0.01, 1.0)
    steady = Steadiness(without=None, uneven=True, other=near, other90=near)
    assert not unsteady(one, steady, LIMIT)
    level = 1 - 1.01 * one.p_beyond(LIMIT)
    assert unsteady(one, steady, LIMIT, level), "wider by as much as the primary interval"


def test_a_verdict_that_half_of_the_words_contradict_is_unsteady() -> None:
    one = contrast(0.75)
    kept = Halves(low=0.3, high=1.2, outside=0.4, inside=0.9)
    assert not unsteady(one, Steadiness(without=None, uneven=False, halves=kept), LIMIT)
    turned = Halves(low=-0.1, high=1.6, outside=0.4, inside=0.9)
    assert unsteady(one, Steadiness(without=None, uneven=False, halves=turned), LIMIT)


def test_a_p_too_small_to_be_written_keeps_its_share_of_the_family() -> None:
    far = replace(contrast(0.0), estimate=100.0, se=1.0, df=1e6)
    assert stats.t.sf(99.5, 1e6) == 0, "the tail cannot be written"
    found = far.p_beyond(LIMIT)
    adjusted = holm(np.array([found, 0.5, 0.9, 1.0]))
    assert deciding_level(found, float(adjusted[0])) == pytest.approx(1 - 0.05 / 4)


@pytest.mark.parametrize(
    ("raw", "adjusted", "where", "there", "expected"),
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
def test_what_frequency_may_explain(raw, adjusted, where, there, expected) -> None:
    assert confounds(raw, adjusted, where, LIMIT, there=there) is expected
