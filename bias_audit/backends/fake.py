"""Provide a stand-in model: instant, deterministic, without torch; for tests, docs, rehearsals."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bias_audit.records import (
    BlankRequest,
    BlankScore,
    CompletionRequest,
    CompletionScore,
    Embedding,
    EmbeddingRequest,
    FillRequest,
    FillScore,
    ModelInfo,
    ModifiedPair,
    ModifiedRequest,
    ModifiedScore,
    PairRequest,
    PairScore,
    ProgressCallback,
    Prompt,
    Request,
    SentenceRequest,
    SentenceScore,
    Span,
    SpanRequest,
    SpanScore,
)

Bias = Callable[[Prompt], float]
"""Nats to add to a prompt's score."""

WORDS = (
    *("doctor", "nurse", "teacher", "engineer", "lawyer", "clerk", "cook", "driver", "farmer"),
    *("writer", "soldier", "judge", "nanny", "pilot", "priest", "thief", "hero", "friend"),
)
_LABELS = ("probe", "template", "variant", "group", "term", "label", "target", "pole")
_UNLABELLED: dict[str, Any] = dict.fromkeys(_LABELS, "")


class FakeBackend:
    """Scores drawn from a hash of the words, plus the associations you plant.

    A word's score is ``-8 + u(word) + v(frame) + noise(both) + bias(prompt)`` nats, cut off at 0,
    where ``u`` and ``v`` lie in [-1, 1) and the noise in [-``noise``, ``noise``): word and frame
    effects cancel in a double difference, and only noise and bias remain. In whole sentences every
    word is one token, whose score depends on the word and on the sentence.

    Args:
        bias: Nats to add to each prompt's score. For an open prompt it is called once for
            each of ``words``, with that word as the filler. A function has no digest, so such a
            stand-in has no fingerprint and its scores are not cached.
        noise: Half the width of the noise, in nats, at least 0.
        words: The whole vocabulary for open prompts.
        unscorable: Words to answer with a skip.
    """

    def __init__(
        self,
        *,
        bias: Bias | None = None,
        noise: float = 0.1,
        words: Sequence[str] = WORDS,
        unscorable: Sequence[str] = (),
    ) -> None:
        self._bias = bias
        self._noise = noise
        self._unscorable = frozenset(unscorable)
        self.info = ModelInfo(
            name="fake",
            revision=None,
            fingerprint=_fingerprint(bias, noise, unscorable),
            tokenizer_digest=_digest("words", *words),
            kind="fake",
            architecture="FakeBackend",
            vocabulary_size=len(words),
            parameters=0,
            max_length=512,
            dtype="float64",
            device="cpu",
            notices=("scores come from a stand-in, not from a language model",),
            words=tuple(words),
        )

    @property
    def supports(self) -> frozenset[type[Request[Any]]]:
        """Every kind of request."""
        return frozenset({FillRequest, CompletionRequest, *_SENTENCES})

    def score(
        self,
        requests: Sequence[Request[Any]],
        *,
        skip: Container[int] = (),
        progress: ProgressCallback | None = None,
    ) -> Iterator[tuple[int, Any]]:
        """Answer each request, in order."""
        for number, request in enumerate(requests):
            if number not in skip:
                yield number, self._answer(request)
        if progress is not None and requests:
            progress(len(requests), len(requests))

    def _answer(self, request: Request[Any]) -> Any:
        if isinstance(request, FillRequest):
            return self._word(request)
        if isinstance(request, CompletionRequest):
            return self._completions(request)
        return _SENTENCES[type(request)](request)

    def _word(self, request: FillRequest) -> FillScore:
        word = request.filler.strip()
        if not word or word in self._unscorable:
            return FillScore(skip="unscorable", detail=f"no piece for {word!r}")
        return FillScore(log_prob=min(self._nats(_prompt(request, request.filler)), 0.0), pieces=1)

    def _completions(self, request: CompletionRequest) -> CompletionScore:
        words = self.info.words
        nats = np.array([self._nats(_prompt(request, word)) for word in words])
        shares = np.exp(nats - nats.max())
        shares /= shares.sum()
        best = np.argsort(-shares, kind="stable")[: request.top_k]
        top = tuple((words[i], float(shares[i])) for i in best)
        return CompletionScore(top=top, words=shares.astype(np.float32), word_mass=1.0)

    def _nats(self, prompt: Prompt) -> float:
        word, frame = prompt.filler or "", f"{prompt.left}\0{prompt.right}"
        planted = self._bias(prompt) if self._bias is not None else 0.0
        return -8.0 + _unit(word) + _unit(frame) + self._noise * _unit(word, frame) + planted


def _prompt(request: FillRequest | CompletionRequest, filler: str) -> Prompt:
    """The prompt behind a request, with a word; one without labels where nobody gave any."""
    prompt = request.prompt
    if prompt is not None and prompt.filler == filler:
        return prompt
    if prompt is not None:
        return replace(prompt, filler=filler)
    return Prompt(left=request.left, filler=filler, right=request.right, **_UNLABELLED)


def _fingerprint(bias: Bias | None, noise: float, unscorable: Sequence[str]) -> str:
    """Digest of what scores depend on; empty where there is none."""
    return "" if bias is not None else _digest("weights", str(noise), *sorted(set(unscorable)))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()


def _unit(*parts: str) -> float:
    """A number in [-1, 1) that depends on the text alone."""
    return int(_digest(*parts)[:13], 16) / 2**51 - 1.0


def _word_nats(word: str, text: str) -> float:
    """Log-probability of a word of a sentence, between -8 and -2."""
    digest = hashlib.sha256(f"{word}\0{text}".encode(errors="surrogatepass")).digest()
    return -2.0 - 6.0 * int.from_bytes(digest[:6], "big") / 2**48


def _sentence(request: SentenceRequest) -> SentenceScore:
    words = request.text.split()
    if not words:
        return SentenceScore(skip="unscorable", detail="the sentence is empty")
    values = np.array([_word_nats(word, f"{request.variant} {request.text}") for word in words])
    none, size = np.zeros(0), len(words)
    return SentenceScore(
        log_probs=values,
        words=np.arange(size),
        spans=np.array([match.span() for match in re.finditer(r"\S+", request.text)]),
        ranks=(np.ceil(np.exp(-values)) if request.ranks else none).astype(np.int64),
        best=np.full(size, -1.0) if request.ranks else none,
        attention=np.full(size, 1 / (size + 2)) if request.attention else none,
    )


def _pair(request: PairRequest) -> PairScore:
    """Sum over the words at the same position of both sentences."""
    first, second = request.first.split(), request.second.split()
    same = [n for n, (a, b) in enumerate(zip(first, second, strict=False)) if a == b]
    more = sum(_word_nats(first[n], request.first) for n in same)
    less = sum(_word_nats(second[n], request.second) for n in same)
    return PairScore(
        more=more, less=less, published_more=more, published_less=less, shared=len(same)
    )


def _modified_pair(request: ModifiedRequest) -> ModifiedPair:
    return ModifiedPair(
        first=_modified_side(request.first, request.second),
        second=_modified_side(request.second, request.first),
    )


def _modified_side(text: str, partner: str) -> ModifiedScore:
    """Mean over the words that the other sentence lacks."""
    words = [word for word in text.split() if word not in partner.split()]
    if not words:
        return ModifiedScore(skip="not_applicable", detail="no word of its own")
    mean = float(np.mean([_word_nats(word, text) for word in words]))
    return ModifiedScore(together=mean, together_block=mean, one_by_one=mean, pieces=len(words))


def _blank(request: BlankRequest) -> BlankScore:
    value = _word_nats(request.word, f"{request.left}{request.right}")
    return BlankScore(log_prob=value, pieces=1, published=float(np.exp(value)))


def _span(request: SpanRequest) -> SpanScore:
    begin, end = request.word
    frame = _without(request.text, (request.word, *request.hidden))
    value = _word_nats(request.text[begin:end], frame)
    return SpanScore(log_prob=value, outer=value, pieces=1)


def _without(text: str, spans: Iterable[Span]) -> str:
    """A text with a gap in place of each span."""
    for begin, end in sorted(spans, reverse=True):
        text = f"{text[:begin]}_{text[end:]}"
    return text


def _embedding(request: EmbeddingRequest) -> Embedding:
    """Eight numbers that depend on the text, or on the word alone."""
    begin, end = request.word
    text = request.text[begin:end] if request.pooling == "word" else request.text
    return Embedding(values=np.array([_word_nats(text, str(n)) + 5 for n in range(8)]))


_SENTENCES: dict[type[Request[Any]], Callable[[Any], Any]] = {
    SentenceRequest: _sentence,
    PairRequest: _pair,
    ModifiedRequest: _modified_pair,
    BlankRequest: _blank,
    SpanRequest: _span,
    EmbeddingRequest: _embedding,
}
