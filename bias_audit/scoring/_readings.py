"""Turns questions about several places of a sequence into distinct readings; no tensors here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Reading:
    """One sequence that the model reads, and the places to look at."""

    ids: tuple[int, ...]
    """The pieces, special ones and masks included."""
    places: tuple[int, ...]
    """Where to look; at least one."""
    golds: tuple[dict[int, None], ...]
    """At each place, the pieces whose log-probability is asked for, in the order first asked."""

    @property
    def position(self) -> int:
        """The first place; orders readings of the same sequence."""
        return self.places[0]


@dataclass(slots=True)
class Seen:
    """What a reading was asked for, place by place."""

    log_probs: list[dict[int, float]] = field(default_factory=list)
    """Log-probability by piece."""
    ranks: list[dict[int, int]] = field(default_factory=list)
    """Rank in the vocabulary by piece, where ranks were asked for."""
    best: list[float] = field(default_factory=list)
    """Log-probability of the likeliest piece, where ranks were asked for."""
    attention: list[float] = field(default_factory=list)
    """Attention received, where it was asked for."""
    vector: list[float] = field(default_factory=list)
    """Mean state of the last layer over the places, where it was asked for."""


class ReadingTable:
    """Distinct readings in the order they were first asked for."""

    def __init__(self) -> None:
        self.readings: list[Reading] = []
        self._index: dict[tuple[tuple[int, ...], tuple[int, ...]], int] = {}

    def ask(
        self, ids: tuple[int, ...], places: Sequence[int], golds: Sequence[Sequence[int]]
    ) -> int:
        """Ask for pieces at places of one sequence; return the number of the reading."""
        key = (ids, tuple(places))
        number = self._index.get(key)
        if number is None:
            number = self._index[key] = len(self.readings)
            self.readings.append(Reading(ids, key[1], tuple({} for _ in places)))
        for known, wanted in zip(self.readings[number].golds, golds, strict=True):
            known.update(dict.fromkeys(wanted))
        return number

    def ask_masked(self, ids: tuple[int, ...], place: int, stop: int, mask_id: int) -> int:
        """Ask for the piece at ``place``, with the pieces from there to ``stop`` masked."""
        masked = ids[:place] + (mask_id,) * (stop - place) + ids[stop:]
        return self.ask(masked, (place,), ((ids[place],),))
