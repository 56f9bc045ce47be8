"""Requests of one call, each answered once all queries that it waits for are done."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from bias_audit.records import Request, SkipReason

Finalizer = Callable[[Sequence[Any]], Any]
"""From the results of all queries to the response."""


class RejectionError(Exception):
    """A request cannot be scored."""

    def __init__(self, skip: SkipReason, detail: str) -> None:
        super().__init__(detail)
        self.skip, self.detail = skip, detail


class Question(NamedTuple):
    """A request in terms of queries."""

    queries: Collection[int]
    """Numbers of the queries that it waits for; none where it is rejected."""
    finish: Finalizer


class QuestionPlanner(Protocol):
    """Turns requests into the queries of one kind of model."""

    def plan(self, requests: Sequence[Request[Any]]) -> tuple[list[Any], list[Question]]:
        """Return distinct queries, and how each request is answered from their results."""
        ...


class RequestBatch:
    """Requests of one call; equal ones are asked once.

    Args:
        requests: those of the call, skipped ones too: batches are planned over all.
        numbers: of the requests in this batch.
        skip: numbers of requests that are not answered.
        planner: turns them into queries.
    """

    def __init__(
        self,
        requests: Sequence[Request[Any]],
        numbers: Iterable[int],
        skip: Container[int],
        planner: QuestionPlanner,
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
        self.queries, self._questions = planner.plan(list(index))
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
