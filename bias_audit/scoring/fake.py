"""A stand-in model: instant, deterministic, without torch; for tests, docs and rehearsals."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from bias_audit.records import (
    ModelInfo,
    OpenScore,
    ProgressCallback,
    Prompt,
    WordScore,
)
from bias_audit.scoring.fake_sentences import FakeSentenceScorer

Bias = Callable[[Prompt], float]
"""Nats to add to a prompt's score."""

WORDS = (
    *("doctor", "nurse", "teacher", "engineer", "lawyer", "clerk", "cook", "driver", "farmer"),
    *("writer", "soldier", "judge", "nanny", "pilot", "priest", "thief", "hero", "friend"),
)


class FakeBackend:
    """Scores drawn from a hash of the words, plus the associations you plant.

    A word's score is ``-8 + u(word) + v(frame) + noise(both) + bias(prompt)`` nats, cut off at 0,
    where ``u`` and ``v`` lie in [-1, 1) and the noise in [-``noise``, ``noise``): word and frame
    effects cancel in a double difference, and only noise and bias remain.

    Args:
        bias: Nats to add to each prompt's score. For an open prompt it is called once for
            each of ``words``, with that word as the filler. A function has no digest, so such a
            stand-in has no fingerprint and its scores are not kept.
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
        self.words = tuple(words)
        self._bias = bias
        self._noise = noise
        self._unscorable = frozenset(unscorable)
        self.info = ModelInfo(
            name="fake",
            revision=None,
            fingerprint=_fingerprint(bias, noise, unscorable),
            tokenizer_digest=_digest("words", *self.words),
            kind="fake",
            architecture="FakeBackend",
            vocabulary_size=len(self.words),
            parameters=0,
            max_length=512,
            dtype="float64",
            device="cpu",
            notices=("scores come from a stand-in, not from a language model",),
        )

    def fill_mask(
        self,
        prompts: Sequence[Prompt],
        *,
        top_k: int = 10,
        progress: ProgressCallback | None = None,
    ) -> list[WordScore | OpenScore]:
        """Score each prompt, in the order given."""
        scores = [self._word(p) if p.filler is not None else self._open(p, top_k) for p in prompts]
        if progress is not None and prompts:
            progress(len(prompts), len(prompts))
        return scores

    def pseudo_log_likelihood(self, sentences: Sequence[str]) -> list[tuple[float, int]]:
        """Minus two nats a word, give or take one; ``(nan, 0)`` for an empty sentence."""
        return [
            (sum(-2.0 + _unit(word, text) for word in text.split()), len(text.split()))
            if text.strip()
            else (math.nan, 0)
            for text in sentences
        ]

    def sentence_scorer(self) -> FakeSentenceScorer:
        """A stand-in for whole sentences."""
        return FakeSentenceScorer()

    def _word(self, prompt: Prompt) -> WordScore:
        word = (prompt.filler or "").strip()
        if not word or word in self._unscorable:
            return WordScore(
                log_prob=None, pieces=0, skip="unscorable", detail=f"no piece for {word!r}"
            )
        return WordScore(log_prob=min(self._nats(prompt), 0.0), pieces=1)

    def _open(self, prompt: Prompt, top_k: int) -> OpenScore:
        nats = np.array([self._nats(replace(prompt, filler=word)) for word in self.words])
        shares = np.exp(nats - nats.max())
        shares /= shares.sum()
        best = np.argsort(-shares, kind="stable")[:top_k]
        top = tuple((self.words[i], float(shares[i])) for i in best)
        return OpenScore(top=top, words=shares.astype(np.float32), word_mass=1.0)

    def _nats(self, prompt: Prompt) -> float:
        word, frame = prompt.filler or "", f"{prompt.left}\0{prompt.right}"
        planted = self._bias(prompt) if self._bias is not None else 0.0
        return -8.0 + _unit(word) + _unit(frame) + self._noise * _unit(word, frame) + planted


def _fingerprint(bias: Bias | None, noise: float, unscorable: Sequence[str]) -> str:
    """Digest of what scores depend on; empty where that cannot be told."""
    return "" if bias is not None else _digest("weights", str(noise), *sorted(set(unscorable)))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()


def _unit(*parts: str) -> float:
    """A number in [-1, 1) that depends on the text alone."""
    return int(_digest(*parts)[:13], 16) / 2**51 - 1.0
