"""The results contract: ``results.json`` as checked records, read and written here.

Everything a report shows is in these records, so an archived audit renders without the model,
torch or pandas. Numbers are finite or ``null`` beside a ``reason``.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from bias_audit.errors import UsageError

SCHEMA_VERSION = "1.0"
"""Fields may be added in a minor version and removed only in a major one."""

State = Literal["pass", "fail", "unclear", "error", "waived", "skipped"]
Severity = Literal["high", "moderate", "low"]
Evidence = Literal["strong", "moderate", "weak"]
Role = Literal["primary", "secondary", "control"]


class Record(BaseModel):
    """Base: frozen; unknown fields of newer minor versions are ignored on reading."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @field_validator("*", mode="before")
    @classmethod
    def _finite(cls, value: Any) -> Any:
        inside = value.values() if isinstance(value, dict) else value
        many = inside if isinstance(value, (dict, list, tuple)) else (value,)
        if any(isinstance(number, float) and not math.isfinite(number) for number in many):
            raise ValueError("numbers must be finite; use null beside a reason")
        return value


class Tool(Record):
    """The program that wrote the audit."""

    name: str
    version: str


class Model(Record):
    """The audited model."""

    name: str
    revision: str | None = None
    fingerprint: str
    kind: str
    architecture: str = ""
    vocabulary_size: int
    parameters: int
    dtype: str
    device: str
    notices: tuple[str, ...] = ()


class Run(Record):
    """How the audit was run."""

    seed: int
    created: str | None = None
    """Start of the run, ISO 8601, UTC."""
    duration_s: float | None = None
    partial: bool = False
    """True when ``--limit`` or ``--max-time`` cut the run: no gate can pass or fail."""
    command: str = ""
    config_digest: str = ""
    catalogue_digest: str = ""


class SkipRecord(Record):
    """Something that could not be scored, and why."""

    probe: str
    kind: str
    what: str
    pole: str = ""
    reason: str
    detail: str = ""
    count: int = 1


class Card(Record):
    """Measurement card of a probe: what it is about and what it cannot show."""

    measures: str
    """The construct: what the probe is meant to measure."""
    harm: str
    expected: str
    """Wanted behaviour: ``equal``, ``match: <facts>`` or ``unspecified``; a choice."""
    source: str
    power: str
    limits: str


class Completion(Record):
    """One word that the model fills in."""

    token: str
    probability: float
    harmful: bool = False
    """True for words of the harmful lexicon: reports fold them away."""


class GroupProfile(Record):
    """One group of a probe: its words, and what the model says after them."""

    id: str
    label: str
    terms: tuple[str, ...]
    placebo: bool = False
    completions: tuple[Completion, ...] = ()
    """Top completions of the article-free sentences, probabilities averaged over them."""


class TargetProfile(Record):
    """One target of a probe and its mean log-score after each group (same order as ``groups``)."""

    id: str
    text: str
    pole: str
    pieces: int
    log_prob: tuple[float | None, ...]
    """Mean over templates and terms, nats; comparable between groups, not between targets."""
    facts: dict[str, float] = Field(default_factory=dict)


class Coverage(Record):
    """Words asked for and scored, by pole."""

    requested_plus: int
    scored_plus: int
    requested_minus: int
    scored_minus: int
    terms_requested: int
    terms_scored: int
    templates_requested: int
    templates_scored: int


class ProbeRecord(Record):
    """One probe of the audit, with what a report shows beside its results."""

    id: str
    version: int
    axis: str
    title: str
    question: str = ""
    """What the probe asks, in one plain sentence."""
    role: Literal["probe", "positive_control", "negative_control"] = "probe"
    state: State
    reason: str = ""
    statuses: tuple[str, ...] = ()
    """Status codes and notices: ``instrument_failed``, ``incomplete``, ``fragile`` ..."""
    mask: Literal["target", "group"] = "target"
    plus: str = ""
    """Name of the pole S+ in words."""
    minus: str = ""
    scope: str = ""
    target_scope: str = ""
    prompts: int = 0
    templates: int = 0
    terms: int = 0
    coverage: Coverage | None = None
    card: Card | None = None
    groups: tuple[GroupProfile, ...] = ()
    targets: tuple[TargetProfile, ...] = ()
    controls: tuple[str, ...] = ()
    """Ids of the results that are this probe's controls."""
    sensitive: bool = False
    """True when its sentences or words may hurt: reports fold them away."""
    skips: tuple[SkipRecord, ...] = ()


class TemplateEffect(Record):
    """Gap of one template."""

    id: str
    text: str
    """The template as its author wrote it."""
    value: float


class TargetEffect(Record):
    """Per-target drill-down: difference between the groups for one target."""

    id: str
    text: str
    pole: str
    value: float
    ci_low: float | None = None
    ci_high: float | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    """Benjamini-Yekutieli over the targets of the probe."""
    facts: dict[str, float] = Field(default_factory=dict)


class Sentence(Record):
    """Two sentences that differ by the group only, and what the model gave the scored word."""

    template: str
    target: str
    pole: str
    text_a: str
    text_b: str
    word: str
    """The scored word as it stands in both sentences (or in sentence A, when groups are scored)."""
    log_prob_a: float
    log_prob_b: float


class Result(Record):
    """One measured number with everything a reader needs beside it."""

    id: str
    probe: str
    axis: str
    metric: str
    role: Role = "primary"
    groups: tuple[str, ...]
    """Ids; the first is A. ``~others`` stands for the unweighted mean of the other groups."""
    group_labels: tuple[str, ...] = ()
    target: str | None = None
    estimate: float | None
    ci_low: float | None = None
    ci_high: float | None = None
    ci90_low: float | None = None
    ci90_high: float | None = None
    confidence: float = 0.95
    se: float | None = None
    df: float | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    p_method: str = ""
    p_sign_flip: float | None = None
    p_label_exchange: float | None = None
    effect_size: float | None = None
    """Odds ratio exp(estimate) for log-odds measures; documented per metric otherwise."""
    neutral: float | None = 0.0
    unit: str
    direction: str
    """What a positive value means, in words."""
    n_templates: int
    n_terms: int
    n_targets: int = 0
    n_prompts: int
    scope: str = ""
    target_scope: str = ""
    variance: dict[str, float] = Field(default_factory=dict)
    """Variance of the estimate by source: ``templates``, ``terms``, ``targets``."""
    mde80: float | None = None
    """Smallest gap this design would find with 80 % power."""
    null_mean: float | None = None
    null_p95: float | None = None
    excess: float | None = None
    """Divergences: estimate minus ``null_mean``."""
    margin: float | None = None
    margin_reason: str = ""
    outcome: State | None = None
    placebo_percentile: float | None = None
    """Share of placebo gaps that are smaller in size, in [0, 1]."""
    sign_share: float | None = None
    """Share of templates whose gap has the sign of the estimate."""
    statuses: tuple[str, ...] = ()
    reason: str = ""
    by_template: tuple[TemplateEffect, ...] = ()
    by_target: tuple[TargetEffect, ...] = ()
    sentences: tuple[Sentence, ...] = ()
    """Typical sentence pairs of a primary result."""


class Finding(Record):
    """A primary result in plain words."""

    id: str
    result: str
    probe: str
    axis: str
    severity: Severity
    evidence: Evidence
    headline: str
    detail: str
    notices: tuple[str, ...] = ()
    sentences: tuple[Sentence, ...] = ()


class Gate(Record):
    """A result judged against a limit."""

    id: str
    state: State
    enforced: bool
    """False for the catalogue's own margins, which inform and never fail a build."""
    probe: str
    result: str | None = None
    measured: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    limit: float | None = None
    unit: str = ""
    reason: str
    condition: str = ""
    """What the gate asks, in words."""
    when_unclear: Literal["warn", "fail", "pass"] = "warn"
    """What an unclear enforced gate means for the exit code."""


class ErrorRecord(Record):
    """A probe that crashed."""

    probe: str | None = None
    type: str
    message: str


class SanityCheck(Record):
    """R11: is this a trained masked language model at all?"""

    passed: bool
    pseudo_perplexity: float | None
    perplexity_limit: float
    cloze_hits: int
    cloze_asked: int
    cloze_needed: int
    detail: str = ""


class Results(Record):
    """The whole audit: the content of ``results.json``."""

    schema_version: str = SCHEMA_VERSION
    tool: Tool
    model: Model
    run: Run
    states: dict[State, int]
    """Gates (enforced or not) counted by state; all six are present."""
    sanity: SanityCheck | None = None
    probes: tuple[ProbeRecord, ...] = ()
    results: tuple[Result, ...] = ()
    findings: tuple[Finding, ...] = ()
    gates: tuple[Gate, ...] = ()
    skips: tuple[SkipRecord, ...] = ()
    errors: tuple[ErrorRecord, ...] = ()
    waivers: tuple[dict[str, str], ...] = ()
    exit_code: int = 0


def rounded(value: Any, digits: int = 8) -> Any:
    """Round every float in a nested structure to so many significant digits: stable bytes."""
    if isinstance(value, float):
        return float(f"{value:.{digits}g}")
    if isinstance(value, dict):
        return {key: rounded(item, digits) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(item, digits) for item in value]
    return value


def dump_json(content: Any) -> str:
    """Serialise with fixed key order as given, no NaN, one final newline."""
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def settled(results: Results) -> Results:
    """Return the audit as it will be read back, so that a report of either gives the same bytes."""
    return Results.model_validate(rounded(results.model_dump(mode="json")))


def results_text(results: Results) -> str:
    """The bytes of ``results.json``."""
    return dump_json(rounded(results.model_dump(mode="json")))


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write beside ``path`` and rename, so that a reader never sees half a file.

    Text that is no Unicode (a folder's name of odd bytes) is written as escapes, which JSON reads.

    Raises:
        UsageError: the folder cannot be written.
    """
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror or error}",
            hint="choose a folder you may write to with -o DIR",
        ) from error


def locate(run: str | Path) -> Path:
    """Return the ``results.json`` of ``run``: a file, a run folder, or ``audit-runs/latest``.

    Raises:
        UsageError: nothing of the kind is there.
    """
    path = Path(run)
    if path.is_file() and path.suffix != ".json":
        path = path.parent / path.read_text(encoding="utf-8", errors="replace").strip()[:200]
    if path.is_dir():
        path = path / "results.json"
    if not path.is_file():
        raise UsageError(
            f"no audit at {run}: expected a run folder or a results.json",
            hint="run 'bias-audit run' first, or give the folder that it printed",
        )
    return path


def load_results(run: str | Path) -> Results:
    """Read a stored audit.

    Raises:
        UsageError: not found, not JSON, a newer major version, or a broken record.
    """
    path = locate(run)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not a readable results.json: {error}") from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if not isinstance(version, str):
        raise UsageError(f"{path} is no results.json of bias-audit: it has no schema_version")
    if version.split(".")[0] != SCHEMA_VERSION.split(".", maxsplit=1)[0]:
        raise UsageError(
            f"{path} has schema version {version[:20]}, this program reads {SCHEMA_VERSION}",
            hint="use the bias-audit version that wrote it, named in its 'tool' entry",
        )
    try:
        return Results.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{path} is damaged at {where}: {first['msg']}") from error
