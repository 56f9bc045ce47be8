"""Turns questions into distinct rows for the model, and rows into batches; no tensors here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol


class Sized(Protocol):
    """What a batch plan needs to know about a sequence."""

    @property
    def ids(self) -> tuple[int, ...]:
        """The pieces."""
        ...

    @property
    def position(self) -> int:
        """Orders questions about the same pieces."""
        ...


@dataclass(slots=True)
class Row:
    """One sequence with one place to look at; every question about that place shares it."""

    ids: tuple[int, ...]
    """The pieces, special ones and masks included."""
    position: int
    """Index of the mask to look at."""
    golds: dict[int, bool] = field(default_factory=dict)
    """Pieces whose log-probability is asked for; True where the rank is asked for too."""
    open: bool = False
    """Whether the whole distribution is asked for."""


class RowTable:
    """Distinct rows in the order they were first asked for."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._index: dict[tuple[int, tuple[int, ...]], int] = {}

    def add(self, ids: tuple[int, ...], position: int) -> int:
        """Return the number of the row, new or known."""
        key = (position, ids)
        number = self._index.get(key)
        if number is None:
            number = self._index[key] = len(self.rows)
            self.rows.append(Row(ids, position))
        return number

    def ask_piece(
        self, ids: tuple[int, ...], position: int, gold: int, *, rank: bool = False
    ) -> int:
        """Ask for the log-probability of one piece; return the number of the row."""
        number = self.add(ids, position)
        golds = self.rows[number].golds
        golds[gold] = rank or golds.get(gold, False)
        return number

    def ask_word(
        self, ids: tuple[int, ...], start: int, stop: int, mask_id: int
    ) -> list[tuple[int, int]]:
        """Ask for ``ids[start:stop]`` piece by piece, left to right.

        Later pieces of the word stay masked while an earlier one is scored, so that they cannot
        give it away. Returns one (row, piece) pair per piece.
        """
        asked = []
        for place in range(start, stop):
            masked = ids[:place] + (mask_id,) * (stop - place) + ids[stop:]
            gold = ids[place]
            number = self.ask_piece(masked, place, gold, rank=stop - start == 1)
            asked.append((number, gold))
        return asked

    def ask_open(self, ids: tuple[int, ...], position: int) -> int:
        """Ask for the whole distribution; return the number of the row."""
        number = self.add(ids, position)
        self.rows[number].open = True
        return number


def plan(
    rows: Sequence[Sized], *, max_rows: int, max_tokens: int, overhead: int
) -> list[list[int]]:
    """Group row numbers into batches, longest first.

    Rows are ordered by length and then by content, so the batches do not depend on the order of
    the questions. ``overhead`` is the fixed cost of one pass, in tokens: rows of a shorter length
    join a longer bucket, padded, only while the padding costs less than a pass of their own.
    """
    order = sorted(
        range(len(rows)), key=lambda n: (-len(rows[n].ids), rows[n].ids, rows[n].position)
    )
    batches: list[list[int]] = []
    for bucket in _buckets(order, rows, overhead):
        longest = len(rows[bucket[0]].ids)
        limit = max(1, min(max_rows, max_tokens // longest))
        pieces = -(-len(bucket) // limit)
        batches += [list(part) for part in _even(bucket, pieces)]
    return batches


def _buckets(order: Iterable[int], rows: Sequence[Sized], overhead: int) -> list[list[int]]:
    """Merge neighbouring lengths while padding is cheaper than another pass."""
    groups: dict[int, list[int]] = {}
    for number in order:
        groups.setdefault(len(rows[number].ids), []).append(number)
    buckets: list[list[int]] = []
    longest = spent = 0
    for length, members in groups.items():
        padding = (longest - length) * len(members)
        if buckets and spent + padding <= overhead:
            buckets[-1] += members
            spent += padding
        else:
            buckets.append(list(members))
            longest, spent = length, 0
    return buckets


def _even(bucket: Sequence[int], pieces: int) -> Iterable[Sequence[int]]:
    """Cut into parts whose sizes differ by one at most, so that no tiny batch is left over."""
    size, extra = divmod(len(bucket), pieces)
    start = 0
    for part in range(pieces):
        stop = start + size + (part < extra)
        yield bucket[start:stop]
        start = stop
