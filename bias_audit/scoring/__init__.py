"""Backends: language models as the audit sees them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bias_audit.scoring.base import Backend
from bias_audit.scoring.engine import LOCAL, Engine, EngineUse
from bias_audit.scoring.fake import FakeBackend

if TYPE_CHECKING:
    from bias_audit.scoring.masked_lm import MaskedLM

__all__ = ["Backend", "Engine", "FakeBackend", "MaskedLM", "open_backend"]


def open_backend(
    name: str = "reference", *, engine: str | Engine = LOCAL, **options: Any
) -> Backend:
    """Open the model of that name.

    Args:
        name: ``reference`` (the bundled model), a local folder, a hub id, or ``fake`` (a stand-in
            without a model, which ignores the options of a real one).
        engine: ``local`` (this process), ``ray``, or an :class:`Engine` with more to say. The
            numbers are the same.
        options: Those of :class:`~bias_audit.scoring.masked_lm.MaskedLM`.

    Raises:
        ModelLoadError: When the model cannot be loaded or its scores would mean nothing.
        UsageError: For an engine, a device or a dtype that does not exist, an engine that is not
            installed, or a batch size below 1.
    """
    chosen = Engine(name=engine) if isinstance(engine, str) else engine
    if name == "fake":
        return FakeBackend()
    if chosen.name != LOCAL:
        from bias_audit.scoring.remote import RemoteMaskedLM

        return RemoteMaskedLM(name, engine=chosen, **options)
    from bias_audit.scoring.masked_lm import MaskedLM

    return MaskedLM(name, **options)


@contextmanager
def opened_model(model: str | Backend, **options: Any) -> Iterator[Backend]:
    """A model that is opened by name for as long as it is needed; a backend is left as it is.

    Raises:
        BiasAuditError: as :func:`open_backend`.
    """
    if not isinstance(model, str):
        yield model
        return
    backend = open_backend(model, **options)
    try:
        yield backend
    finally:
        close = getattr(backend, "close", None)
        if close is not None:
            close()


def engine_told(backend: Backend) -> dict[str, Any]:
    """What the manifest says of who scored; nothing where that was this process."""
    use = getattr(backend, "use", None)
    return use.told() if isinstance(use, EngineUse) else {}


def __getattr__(name: str) -> Any:
    """Load torch only for those who ask for it."""
    if name == "MaskedLM":
        from bias_audit.scoring.masked_lm import MaskedLM

        return MaskedLM
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
