"""What a scoring backend is: the border between the audit and a language model."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

from bias_audit.records import ModelInfo, OpenScore, ProgressCallback, Prompt, WordScore
from bias_audit.sentence_scores import (
    FillScore,
    ModifiedScore,
    PairScore,
    PieceScores,
    SlotQuestion,
    SlotScore,
    Variant,
    Vector,
    VectorQuestion,
)


@runtime_checkable
class Backend(Protocol):
    """A masked language model that answers prompts.

    Implementations are deterministic: the answer to a prompt does not depend on its neighbours,
    its place in the list or the batch size (within 1e-5 nats in float32).
    """

    @property
    def info(self) -> ModelInfo:
        """Name, digests, size and limits of the model."""
        ...

    @property
    def words(self) -> tuple[str, ...]:
        """The vocabulary pieces that start a word and are alphabetic, in id order.

        The axis of ``OpenScore.words``.
        """
        ...

    def fill_mask(
        self,
        prompts: Sequence[Prompt],
        *,
        top_k: int = 10,
        progress: ProgressCallback | None = None,
    ) -> list[WordScore | OpenScore]:
        """Score each prompt, in the order given.

        A prompt with a filler gets a :class:`WordScore` (within-word left-to-right log-probability
        of the filler at the masked place, encoded in context); an open prompt gets an
        :class:`OpenScore`. What cannot be scored (``unscorable``, ``too_long``) is answered with a
        reason, never raised.
        """
        ...

    def pseudo_log_likelihood(self, sentences: Sequence[str]) -> list[tuple[float, int]]:
        """Sum over each sentence's pieces of log P(piece | all others), and the number of pieces.

        ``original`` variant of Salazar et al. 2020 (one piece masked at a time), nats. A sentence
        that cannot be scored (empty, too long, spelling out special tokens) gets ``(nan, 0)``.
        """
        ...


@runtime_checkable
class PartwiseBackend(Backend, Protocol):
    """A backend that hands out scores while it works, so that they can be kept."""

    def fill_parts(
        self,
        prompts: Sequence[Prompt],
        *,
        known: Container[int] = (),
        top_k: int = 10,
        progress: ProgressCallback | None = None,
    ) -> Iterator[Mapping[int, WordScore | OpenScore]]:
        """Score prompts part by part, and yield what is done by the prompts' numbers.

        Nobody needs the scores of the prompts numbered in ``known``; the others get the scores
        that they would get if nothing was known.
        """
        ...


@runtime_checkable
class SentenceScoring(Protocol):
    """Scores whole sentences, pairs of them and blanks, for published data sets.

    Each method yields its answers in the order given and takes endless iterables: what is held at
    once does not grow with them.
    """

    def pairs(
        self, pairs: Iterable[tuple[str, str]], *, progress: ProgressCallback | None = None
    ) -> Iterator[PairScore]:
        """Score both sentences of each pair on the pieces that they share."""
        ...

    def modified(
        self, pairs: Iterable[tuple[str, str]], *, progress: ProgressCallback | None = None
    ) -> Iterator[tuple[ModifiedScore, ModifiedScore]]:
        """Score the pieces that the sentences of each pair do not share."""
        ...

    def pieces(
        self,
        sentences: Iterable[str],
        *,
        variant: Variant = "word_l2r",
        ranks: bool = False,
        attention: bool = False,
        progress: ProgressCallback | None = None,
    ) -> Iterator[PieceScores]:
        """Score every piece of each sentence, masked."""
        ...

    def unmasked(
        self,
        sentences: Iterable[str],
        *,
        attention: bool = False,
        progress: ProgressCallback | None = None,
    ) -> Iterator[PieceScores]:
        """Score every piece of each sentence with nothing masked; ranks included."""
        ...

    def fills(
        self,
        blanks: Iterable[tuple[str, str, str]],
        *,
        progress: ProgressCallback | None = None,
    ) -> Iterator[FillScore]:
        """Score the word between the text before it and the text after it."""
        ...


@runtime_checkable
class SentenceBackend(Backend, Protocol):
    """A backend that scores whole sentences too."""

    def sentence_scorer(self) -> SentenceScoring:
        """The same model, asked about sentences."""
        ...


@runtime_checkable
class SlotScoring(Protocol):
    """Scores a word while other words of its sentence are hidden: the word's prior."""

    def slots(
        self, questions: Iterable[SlotQuestion], *, progress: ProgressCallback | None = None
    ) -> Iterator[SlotScore]:
        """Score the word of each question, in the order given."""
        ...


@runtime_checkable
class Embedding(Protocol):
    """Turns words and sentences into the model's own vectors."""

    def embed(
        self, questions: Iterable[VectorQuestion], *, progress: ProgressCallback | None = None
    ) -> Iterator[Vector]:
        """Answer each question, in the order given."""
        ...
