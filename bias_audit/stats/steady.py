"""Does a verdict hang on one sentence, on one word, on half of the words, or on one way to make an
interval?

What is asked for here is small enough to be stored beside a result, so that the answer can be
given at any limit later.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bias_audit.stats.estimate import Contrast

Limits = tuple[float, float]
ALPHA = 0.05
"""Level of both errors of a verdict."""
KEPT = 0.5
"""Share of a gap that must be left at equal frequency and length of the words."""
DECIDES = 1 - ALPHA
"""Level of the interval that a single comparison is judged by, whatever interval is printed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Halves:
    """What either half of the words says by itself, over all halves that were tried."""

    low: float
    """Smallest estimate."""
    high: float
    """Largest estimate."""
    outside: float
    """Largest limit that the 95 % interval of a half lies outside of; 0 where all hold 0."""
    inside: float
    """Smallest limit that the 90 % interval of a half lies inside of."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Steadiness:
    """What shows whether a single unit, half of the words or the method carries a verdict."""

    without: Limits | None
    """Smallest and largest estimate without one sentence or one group word; None with too few."""
    uneven: bool
    """Sentences are skewed, or one unit outweighs the others: other methods have to agree."""
    other: Limits | None = None
    """Outermost limits of the 95 % interval by other methods; None where one gives none."""
    other90: Limits | None = None
    """Outermost limits of their 90 % intervals."""
    halves: Halves | None = None
    """What the halves of the words say; None where words are no sample, or too few."""


def side(value: float, limit: float) -> int:
    """Return on which side of the limits a value lies: -1 below, 0 between them, 1 above."""
    return int(value >= limit) - int(value <= -limit)


def confounds(raw: float, adjusted: float, where: int | None, limit: float, *, there: bool) -> bool:
    """Say whether what a gap says may be due to how frequent or how long the words are.

    A pass needs no more than that the gap also lies inside at equal properties of the words: how
    much of a small gap is left does not matter. A failure needs the gap to stay on its side, and
    half of it to be left; so does a gap that is there and not decided.

    Args:
        raw: the gap.
        adjusted: the gap at equal properties.
        where: the verdict: 0 for a pass, else the sign of the gap that fails; None without one.
        limit: largest size that is tolerated.
        there: the 95 % interval of the gap excludes 0.
    """
    if where == 0:
        return side(adjusted, limit) != 0
    if where is not None and side(adjusted, limit) != where:
        return True
    return there and adjusted / raw < KEPT


def deciding_level(p: float | None, adjusted: float) -> float:
    """Return the level of the interval that lies outside a limit just when ``adjusted`` says so.

    Args:
        p: for lying beyond the limit.
        adjusted: the same p after Holm over everything that is judged together.
    """
    return 1 - ALPHA * (p / adjusted if p and adjusted > 0 else 1.0)


def decided(
    found: Contrast, limit: float, level: float = DECIDES
) -> tuple[Limits, Limits, int] | None:
    """Return the wide and the 90 % interval, and the side of a verdict; None without a verdict.

    The side is 0 for a pass, else the sign of the gap.
    """
    wide, narrow = found.interval(level), found.interval(0.9)
    if wide is None or narrow is None:
        return None
    if -limit < narrow[0] and narrow[1] < limit:
        return wide, narrow, 0
    if wide[0] > limit or wide[1] < -limit:
        return wide, narrow, 1 if wide[0] > limit else -1
    return None


def unsteady(found: Contrast, steady: Steadiness, limit: float, level: float = DECIDES) -> bool:
    """Say whether a decided verdict changes without one unit, on half of the words, or by method.

    Args:
        found: the number that is judged.
        steady: what is known about units, halves and methods.
        limit: largest size that is tolerated, above 0.
        level: of the interval that has to lie outside of the limit for a failure.

    Returns:
        False where neither interval decides.
    """
    verdict = decided(found, limit, level)
    if verdict is None:
        return False
    wide, narrow, where = verdict
    if steady.halves is not None and contradicted(steady.halves, where, limit):
        return True
    if steady.other is not None and (usual := found.interval(DECIDES)) is not None:
        factor = (wide[1] - wide[0]) / (usual[1] - usual[0])
        steady = replace(steady, other=_stretched(steady.other, found.estimate, factor))
    return hangs_on_one(found.estimate, wide, narrow, steady, limit)


def contradicted(halves: Halves, where: int, limit: float) -> bool:
    """Say whether a half of the words, judged by itself, says the contrary of a verdict.

    A pass is contradicted by a half that fails; a failure by a half that passes, or whose gap
    points the other way. A half that cannot decide contradicts nothing: it has half of the words.

    Args:
        halves: what the halves say.
        where: the verdict: 0 for a pass, else the sign of the gap that fails.
        limit: largest size that is tolerated.
    """
    if where == 0:
        return halves.outside > limit
    turned = halves.low <= 0 if where > 0 else halves.high >= 0
    return turned or halves.inside < limit


def _stretched(limits: Limits, estimate: float, factor: float) -> Limits:
    """Limits at another level, by the ratio of the widths of the primary interval."""
    low, high = (estimate + factor * (limit - estimate) for limit in limits)
    return min(low, limits[0]), max(high, limits[1])


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
