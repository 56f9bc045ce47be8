"""A stand-in that scores sentences by hashing their words; for tests, docs and rehearsals."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import TypeVar

import numpy as np

from bias_audit.records import ProgressCallback
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

T = TypeVar("T")


class FakeSentenceScorer:
    """Every word is one piece; its score depends on the word and on the whole sentence."""

    def pairs(
        self, pairs: Iterable[tuple[str, str]], *, progress: ProgressCallback | None = None
    ) -> Iterator[PairScore]:
        """Sum over the words that stand at the same place in both sentences."""
        for one, other in _told(pairs, progress):
            first, second = one.split(), other.split()
            same = [n for n, (a, b) in enumerate(zip(first, second, strict=False)) if a == b]
            more = sum(_nats(first[n], one) for n in same)
            less = sum(_nats(second[n], other) for n in same)
            yield PairScore(
                more=more, less=less, published_more=more, published_less=less, shared=len(same)
            )

    def modified(
        self, pairs: Iterable[tuple[str, str]], *, progress: ProgressCallback | None = None
    ) -> Iterator[tuple[ModifiedScore, ModifiedScore]]:
        """Mean over the words that the other sentence lacks."""
        for one, other in _told(pairs, progress):
            yield _changed(one, other), _changed(other, one)

    def pieces(
        self,
        sentences: Iterable[str],
        *,
        variant: Variant = "word_l2r",
        ranks: bool = False,
        attention: bool = False,
        progress: ProgressCallback | None = None,
    ) -> Iterator[PieceScores]:
        """Score every word."""
        for text in _told(sentences, progress):
            yield _scored(text, variant, ranks=ranks, attention=attention)

    def unmasked(
        self,
        sentences: Iterable[str],
        *,
        attention: bool = False,
        progress: ProgressCallback | None = None,
    ) -> Iterator[PieceScores]:
        """Score every word, as if it could be seen."""
        for text in _told(sentences, progress):
            yield _scored(text, "unmasked", ranks=True, attention=attention)

    def fills(
        self,
        blanks: Iterable[tuple[str, str, str]],
        *,
        progress: ProgressCallback | None = None,
    ) -> Iterator[FillScore]:
        """Score the words in the blanks."""
        for left, word, right in _told(blanks, progress):
            value = _nats(word, f"{left}{right}")
            yield FillScore(log_prob=value, pieces=1, published=float(np.exp(value)))

    def slots(
        self, questions: Iterable[SlotQuestion], *, progress: ProgressCallback | None = None
    ) -> Iterator[SlotScore]:
        """Score the word in a sentence without the hidden words."""
        for asked in _told(questions, progress):
            begin, end = asked.word
            rest = _without(asked.text, (asked.word, *asked.hidden))
            value = _nats(asked.text[begin:end], rest)
            yield SlotScore(log_prob=value, outer=value, pieces=1)

    def embed(
        self, questions: Iterable[VectorQuestion], *, progress: ProgressCallback | None = None
    ) -> Iterator[Vector]:
        """Eight numbers that depend on what is asked about."""
        for asked in _told(questions, progress):
            begin, end = asked.word
            about = asked.text[begin:end] if asked.pooling == "word" else asked.text
            yield Vector(values=np.array([_nats(about, str(n)) + 5 for n in range(8)]))


def _without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """A text with a gap in place of each span."""
    for begin, end in sorted(spans, reverse=True):
        text = f"{text[:begin]}_{text[end:]}"
    return text


def _told(items: Iterable[T], progress: ProgressCallback | None) -> Iterator[T]:
    done = 0
    for done, item in enumerate(items, 1):  # noqa: B007
        yield item
    if progress is not None and done:
        progress(done, done)


def _nats(word: str, text: str) -> float:
    """Between -8 and -2."""
    digest = hashlib.sha256(f"{word}\0{text}".encode(errors="surrogatepass")).digest()
    return -2.0 - 6.0 * int.from_bytes(digest[:6], "big") / 2**48


def _changed(text: str, partner: str) -> ModifiedScore:
    words = [word for word in text.split() if word not in partner.split()]
    if not words:
        return ModifiedScore(skip="not_applicable", detail="no word of its own")
    mean = float(np.mean([_nats(word, text) for word in words]))
    return ModifiedScore(together=mean, together_block=mean, one_by_one=mean, pieces=len(words))


def _scored(text: str, salt: str, *, ranks: bool, attention: bool) -> PieceScores:
    words = text.split()
    if not words:
        return PieceScores(skip="unscorable", detail="the sentence is empty")
    values = np.array([_nats(word, f"{salt} {text}") for word in words])
    none = np.zeros(0)
    return PieceScores(
        log_probs=values,
        words=np.arange(len(words)),
        spans=np.array([found.span() for found in re.finditer(r"\S+", text)]),
        ranks=(np.ceil(np.exp(-values)) if ranks else none).astype(np.int64),
        best=np.full(len(words), -1.0) if ranks else none,
        attention=np.full(len(words), 1 / (len(words) + 2)) if attention else none,
    )
