"""One replica of a model, in a process of its own; knows nothing of Ray."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from typing import TYPE_CHECKING, Any, TypeVar

from bias_audit.errors import BiasAuditError, ModelLoadError, ScoringError, UsageError
from bias_audit.records import ModelInfo

if TYPE_CHECKING:
    from bias_audit.scoring._encode import Encoder
    from bias_audit.scoring._forward import Answer
    from bias_audit.scoring._reader import Wish
    from bias_audit.scoring._readings import Reading, Seen
    from bias_audit.scoring._rows import Row

PACKAGES = ("bias-audit", "torch", "transformers", "tokenizers")
"""Packages whose version must be the same everywhere."""
Answered = TypeVar("Answered")
_CAUGHT = (RuntimeError, ValueError, MemoryError)
KINDS = (ModelLoadError, ScoringError, UsageError, *_CAUGHT)
"""What a worker can meet and tell."""


def packages() -> dict[str, str]:
    """Versions of the packages that can change a score."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """An error on its way to where it can be told."""

    kind: str
    message: str
    hint: str = ""

    @classmethod
    def of(cls, error: BaseException) -> Trouble:
        """Describe an error that a worker met."""
        kind = next(kind for kind in KINDS if isinstance(error, kind)).__name__
        message = str(getattr(error, "message", error)) or repr(error)
        return cls(kind=kind, message=message, hint=getattr(error, "hint", ""))

    def error(self) -> Exception:
        """The error, as the local engine would have raised it."""
        kind: Any = next(kind for kind in KINDS if kind.__name__ == self.kind)
        hint = {"hint": self.hint} if issubclass(kind, BiasAuditError) else {}
        error: Exception = kind(self.message, **hint)
        return error


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """What a worker says when its process is there."""

    host: str
    packages: Mapping[str, str]

    def require_like_here(self) -> None:
        """Refuse a worker whose numbers would not be those of this process.

        Raises:
            UsageError: its packages have other versions.
        """
        for name, here in packages().items():
            if _public(self.packages[name]) != _public(here):
                raise UsageError(
                    f"{name} is {here} here and {self.packages[name]} on {self.host}",
                    hint="install the same versions on every machine; other ones can change scores",
                )


@dataclass(frozen=True, kw_only=True, slots=True)
class Hello:
    """What a worker says when it holds the model."""

    info: ModelInfo
    device: Any
    """A torch device."""
    limit: int
    """Most rows in one pass."""
    overhead: int
    """Padding that a pass may have, in pieces."""
    host: str

    def require_like(self, other: Hello) -> None:
        """Refuse a worker whose numbers would not be those of the others.

        Raises:
            ModelLoadError: it holds another model, or the same one on another kind of device.
        """
        if _told(self) != _told(other):
            raise ModelLoadError(
                f"{self.host} and {other.host} do not hold the same model: "
                f"{self.info.fingerprint[:12]} on {self.info.device} in {self.info.dtype}, "
                f"{other.info.fingerprint[:12]} on {other.info.device} in {other.info.dtype}",
                hint="name a folder that every machine sees, or a hub model with its --revision",
            )


def _public(version: str) -> str:
    """A version without the name of its build, such as ``+cpu``."""
    return version.partition("+")[0]


def _told(hello: Hello) -> tuple[ModelInfo, int]:
    """What must be equal: all of it but the number of the device."""
    return replace(hello.info, device=hello.info.device.partition(":")[0]), hello.limit


class Worker:
    """Scores batches that were planned elsewhere.

    Every method answers with :class:`Trouble` in place of what it would raise.

    Args:
        name: of the model: ``reference``, a folder that this machine sees, or a hub id.
        options: of :class:`~bias_audit.scoring.masked_lm.MaskedLM`.
    """

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        self._name = name
        self._options = dict(options)
        self._model: Any = None
        self._reader: Any = None
        self._words: Any = None

    def place(self) -> Place:
        """Say where this is, and with which packages."""
        return Place(host=socket.gethostname(), packages=packages())

    def load(self) -> Hello | Trouble:
        """Load the model, which can take long; comes before what follows."""
        return _caught(self._load)

    def encoder(self) -> Encoder:
        """The model's tokenizer."""
        encoder: Encoder = self._model._encoder
        return encoder

    def rows(
        self, rows: Sequence[Row], wanted: tuple[bool, int], threads: int
    ) -> list[Answer] | Trouble:
        """Answer the rows of one batch.

        Args:
            rows: in the order of the batch.
            wanted: whether open rows report their words, and how many completions.
            threads: that the pass is spread over, on a CPU.
        """
        return _caught(lambda: self._rows(rows, wanted, threads))

    def readings(
        self, readings: Sequence[Reading], wish: Wish, threads: int
    ) -> list[Seen] | Trouble:
        """Answer the readings of one batch."""
        return _caught(lambda: self._readings(readings, wish, threads))

    def _load(self) -> Hello:
        from bias_audit.scoring.masked_lm import MaskedLM

        self._model = MaskedLM(self._name, **self._options)
        self._reader = self._model._reader()
        forward = self._model._forward
        return Hello(
            info=self._model.info,
            device=forward.device,
            limit=forward._limit,
            overhead=forward._overhead,
            host=socket.gethostname(),
        )

    def _rows(self, rows: Sequence[Row], wanted: tuple[bool, int], threads: int) -> list[Answer]:
        from bias_audit.scoring._forward import Answer

        words, top_k = wanted
        forward = self._model._forward
        if words and self._words is None:
            self._words, _ = forward._wanted(self._model._word_ids, top_k)
        answers = [Answer() for _ in rows]
        forward.alone(rows, answers, (self._words if words else None, top_k), threads)
        return answers

    def _readings(self, readings: Sequence[Reading], wish: Wish, threads: int) -> list[Seen]:
        from bias_audit.scoring._readings import Seen

        seen = [Seen() for _ in readings]
        with self._reader.attending(wish):
            self._reader.alone(readings, seen, wish, threads)
        return seen


def _caught(action: Callable[[], Answered]) -> Answered | Trouble:
    try:
        return action()
    except (BiasAuditError, *_CAUGHT) as error:
        return Trouble.of(error)
