"""A sentence encoder without a model: cosines from a hash, plus what a test plants."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from hashlib import sha256
from typing import Any

from bias_audit.backends.embeddings import SUPPORTS
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.records import (
    CompletionRequest,
    CompletionScore,
    FillScore,
    ModelInfo,
    ProgressCallback,
    Request,
)
from bias_audit.utils.readings import why_mute

Plant = Callable[[str, str], float]
"""A cosine to add, from a sentence and the first query."""


def noise(*texts: str) -> float:
    """A number in [-1, 1) that belongs to some texts."""
    return int(sha256("\n".join(texts).encode()).hexdigest()[:8], 16) / 2**31 - 1


class StandInEncoder:
    """Sentences and queries move every cosine by up to 0.05, a pair of them by up to ``size``."""

    supports = SUPPORTS

    def __init__(
        self, plant: Plant | None = None, *, size: float = 0.02, trained: bool = True
    ) -> None:
        self.plant = plant or (lambda _text, _query: 0.0)
        self.size = size
        spec = ProbeCatalogue().sanity()
        known = spec.paraphrases if spec is not None else ()
        self.same = {(t.text, t.same) for t in known} if trained else set()
        self.info = ModelInfo(
            name="stand-in", revision=None, fingerprint="", tokenizer_digest="", kind="encoder",
            architecture="StandIn", vocabulary_size=1, parameters=0, max_length=512,
            dtype="float64", device="cpu", reading="similarity",
        )  # fmt: skip

    def score(
        self,
        requests: Sequence[Request[Any]],
        *,
        skip: Container[int] = (),
        progress: ProgressCallback | None = None,
    ) -> Iterator[tuple[int, Any]]:
        for number, request in enumerate(requests):
            if number not in skip:
                yield number, self._answer(request)

    def _answer(self, request: Any) -> Any:
        if isinstance(request, CompletionRequest):
            return CompletionScore(skip="not_applicable", detail=why_mute("similarity"))
        return FillScore(log_prob=self.cosine(request.text, *request.queries), pieces=1)

    def cosine(self, text: str, *queries: str) -> float:
        """What it gives a sentence and its queries."""
        if (text, queries[0]) in self.same:
            return 0.9
        value = 0.3 + 0.05 * noise(text) + 0.05 * noise(*queries)
        return value + self.size * noise(text, *queries) + self.plant(text, queries[0])
