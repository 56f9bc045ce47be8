"""Sentence scores from the store where it has them, a window at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar, cast

from bias_audit.records import ProgressCallback
from bias_audit.scoring.base import Embedding, SentenceScoring, SlotScoring
from bias_audit.sentence_scores import (
    FillScore,
    ModifiedScore,
    PairScore,
    PieceScores,
    SlotQuestion,
    SlotScore,
    Variant,
)
from bias_audit.storing.codec import Record
from bias_audit.storing.keys import Part

if TYPE_CHECKING:
    from bias_audit.storing.backend import Shelf

WINDOW = 1024
"""Sentences that are held at once, and written together: as many as the model's scorer takes."""
Item = TypeVar("Item")
Answer = TypeVar("Answer", bound=Record)
Ask = Callable[[Sequence[Item], ProgressCallback | None], Iterator[Answer]]


class StoredSentences:
    """Answers questions about sentences from the store where it can.

    It has ``slots`` and ``embed`` if the scorer inside has them; vectors are not kept.
    """

    def __init__(self, inner: SentenceScoring, shelf: Shelf) -> None:
        self._inner = inner
        self._shelf = shelf
        if isinstance(inner, SlotScoring):
            self.slots = self._slots
            self._slot_scorer = inner
        if isinstance(inner, Embedding):
            self.embed = inner.embed

    def pairs(
        self, pairs: Iterable[tuple[str, str]], *, progress: ProgressCallback | None = None
    ) -> Iterator[PairScore]:
        """Score both sentences of each pair on the pieces that they share."""
        return self._windows(
            "pair", pairs, tuple, lambda new, tell: self._inner.pairs(new, progress=tell), progress
        )

    def modified(
        self, pairs: Iterable[tuple[str, str]], *, progress: ProgressCallback | None = None
    ) -> Iterator[tuple[ModifiedScore, ModifiedScore]]:
        """Score the pieces that the sentences of each pair do not share."""
        return self._windows(
            "modified",
            pairs,
            tuple,
            lambda new, tell: self._inner.modified(new, progress=tell),
            progress,
        )

    def pieces(
        self,
        sentences: Iterable[str],
        *,
        variant: Variant = "word_l2r",
        ranks: bool = False,
        attention: bool = False,
        progress: ProgressCallback | None = None,
    ) -> Iterator[PieceScores]:
        """Score every piece of each sentence, masked."""

        def ask(new: Sequence[str], tell: ProgressCallback | None) -> Iterator[PieceScores]:
            return self._inner.pieces(
                new, variant=variant, ranks=ranks, attention=attention, progress=tell
            )

        return self._windows(
            "pieces", sentences, lambda s: (s, variant, ranks, attention), ask, progress
        )

    def unmasked(
        self,
        sentences: Iterable[str],
        *,
        attention: bool = False,
        progress: ProgressCallback | None = None,
    ) -> Iterator[PieceScores]:
        """Score every piece of each sentence with nothing masked; ranks included."""

        def ask(new: Sequence[str], tell: ProgressCallback | None) -> Iterator[PieceScores]:
            return self._inner.unmasked(new, attention=attention, progress=tell)

        return self._windows("unmasked", sentences, lambda s: (s, attention), ask, progress)

    def fills(
        self,
        blanks: Iterable[tuple[str, str, str]],
        *,
        progress: ProgressCallback | None = None,
    ) -> Iterator[FillScore]:
        """Score the word between the text before it and the text after it."""
        return self._windows(
            "fill", blanks, tuple, lambda new, tell: self._inner.fills(new, progress=tell), progress
        )

    def _slots(
        self, questions: Iterable[SlotQuestion], *, progress: ProgressCallback | None = None
    ) -> Iterator[SlotScore]:
        """Score the word of each question while others are masked."""
        return self._windows(
            "slot",
            questions,
            lambda q: (q.text, q.word, q.hidden),
            lambda new, tell: self._slot_scorer.slots(new, progress=tell),
            progress,
        )

    def _windows(
        self,
        kind: str,
        items: Iterable[Item],
        parts: Callable[[Item], tuple[Part, ...]],
        ask: Ask[Item, Answer],
        progress: ProgressCallback | None,
    ) -> Iterator[Answer]:
        """Answer a window of items at a time; ``progress`` counts items, as far as known."""
        shelf = self._shelf
        waiting = iter(items)
        total, done = len(items) if isinstance(items, Sized) else 0, 0
        while window := list(islice(waiting, WINDOW)):
            keys = [shelf.keys.of(kind, *parts(item)) for item in window]
            found: dict[bytes, Any] = dict(shelf.get(keys))
            new = {k: i for k, i in zip(keys, window, strict=True) if k not in found}
            shelf.count(sum(key in found for key in keys), sum(key in new for key in keys))
            if new:
                tell = _placed(progress, done, len(window), total)
                answers = dict(zip(new, ask(list(new.values()), tell), strict=True))
                shelf.put(answers)
                found |= answers
            elif progress is not None:
                progress(done + len(window), max(total, done + len(window)))
            done += len(window)
            yield from (cast(Answer, found[key]) for key in keys)


def _placed(
    progress: ProgressCallback | None, done: int, size: int, total: int
) -> Callable[[int, int], None] | None:
    """Progress inside a window as progress of the whole."""
    if progress is None:
        return None
    listen = progress
    return lambda here, of: listen(done + size * here // max(of, 1), max(total, done + size))
