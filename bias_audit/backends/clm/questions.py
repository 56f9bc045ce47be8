"""Turn requests into passages, and their scores into responses; no tensors here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bias_audit.backends.hf.tokenization import Encoder, Encoding
from bias_audit.backends.request_batch import Question, RejectionError, keep_answer
from bias_audit.records import CompletionRequest, CompletionScore, FillRequest, FillScore, Request

NOT_LAST = (
    "read as continuation, a model completes what stands before the mask, and here words follow"
)


@dataclass(slots=True)
class Passage:
    """A text that the model reads from left to right."""

    ids: tuple[int, ...]
    """Its tokens, with one that every text begins with."""
    lists: frozenset[int] = frozenset()
    """The word lists over which the distribution after the passage is asked for."""


@dataclass(slots=True)
class PassageResult:
    """What is known of a passage."""

    log_prob: float = 0.0
    """Of its tokens, each after all before it; the first token has none."""
    top: tuple[tuple[int, float], ...] = ()
    """The most likely tokens after it and their probabilities, best first."""
    words: dict[int, tuple[NDArray[np.float32], float]] = field(default_factory=dict)
    """The distribution over whole words after it and their probability together, by word list."""


class PassageTable:
    """Distinct passages in the order they were first asked for."""

    def __init__(self) -> None:
        self.passages: list[Passage] = []
        self._index: dict[tuple[tuple[int, ...], bool], int] = {}

    def ask(self, ids: tuple[int, ...]) -> int:
        """Ask for the probability of a passage."""
        return self._number(ids, is_open=False)

    def ask_open(self, ids: tuple[int, ...], word_list: int) -> int:
        """Ask for the distribution of what follows a passage."""
        number = self._number(ids, is_open=True)
        self.passages[number].lists |= {word_list}
        return number

    def _number(self, ids: tuple[int, ...], *, is_open: bool) -> int:
        number = self._index.setdefault((ids, is_open), len(self.passages))
        if number == len(self.passages):
            self.passages.append(Passage(ids))
        return number


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
        self._max_length = max_length

    def plan(self, requests: Sequence[Request[Any]]) -> tuple[list[Passage], list[Question]]:
        """Encode every distinct text once and ask for the passages that the requests need."""
        table = PassageTable()
        texts = [self._text(request) for request in requests]
        encodings = self._encoder.encode(texts)
        questions = []
        for request, text in zip(requests, texts, strict=True):
            plan, refuse = _PLANS[type(request)]
            try:
                questions.append(plan(self, request, table, encodings[text]))
            except RejectionError as error:
                answer = refuse(skip=error.skip, detail=error.detail)
                questions.append(Question((), partial(keep_answer, answer)))
        return table.passages, questions

    def _text(self, request: Request[Any]) -> str:
        match request:
            case FillRequest(left=left, filler=word, right=right):
                return f"{left}{word}{right}"
            case CompletionRequest(left=left):
                return self._encoder.gap_text(left, "")
        raise TypeError(type(request).__name__)

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

    def _completion(
        self, request: CompletionRequest, table: PassageTable, encoded: Encoding
    ) -> Question:
        if any(character.isalnum() for character in request.right):
            raise RejectionError("not_applicable", NOT_LAST)
        gap = self._encoder.gap(request.left, "", encoded)
        if gap.trouble:
            raise RejectionError("unscorable", gap.trouble)
        before = gap.ids[: gap.position]
        ids = self._ids(before, encoded.added[: gap.position])
        if not ids:
            raise RejectionError("unscorable", "nothing stands before the mask")
        number = table.ask_open(ids, gap.list)

        def finish(results: Sequence[PassageResult]) -> CompletionScore:
            words, mass = results[number].words[gap.list]
            top = results[number].top[: request.top_k]
            return CompletionScore(
                top=tuple((self._encoder.completion(token), p) for token, p in top),
                words=words,
                word_mass=mass,
            )

        return Question([number], finish)

    def _ids(self, ids: Sequence[int], added: Sequence[bool]) -> tuple[int, ...]:
        """The tokens of a text behind one that begins it, and none that ends it."""
        text = [i for i, special in zip(ids, added, strict=True) if not special]
        if self._encoder.unknown_id in text:
            detail = "the sentence holds characters that the model's vocabulary lacks"
            raise RejectionError("unscorable", detail)
        start = ids[0] if added and added[0] else self._start
        whole = (*(() if start is None else (start,)), *text)
        if len(whole) > self._max_length:
            detail = f"{len(whole)} pieces, the model takes {self._max_length}"
            raise RejectionError("too_long", detail)
        return whole


_PLANS: dict[type[Request[Any]], tuple[Callable[..., Question], Callable[..., Any]]] = {
    FillRequest: (Planner._fill, FillScore),
    CompletionRequest: (Planner._completion, CompletionScore),
}
"""How to plan each kind of request, and the answer that says why it cannot be."""
SUPPORTS = frozenset(_PLANS)
"""The kinds of requests that a causal language model answers."""
