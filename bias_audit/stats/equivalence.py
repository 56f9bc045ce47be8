"""Judging a difference against a margin, with three answers instead of two."""

from __future__ import annotations

from typing import Literal

from bias_audit.stats.estimate import Contrast

Outcome = Literal["pass", "fail", "unclear"]


def outcome(
    contrast: Contrast,
    margin: float,
    *,
    p_beyond_adjusted: float | None,
    alpha: float = 0.05,
) -> Outcome:
    """Return whether a difference lies inside the margin, outside it, or neither can be shown.

    No difference without variance stays unclear: an untrained model cannot tell groups apart.

    Args:
        contrast: the measured difference.
        margin: largest difference that is tolerated, in the contrast's unit, above 0.
        p_beyond_adjusted: ``contrast.p_beyond(margin)`` after Holm over all gated cells, so that
            one lucky draw among many cells fails no build; None when there is none.
        alpha: level of both errors.

    Returns:
        ``pass`` when the 1 - 2 alpha interval lies inside (-margin, margin); ``fail`` when
        ``p_beyond_adjusted`` is at most ``alpha``; else ``unclear``.

    Raises:
        ValueError: ``margin`` is not above 0.

    Source: two one-sided tests, Schuirmann (1987).
    """
    if not margin > 0:
        raise ValueError(f"margin must be above 0, got {margin}")
    inside = contrast.p_inside(margin)
    if inside is None:
        return "unclear"
    if inside <= alpha:
        return "pass"
    if p_beyond_adjusted is not None and p_beyond_adjusted <= alpha:
        return "fail"
    return "unclear"
