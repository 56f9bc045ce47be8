"""Rise of a gap: bounds on the change of its size, from cells that two models share.

The size of a gap is no linear contrast, but claims about it are. With s the direction of the
baseline's gap, x = s * candidate and b = s * baseline, "no larger than before by more than a limit"
means that both x - b (further in the same direction) and -x - b (reversed) are at most the limit.
Each is a contrast of the paired cells with its own standard error, so each has one-sided bounds.
Both have to lie below the limit: an intersection-union test, which needs no correction.

The second claim rests on the sum of two gaps, whose error is that of a single model's, twice. But
-x - b is at most b - x, so a gap that moved back by no more than the limit cannot have grown by
more than it on the other side: the first contrast, mirrored, may stand in for the second claim.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from scipy.special import stdtrit

from bias_audit.stats.estimate import Contrast, upper_tail
from bias_audit.stats.ladder import ALPHA

LEVEL = 0.95
"""Level of the one-sided bounds."""
UNSURE_LEVEL = 0.975
"""Their level where the direction is the sign of a baseline that may as well be 0: choosing the
sign by a noisy number raised wrong passes above 5 % otherwise."""
_Value = TypeVar("_Value")


class Claim(Protocol):
    """One of the two claims about a rise."""

    @property
    def estimate(self) -> float:
        """The contrast, in nats."""

    @property
    def se(self) -> float | None:
        """Its standard error, above 0; None when there is none to judge by."""

    @property
    def df(self) -> float | None:
        """Its degrees of freedom."""


def direction(baseline: Contrast) -> tuple[int, float]:
    """Return the sign of the baseline's gap, which may not grow, and the level of the bounds."""
    limits = baseline.interval(0.95)
    unsure = limits is None or limits[0] <= 0 <= limits[1]
    return (-1 if baseline.estimate < 0 else 1), (UNSURE_LEVEL if unsure else LEVEL)


def limits(bound: Claim, level: float) -> tuple[float, float] | None:
    """Return the lower and the upper one-sided bound at ``level``; None without an error."""
    if bound.se is None or bound.df is None:
        return None
    half = float(stdtrit(bound.df, level)) * bound.se
    return bound.estimate - half, bound.estimate + half


def rise_limits(bounds: Sequence[Claim], level: float) -> tuple[float, float] | None:
    """Return the one-sided bounds of the rise, further in the same direction or reversed.

    The upper one is below a limit exactly when :func:`p_not_increased` is at most 5 %; the lower
    one is above it exactly when :func:`p_increased` is. Arguments as there.
    """
    known = _all_known([limits(bound, level) for bound in bounds])
    if known is None:
        return None
    (least, most), *others = known
    high = max([most, *(min(pair[1], -least) for pair in others)])
    return max(low for low, _ in known), high


def p_not_increased(bounds: Sequence[Claim], limit: float, level: float) -> float | None:
    """Return p against a rise of ``limit`` nats or more; small when it lies below.

    ``bounds`` are the claims, ``further`` first; ``level`` is theirs: p is scaled so that 0.05
    decides at either. None when a claim has no error to judge by.

    Source: intersection-union test, Berger (1982).
    """
    known = _all_known([_tail(bound, limit - bound.estimate) for bound in bounds])
    if known is None:
        return None
    first, *others = known
    back = _tail(bounds[0], limit + bounds[0].estimate)
    worst = max([first, *(min(p, 1.0 if back is None else back) for p in others)])
    return min(1.0, worst * ALPHA / (1 - level))


def p_increased(bounds: Sequence[Claim], limit: float, level: float) -> float | None:
    """Return p against a rise of at most ``limit``; small when either claim lies above it.

    As :func:`p_not_increased`. Both claims cannot be true. Where the baseline is clearly off 0 and
    one claim is near the limit, the other is far below it, so the smaller p needs no correction;
    where it may be 0, the doubled p covers both.
    """
    known = _all_known([_tail(bound, bound.estimate - limit) for bound in bounds])
    return None if known is None else min(1.0, min(known) * ALPHA / (1 - level))


def _all_known(values: Sequence[_Value | None]) -> list[_Value] | None:
    """The values, where there are some and none is missing."""
    known = [value for value in values if value is not None]
    return known if known and len(known) == len(values) else None


def _tail(bound: Claim, distance: float) -> float | None:
    if bound.se is None or bound.df is None:
        return None
    return upper_tail(distance / bound.se, bound.df)
