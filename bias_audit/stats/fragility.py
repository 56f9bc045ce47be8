"""Fragility: which answers change without one unit, on half of the words or by another method.

None of this forbids an answer. What changes is said beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

from bias_audit.stats.estimate import Contrast

Interval = tuple[float, float]
LEAST_SHARE = 0.5
"""Share of a gap that must be left at equal frequency and length of the words."""
LEVEL = 0.9
"""Level of the interval whose ends are one-sided bounds at 5 %."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StabilityBounds:
    """What leaving units out, halves of the words and other interval methods do to an estimate.

    Values are in the unit of the estimate.
    """

    loo_low: float | None = None
    """Smallest estimate without one sentence or one group word; None with too few of them."""
    loo_high: float | None = None
    """Largest such estimate."""
    skewed: bool = False
    """Sentences are skewed, or one unit outweighs the others: other methods have to agree."""
    other: Interval | None = None
    """Outermost ends of the 90 % intervals by other methods; None where one gives none."""
    split_half_low: float | None = None
    """Smallest estimate from half of the words; None where words are no sample, or too few."""
    split_half_high: float | None = None
    """Largest such estimate."""
    split_half_fail_limit: float | None = None
    """Largest limit that the 90 % interval of a half lies outside of; 0 where all hold 0."""
    split_half_pass_limit: float | None = None
    """Smallest limit that the 90 % interval of a half lies inside of; None where there is none."""


def is_confounded(
    raw: float, adjusted: float, side: int | None, limit: float, *, detected: bool
) -> bool:
    """Return whether a gap may be due to the frequency or length of the words.

    One that is shown to be small needs no more than to lie inside at equal properties of the words
    too: how much of it is left does not matter. One that is shown to be large has to stay on its
    side, and half of it has to be left; so has a gap that is detected and not decided.

    Args:
        raw: the gap.
        adjusted: the gap at equal properties.
        side: what is shown: 0 for small, else the sign of the large gap; None for neither.
        limit: largest size that is tolerated.
        detected: the 95 % interval of the gap excludes 0.
    """
    adjusted_side = int(adjusted >= limit) - int(adjusted <= -limit)
    if side == 0:
        return adjusted_side != 0
    if side is not None and adjusted_side != side:
        return True
    return detected and adjusted / raw < LEAST_SHARE


def decided_side(contrast: Contrast, limit: float) -> int | None:
    """Return what is shown of a gap: 0 for inside the limit, else its sign; None for neither."""
    ends = contrast.interval(LEVEL)
    return None if ends is None else _side(ends, limit)


def _side(ends: Interval, limit: float) -> int | None:
    if -limit < ends[0] and ends[1] < limit:
        return 0
    return int(ends[0] > limit) - int(ends[1] < -limit) or None


def is_fragile(contrast: Contrast, bounds: StabilityBounds, limit: float) -> bool:
    """Return whether what is shown changes without one unit, on half of the words, or by method.

    False where nothing is shown. ``limit`` is above 0.
    """
    side = decided_side(contrast, limit)
    if side is None:
        return False
    if half_contradicts(bounds, side, limit) or depends_on_one_unit(bounds, side, limit):
        return True
    return bounds.skewed and (bounds.other is None or _side(bounds.other, limit) != side)


def half_contradicts(bounds: StabilityBounds, side: int, limit: float) -> bool:
    """Return whether a half of the words, judged by itself, shows the contrary.

    Something small (``side`` 0) is contradicted by a half that is large; something large (the sign
    of the gap) by a half that is small, or whose gap points the other way. A half that shows
    neither contradicts nothing: it has half of the words.
    """
    low, high, outside = bounds.split_half_low, bounds.split_half_high, bounds.split_half_fail_limit
    if low is None or high is None or outside is None:
        return False
    if side == 0:
        return outside > limit
    reversed_half = low <= 0 if side > 0 else high >= 0
    return reversed_half or (
        bounds.split_half_pass_limit is not None and bounds.split_half_pass_limit < limit
    )


def depends_on_one_unit(bounds: StabilityBounds, side: int, limit: float) -> bool:
    """Return whether the estimate lies on another side without one sentence or one word."""
    known = [value for value in (bounds.loo_low, bounds.loo_high) if value is not None]
    return any(int(value > limit) - int(value < -limit) != side for value in known)
