"""Arrange passages by what they share from the left, so that it is read once; no tensors here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bias_audit.backends.clm.questions import Passage


@dataclass(slots=True)
class Stretch:
    """Tokens that passages share behind those of the stretch above."""

    ids: tuple[int, ...]
    ends: list[int] = field(default_factory=list)
    """Numbers of the passages that are read with it, but for their last token."""
    below: list[Stretch] = field(default_factory=list)

    def numbers(self) -> Iterator[int]:
        """Yield the passages that go through this stretch."""
        yield from self.ends
        for stretch in self.below:
            yield from stretch.numbers()


def share(passages: Sequence[Passage]) -> list[Stretch]:
    """Arrange passages as a tree, in which no two stretches below one begin with the same token."""
    rows = sorted((_read(passage), number) for number, passage in enumerate(passages))
    return _branch(rows, 0)


def keep_apart(passages: Sequence[Passage]) -> list[Stretch]:
    """Make a stretch of every text that is read."""
    stretches: dict[tuple[int, ...], Stretch] = {}
    for number, passage in enumerate(passages):
        ids = _read(passage)
        stretches.setdefault(ids, Stretch(ids)).ends.append(number)
    return [stretches[ids] for ids in sorted(stretches)]


def _read(passage: Passage) -> tuple[int, ...]:
    """The tokens that the model has to see: nothing follows the last."""
    return passage.ids[:-1]


def _branch(rows: Sequence[tuple[tuple[int, ...], int]], depth: int) -> list[Stretch]:
    """Stretches for sorted texts that are the same up to a depth, and longer."""
    stretches = []
    first = 0
    while first < len(rows):
        ids = rows[first][0]
        stop = first + 1
        while stop < len(rows) and rows[stop][0][depth] == ids[depth]:
            stop += 1
        other = rows[stop - 1][0]
        end = depth + 1
        while end < min(len(ids), len(other)) and ids[end] == other[end]:
            end += 1
        ended = first
        while ended < stop and len(rows[ended][0]) == end:
            ended += 1
        ends = [number for _, number in rows[first:ended]]
        stretches.append(Stretch(ids[depth:end], ends, _branch(rows[ended:stop], end)))
        first = stop
    return stretches
