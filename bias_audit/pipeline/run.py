"""The join: a model and tasks in, an audit out."""

from __future__ import annotations

import datetime
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bias_audit import __version__
from bias_audit.backends import Backend, describe_engine
from bias_audit.backends.cache import CacheOption, OpenedModel, open_model
from bias_audit.gates.policy import Policy
from bias_audit.gates.schema import GateConfig
from bias_audit.metrics.registry import choose, metric_records
from bias_audit.metrics.scored_probe import Settings
from bias_audit.pipeline.assemble import model_record
from bias_audit.pipeline.audit import Audit
from bias_audit.pipeline.dataset_task import DatasetTask, split_measures
from bias_audit.pipeline.judge import judge_run
from bias_audit.pipeline.model_checks import RepeatCheck, check_languages
from bias_audit.pipeline.plan import make_plan
from bias_audit.pipeline.tasks import Part, ProbeTask, ProgressListener, Task
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.records import ModelInfo
from bias_audit.results.evidence import EVIDENCE_FILE as EVIDENCE
from bias_audit.results.io import Results, normalise
from bias_audit.results.run_folder import StoredRun
from bias_audit.results.schema import Run, SanityCheck, Tool
from bias_audit.utils import clock
from bias_audit.utils.versions import package_versions


def audit(
    model: str | Backend = "reference",
    *,
    probes: Sequence[str] = (),
    exclude: Sequence[str] = (),
    data: Mapping[str, str | Path] | None = None,
    measures: Sequence[str] = (),
    checks: Sequence[str] = (),
    catalogue: ProbeCatalogue | None = None,
    settings: Settings | None = None,
    limit: int | None = None,
    examples: int = 0,
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
    """Audit a masked language model by probes, by published data sets, or by both.

    Args:
        model: ``reference``, a local folder, a hub id, or a backend.
        probes: ids, globs, suites; with neither probes nor data, the core probes.
        exclude: ids or globs to leave out.
        data: the user's copy of each published data set, by its id.
        measures: optional measures of probes, and measures of data sets, ids or globs.
        checks: optional checks of probes, likewise.
        catalogue: where probes come from; the shipped ones when None.
        settings: choices of the analysis.
        limit: keep only so many sentences of each probe, and records of each data set (the audit is
            then partial, if any has more).
        examples: pairs of each data set to quote in the report.
        max_seconds: stop scoring probes after this time (the audit is then partial).
        progress: called with (what, rows done, rows in all) while scoring.
        command: the command line, for the report.
        gates: limits to enforce; without any, the probes' own margins inform and nothing fails.
        strict: unclear enforced gates count as incomplete in the exit code.
        policy: what a configuration demands, waivers included; in place of gates and strict.
        baselines: folder of the baselines that gates compare with.
        cache: whether and where scores are kept between runs: a folder, or a Cache; the default
            place when True. A backend of your own needs a folder.
        now: clock for the time stamp, UTC.
        options: of :func:`bias_audit.open_backend`: revision, device, dtype, batch_size, offline,
            allow_pickle, engine.

    Raises:
        BiasAuditError: the model cannot be loaded or does not repeat its answers, a name or a file
            is wrong, or nothing is left.
    """
    settings = settings or Settings()
    catalogue = catalogue or ProbeCatalogue()
    tasks: list[Task[Any]] = []
    probe_measures, data_measures = split_measures(measures, data or {}, has_probes=bool(probes))
    if probes or not data:
        plan = make_plan(
            catalogue,
            catalogue.select(probes, exclude),
            limit=limit,
            requests=choose(probe_measures, checks),
        )
        tasks.append(ProbeTask(plan=plan, max_seconds=max_seconds))
    if data:
        tasks.append(DatasetTask.open(data, data_measures, examples=examples, limit=limit))
    with open_model(model, cache, **options) as opened:
        for task in tasks:
            task.check(opened.plain)
        started, start = (now or clock.now)(), time.monotonic()
        parts, sanity, repeats = _measure(tasks, opened, catalogue, settings, progress)
        info = opened.plain.info
        stats = replace(opened.stats, recalled=any(part.is_recalled for part in parts))
        run_facts = describe_engine(opened.plain) | repeats.to_manifest()
        duration = time.monotonic() - start
    policy = policy or Policy(gates=tuple(gates), strict=strict)
    measured = tuple(result for part in parts for result in part.results)
    results = Results(
        tool=Tool(name="bias-audit", version=__version__),
        model=model_record(info),
        run=Run(
            seed=settings.seed,
            created=started.isoformat(timespec="seconds"),
            duration_s=round(duration, 2),
            partial=any(part.is_partial for part in parts),
            command=command,
            config_digest=policy.digest,
            catalogue_digest=_joint_digest(parts),
        ),
        states={},
        sanity=sanity[0],
        further_sanity=sanity[1:],
        determinism=repeats.to_record(),
        probes=tuple(probe for part in parts for probe in part.probes),
        results=measured,
        metrics=metric_records(measured),
        findings=tuple(finding for part in parts for finding in part.findings),
        skips=tuple(skip for part in parts for skip in part.skips),
        errors=tuple(error for part in parts for error in part.errors),
    )
    files = {name: make for part in parts for name, make in part.files.items()}
    evidence = files[EVIDENCE]() if policy.baselines and EVIDENCE in files else None
    stored = StoredRun(results=normalise(results), evidence=evidence)
    results = judge_run(stored, policy, folder=baselines)
    return Audit(
        results=results,
        measured=next((part.measured for part in parts if part.measured is not None), None),
        manifest=_manifest(results, info, settings, options, parts)
        | stats.to_manifest()
        | run_facts,
        cache=stats,
        further={name: make() for name, make in files.items() if name != EVIDENCE},
    )


def _measure(
    tasks: Sequence[Task[Any]],
    model: OpenedModel,
    catalogue: ProbeCatalogue,
    settings: Settings,
    progress: ProgressListener | None,
) -> tuple[list[Part], tuple[SanityCheck, ...], RepeatCheck]:
    """Check the model, score every task, ask some of it again, analyse the answers."""
    languages = {language for task in tasks for language in task.languages}
    ordered = sorted(languages, key=lambda language: (language != "en", language))
    specs = {language: catalogue.sanity(language) for language in ordered}
    sanity = check_languages(model.backend, specs)
    scores = [task.score(model.backend, settings, progress) for task in tasks]
    repeats = tasks[0].repeat(model, scores[0])
    parts = [
        task.assemble(answers, model, settings, sanity)
        for task, answers in zip(tasks, scores, strict=True)
    ]
    return parts, sanity, repeats


def _manifest(
    results: Results,
    info: ModelInfo,
    settings: Settings,
    options: Mapping[str, Any],
    parts: Sequence[Part],
) -> dict[str, Any]:
    """What a run is repeated from: versions, digests, options, settings."""
    manifest: dict[str, Any] = {
        "state": "partial" if results.run.partial else "complete",
        "tool": results.tool.model_dump(),
        "versions": package_versions(),
        "model": results.model.model_dump() | {"tokenizer_digest": info.tokenizer_digest},
        "options": {key: str(value) for key, value in sorted(options.items())},
        "analysis": {name: getattr(settings, name) for name in settings.__slots__},
        "run": results.run.model_dump(),
    }
    for part in parts:
        manifest |= part.manifest
    return manifest


def _joint_digest(parts: Sequence[Part]) -> str:
    """SHA-256 of everything that the run was made from."""
    if len(parts) == 1:
        return parts[0].digest
    return hashlib.sha256("\n".join(part.digest for part in parts).encode()).hexdigest()
