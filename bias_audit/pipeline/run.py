"""The join: a model and tasks in, an audit out."""

from __future__ import annotations

import datetime
import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bias_audit import __version__
from bias_audit.analysis.controls import find_floor
from bias_audit.backends import Backend, built_in_notice, describe_engine, require_options
from bias_audit.backends.cache import CacheOption, OpenedModel, open_model
from bias_audit.backends.hf.model_files import FILE_OPTIONS, ModelOptions, locate_model
from bias_audit.config import resolve
from bias_audit.errors import ModelLoadError, UsageError
from bias_audit.gates.policy import Policy
from bias_audit.gates.schema import GateConfig
from bias_audit.metrics.registry import metric_records
from bias_audit.metrics.scored_probe import Settings
from bias_audit.pipeline.audit import Audit
from bias_audit.pipeline.from_config import RunRequest
from bias_audit.pipeline.judge import check_readings, judge_run
from bias_audit.pipeline.model_checks import check_model, check_name
from bias_audit.pipeline.plan import join_digests
from bias_audit.pipeline.repeats import RepeatCheck
from bias_audit.pipeline.score import ProgressListener
from bias_audit.pipeline.tasks import Part, Task, plan_tasks
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.suites import LABELS
from bias_audit.records import ModelInfo
from bias_audit.results.evidence import EVIDENCE_FILE
from bias_audit.results.io import Results, normalise
from bias_audit.results.run_folder import StoredRun
from bias_audit.results.run_record import Model, Run, SanityCheck, Tool
from bias_audit.utils import clock
from bias_audit.utils.readings import READINGS
from bias_audit.utils.versions import package_versions


def audit(
    model: str | Backend | None = None,
    *,
    config: str | Path | None = None,
    probes: str | Sequence[str] = (),
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
    title: str = "",
    owner: str = "",
    purpose: str = "",
    gates: Sequence[GateConfig] = (),
    strict: bool = False,
    policy: Policy | None = None,
    baselines: str | Path | None = None,
    cache: CacheOption = True,
    now: Callable[[], datetime.datetime] | None = None,
    **options: Any,
) -> Audit:
    """Audit a language model or a text classifier by probes, published data sets, or both.

    Nothing but the cache is written: see :meth:`Audit.save`.

    Args:
        model: ``reference``, a local folder, a hub id, ``python:module:function``, or a backend;
            that of the configuration, or ``reference``, when None.
        config: a configuration to audit by as ``bias-audit run`` does, with its gates, waivers and
            baselines. The other keywords, and in ``options`` all further ones of ``bias-audit run``
            (``seed``, ``probe_paths``, ...), win over environment variables, and those over the
            file.
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
        progress: called with (what is done, rows done, rows in all): ``loading the model``,
            ``scoring ...``, ``analysing``; no rows where there are none to count.
        command: the command line, for the report.
        title: what the report is called.
        owner: who answers for the audit.
        purpose: what the audit is for.
        gates: limits to enforce; without any, nothing fails.
        strict: unclear gates count as incomplete in the exit code.
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
    selection: dict[str, Any] = {
        "probes": [probes] if isinstance(probes, str) else probes, "exclude": exclude,
        "data": data, "measures": measures, "checks": checks,
        "limit": limit, "examples": examples, "max_seconds": max_seconds,
    }  # fmt: skip
    if config is not None:
        if catalogue or settings or gates or policy:
            raise UsageError(
                "catalogue, settings, gates and policy come from the configuration",
                hint="leave them out, or leave config out",
            )
        overrides = selection | {"strict": strict, "baselines": baselines} | options
        overrides |= {"title": title or None, "owner": owner or None, "purpose": purpose or None}
        overrides["examples"] = examples or None
        if isinstance(model, str):
            overrides["model"] = model
        arguments = RunRequest.from_settings(resolve(config, overrides)).arguments()
        arguments |= {} if model is None else {"model": model}
        arguments |= {} if cache is True else {"cache": cache}
        return audit(**arguments, progress=progress, command=command, now=now)
    require_options(options, inspect.signature(audit).parameters)
    settings, catalogue = settings or Settings(), catalogue or ProbeCatalogue()
    policy = policy or Policy(gates=tuple(gates), strict=strict)
    model, say = "reference" if model is None else model, progress or _be_silent
    if isinstance(model, str):
        check_name(model, catalogue, **options)
        if not (selection["probes"] or data) and reads_labels(model, options):
            selection["probes"] = [LABELS]
    tasks = plan_tasks(catalogue, **selection)
    say("loading the model", 0, 0)
    with open_model(model, cache, **options) as opened:
        tasks = [task.fit(opened.plain) for task in tasks]
        check_readings(policy, baselines, opened.plain.info)
        started, start = (now or clock.now)(), time.monotonic()
        parts, sanity, repeats = _measure(tasks, opened, catalogue, settings, say)
        info, stats = opened.plain.info, opened.stats
        run_facts = describe_engine(opened.plain) | repeats.to_manifest()
        run = Run(
            seed=settings.seed,
            created=started.isoformat(timespec="seconds"),
            duration_s=round(time.monotonic() - start, 2),
            partial=any(part.analysis.partial for part in parts),
            requested=tuple(dict.fromkeys(name for part in parts for name in part.requested)),
            command=command,
            title=title,
            owner=owner,
            purpose=purpose,
            config_digest=policy.digest,
            catalogue_digest=join_digests([part.digest for part in parts], info.reading),
            notices=_notices(model, catalogue, asks_probes=bool(probes or not data)),
        )
    results = _join(parts, info, run, sanity, repeats)
    files = {name: make for part in parts for name, make in part.files.items()}
    evidence = files[EVIDENCE_FILE]() if policy.baselines and EVIDENCE_FILE in files else None
    stored = StoredRun(results=normalise(results), evidence=evidence)
    results = judge_run(stored, policy, folder=None if baselines is None else Path(baselines))
    stats = replace(stats, recalled=any(part.is_recalled for part in parts))
    return Audit(
        results=results,
        measured=next((part.measured for part in parts if part.measured is not None), None),
        manifest=_manifest(results, settings, options, parts) | stats.to_manifest() | run_facts,
        cache=stats,
        further={name: make() for name, make in files.items() if name != EVIDENCE_FILE},
    )


def reads_labels(model: str, options: Mapping[str, Any]) -> bool:
    """Say whether a name is that of a text classifier, as far as its files tell."""
    if model.startswith("python:"):
        return True
    try:
        mine = {key: value for key, value in options.items() if key in FILE_OPTIONS}
        return READINGS[locate_model(ModelOptions(name=model, **mine)).reading].of == "label"
    except ModelLoadError:  # said when it is opened
        return False


def _notices(
    model: str | Backend | None, catalogue: ProbeCatalogue, *, asks_probes: bool
) -> tuple[str, ...]:
    """Say which of two things a name stands for."""
    notice = built_in_notice(model) if isinstance(model, str) else ""
    return (*filter(None, (notice,)), *(catalogue.notices if asks_probes else ()))


def _measure(
    tasks: Sequence[Task],
    model: OpenedModel,
    catalogue: ProbeCatalogue,
    settings: Settings,
    say: ProgressListener,
) -> tuple[list[Part], tuple[SanityCheck, ...], RepeatCheck]:
    """Check the model, score every task, ask some of it again, analyse the answers."""
    sanity = check_model(
        model.backend,
        catalogue,
        probes=[probe for task in tasks for probe in task.instruments],
        languages=[language for task in tasks for language in task.languages],
    )
    scores = [
        task.score(model.backend, settings, lambda what, *rows: say(f"scoring {what}", *rows))
        for task in tasks
    ]
    repeats = tasks[0].repeat(model, scores[0])
    say("analysing", 0, 0)
    parts = [
        task.assemble(answers, model, settings, sanity)
        for task, answers in zip(tasks, scores, strict=True)
    ]
    return parts, sanity, repeats


def _be_silent(_what: str, _done: int, _total: int, /) -> None:
    """Take what a run says where nobody listens."""


def _join(
    parts: Sequence[Part],
    info: ModelInfo,
    run: Run,
    sanity: Sequence[SanityCheck],
    repeats: RepeatCheck,
) -> Results:
    """Put the records of all tasks together, with what the run as a whole has; not judged yet."""
    analyses = [part.analysis for part in parts]
    measured = tuple(result for one in analyses for result in one.results)
    probes = tuple(probe for one in analyses for probe in one.probes)
    return Results(
        tool=Tool(name="bias-audit", version=__version__),
        model=Model(
            **{name: getattr(info, name) for name in Model.model_fields if name != "files"},
            files=dict(info.files),
        ),
        run=run,
        states={},
        floor=find_floor(probes, measured),
        sanity=sanity[0],
        further_sanity=tuple(sanity[1:]),
        determinism=repeats.to_record(),
        probes=probes,
        results=measured,
        metrics=metric_records(measured, info.reading),
        findings=tuple(finding for one in analyses for finding in one.findings),
        skips=tuple(skip for one in analyses for skip in one.skips),
        errors=tuple(error for one in analyses for error in one.errors),
    )


def _manifest(
    results: Results,
    settings: Settings,
    options: Mapping[str, Any],
    parts: Sequence[Part],
) -> dict[str, Any]:
    """What a run is repeated from: versions, digests, options, settings."""
    manifest: dict[str, Any] = {
        "state": "partial" if results.run.partial else "complete",
        "tool": results.tool.model_dump(),
        "versions": package_versions(),
        "model": results.model.model_dump(),
        "options": {key: str(value) for key, value in sorted(options.items())},
        "analysis": {name: getattr(settings, name) for name in settings.__slots__},
        "run": results.run.model_dump(),
    }
    for part in parts:
        manifest |= part.manifest
    return manifest
