"""Turn requests into passages, and their scores into responses; no tensors here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from bias_audit.backends.hf.tokenization import Encoder, Encoding
from bias_audit.backends.request_batch import Question, RejectionError, keep_answer
from bias_audit.records import CompletionRequest, FillRequest, FillScore, Request

SUPPORTS: frozenset[type[Request[Any]]] = frozenset({FillRequest, CompletionRequest})
"""The kinds of requests that a causal language model answers."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A text that the model reads from left to right."""

    ids: tuple[int, ...]
    """Its tokens, with one that every text begins with."""


@dataclass(slots=True)
class PassageResult:
    """What is known of a passage."""

    log_prob: float = 0.0
    """Of its tokens, each after all before it; the first token has none."""


@dataclass(frozen=True, order=True, slots=True)
class Beginning:
    """A text that words follow."""

    left: str
    ids: tuple[int, ...]
    """Its tokens, with one that every text begins with."""
    pieces: int
    """How many of them are those of the text itself."""
    place: int
    """Which of :attr:`Encoder.word_lists` holds the tokens that begin a word there."""


class PassageTable:
    """Distinct passages in the order they were first asked for."""

    def __init__(self) -> None:
        self._index: dict[tuple[int, ...], int] = {}

    @property
    def passages(self) -> list[Passage]:
        """Return them."""
        return [Passage(ids) for ids in self._index]

    def ask(self, ids: tuple[int, ...]) -> int:
        """Ask for the probability of a passage."""
        return self._index.setdefault(ids, len(self._index))


class Planner:
    """Requests in the terms of one tokenizer.

    Args:
        encoder: the model's tokenizer.
        start: the token that texts begin with, where the tokenizer itself puts none.
        max_length: longest sequence in tokens. Longer ones are rejected; nothing is cut.
    """

    def __init__(self, encoder: Encoder, start: int | None, max_length: int) -> None:
        self._encoder = encoder
        self._start = start
        self.max_length = max_length

    def plan(self, requests: Sequence[Request[Any]]) -> tuple[list[Passage], list[Question]]:
        """Encode every distinct sentence once and ask for the passages that the requests need."""
        table = PassageTable()
        fills = [request for request in requests if isinstance(request, FillRequest)]
        texts = [f"{each.left}{each.filler}{each.right}" for each in fills]
        encodings = self._encoder.encode(texts)
        questions = []
        for request, text in zip(fills, texts, strict=True):
            try:
                questions.append(self._fill(request, table, encodings[text]))
            except RejectionError as error:
                answer = FillScore(skip=error.skip, detail=error.detail)
                questions.append(Question((), partial(keep_answer, answer)))
        return table.passages, questions

    def beginnings(self, texts: Collection[str]) -> dict[str, Beginning | RejectionError]:
        """Return the tokens before each open place, or why nothing can follow there."""
        whole = {left: self._encoder.gap_text(left, "") for left in texts}
        encodings = self._encoder.encode(whole.values())
        known: dict[str, Beginning | RejectionError] = {}
        for left, text in whole.items():
            try:
                known[left] = self._beginning(left, encodings[text])
            except RejectionError as error:
                known[left] = error
        return known

    def _beginning(self, left: str, encoded: Encoding) -> Beginning:
        gap = self._encoder.gap(left, "", encoded)
        if gap.trouble:
            raise RejectionError("unscorable", gap.trouble)
        added = encoded.added[: gap.position]
        ids = self._ids(gap.ids[: gap.position], added, more=1)
        if not ids:
            raise RejectionError("unscorable", "nothing stands before the mask")
        return Beginning(left, ids, len(added) - sum(added), gap.list)

    def _fill(self, request: FillRequest, table: PassageTable, encoded: Encoding) -> Question:
        filler, word = request.filler, request.filler.strip()
        if not word:
            raise RejectionError("unscorable", "the word is empty")
        if encoded.trouble:
            raise RejectionError("unscorable", encoded.trouble)
        begin = len(request.left) + len(filler) - len(filler.lstrip())
        text = f"{request.left}{filler}{request.right}"
        positions, trouble = self._encoder.span(text, encoded, begin, begin + len(word))
        if trouble:
            raise RejectionError("unscorable", trouble)
        ids = self._ids(encoded.ids, encoded.added)
        if len(ids) == 1:
            raise RejectionError("unscorable", "one token, and none that texts begin with")
        number = table.ask(ids)

        def finish(results: Sequence[PassageResult]) -> FillScore:
            return FillScore(log_prob=results[number].log_prob, pieces=len(positions))

        return Question([number], finish)

    def _ids(self, ids: Sequence[int], added: Sequence[bool], more: int = 0) -> tuple[int, ...]:
        """The tokens of a text behind one that begins it, and none that ends it.

        There has to be room for so many more.
        """
        text = [i for i, special in zip(ids, added, strict=True) if not special]
        if self._encoder.unknown_id in text:
            detail = "the sentence holds characters that the model's vocabulary lacks"
            raise RejectionError("unscorable", detail)
        start = ids[0] if added and added[0] else self._start
        whole = (*(() if start is None else (start,)), *text)
        if len(whole) + more > self.max_length:
            detail = f"{len(whole) + more} pieces, the model takes {self.max_length}"
            raise RejectionError("too_long", detail)
        return whole
