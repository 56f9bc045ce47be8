"""The questions that metrics on request put to a model: the only file here that knows backends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bias_audit.errors import UsageError
from bias_audit.records import ProgressCallback, Prompt
from bias_audit.scoring.base import (
    Backend,
    Embedding,
    SentenceBackend,
    SentenceScoring,
    SlotScoring,
)
from bias_audit.sentence_scores import SlotQuestion, VectorQuestion

Pooling = Literal["first", "mean", "word"]
"""How a vector is taken: the state at the first position, the mean over all, or over a word."""
Span = tuple[int, int]
"""First character of a word, and the character after its last."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SentenceQuestion:
    """A sentence to score token by token, within words from left to right."""

    text: str


Fill, Sentence, Hidden, Vector = Prompt, SentenceQuestion, SlotQuestion, VectorQuestion
"""The kinds of questions: a word at the mask, the tokens of a sentence, a word while others are
hidden, a vector."""


def fill(prompt: Prompt) -> Prompt:
    """Ask for a word at the masked place of its sentence."""
    return prompt


def sentence(text: str) -> SentenceQuestion:
    """Ask for the log-probability of every token of a sentence."""
    return SentenceQuestion(text=text)


def hidden(text: str, word: Span, others: tuple[Span, ...]) -> SlotQuestion:
    """Ask for a word of a sentence while other words of it are masked."""
    return SlotQuestion(text=text, word=word, hidden=others)


def vector(text: str, pooling: Pooling, word: Span = (0, 0)) -> VectorQuestion:
    """Ask for the vector of a sentence, or of a word in it."""
    return VectorQuestion(text=text, pooling=pooling, word=word)


def require(backend: Backend, kinds: Iterable[type]) -> None:
    """Check that a backend can answer, before anything is scored.

    Raises:
        UsageError: it cannot.
    """
    for kind in kinds:
        if kind is not Fill:
            _scorer(backend, kind)


def ask(
    backend: Backend, questions: Sequence[Any], progress: ProgressCallback | None = None
) -> tuple[Any, ...]:
    """Return the answers to questions of one kind, in their order.

    Raises:
        UsageError: the backend cannot answer them.
        ScoringError: the model's output is not finite.
    """
    if not questions:
        return ()
    kind = type(questions[0])
    if kind is Fill:
        return tuple(backend.fill_mask(questions, progress=progress))
    scorer = _scorer(backend, kind)
    if kind is Sentence:
        texts = [question.text for question in questions]
        return tuple(scorer.pieces(texts, progress=progress))
    if kind is Hidden and isinstance(scorer, SlotScoring):
        return tuple(scorer.slots(questions, progress=progress))
    if isinstance(scorer, Embedding):
        return tuple(scorer.embed(questions, progress=progress))
    raise TypeError(f"no backend answers questions of the kind {kind.__name__}")


def _scorer(backend: Backend, kind: type) -> SentenceScoring:
    if not isinstance(backend, SentenceBackend):
        raise _lacks(backend, "sentence_scorer")
    scorer = backend.sentence_scorer()
    if kind is Hidden and not isinstance(scorer, SlotScoring):
        raise _lacks(backend, "sentence_scorer().slots")
    if kind is Vector and not isinstance(scorer, Embedding):
        raise _lacks(backend, "sentence_scorer().embed")
    return scorer


def _lacks(backend: Backend, method: str) -> UsageError:
    return UsageError(
        f"{type(backend).__name__} has no {method}, which a measure on request needs",
        hint="leave that measure out, or see bias_audit.scoring.base for what it has to answer",
    )
