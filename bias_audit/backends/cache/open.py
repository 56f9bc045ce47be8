"""Open a model with a cache around it, and load it only for what is not cached."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from bias_audit.backends import Backend, find_support, open_backend, require_reading
from bias_audit.backends.base import LazyBackend, same_model
from bias_audit.backends.cache.backend import CachedBackend
from bias_audit.backends.cache.codec import register
from bias_audit.backends.cache.keys import Keys, identity, info_key
from bias_audit.backends.cache.store import (
    LIMIT,
    VARIABLE,
    ScoreStore,
    default_folder,
    switched_off,
)
from bias_audit.backends.hf.identify import ModelFiles, identify
from bias_audit.backends.hf.model_files import FILE_OPTIONS, ModelOptions
from bias_audit.backends.ray.options import LOCAL
from bias_audit.errors import BiasAuditError, UsageError
from bias_audit.records import ModelInfo
from bias_audit.utils.versions import package_versions

_HOMELESS = f"scores are not kept: there is no home folder; name a folder in {VARIABLE}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cache:
    """How scores, and what is made of them, are cached."""

    folder: str | Path | None = None
    """Where; the default folder when None."""
    fresh: bool = False
    """Ask the model for everything, and keep that instead of what was cached."""
    limit: int = LIMIT
    """Bytes that the store may take."""


CacheOption: TypeAlias = "bool | str | Path | Cache"
"""``True``: the default folder, for models that are opened by name; ``False``: nothing is cached; a
folder, or a :class:`Cache`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheStats:
    """What the cache did for a run."""

    found: int = 0
    """Responses that came from the cache."""
    scored: int = 0
    """Responses that the model gave."""
    recalled: bool = False
    """Whether the results too are those of an earlier run with the same scores."""
    path: str = ""
    """The store's file; empty when nothing was cached."""
    notices: tuple[str, ...] = ()
    """What went wrong with it."""

    def to_manifest(self) -> dict[str, Any]:
        """Return the manifest's entry; nothing where there was no cache."""
        if not self.path:
            return {}
        recalled = {"assessment": "kept"} if self.recalled else {}
        return {"cache": {"found": self.found, "scored": self.scored, **recalled}}


@register
@dataclass(frozen=True, kw_only=True, slots=True)
class PassedCheck:
    """A check of the model itself that an earlier run did."""

    name: str


@dataclass
class OpenedModel:
    """A backend to score with, and what its cache did so far."""

    backend: Backend
    plain: Backend
    """The model without its cache, which may not be loaded."""
    cache: CachedBackend | None = None
    notices: tuple[str, ...] = ()
    """Why there is no cache."""

    @property
    def is_loaded(self) -> bool:
        """Whether the model is in memory."""
        return not isinstance(self.plain, LazyBackend) or self.plain.is_loaded

    @property
    def model(self) -> Backend:
        """The model itself, loaded now if it was not."""
        return self.plain.load() if isinstance(self.plain, LazyBackend) else self.plain

    @property
    def store(self) -> ScoreStore | None:
        """Where responses are kept."""
        return None if self.cache is None else self.cache.store

    def has_passed(self, check: str) -> bool:
        """Say whether an earlier run checked the model."""
        if self.cache is None:
            return False
        key = self.cache.keys.join("check", check)
        return key in self.cache.get([key])

    def remember_passed(self, check: str) -> None:
        """Let later runs know that the model was checked."""
        if self.cache is not None:
            self.cache.put({self.cache.keys.join("check", check): PassedCheck(name=check)})

    @property
    def stats(self) -> CacheStats:
        """What the cache did so far."""
        if self.cache is None:
            return CacheStats(notices=self.notices)
        return CacheStats(
            found=self.cache.hits,
            scored=self.cache.misses,
            path=str(self.cache.store.path),
            notices=tuple(self.cache.store.notices),
        )


def resolve_cache_option(option: CacheOption) -> Cache | None:
    """Return what an option asks for; None where nothing is to be cached."""
    if isinstance(option, bool):
        return Cache() if option else None
    return option if isinstance(option, Cache) else Cache(folder=Path(option))


@contextmanager
def open_model(
    model: str | Backend, option: CacheOption = True, **options: Any
) -> Iterator[OpenedModel]:
    """Open a model by name, but load it only once it has to answer what is not cached.

    Args:
        model: a name, or a backend, which gets a cache only with a folder: the program knows no
            digest of what its scores depend on but the one that it gives.
        option: whether and where scores are cached.
        options: of :func:`bias_audit.backends.open_backend`.

    Raises:
        BiasAuditError: as :func:`bias_audit.backends.open_backend`; UsageError where a folder was
            given and the backend has no digest of its weights.
    """
    cache = resolve_cache_option(option)
    folder = None if cache is None else cache.folder or default_folder()
    if cache is not None and folder is not None and isinstance(model, str):
        files = _files(model, options)
        if files is not None:
            with closing(ScoreStore(Path(folder), limit=cache.limit)) as store:
                yield _wrap(_lazy(store, files, cache, options), store, cache)
            return
    if isinstance(model, str):
        backend = open_backend(model, **options)
    else:
        backend = require_reading(model, options.get("reading"))
    try:
        named = isinstance(model, str) and backend.info.kind not in ("fake", "python")
        if cache is None or not (named or cache.folder) or (folder is None and switched_off()):
            yield OpenedModel(backend=backend, plain=backend)
        else:
            with wrap_with_cache(backend, cache) as opened:
                yield opened
    finally:
        if isinstance(model, str):
            getattr(backend, "close", lambda: None)()


@contextmanager
def wrap_with_cache(backend: Backend, cache: Cache) -> Iterator[OpenedModel]:
    """Wrap a backend so that its responses are cached; the store is closed in the end.

    Raises:
        UsageError: the backend has no digest of its weights.
    """
    _require_digest(backend.info)
    folder = cache.folder or default_folder()
    if folder is None:
        yield OpenedModel(backend=backend, plain=backend, notices=(_HOMELESS,))
        return
    with closing(ScoreStore(Path(folder), limit=cache.limit)) as store:
        yield _wrap(backend, store, cache)


def _wrap(backend: Backend, store: ScoreStore, cache: Cache) -> OpenedModel:
    if not store.is_open:
        return OpenedModel(backend=backend, plain=backend, notices=tuple(store.notices))
    digest, number = _register(backend.info, store)
    wrapped = CachedBackend(backend, store, Keys(digest), number, fresh=cache.fresh)
    return OpenedModel(backend=wrapped, plain=backend, cache=wrapped)


def _register(info: ModelInfo, store: ScoreStore) -> tuple[bytes, int]:
    """The digest of a model and its number in the store."""
    _require_digest(info)
    digest = identity(info, package_versions())
    arithmetic = f"{info.dtype} on {info.device.partition(':')[0]}"
    return digest, store.model(digest, f"{info.name} {info.fingerprint[:12]}, {arithmetic}")


def _files(name: str, options: Mapping[str, Any]) -> ModelFiles | None:
    """Identify a model by its files; None where they do not say which model it would be."""
    others = {key: value for key, value in options.items() if key not in FILE_OPTIONS}
    engine, size = others.pop("engine", LOCAL), others.pop("batch_size", "auto")
    local = LOCAL in (engine, getattr(engine, "name", ""))
    if (
        name == "fake"
        or name.startswith("python:")
        or others
        or not local
        or (size != "auto" and size < 1)
    ):
        return None
    try:
        mine = {key: value for key, value in options.items() if key in FILE_OPTIONS}
        return identify(ModelOptions(name=name, **mine))
    except (BiasAuditError, OSError, ValueError, KeyError):
        return None


def _lazy(
    store: ScoreStore, files: ModelFiles, cache: Cache, options: Mapping[str, Any]
) -> Backend:
    """Describe a model from the store; load it where it was not met before."""
    key = info_key(files, package_versions())
    known = None if cache.fresh else store.get([key]).get(key)
    if isinstance(known, ModelInfo):
        info, support = _describe(known, files), find_support(known.reading)
        return LazyBackend(info, support, partial(open_backend, files.name, **options))
    backend = open_backend(files.name, **options)
    info = replace(backend.info, notices=backend.info.notices[len(files.notices) :])
    if same_model(_describe(info, files), backend.info):
        store.put(_register(backend.info, store)[1], {key: info})
    return backend


def _describe(info: ModelInfo, files: ModelFiles) -> ModelInfo:
    """A cached description under the name by which the model is opened now."""
    return replace(
        info,
        name=files.name,
        revision=files.revision,
        device=files.device,
        files=files.files,
        notices=(*files.notices, *info.notices),
    )


def _require_digest(info: ModelInfo) -> None:
    if not info.fingerprint:
        raise UsageError(
            "scores can be kept only of a model with a digest of its weights, and"
            f" '{info.name}' has none",
            hint="give ModelInfo.fingerprint everything that its scores depend on, or cache=False",
        )
