"""What a run is judged by: gates with their places in the configuration, waivers, and the day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from bias_audit.errors import UsageError
from bias_audit.gates.schema import GateConfig
from bias_audit.gates.waivers import WaiverEntry


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """Everything that judging needs apart from the results."""

    gates: tuple[GateConfig, ...] = ()
    probes: tuple[str, ...] = ()
    """Ids of the probes that the configuration asks for: one that a run left out makes it
    incomplete, whatever its gates name."""
    verified: bool = True
    """Whether the numbers that are judged were measured just now, or come from evidence."""
    waivers: tuple[WaiverEntry, ...] = ()
    today: date | None = None
    """Day of judging, for waivers; None where there are none."""
    strict: bool = False
    """Unclear gates and unpinned models count as incomplete."""
    file: str = ""
    """The configuration, as reports name it."""
    places: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Line and column of every gate, by its id."""
    digest: str = ""
    """SHA-256 of what the configuration says."""

    def __post_init__(self) -> None:
        """Refuse a strict policy that nothing can fail: who asks for it has lost the gates."""
        if self.strict and not self.gates:
            where = f" in {self.file}" if self.file else ""
            raise UsageError(
                f"--strict, and no gates{where}: nothing could fail",
                hint="set limits under 'gates:' in bias-audit.yaml (bias-audit init writes one to"
                " start from), or leave --strict out",
            )

    @property
    def baselines(self) -> tuple[str, ...]:
        """Names of the baselines that the gates compare with, in their order."""
        return tuple(dict.fromkeys(g.baseline for g in self.gates if g.baseline is not None))
