"""The same model with its passes on workers: what is asked is planned here, batch by batch."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bias_audit.errors import UsageError
from bias_audit.scoring import _ray
from bias_audit.scoring._crew import Cluster, Crew
from bias_audit.scoring._forward import Forward
from bias_audit.scoring._reader import Reader, Wish
from bias_audit.scoring._worker import Hello
from bias_audit.scoring.engine import Engine, EngineUse
from bias_audit.scoring.masked_lm import MaskedLM, require_batch_size

Connect = Callable[[Engine, str, dict[str, Any]], tuple[Cluster, int]]


class RemoteMaskedLM(MaskedLM):
    """A masked language model whose replicas are on the workers of a cluster.

    This process reads sentences, plans batches and turns answers into scores with the code of
    :class:`~bias_audit.scoring.masked_lm.MaskedLM`; a worker gets a batch and returns the numbers
    that were asked for. Weights are on the workers only.

    Args:
        name: ``reference``, a folder that every machine sees, or a hub id.
        engine: which cluster, and how many workers.
        device: ``auto`` (the cluster's GPUs if it has any, else its CPUs), ``cpu`` or ``cuda``.
        batch_size: Most rows in one pass, at least 1; ``auto`` chooses.
        connect: In place of Ray.
        options: further ones of :class:`~bias_audit.scoring.masked_lm.MaskedLM`.

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
        connect: Connect = _ray.connect,
        **options: Any,
    ) -> None:
        require_batch_size(batch_size)
        if ":" in device:
            raise UsageError(
                f"'{device}' is one card of one machine, and Ray chooses the cards itself",
                hint="use --device cuda",
            )
        options |= {"batch_size": batch_size, "device": device}
        cluster, size = connect(engine, _everywhere(name), options)
        self._engine = engine
        self._crew = Crew(cluster, size)
        self._farewell = weakref.finalize(self, self._crew.close)
        try:
            hello = self._crew.hello()
            self.info = replace(hello.info, name=name)
            self._encoder = self._crew.ask("encoder")
            self._forward = _RemoteForward(self._crew, hello)
        except BaseException:
            self.close()
            raise

    @property
    def use(self) -> EngineUse:
        """Who scored so far."""
        crew = self._crew
        return EngineUse(
            name=self._engine.name,
            workers=crew.ready,
            lost=crew.lost,
            refused=crew.refused.total(),
            reasons=tuple(crew.refused),
        )

    def close(self) -> None:
        """End the workers."""
        self._farewell()

    def _reader(self) -> Reader:
        return _RemoteReader(self._forward, self._crew)


class _RemoteForward(Forward):
    """Plans batches of rows as a worker would plan them, and sends them away."""

    def __init__(self, crew: Crew, hello: Hello) -> None:
        self._crew = crew
        self.device = hello.device
        nothing: Any = None  # the workers have them
        self._model = self._shortcut = nothing
        self._pad_id, self._size = 0, hello.info.vocabulary_size
        self._limit, self._overhead = hello.limit, hello.overhead

    def _wanted(self, words: NDArray[np.int64] | None, top_k: int) -> Any:
        return words is not None, top_k

    def _spread(self, batches: Sequence[list[int]], work: Any, planned: int) -> Iterator[list[int]]:
        return _spread(self._crew, "rows", batches, work, self.threads(planned))


class _RemoteReader(Reader):
    """The same for readings."""

    def __init__(self, forward: Forward, crew: Crew) -> None:
        super().__init__(forward)
        self._crew = crew

    @contextlib.contextmanager
    def attending(self, wish: Wish) -> Iterator[None]:  # noqa: ARG002
        """The workers see to it."""
        yield

    def _spread(self, batches: Sequence[list[int]], work: Any, planned: int) -> Iterator[list[int]]:
        return _spread(self._crew, "readings", batches, work, self.threads(planned))


def _spread(
    crew: Crew, method: str, batches: Sequence[list[int]], work: Any, threads: int
) -> Iterator[list[int]]:
    """Have the batches scored, fill in their answers, and yield them as they are done."""
    asked, answers, wanted = work
    jobs = crew.work(
        len(batches), lambda n: (method, [asked[i] for i in batches[n]], wanted, threads)
    )
    with contextlib.closing(jobs):
        for number, found in jobs:
            for row, answer in zip(batches[number], found, strict=True):
                _fill(answers[row], answer)
            yield batches[number]


def _fill(answer: Any, found: Any) -> None:
    """Copy an answer; arrays lie in memory that Ray shares, and would keep it occupied."""
    for field in fields(found):
        value = getattr(found, field.name)
        setattr(answer, field.name, value.copy() if isinstance(value, np.ndarray) else value)


def _everywhere(name: str) -> str:
    """A model's name as any process understands it: a folder by its whole path."""
    folder = Path(name).expanduser()
    return str(folder.resolve()) if name and name != "reference" and folder.is_dir() else name
