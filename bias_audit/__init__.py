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
    from bias_audit.auditing import Audit, audit
    from bias_audit.backends import Engine, FakeBackend, open_backend
    from bias_audit.backends.cache import Cache
    from bias_audit.benchmark_audit import audit_datasets
    from bias_audit.catalogue import Catalogue
    from bias_audit.comparing import Compared, compare
    from bias_audit.filling import Fill, fill
    from bias_audit.metrics.scored_probe import Settings

__version__ = "0.1.0"

__all__ = [
    "Audit",
    "BiasAuditError",
    "Cache",
    "Catalogue",
    "Compared",
    "Engine",
    "FakeBackend",
    "FileError",
    "Fill",
    "ModelLoadError",
    "NothingToAuditError",
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
    "Cache": "bias_audit.backends.cache",
    "Catalogue": "bias_audit.catalogue",
    "Compared": "bias_audit.comparing",
    "Engine": "bias_audit.backends",
    "FakeBackend": "bias_audit.backends",
    "Fill": "bias_audit.filling",
    "Settings": "bias_audit.analysis",
    "audit": "bias_audit.auditing",
    "audit_datasets": "bias_audit.benchmark_audit",
    "compare": "bias_audit.comparing",
    "fill": "bias_audit.filling",
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
