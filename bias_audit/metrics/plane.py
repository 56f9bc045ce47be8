"""Warmth and competence: where a group stands in the plane of the stereotype content model."""

from __future__ import annotations

import math


def distance(warmth: float, competence: float) -> float:
    """Return the distance of a group from the mean of the others, nats: how distinct it is."""
    return math.hypot(warmth, competence)


def ambivalent(warmth: float, competence: float) -> bool:
    """Return whether a group stands off the diagonal: warmer but less able, or the reverse.

    Source: Fiske, Cuddy, Glick and Xu (2002): most stereotypes are mixed.
    """
    return warmth * competence < 0
