"""What was scored becomes records: assessed, put into words, or taken from an earlier run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bias_audit.analysis import add_optional, assess, build_skip_record
from bias_audit.analysis.findings import findings, name_model, sentences
from bias_audit.errors import NothingToAuditError
from bias_audit.metrics.scored_probe import Settings
from bias_audit.pipeline.plan import Plan
from bias_audit.pipeline.result_cache import ResultCache, result_key
from bias_audit.pipeline.score import ScoredPlan
from bias_audit.records import ModelInfo
from bias_audit.results import ErrorRecord, Finding, ProbeRecord, Result, SanityCheck, SkipRecord
from bias_audit.results.schema import Record

TRANSIENT = frozenset({"error", "limit"})
"""Why something that was requested may be missing once and there the next time."""


class Analysis(Record):
    """The records that one task gives; gates and what the whole run has in common come later."""

    partial: bool
    probes: tuple[ProbeRecord, ...]
    results: tuple[Result, ...]
    findings: tuple[Finding, ...] = ()
    skips: tuple[SkipRecord, ...] = ()
    errors: tuple[ErrorRecord, ...] = ()


def analyse_cached(
    plan: Plan,
    info: ModelInfo,
    scores: ScoredPlan,
    settings: Settings,
    sanity: Sequence[SanityCheck],
    cache: ResultCache[Analysis] | None,
) -> Analysis:
    """Return what :func:`analyse` returns, from the cache where it is there.

    What was cut short or failed is not stored: another run may have more.

    Raises:
        NothingToAuditError: as :func:`analyse`.
    """
    is_incomplete = bool(scores.late or scores.failures or scores.error_types) or any(
        skip.reason in TRANSIENT for skip in scores.metric_skips
    )
    key = None
    if cache is not None and not is_incomplete:
        key = result_key(
            plan.tasks, plan.lists, plan.metrics, plan.digest, plan.partial, plan.unfit,
            list(scores.scored.items()), scores.metric_skips, info, settings, list(sanity),
            list(plan.unfit),
        )  # fmt: skip
    if cache is None or key is None:
        return analyse(plan, info, scores, settings, sanity)
    analysis = cache.get(key)
    if analysis is None:
        analysis = analyse(plan, info, scores, settings, sanity)
        cache.put(key, analysis)
    return analysis


def analyse(
    plan: Plan,
    info: ModelInfo,
    scores: ScoredPlan,
    settings: Settings,
    sanity: Sequence[SanityCheck],
) -> Analysis:
    """Assess the scores and put them into words.

    Raises:
        NothingToAuditError: nothing was scored, and not because of an error.
    """
    partial = plan.partial or bool(scores.late)
    if not scores.scored and not scores.failures:
        raise NothingToAuditError("no sentence was scored before the time was up")
    assessment = assess(
        plan.tasks,
        scores.scored,
        settings,
        failures=scores.failures | dict.fromkeys(scores.late, "the time was up"),
        sanity={name: c.detail for c in sanity for name in c.probes or (c.language,)},
        partial=partial,
        lists=plan.lists,
    )
    assessment, lost = add_optional(assessment, plan.metrics, scores.scored, settings)
    unscored = [_unscored_record(plan, name, scores) for name in (*scores.failures, *scores.late)]
    probes = (*assessment.probes, *unscored)
    hurtful = plan.lists.hurtful
    results = tuple(  # typical sentence pairs of primary results, whether or not they are findings
        r.model_copy(update={"sentences": tuple(sentences(scores.scored[r.probe], r, hurtful))})
        if r.role == "primary"
        else r
        for r in assessment.results
    )
    model = name_model(info.name, info.revision)
    by_id = {probe.id: probe for probe in probes}
    of_cells = tuple(
        build_skip_record(skip).model_copy(update={"probe": name})
        for name, scored in sorted(scores.scored.items())
        for skip in (*scored.skips, *scored.cube.skips)
    )
    return Analysis(
        partial=partial,
        probes=probes,
        results=results,
        findings=tuple(findings(model, results, by_id, scores.scored)),
        skips=(
            *of_cells,
            *(build_skip_record(skip) for skip in (*plan.unfit, *lost, *scores.metric_skips)),
        ),
        errors=tuple(
            ErrorRecord(probe=name, type=scores.error_types[name], message=message)
            for name, message in sorted(scores.failures.items())
        ),
    )


def _unscored_record(plan: Plan, name: str, scores: ScoredPlan) -> ProbeRecord:
    """The record of a probe that was not scored."""
    spec = plan.probes[name].spec
    late = name in scores.late
    return ProbeRecord(
        id=name,
        version=spec.version,
        digest=plan.probes[name].digest,
        language=spec.language,
        axis=spec.axis,
        title=spec.title,
        question=spec.question,
        role=spec.role,
        state="skipped" if late else "error",
        reason="the time was up" if late else scores.failures[name],
        sensitive=spec.sensitive,
    )


def plan_manifest(plan: Plan) -> dict[str, Any]:
    """What the manifest of a run says of its probes: versions, digests, what was requested."""
    manifest: dict[str, Any] = {
        "probes": {
            name: {
                "version": probe.spec.version,
                "digest": probe.digest,
                "file": Path(probe.file).name,
            }
            for name, probe in sorted(plan.probes.items())
        },
        "prompts": plan.prompts,
    }
    metrics = plan.metrics
    if metrics.by_probe:
        manifest["requested"] = {
            "by_probe": {name: list(names) for name, names in metrics.by_probe.items()},
            "further_prompts": {f"{p}: {name}": n for (p, name), n in metrics.prompts.items()},
        }
    return manifest
