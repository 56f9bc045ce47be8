"""What a request to a sentence encoder asks, in texts and their vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bias_audit.backends.request_batch import TextQuestion
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


def ask_cosine(request: Request[Any]) -> TextQuestion:
    """Return the texts of a request, and how their vectors, of length 1, make its answer."""
    if isinstance(request, CompletionRequest):
        nothing = CompletionScore(skip="not_applicable", detail=why_mute("similarity"))
        return TextQuestion((), nothing)
    if not isinstance(request, SimilarityRequest):
        raise TypeError(type(request).__name__)
    if not request.queries:
        raise ValueError("a sentence is compared with one query at least")
    return TextQuestion((request.text, *request.queries), _mean_cosine)


def _mean_cosine(vectors: Sequence[Floats]) -> FillScore:
    first, *others = vectors
    cosines = [float(first @ other) for other in others]
    mean = sum(cosines) / len(cosines)
    return FillScore(log_prob=min(max(mean, -1.0), 1.0), pieces=1)
