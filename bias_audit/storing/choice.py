"""What a caller says about keeping, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from bias_audit.storing.database import LIMIT


@dataclass(frozen=True, kw_only=True, slots=True)
class Cache:
    """How scores, and what is made of them, are kept."""

    folder: str | Path | None = None
    """Where; the default place when None."""
    fresh: bool = False
    """Score and compute anew, and keep that instead of what was kept before."""
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
    recalled: bool = False
    """Whether the results too are those of an earlier run, which found the same scores."""
    path: str = ""
    """The store's file; empty when nothing was kept."""
    notices: tuple[str, ...] = ()
    """What went wrong with it."""

    def told(self) -> dict[str, Any]:
        """What the manifest says of it; nothing where there was no store."""
        if not self.path:
            return {}
        kept = {"assessment": "kept"} if self.recalled else {}
        return {"cache": {"found": self.found, "scored": self.scored, **kept}}


def chosen(choice: CacheChoice) -> Cache | None:
    """What a choice asks for; None where nothing is to be kept."""
    if isinstance(choice, bool):
        return Cache() if choice else None
    if isinstance(choice, Cache):
        return choice
    return Cache(folder=Path(choice))
