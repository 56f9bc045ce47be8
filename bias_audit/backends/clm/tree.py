"""Arrange texts as trees, in which what they share from the left stands once; no tensors here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Ids = tuple[int, ...]
_FULL = 0.7
"""Share of a tree's room from which on it ends where the texts share least."""


@dataclass(slots=True)
class Tree:
    """Tokens of texts, each after the one that it stands behind."""

    ids: list[int] = field(default_factory=list)
    above: list[int] = field(default_factory=list)
    """The place of the token before each; -1 for the first of a text."""
    ends: dict[int, int] = field(default_factory=dict)
    """The place of the last token by the number of the text."""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def is_line(self) -> bool:
        """Whether it is one text, which a model reads as it is."""
        return self.above == list(range(-1, len(self) - 1))

    def depths(self) -> list[int]:
        """How many tokens stand before each in its text."""
        found: list[int] = []
        for place in self.above:
            found.append(0 if place < 0 else found[place] + 1)
        return found

    def sight(self) -> NDArray[np.bool_]:
        """Which tokens each sees: itself and all before it in its text."""
        seen = np.eye(len(self), dtype=np.bool_)
        for at, place in enumerate(self.above):
            if place >= 0:
                seen[at] |= seen[place]
        return seen


def share(texts: Sequence[Ids], *, most_tokens: int, most_texts: int) -> list[Tree]:
    """Arrange texts as few trees of few tokens; texts that are longer stand apart."""
    long = [number for number, text in enumerate(texts) if len(text) > most_tokens]
    rows = sorted((text, n) for n, text in enumerate(texts) if len(text) <= most_tokens)
    shared = [0, *(_shared_length(one, other) for (one, _), (other, _) in pairwise(rows)), 0]
    trees = [_line(texts[number], number) for number in long]
    first = 0
    while first < len(rows):
        size, stop, sizes = len(rows[first][0]), first + 1, []
        while True:
            sizes.append(size)
            if stop == len(rows) or stop - first >= most_texts:
                break
            size += len(rows[stop][0]) - shared[stop]
            if size > most_tokens:
                break
            stop += 1
        cuts = [first + 1 + n for n, size in enumerate(sizes) if size >= _FULL * most_tokens]
        stop = min(cuts, key=lambda cut: (shared[cut], -cut), default=stop)
        trees.append(_join(rows[first:stop], shared[first:stop]))
        first = stop
    return trees


def keep_apart(texts: Sequence[Ids]) -> list[Tree]:
    """Make a tree of every text."""
    return [_line(text, number) for number, text in enumerate(texts)]


def batches(trees: Sequence[Tree], *, most_tokens: int, most_texts: int) -> Iterator[list[Tree]]:
    """Put trees that are read in one pass together; lines only with others of their length."""
    order = sorted(trees, key=lambda tree: (tree.is_line, -len(tree)))
    batch: list[Tree] = []
    for tree in order:
        if batch:
            first = batch[0]
            fits = (len(batch) + 1) * len(first) <= most_tokens
            few = sum(len(each.ends) for each in batch) + len(tree.ends) <= most_texts
            alike = tree.is_line == first.is_line and (not tree.is_line or len(tree) == len(first))
            if not (fits and few and alike):
                yield batch
                batch = []
        batch.append(tree)
    if batch:
        yield batch


def _line(text: Ids, number: int) -> Tree:
    return Tree(list(text), list(range(-1, len(text) - 1)), {number: len(text) - 1})


def _join(rows: Sequence[tuple[Ids, int]], shared: Sequence[int]) -> Tree:
    """Make a tree of sorted texts, of which each shares so many tokens with the one before."""
    tree = Tree()
    path: list[int] = []
    for at, ((text, number), common) in enumerate(zip(rows, shared, strict=True)):
        del path[common if at else 0 :]
        for token in text[len(path) :]:
            tree.above.append(path[-1] if path else -1)
            path.append(len(tree))
            tree.ids.append(token)
        tree.ends[number] = path[-1]
    return tree


def _shared_length(one: Ids, other: Ids) -> int:
    """How many tokens two texts share from the left."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))
