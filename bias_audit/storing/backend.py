"""A backend around a backend: asks the store first, and the model for the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bias_audit.records import ModelInfo, OpenScore, ProgressCallback, Prompt, WordScore
from bias_audit.scoring.base import Backend, PartwiseBackend, SentenceBackend
from bias_audit.storing.codec import Record, keepable
from bias_audit.storing.database import ScoreStore
from bias_audit.storing.keys import Keys
from bias_audit.storing.sentences import StoredSentences

Score = WordScore | OpenScore
CHUNK = 4096
"""Prompts in one call to a backend that hands out nothing before it has everything."""
OPEN_SHARE = 8
"""A run keeps distributions of up to one in so many bytes of the store: they are a few in a hundred
prompts and a thousand times as large as the score of a word."""


@dataclass
class Shelf:
    """What one model's backend shares with its sentence scorer."""

    store: ScoreStore
    keys: Keys
    model: int
    fresh: bool = False
    """Whether nothing is read, only written."""
    found: int = 0
    """Answers that came from the store."""
    asked: int = 0
    """Answers that the model gave."""
    room: int = 0
    """Bytes of distributions that may still be written."""

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Record]:
        """What is kept under these keys."""
        return {} if self.fresh else self.store.get(dict.fromkeys(keys))

    def put(self, records: Mapping[bytes, Record]) -> None:
        """Keep answers."""
        kept = {k: r for k, r in records.items() if keepable(r) and self._fits(r)}
        self.store.put(self.model, kept)
        if self.fresh:  # or the answer of before would come back
            self.store.drop(records.keys() - kept.keys())

    def count(self, found: int, asked: int) -> None:
        """Remember where answers came from."""
        self.found += found
        self.asked += asked

    def _fits(self, record: Record) -> bool:
        if not isinstance(record, OpenScore):
            return True
        self.room -= record.words.nbytes
        return self.room >= 0


class StoredBackend:
    """Answers prompts from the store where it can.

    ``pseudo_log_likelihood`` always asks the model: it is there to see whether the model works.
    """

    def __init__(self, inner: Backend, shelf: Shelf) -> None:
        self._inner = inner
        self._shelf = shelf

    @property
    def info(self) -> ModelInfo:
        """That of the model."""
        return self._inner.info

    @property
    def words(self) -> tuple[str, ...]:
        """Those of the model."""
        return self._inner.words

    def fill_mask(
        self,
        prompts: Sequence[Prompt],
        *,
        top_k: int = 10,
        progress: ProgressCallback | None = None,
    ) -> list[Score]:
        """Score each prompt, in the order given; what is new is kept as it comes in."""
        shelf = self._shelf
        keys = [shelf.keys.prompt(prompt, top_k) for prompt in prompts]
        scores: dict[bytes, Score] = {
            key: record
            for key, record in shelf.get(keys).items()
            if isinstance(record, (WordScore, OpenScore))
        }
        known = {number for number, key in enumerate(keys) if key in scores}
        shelf.count(len(known), len(keys) - len(known))
        if len(known) < len(keys):
            for part in self._parts(prompts, keys, known, top_k, progress):
                new = {keys[number]: score for number, score in part.items()}
                shelf.put(new)
                scores |= new
        elif progress is not None and keys:
            progress(len(keys), len(keys))
        return [scores[key] for key in keys]

    def pseudo_log_likelihood(self, sentences: Sequence[str]) -> list[tuple[float, int]]:
        """Ask the model."""
        return self._inner.pseudo_log_likelihood(sentences)

    def _parts(
        self,
        prompts: Sequence[Prompt],
        keys: Sequence[bytes],
        known: set[int],
        top_k: int,
        progress: ProgressCallback | None,
    ) -> Iterator[Mapping[int, Score]]:
        """The missing scores, by the prompts' numbers, as they come in."""
        if isinstance(self._inner, PartwiseBackend):
            yield from self._inner.fill_parts(prompts, known=known, top_k=top_k, progress=progress)
            return
        missing = list({key: n for n, key in enumerate(keys) if n not in known}.values())
        for start in range(0, len(missing), CHUNK):
            part = missing[start : start + CHUNK]
            tell = _shifted(progress, start, len(missing), len(part))
            answers = self._inner.fill_mask([prompts[n] for n in part], top_k=top_k, progress=tell)
            yield dict(zip(part, answers, strict=True))


class StoredSentenceBackend(StoredBackend):
    """The same for a backend that scores sentences too."""

    def __init__(self, inner: SentenceBackend, shelf: Shelf) -> None:
        super().__init__(inner, shelf)
        self._sentences = inner

    def sentence_scorer(self) -> StoredSentences:
        """The same model, asked about sentences."""
        return StoredSentences(self._sentences.sentence_scorer(), self._shelf)


def stored(inner: Backend, shelf: Shelf) -> StoredBackend:
    """A backend that asks the store first."""
    if isinstance(inner, SentenceBackend):
        return StoredSentenceBackend(inner, shelf)
    return StoredBackend(inner, shelf)


def _shifted(
    progress: ProgressCallback | None, start: int, total: int, size: int
) -> Callable[[int, int], None] | None:
    """Progress of a chunk as progress of the whole."""
    if progress is None:
        return None
    listen = progress
    return lambda done, rows: listen(start + size * done // max(rows, 1), total)
