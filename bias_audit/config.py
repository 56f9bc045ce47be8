"""The configuration file ``bias-audit.yaml``: what to audit, and the limits that gate a build."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from bias_audit import _yaml
from bias_audit._book import Book
from bias_audit._explain import MistakesError, Path_
from bias_audit._run_config import ModelConfig, RunConfig
from bias_audit.catalogue import Catalogue
from bias_audit.errors import FileError, UnknownNameError
from bias_audit.gates.policy import Policy
from bias_audit.gates.schema import GateConfig
from bias_audit.gates.waivers import read_waivers
from bias_audit.requested.listing import KINDS, names
from bias_audit.specs import Id, Spec, Text, refuse_twins

NAME = "bias-audit.yaml"
WAIVERS = "bias-audit-waivers.yaml"


class ProbeUse(Spec):
    """One probe of the audit: from the catalogue or from a file."""

    use: str | None = None
    """A selector: id, glob, suite, ``axis:NAME`` or ``language:TAG``."""
    file: str | None = None
    """A probe file, relative to this configuration."""
    groups: tuple[Id, ...] = ()
    """Only these sets of the probe's lexicon, in this order."""

    @model_validator(mode="after")
    def _one(self) -> ProbeUse:
        if bool(self.use) == bool(self.file):
            raise ValueError("expected either 'use' or 'file' | - use: occupation-gender")
        if self.file and self.groups:
            raise ValueError("'groups' needs 'use' | choose the groups in the file itself")
        refuse_twins(((("groups", i), name) for i, name in enumerate(self.groups)), "group")
        if len(self.groups) == 1:
            raise MistakesError([(("groups",), "a probe compares at least two groups")])
        return self


class Minimum(Spec):
    """What a probe needs before it is judged."""

    templates: int = Field(default=8, ge=6)
    coverage: float = Field(default=0.8, gt=0, le=1)


class Multiplicity(Spec):
    """How the p-values of questions asked together are adjusted."""

    primary: Literal["holm", "max-t"] = "holm"
    """The primary comparisons of an axis."""
    secondary: Literal["by", "bh"] = "by"
    """Everything exploratory on an axis."""
    targets: Literal["by", "bh", "max-t"] = "by"
    """The table of words of each comparison."""


class Analysis(Spec):
    """Choices of the statistics."""

    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    resamples: int = Field(default=9999, ge=99)
    minimum: Minimum = Minimum()
    multiplicity: Multiplicity = Multiplicity()


class Config(Spec):
    """The whole file."""

    version: Literal[1]
    model: ModelConfig = ModelConfig()
    run: RunConfig = RunConfig()
    probe_paths: tuple[Text, ...] = ()
    """Folders with probes of your own, relative to this configuration."""
    probes: tuple[ProbeUse, ...] = ()
    analysis: Analysis = Analysis()
    gates: tuple[GateConfig, ...] = ()
    waivers: Text | None = None
    """File of the waivers, relative to this one; ``bias-audit-waivers.yaml`` if that exists."""

    @model_validator(mode="before")
    @classmethod
    def _short_probes(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("probes"), list):
            probes = [{"use": p} if isinstance(p, str) else p for p in value["probes"]]
            return {**value, "probes": probes}
        return value

    @model_validator(mode="after")
    def _unique_gates(self) -> Config:
        refuse_twins(((("gates", i, "id"), g.id) for i, g in enumerate(self.gates)), "gate id")
        return self

    @model_validator(mode="after")
    def _unique_probes(self) -> Config:
        names = ((("probes", i), p.use or p.file or "") for i, p in enumerate(self.probes))
        refuse_twins(names, "probe", "keep one of them")
        return self


def find(start: Path) -> Path | None:
    """Return ``bias-audit.yaml`` in ``start`` or a parent, up to the root of the repository."""
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / NAME).is_file():
            return folder / NAME
        if (folder / ".git").exists():
            return None
    return None


def read(path: Path) -> Config:
    """Read a configuration.

    Raises:
        FileError: everything that is wrong with it, at once.
    """
    return _yaml.read(path, Config)


def digest(config: Config) -> str:
    """SHA-256 of what a configuration says, whatever its comments and the order of its keys."""
    return hashlib.sha256(config.model_dump_json().encode()).hexdigest()


def gate_places(path: Path) -> dict[str, tuple[int, int]]:
    """Line and column of every gate of a configuration that can be read, by the gate's id.

    Raises:
        FileError: it cannot be read.
    """
    text = _yaml.read_source(path)
    gates = _yaml.parse(text, Config, str(path)).gates
    marks = _yaml.places(text, str(path))
    return {gate.id: marks[("gates", index)] for index, gate in enumerate(gates)}


def named(path: Path) -> str:
    """A file as reports name it: seen from the root of its repository, else by its name alone.

    A path of this machine in the results would make them differ from one machine to the next.
    """
    whole = path.resolve()
    root = next((folder for folder in whole.parents if (folder / ".git").exists()), whole.parent)
    return whole.relative_to(root).as_posix()


def waiver_file(config: Config, path: Path | None) -> Path | None:
    """The waiver file of a configuration: the one it names, or the usual one where that exists."""
    folder = path.parent if path is not None else Path()
    if config.waivers is not None:
        return folder / config.waivers
    usual = folder / WAIVERS
    return usual if usual.is_file() else None


def read_policy(config: Config, path: Path | None, *, today: date, strict: bool = False) -> Policy:
    """Return what a configuration judges by; ``path`` is where it was read from, if from a file.

    Raises:
        FileError: the waiver file is missing or has mistakes.
    """
    file = waiver_file(config, path)
    return Policy(
        gates=config.gates,
        waivers=read_waivers(file, today, named(file)) if file else (),
        today=today,
        strict=strict,
        file=named(path) if path else "",
        places=gate_places(path) if path else {},
        digest=digest(config) if path else "",
    )


def with_own(catalogue: Catalogue, config: Config, path: Path) -> Catalogue:
    """Return a catalogue that also knows the folders and files of a configuration."""
    files = [path.parent / use.file for use in config.probes if use.file]
    folders = [path.parent / name for name in config.probe_paths]
    return catalogue.with_files(files, folders) if files or folders else catalogue


def check_names(config: Config, path: Path, catalogue: Catalogue) -> None:
    """Check that probes, their groups and the probes of gates exist.

    Raises:
        FileError: unknown names, with their lines and the nearest spelling.
    """
    book = Book(path, _yaml.read_source(path))
    for index, name in enumerate(config.probe_paths):
        if not (path.parent / name).is_dir():
            book.say(
                ("probe_paths", index),
                f"there is no folder '{name}'",
                "it is looked for beside the configuration",
            )
    for index, used in enumerate(config.probes):
        if used.use:
            for name in _existing(catalogue, used.use, book, ("probes", index, "use")):
                _check_groups(catalogue, name, used.groups, book, ("probes", index, "groups"))
    for kind in KINDS:
        for index, name in enumerate(getattr(config.run, f"{kind}s")):
            known = names(kind)
            if not any(fnmatchcase(one, name) for one in known):
                message = f"there is no {kind} on request named '{name}'"
                book.say_unknown(("run", f"{kind}s", index), message, name, known)
    for index, gate in enumerate(config.gates):
        where: Path_ = ("gates", index, "probe")
        if _existing(catalogue, gate.probe, book, where) and not _matches(gate, catalogue):
            message = f"a gate names a probe or a glob of probes, not '{gate.probe}'"
            book.say(where, message, "write a gate for each family, for example 'valence-*'")
    if book.problems:
        raise FileError(book.problems)


def _matches(gate: GateConfig, catalogue: Catalogue) -> bool:
    return any(fnmatchcase(name, gate.probe) for name in catalogue.probe_ids())


def check_gates(config: Config, path: Path, probes: Iterable[str]) -> None:
    """Check that every gate names one of these probes, or a glob of some of them.

    Raises:
        FileError: unknown names, with their lines and the nearest spelling.
    """
    known = sorted(set(probes))
    book = Book(path, _yaml.read_source(path))
    for index, gate in enumerate(config.gates):
        if not any(fnmatchcase(name, gate.probe) for name in known):
            message = f"there is no probe named '{gate.probe}'"
            book.say_unknown(("gates", index, "probe"), message, gate.probe, known)
    if book.problems:
        raise FileError(book.problems)


def _existing(catalogue: Catalogue, pattern: str, book: Book, where: Path_) -> list[str]:
    try:
        return catalogue.select([pattern])
    except UnknownNameError as error:
        book.say(where, error.message, error.hint)
        return []


def _check_groups(
    catalogue: Catalogue, name: str, groups: tuple[str, ...], book: Book, where: Path_
) -> None:
    known = catalogue.group_ids(name) if groups else []
    for index, group in enumerate(groups):
        if group not in known:
            message = f"the probe '{name}' has no group '{group}'"
            book.say_unknown((*where, index), message, group, known)
