"""The run folder: what a run leaves behind, written whole or not at all."""

from __future__ import annotations

import json
import platform
import shutil
import tempfile
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from bias_audit.archive import Results, dump_json, results_text, write_atomic
from bias_audit.errors import UsageError

PACKAGES = (
    "torch",
    "transformers",
    "tokenizers",
    "numpy",
    "scipy",
    "pandas",
    "matplotlib",
    "jinja2",
)
"""Packages whose version can change a number or a picture."""

LATEST = "latest"


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that matter, where installed."""
    return dict(_versions())


@cache
def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def default_folder(base: Path, date: str, digest: str) -> Path:
    """``audit-runs/<date>-<short digest>``, with a number behind it when that is taken."""
    stem = base / "audit-runs" / f"{date}-{digest[:6]}"
    folder, count = stem, 2
    while folder.exists():
        folder, count = stem.with_name(f"{stem.name}-{count}"), count + 1
    return folder


def require_writable(folder: Path) -> None:
    """Fail before a long run, not after it.

    Raises:
        UsageError: the folder cannot be made or written.
    """
    existing = folder
    try:
        while not existing.exists():
            existing = existing.parent
        if not existing.is_dir():
            raise NotADirectoryError(20, "is a file, not a folder")
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise UsageError(
            f"cannot write into {folder}: {existing}: {error.strerror or error}",
            hint="choose a folder you may write to with -o DIR",
        ) from error


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


def replace_folder(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Write a folder of files where an older one may be; a reader finds the old one or the new.

    Raises:
        UsageError: it cannot be written; what was there is still there.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            made.chmod(0o755)
            for name, content in files.items():
                write_atomic(made / name, content)
            _swap(made, folder)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except OSError as error:
        raise UsageError(
            f"cannot write {folder}: {error.strerror or error}",
            hint="choose a folder you may write to",
        ) from error


def _swap(made: Path, folder: Path) -> None:
    """Rename ``made`` to ``folder``; what was there is put back if that fails."""
    if not folder.exists():
        made.rename(folder)
        return
    aside = made.with_name(f"{made.name}.old")
    folder.rename(aside)
    try:
        made.rename(folder)
    except OSError:
        aside.rename(folder)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a stored run; empty when there is none that can be read."""
    try:
        content = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
