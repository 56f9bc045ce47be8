"""Verdicts that hang on one unit or one method, by hand-made limits."""

from __future__ import annotations

import pytest

from bias_audit.stats.steady import Steadiness, hangs_on_one

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
