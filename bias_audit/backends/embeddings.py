"""Turn requests to a sentence encoder into texts, and their vectors into responses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from bias_audit.backends.request_batch import Question, RejectionError, keep_answer
from bias_audit.records import (
    CompletionRequest,
    CompletionScore,
    FillScore,
    Request,
    SimilarityRequest,
)
from bias_audit.utils.arrays import Floats
from bias_audit.utils.readings import why_mute

SUPPORTS: frozenset[type[Request[Any]]] = frozenset({SimilarityRequest, CompletionRequest})
"""The kinds of requests that a sentence encoder answers."""


class EmbeddingPlanner:
    """Requests in the terms of one encoder.

    Args:
        prepare: the pieces of each text, or why it cannot be read.
    """

    def __init__(
        self,
        prepare: Callable[[Sequence[str]], Mapping[str, tuple[int, ...] | RejectionError]],
    ) -> None:
        self._prepare = prepare

    def plan(
        self, requests: Sequence[Request[Any]]
    ) -> tuple[list[tuple[int, ...]], list[Question]]:
        """Prepare every distinct text once: sentences and queries alike."""
        asked = [one for one in requests if isinstance(one, SimilarityRequest)]
        texts = dict.fromkeys(text for one in asked for text in (one.text, *one.queries))
        prepared = self._prepare([*texts])
        numbers: dict[str, int] = {}
        rows: list[tuple[int, ...]] = []
        for text, ids in prepared.items():
            if not isinstance(ids, RejectionError):
                numbers[text] = len(rows)
                rows.append(ids)
        return rows, [_question(request, prepared, numbers) for request in requests]


def _question(
    request: Request[Any],
    prepared: Mapping[str, tuple[int, ...] | RejectionError],
    numbers: Mapping[str, int],
) -> Question:
    if isinstance(request, CompletionRequest):
        nothing = CompletionScore(skip="not_applicable", detail=why_mute("similarity"))
        return Question((), partial(keep_answer, nothing))
    if not isinstance(request, SimilarityRequest):
        raise TypeError(type(request).__name__)
    if not request.queries:
        raise ValueError("a sentence is compared with one query at least")
    for text in (request.text, *request.queries):
        trouble = prepared[text]
        if isinstance(trouble, RejectionError):
            lost = FillScore(skip=trouble.skip, detail=trouble.detail)
            return Question((), partial(keep_answer, lost))
    first = numbers[request.text]
    others = [numbers[query] for query in request.queries]

    def finish(results: Sequence[Floats]) -> FillScore:
        cosines = [float(results[first] @ results[n]) for n in others]
        mean = sum(cosines) / len(cosines)
        return FillScore(log_prob=min(max(mean, -1.0), 1.0), pieces=1)

    return Question([first, *others], finish)
