"""Cells of tables that hold a number which is printed on another scale than it is kept on."""

from __future__ import annotations

import math

from bias_audit.render._shapes import Cell
from bias_audit.render._text import times

_MOST = 700.0
"""Beyond it, the exponential is no number."""


def ratio(log_odds: float) -> float:
    """The odds ratio of a gap in nats, cut where it would be no number.

    >>> ratio(0.0), ratio(1e9) == ratio(2e9)
    (1.0, True)
    """
    return math.exp(max(-_MOST, min(_MOST, log_odds)))


def odds(log_odds: float) -> Cell:
    """A gap in nats as odds; the column sorts by them."""
    return Cell(text=f"{times(log_odds)} times", value=ratio(log_odds))
