"""Joins the stages: a model and probes in, an audit out."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bias_audit.assembling import manifest, recalled
from bias_audit.backends import Backend, describe_engine
from bias_audit.backends.cache import CacheOption, OpenedModel, open_model, resolve_cache_option
from bias_audit.catalogue import Catalogue
from bias_audit.config import GateConfig
from bias_audit.finished import EVIDENCE, Audit, AuditFinding, choose_folder, evidence_bytes
from bias_audit.judging import judged
from bias_audit.measuring import Measured, ProgressListener, measure
from bias_audit.metrics.plan import require_answers
from bias_audit.metrics.registry import choose
from bias_audit.metrics.scored_probe import Settings
from bias_audit.pipeline.model_checks import (
    RepeatCheck,
    check_languages,
    check_repeats,
    repeat_requests,
)
from bias_audit.planning import Plan, make_plan
from bias_audit.policy import Policy
from bias_audit.results import SanityCheck, StoredRun, normalise
from bias_audit.specs import Sanity
from bias_audit.storing import Assessments, KeptDrawings


def audit(
    model: str | Backend = "reference",
    *,
    probes: Sequence[str] = (),
    exclude: Sequence[str] = (),
    measures: Sequence[str] = (),
    checks: Sequence[str] = (),
    catalogue: Catalogue | None = None,
    settings: Settings | None = None,
    limit: int | None = None,
    max_seconds: float | None = None,
    progress: ProgressListener | None = None,
    command: str = "",
    gates: Sequence[GateConfig] = (),
    strict: bool = False,
    policy: Policy | None = None,
    baselines: Path | None = None,
    cache: CacheOption = True,
    now: Callable[[], datetime.datetime] | None = None,
    **options: Any,
) -> Audit:
    """Audit a masked language model.

    Args:
        model: ``reference``, a local folder, a hub id, or a backend.
        probes: ids or globs; the core probes when empty.
        exclude: ids or globs to leave out.
        measures: measures on request, ids or globs; most cost further prompts.
        checks: checks on request, likewise.
        catalogue: where probes come from; the shipped ones when None.
        settings: choices of the analysis.
        limit: keep only so many sentences of each probe (the audit is then partial, if any has
            more).
        max_seconds: stop scoring after this time (the audit is then partial).
        progress: called with (what, rows done, rows in all) while scoring.
        command: the command line, for the report.
        gates: limits to enforce; without any, the probes' own margins inform and nothing fails.
        strict: unclear enforced gates count as incomplete in the exit code.
        policy: what a configuration demands, waivers included; in place of gates and strict.
        baselines: folder of the baselines that gates compare with.
        cache: whether and where scores are kept between runs: a folder, or a Cache; the default
            place when True. A backend of your own needs a folder.
        now: clock for the time stamp, UTC.
        options: of :func:`bias_audit.backends.open_backend`: revision, device, dtype, batch_size,
            offline, allow_pickle, engine.

    Raises:
        BiasAuditError: the model cannot be loaded or does not repeat its answers, a name or a file
            is wrong, or nothing is left.
    """
    settings = settings or Settings()
    catalogue = catalogue or Catalogue()
    asked = choose(measures, checks)
    plan = make_plan(catalogue, catalogue.select(probes, exclude), limit=limit, requests=asked)
    with open_model(model, cache, **options) as opened:
        require_answers(opened.plain, plan.metrics)
        started = (now or _utc_now)()
        clock = time.monotonic()
        spoken = {tag: catalogue.sanity(tag) for tag in plan.languages}
        answers = _ask(opened, plan, spoken, settings, progress, max_seconds)
        measured, sanity = answers.measured, answers.sanity
        info = opened.plain.info
        observed = describe_engine(opened.plain) | answers.repeats.to_manifest()
        duration = time.monotonic() - clock
        assessments, drawings = _caches(opened, cache)
        results = recalled(plan, info, measured, settings, sanity, assessments)
        stats = replace(opened.stats, recalled=assessments is not None and assessments.found)
    policy = policy or Policy(gates=tuple(gates), strict=strict)
    run = results.run.model_copy(
        update={
            "created": started.isoformat(timespec="seconds"),
            "duration_s": round(duration, 2),
            "command": command,
            "config_digest": policy.digest,
        }
    )
    repeats = answers.repeats.to_record()
    results = normalise(results.model_copy(update={"run": run, "determinism": repeats}))
    evidence = evidence_bytes(measured) if policy.baselines else None
    results = judged(StoredRun(results=results, evidence=evidence), policy, folder=baselines)
    return Audit(
        results=results,
        measured=measured,
        manifest=manifest(plan, info, results, settings, options) | stats.to_manifest() | observed,
        cache=stats,
        drawings=drawings,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answers:
    """What a model answered."""

    measured: Measured
    sanity: tuple[SanityCheck, ...]
    repeats: RepeatCheck


def _ask(
    opened: OpenedModel,
    plan: Plan,
    spoken: Mapping[str, Sanity | None],
    settings: Settings,
    progress: ProgressListener | None,
    max_seconds: float | None,
) -> _Answers:
    """Check the model, score the plan, and ask some of it again."""
    sanity = check_languages(opened.backend, spoken)
    measured = measure(
        plan, opened.backend, progress=progress, max_seconds=max_seconds, settings=settings
    )
    repeats = check_repeats(opened, *repeat_requests(measured.answers()))
    return _Answers(measured=measured, sanity=sanity, repeats=repeats)


def _caches(
    opened: OpenedModel, option: CacheOption
) -> tuple[Assessments | None, KeptDrawings | None]:
    """Results and charts of earlier runs, where scores are cached too."""
    cache, store = resolve_cache_option(option), opened.store
    if cache is None or store is None:
        return None, None
    drawings = KeptDrawings(store.path.parent, limit=cache.limit, fresh=cache.fresh)
    return Assessments(store, fresh=cache.fresh), drawings


def _utc_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


__all__ = ["EVIDENCE", "Audit", "AuditFinding", "audit", "choose_folder"]
