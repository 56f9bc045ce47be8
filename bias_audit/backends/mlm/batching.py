"""Turn questions into distinct forward queries, and queries into batches; no tensors here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray


@dataclass(slots=True)
class ForwardQuery:
    """One sequence that the model reads, and the positions to look at."""

    ids: tuple[int, ...]
    """The tokens, special ones and masks included."""
    positions: tuple[int, ...]
    """At least one."""
    targets: tuple[dict[int, bool], ...]
    """At each position, the tokens whose log-probability is asked for, in the order first asked;
    True where the rank is asked for too."""
    lists: frozenset[int] = frozenset()
    """The word lists over which the whole distribution at the first position is asked for."""


@dataclass(slots=True)
class QueryResult:
    """What a query asked for, position by position; ``top`` and ``words`` of an open query."""

    log_probs: list[dict[int, float]] = field(default_factory=list)
    """Natural log-probability by token."""
    ranks: list[dict[int, int]] = field(default_factory=list)
    """Rank in the vocabulary by token, 1 is the top."""
    best: list[float] = field(default_factory=list)
    """Log-probability of the likeliest token."""
    attention: list[float] = field(default_factory=list)
    """Attention received."""
    vector: list[float] = field(default_factory=list)
    """Mean state of the last layer over the positions."""
    top: tuple[tuple[int, float], ...] = ()
    """The most likely tokens and their probabilities, best first."""
    words: dict[int, tuple[NDArray[np.float32], float]] = field(default_factory=dict)
    """The distribution over whole words and their probability together, by word list."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OutputOptions:
    """What all queries of one call ask for besides log-probabilities and ranks."""

    best: bool = False
    """The likeliest token's log-probability."""
    attention: bool = False
    """Attention received by the positions."""
    vectors: bool = False
    """The mean state of the last layer over the positions, and nothing else."""
    top_k: int = 0
    """How many completions open queries report."""


class QueryTable:
    """Distinct queries in the order they were first asked for."""

    def __init__(self) -> None:
        self.queries: list[ForwardQuery] = []
        self._index: dict[tuple[tuple[int, ...], tuple[int, ...]], int] = {}

    def ask(
        self,
        ids: tuple[int, ...],
        positions: Sequence[int],
        targets: Sequence[Sequence[int]],
        *,
        ranks: bool = False,
    ) -> int:
        """Ask for tokens at positions of one sequence; return the number of the query."""
        key = (ids, tuple(positions))
        number = self._index.get(key)
        if number is None:
            number = self._index[key] = len(self.queries)
            self.queries.append(ForwardQuery(*key, tuple({} for _ in positions)))
        for known, wanted in zip(self.queries[number].targets, targets, strict=True):
            for token in wanted:
                known[token] = ranks or known.get(token, False)
        return number

    def ask_masked(
        self, ids: tuple[int, ...], position: int, stop: int, mask_id: int, *, ranks: bool = False
    ) -> int:
        """Ask for the token at ``position``, with the tokens from there to ``stop`` masked."""
        masked = ids[:position] + (mask_id,) * (stop - position) + ids[stop:]
        return self.ask(masked, (position,), ((ids[position],),), ranks=ranks)

    def ask_open(self, ids: tuple[int, ...], position: int, word_list: int) -> int:
        """Ask for the distribution over the words of a list; return the number of the query."""
        number = self.ask(ids, (position,), ((),))
        self.queries[number].lists |= {word_list}
        return number


def pad_rows(rows: Sequence[Sequence[int]], pad_id: int) -> tuple[list[list[int]], list[list[int]]]:
    """Return ids padded on the right to the longest row, and the attention mask."""
    longest = max(map(len, rows))
    ids = [[*row, *[pad_id] * (longest - len(row))] for row in rows]
    return ids, [[1] * len(row) + [0] * (longest - len(row)) for row in rows]


def plan_batches(
    queries: Sequence[ForwardQuery], *, max_rows: int, max_tokens: int, overhead: int
) -> list[list[int]]:
    """Group query numbers into batches, longest first.

    Queries are ordered by length and then by content, so the batches do not depend on the order of
    the questions. ``overhead`` is the fixed cost of one pass, in tokens: queries of a shorter
    length join a longer bucket, padded, only while the padding costs less than a pass of their own.
    """
    order = sorted(
        range(len(queries)),
        key=lambda n: (-len(queries[n].ids), queries[n].ids, queries[n].positions[0]),
    )
    batches: list[list[int]] = []
    for bucket in _buckets(order, queries, overhead):
        longest = len(queries[bucket[0]].ids)
        limit = max(1, min(max_rows, max_tokens // longest))
        parts = -(-len(bucket) // limit)  # whose sizes differ by one at most
        size, extra = divmod(len(bucket), parts)
        starts = [part * size + min(part, extra) for part in range(parts + 1)]
        batches += [bucket[a:b] for a, b in pairwise(starts)]
    return batches


def _buckets(
    order: Sequence[int], queries: Sequence[ForwardQuery], overhead: int
) -> list[list[int]]:
    """Merge neighbouring lengths while padding is cheaper than another pass."""
    groups: dict[int, list[int]] = {}
    for number in order:
        groups.setdefault(len(queries[number].ids), []).append(number)
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
