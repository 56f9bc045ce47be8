"""Judging a difference against a margin, with three answers instead of two."""

from __future__ import annotations

from typing import Literal

from bias_audit.stats.estimate import Contrast

Outcome = Literal["pass", "fail", "unclear"]
ALPHA = 0.05
"""Level of both errors."""


def outcome(contrast: Contrast, margin: float, *, p_beyond_adjusted: float | None) -> Outcome:
    """Return whether a difference lies inside the margin, outside it, or neither can be shown.

    ``pass`` when the 90 % interval lies inside (-margin, margin); ``fail`` when
    ``p_beyond_adjusted`` is at most 0.05: ``contrast.p_beyond(margin)`` after Holm over all gated
    cells, so that one lucky draw among many fails no build. A difference without variance stays
    ``unclear``: an untrained model cannot tell groups apart.

    Source: two one-sided tests, Schuirmann (1987).
    """
    if not margin > 0:
        raise ValueError(f"margin must be above 0, got {margin}")
    inside = contrast.p_inside(margin)
    if inside is None:
        return "unclear"
    if inside <= ALPHA:
        return "pass"
    if p_beyond_adjusted is not None and p_beyond_adjusted <= ALPHA:
        return "fail"
    return "unclear"
