"""Say where the passes of a model are computed: in this process, or on workers of a Ray cluster."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from bias_audit.errors import UnknownNameError, UsageError

LOCAL, RAY = "local", "ray"
NAMES = (LOCAL, RAY)


@dataclass(frozen=True, kw_only=True, slots=True)
class Engine:
    """Where the passes of a model are computed; scores are equal within 1e-5 nats in float32.

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
    """Which workers computed the passes of a run."""

    name: str
    workers: int
    """Workers that held the model in the end."""
    refused: tuple[str, ...] = ()
    """Why others could not join them."""

    def to_manifest(self) -> dict[str, Any]:
        """Return the manifest's entry."""
        return {"engine": asdict(self)}
