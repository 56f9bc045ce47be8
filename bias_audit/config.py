"""The configuration file ``bias-audit.yaml``: what to audit, and the limits that gate a build."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from bias_audit import _yaml
from bias_audit.catalogue import Catalogue
from bias_audit.errors import FileError, Problem, UnknownNameError
from bias_audit.specs import Id, Spec, Text

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
    max: float = Field(gt=0)
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
        ids = [gate.id for gate in self.gates]
        twice = next((name for name in ids if ids.count(name) > 1), None)
        if twice:
            raise ValueError(f"the gate id '{twice}' is here twice | rename one of them")
        return self


def find(start: Path) -> Path | None:
    """Return ``bias-audit.yaml`` in ``start`` or a parent, up to the root of the repository."""
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
    """Check that probes and gates name probes that exist.

    Raises:
        FileError: unknown names, with their lines and the nearest spelling.
    """
    marks = _yaml.places(_yaml.read_source(path), str(path))
    names = [(("probes", i, "use"), p.use) for i, p in enumerate(config.probes) if p.use]
    names += [(("gates", i, "probe"), gate.probe) for i, gate in enumerate(config.gates)]
    problems = []
    for where, name in names:
        try:
            catalogue.select([name])
        except UnknownNameError as error:
            line, column = marks.get(where, marks.get(where[:2], (1, 1)))
            problems.append(
                Problem(
                    file=str(path),
                    line=line,
                    column=column,
                    message=error.message,
                    hint=error.hint,
                )
            )
    if problems:
        raise FileError(problems)
