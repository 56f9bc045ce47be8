"""Answer requests with a sentence encoder: how near does a sentence lie to a query?"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from bias_audit.backends.embeddings import READ, SUPPORTS, EmbeddingPlanner, Vector
from bias_audit.backends.hf.load import load, quiet
from bias_audit.backends.hf.model_files import ModelOptions
from bias_audit.backends.hf.pooling import PoolingMode
from bias_audit.backends.hf.tokenization import Encoder
from bias_audit.backends.hf.vectors import VectorRunner
from bias_audit.backends.masked_lm import require_batch_size
from bias_audit.backends.request_batch import RejectionError, RequestBatch
from bias_audit.errors import ModelLoadError, ScoringError
from bias_audit.records import ProgressCallback, Request


class SentenceEncoder:
    """A sentence encoder as a backend, in the reading ``similarity``.

    A score is the cosine of two vectors: that of a sentence about a group and that of a query that
    names the target; the mean where there are several queries. Pooling is that of the folder's own
    ``modules.json``, or stated.

    Args:
        name: a local folder or a hub id.
        pooling: ``mean``, ``cls`` or ``max``, for a folder that does not state it.
        revision: branch, tag or commit on the hub.
        device: as of :class:`~bias_audit.backends.masked_lm.MaskedLM`.
        dtype: likewise.
        offline: use no network.
        allow_pickle: accept pickled weights.
        batch_size: most rows in one pass, at least 1; ``auto`` chooses.

    Raises:
        ModelLoadError: the model cannot be loaded, its pooling is unknown, or its scores would
            mean nothing.
        UsageError: a device or dtype that does not exist, or a batch size below 1.
    """

    supports = SUPPORTS

    def __init__(
        self,
        name: str,
        *,
        pooling: PoolingMode | None = None,
        revision: str | None = None,
        device: str = "auto",
        dtype: str = "float32",
        offline: bool = False,
        allow_pickle: bool = False,
        batch_size: int | Literal["auto"] = "auto",
    ) -> None:
        require_batch_size(batch_size)
        options = ModelOptions(
            name=name,
            pooling=pooling,
            revision=revision,
            device=device,
            dtype=dtype,
            offline=offline,
            allow_pickle=allow_pickle,
        )
        loaded = load(options, reading="similarity")
        if loaded.pooling is None:
            raise ValueError("an encoder without a pooling")
        self.pooling = loaded.pooling
        notices = (*loaded.info.notices, READ, f"pooling: {self.pooling.mode}")
        most = min(filter(None, (loaded.info.max_length, self.pooling.max_length)))
        self.info = replace(loaded.info, max_length=most, notices=notices)
        self._encoder = Encoder(loaded.tokenizer)
        self._planner = EmbeddingPlanner(self._prepare)
        self._runner = VectorRunner(loaded.model, self.pooling, batch_size)
        try:
            with quiet():
                self.embed(["."])
        except ScoringError as error:
            raise ModelLoadError(
                f"'{name}' was loaded but cannot read a short sentence: {error.message}",
                hint="the config, the weights and the tokenizer may belong to different models",
            ) from error

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return the vector of each text, of length 1.

        Raises:
            ScoringError: a text cannot be read.
        """
        prepared = self._prepare(texts)
        rows: dict[str, tuple[int, ...]] = {}
        for text, ids in prepared.items():
            if isinstance(ids, RejectionError):
                raise ScoringError(f"'{text[:60]}' cannot be read: {ids.detail}")
            rows[text] = ids
        results = {text: Vector() for text in rows}
        every = range(len(rows))
        for _ in self._runner.stream([*rows.values()], [*results.values()], every):
            pass
        return [results[text] for text in texts]

    def score(
        self,
        requests: Sequence[Request[Any]],
        *,
        skip: Container[int] = (),
        progress: ProgressCallback | None = None,
    ) -> Iterator[tuple[int, Any]]:
        """Answer each request, batch by batch; every text is read once.

        Raises:
            ScoringError: the model's output is not finite, or it cannot read a sentence.
        """
        batch = RequestBatch(requests, range(len(requests)), skip, self._planner)
        yield from batch.rejections()
        results = [Vector() for _ in batch.queries]
        done = 0
        for texts in self._runner.stream(batch.queries, results, batch.open_queries):
            done += len(texts)
            if progress is not None:
                progress(len(requests) * done // len(results), len(requests))
            yield from batch.answers(texts, results)

    def _prepare(self, texts: Sequence[str]) -> Mapping[str, tuple[int, ...] | RejectionError]:
        """The pieces of each text; nothing is cut off."""
        pooling, most = self.pooling, self.info.max_length
        read = {
            text: f"{pooling.prefix}{text.lower() if pooling.lowers else text}".strip()
            for text in texts
        }
        encoded = self._encoder.encode(read.values())
        prepared: dict[str, tuple[int, ...] | RejectionError] = {}
        for text in texts:
            encoding = encoded[read[text]]
            size = len(encoding.ids)
            if encoding.trouble:
                prepared[text] = RejectionError("unscorable", encoding.trouble)
            elif size <= sum(encoding.added):
                prepared[text] = RejectionError("unscorable", "the text is empty")
            elif not self._encoder.knows_all(encoding):
                detail = "the text holds characters that the model's vocabulary lacks"
                prepared[text] = RejectionError("unscorable", detail)
            elif size > most:
                detail = f"{size} pieces, the model takes {most}"
                prepared[text] = RejectionError("too_long", detail)
            else:
                prepared[text] = encoding.ids
        return prepared
