"""Read and write ``results.json`` as checked records; tell whether two runs have one model."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from pydantic import Field, ValidationError

from bias_audit.errors import UsageError
from bias_audit.results.codes import BLOCKING, LOUD, SILENT
from bias_audit.results.decisions import Comparison, Finding, Gate, WaiverRecord
from bias_audit.results.evidence import MAX_LOG_PROB
from bias_audit.results.run_record import (
    Determinism,
    ErrorRecord,
    MetricRecord,
    Model,
    Run,
    SanityCheck,
    Tool,
)
from bias_audit.results.schema import (
    Claim,
    Floor,
    Outcome,
    ProbeRecord,
    Record,
    Result,
    SkipRecord,
    State,
)
from bias_audit.utils.json_text import read_json
from bias_audit.utils.readings import READINGS

SCHEMA_VERSION = "3.0"
"""Fields may be added in a minor version and removed only in a major one."""
LATEST = "latest"
"""The file beside the run folders that names the newest, and how people call that run."""

LARGEST_NUMBER = 1e100
"""No gap is this large; twice it is still a number."""
_AROUND = frozenset({"log_odds_gap", "diagonal_log_odds", "similarity_gap", "similarity_diagonal"})
"""Measures with intervals around the estimate; in nats, the effect size is its odds ratio."""
_LARGEST_GAP = 200.0
"""Odds ratios of larger gaps are cut off, so they are not compared."""
_CLOSE = 1e-5
"""Numbers are stored with 8 digits, so equal ones differ by less than this share."""
_SHARE = 0.02
"""Share of its half width by which an interval may miss the one of its standard error."""


_OBEYED = re.compile(
    "[\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]|##(?=\\w*\\[)"
)
"""Characters that JSON may hold as they are, and the beginning of a command of Azure's."""


class Results(Record):
    """The whole audit: the content of ``results.json``."""

    schema_version: str = SCHEMA_VERSION
    tool: Tool
    model: Model
    run: Run
    outcomes: dict[Outcome, int] = Field(default_factory=dict)
    """Primary comparisons counted by outcome."""
    states: dict[State, int]
    """Gates counted by state, all six present; probes that crashed or were not reached count as
    ``error`` and ``skipped`` where no gate says so."""
    floor: Floor | None = None
    """What meaningless words show in this run; None without negative controls."""
    sanity: SanityCheck | None = None
    """In English, or in the language of the probes when none is English."""
    further_sanity: tuple[SanityCheck, ...] = ()
    """The same check in further languages, when probes of several languages ran together."""
    determinism: Determinism | None = None
    probes: tuple[ProbeRecord, ...] = ()
    """Controls included."""
    results: tuple[Result, ...] = ()
    metrics: tuple[MetricRecord, ...] = ()
    """The measures of all results and companions."""
    findings: tuple[Finding, ...] = ()
    """Strongest first."""
    gates: tuple[Gate, ...] = ()
    skips: tuple[SkipRecord, ...] = ()
    """Of all runs."""
    errors: tuple[ErrorRecord, ...] = ()
    waivers: tuple[WaiverRecord, ...] = ()
    """Those that cover nothing included."""
    comparison: Comparison | None = None
    """Comparison with the first baseline that the gates name, or null."""
    limits_digest: str = ""
    """SHA-256 of what the configuration of the gates said, as ``config_digest`` of the run; empty
    without gates, or where they are in no file."""
    notices: tuple[str, ...] = ()
    """What a reader should know about how the run was judged."""
    exit_code: int = 0
    """Before ``--exit-zero``."""


def round_floats(value: Any, digits: int = 8) -> Any:
    """Round every float in a nested structure to so many significant digits: stable bytes."""
    if isinstance(value, float):
        return float(f"{value:.{digits}g}")
    if isinstance(value, dict):
        return {key: round_floats(item, digits) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [round_floats(item, digits) for item in value]
    return value


def dump_json(content: Any) -> str:
    """Serialise with fixed key order as given, no NaN, one final newline.

    What a terminal or the log of a build server would obey is written as an escape of JSON, so that
    whoever reads it gets the same text.
    """
    text = json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False)
    return _OBEYED.sub(lambda m: f"\\u{ord(m[0][0]):04x}{m[0][1:]}", text) + "\n"


def normalise(results: Results) -> Results:
    """Round-trip through JSON, so that fresh and loaded audits render identically."""
    return Results.model_validate(round_floats(results.model_dump(mode="json")))


def results_text(results: Results) -> str:
    """The bytes of ``results.json``."""
    return dump_json(round_floats(results.model_dump(mode="json")))


def locate(run: str | Path) -> Path:
    """Return the ``results.json`` of ``run``: a file, a run folder, or the newest run.

    That is ``latest``, unless something else has this name, and ``audit-runs/latest``.

    Raises:
        UsageError: nothing of the kind is there.
    """
    if run == "":
        raise UsageError("expected a run folder or a results.json, got an empty text")
    path = Path(run)
    if str(run) == LATEST and not path.exists():
        run = path = Path("audit-runs", LATEST)
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


def is_run(name: str | Path) -> bool:
    """Whether a name is that of a stored run; a folder without results may be a model's."""
    path = Path(name)
    if path.suffix == ".json" or (path / "results.json").is_file():
        return True
    return path.name == LATEST and not path.is_dir()


def _is_absurd(value: Any) -> bool:
    """Whether a number is so large that an axis of a chart could not hold it."""
    if isinstance(value, dict):
        return any(map(_is_absurd, value.values()))
    if isinstance(value, list):
        return any(map(_is_absurd, value))
    return isinstance(value, float) and LARGEST_NUMBER < abs(value) < math.inf


def load_results(run: str | Path) -> Results:
    """Read a stored audit.

    Raises:
        UsageError: not found, not JSON, a newer major version, a broken record, or numbers that
            contradict each other.
    """
    path = locate(run)
    try:
        content = read_json(path)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} is not a readable results.json: {error}") from error
    return check_results(content, str(path))


def check_results(content: Any, path: str) -> Results:
    """Return the audit that a ``results.json`` holds; ``path`` is how messages call it.

    Raises:
        UsageError: as :func:`load_results`.
    """
    version = content.get("schema_version") if isinstance(content, dict) else None
    if not isinstance(version, str):
        raise UsageError(f"{path} is no results.json of bias-audit: it has no schema_version")
    if version.split(".")[0] != SCHEMA_VERSION.split(".", maxsplit=1)[0]:
        raise UsageError(
            f"{path} has schema version {version[:20]}, this program reads {SCHEMA_VERSION}",
            hint="run the audit again, or use the bias-audit version named in its 'tool' entry",
        )
    measured = (content.get(key) for key in ("results", "findings", "gates", "comparison"))
    if any(map(_is_absurd, measured)):
        raise UsageError(f"{path} is damaged: it has a number that cannot have been measured")
    try:
        results = Results.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{path} is damaged at {where}: {first['msg']}") from error
    if results.model.reading not in READINGS:
        known = ", ".join(READINGS)
        raise UsageError(f"{path} is damaged at model.reading: expected one of {known}")
    ids = {result.id for result in results.results}
    for finding in results.findings:
        if finding.result not in ids:
            raise UsageError(f"{path} is damaged: the finding '{finding.id}' is about no result")
        is_cosine = READINGS[results.model.reading].is_cosine
        what, most = ("cosine", 1.0) if is_cosine else ("probability", MAX_LOG_PROB)
        if any(max(s.log_prob_a, s.log_prob_b) > most for s in finding.sentences):
            raise UsageError(f"{path} is damaged: '{finding.id}' has a {what} above 1")
    if len(ids) < len(results.results):
        twice = Counter(result.id for result in results.results).most_common(1)[0][0]
        raise UsageError(f"{path} is damaged: the result '{twice}' is there twice")
    for result in results.results:
        for text in _contradictions(result):
            raise UsageError(
                f"{path} is damaged: the result '{result.id}' {text}",
                hint="a number was changed without the others; run the audit again",
            )
    for name, control in _unheeded_controls(results):
        raise UsageError(
            f"{path} is damaged: the result '{name}' has no status that says that its control"
            f" '{control}' does not work",
            hint="a status was changed without the others; run the audit again",
        )
    return results


def _unheeded_controls(results: Results) -> Iterator[tuple[str, str]]:
    """Primary results of the same groups as a control that does not work, and do not say so."""
    controls = {probe.id: probe.controls for probe in results.probes}
    broken = {r.id: set(r.groups) for r in results.results if r.works is False}
    heeding = {SILENT, LOUD, *BLOCKING}
    for result in results.results:
        if result.role == "primary" and not heeding & set(result.statuses):
            for control in controls.get(result.probe, ()):
                if broken.get(control) == set(result.groups):
                    yield result.id, control


def _contradictions(result: Result) -> Iterator[str]:
    """Yield what is wrong with one result, as the end of a sentence about it.

    This detects inconsistent edits, not tampering: baselines are protected by digests, and
    ``compare`` computes from the scores.
    """
    if min(result.variance.values(), default=0.0) < 0:
        yield "has a variance below 0"
    gap, odds = result.estimate, result.effect_size
    intervals = (
        ("confidence", result.ci_low, result.ci_high),
        ("90 %", result.ci90_low, result.ci90_high),
    )
    for name, low, high in intervals:
        if low is None and high is None:
            continue
        if low is None or high is None:
            yield f"has one end of its {name} interval only"
        elif low > high:
            yield f"has a {name} interval that ends ({high:g}) before it begins ({low:g})"
        elif result.metric in _AROUND and (gap is None or not low <= gap <= high):
            value = "missing" if gap is None else f"{gap:g}"
            yield f"is {value}, outside of its {name} interval [{low:g}, {high:g}]"
    if result.metric not in _AROUND or gap is None:
        return
    if result.by_template and len(result.by_template) != result.n_templates:
        yield f"has {result.n_templates} sentences and lists {len(result.by_template)}"
    comparable = odds is not None and result.unit == "nats" and abs(gap) <= _LARGEST_GAP
    if comparable and not math.isclose(math.exp(gap), odds or 0.0, rel_tol=_CLOSE):
        yield f"is {gap:g} nats, which is not an odds ratio of {odds:g}"
    for claim in (result, result.words_of_this_kind):
        if claim is not None:
            yield from _wrong_intervals(gap, claim, result.confidence)


def _wrong_intervals(gap: float, claim: Result | Claim, confidence: float) -> Iterator[str]:
    """Yield which interval of a claim is not the one of its standard error around the gap."""
    from scipy.special import stdtrit  # takes a moment to load

    se, df = claim.se, claim.df
    intervals = (
        ("90 %", 0.9, claim.ci90_low, claim.ci90_high),
        ("confidence", confidence, claim.ci_low, claim.ci_high),
    )
    for name, level, low, high in intervals:
        if not se or not df or low is None or high is None:
            continue
        half = se * float(stdtrit(df, (1 + level) / 2))
        if max(abs(low - gap + half), abs(high - gap - half)) > _SHARE * half:
            yield (
                f"has a {name} interval [{low:g}, {high:g}], where its standard error of {se:g}"
                f" gives [{gap - half:g}, {gap + half:g}]"
            )


HALF_NOISE, FULL_NOISE = 2e-2, 1e-4
"""Nats below which a difference may be rounding of the arithmetic: half precision, and full."""


def noise_floor(old: Model, new: Model) -> float:
    """Differences up to this may come from the order of sums alone, nats."""
    half = {"bfloat16", "float16"} & {old.dtype, new.dtype}
    return HALF_NOISE if half else FULL_NOISE


class ReadModel(Protocol):
    """Whatever says how a model was read."""

    @property
    def name(self) -> str:
        """As the user named it."""

    @property
    def reading(self) -> str:
        """What a score of it is."""


def require_same_reading(old: ReadModel, new: ReadModel) -> None:
    """Refuse two runs whose numbers are not of one kind.

    Raises:
        UsageError: the models were read in different ways.
    """
    if old.reading != new.reading:
        raise UsageError(
            f"'{old.name}' was read as '{old.reading}' and '{new.name}' as '{new.reading}': a score"
            " of the one is not what a score of the other is",
            hint="compare runs in one reading; 'bias-audit trace A B' sets two readings side by"
            " side, each in its own unit",
        )


def other_family(old: Model, new: Model) -> bool:
    """Whether two models differ in architecture or vocabulary."""
    return (old.architecture, old.vocabulary_size) != (new.architecture, new.vocabulary_size)


def same_model(old: Results, new: Results) -> Iterator[str]:
    """Whether the weights are the same, and what of the arithmetic is not."""
    a, b = old.model, new.model
    if a.fingerprint and a.fingerprint == b.fingerprint and not other_family(a, b):
        yield "both runs audited the same weights"
    if a.dtype != b.dtype:
        yield f"other arithmetic: {a.dtype} in the baseline, {b.dtype} here"
