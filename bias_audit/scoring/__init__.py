"""Backends: language models as the audit sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bias_audit.scoring.base import Backend
from bias_audit.scoring.fake import FakeBackend

if TYPE_CHECKING:
    from bias_audit.scoring.masked_lm import MaskedLM

__all__ = ["Backend", "FakeBackend", "MaskedLM", "open_backend"]


def open_backend(name: str = "reference", **options: Any) -> Backend:
    """Open the model of that name.

    Args:
        name: ``reference`` (the bundled model), a local folder, a hub id, or ``fake`` (a stand-in
            without a model, which ignores the options of a real one).
        options: Those of :class:`~bias_audit.scoring.masked_lm.MaskedLM`.

    Raises:
        ModelLoadError: When the model cannot be loaded or its scores would mean nothing.
        UsageError: For a device or dtype that does not exist, or a batch size below 1.
    """
    if name == "fake":
        return FakeBackend()
    from bias_audit.scoring.masked_lm import MaskedLM

    return MaskedLM(name, **options)


def __getattr__(name: str) -> Any:
    """Load torch only for those who ask for it."""
    if name == "MaskedLM":
        from bias_audit.scoring.masked_lm import MaskedLM

        return MaskedLM
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
