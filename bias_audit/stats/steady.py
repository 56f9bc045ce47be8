"""Does a verdict hang on one sentence, on one word, or on one way to make an interval?

What is asked for here is small enough to be stored beside a result, so that the answer can be
given at any limit later.
"""

from __future__ import annotations

from dataclasses import dataclass

Limits = tuple[float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Steadiness:
    """What shows whether a single unit or the method carries a verdict."""

    without: Limits | None
    """Smallest and largest estimate without one sentence or one group word; None with too few."""
    uneven: bool
    """Sentences are skewed, or one unit outweighs the others: other methods have to agree."""
    other: Limits | None = None
    """Outermost limits of the wide interval by other methods; None where one gives none."""
    other90: Limits | None = None
    """Outermost limits of their 90 % intervals."""


def side(value: float, limit: float) -> int:
    """Return on which side of the limits a value lies: -1 below, 0 between them, 1 above."""
    return int(value >= limit) - int(value <= -limit)


def hangs_on_one(
    estimate: float, wide: Limits, narrow: Limits, steady: Steadiness, limit: float
) -> bool:
    """Say whether a decided verdict changes without one unit, or under another method.

    The intervals keep their width when a unit is left out, so that a flip is due to its value and
    not to the loss of one row or column.

    Args:
        estimate: the number that is judged.
        wide: the interval that has to lie outside of the limit for a failure.
        narrow: its 90 % interval, which has to lie inside for a pass.
        steady: what is known about units and methods.
        limit: largest size that is tolerated, above 0.

    Returns:
        False where neither interval decides.
    """
    inside = -limit < narrow[0] and narrow[1] < limit
    above, below = wide[0] > limit, wide[1] < -limit
    if not (inside or above or below):
        return False
    low, high = steady.without or (estimate, estimate)
    down, up = min(low - estimate, 0.0), max(high - estimate, 0.0)
    spans = [(narrow if inside else wide, down, up)]
    if steady.uneven:
        other = steady.other90 if inside else steady.other
        if other is None:
            return True
        spans.append((other, 0.0, 0.0))
    if inside:
        return any(
            span[0] + less <= -limit or span[1] + more >= limit for span, less, more in spans
        )
    if above:
        return any(span[0] + less <= limit for span, less, _ in spans)
    return any(span[1] + more >= -limit for span, _, more in spans)
