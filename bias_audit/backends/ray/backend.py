"""Answer requests with replicas of a model on the workers of a Ray cluster."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from bias_audit.backends.base import require_batch_size
from bias_audit.backends.ray.options import Engine, EngineUse
from bias_audit.backends.ray.worker import RemoteError, Worker, WorkerInfo, require_same_packages
from bias_audit.errors import BiasAuditError, ModelLoadError, ScoringError, UsageError
from bias_audit.records import CompletionRequest, FillRequest, ProgressCallback, Request

RESTARTS = 3
"""How often Ray restarts a worker, and repeats a chunk, before it gives up."""
PATIENCE_S = 300.0
"""Seconds to wait for the process of a worker when there is none; loading may take longer."""
STORE_BYTES = 256 << 20
"""Shared memory of a cluster that is started here; answers are small and copied out of it."""
_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is reported to anybody
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
_MESSAGE = 300
"""Characters of Ray's own words in a message."""
_PAUSE_S = 1.0
"""Seconds until an empty cluster is looked at again."""
_joined: set[str] = set()
"""Addresses that this module has joined and not left."""


class WorkerPool:
    """Workers with one replica of the model each; Ray restarts those that are lost.

    Args:
        engine: which cluster, and how many workers.
        name: of the model, as every machine understands it.
        options: of :class:`~bias_audit.backends.masked_lm.MaskedLM`.

    Raises:
        UsageError: Ray is not installed, there is no cluster at the address, or a worker has other
            versions of the packages.
        ModelLoadError: GPUs were asked for and the cluster has none, no worker comes, or the model
            cannot be loaded.
    """

    def __init__(self, engine: Engine, name: str, options: dict[str, Any]) -> None:
        self._ray = _import_ray(engine)
        self._started = _initialise(self._ray, engine)
        self._ready: list[Any] = []
        self._loading: dict[Any, Any] = {}
        """Workers by the reference to their description."""
        self.refused: list[str] = []
        """Why workers could not join those at work."""
        try:
            with self._translate_errors(ModelLoadError):
                self._start(engine, name, options)
        except BaseException:
            self.close()
            raise

    @property
    def size(self) -> int:
        """Workers that hold the model."""
        return len(self._ready)

    def score(
        self, chunks: Sequence[Sequence[Request[Any]]]
    ) -> Iterator[tuple[int, Sequence[Any]]]:
        """Yield the number and the responses of each chunk as they come.

        Raises:
            ScoringError: a chunk was lost with its worker too often, or the cluster is gone.
            Exception: what a worker met, such as a lack of memory for a single sentence.
        """
        with self._translate_errors(ScoringError):
            self._join()
            pool = self._ray.util.ActorPool(list(self._ready))
            for number, chunk in enumerate(chunks):
                pool.submit(lambda actor, job: actor.score_chunk.remote(*job), (number, chunk))
            while pool.has_next():
                number, answers = pool.get_next_unordered()
                if isinstance(answers, RemoteError):
                    raise answers.to_exception()
                for actor in self._join():
                    pool.push(actor)
                yield number, answers

    def close(self) -> None:
        """End the workers, and leave the cluster if it was joined for this run."""
        workers = [*self._ready, *self._loading.values()]
        self._ready, self._loading = [], {}
        if self._ray.is_initialized():
            for worker in workers:
                with contextlib.suppress(Exception):  # it may be gone already
                    self._ray.kill(worker)
        if self._started:
            _leave(self._ray)

    def _start(self, engine: Engine, name: str, options: dict[str, Any]) -> None:
        """Ask for workers and wait for the first one that holds the model."""
        device = options.get("device", "auto")
        gpus, cpus = _resources(self._ray, decided=bool(engine.workers) and device != "auto")
        if device == "cuda" and cpus and not gpus:
            raise ModelLoadError(
                "the device 'cuda' was asked for, but the Ray cluster has no GPU",
                hint="use --device cpu, or start Ray where it sees the GPUs",
            )
        if device == "auto":
            device = "cuda" if gpus else "cpu"
        cards = int(device == "cuda")
        kind = self._ray.remote(
            num_cpus=1,
            num_gpus=cards,
            max_restarts=RESTARTS,
            max_task_retries=RESTARTS,
            scheduling_strategy="SPREAD",
        )(_Actor)
        size = engine.workers or (gpus if cards else cpus) or 1
        workers = [kind.remote(name, options | {"device": device}) for _ in range(size)]
        self._loading = {worker.describe.remote(): worker for worker in workers}
        started, _ = self._ray.wait(
            [worker.packages.remote() for worker in workers], timeout=PATIENCE_S
        )
        if not started:
            has = self._ray.cluster_resources()
            raise ModelLoadError(
                f"no worker was started within {PATIENCE_S:.0f} s; the cluster has"
                f" {has.get('CPU', 0):g} CPUs and {has.get('GPU', 0):g} GPUs",
                hint="other work may hold it, or no machine has a free GPU; see: ray status",
            )
        require_same_packages(*self._ray.get(started[0]))
        reference = self._ray.wait(list(self._loading))[0][0]
        self.first = self._describe(reference)
        self._ready.append(self._loading.pop(reference))

    def _join(self) -> list[Any]:
        """Workers that have loaded the model since the last call, and may work with the others."""
        if not self._loading:
            return []
        references, _ = self._ray.wait(
            list(self._loading), num_returns=len(self._loading), timeout=0
        )
        joined = []
        for reference in references:
            worker = self._loading.pop(reference)
            try:
                self._describe(reference).require_like(self.first)
                require_same_packages(*self._ray.get(worker.packages.remote()))
            except (BiasAuditError, self._ray.exceptions.RayError) as error:
                self.refused.append(_short(error))
                self._ray.kill(worker)
            else:
                joined.append(worker)
        self._ready += joined
        return joined

    def _describe(self, reference: Any) -> WorkerInfo:
        description: WorkerInfo | RemoteError = self._ray.get(reference)
        if isinstance(description, RemoteError):
            raise description.to_exception()
        return description

    @contextlib.contextmanager
    def _translate_errors(self, kind: type[BiasAuditError]) -> Iterator[None]:
        """Turn Ray's own errors into one of ours, but for mistakes in a worker's code."""
        if not self._ray.is_initialized():  # the next call would start another cluster
            raise kind("Ray was shut down in this process", hint="see: ray status")
        try:
            yield
        except self._ray.exceptions.RayTaskError:
            raise  # a mistake of ours: to be seen in full
        except (self._ray.exceptions.RayError, ConnectionError) as error:
            raise kind(
                f"workers of the Ray cluster were lost, or the cluster itself: {_short(error)}",
                hint="see: ray status; a lack of memory looks like this: use a smaller"
                " --batch-size, or fewer workers. The same command goes on from the scores that"
                " were kept",
            ) from error


class _Actor(Worker):
    """The worker as an actor of Ray."""

    def score_chunk(self, number: int, chunk: Sequence[Request[Any]]) -> tuple[int, Any]:
        """Answer a chunk under its number."""
        return number, self.score(chunk)


def _resources(ray: Any, *, decided: bool) -> tuple[int, int]:
    """GPUs and CPUs of a cluster; its machines may still be on their way."""
    end = time.monotonic() + PATIENCE_S
    while True:
        has = ray.cluster_resources()
        gpus, cpus = int(has.get("GPU", 0)), int(has.get("CPU", 0))
        if gpus or cpus or decided:
            return gpus, cpus
        if time.monotonic() >= end:
            raise ModelLoadError(
                f"the Ray cluster has neither a CPU nor a GPU for workers, {PATIENCE_S:.0f} s on",
                hint="see: ray status; where machines are started on demand, say what to ask for: "
                "--engine-workers, and --device cpu or cuda",
            )
        time.sleep(_PAUSE_S)


def _import_ray(engine: Engine) -> Any:
    os.environ.update(_SETTINGS)
    if not _address(engine) and "ray" not in sys.modules:
        # Ray's ports are open to the network, and this is read once, when Ray is loaded
        os.environ.setdefault("RAY_AUTH_MODE", "token")
    try:
        import ray
    except ImportError as error:
        raise UsageError(
            "the engine 'ray' needs the package 'ray', which is not installed",
            hint="pip install 'bias-audit[ray]', or leave out --engine",
        ) from error
    if not hasattr(ray, "init"):
        raise UsageError(
            f"'ray' is not the package of that name, but {list(getattr(ray, '__path__', []))}",
            hint="rename that folder, or start somewhere else; pip install 'bias-audit[ray]'",
        )
    return ray


def _address(engine: Engine) -> str | None:
    return engine.address or os.environ.get("RAY_ADDRESS")


def _initialise(ray: Any, engine: Engine) -> bool:
    """Connect, unless the caller has; return whether that is to be undone in the end."""
    address = _address(engine)
    if ray.is_initialized():
        if engine.address not in {None, "auto", *_joined}:
            raise UsageError(
                f"Ray is connected already, and not by the address '{engine.address}'",
                hint="leave out the address to use that connection, or end it: ray.shutdown()",
            )
        return False
    quiet = {"logging_level": logging.ERROR, "log_to_driver": False}
    before = signal.getsignal(signal.SIGTERM)
    try:
        if address:
            ray.init(address=address, **quiet)
        else:
            cpus = max(engine.workers or 0, os.cpu_count() or 1)
            _set_token()
            ray.init(
                address="local",
                num_cpus=cpus,
                object_store_memory=STORE_BYTES,
                include_dashboard=False,
                **quiet,
            )
    except BaseException as error:  # whatever a missing or foreign cluster makes it raise
        with contextlib.suppress(Exception):
            ray.shutdown()
        if not isinstance(error, Exception):
            raise
        if address:
            raise UsageError(
                f"the Ray cluster at '{address}' could not be reached: {_short(error)}",
                hint="ray start --head starts one; without --engine-address and RAY_ADDRESS one is "
                "started here for the run",
            ) from error
        raise UsageError(
            f"no Ray cluster could be started on this machine: {_short(error)}",
            hint="leave out --engine to score without Ray",
        ) from error
    _keep_exit_code(before)
    _joined.update([address] if address else [])
    return True


def _set_token() -> None:
    """Let no one else into a cluster that is started here, also no other user of the machine.

    Ray would write a token into the home folder. This one is for the process alone, and stays:
    Ray reads it once.
    """
    if not {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & set(os.environ):
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)


def _leave(ray: Any) -> None:
    _joined.clear()
    with contextlib.suppress(ray.exceptions.RayError, ConnectionError):
        if ray.is_initialized():
            ray.shutdown()


def _keep_exit_code(before: Any) -> None:
    """Leave with the usual code when told to end; Ray leaves with 1, which means a failed gate."""
    theirs = signal.getsignal(signal.SIGTERM)
    if theirs is before or threading.current_thread() is not threading.main_thread():
        return

    def end(number: int, frame: Any) -> None:
        if callable(theirs):
            with contextlib.suppress(SystemExit):
                theirs(number, frame)
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, end)


def _short(error: Exception) -> str:
    """The first line of what Ray says, which can be pages long."""
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:_MESSAGE]


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
        require_batch_size(batch_size)
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
    if isinstance(request, CompletionRequest) and request.siblings:  # they are searched together
        texts: tuple[str, ...] = (*request.siblings, request.left, request.right)
    elif isinstance(request, (FillRequest, CompletionRequest)):
        texts = (request.left, request.right)
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
