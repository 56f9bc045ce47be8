"""Read and write ``results.json`` as checked records; tell whether two runs have one model."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bias_audit.errors import UsageError
from bias_audit.results.decisions import Comparison, Finding, Gate, WaiverRecord
from bias_audit.results.schema import (
    Determinism,
    ErrorRecord,
    MetricRecord,
    Model,
    ProbeRecord,
    Record,
    Result,
    Run,
    SanityCheck,
    SkipRecord,
    State,
    Tool,
)

SCHEMA_VERSION = "2.0"
"""Fields may be added in a minor version and removed only in a major one."""

LARGEST_NUMBER = 1e100
"""No gap is this large; twice it is still a number."""
_AROUND = frozenset({"log_odds_gap", "diagonal_log_odds"})
"""Measures with intervals around the estimate, whose effect size is its odds ratio."""
_LARGEST_GAP = 200.0
"""Odds ratios of larger gaps are cut off, so they are not compared."""
_CLOSE = 1e-5
"""Numbers are stored with 8 digits, so equal ones differ by less than this share."""


class Results(Record):
    """The whole audit: the content of ``results.json``."""

    schema_version: str = SCHEMA_VERSION
    tool: Tool
    model: Model
    run: Run
    states: dict[State, int]
    """Gates (enforced or not) counted by state; all six are present."""
    sanity: SanityCheck | None = None
    further_sanity: tuple[SanityCheck, ...] = ()
    """The same check in further languages, when probes of several languages ran together."""
    determinism: Determinism | None = None
    """None where nothing was scored."""
    probes: tuple[ProbeRecord, ...] = ()
    results: tuple[Result, ...] = ()
    metrics: tuple[MetricRecord, ...] = ()
    """The measures of all results and companions, by id."""
    findings: tuple[Finding, ...] = ()
    gates: tuple[Gate, ...] = ()
    skips: tuple[SkipRecord, ...] = ()
    errors: tuple[ErrorRecord, ...] = ()
    waivers: tuple[WaiverRecord, ...] = ()
    comparison: Comparison | None = None
    """The first baseline that the gates name, or the one that was asked for."""
    exit_code: int = 0


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
    """Serialise with fixed key order as given, no NaN, one final newline."""
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def normalise(results: Results) -> Results:
    """Round-trip through JSON, so that fresh and loaded audits render identically."""
    return Results.model_validate(round_floats(results.model_dump(mode="json")))


def results_text(results: Results) -> str:
    """The bytes of ``results.json``."""
    return dump_json(round_floats(results.model_dump(mode="json")))


def locate(run: str | Path) -> Path:
    """Return the ``results.json`` of ``run``: a file, a run folder, or ``audit-runs/latest``.

    Raises:
        UsageError: nothing of the kind is there.
    """
    if run == "":
        raise UsageError("expected a run folder or a results.json, got an empty text")
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
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not a readable results.json: {error}") from error
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
    for result in results.results:
        for text in _contradictions(result):
            raise UsageError(
                f"{path} is damaged: the result '{result.id}' {text}",
                hint="a number was changed without the others; run the audit again",
            )
    return results


def _contradictions(result: Result) -> Iterator[str]:
    """Yield what is wrong with one result, as the end of a sentence about it.

    This detects inconsistent edits, not tampering: baselines are protected by digests, and
    ``compare`` computes from the scores.
    """
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
    if result.metric not in _AROUND or gap is None or odds is None or abs(gap) > _LARGEST_GAP:
        return
    if not math.isclose(math.exp(gap), odds, rel_tol=_CLOSE):
        yield f"is {gap:g} nats, which is not an odds ratio of {odds:g}"


HALF_NOISE, FULL_NOISE = 2e-2, 1e-4
"""Nats below which a difference may be rounding of the arithmetic: half precision, and full."""


def noise_floor(old: Model, new: Model) -> float:
    """Differences up to this may come from the order of sums alone, nats."""
    half = {"bfloat16", "float16"} & {old.dtype, new.dtype}
    return HALF_NOISE if half else FULL_NOISE


def require_same_reading(old: Model, new: Model) -> None:
    """Refuse two runs whose numbers are not of one kind.

    Raises:
        UsageError: the models were read in different ways.
    """
    if old.reading != new.reading:
        raise UsageError(
            f"'{old.name}' was read as '{old.reading}' and '{new.name}' as '{new.reading}': a score"
            " of the one is not what a score of the other is",
            hint="compare runs in one reading: masked models with masked ones, causal models with"
            " causal ones",
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
