"""Baselines: accepted runs, in files that only a command may write.

A folder beside the configuration holds one folder for each: the record ``baseline.yaml``, and the
run's results and evidence, byte for byte. Their digests are in the record and are checked on
reading, so that editing a number moves no limit.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from bias_audit import __version__
from bias_audit.errors import BiasAuditError, UsageError
from bias_audit.gates.waivers import Day
from bias_audit.results.evidence import EVIDENCE_FILE as EVIDENCE
from bias_audit.results.run_folder import StoredRun
from bias_audit.utils.file_model import FileModel, Id, Text
from bias_audit.utils.files import replace_folder, write_atomic
from bias_audit.utils.validation import explain_errors
from bias_audit.utils.yaml import read_yaml

FOLDER = "bias-audit-baselines"
RECORD = "baseline.yaml"
RESULTS = "results.json"
_HEADER = """\
# An accepted run. Written by 'bias-audit baseline accept'; the digests of both files are checked.
"""
_ATTRIBUTES = """\
# The digests of these files are checked: git must not change their line ends.
* -text
"""


class AcceptedModel(FileModel):
    """The model of an accepted run."""

    name: str
    revision: str | None = None
    """Commit of the hub repository, if it came from there."""
    fingerprint: str
    """SHA-256 over the weight files."""


class Digests(FileModel):
    """SHA-256 of the accepted files."""

    results: str
    """Of ``results.json``; checked whenever the baseline is read."""
    evidence: str
    """Of ``evidence.csv.gz``."""


class BaselineFile(FileModel):
    """``baseline.yaml``."""

    version: Literal[1]
    name: Id
    reason: Text
    """Why this run is what others are compared with."""
    accepted: Day
    """Day on which it was accepted."""
    who: Text | None = None
    """Who accepted it."""
    tool: Text
    """Version of the program that accepted it."""
    model: AcceptedModel
    sha256: Digests


@dataclass(frozen=True, kw_only=True, slots=True)
class Baseline:
    """A baseline whose files are as they were accepted."""

    record: BaselineFile
    folder: Path
    """Its own folder."""

    @property
    def name(self) -> str:
        """Its name."""
        return self.record.name

    @property
    def run(self) -> StoredRun:
        """The accepted run.

        Raises:
            UsageError: its results are of a newer version of the program.
        """
        return StoredRun.open(self.folder / RESULTS)


@dataclass(frozen=True, kw_only=True, slots=True)
class BaselineEntry:
    """One baseline of a folder, or what is wrong with it."""

    name: str
    baseline: Baseline | None
    problem: str = ""


def baseline_folder(config: Path | None, override: Path | None = None) -> Path:
    """Return the folder of the baselines: ``override``, else the one for the configuration."""
    if override is not None:
        return override
    return (config.parent if config is not None else Path()) / FOLDER


def find_baseline(place: Path, name: str) -> Baseline | None:
    """Return the baseline of this name in the folder ``place``, checked; None when there is none.

    Raises:
        UsageError: it was edited, is damaged, or the name cannot be one.
    """
    home = place / validate_name(name)
    if not home.is_dir():
        return None
    record = read_yaml(home / RECORD, BaselineFile)
    if record.name != name:
        raise UsageError(
            f"{home / RECORD} is the record of '{record.name}'",
            hint="baselines are not renamed by hand; accept the run again under the new name",
        )
    for file, digest in ((RESULTS, record.sha256.results), (EVIDENCE, record.sha256.evidence)):
        _check_digest(home / file, digest, name)
    return Baseline(record=record, folder=home)


def list_baselines(place: Path) -> list[BaselineEntry]:
    """Return all baselines of a folder by name; broken ones with what is wrong with them."""
    if not place.is_dir():
        return []
    names = sorted(path.name for path in place.iterdir() if path.is_dir() and path.name[0] != ".")
    return [_entry(place, name) for name in names]


def _entry(place: Path, name: str) -> BaselineEntry:
    try:
        return BaselineEntry(name=name, baseline=find_baseline(place, name))
    except BiasAuditError as error:
        return BaselineEntry(name=name, baseline=None, problem=error.message)


def write_baseline(
    run: StoredRun,
    files: Path,
    *,
    name: str,
    reason: str,
    today: date,
    place: Path,
    who: str | None,
) -> Baseline:
    """Store a run, whose evidence was checked, as a baseline; an older one is replaced as a whole.

    Arguments as in ``accept_baseline`` of the pipeline; ``files`` is the run's folder.

    Raises:
        UsageError: a value cannot be used, or a folder cannot be read or written.
    """
    validate_name(name)
    try:
        contents = {file: (files / file).read_bytes() for file in (RESULTS, EVIDENCE)}
    except OSError as error:
        raise UsageError(f"cannot read {files}: {error.strerror or error}") from error
    model = run.results.model
    content = {
        "version": 1,
        "name": name,
        "reason": reason,
        "accepted": today.isoformat(),
        **({"who": who} if who else {}),
        "tool": __version__,
        "model": model.model_dump(include={"name", "revision", "fingerprint"}, exclude_none=True),
        "sha256": {"results": _digest(contents[RESULTS]), "evidence": _digest(contents[EVIDENCE])},
    }
    record = _record(content)
    if not (place / ".gitattributes").exists():
        write_atomic(place / ".gitattributes", _ATTRIBUTES)
    replace_folder(place / name, {**contents, RECORD: _HEADER + _as_yaml(content)})
    return Baseline(record=record, folder=place / name)


def _record(content: dict[str, Any]) -> BaselineFile:
    """Check what was given; a value that cannot be used is named as the option that gave it."""
    try:
        return BaselineFile.model_validate(content)
    except ValidationError as error:
        first = explain_errors(error, BaselineFile, "", {}, {})[0]
        option = error.errors()[0]["loc"][0]
        raise UsageError(f"--{option}: {first.message}", hint=first.hint) from None


def validate_name(name: str) -> str:
    """Return a baseline's name if it can be one.

    Raises:
        UsageError: it would leave the folder, or gates could not name it.
    """
    try:
        return TypeAdapter(Id).validate_python(name)
    except ValidationError:
        raise UsageError(
            f"'{name[:80]}' cannot be the name of a baseline",
            hint="use small letters, digits, '.', '_' and '-', such as: main",
        ) from None


def _check_digest(path: Path, digest: str, name: str) -> None:
    try:
        actual = _digest(path.read_bytes())
    except OSError as error:
        raise UsageError(
            f"the baseline '{name}' is incomplete: {path}: {error.strerror or error}",
            hint="restore the file from version control, or accept a run again",
        ) from error
    if actual != digest:
        raise UsageError(
            f"the baseline '{name}' was changed after it was accepted: {path} has the digest"
            f" {actual[:12]}, {RECORD} says {digest[:12]}",
            hint="restore the file from version control, or accept a run again",
        )


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _as_yaml(content: dict[str, Any], indent: str = "") -> str:
    """Keys and quoted words; JSON strings are YAML strings."""
    lines = []
    for key, value in content.items():
        if isinstance(value, dict):
            lines.append(f"{indent}{key}:\n{_as_yaml(value, indent + '  ')}")
        else:
            lines.append(f"{indent}{key}: {json.dumps(value, ensure_ascii=False)}\n")
    return "".join(lines)
