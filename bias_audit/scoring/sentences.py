"""Scores sentences, sentence pairs and blanks, as published benchmarks ask for them.

Every method takes any iterable and yields answers in its order, a window at a time: memory is
bounded by the window, not by the data set. Equal questions inside a window are asked once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from itertools import islice
from typing import TypeVar

from bias_audit.records import ProgressCallback
from bias_audit.scoring._asking import Answer, Asker, Blank, Finish, Found
from bias_audit.scoring._encode import Encoder
from bias_audit.scoring._reader import Reader, Wish
from bias_audit.scoring._readings import ReadingTable
from bias_audit.sentence_scores import (
    FillScore,
    ModifiedScore,
    PairScore,
    PieceScores,
    SlotQuestion,
    SlotScore,
    Variant,
    Vector,
    VectorQuestion,
)

WINDOW = 1024
"""Sentences (or pairs, or blanks) that are held at once."""
Asked = TypeVar("Asked")


class SentenceScorer:
    """A masked language model asked about whole sentences.

    Args:
        encoder: The model's tokenizer.
        reader: The model.
        max_length: Longest sequence in pieces, special ones included. Longer ones are answered
            with a reason; nothing is cut.
        window: Sentences that are held at once.
    """

    def __init__(
        self, *, encoder: Encoder, reader: Reader, max_length: int, window: int = WINDOW
    ) -> None:
        self._encoder = encoder
        self._reader = reader
        self._ask = Asker(encoder, max_length)
        self._window = window

    def pairs(
        self, pairs: Iterable[tuple[str, str]], *, progress: ProgressCallback | None = None
    ) -> Iterator[PairScore]:
        """Score both sentences of each pair on the pieces they share, one masked at a time.

        Source: Nangia et al. (2020).
        """
        return self._windows(pairs, self._ask.pair, lambda pair: pair, Wish(), progress)

    def modified(
        self, pairs: Iterable[tuple[str, str]], *, progress: ProgressCallback | None = None
    ) -> Iterator[tuple[ModifiedScore, ModifiedScore]]:
        """Score the pieces that the sentences of each pair do not share.

        Source: Nadeem et al. (2021) as a sentence-pair score, after Kaneko and Bollegala (2022).
        """
        return self._windows(pairs, self._ask.changed, lambda pair: pair, Wish(), progress)

    def pieces(
        self,
        sentences: Iterable[str],
        *,
        variant: Variant = "word_l2r",
        ranks: bool = False,
        attention: bool = False,
        progress: ProgressCallback | None = None,
    ) -> Iterator[PieceScores]:
        """Score every piece of each sentence, masked: the summands of the pseudo-log-likelihood.

        ``attention`` is that of the masked sentence and needs a slower pass.

        Source: Salazar et al. (2020); ``word_l2r``: Kauf and Ivanova (2023).

        Raises:
            ScoringError: ``attention`` is asked of a model that does not report it.
        """
        wish = Wish(ranks=ranks, attention=attention)

        def ask(sentence: str, found: Found, table: ReadingTable) -> Finish[PieceScores]:
            return self._ask.pieces(found[sentence], table, variant)

        return self._windows(sentences, ask, lambda s: (s,), wish, progress)

    def unmasked(
        self,
        sentences: Iterable[str],
        *,
        attention: bool = False,
        progress: ProgressCallback | None = None,
    ) -> Iterator[PieceScores]:
        """Score every piece of each sentence with nothing masked, in one pass; ranks included.

        Source: Kaneko and Bollegala (2022).

        Raises:
            ScoringError: ``attention`` is asked of a model that does not report it.
        """
        wish = Wish(ranks=True, attention=attention)

        def ask(sentence: str, found: Found, table: ReadingTable) -> Finish[PieceScores]:
            return self._ask.unmasked(found[sentence], table)

        return self._windows(sentences, ask, lambda s: (s,), wish, progress)

    def fills(
        self, blanks: Iterable[Blank], *, progress: ProgressCallback | None = None
    ) -> Iterator[FillScore]:
        """Score the word in each blank, encoded in its sentence (so with the space before it).

        Source: within-word left to right, Kauf and Ivanova (2023); ``published``: Nadeem et al.
        (2021).
        """
        return self._windows(blanks, self._ask.fill, lambda b: ("".join(b),), Wish(), progress)

    def slots(
        self, questions: Iterable[SlotQuestion], *, progress: ProgressCallback | None = None
    ) -> Iterator[SlotScore]:
        """Score the word of each question while others are masked: its prior in the sentence.

        Source: Kurita et al. (2019); within-word left to right, Kauf and Ivanova (2023).
        """
        return self._windows(questions, self._ask.slot, lambda q: (q.text,), Wish(), progress)

    def embed(
        self, questions: Iterable[VectorQuestion], *, progress: ProgressCallback | None = None
    ) -> Iterator[Vector]:
        """Turn sentences, or words in them, into states of the model's last layer.

        Raises:
            ScoringError: the model does not return them.
        """
        wish = Wish(vectors=True)
        return self._windows(questions, self._ask.vector, lambda q: (q.text,), wish, progress)

    def _windows(
        self,
        items: Iterable[Asked],
        ask: Callable[[Asked, Found, ReadingTable], Finish[Answer]],
        texts: Callable[[Asked], Iterable[str]],
        wish: Wish,
        progress: ProgressCallback | None,
    ) -> Iterator[Answer]:
        """Ask a window of items at a time; ``progress`` counts items, of as many as are known."""
        waiting = iter(items)
        total = len(items) if isinstance(items, Sized) else 0
        done = 0

        def tell(rows: int, of: int) -> None:
            if progress is not None:
                here = done + len(window) * rows // of
                progress(here, max(total, done + len(window)))

        while window := list(islice(waiting, self._window)):
            table = ReadingTable()
            found = self._encoder.encode((t for item in window for t in texts(item)), masks=0)
            finish = [ask(item, found, table) for item in window]
            seen = self._reader.read(table.readings, wish, progress=tell)
            done += len(window)
            for last in finish:
                yield last(seen)
