"""Answer requests with a sentence encoder: how near does a sentence lie to a query?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from bias_audit.backends.embeddings import SUPPORTS, ask_cosine
from bias_audit.backends.hf.load import LoadedModel
from bias_audit.backends.hf.texts import Ids, TextBackend
from bias_audit.backends.hf.tokenization import Encoding
from bias_audit.backends.hf.vectors import VectorRunner
from bias_audit.backends.request_batch import RejectionError, TextQuestion
from bias_audit.records import Request
from bias_audit.utils.arrays import Floats


class SentenceEncoder(TextBackend[Floats]):
    """A sentence encoder as a backend, in the reading ``similarity``.

    A score is the cosine of two vectors: that of a sentence about a group and that of a query that
    names the target; the mean where there are several queries. Pooling is that of the folder's own
    ``modules.json``, or stated.
    """

    reading = "similarity"
    supports = SUPPORTS

    def _start(self, loaded: LoadedModel, batch_size: int | Literal["auto"]) -> None:
        if loaded.pooling is None:
            raise ValueError("an encoder without a pooling")
        self._pooling = loaded.pooling
        notices = (*loaded.info.notices, f"pooling: {self._pooling.mode}")
        most = min(filter(None, (loaded.info.max_length, self._pooling.max_length)))
        self.info = replace(loaded.info, max_length=most, notices=notices)
        self._try(loaded, VectorRunner(loaded.model, self._pooling, batch_size))

    def _ask(self, request: Request[Any]) -> TextQuestion:
        return ask_cosine(request)

    def _spell(self, text: str) -> str:
        return f"{self._pooling.prefix}{text.lower() if self._pooling.lowers else text}".strip()

    def _check(self, encoding: Encoding) -> Ids | RejectionError:
        if not encoding.trouble and not self._encoder.knows_all(encoding):
            detail = "the text holds characters that the model's vocabulary lacks"
            return RejectionError("unscorable", detail)
        return super()._check(encoding)
