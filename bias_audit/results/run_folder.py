"""The run folder: what a run leaves behind, written whole or not at all, and read again."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bias_audit.errors import UsageError
from bias_audit.results.evidence import EVIDENCE_FILE, PAIR_SCORES_FILE, Source
from bias_audit.results.io import LATEST, Results, dump_json, load_results, locate, results_text
from bias_audit.utils.files import sole_writer, write_atomic


def default_folder(base: Path, date: str, digest: str) -> Path:
    """``audit-runs/<date>-<short digest>``, with a number behind it when that is taken."""
    stem = base / "audit-runs" / f"{date}-{digest[:6]}"
    folder, count = stem, 2
    while folder.exists():
        folder, count = stem.with_name(f"{stem.name}-{count}"), count + 1
    return folder


def require_free(folder: Path, known: Collection[str]) -> None:
    """Refuse a folder that holds another audit or the files of somebody else.

    Hidden files do not count, and neither do those of a run that was ended while it wrote.

    Args:
        folder: where a run is to be written.
        known: names of the files that a run may write.

    Raises:
        UsageError: it does.
    """
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    foreign = [name for name in names if name not in known and not name.startswith(".")]
    if "results.json" in names:
        what = "another audit"
    elif foreign:
        more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        what = f"files that no run has written ({foreign[0]}{more})"
    else:
        return
    raise UsageError(
        f"{folder} holds {what}",
        hint="name another folder with -o, or write into it all the same with --force",
    )


def write_run(
    folder: Path,
    results: Results,
    manifest: Mapping[str, Any],
    files: Mapping[str, str | bytes],
    others: Iterable[str] = (),
) -> None:
    """Write results, manifest and further files; ``results.json`` comes last.

    An older one is taken away first: a folder with a ``results.json`` is a complete run. So are
    scores and files of the names in ``others``, which would be those of another run.

    Raises:
        UsageError: a file cannot be written, or another run is writing there.
    """
    with sole_writer(folder):
        _write(folder, results, manifest, files, {*others, EVIDENCE_FILE, PAIR_SCORES_FILE})


def _write(
    folder: Path,
    results: Results,
    manifest: Mapping[str, Any],
    files: Mapping[str, str | bytes],
    others: Collection[str],
) -> None:
    try:
        for name in ("results.json", *sorted(set(others) - set(files))):
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(
            f"cannot replace {folder / 'results.json'}: {error.strerror or error}",
            hint="choose a folder you may write to with -o DIR",
        ) from error
    write_atomic(folder / "run.json", dump_json(dict(manifest)))
    for name, content in files.items():
        write_atomic(folder / name, content)
    write_atomic(folder / "results.json", results_text(results))
    if folder.parent.name == "audit-runs":
        write_atomic(folder.parent / LATEST, folder.name + "\n")


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a stored run; empty when there is none that can be read."""
    try:
        content = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredRun:
    """A run as it is stored: its results, and where its scores are."""

    results: Results
    evidence: Source | None
    """The file, its bytes, or None when there is none."""
    pair_scores: Source | None = None
    """The same for the scores of pairs of published data sets."""

    @classmethod
    def open(cls, run: str | Path) -> StoredRun:
        """Read a run folder, a ``results.json``, or ``audit-runs/latest``.

        Raises:
            UsageError: nothing readable is there.
        """
        path = locate(run)
        evidence, pairs = (
            file if (file := path.parent / name).is_file() else None
            for name in (EVIDENCE_FILE, PAIR_SCORES_FILE)
        )
        return cls(results=load_results(path), evidence=evidence, pair_scores=pairs)
