"""Language models as the audit sees them: one door for every kind, and wrappers around it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bias_audit.backends.base import (
    Backend,
    LazyBackend,
    require_reading,
    require_support,
    score_all,
    score_stream,
)
from bias_audit.backends.fake import FakeBackend
from bias_audit.backends.ray.options import LOCAL, Engine, EngineUse
from bias_audit.errors import UnknownNameError, UsageError
from bias_audit.records import Request

if TYPE_CHECKING:
    from bias_audit.backends.masked_lm import MaskedLM

__all__ = [
    "BUILT_IN",
    "BUNDLED",
    "Backend",
    "Engine",
    "FakeBackend",
    "LazyBackend",
    "MaskedLM",
    "built_in_notice",
    "describe_engine",
    "find_support",
    "open_backend",
    "require_options",
    "require_reading",
    "require_support",
    "score_all",
    "score_stream",
]


_BACKENDS: Mapping[str, tuple[str, str, str]] = {
    "mask": ("masked_lm", "MaskedLM", "mlm.questions"),
    "continuation": ("causal_lm", "CausalLM", "clm.questions"),
    "similarity": ("encoder", "SentenceEncoder", "embeddings"),
    "label": ("classifier", "TextClassifier", "labels"),
}
"""By reading: the module and class that reads a model, which load torch, and the module that says
without it what such a model answers (``SUPPORTS``)."""


def _load(module: str, name: str) -> Any:
    return getattr(import_module(f"{__name__}.{module}"), name)


def find_support(reading: str) -> frozenset[type[Request[Any]]]:
    """Return the kinds of requests that a model answers that is read so and opened by name."""
    support: frozenset[type[Request[Any]]] = _load(_BACKENDS[reading][2], "SUPPORTS")
    return support


def open_backend(
    name: str = "reference", *, engine: str | Engine = LOCAL, **options: Any
) -> Backend:
    """Open the model of that name.

    Args:
        name: ``reference`` (the bundled model), a local folder, a hub id, ``fake`` (a stand-in
            without a model, which ignores the options of a real one), or ``python:module:function``
            (the user's own classifier).
        engine: ``local`` (this process), ``ray``, or an :class:`Engine` with more to say. Scores
            are equal within 1e-5 nats in float32.
        options: Those of :class:`~bias_audit.backends.masked_lm.MaskedLM`; ``labels`` names those
            of a Python function, in order; ``reading`` says how a model is read that can be read
            in several ways; ``pooling`` has an encoder read that does not state its own.

    Raises:
        ModelLoadError: When the model cannot be loaded or its scores would mean nothing.
        UsageError: For an engine, a device or a dtype that does not exist, an engine that is not
            installed, a batch size below 1, an option that no model has, or a reading that the
            model does not allow.
    """
    require_options(options)
    settings = Engine(name=engine) if isinstance(engine, str) else engine
    if name == "fake":
        return require_reading(FakeBackend(), options.get("reading"))
    labels = options.pop("labels", None)
    if name.startswith("python:"):
        from bias_audit.backends.python_function import PythonClassifier

        size = options.get("batch_size", "auto")
        function = PythonClassifier(name, labels=labels or None, batch_size=size)
        return require_reading(function, options.get("reading"))
    if labels:
        raise UsageError(
            f"names of labels belong to a Python function, and '{name}' is a model",
            hint="leave them out: the labels of a model stand in its config.json",
        )
    if settings.name != LOCAL:
        from bias_audit.backends.ray.backend import RayBackend

        return RayBackend(name, engine=settings, **options)
    from bias_audit.backends.hf.model_files import FILE_OPTIONS, ModelOptions, locate_model

    mine = {key: value for key, value in options.items() if key in FILE_OPTIONS}
    reading = locate_model(ModelOptions(name=name, **mine)).reading
    options.pop("reading", None)
    backend: Backend = _load(*_BACKENDS[reading][:2])(name, **options)
    return backend


def require_options(options: Iterable[str], further: Iterable[str] = ()) -> None:
    """Refuse a keyword that loads no model, before anything is done.

    Args:
        options: names of keywords.
        further: names of the caller's own, one of which may have been meant.

    Raises:
        UnknownNameError: no such keyword.
    """
    from bias_audit.backends.hf.model_files import FILE_OPTIONS

    known = (FILE_OPTIONS - {"name"}) | {"batch_size", "engine", "labels"}
    for name in options:
        if name not in known:
            own = set(further) - {"options"}
            raise UnknownNameError("keyword", name, known | own)


BUNDLED = "reference"
BUILT_IN = (BUNDLED, "fake")
"""Names of models that are part of this program."""


def built_in_notice(name: str) -> str:
    """Say that a built-in model is meant where a folder here has its name too; else nothing."""
    if name not in BUILT_IN or not Path(name).is_dir():
        return ""
    return (
        f"'{name}' is the model of this name that comes with bias-audit, and not the folder of this"
        f" name here: write ./{name} for the folder"
    )


def describe_engine(backend: Backend) -> dict[str, Any]:
    """Return what the manifest says of the workers; nothing where this process scored."""
    use = getattr(backend, "use", None)
    return use.to_manifest() if isinstance(use, EngineUse) else {}


def __getattr__(name: str) -> Any:
    """Load torch only for those who ask for it."""
    if name == "MaskedLM":
        return _load("masked_lm", name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
