"""Hold one replica of a model in a process of its own; knows nothing of Ray."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from typing import Any

from bias_audit.errors import BiasAuditError, ModelLoadError, ScoringError, UsageError
from bias_audit.records import ModelInfo, Request

PACKAGES = ("bias-audit", "torch", "transformers", "tokenizers")
"""Packages whose version must be the same everywhere."""
_CAUGHT = (RuntimeError, ValueError, MemoryError)
_KINDS = (ModelLoadError, ScoringError, UsageError, *_CAUGHT)


def packages() -> dict[str, str]:
    """Return the versions of the packages that can change a score."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoteError:
    """An error on its way from a worker to the process that waits for it."""

    kind: str
    message: str
    hint: str = ""

    @classmethod
    def of(cls, error: BaseException) -> RemoteError:
        """Describe an error that a worker met."""
        kind = next(kind for kind in _KINDS if isinstance(error, kind)).__name__
        message = str(getattr(error, "message", error)) or repr(error)
        return cls(kind=kind, message=message, hint=getattr(error, "hint", ""))

    def to_exception(self) -> Exception:
        """Return the error as the local engine would have raised it."""
        kind: Any = next(kind for kind in _KINDS if kind.__name__ == self.kind)
        hint = {"hint": self.hint} if issubclass(kind, BiasAuditError) else {}
        error: Exception = kind(self.message, **hint)
        return error


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerInfo:
    """What a worker holds once its model is loaded."""

    info: ModelInfo
    supports: frozenset[type[Request[Any]]]
    host: str

    def require_like(self, first: WorkerInfo) -> None:
        """Refuse a worker that holds another model than the first one.

        Raises:
            ModelLoadError: another model, or the same one on another kind of device.
        """
        if _comparable(self.info) != _comparable(first.info):
            raise ModelLoadError(
                f"{self.host} and {first.host} do not hold the same model: "
                f"{self.info.fingerprint[:12]} on {self.info.device} in {self.info.dtype}, "
                f"{first.info.fingerprint[:12]} on {first.info.device} in {first.info.dtype}",
                hint="name a folder that every machine sees, or a hub model with its --revision",
            )


def require_same_packages(host: str, theirs: Mapping[str, str]) -> None:
    """Refuse a worker whose scores may be others than those of this process.

    Raises:
        UsageError: its packages have other versions.
    """
    for name, here in packages().items():
        if _release(theirs[name]) != _release(here):
            raise UsageError(
                f"{name} is {here} here and {theirs[name]} on {host}",
                hint="install the same versions on every machine; other ones can change scores",
            )


def _release(version: str) -> str:
    """A version without the name of its build, such as ``+cpu``."""
    return version.partition("+")[0]


def _comparable(info: ModelInfo) -> ModelInfo:
    return replace(info, device=info.device.partition(":")[0])


class Worker:
    """Answer requests with a replica that is loaded on first use, so that a restart reloads it.

    Args:
        name: of the model: ``reference``, a folder that this machine sees, or a hub id.
        options: of :class:`~bias_audit.backends.masked_lm.MaskedLM`.
    """

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        self._name = name
        self._options = dict(options)
        self._model: Any = None

    def packages(self) -> tuple[str, dict[str, str]]:
        """Return the host's name and its versions, without loading anything."""
        return socket.gethostname(), packages()

    def describe(self) -> WorkerInfo | RemoteError:
        """Load the model and describe it."""
        try:
            model = self._load()
        except (BiasAuditError, *_CAUGHT) as error:
            return RemoteError.of(error)
        return WorkerInfo(info=model.info, supports=model.supports, host=socket.gethostname())

    def score(self, requests: Sequence[Request[Any]]) -> list[Any] | RemoteError:
        """Answer requests, in their order."""
        answers: list[Any] = [None] * len(requests)
        try:
            for number, answer in self._load().score(requests):
                answers[number] = answer
        except (BiasAuditError, *_CAUGHT) as error:
            return RemoteError.of(error)
        return answers

    def _load(self) -> Any:
        if self._model is None:
            from bias_audit.backends import open_backend

            self._model = open_backend(self._name, **self._options)
        return self._model
