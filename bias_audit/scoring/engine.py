"""Where the passes of a model are computed: in this process, or on workers of a Ray cluster."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from bias_audit.errors import UnknownNameError, UsageError

LOCAL, RAY = "local", "ray"
NAMES = (LOCAL, RAY)


@dataclass(frozen=True, kw_only=True, slots=True)
class Engine:
    """Where the passes of a model are computed; the numbers are the same.

    Raises:
        UnknownNameError: no such engine.
        UsageError: less than one worker, or an address or workers for the local engine.
    """

    name: str = LOCAL
    """``local`` or ``ray``."""
    address: str | None = None
    """Of a Ray cluster: ``auto``, ``HOST:PORT`` or ``ray://HOST:PORT``. Without it that of
    ``RAY_ADDRESS``, or a cluster on this machine for this run."""
    workers: int | None = None
    """Replicas of the model; one for each GPU of the cluster when None, or for each CPU."""

    def __post_init__(self) -> None:
        if self.name not in NAMES:
            raise UnknownNameError("engine", self.name, NAMES)
        if self.workers is not None and self.workers < 1:
            raise UsageError(f"expected at least 1 worker, but got {self.workers}")
        if self.name == LOCAL and (self.address is not None or self.workers is not None):
            raise UsageError(
                "the local engine has neither an address nor workers",
                hint="add --engine ray, or engine: {name: ray} under 'run:' in the configuration",
            )

    def __str__(self) -> str:
        parts = [self.name, self.address, self.workers and f"{self.workers} workers"]
        return ", ".join(str(part) for part in parts if part)


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineUse:
    """Who computed the passes of a run."""

    name: str
    workers: int
    """Workers that held the model in the end."""
    lost: int
    """Workers that were lost and replaced."""
    refused: int = 0
    """Workers that came when others were at work, and could not join them."""
    reasons: tuple[str, ...] = ()
    """Why they could not."""

    def told(self) -> dict[str, Any]:
        """What the manifest says of it."""
        return {"engine": asdict(self)}
