"""Answer requests with replicas of a model on the workers of a Ray cluster."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from bias_audit.backends.ray.cluster import WorkerPool
from bias_audit.backends.ray.options import Engine, EngineUse
from bias_audit.errors import UsageError
from bias_audit.records import CompletionRequest, FillRequest, ProgressCallback, Request

CHUNKS_EACH = 4
"""Chunks for each worker, so that a slow one holds up little."""
SMALLEST, LARGEST = 64, 1024
"""Requests in a chunk."""


class RayBackend:
    """A model whose replicas are on the workers of a cluster; weights are on the workers only.

    Scores are those of the local engine within 1e-5 nats in float32: batches differ.

    Args:
        name: ``reference``, a folder that every machine sees, or a hub id.
        engine: which cluster, and how many workers.
        device: ``auto`` (the cluster's GPUs if it has any, else its CPUs), ``cpu`` or ``cuda``.
        batch_size: Most rows in one pass, at least 1; ``auto`` chooses.
        connect: In place of Ray.
        options: further ones of :class:`~bias_audit.backends.masked_lm.MaskedLM`.

    Raises:
        ModelLoadError: When the model cannot be loaded, or no worker comes.
        UsageError: When Ray is missing, the cluster cannot be reached, or a value is wrong.
    """

    def __init__(
        self,
        name: str = "reference",
        *,
        engine: Engine,
        device: str = "auto",
        batch_size: int | Literal["auto"] = "auto",
        connect: Callable[[Engine, str, dict[str, Any]], WorkerPool] = WorkerPool,
        **options: Any,
    ) -> None:
        if batch_size != "auto" and batch_size < 1:
            raise UsageError(f"expected a batch size of at least 1, but got {batch_size}")
        if ":" in device:
            raise UsageError(
                f"'{device}' is one card of one machine, and Ray chooses the cards itself",
                hint="use --device cuda",
            )
        options |= {"batch_size": batch_size, "device": device}
        self._engine = engine
        self._pool = connect(engine, _absolute(name), options)
        self._finalizer = weakref.finalize(self, self._pool.close)
        self.info = replace(self._pool.first.info, name=name)
        self.supports = self._pool.first.supports

    @property
    def use(self) -> EngineUse:
        """The workers so far."""
        refused = tuple(self._pool.refused)
        return EngineUse(name=self._engine.name, workers=self._pool.size, refused=refused)

    def close(self) -> None:
        """End the workers."""
        self._finalizer()

    def score(
        self,
        requests: Sequence[Request[Any]],
        *,
        skip: Container[int] = (),
        progress: ProgressCallback | None = None,
    ) -> Iterator[tuple[int, Any]]:
        """Answer each request, chunk by chunk.

        Raises:
            ScoringError: as the local engine, and where the workers are lost.
        """
        numbers: dict[Request[Any], list[int]] = {}
        for number, request in enumerate(requests):
            if number not in skip:
                numbers.setdefault(request, []).append(number)
        chunks = _chunks(sorted(numbers, key=_order), self._pool.size)
        done, total = 0, sum(map(len, numbers.values()))
        for index, answers in self._pool.score([list(map(_bare, chunk)) for chunk in chunks]):
            for request, answer in zip(chunks[index], answers, strict=True):
                for number in numbers[request]:
                    done += 1
                    yield number, answer
            if progress is not None:
                progress(done, total)


def _order(request: Request[Any]) -> tuple[str, int, tuple[str, ...]]:
    """Sentences of one length lie together, and words of one sentence share its passes."""
    if isinstance(request, (FillRequest, CompletionRequest)):
        texts: tuple[str, ...] = (request.left, request.right)
    else:
        names = ("text", "first", "second", "left", "word", "right")
        texts = tuple(str(getattr(request, name, "")) for name in names)
    return type(request).__name__, sum(map(len, texts)), texts


def _chunks(requests: Sequence[Request[Any]], workers: int) -> list[Sequence[Request[Any]]]:
    even = -(-len(requests) // (CHUNKS_EACH * max(workers, 1)))
    size = max(SMALLEST, min(LARGEST, even))
    return [requests[start : start + size] for start in range(0, len(requests), size)]


def _bare(request: Request[Any]) -> Request[Any]:
    """A request without its labels, which a model does not need."""
    if isinstance(request, (FillRequest, CompletionRequest)) and request.prompt is not None:
        return replace(request, prompt=None)
    return request


def _absolute(name: str) -> str:
    """A model's name as any process understands it: a folder by its whole path."""
    folder = Path(name).expanduser()
    return str(folder.resolve()) if name and name != "reference" and folder.is_dir() else name
