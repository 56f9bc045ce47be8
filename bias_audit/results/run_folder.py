"""The run folder: what a run leaves behind, written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bias_audit.errors import UsageError
from bias_audit.results.io import Results, dump_json, results_text
from bias_audit.utils.files import write_atomic

LATEST = "latest"


def default_folder(base: Path, date: str, digest: str) -> Path:
    """``audit-runs/<date>-<short digest>``, with a number behind it when that is taken."""
    stem = base / "audit-runs" / f"{date}-{digest[:6]}"
    folder, count = stem, 2
    while folder.exists():
        folder, count = stem.with_name(f"{stem.name}-{count}"), count + 1
    return folder


def write_run(
    folder: Path, results: Results, manifest: Mapping[str, Any], files: Mapping[str, str | bytes]
) -> None:
    """Write results, manifest and further files; ``results.json`` comes last.

    An older one is taken away first: a folder with a ``results.json`` is a complete run.

    Raises:
        UsageError: a file cannot be written.
    """
    _remove(folder / "results.json")
    write_atomic(folder / "run.json", dump_json(dict(manifest)))
    for name, content in files.items():
        write_atomic(folder / name, content)
    write_atomic(folder / "results.json", results_text(results))
    if folder.parent.name == "audit-runs":
        write_atomic(folder.parent / LATEST, folder.name + "\n")


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(
            f"cannot replace {path}: {error.strerror or error}",
            hint="choose a folder you may write to with -o DIR",
        ) from error


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a stored run; empty when there is none that can be read."""
    try:
        content = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
