"""Audit what a masked language model associates with groups of people.

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

if TYPE_CHECKING:
    from bias_audit.assess import Settings
    from bias_audit.auditing import Audit, audit
    from bias_audit.benchmark_audit import audit_datasets
    from bias_audit.catalogue import Catalogue
    from bias_audit.filling import Fill, fill
    from bias_audit.pipeline.compare import RunComparison, compare
    from bias_audit.scoring import Engine, FakeBackend, open_backend
    from bias_audit.storing import Cache

__version__ = "0.1.0"

__all__ = [
    "Audit",
    "BiasAuditError",
    "Cache",
    "Catalogue",
    "Engine",
    "FakeBackend",
    "FileError",
    "Fill",
    "ModelLoadError",
    "NothingToAuditError",
    "RunComparison",
    "ScoringError",
    "Settings",
    "UnknownNameError",
    "UsageError",
    "__version__",
    "audit",
    "audit_datasets",
    "compare",
    "fill",
    "open_backend",
]

_HOMES = {
    "Audit": "bias_audit.auditing",
    "Cache": "bias_audit.storing",
    "Catalogue": "bias_audit.catalogue",
    "Engine": "bias_audit.scoring",
    "FakeBackend": "bias_audit.scoring",
    "Fill": "bias_audit.filling",
    "RunComparison": "bias_audit.pipeline.compare",
    "Settings": "bias_audit.assess",
    "audit": "bias_audit.auditing",
    "audit_datasets": "bias_audit.benchmark_audit",
    "compare": "bias_audit.pipeline.compare",
    "fill": "bias_audit.filling",
    "open_backend": "bias_audit.scoring",
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
