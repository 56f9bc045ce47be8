"""What the page is about: a model, stored audits, and where probe files go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from bias_audit.backends.hf.model_files import FILE_OPTIONS, ModelOptions, locate_model
from bias_audit.backends.python_function import PREFIX, find_function
from bias_audit.config import open_catalogue
from bias_audit.pipeline.model_checks import check_name
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.scaffold import place
from bias_audit.results import is_run, load_results, locate

_WEIGHTS = (".safetensors", ".bin", ".gguf")
_RUNS = 50
"""Stored audits that are offered, the newest first."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What everybody who opens the page finds there."""

    model: str
    options: Mapping[str, Any] = field(default_factory=dict)
    """How the model is loaded."""
    reading: str = "mask"
    size: str = ""
    """Of its weights; empty where that is not known."""
    runs: tuple[Path, ...] = ()
    """Folders of stored audits, the one that was named first."""
    begins_with_run: bool = False
    """Whether an audit was named, and no model."""
    folder: Path | None = None
    """Where files are saved; None where they can be downloaded only."""
    probe_paths: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """What sentences are collected into.

        A probe; for a classifier, whose probes need plain sentences of each label too, a set of
        sentences.
        """
        return "templates" if self.reading == "label" else "probe"

    @cached_property
    def catalogue(self) -> ProbeCatalogue:
        """Lexicons and template sets to choose from."""
        return open_catalogue(self.probe_paths)


def read_subject(
    name: str,
    options: Mapping[str, Any],
    *,
    folder: Path | None = None,
    is_public: bool = False,
    probe_paths: Sequence[str] = (),
    here: Path,
) -> Subject:
    """Find out what a name means, and refuse what cannot be opened.

    Args:
        name: a model, or a stored audit whose model is meant.
        options: how the model is loaded.
        folder: where files are saved; None for the usual one.
        is_public: nothing is saved, since others may open the page.
        probe_paths: the user's own probes, template sets and lexicons.
        here: folder of which the stored audits are offered.

    Raises:
        UsageError: it is neither a model nor a stored audit.
        ModelLoadError: there is no such model, or its files hold none.
    """
    catalogue = open_catalogue(probe_paths)
    stored = sorted((here / "audit-runs").glob("*/results.json"), key=_time, reverse=True)
    runs = [path.parent for path in stored[:_RUNS]]
    path = locate(name) if is_run(name) else None
    if path is not None:
        info = load_results(path).model
        model, reading, size = info.name, info.reading, ""
        options = {**options, "offline": True}  # a stored file is no reason to fetch a model
        runs = [path.parent, *(run for run in runs if run.resolve() != path.parent.resolve())]
    else:
        model, (reading, size) = name, _require_model(name, catalogue, options)
    subject = Subject(
        model=model,
        options=options,
        reading=reading,
        size=size,
        runs=tuple(runs),
        begins_with_run=path is not None,
        probe_paths=tuple(probe_paths),
    )
    home = None if is_public else folder or place(subject.kind, here)
    return replace(subject, folder=home)


def _time(path: Path) -> float:
    return path.stat().st_mtime


def _require_model(
    name: str, catalogue: ProbeCatalogue, options: Mapping[str, Any]
) -> tuple[str, str]:
    """Refuse what is no model, and return how it is read and how large its weights are."""
    if name.startswith(PREFIX):
        find_function(name)
        return "label", ""
    check_name(name, catalogue, **options)
    if name == "fake":
        return "mask", ""
    mine = {key: value for key, value in options.items() if key in FILE_OPTIONS}
    found = locate_model(ModelOptions(name=name, **mine))
    total = sum(f.stat().st_size for f in found.path.iterdir() if f.suffix in _WEIGHTS)
    return found.reading, f"{total / 1e6:,.0f} MB"
