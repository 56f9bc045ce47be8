"""Questions about one gap each: from prompts to rows, and from answered rows to scores."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bias_audit.records import OpenScore, Prompt, SkipReason, WordScore
from bias_audit.scoring._encode import Encoded, Encoder
from bias_audit.scoring._forward import Answer
from bias_audit.scoring._rows import RowTable

_NO_WORDS = np.zeros(0, dtype=np.float32)
_Key = tuple[str, str | None, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Question:
    """A prompt's sentence once encoded: rows to ask, or the reason why not."""

    pieces: tuple[tuple[int, int], ...] = ()
    """(row, piece) pairs of a word."""
    row: int = -1
    """Row of an open prompt."""
    skip: SkipReason | None = None
    detail: str = ""

    @property
    def rows(self) -> Iterable[int]:
        """The rows that it waits for."""
        return [row for row, _ in self.pieces] or ([self.row] if self.row >= 0 else [])


class Gaps:
    """The prompts of one call; equal questions are asked once.

    Args:
        prompts: All of them, those with a known answer too: batches are planned over all.
        known: Numbers of prompts whose answer nobody waits for.
        encoder: The model's tokenizer.
        max_length: Longest sequence in pieces, special ones included.
    """

    def __init__(
        self, prompts: Sequence[Prompt], known: Container[int], encoder: Encoder, max_length: int
    ) -> None:
        self._encoder = encoder
        self._max_length = max_length
        self._table = RowTable()
        self._numbers: dict[_Key, list[int]] = {}
        keys = [(prompt.left, prompt.filler, prompt.right) for prompt in prompts]
        for number, key in enumerate(keys):
            if number not in known:
                self._numbers.setdefault(key, []).append(number)
        self._questions = self._asked(dict.fromkeys(keys))
        self._left: dict[_Key, int] = {}
        self._askers: dict[int, list[_Key]] = {}
        for key in self._numbers:
            rows = set(self._questions[key].rows)
            self._left[key] = len(rows)
            for row in rows:
                self._askers.setdefault(row, []).append(key)
        self.rows = self._table.rows
        """Distinct rows of all prompts."""

    @property
    def needed(self) -> Container[int]:
        """Rows that somebody waits for."""
        return self._askers

    def refused(self) -> dict[int, WordScore | OpenScore]:
        """Answers to the prompts that no row can answer, by number."""
        return self._answered([key for key, left in self._left.items() if not left], ())

    def finished(
        self, batch: Iterable[int], answers: Sequence[Answer]
    ) -> dict[int, WordScore | OpenScore]:
        """Answers to the prompts that waited for these rows only, by number."""
        ready = []
        for row in batch:
            for key in self._askers.get(row, ()):
                self._left[key] -= 1
                if not self._left[key]:
                    ready.append(key)
        return self._answered(ready, answers)

    def _answered(
        self, keys: Iterable[_Key], answers: Sequence[Answer]
    ) -> dict[int, WordScore | OpenScore]:
        found: dict[int, WordScore | OpenScore] = {}
        for key in keys:
            question = self._questions[key]
            score = (
                self._open_score(question, answers)
                if key[1] is None
                else _word_score(question, answers)
            )
            found |= dict.fromkeys(self._numbers[key], score)
        return found

    def _asked(self, keys: dict[_Key, None]) -> dict[_Key, _Question]:
        """Encode every distinct sentence once and ask the rows it needs."""
        words = {key: f"{key[0]}{key[1]}{key[2]}" for key in keys if key[1] is not None}
        opens = {
            key: f"{key[0]}{self._encoder.mask_token}{key[2]}" for key in keys if key[1] is None
        }
        encoded_words = self._encoder.encode(words.values(), masks=0)
        encoded_opens = self._encoder.encode(opens.values(), masks=1)
        return {
            key: self._ask_open(encoded_opens[opens[key]])
            if key[1] is None
            else self._ask_word(key, words[key], encoded_words[words[key]])
            for key in keys
        }

    def _ask_open(self, encoded: Encoded) -> _Question:
        refused = self._refused(encoded)
        if refused is not None:
            return refused
        position = encoded.ids.index(self._encoder.mask_id)
        return _Question(row=self._table.ask_open(encoded.ids, position))

    def _ask_word(self, key: _Key, text: str, encoded: Encoded) -> _Question:
        left, filler, _ = key
        word = (filler or "").strip()
        if not word:
            return _Question(skip="unscorable", detail="the word is empty")
        refused = self._refused(encoded, unknown=False)
        if refused is not None:
            return refused
        begin = len(left) + len(filler or "") - len((filler or "").lstrip())
        span = self._encoder.span(text, encoded, begin, begin + len(word))
        if span.trouble:
            return _Question(skip="unscorable", detail=span.trouble)
        refused = self._refused(encoded)
        if refused is not None:
            return refused
        asked = self._table.ask_word(encoded.ids, span.start, span.stop, self._encoder.mask_id)
        return _Question(pieces=tuple(asked))

    def _refused(self, encoded: Encoded, *, unknown: bool = True) -> _Question | None:
        """Why a sentence cannot be scored wherever its mask is."""
        if encoded.trouble:
            return _Question(skip="unscorable", detail=encoded.trouble)
        if len(encoded.ids) > self._max_length:
            return _Question(
                skip="too_long",
                detail=f"{len(encoded.ids)} pieces, the model takes {self._max_length}",
            )
        if unknown and not self._encoder.knows_all(encoded):
            return _Question(
                skip="unscorable",
                detail="the sentence holds characters that the model's vocabulary lacks",
            )
        return None

    def _open_score(self, question: _Question, answers: Sequence[Answer]) -> OpenScore:
        if question.skip is not None:
            return OpenScore(
                top=(), words=_NO_WORDS, word_mass=0.0, skip=question.skip, detail=question.detail
            )
        answer = answers[question.row]
        top = tuple((self._encoder.completion(piece), p) for piece, p in answer.top)
        words = _NO_WORDS if answer.words is None else answer.words
        return OpenScore(top=top, words=words, word_mass=answer.word_mass)


def _word_score(question: _Question, answers: Sequence[Answer]) -> WordScore:
    if question.skip is not None:
        return WordScore(log_prob=None, pieces=0, skip=question.skip, detail=question.detail)
    value, count = total(question.pieces, answers)
    row, piece = question.pieces[0]
    return WordScore(
        log_prob=value, pieces=count, rank=answers[row].ranks[piece] if count == 1 else None
    )


def total(pieces: Sequence[tuple[int, int]], answers: Sequence[Answer]) -> tuple[float, int]:
    """Sum of the pieces' log-probabilities, and their number."""
    if not pieces:
        return float("nan"), 0
    return sum(answers[row].log_probs[piece] for row, piece in pieces), len(pieces)
