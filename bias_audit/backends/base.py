"""Define the one door to every kind of language model: requests in, responses out."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence, Sized
from dataclasses import replace
from itertools import islice
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

from bias_audit.errors import ModelLoadError, UsageError
from bias_audit.records import ModelInfo, ProgressCallback, Request
from bias_audit.utils.readings import USUAL, Reading

WINDOW = 1024
"""Requests that :func:`score_stream` holds at once."""
Answer = TypeVar("Answer")


@runtime_checkable
class Backend(Protocol):
    """A language model that answers requests.

    Implementations are deterministic: a response does not depend on the other requests, on their
    order or on the batch size (within 1e-5 nats in float32).
    """

    @property
    def info(self) -> ModelInfo:
        """Name, digests, size, vocabulary and limits of the model.

        ``fingerprint`` is a digest of everything that its scores depend on; where it is empty,
        nothing is cached.
        """
        ...

    @property
    def supports(self) -> frozenset[type[Request[Any]]]:
        """The kinds of requests that :meth:`score` answers."""
        ...

    def score(
        self,
        requests: Sequence[Request[Any]],
        *,
        skip: Container[int] = (),
        progress: ProgressCallback | None = None,
    ) -> Iterator[tuple[int, Any]]:
        """Answer each request once, in any order, with its number.

        What cannot be scored (``unscorable``, ``too_long``) is answered with a reason, not raised.

        Args:
            requests: of the kinds that the backend supports.
            skip: numbers of requests that are not answered. They may still shape batches, so that
                an interrupted run that goes on gets the same digits.
            progress: called with (done, in all).

        Raises:
            ScoringError: the model's output is not finite, or one sentence alone does not fit
                into memory.
        """
        ...


def score_all(
    backend: Backend,
    requests: Sequence[Request[Answer]],
    *,
    progress: ProgressCallback | None = None,
) -> list[Answer]:
    """Return the responses in the order of the requests.

    Raises:
        UsageError: the backend does not support one of them.
        ScoringError: as :meth:`Backend.score`.
    """
    require_support(backend, {type(request) for request in requests})
    answers: list[Any] = [None] * len(requests)
    for number, answer in backend.score(requests, progress=progress):
        answers[number] = answer
    return answers


def score_stream(
    backend: Backend,
    requests: Iterable[Request[Answer]],
    *,
    progress: ProgressCallback | None = None,
) -> Iterator[Answer]:
    """Yield the responses in order, a window at a time: memory does not grow with the requests.

    Raises:
        UsageError, ScoringError: as :func:`score_all`.
    """
    pending = iter(requests)
    total, done = len(requests) if isinstance(requests, Sized) else 0, 0

    def report(here: int, of: int) -> None:
        if progress is not None:
            at = done + len(window) * here // max(of, 1)
            progress(at, max(total, done + len(window)))

    while window := list(islice(pending, WINDOW)):
        answers = score_all(backend, window, progress=report)
        done += len(window)
        yield from answers


def require_support(backend: Backend, kinds: Iterable[type[Request[Any]]]) -> None:
    """Check that a backend answers these kinds of requests.

    Raises:
        UsageError: it does not.
    """
    lacking = sorted(kind.__name__ for kind in set(kinds) - backend.supports)
    if lacking:
        name = type(getattr(backend, "inner", backend)).__name__
        reading = backend.info.reading
        read = "" if reading == USUAL else f", which is read as {reading},"
        raise UsageError(
            f"{name}{read} does not answer {', '.join(lacking)}",
            hint="leave out what needs it, or see bias_audit.backends.Backend for what a backend"
            " has to answer",
        )


def require_batch_size(size: int | Literal["auto"]) -> None:
    """Refuse a batch without rows.

    Raises:
        UsageError: the size is below 1.
    """
    if size != "auto" and size < 1:
        raise UsageError(
            f"expected a batch size of at least 1, or 'auto', but got {size}",
            hint="leave it out to let the program choose",
        )


def require_possible(name: str, wanted: str | None, possible: Sequence[Reading]) -> None:
    """Refuse a way to read a model that its kind does not allow.

    Raises:
        UsageError: it does not.
    """
    if wanted is None or wanted in possible:
        return
    hint = "leave --reading out, or write one of these"
    if wanted == "similarity":
        hint += "; a sentence encoder has a modules.json, or its pooling is stated with --pooling"
    raise UsageError(f"'{name}' can be read as {' or '.join(possible)}, not as {wanted}", hint=hint)


def require_reading(backend: Backend, wanted: str | None) -> Backend:
    """Return a backend that answers in the reading that is wanted.

    Raises:
        UsageError: it does not.
    """
    if wanted is not None:
        require_possible(backend.info.name, wanted, (backend.info.reading,))
    return backend


class LazyBackend:
    """A model whose description is known before it is loaded.

    Args:
        info: what it says of itself.
        supports: the kinds of requests that it answers.
        open_model: loads it.
    """

    def __init__(
        self,
        info: ModelInfo,
        supports: frozenset[type[Request[Any]]],
        open_model: Callable[[], Backend],
    ) -> None:
        self.info = info
        self.supports = supports
        self._open = open_model
        self._model: Backend | None = None

    @property
    def is_loaded(self) -> bool:
        """Whether the model is in memory."""
        return self._model is not None

    def load(self) -> Backend:
        """Return the model, loaded now if it was not.

        Raises:
            ModelLoadError: it cannot be loaded, or is not the one that was described.
        """
        if self._model is None:
            model = self._open()
            if not same_model(model.info, self.info):
                raise ModelLoadError(
                    f"the files of '{self.info.name}' changed while the run went on",
                    hint="run again",
                )
            self._model = model
        return self._model

    def score(
        self,
        requests: Sequence[Request[Any]],
        *,
        skip: Container[int] = (),
        progress: ProgressCallback | None = None,
    ) -> Iterator[tuple[int, Any]]:
        """Load the model and ask it."""
        return self.load().score(requests, skip=skip, progress=progress)


def same_model(one: ModelInfo, other: ModelInfo) -> bool:
    """Say whether two descriptions are of one model; the number of its card does not count."""
    return replace(one, device=other.device) == other and (
        one.device.partition(":")[0] == other.device.partition(":")[0]
    )
