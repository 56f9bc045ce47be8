"""What was measured becomes the archived audit: assessed, judged, put into words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bias_audit.analysis import add_optional, assess, build_skip_record
from bias_audit.analysis.findings import findings, sentences
from bias_audit.errors import NothingToAuditError
from bias_audit.metrics.registry import metric_records
from bias_audit.metrics.scored_probe import Settings
from bias_audit.pipeline.plan import Plan
from bias_audit.pipeline.result_cache import ResultCache, result_key
from bias_audit.pipeline.score import Measured
from bias_audit.records import ModelInfo
from bias_audit.results import (
    ErrorRecord,
    Model,
    ProbeRecord,
    Result,
    Results,
    Run,
    SanityCheck,
    SkipRecord,
    Tool,
)
from bias_audit.utils.versions import __version__

TRANSIENT = frozenset({"error", "limit"})
"""Why something that was requested may be missing once and there the next time."""


def build_results_cached(
    plan: Plan,
    info: ModelInfo,
    measured: Measured,
    settings: Settings,
    sanity: Sequence[SanityCheck],
    cache: ResultCache | None,
) -> Results:
    """Return what :func:`build_results` returns, from the cache where it is there.

    Raises:
        NothingToAuditError: as :func:`build_results`.
    """
    key = None
    if cache is not None and not _is_incomplete(measured):
        inputs = (plan.tasks, plan.lists, plan.metrics)
        key = result_key(
            *inputs, plan.digest, plan.partial, list(measured.scored.items()),
            measured.metric_skips, info, settings, sanity,
        )  # fmt: skip
    if cache is None or key is None:
        return build_results(plan, info, measured, settings, sanity)
    results = cache.get(key)
    if results is None:
        results = build_results(plan, info, measured, settings, sanity)
        cache.put(key, results)
    return results


def _is_incomplete(measured: Measured) -> bool:
    """Say whether something is missing that another run may have."""
    lost = measured.late or measured.failures or measured.error_types
    return bool(lost) or any(skip.reason in TRANSIENT for skip in measured.metric_skips)


def build_results(
    plan: Plan,
    info: ModelInfo,
    measured: Measured,
    settings: Settings,
    sanity: Sequence[SanityCheck],
) -> Results:
    """Assess and word what was measured; gates, time stamps and exit code come later.

    Raises:
        NothingToAuditError: nothing was scored, and not because of an error.
    """
    partial = plan.partial or bool(measured.late)
    if not measured.scored and not measured.failures:
        raise NothingToAuditError("no sentence was scored before the time was up")
    found = assess(
        plan.tasks,
        measured.scored,
        settings,
        failures=measured.failures | dict.fromkeys(measured.late, "the time was up"),
        sanity={check.language: check.detail for check in sanity},
        partial=partial,
        lists=plan.lists,
    )
    broken = [_broken(plan, name, measured) for name in (*measured.failures, *measured.late)]
    found, lost = add_optional(found, plan.metrics, measured.scored, settings)
    probes = (*found.probes, *broken)
    results = _with_sentences(found.results, measured)
    by_id = {probe.id: probe for probe in probes}
    return Results(
        tool=Tool(name="bias-audit", version=__version__),
        model=model_record(info),
        run=Run(seed=settings.seed, partial=partial, catalogue_digest=plan.digest),
        states={},
        sanity=sanity[0],
        further_sanity=tuple(sanity[1:]),
        probes=probes,
        results=results,
        metrics=metric_records(results),
        findings=tuple(findings(_model_name(info), results, by_id, measured.scored)),
        skips=(
            *_skips(measured),
            *(build_skip_record(skip) for skip in (*lost, *measured.metric_skips)),
        ),
        errors=tuple(
            ErrorRecord(probe=name, type=measured.error_types[name], message=message)
            for name, message in sorted(measured.failures.items())
        ),
    )


def _with_sentences(results: Sequence[Result], measured: Measured) -> tuple[Result, ...]:
    """Primary results with typical sentence pairs, whether or not they become a finding."""
    return tuple(
        r.model_copy(update={"sentences": tuple(sentences(measured.scored[r.probe], r))})
        if r.role == "primary"
        else r
        for r in results
    )


def model_record(info: ModelInfo) -> Model:
    """The audited model as the results name it."""
    return Model(
        name=info.name,
        revision=info.revision,
        fingerprint=info.fingerprint,
        kind=info.kind,
        architecture=info.architecture,
        vocabulary_size=info.vocabulary_size,
        parameters=info.parameters,
        dtype=info.dtype,
        device=info.device,
        notices=info.notices,
    )


def _model_name(info: ModelInfo) -> str:
    """The model as sentences name it, with the beginning of its revision."""
    return f"{info.name} (revision {info.revision[:7]})" if info.revision else info.name


def _skips(measured: Measured) -> tuple[SkipRecord, ...]:
    """Everything that was lost in any run, controls included."""
    return tuple(
        build_skip_record(skip).model_copy(update={"probe": name})
        for name, scored in sorted(measured.scored.items())
        for skip in (*scored.skips, *scored.cube.skips)
    )


def _broken(plan: Plan, name: str, measured: Measured) -> ProbeRecord:
    """The record of a probe that was not scored."""
    spec = plan.probes[name].spec
    late = name in measured.late
    return ProbeRecord(
        id=name,
        version=spec.version,
        language=spec.language,
        axis=spec.axis,
        title=spec.title,
        question=spec.question,
        role=spec.role,
        state="skipped" if late else "error",
        reason="the time was up" if late else measured.failures[name],
        sensitive=spec.sensitive,
    )


def plan_manifest(plan: Plan) -> dict[str, Any]:
    """What the manifest of a run says of its probes: versions, digests, what was requested."""
    return {
        "probes": {
            name: {
                "version": probe.spec.version,
                "digest": probe.digest,
                "file": Path(probe.file).name,
            }
            for name, probe in sorted(plan.probes.items())
        },
        "prompts": plan.prompts,
        **_requested(plan),
    }


def _requested(plan: Plan) -> dict[str, Any]:
    """What was requested in addition, and what it cost; nothing where nothing was."""
    metrics = plan.metrics
    if not metrics.by_probe:
        return {}
    prompts = {f"{probe}: {name}": count for (probe, name), count in metrics.prompts.items()}
    by_probe = {name: list(names) for name, names in metrics.by_probe.items()}
    return {"requested": {"by_probe": by_probe, "further_prompts": prompts}}
