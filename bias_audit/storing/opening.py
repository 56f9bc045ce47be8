"""From a choice to a backend that keeps its scores, or to the plain one and the reason."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from bias_audit.errors import UsageError
from bias_audit.records import ModelInfo
from bias_audit.scoring.base import Backend
from bias_audit.store import versions
from bias_audit.storing.backend import OPEN_SHARE, Shelf, stored
from bias_audit.storing.database import LIMIT, ScoreStore
from bias_audit.storing.keys import Keys, identity
from bias_audit.storing.place import VARIABLE, default_folder, switched_off

_HOMELESS = f"scores are not kept: there is no home folder; name a folder in {VARIABLE}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cache:
    """How scores are kept."""

    folder: str | Path | None = None
    """Where; the default place when None."""
    fresh: bool = False
    """Score anew, and keep that instead of what was kept before."""
    limit: int = LIMIT
    """Bytes that the store may take."""


CacheChoice: TypeAlias = "bool | str | Path | Cache"
"""``True``: the default place, for models that are opened by name; ``False``: nothing is kept; a
folder, or a :class:`Cache`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheUse:
    """What the store did for a run."""

    found: int = 0
    """Answers that came from the store."""
    scored: int = 0
    """Answers that the model gave."""
    path: str = ""
    """The store's file; empty when nothing was kept."""
    notices: tuple[str, ...] = ()
    """What went wrong with it."""

    def told(self) -> dict[str, Any]:
        """What the manifest says of it; nothing where there was no store."""
        return {"cache": {"found": self.found, "scored": self.scored}} if self.path else {}


@dataclass
class Kept:
    """A backend to score with, and what its store did so far."""

    backend: Backend
    store: ScoreStore | None = None
    shelf: Shelf | None = None
    notices: tuple[str, ...] = ()
    """Why there is no store."""

    @property
    def use(self) -> CacheUse:
        """What the store did so far."""
        if self.store is None or self.shelf is None:
            return CacheUse(notices=self.notices)
        return CacheUse(
            found=self.shelf.found,
            scored=self.shelf.asked,
            path=str(self.store.path),
            notices=tuple(self.store.notices),
        )


@contextmanager
def keeping(backend: Backend, choice: CacheChoice, *, named: bool) -> Iterator[Kept]:
    """Wrap a backend so that its scores are kept, as chosen; the store is closed in the end.

    Args:
        backend: the model.
        choice: whether and where.
        named: whether the program opened the model itself. Only then its digests are known to
            cover what its scores depend on; a backend of the caller needs a folder.

    Raises:
        UsageError: a folder was given and the backend has no digest of its weights.
    """
    kept = _kept(backend, choice, named=named)
    try:
        yield kept
    finally:
        if kept.store is not None:
            kept.store.close()


def _kept(backend: Backend, choice: CacheChoice, *, named: bool) -> Kept:
    cache = _cache(choice)
    if cache is None or (cache.folder is None and not (named and backend.info.kind == "masked")):
        return Kept(backend=backend)
    folder = cache.folder or default_folder()
    if folder is None:
        return Kept(backend=backend, notices=() if switched_off() else (_HOMELESS,))
    _require_digest(backend.info)
    store = ScoreStore(Path(folder), limit=cache.limit)
    if not store.is_open:
        return Kept(backend=backend, notices=tuple(store.notices))
    digest = identity(backend.info, versions())
    shelf = Shelf(
        store=store,
        keys=Keys(digest),
        model=store.model(digest, _about(backend.info)),
        fresh=cache.fresh,
        room=cache.limit // OPEN_SHARE,
    )
    return Kept(backend=stored(backend, shelf), store=store, shelf=shelf)


def _cache(choice: CacheChoice) -> Cache | None:
    if isinstance(choice, bool):
        return Cache() if choice else None
    if isinstance(choice, Cache):
        return choice
    return Cache(folder=Path(choice))


def _require_digest(info: ModelInfo) -> None:
    if not info.fingerprint:
        raise UsageError(
            "scores can be kept only of a model with a digest of its weights, and"
            f" '{info.name}' has none",
            hint="give ModelInfo.fingerprint everything that its scores depend on, or cache=False",
        )


def _about(info: ModelInfo) -> str:
    """How ``cache info`` names the model."""
    return f"{info.name} {info.fingerprint[:12]}, {info.dtype} on {info.device.partition(':')[0]}"
