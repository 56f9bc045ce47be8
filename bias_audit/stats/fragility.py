"""Fragility: leave-one-out, split-half and alternative-interval checks of a verdict.

The bounds that these checks need are few enough to be stored with a result, so that the question
can be answered at any limit later.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from bias_audit.stats.estimate import Contrast

Interval = tuple[float, float]
ALPHA = 0.05
"""Level of both errors of a verdict."""
LEAST_SHARE = 0.5
"""Share of a gap that must be left at equal frequency and length of the words."""
DECIDES = 1 - ALPHA
"""Level of the interval that a single comparison is judged by, whatever interval is printed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StabilityBounds:
    """What leaving units out, halves of the words and other interval methods do to an estimate.

    Results store these fields under the same names. Values are in the unit of the estimate.
    """

    loo_low: float | None = None
    """Smallest estimate without one sentence or one group word; None with too few of them."""
    loo_high: float | None = None
    """Largest such estimate."""
    skewed: bool = False
    """Sentences are skewed, or one unit outweighs the others: other methods have to agree."""
    alt_ci_low: float | None = None
    """Smallest lower limit of the 95 % interval by other methods; None where one gives none."""
    alt_ci_high: float | None = None
    """Largest upper limit."""
    alt_ci90_low: float | None = None
    """As ``alt_ci_low``, of the 90 % intervals."""
    alt_ci90_high: float | None = None
    """As ``alt_ci_high``, of the 90 % intervals."""
    split_half_low: float | None = None
    """Smallest estimate from half of the words; None where words are no sample, or too few."""
    split_half_high: float | None = None
    """Largest such estimate."""
    split_half_fail_limit: float | None = None
    """Largest limit that the 95 % interval of a half lies outside of; 0 where all hold 0."""
    split_half_pass_limit: float | None = None
    """Smallest limit that the 90 % interval of a half lies inside of; None where there is none."""

    @classmethod
    def of(cls, record: object) -> StabilityBounds:
        """Return the bounds that a record holds as fields of the same names; others are unknown."""
        known = {f.name: getattr(record, f.name) for f in fields(cls) if hasattr(record, f.name)}
        return cls(**known)


def is_confounded(
    raw: float, adjusted: float, side: int | None, limit: float, *, detected: bool
) -> bool:
    """Return whether a verdict on a gap may be due to the frequency or length of the words.

    A pass needs no more than that the gap also lies inside at equal properties of the words: how
    much of a small gap is left does not matter. A failure needs the gap to stay on its side, and
    half of it to be left; so does a gap that is detected and not decided.

    Args:
        raw: the gap.
        adjusted: the gap at equal properties.
        side: the verdict: 0 for a pass, else the sign of the gap that fails; None without one.
        limit: largest size that is tolerated.
        detected: the 95 % interval of the gap excludes 0.
    """
    adjusted_side = int(adjusted >= limit) - int(adjusted <= -limit)
    if side == 0:
        return adjusted_side != 0
    if side is not None and adjusted_side != side:
        return True
    return detected and adjusted / raw < LEAST_SHARE


def deciding_level(p: float | None, adjusted: float) -> float:
    """Return the level of the interval that lies outside a limit just when ``adjusted`` says so.

    ``p`` is that for lying beyond the limit, ``adjusted`` the same after Holm over everything that
    is judged together.
    """
    return 1 - ALPHA * (p / adjusted if p and adjusted > 0 else 1.0)


def decided_side(contrast: Contrast, limit: float, level: float = DECIDES) -> int | None:
    """Return the side of a verdict: 0 for a pass, else the sign of the gap; None without one.

    Arguments as in :func:`is_fragile`.
    """
    wide, narrow = contrast.interval(level), contrast.interval(0.9)
    if wide is None or narrow is None:
        return None
    if -limit < narrow[0] and narrow[1] < limit:
        return 0
    if wide[0] > limit or wide[1] < -limit:
        return 1 if wide[0] > limit else -1
    return None


def is_fragile(
    contrast: Contrast, bounds: StabilityBounds, limit: float, level: float = DECIDES
) -> bool:
    """Return whether a verdict changes without one unit, on half of the words, or by method.

    False where neither interval decides. ``limit`` is above 0; ``level`` is that of the interval
    that has to lie outside of it for a failure.
    """
    side = decided_side(contrast, limit, level)
    if side is None:
        return False
    return half_contradicts(bounds, side, limit) or depends_on_one_unit(
        contrast, bounds, limit, level
    )


def half_contradicts(bounds: StabilityBounds, side: int, limit: float) -> bool:
    """Return whether a half of the words, judged by itself, says the contrary of a verdict.

    A pass (``side`` 0) is contradicted by a half that fails; a failure (the sign of the gap) by a
    half that passes, or whose gap points the other way. A half that cannot decide contradicts
    nothing: it has half of the words.
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


def depends_on_one_unit(
    contrast: Contrast, bounds: StabilityBounds, limit: float, level: float = DECIDES
) -> bool:
    """Return whether a verdict changes without one unit, or under another interval method.

    The intervals keep their width when a unit is left out, so that a flip is due to its value and
    not to the loss of one row or column. Arguments and answer as in :func:`is_fragile`.
    """
    side = decided_side(contrast, limit, level)
    interval = contrast.interval(0.9 if side == 0 else level)
    if side is None or interval is None:
        return False
    estimate = contrast.estimate
    low = estimate if bounds.loo_low is None else bounds.loo_low
    high = estimate if bounds.loo_high is None else bounds.loo_high
    spans = [
        (interval[0] + min(low - estimate, 0.0), interval[1] + max(high - estimate, 0.0)),
    ]
    if bounds.skewed:
        other = _other_interval(contrast, bounds, side, level)
        if other is None:
            return True
        spans.append(other)
    if side == 0:
        return any(start <= -limit or end >= limit for start, end in spans)
    if side > 0:
        return any(start <= limit for start, _ in spans)
    return any(end >= -limit for _, end in spans)


def _other_interval(
    contrast: Contrast, bounds: StabilityBounds, side: int, level: float
) -> Interval | None:
    """Return the interval by other methods at the level that decides; None where there is none."""
    if side == 0:
        low, high = bounds.alt_ci90_low, bounds.alt_ci90_high
        return None if low is None or high is None else (low, high)
    low, high = bounds.alt_ci_low, bounds.alt_ci_high
    wide, usual = contrast.interval(level), contrast.interval(DECIDES)
    if low is None or high is None or wide is None or usual is None:
        return None
    # The other methods gave 95 % limits: stretch them as the primary interval is stretched.
    factor = (wide[1] - wide[0]) / (usual[1] - usual[0])
    ends = [contrast.estimate + factor * (end - contrast.estimate) for end in (low, high)]
    return min(ends[0], low), max(ends[1], high)
