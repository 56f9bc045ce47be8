"""Requests of one call, each answered once all queries that it waits for are done."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import (
    Callable,
    Collection,
    Container,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from functools import partial
from typing import Any, NamedTuple

from bias_audit.records import Answer, FillScore, ProgressCallback, Request, SkipReason

Finalizer = Callable[[Sequence[Any]], Any]
"""From the results of all queries to the response."""


class RejectionError(Exception):
    """A request cannot be scored."""

    def __init__(self, skip: SkipReason, detail: str) -> None:
        super().__init__(detail)
        self.skip, self.detail = skip, detail

    @property
    def score(self) -> FillScore:
        """The answer in place of a score."""
        return FillScore(skip=self.skip, detail=self.detail)


class Question(NamedTuple):
    """A request in terms of queries."""

    queries: Collection[int]
    """Numbers of the queries that it waits for; none where it is rejected."""
    finish: Finalizer


Plan = Callable[[Sequence[Request[Any]]], tuple[list[Any], list[Question]]]
"""From requests to distinct queries, and how each request is answered from their results."""


class RequestBatch:
    """Requests of one call; equal ones are asked once.

    Args:
        requests: those of the call, skipped ones too: batches are planned over all.
        numbers: of the requests in this batch.
        skip: numbers of requests that are not answered.
        plan: turns them into queries.
    """

    def __init__(
        self,
        requests: Sequence[Request[Any]],
        numbers: Iterable[int],
        skip: Container[int],
        plan: Plan,
    ) -> None:
        index: dict[Request[Any], int] = {}
        self._numbers: list[list[int]] = []
        """Numbers to answer, by question."""
        for number in numbers:
            at = index.setdefault(requests[number], len(index))
            if at == len(self._numbers):
                self._numbers.append([])
            if number not in skip:
                self._numbers[at].append(number)
        self.queries, self._questions = plan(list(index))
        self._waiting = [len(set(question.queries)) for question in self._questions]
        self._askers: dict[int, list[int]] = {}
        for number, question in enumerate(self._questions):
            if self._numbers[number]:
                for query in set(question.queries):
                    self._askers.setdefault(query, []).append(number)

    @property
    def open_queries(self) -> Container[int]:
        """Queries that a response waits for."""
        return self._askers

    def rejections(self) -> Iterator[tuple[int, Any]]:
        """Yield the responses to requests that no query can answer, by number."""
        for number, waiting in enumerate(self._waiting):
            if not waiting:
                yield from self._answer(number, ())

    def answers(self, queries: Iterable[int], results: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """Yield the responses to requests that waited for these queries only, by number."""
        for query in queries:
            for number in self._askers.get(query, ()):
                self._waiting[number] -= 1
                if not self._waiting[number]:
                    yield from self._answer(number, results)

    def _answer(self, number: int, results: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        if self._numbers[number]:
            answer = self._questions[number].finish(results)
            for request in self._numbers[number]:
                yield request, answer


def keep_answer(answer: Any, _: Sequence[Any]) -> Any:
    """Return an answer that waits for no query."""
    return answer


class TextQuestion(NamedTuple):
    """A request in terms of whole texts."""

    texts: tuple[str, ...]
    answer: Answer | Finalizer
    """From the results of these texts, in this order; an answer where they are not needed."""


class TextReader(ABC):
    """A model that reads whole texts, each distinct one once."""

    @abstractmethod
    def _ask(self, request: Request[Any]) -> TextQuestion:
        """The texts whose results answer a request."""

    @abstractmethod
    def _prepare(self, texts: Sequence[str]) -> Mapping[str, Any | RejectionError]:
        """What the model reads for each text, or why it cannot."""

    @abstractmethod
    def _read(self, rows: Sequence[Any], needed: Container[int]) -> Iterator[dict[int, Any]]:
        """The results of what is needed of it, batch by batch, by number."""

    def score(
        self,
        requests: Sequence[Request[Any]],
        *,
        skip: Container[int] = (),
        progress: ProgressCallback | None = None,
    ) -> Iterator[tuple[int, Any]]:
        """Answer each request, batch by batch; every text is read once.

        Raises:
            ScoringError: a result is not finite, or the model cannot read a text.
        """
        batch = RequestBatch(requests, range(len(requests)), skip, self._plan)
        yield from batch.rejections()
        results: list[Any] = [None] * len(batch.queries)
        done = 0
        for texts in self._read(batch.queries, batch.open_queries):
            for number, result in texts.items():
                results[number] = result
            done += len(texts)
            if progress is not None:
                progress(len(requests) * done // len(results), len(requests))
            yield from batch.answers(texts, results)

    def _plan(self, requests: Sequence[Request[Any]]) -> tuple[list[Any], list[Question]]:
        asked = [self._ask(request) for request in requests]
        prepared = self._prepare([*dict.fromkeys(text for one in asked for text in one.texts)])
        fine = [text for text, row in prepared.items() if not isinstance(row, RejectionError)]
        numbers = {text: number for number, text in enumerate(fine)}

        def question(one: TextQuestion) -> Question:
            finish = one.answer
            for text in one.texts:
                if isinstance(lost := prepared[text], RejectionError):
                    finish = lost.score
                    break
            if isinstance(finish, Answer):
                return Question((), partial(keep_answer, finish))
            queries = [numbers[text] for text in one.texts]
            return Question(queries, lambda results: finish([results[n] for n in queries]))

        return [prepared[text] for text in fine], [question(one) for one in asked]
