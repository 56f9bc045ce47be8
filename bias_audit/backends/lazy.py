"""Load a model on the first request that is not cached."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import replace
from typing import Any

from bias_audit.backends.base import Backend
from bias_audit.errors import ModelLoadError
from bias_audit.records import ModelInfo, ProgressCallback, Request


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
