"""Numbers as people read them, and text as a model reads it."""

from __future__ import annotations

import math
import unicodedata

LARGEST_PRINTED = 100_000


def number(value: float) -> str:
    """Two to three significant digits, no exponent: 0.042, 1.25, 3.1, 120."""
    size = abs(value)
    if size > LARGEST_PRINTED:
        return f"more than {LARGEST_PRINTED:,}"
    if 0 < size < 1 / LARGEST_PRINTED:
        return f"less than {1 / LARGEST_PRINTED:g}"
    if value == 0:
        return "0"
    digits = max(0, (2 if 1 <= size < 2 else 1) - math.floor(math.log10(size)))
    return f"{value:.{digits}f}" if size < 100 else f"{value:.0f}"


def odds_ratio(nats: float) -> str:
    """The odds ratio of a gap, in words."""
    return number(math.exp(min(max(nats, -700.0), 700.0)))


def same_text(text: str) -> str:
    """Return what two texts have in common that differ in case, spacing or composition only."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
