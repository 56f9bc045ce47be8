"""A ladder of bounds: a gap is at least x and at most y times, at nested limits fixed beforehand.

The claims at several rungs need no correction: if a gap is shown to exceed a high rung, it exceeds
all lower ones too, so that a wrong claim at one of them is a wrong claim at a single one.
"""

from __future__ import annotations

from bias_audit.stats.estimate import Contrast
from bias_audit.utils.scales import NATS, Scale

ALPHA = 0.05
"""Level of everything that is claimed: bounds, outcomes, gates, changes."""


def at_least(contrast: Contrast, scale: Scale = NATS) -> float | None:
    """Return the largest rung that the size of a gap is shown to exceed; None where none is.

    By :meth:`~bias_audit.stats.estimate.Contrast.p_beyond`, so that a gap on either side counts.
    """
    beyond = (r for r in reversed(scale.rungs) if _holds(contrast.p_beyond(scale.value(r))))
    return next(beyond, None)


def at_most(contrast: Contrast, scale: Scale = NATS) -> float | None:
    """Return the smallest rung that the 90 % interval of a gap lies inside of; None where none."""
    inside = (r for r in scale.rungs if _holds(contrast.p_inside(scale.value(r))))
    return next(inside, None)


def _holds(p: float | None) -> bool:
    return p is not None and p <= ALPHA
