"""The settings of a run: ``bias-audit.yaml``, flags, environment variables and Python keywords.

A setting is declared here and nowhere else: its key in the file is the field, its option, variable
and keyword come from :func:`~bias_audit.utils.settings.setting`. Settings that the file has too are
fields of :class:`Config`, those of a single run are fields of :class:`CallSettings`. The options of
``bias-audit run``, ``config show``, keywords of :func:`bias_audit.audit` are made from these.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from bias_audit.gates.schema import GateConfig
from bias_audit.utils.file_model import FileModel, Id, Text, reject_duplicates
from bias_audit.utils.readings import Reading
from bias_audit.utils.settings import declared_settings, setting
from bias_audit.utils.validation import MistakesError


def _read_batch_size(value: Any) -> int | str:
    text = str(value)
    if text == "auto":
        return text
    if isinstance(value, bool) or not re.fullmatch("[1-9][0-9]{0,8}", text):
        raise ValueError(f"expected auto or a number from 1, got '{text[:60]}'")
    return int(text)


def _read_seconds(value: Any) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", str(value).strip())
    if not match or float(match[1]) <= 0:
        raise ValueError(f"expected a time such as 90s, 20m or 2h, got '{str(value)[:60]}'")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


def _read_path(value: Any) -> Any:
    if isinstance(value, str) and not value.strip():
        raise ValueError(
            "expected the path of a file or folder, got an empty text"
            " | write . for the current folder; an unset variable gives an empty text"
        )
    return value


def _require_filled(value: str) -> str:
    if not value.strip():
        raise ValueError("expected a name, got an empty text | leave it out")
    return value


def _read_data(value: Any) -> Any:
    """Accept a mapping, or ``NAME=FILE`` texts as the command line gives them."""
    if isinstance(value, str | Mapping):
        return value
    data: dict[str, str] = {}
    for item in value:
        name, equals, path = str(item).partition("=")
        if not equals or not path:
            raise ValueError(
                f"expected NAME=FILE, got '{item}'"
                " | for example: --data crows-pairs=crows_pairs_anonymized.csv"
            )
        if name in data:
            raise ValueError(f"the data set '{name}' was given twice")
        data[name] = path
    return data


def _read_labels(value: Any) -> Any:
    """Accept a list, or texts with commas as the command line gives them."""
    texts = [value] if isinstance(value, str) else list(value or ())
    return [label.strip() for text in texts for label in str(text).split(",")]


BatchSize = Annotated[
    int | Literal["auto"],
    BeforeValidator(_read_batch_size, json_schema_input_type=int | Literal["auto"]),
]
Filled = Annotated[str, AfterValidator(_require_filled)]
FilePath = Annotated[Path, BeforeValidator(_read_path)]
DataFiles = Annotated[dict[str, FilePath], BeforeValidator(_read_data)]
Labels = Annotated[tuple[Filled, ...], BeforeValidator(_read_labels)]
Seconds = Annotated[float, BeforeValidator(_read_seconds)]
NO_CODE = "a Python function is named in the command or in the API: no file runs code"
NO_CODE_HINT = "bias-audit run python:MODULE:FUNCTION"


class ModelConfig(FileModel):
    """Which model, and how it is loaded."""

    short_text = "name"
    name: Filled = setting("reference", "model", is_argument=True)
    """``reference``, a local folder or a hub id."""
    revision: Filled | None = setting(
        None, "revision", "Commit, tag or branch of a hub model; pin a commit.", of="model"
    )
    """The file's is used only if the file's model is the one that runs."""
    dtype: Literal["float32", "bfloat16", "float16", "auto"] = setting(
        "float32", "dtype", "Arithmetic of the forward pass; float32 is exact."
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = setting(
        "auto", "device", "Where the model runs."
    )
    reading: Reading | None = setting(
        None, "reading", "How the model is read, where its files allow several ways."
    )

    pooling: Literal["mean", "cls", "max"] | None = setting(
        None,
        "pooling",
        "Read it as a sentence encoder that pools so, where it does not say.",
    )

    @model_validator(mode="after")
    def _runs_no_code(self) -> ModelConfig:
        if self.name.startswith("python:"):
            raise MistakesError([(("name",), f"{NO_CODE} | {NO_CODE_HINT}")])
        return self


class EngineConfig(FileModel):
    """Where the model's passes are computed; the numbers are the same."""

    name: Literal["local", "ray"] = setting(
        "local", "engine", "Who computes: this process, or workers of a Ray cluster."
    )
    address: Text | None = setting(
        None,
        "engine-address",
        "Ray cluster: auto, HOST:PORT, ray://HOST:PORT; without it, one on this machine.",
        of="engine",
    )
    """Of ``ray`` only."""
    workers: int | None = setting(
        None,
        "engine-workers",
        "Replicas of the model.  [default: one for each GPU, else for each CPU]",
        of="engine",
        ge=1,
    )
    """Of ``ray`` only."""

    @model_validator(mode="after")
    def _ray_only(self) -> EngineConfig:
        for key in ("address", "workers"):
            if self.name == "local" and getattr(self, key) is not None:
                raise MistakesError([((key,), f"'{key}' belongs to the engine ray | name: ray")])
        return self


class RunConfig(FileModel):
    """How the run goes."""

    seed: int = setting(20240601, "seed", "Root seed of the resampling tests.", ge=0)
    batch_size: BatchSize = setting(
        "auto", "batch-size", "Sentences at once; does not change a score."
    )
    engine: EngineConfig = EngineConfig()
    """Who computes; a flag for another engine sets the next two aside."""
    measures: tuple[str, ...] = setting(
        (), "measure", "Measure on request; repeatable.", keyword="measures"
    )
    checks: tuple[str, ...] = setting(
        (), "check", "Check on request; repeatable.", keyword="checks"
    )


class CallSettings(FileModel):
    """What belongs to one run and has no key in the file."""

    probes: tuple[str, ...] = setting(
        (), "probe", "Probe, glob, suite, axis:NAME; repeatable.", short="-p", keyword="probes"
    )
    """In place of the file's ``probes``; the data sets of ``data`` may be named too."""
    exclude: tuple[str, ...] = setting((), "exclude", "What to leave out; repeatable.", short="-x")
    probe_paths: tuple[FilePath, ...] = setting(
        (),
        "probe-path",
        "A folder with probes of your own, or one probe file; repeatable.",
        keyword="probe_paths",
    )
    limit: int | None = setting(
        None, "limit", "Only the first N sentences of each probe (partial).", ge=1
    )
    data: DataFiles = setting({}, "data", "Your copy of a data set, NAME=FILE; repeatable.")
    examples: int = setting(0, "examples", "Pairs of each data set to quote in the report.", ge=0)
    max_seconds: Seconds | None = setting(
        None,
        "max-time",
        "Stop scoring after a time such as 90s, 20m, 2h (partial).",
        keyword="max_seconds",
    )
    labels: Labels = setting((), "labels", "Labels of a Python function, in order: toxic,neutral.")
    offline: bool = setting(False, "offline", "Refuse the network; use only local files.")
    allow_pickle: bool = setting(
        False,
        "allow-pickle",
        "Load pickled weights (they can run code); only for files you trust.",
    )
    baselines: FilePath | None = setting(
        None,
        "baselines",
        "Folder of the baselines.  [default: bias-audit-baselines beside the configuration]",
    )
    fresh: bool = setting(False, "fresh", "Score again; keep that instead of cached scores.")
    no_cache: bool = setting(False, "no-cache", "Neither use nor keep scores of other runs.")
    title: str = setting("", "title", "What the report is called.")
    owner: str = setting("", "owner", "Who answers for the audit; stands in the report.")
    purpose: str = setting("", "purpose", "What the audit is for; stands in the report.")
    strict: bool = setting(
        False, "strict", "Unclear gates and unpinned hub models count as incomplete."
    )


class ProbeUse(FileModel):
    """One probe of the audit: from the catalogue or from a file."""

    use: str | None = None
    """A selector: id, glob, suite, ``axis:NAME`` or ``language:TAG``."""
    file: str | None = None
    """A probe file, relative to the configuration."""
    groups: tuple[Id, ...] = ()
    """Only these sets of the probe's lexicon, in this order."""

    @model_validator(mode="after")
    def _one(self) -> ProbeUse:
        if bool(self.use) == bool(self.file):
            raise ValueError("expected either 'use' or 'file' | - use: occupation-gender")
        if self.file and self.groups:
            raise ValueError("'groups' needs 'use' | choose the groups in the file itself")
        reject_duplicates(((("groups", i), name) for i, name in enumerate(self.groups)), "group")
        if "groups" in self.model_fields_set and len(self.groups) < 2:
            raise MistakesError([(("groups",), "a probe compares at least two groups")])
        return self


class Minimum(FileModel):
    """What a probe needs before it is judged."""

    templates: int = Field(default=8, ge=6)
    """Sentences, 6 or more."""
    coverage: float = Field(default=0.8, gt=0, le=1)
    """Share of each pole's words that must be scored."""


class Multiplicity(FileModel):
    """How the p-values of questions asked together are adjusted."""

    secondary: Literal["by", "bh"] = "by"
    """Everything exploratory about a probe: ``by`` (Benjamini-Yekutieli) or ``bh``
    (Benjamini-Hochberg)."""
    targets: Literal["by", "bh", "max-t"] = "by"
    """The table of words of each comparison: ``by``, ``bh`` or ``max-t``."""


class Analysis(FileModel):
    """Choices of the statistics."""

    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    """Level of the printed intervals."""
    resamples: int = Field(default=9999, ge=99, le=1_000_000)
    """Draws where exact tests are too long."""
    minimum: Minimum = Minimum()
    """What a probe needs before it is judged."""
    multiplicity: Multiplicity = Multiplicity()
    """How p-values of questions asked together are adjusted."""


_OF_A_RUN = {
    one.key[-1]: f"it belongs to one run and not to the file: bias-audit run {one.option}"
    for one in declared_settings(CallSettings, ("call",))
}


class Config(FileModel):
    """The whole file."""

    elsewhere: ClassVar[Mapping[str, str]] = {
        **_OF_A_RUN,
        "exclude": "list what is wanted under 'probes', or leave out of one run: bias-audit run -x",
    }
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
        if isinstance(value, dict) and value.get("probes") == []:
            message = "expected at least 1 item under 'probes', got none"
            raise MistakesError([(("probes",), f"{message} | leave it out for the core probes")])
        return write_out_probes(value)

    @model_validator(mode="after")
    def _unique_gates(self) -> Config:
        reject_duplicates(((("gates", i, "id"), g.id) for i, g in enumerate(self.gates)), "gate id")
        return self

    @model_validator(mode="after")
    def _unique_probes(self) -> Config:
        names = ((("probes", i), p.use or p.file or "") for i, p in enumerate(self.probes))
        reject_duplicates(names, "probe", "keep one of them")
        return self


def write_out_probes(value: Any) -> Any:
    """A bare id under ``probes`` is short for ``{use: id}``."""
    if isinstance(value, dict) and isinstance(value.get("probes"), list):
        probes = [{"use": p} if isinstance(p, str) else p for p in value["probes"]]
        return {**value, "probes": probes}
    return value


class RunSettings(Config):
    """The file's settings with those of the environment and of the call laid over them."""

    call: CallSettings = CallSettings()
