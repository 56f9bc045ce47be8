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
from typing import Protocol

from scipy.special import stdtrit

from bias_audit.stats.estimate import Contrast, upper_tail

LEVEL = 0.95
"""Level of the one-sided bounds."""
UNSURE_LEVEL = 0.975
"""Their level where the direction is the sign of a baseline that may as well be 0: choosing the
sign by a noisy number raised wrong passes above 5 % otherwise."""
ALPHA = 0.05


class Bound(Protocol):
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


class CheckedBound(Bound, Protocol):
    """A claim with what shows whether a single unit or the method carries it."""

    @property
    def without_low(self) -> float | None:
        """Smallest estimate without one unit."""

    @property
    def without_high(self) -> float | None:
        """Largest estimate without one unit."""

    @property
    def uneven(self) -> bool:
        """Other methods have to agree."""

    @property
    def other_low(self) -> float | None:
        """Lower bound by the other methods, the smallest."""

    @property
    def other_high(self) -> float | None:
        """Upper bound by the other methods, the largest."""


def direction(baseline: Contrast, declared: int | None = None) -> tuple[int, float]:
    """Return the sign of the gap that may not grow, and the level of the bounds.

    Args:
        baseline: the baseline's gap.
        declared: +1 or -1 where the direction was fixed before anything was measured.
    """
    if declared is not None:
        return declared, LEVEL
    limits = baseline.interval(0.95)
    unsure = limits is None or limits[0] <= 0 <= limits[1]
    return (-1 if baseline.estimate < 0 else 1), (UNSURE_LEVEL if unsure else LEVEL)


def limits(bound: Bound, level: float) -> tuple[float, float] | None:
    """Return the lower and the upper one-sided bound at ``level``; None without an error."""
    if bound.se is None or bound.df is None:
        return None
    half = float(stdtrit(bound.df, level)) * bound.se
    return bound.estimate - half, bound.estimate + half


def rise_limits(bounds: Sequence[Bound], level: float) -> tuple[float, float] | None:
    """Return the one-sided bounds of the rise, further in the same direction or reversed.

    The upper one is below a limit exactly when :func:`p_not_increased` is at most 5 %; the lower
    one is above it exactly when :func:`p_increased` is.

    Args:
        bounds: the claims, ``further`` first.
        level: of each bound.
    """
    intervals = [limits(bound, level) for bound in bounds]
    known = [pair for pair in intervals if pair is not None]
    if not known or len(known) < len(intervals):
        return None
    (least, most), *others = known
    high = max([most, *(min(pair[1], -least) for pair in others)])
    return max(low for low, _ in known), high


def p_not_increased(bounds: Sequence[Bound], limit: float, level: float) -> float | None:
    """Return p against a rise of ``limit`` or more; small when it lies below.

    Args:
        bounds: the claims, ``further`` first.
        limit: largest rise that is tolerated, in nats.
        level: of the bounds; p is scaled so that 0.05 decides at either level.

    Returns:
        p, or None when a claim has no error to judge by.

    Source: intersection-union test, Berger (1982).
    """
    tails = [_tail(bound, limit - bound.estimate) for bound in bounds]
    known = [p for p in tails if p is not None]
    if not known or len(known) < len(tails):
        return None
    first, *others = known
    back = _tail(bounds[0], limit + bounds[0].estimate)
    worst = max([first, *(min(p, 1.0 if back is None else back) for p in others)])
    return min(1.0, worst * ALPHA / (1 - level))


def p_increased(bounds: Sequence[Bound], limit: float, level: float) -> float | None:
    """Return p against a rise of at most ``limit``; small when either claim lies above it.

    Arguments and answer as in :func:`p_not_increased`. Both claims cannot be true. Where the
    baseline is clearly off 0 and one claim is near the limit, the other is far below it, so the
    smaller p needs no correction; where it may be 0, the doubled p covers both.
    """
    tails = [_tail(bound, bound.estimate - limit) for bound in bounds]
    known = [p for p in tails if p is not None]
    if not known or len(known) < len(tails):
        return None
    return min(1.0, min(known) * ALPHA / (1 - level))


def depends_on_one_unit(
    bounds: Sequence[CheckedBound], limit: float, level: float, *, passes: bool
) -> bool:
    """Return whether a verdict changes without one unit, or under another interval method.

    Args:
        bounds: the claims, ``further`` first.
        limit: largest rise that is tolerated, in nats.
        level: of the bounds.
        passes: the verdict: True when the rise lies below the limit, False when it lies above.
    """
    intervals = [(bound, limits(bound, level)) for bound in bounds]
    known = [(bound, pair) for bound, pair in intervals if pair is not None]
    if not known or len(known) < len(intervals):
        return True
    if not passes:
        return not any(_least(bound, low) > limit for bound, (low, _) in known)
    (first, (low, high)), *others = known
    back = -_least(first, low)
    tops = [_most(first, high), *(min(_most(bound, top), back) for bound, (_, top) in others)]
    return max(tops) >= limit


def _most(bound: CheckedBound, high: float) -> float:
    """The largest upper bound of all checks; infinite where a method that is needed gives none."""
    step = 0.0 if bound.without_high is None else bound.without_high - bound.estimate
    other = float("inf") if bound.other_high is None else bound.other_high
    return max(high, high + step, other) if bound.uneven else max(high, high + step)


def _least(bound: CheckedBound, low: float) -> float:
    """The smallest lower bound of all checks."""
    step = 0.0 if bound.without_low is None else bound.without_low - bound.estimate
    other = float("-inf") if bound.other_low is None else bound.other_low
    return min(low, low + step, other) if bound.uneven else min(low, low + step)


def _tail(bound: Bound, distance: float) -> float | None:
    if bound.se is None or bound.df is None:
        return None
    return upper_tail(distance / bound.se, bound.df)
