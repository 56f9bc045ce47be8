"""The questions that metrics on request put to a model: the only file here that knows backends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from bias_audit.backends.base import Backend, require_support, score_all
from bias_audit.records import (
    EmbeddingRequest,
    FillRequest,
    Pooling,
    ProgressCallback,
    Prompt,
    SentenceRequest,
    Span,
    SpanRequest,
)

__all__ = ["Fill", "Hidden", "Pooling", "Sentence", "Span", "Vector", "ask", "fill", "hidden"]
__all__ += ["require", "sentence", "vector"]

Fill, Sentence, Hidden, Vector = FillRequest, SentenceRequest, SpanRequest, EmbeddingRequest
"""The kinds of questions: a word at the mask, the tokens of a sentence, a word while others are
hidden, a vector."""


def fill(prompt: Prompt) -> FillRequest:
    """Ask for a word at the masked place of its sentence."""
    return FillRequest(
        left=prompt.left, filler=prompt.filler or "", right=prompt.right, prompt=prompt
    )


def sentence(text: str) -> SentenceRequest:
    """Ask for the log-probability of every token of a sentence, within words left to right."""
    return SentenceRequest(text=text)


def hidden(text: str, word: Span, others: tuple[Span, ...]) -> SpanRequest:
    """Ask for a word of a sentence while other words of it are masked."""
    return SpanRequest(text=text, word=word, hidden=others)


def vector(text: str, pooling: Pooling, word: Span = (0, 0)) -> EmbeddingRequest:
    """Ask for the vector of a sentence, or of a word in it."""
    return EmbeddingRequest(text=text, pooling=pooling, word=word)


def require(backend: Backend, kinds: Iterable[type[Any]]) -> None:
    """Check that a backend can answer, before anything is scored.

    Raises:
        UsageError: it cannot.
    """
    require_support(backend, kinds)


def ask(
    backend: Backend, questions: Sequence[Any], progress: ProgressCallback | None = None
) -> tuple[Any, ...]:
    """Return the answers to some questions, in their order.

    Raises:
        UsageError: the backend cannot answer them.
        ScoringError: the model's output is not finite.
    """
    return tuple(score_all(backend, questions, progress=progress))
