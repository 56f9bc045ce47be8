"""A ladder of bounds: a gap is at least x and at most y times, at nested limits fixed beforehand.

The claims at several rungs need no correction: if a gap is shown to exceed a high rung, it exceeds
all lower ones too, so that a wrong claim at one of them is a wrong claim at a single one.
"""

from __future__ import annotations

import math

from bias_audit.stats.estimate import Contrast

RUNGS = (1.25, 1.5, 2.0, 3.0, 5.0, 10.0)
"""Ratios that gaps are bounded by; their logarithms in nats."""
ALPHA = 0.05
"""Level of everything that is claimed: bounds, outcomes, gates, changes."""


def at_least(contrast: Contrast) -> float | None:
    """Return the largest rung that the size of a gap is shown to exceed; None where none is.

    By :meth:`~bias_audit.stats.estimate.Contrast.p_beyond`, so that a gap on either side counts.
    """
    beyond = (rung for rung in reversed(RUNGS) if _holds(contrast.p_beyond(math.log(rung))))
    return next(beyond, None)


def at_most(contrast: Contrast) -> float | None:
    """Return the smallest rung that the 90 % interval of a gap lies inside of; None where none."""
    inside = (rung for rung in RUNGS if _holds(contrast.p_inside(math.log(rung))))
    return next(inside, None)


def _holds(p: float | None) -> bool:
    return p is not None and p <= ALPHA
