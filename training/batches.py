"""Cuts the text into batches of equal length and hides words in them.

Everything follows from the seed and the number of the batch, so a run that goes on from a
checkpoint sees what it would have seen, and any number of workers sees the same batches.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.settings import Settings
from training.tokenizer import END, MASK, START

EVEN = 32
"""The number of places that are asked about is a multiple of this: matrix libraries keep code and
memory for every size that they have met, and every batch would be a new one."""
SHORTEST = 4
"""Sentences of fewer pieces say nothing about their gap."""


@dataclass(frozen=True)
class Coded:
    """A text in pieces, and where its sentences and paragraphs end."""

    pieces: np.ndarray
    sentences: np.ndarray
    paragraphs: np.ndarray

    @staticmethod
    def load(path: Path) -> Coded:
        """Read what ``training.prepare`` wrote."""
        with np.load(path) as found:
            return Coded(found["pieces"], found["sentences"], found["paragraphs"])


@dataclass(frozen=True)
class Kinds:
    """What each piece of the vocabulary is; boolean arrays of shape (vocabulary,)."""

    starts: np.ndarray
    marks: np.ndarray
    audited: np.ndarray

    @staticmethod
    def load(path: Path) -> Kinds:
        """Read what ``training.prepare`` wrote."""
        with np.load(path) as found:
            return Kinds(found["starts"], found["marks"], found["audited"])


def dense(coded: Coded, kinds: Kinds, share: float) -> Coded:
    """Return the share of the paragraphs that has most audited words, in their order."""
    first, last = _bounds(coded.paragraphs, np.arange(len(coded.paragraphs)))
    low = np.where(first > 0, coded.sentences[first - 1], 0)
    high = coded.sentences[last - 1]
    found = np.concatenate([[0], np.cumsum(kinds.audited[coded.pieces])])
    rate = (found[high] - found[low]) / np.maximum(high - low, 1)
    chosen = np.sort(np.argsort(-rate, kind="stable")[: max(1, round(share * len(rate)))])
    sentences = [coded.sentences[first[i] : last[i]] - low[i] for i in chosen]
    sizes = (high - low)[chosen]
    starts = np.cumsum(sizes) - sizes
    return Coded(
        np.concatenate([coded.pieces[low[i] : high[i]] for i in chosen]),
        np.concatenate([s + at for s, at in zip(sentences, starts, strict=True)]),
        np.cumsum([len(s) for s in sentences]),
    )


class Batches:
    """All batches of one part of a run, by number; ``part`` keeps their chances apart."""

    def __init__(self, coded: Coded, kinds: Kinds, settings: Settings, part: int = 0) -> None:
        self.coded, self.kinds, self.settings, self.part = coded, kinds, settings, part
        self._pass = -1
        self._first = 0
        self._rows: list[np.ndarray] = []

    def get(self, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return batch ``number``: masked ids (sequences, length), places, wanted pieces.

        Batches must be asked for in rising order; a run that goes on may start anywhere.
        """
        while number >= self._first + len(self._rows):
            self._first += len(self._rows)
            self._pass += 1
            rng = np.random.default_rng([self.settings.seed, 1 + 2 * self.part, self._pass])
            self._rows = list(one_pass(self.coded, self.settings, rng))
            order = rng.permutation(len(self._rows))
            self._rows = [self._rows[i] for i in order]
        ids = self._rows[number - self._first].astype(np.int64)
        rng = np.random.default_rng([self.settings.seed, 2 + 2 * self.part, number])
        hidden = mask(ids, self.kinds, self.settings, rng)
        places = np.flatnonzero(hidden)
        if len(places) > EVEN:  # some hidden places are not asked about
            places = np.sort(rng.choice(places, len(places) // EVEN * EVEN, replace=False))
        wanted = ids.reshape(-1)[places]
        return np.where(hidden, MASK, ids), places, wanted


def one_pass(coded: Coded, settings: Settings, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield the batches of one pass over the text, each of shape (sequences, length).

    Every paragraph is fed sentence by sentence, packed short or packed long, by chance anew in each
    pass. What does not fill a batch at the end of a length is left to the next pass.
    """
    order = rng.permutation(len(coded.paragraphs))
    kind = rng.random(len(order))
    share = settings.sequences
    singles = order[kind < share.single]
    short = order[(kind >= share.single) & (kind < share.single + share.short)]
    long = order[kind >= share.single + share.short]
    size, most = settings.schedule.batch, settings.network.positions
    yield from _sentences(coded, singles, size, most, rng)
    yield from _packed(coded, short, share.short_pieces, size)
    yield from _packed(coded, long, most, size)


def _bounds(ends: np.ndarray, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.where(index > 0, ends[index - 1], 0), ends[index]


def _sentences(
    coded: Coded, paragraphs: np.ndarray, size: int, most: int, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    low, high = _bounds(coded.paragraphs, paragraphs)
    which = np.concatenate([np.arange(a, b) for a, b in zip(low, high, strict=True)] or [[]])
    which = rng.permutation(which.astype(np.int64))
    start, stop = _bounds(coded.sentences, which)
    length = np.minimum(stop - start, most - 2)
    for pieces in range(SHORTEST, most - 1):
        rows = start[length == pieces]
        many = max(1, size // (pieces + 2))
        for at in range(0, len(rows) - many + 1, many):
            inside = coded.pieces[rows[at : at + many, None] + np.arange(pieces)]
            yield _closed(inside)


def _packed(coded: Coded, paragraphs: np.ndarray, length: int, size: int) -> Iterator[np.ndarray]:
    low, high = _bounds(coded.paragraphs, paragraphs)
    parts = []
    for a, b in zip(low, high, strict=True):
        first = coded.sentences[a - 1] if a else 0
        parts += [coded.pieces[first : coded.sentences[b - 1]], np.array([END], dtype=np.uint16)]
    stream = np.concatenate(parts) if parts else np.zeros(0, dtype=np.uint16)
    many = size // length
    whole = len(stream) // (length - 2) // many * many
    rows = stream[: whole * (length - 2)].reshape(-1, many, length - 2)
    for inside in rows:
        yield _closed(inside)


def _closed(inside: np.ndarray) -> np.ndarray:
    edge = np.ones((len(inside), 1), dtype=np.uint16)
    return np.concatenate([edge * START, inside, edge * END], axis=1).astype(np.uint16)


def word_starts(ids: np.ndarray, kinds: Kinds) -> np.ndarray:
    """Return where words begin. Punctuation is a word of its own: hidden together with the word
    before it, "<mask>." would never be seen."""
    special = ids <= MASK
    marks = kinds.marks[ids]
    begins = kinds.starts[ids] | marks | special
    begins[:, 1:] |= marks[:, :-1] | special[:, :-1]
    begins[:, 0] = True
    return begins


def mask(ids: np.ndarray, kinds: Kinds, settings: Settings, rng: np.random.Generator) -> np.ndarray:
    """Return which places are hidden, shape as ``ids``; at least one."""
    options = settings.masking
    begins = word_starts(ids, kinds)
    ends = np.ones_like(begins)
    ends[:, :-1] = begins[:, 1:]
    rate = np.where(kinds.audited[ids] & begins & ends, options.audited_rate, options.rate)
    word = np.cumsum(begins.reshape(-1)) - 1
    first = np.flatnonzero(begins.reshape(-1))
    by_word = (rng.random(len(first)) < rate.reshape(-1)[first])[word].reshape(ids.shape)
    by_piece = rng.random(ids.shape) < rate
    whole = rng.random((len(ids), 1)) < options.whole_words
    hidden = np.where(whole, by_word, by_piece) & (ids > MASK)
    if not hidden.any():
        hidden.reshape(-1)[np.flatnonzero((ids > MASK).reshape(-1))[0]] = True
    return hidden
