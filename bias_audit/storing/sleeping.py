"""A model that is opened only when somebody asks it what is not kept."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from bias_audit.errors import ModelLoadError
from bias_audit.records import ModelInfo, OpenScore, ProgressCallback, Prompt, WordScore
from bias_audit.scoring.base import PartwiseBackend, SentenceBackend
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
from bias_audit.storing.facts import same


class Sleeping:
    """A masked language model whose facts are known.

    Args:
        info: what it says of itself.
        words: its words.
        wake: opens it.
    """

    def __init__(self, info: ModelInfo, words: tuple[str, ...], wake: Callable[[], Any]) -> None:
        self.info = info
        self.words = words
        self._wake = wake
        self._opened: Any = None

    @property
    def awake(self) -> bool:
        """Whether the model was opened."""
        return self._opened is not None

    def fill_mask(
        self,
        prompts: Sequence[Prompt],
        *,
        top_k: int = 10,
        progress: ProgressCallback | None = None,
    ) -> list[WordScore | OpenScore]:
        """Open the model and ask it."""
        return self.model().fill_mask(prompts, top_k=top_k, progress=progress)

    def fill_parts(
        self,
        prompts: Sequence[Prompt],
        *,
        known: Container[int] = (),
        top_k: int = 10,
        progress: ProgressCallback | None = None,
    ) -> Iterator[Mapping[int, WordScore | OpenScore]]:
        """Open the model and ask it part by part."""
        return self.model().fill_parts(prompts, known=known, top_k=top_k, progress=progress)

    def pseudo_log_likelihood(self, sentences: Sequence[str]) -> list[tuple[float, int]]:
        """Open the model and ask it."""
        return self.model().pseudo_log_likelihood(sentences)

    def sentence_scorer(self) -> SleepingSentences:
        """The same model, asked about sentences, which opens it."""
        return SleepingSentences(self)

    def model(self) -> PartwiseBackend:
        """Open the model, if nobody has yet.

        Raises:
            ModelLoadError: it cannot be loaded, or is another one than before.
        """
        if self._opened is None:
            found = self._wake()
            if not same(found.info, self.info) or found.words != self.words:
                raise ModelLoadError(
                    f"the files of '{self.info.name}' changed while the run went on",
                    hint="run again",
                )
            self._opened = found
        return cast(PartwiseBackend, self._opened)


class SleepingSentences:
    """Asks a sleeping model about sentences."""

    def __init__(self, sleeping: Sleeping) -> None:
        self._sleeping = sleeping

    def _scorer(self) -> Any:
        return cast(SentenceBackend, self._sleeping.model()).sentence_scorer()

    def pairs(
        self, pairs: Iterable[tuple[str, str]], *, progress: ProgressCallback | None = None
    ) -> Iterator[PairScore]:
        """Score both sentences of each pair on the pieces that they share."""
        yield from self._scorer().pairs(pairs, progress=progress)

    def modified(
        self, pairs: Iterable[tuple[str, str]], *, progress: ProgressCallback | None = None
    ) -> Iterator[tuple[ModifiedScore, ModifiedScore]]:
        """Score the pieces that the sentences of each pair do not share."""
        yield from self._scorer().modified(pairs, progress=progress)

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
        yield from self._scorer().pieces(
            sentences, variant=variant, ranks=ranks, attention=attention, progress=progress
        )

    def unmasked(
        self,
        sentences: Iterable[str],
        *,
        attention: bool = False,
        progress: ProgressCallback | None = None,
    ) -> Iterator[PieceScores]:
        """Score every piece of each sentence with nothing masked; ranks included."""
        yield from self._scorer().unmasked(sentences, attention=attention, progress=progress)

    def fills(
        self,
        blanks: Iterable[tuple[str, str, str]],
        *,
        progress: ProgressCallback | None = None,
    ) -> Iterator[FillScore]:
        """Score the word between the text before it and the text after it."""
        yield from self._scorer().fills(blanks, progress=progress)

    def slots(
        self, questions: Iterable[SlotQuestion], *, progress: ProgressCallback | None = None
    ) -> Iterator[SlotScore]:
        """Score the word of each question while others are masked."""
        yield from self._scorer().slots(questions, progress=progress)

    def embed(
        self, questions: Iterable[VectorQuestion], *, progress: ProgressCallback | None = None
    ) -> Iterator[Vector]:
        """Turn each question into a vector."""
        yield from self._scorer().embed(questions, progress=progress)
