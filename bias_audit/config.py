"""The configuration file ``bias-audit.yaml``: what to audit, and the limits that gate a build."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from bias_audit import _yaml
from bias_audit._book import Book
from bias_audit._explain import MistakesError, Path_
from bias_audit.catalogue import Catalogue
from bias_audit.errors import FileError, UnknownNameError
from bias_audit.specs import MOST_MARGIN, Id, Spec, Text, refuse_twins

NAME = "bias-audit.yaml"


class ModelConfig(Spec):
    """Which model, and how it is loaded."""

    name: str = "reference"
    """``reference``, a local folder or a hub id."""
    revision: str | None = None
    """Commit of the hub repository; recorded, and warned about when absent."""
    dtype: Literal["float32", "bfloat16", "float16", "auto"] = "float32"
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"


class RunConfig(Spec):
    """How the run goes."""

    seed: int = Field(default=20240601, ge=0)
    batch_size: int | Literal["auto"] = "auto"


class ProbeUse(Spec):
    """One probe of the audit: from the catalogue or from a file."""

    use: str | None = None
    """Id or glob of a probe of the catalogue."""
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


class Analysis(Spec):
    """Choices of the statistics."""

    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    resamples: int = Field(default=9999, ge=99)
    minimum: Minimum = Minimum()


class GateConfig(Spec):
    """A limit that fails the build when a whole interval lies outside it."""

    id: Id
    probe: str
    """Id or glob."""
    measure: Literal["log_odds_gap"] = "log_odds_gap"
    over: Literal["pairs", "groups"] | None = None
    """``pairs``: every pair of groups; ``groups``: each group with the others; the probe's own
    comparison when absent."""
    max: float = Field(gt=0, le=MOST_MARGIN, strict=True)
    """Largest gap that is allowed, in nats, in either direction."""
    when_unclear: Literal["warn", "fail", "pass"] = "warn"
    why: Text | None = None
    """Reason for the limit; printed in reports."""


class Config(Spec):
    """The whole file."""

    version: Literal[1]
    model: ModelConfig = ModelConfig()
    run: RunConfig = RunConfig()
    probes: tuple[ProbeUse, ...] = ()
    analysis: Analysis = Analysis()
    gates: tuple[GateConfig, ...] = ()

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


def check_names(config: Config, path: Path, catalogue: Catalogue) -> None:
    """Check that probes, their groups and the probes of gates exist.

    Raises:
        FileError: unknown names, with their lines and the nearest spelling.
    """
    book = Book(path, _yaml.read_source(path))
    for index, used in enumerate(config.probes):
        if used.use:
            for name in _existing(catalogue, used.use, book, ("probes", index, "use")):
                _check_groups(catalogue, name, used.groups, book, ("probes", index, "groups"))
    for index, gate in enumerate(config.gates):
        _existing(catalogue, gate.probe, book, ("gates", index, "probe"))
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
