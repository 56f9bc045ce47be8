"""Joins the stages: a model and probes in, an audit out."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bias_audit import archive, determinism
from bias_audit.archive import SanityCheck
from bias_audit.assembling import manifest, recalled
from bias_audit.assess import Settings
from bias_audit.catalogue import Catalogue
from bias_audit.finished import EVIDENCE, Audit, AuditFinding, choose_folder, evidence_bytes
from bias_audit.gates.policy import Policy
from bias_audit.gates.schema import GateConfig
from bias_audit.measuring import Measured, ProgressListener, measure
from bias_audit.pipeline.judge import judge_run
from bias_audit.planning import Plan, make_plan
from bias_audit.requested.listing import chosen
from bias_audit.requested.running import require
from bias_audit.results.stored_run import StoredRun
from bias_audit.sanity import check_all
from bias_audit.scoring import Backend, engine_told
from bias_audit.specs import Sanity
from bias_audit.storing import CacheChoice, Kept, opened


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
    cache: CacheChoice = True,
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
        options: of :func:`bias_audit.scoring.open_backend`: revision, device, dtype, batch_size,
            offline, allow_pickle, engine.

    Raises:
        BiasAuditError: the model cannot be loaded or does not repeat its answers, a name or a file
            is wrong, or nothing is left.
    """
    settings = settings or Settings()
    catalogue = catalogue or Catalogue()
    asked = chosen(measures, checks)
    plan = make_plan(catalogue, catalogue.select(probes, exclude), limit=limit, requests=asked)
    with opened(model, cache, **options) as kept:
        require(kept.plain, plan.orders)
        started = (now or _utc_now)()
        clock = time.monotonic()
        spoken = {tag: catalogue.sanity(tag) for tag in plan.languages}
        asked_of = _asked(kept, plan, spoken, settings, progress, max_seconds)
        measured, sanity = asked_of.measured, asked_of.sanity
        info = kept.plain.info
        told = engine_told(kept.plain) | determinism.told(asked_of.repeated, info)
        duration = time.monotonic() - clock
        results = recalled(plan, info, measured, settings, sanity, kept.assessments)
    policy = policy or Policy(gates=tuple(gates), strict=strict)
    run = results.run.model_copy(
        update={
            "created": started.isoformat(timespec="seconds"),
            "duration_s": round(duration, 2),
            "command": command,
            "config_digest": policy.digest,
        }
    )
    again = determinism.recorded(asked_of.repeated, info)
    results = archive.settled(results.model_copy(update={"run": run, "determinism": again}))
    evidence = evidence_bytes(measured) if policy.baselines else None
    results = judge_run(StoredRun(results=results, evidence=evidence), policy, folder=baselines)
    return Audit(
        results=results,
        measured=measured,
        manifest=manifest(plan, info, results, settings, options) | kept.use.told() | told,
        cache=kept.use,
        drawings=kept.drawings,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    """What a model answered."""

    measured: Measured
    sanity: tuple[SanityCheck, ...]
    repeated: determinism.Repeated


def _asked(
    kept: Kept,
    plan: Plan,
    spoken: Mapping[str, Sanity | None],
    settings: Settings,
    progress: ProgressListener | None,
    max_seconds: float | None,
) -> _Asked:
    """Check the model, score the plan, and ask some of it again."""
    sanity = check_all(kept.checked, spoken)
    measured = measure(
        plan, kept.backend, progress=progress, max_seconds=max_seconds, settings=settings
    )
    repeated = kept.repeated(*determinism.sample(measured.answers()))
    if kept.woken:  # so far the sanity check's answers were those of an earlier run
        sanity = check_all(kept.model, spoken)
    return _Asked(measured=measured, sanity=sanity, repeated=repeated)


def _utc_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


__all__ = ["EVIDENCE", "Audit", "AuditFinding", "audit", "choose_folder"]
