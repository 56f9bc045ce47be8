"""Audit what a language model associates with groups of people.

>>> from bias_audit import audit                      # doctest: +SKIP
>>> result = audit("reference")                       # core probes, bundled model
>>> result.findings[0].headline
>>> result.report("report.html")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bias_audit.errors import (
    BiasAuditError,
    FileError,
    ModelLoadError,
    NothingToAuditError,
    ScoringError,
    UnknownNameError,
    UsageError,
)
from bias_audit.utils.versions import __version__

if TYPE_CHECKING:
    from bias_audit.backends import Engine, FakeBackend, open_backend
    from bias_audit.backends.cache import Cache
    from bias_audit.metrics.scored_probe import Settings
    from bias_audit.pipeline.audit import Audit
    from bias_audit.pipeline.compare import RunComparison, compare
    from bias_audit.pipeline.fill import fill
    from bias_audit.pipeline.fill_result import FillResult
    from bias_audit.pipeline.from_config import gate
    from bias_audit.pipeline.run import audit
    from bias_audit.probes.catalogue import ProbeCatalogue


__all__ = [
    "Audit",
    "BiasAuditError",
    "Cache",
    "Engine",
    "FakeBackend",
    "FileError",
    "FillResult",
    "ModelLoadError",
    "NothingToAuditError",
    "ProbeCatalogue",
    "RunComparison",
    "ScoringError",
    "Settings",
    "UnknownNameError",
    "UsageError",
    "__version__",
    "audit",
    "compare",
    "fill",
    "gate",
    "open_backend",
]

_HOMES = {
    "Audit": "bias_audit.pipeline.audit",
    "Cache": "bias_audit.backends.cache",
    "ProbeCatalogue": "bias_audit.probes.catalogue",
    "Engine": "bias_audit.backends",
    "FakeBackend": "bias_audit.backends",
    "FillResult": "bias_audit.pipeline.fill",
    "RunComparison": "bias_audit.pipeline.compare",
    "Settings": "bias_audit.metrics.scored_probe",
    "audit": "bias_audit.pipeline.run",
    "compare": "bias_audit.pipeline.compare",
    "fill": "bias_audit.pipeline.fill",
    "gate": "bias_audit.pipeline.from_config",
    "open_backend": "bias_audit.backends",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that ``import bias_audit`` stays light."""
    if name in _HOMES:
        from importlib import import_module

        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
