"""The only home of Ray: connects to a cluster, or starts one on this machine, and runs workers."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

from bias_audit.errors import ModelLoadError, UsageError
from bias_audit.scoring._crew import PATIENCE_S, Cluster, ClusterLostError, WorkerLostError
from bias_audit.scoring._worker import Worker
from bias_audit.scoring.engine import Engine

STORE_BYTES = 256 << 20
"""Shared memory of a cluster that is started here; answers are small and copied out of it."""
_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is reported to anybody
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
_SHOWN = 300
"""Characters of Ray's own words in a message."""
_PAUSE_S = 1.0
"""Seconds until an empty cluster is looked at again."""
_ours: set[str] = set()
"""Addresses that this module has joined and not left."""


def connect(engine: Engine, name: str, options: dict[str, Any]) -> tuple[Cluster, int]:
    """Reach a cluster for a model; return it and how many workers it should have.

    Args:
        engine: which cluster, and how many workers.
        name: of the model, as every machine understands it.
        options: of :class:`~bias_audit.scoring.masked_lm.MaskedLM`.

    Raises:
        UsageError: Ray is not installed, or there is no cluster at the address.
        ModelLoadError: GPUs were asked for, and the cluster has none; or it has no CPU either.
    """
    ray = _imported(engine)
    started = _initialised(ray, engine)
    try:
        with _translated(ray):
            return _ready(ray, engine, name, options, started)
    except BaseException as error:
        if started:
            _leave(ray)
        if isinstance(error, ClusterLostError):
            raise ModelLoadError(
                f"the Ray cluster is gone: {error}", hint="see: ray status"
            ) from error
        raise


def _ready(
    ray: Any, engine: Engine, name: str, options: dict[str, Any], started: bool
) -> tuple[Cluster, int]:
    """Decide on the device and the number of workers, by what the cluster has."""
    device = options.get("device", "auto")
    gpus, cpus = _resources(ray, decided=bool(engine.workers) and device != "auto")
    if device == "cuda" and cpus and not gpus:
        raise ModelLoadError(
            "the device 'cuda' was asked for, but the Ray cluster has no GPU",
            hint="use --device cpu, or start Ray where it sees the GPUs",
        )
    if device == "auto":
        device = "cuda" if gpus else "cpu"
    cards = int(device == "cuda")
    size = engine.workers or (gpus if cards else cpus) or 1
    return _RayCluster(ray, name, options | {"device": device}, cards, started=started), size


def _resources(ray: Any, *, decided: bool) -> tuple[int, int]:
    """GPUs and CPUs of a cluster; its machines may still be on their way.

    Args:
        ray: connected.
        decided: whether nothing hangs on them, so that there is no need to wait.

    Raises:
        ModelLoadError: none has come.
    """
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


def _imported(engine: Engine) -> Any:
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


def _initialised(ray: Any, engine: Engine) -> bool:
    """Connect, unless the caller has; return whether that is to be undone in the end."""
    address = _address(engine)
    if ray.is_initialized():
        if engine.address not in {None, "auto", *_ours}:
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
            _lock()
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
    _keep_code(before)
    _ours.update([address] if address else [])
    return True


def _lock() -> None:
    """Let nobody else into a cluster that is started here, also no other user of the machine.

    Ray would write a token into the home folder. This one is for the process alone, and stays:
    Ray reads it once.
    """
    if not {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & set(os.environ):
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)


def _leave(ray: Any) -> None:
    _ours.clear()
    with contextlib.suppress(ray.exceptions.RayError, ConnectionError):
        if ray.is_initialized():
            ray.shutdown()


@contextlib.contextmanager
def _translated(ray: Any) -> Iterator[None]:
    """Have Ray's own errors mean that the cluster is gone."""
    if not ray.is_initialized():  # the next call would start another one
        raise ClusterLostError("Ray was shut down in this process")
    try:
        yield
    except (ray.exceptions.RayError, ConnectionError) as error:
        raise ClusterLostError(_short(error)) from error


def _keep_code(before: Any) -> None:
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


class _RayCluster:
    """Workers as Ray actors: one process each, that holds its model until the end."""

    def __init__(
        self, ray: Any, name: str, options: dict[str, Any], cards: int, *, started: bool
    ) -> None:
        self._ray = ray
        self._lost = ray.exceptions.RayError
        self._broken = ray.exceptions.RayTaskError
        self._model = name, options
        self._kind = ray.remote(num_cpus=1, num_gpus=cards, scheduling_strategy="SPREAD")(Worker)
        self._started = started

    def start(self) -> Any:
        """Ask for an actor; it comes when the cluster has room."""
        with _translated(self._ray):
            return self._kind.remote(*self._model)

    def call(self, handle: Any, method: str, *arguments: Any) -> Any:
        """Call an actor's method."""
        with _translated(self._ray):
            return getattr(handle, method).remote(*arguments)

    def wait(self, references: Sequence[Any], seconds: float | None) -> Any:
        """Wait for one answer."""
        with _translated(self._ray):
            done, _ = self._ray.wait(list(references), num_returns=1, timeout=seconds)
        return done[0] if done else None

    def get(self, reference: Any) -> Any:
        """The answer of an actor.

        Raises:
            WorkerLostError: its process or machine is gone.
        """
        try:
            return self._ray.get(reference)
        except self._broken:
            raise  # a mistake of ours: to be seen in full
        except self._lost as error:
            raise WorkerLostError(_short(error)) from error
        except ConnectionError as error:
            raise ClusterLostError(_short(error)) from error

    def stop(self, handle: Any) -> None:
        """End an actor."""
        if self._ray.is_initialized():
            with contextlib.suppress(Exception):  # it may be gone already
                self._ray.kill(handle)

    def close(self) -> None:
        """Leave the cluster, if it was joined for this run."""
        if self._started:
            _leave(self._ray)

    def described(self) -> str:
        """What the cluster has in all."""
        with _translated(self._ray):
            has = self._ray.cluster_resources()
        return f"{has.get('CPU', 0):g} CPUs and {has.get('GPU', 0):g} GPUs"


def _short(error: Exception) -> str:
    """The first line of what Ray says, which can be pages long."""
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:_SHOWN]
