"""Measures a model by a user's copies of published data sets and makes an audit of it.

It has no gate and no finding: these numbers are for comparison with the literature.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bias_audit import determinism
from bias_audit.assembling import model_record
from bias_audit.datasets.pair_scores import encode_rows
from bias_audit.datasets.run import DatasetTask, data_digest, plan_datasets
from bias_audit.datasets.scores import Listener, sentence_scorer
from bias_audit.finished import Audit
from bias_audit.gates import STATES
from bias_audit.metrics.registry import metric_records
from bias_audit.metrics.scored_probe import Settings
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.results import PAIR_SCORES_FILE, Results, Run, Tool, normalise
from bias_audit.sanity import check_all
from bias_audit.scoring import Backend, engine_told
from bias_audit.storing import CacheChoice, opened
from bias_audit.utils.versions import __version__, package_versions


def audit_datasets(
    model: str | Backend,
    data: Mapping[str, str | Path],
    *,
    measures: Sequence[str] = (),
    settings: Settings | None = None,
    examples: int = 0,
    limit: int | None = None,
    progress: Listener | None = None,
    command: str = "",
    cache: CacheChoice = True,
    now: Callable[[], datetime.datetime] | None = None,
    **options: Any,
) -> Audit:
    """Measure a model by published data sets.

    Args:
        model: ``reference``, a local folder, a hub id, or a backend.
        data: the user's copy of each data set, by id.
        measures: ids or globs of measures; each data set's own when empty.
        settings: seed and confidence.
        examples: pairs to quote in the report, from each data set.
        limit: only the first so many records of each data set (the audit is then partial, if
            there were more).
        progress: called with (what, sentences done, sentences in all) while scoring.
        command: the command line, for the report.
        cache: whether and where scores are kept between runs, as for :func:`audit`.
        now: clock for the time stamp, UTC.
        options: of :func:`bias_audit.scoring.open_backend`.

    Raises:
        BiasAuditError: a file is not what its data set looks like, a name is wrong, the model
            cannot be loaded or does not repeat its answers, or nothing is left.
    """
    settings = settings or Settings()
    tasks = plan_datasets(data, measures, examples=examples, limit=limit)
    with opened(model, cache, **options) as kept:
        sentence_scorer(kept.plain)
        started = (now or _utc_now)()
        clock = time.monotonic()
        spec = ProbeCatalogue().sanity("en")
        spoken = {"en": spec}
        sanity = check_all(kept.checked, spoken)
        scorer = sentence_scorer(kept.backend)
        runs = [
            task.run(scorer, confidence=settings.confidence, seed=settings.seed, progress=progress)
            for task in tasks
        ]
        repeated = kept.repeated_sentences(spec.sentences if spec else ())
        if kept.woken:
            sanity = check_all(kept.model, spoken)
        info = kept.plain.info
        told = kept.use.told() | engine_told(kept.plain) | determinism.told(repeated, info)
    errors = tuple(run.error for run in runs if run.error is not None)
    measured = tuple(result for run in runs for result in run.results)
    results = Results(
        tool=Tool(name="bias-audit", version=__version__),
        model=model_record(kept.plain.info),
        run=Run(
            seed=settings.seed,
            created=started.isoformat(timespec="seconds"),
            duration_s=round(time.monotonic() - clock, 2),
            partial=any(run.partial for run in runs),
            command=command,
            catalogue_digest=data_digest(tasks),
        ),
        states=dict.fromkeys(STATES, 0) | {"error": len(errors)},
        sanity=sanity[0],
        determinism=determinism.recorded(repeated, info),
        probes=tuple(run.record for run in runs),
        results=measured,
        metrics=metric_records(measured),
        findings=(),
        skips=tuple(skip for run in runs for skip in run.skips),
        errors=errors,
        exit_code=3 if errors else 0,
    )
    results = normalise(results)
    return Audit(
        results=results,
        manifest=_manifest(kept.plain, results, settings, options, tasks) | told,
        cache=kept.use,
        further={PAIR_SCORES_FILE: encode_rows(row for run in runs for row in run.rows)},
    )


def _manifest(
    backend: Backend,
    results: Results,
    settings: Settings,
    options: Mapping[str, Any],
    tasks: Sequence[DatasetTask],
) -> dict[str, Any]:
    """Return what the run is repeated from."""
    info = backend.info
    return {
        "state": "partial" if results.run.partial else "complete",
        "tool": results.tool.model_dump(),
        "versions": package_versions(),
        "model": results.model.model_dump() | {"tokenizer_digest": info.tokenizer_digest},
        "options": {key: str(value) for key, value in sorted(options.items())},
        "analysis": {name: getattr(settings, name) for name in settings.__slots__},
        "run": results.run.model_dump(),
        "datasets": {task.id: task.manifest for task in tasks},
    }


def _utc_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
