"""Finds the shipped data: ``templates/``, ``probes/``, ``reports/`` and the bundled model."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from bias_audit.errors import BiasAuditError

_PACKAGE = Path(__file__).resolve().parents[1]


@cache
def data_dir(name: str) -> Path:
    """Return the folder of shipped data called ``name``.

    A wheel carries it as ``bias_audit/_data/<name>``; a checkout (and an editable install) has it
    next to the package.

    Raises:
        BiasAuditError: the installation lacks the folder.
    """
    for folder in (_PACKAGE / "_data" / name, _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise BiasAuditError(
        f"the data folder '{name}' is missing from this installation",
        hint="install bias-audit again; its wheel carries templates, probes and reports",
    )


def read_text(name: str, path: str) -> str:
    """Return the text of one shipped file, such as ``read_text("reports", "report.html.j2")``."""
    return (data_dir(name) / path).read_text(encoding="utf-8")


def model_dir() -> Path:
    """Return the folder of the bundled reference model."""
    return _PACKAGE / "models" / "reference"
