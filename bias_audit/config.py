"""The configuration file ``bias-audit.yaml``: what to audit, and the limits that gate a build."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from bias_audit._run_config import ModelConfig, RunConfig
from bias_audit.errors import UnknownNameError
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.schema.probe import MOST_MARGIN
from bias_audit.utils.file_model import FileModel, Id, Text, reject_duplicates
from bias_audit.utils.problems import ProblemCollector
from bias_audit.utils.validation import KeyPath, MistakesError
from bias_audit.utils.yaml import parse_yaml, positions, read_source, read_yaml

NAME = "bias-audit.yaml"
WAIVERS = "bias-audit-waivers.yaml"
BASELINE = "baseline:"
_AGAINST = re.compile(r"baseline:[a-z0-9][a-z0-9._-]{0,79}")
_TWO_GATES = "write two gates, one for the size and one for its rise"


class ProbeUse(FileModel):
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
        reject_duplicates(((("groups", i), name) for i, name in enumerate(self.groups)), "group")
        if len(self.groups) == 1:
            raise MistakesError([(("groups",), "a probe compares at least two groups")])
        return self


class Minimum(FileModel):
    """What a probe needs before it is judged."""

    templates: int = Field(default=8, ge=6)
    coverage: float = Field(default=0.8, gt=0, le=1)


class Multiplicity(FileModel):
    """How the p-values of questions asked together are adjusted."""

    primary: Literal["holm", "max-t"] = "holm"
    """The primary comparisons of an axis."""
    secondary: Literal["by", "bh"] = "by"
    """Everything exploratory on an axis."""
    targets: Literal["by", "bh", "max-t"] = "by"
    """The table of words of each comparison."""


class Analysis(FileModel):
    """Choices of the statistics."""

    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    resamples: int = Field(default=9999, ge=99)
    minimum: Minimum = Minimum()
    multiplicity: Multiplicity = Multiplicity()


class GateConfig(FileModel):
    """A limit that fails the build when a whole interval lies outside it."""

    id: Id
    probe: str
    """Id or glob."""
    measure: Literal["log_odds_gap"] = "log_odds_gap"
    over: Literal["pairs", "groups"] | None = None
    """``pairs``: every pair of groups; ``groups``: each group with the others; the probe's own
    comparison when absent."""
    max: float | None = Field(default=None, gt=0, le=MOST_MARGIN, strict=True)
    """Largest gap that is allowed, in nats, in either direction."""
    against: str | None = None
    """``baseline:NAME``: judge the rise over this baseline instead."""
    max_rise: float | None = Field(default=None, gt=0, le=MOST_MARGIN, strict=True)
    """Largest rise over the baseline that is allowed, in nats."""
    when_unclear: Literal["warn", "fail", "pass"] = "warn"
    why: Text | None = None
    """Reason for the limit; printed in reports."""

    @property
    def baseline(self) -> str | None:
        """Name of the baseline of a regression gate; None for an absolute one."""
        return None if self.against is None else self.against.removeprefix(BASELINE)

    @property
    def limit(self) -> float:
        """Largest gap, or largest rise, in nats."""
        return (self.max if self.against is None else self.max_rise) or 0.0

    @model_validator(mode="after")
    def _one_limit(self) -> GateConfig:
        if self.max is not None and (self.against is not None or self.max_rise is not None):
            extra = "against" if self.against is not None else "max_rise"
            raise MistakesError([((extra,), f"'{extra}' cannot stand beside 'max' | {_TWO_GATES}")])
        if self.max is None and self.against is None and self.max_rise is None:
            raise ValueError("the limit is missing: 'max', or 'against' and 'max_rise' | max: 0.7")
        if self.max is None and self.against is None:
            raise ValueError("'max_rise' needs 'against' | against: baseline:main")
        if self.against is not None and self.max_rise is None:
            raise ValueError("'against' needs 'max_rise' | max_rise: 0.15")
        if self.against is not None and not _AGAINST.fullmatch(self.against):
            say = f"expected 'baseline:NAME', got '{self.against[:60]}' | against: baseline:main"
            raise MistakesError([(("against",), say)])
        return self


class Config(FileModel):
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
        reject_duplicates(((("gates", i, "id"), g.id) for i, g in enumerate(self.gates)), "gate id")
        return self

    @model_validator(mode="after")
    def _unique_probes(self) -> Config:
        names = ((("probes", i), p.use or p.file or "") for i, p in enumerate(self.probes))
        reject_duplicates(names, "probe", "keep one of them")
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
    return read_yaml(path, Config)


def digest(config: Config) -> str:
    """SHA-256 of what a configuration says, whatever its comments and the order of its keys."""
    return hashlib.sha256(config.model_dump_json().encode()).hexdigest()


def gate_places(path: Path) -> dict[str, tuple[int, int]]:
    """Line and column of every gate of a configuration that can be read, by the gate's id.

    Raises:
        FileError: it cannot be read.
    """
    text = read_source(path)
    gates = parse_yaml(text, Config, str(path)).gates
    marks = positions(text, str(path))
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


def with_own(catalogue: ProbeCatalogue, config: Config, path: Path) -> ProbeCatalogue:
    """Return a catalogue that also knows the folders and files of a configuration."""
    files = [path.parent / use.file for use in config.probes if use.file]
    folders = [path.parent / name for name in config.probe_paths]
    return catalogue.with_files(files, folders) if files or folders else catalogue


def check_names(config: Config, path: Path, catalogue: ProbeCatalogue) -> None:
    """Check that probes, their groups and the probes of gates exist.

    Raises:
        FileError: unknown names, with their lines and the nearest spelling.
    """
    problems = ProblemCollector(path, read_source(path))
    for index, name in enumerate(config.probe_paths):
        if not (path.parent / name).is_dir():
            problems.add(
                ("probe_paths", index),
                f"there is no folder '{name}'",
                "it is looked for beside the configuration",
            )
    for index, used in enumerate(config.probes):
        if used.use:
            for name in _existing(catalogue, used.use, problems, ("probes", index, "use")):
                _check_groups(catalogue, name, used.groups, problems, ("probes", index, "groups"))
    for kind in ("measure", "check"):
        for index, name in enumerate(getattr(config.run, f"{kind}s")):
            from bias_audit.metrics.registry import names  # numpy and scipy take a moment to load

            known = names(kind)
            if not any(fnmatchcase(one, name) for one in known):
                message = f"there is no {kind} on request named '{name}'"
                problems.add_unknown_name(("run", f"{kind}s", index), message, name, known)
    for index, gate in enumerate(config.gates):
        where: KeyPath = ("gates", index, "probe")
        if _existing(catalogue, gate.probe, problems, where) and not _matches(gate, catalogue):
            message = f"a gate names a probe or a glob of probes, not '{gate.probe}'"
            problems.add(where, message, "write a gate for each family, for example 'valence-*'")
    problems.raise_any()


def _matches(gate: GateConfig, catalogue: ProbeCatalogue) -> bool:
    return any(fnmatchcase(name, gate.probe) for name in catalogue.probe_ids())


def check_gates(config: Config, path: Path, probes: Iterable[str]) -> None:
    """Check that every gate names one of these probes, or a glob of some of them.

    Raises:
        FileError: unknown names, with their lines and the nearest spelling.
    """
    known = sorted(set(probes))
    problems = ProblemCollector(path, read_source(path))
    for index, gate in enumerate(config.gates):
        if not any(fnmatchcase(name, gate.probe) for name in known):
            message = f"there is no probe named '{gate.probe}'"
            problems.add_unknown_name(("gates", index, "probe"), message, gate.probe, known)
    problems.raise_any()


def _existing(
    catalogue: ProbeCatalogue, pattern: str, problems: ProblemCollector, where: KeyPath
) -> list[str]:
    try:
        return catalogue.select([pattern])
    except UnknownNameError as error:
        problems.add(where, error.message, error.hint)
        return []


def _check_groups(
    catalogue: ProbeCatalogue,
    name: str,
    groups: tuple[str, ...],
    problems: ProblemCollector,
    where: KeyPath,
) -> None:
    known = catalogue.group_ids(name) if groups else []
    for index, group in enumerate(groups):
        if group not in known:
            message = f"the probe '{name}' has no group '{group}'"
            problems.add_unknown_name((*where, index), message, group, known)
