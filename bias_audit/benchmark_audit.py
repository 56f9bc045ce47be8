"""Runs a model through a user's copies of published data sets and makes an audit of it.

It has no gate and no finding: these numbers are for comparison with the literature.
"""

from __future__ import annotations

import datetime
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bias_audit import __version__, archive, determinism
from bias_audit.assembling import model_record
from bias_audit.assess import Settings
from bias_audit.benchmarking import Benchmark, benchmark
from bias_audit.benchmarking.rows import written
from bias_audit.benchmarking.running import chosen_measures
from bias_audit.catalogue import Catalogue
from bias_audit.datasets import Dataset, open_dataset
from bias_audit.errors import NothingToAuditError, ScoringError, UsageError
from bias_audit.evidence import PAIR_SCORES
from bias_audit.finished import Audit
from bias_audit.gates.judge import STATES
from bias_audit.sanity import check_all
from bias_audit.scoring import Backend, engine_told
from bias_audit.scoring.base import SentenceBackend, SentenceScoring
from bias_audit.store import versions
from bias_audit.storing import CacheChoice, opened

Listener = Callable[[str, int, int], None]


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
    datasets = [open_dataset(name, path) for name, path in sorted(data.items())]
    if not datasets:
        raise NothingToAuditError("no data set was named", hint="--data crows-pairs=FILE")
    for dataset in datasets:
        chosen_measures(dataset.info, measures)
    with opened(model, cache, **options) as kept:
        _scorer(kept.plain)
        started = (now or _utc_now)()
        clock = time.monotonic()
        spec = Catalogue().sanity("en")
        spoken = {"en": spec}
        sanity = check_all(kept.checked, spoken)
        scorer = _scorer(kept.backend)
        done, errors = _measured(datasets, scorer, measures, settings, examples, limit, progress)
        repeated = kept.repeated_sentences(spec.sentences if spec else ())
        if kept.woken:
            sanity = check_all(kept.model, spoken)
        info = kept.plain.info
        told = kept.use.told() | engine_told(kept.plain) | determinism.told(repeated, info)
    results = archive.Results(
        tool=archive.Tool(name="bias-audit", version=__version__),
        model=model_record(kept.plain.info),
        run=archive.Run(
            seed=settings.seed,
            created=started.isoformat(timespec="seconds"),
            duration_s=round(time.monotonic() - clock, 2),
            partial=any(found.cut for found in done),
            command=command,
            catalogue_digest=_digest(datasets),
        ),
        states=dict.fromkeys(STATES, 0) | {"error": len(errors)},
        sanity=sanity[0],
        determinism=determinism.recorded(repeated, info),
        probes=tuple(found.record for found in done),
        results=tuple(result for found in done for result in found.results),
        findings=(),
        skips=tuple(skip for found in done for skip in found.skips),
        errors=tuple(errors),
        exit_code=3 if errors else 0,
    )
    results = archive.settled(results)
    return Audit(
        results=results,
        manifest=_manifest(kept.plain, results, settings, options, datasets, measures) | told,
        cache=kept.use,
        drawings=kept.drawings,
        further={PAIR_SCORES: written(row for found in done for row in found.rows)},
    )


def _scorer(backend: Backend) -> SentenceScoring:
    """The backend's way to score sentences."""
    if not isinstance(backend, SentenceBackend):
        raise UsageError(
            f"{type(backend).__name__} scores words only, not whole sentences",
            hint="give it a method 'sentence_scorer', or use a masked language model",
        )
    return backend.sentence_scorer()


def _measured(
    opened: Sequence[Dataset],
    scorer: SentenceScoring,
    measures: Sequence[str],
    settings: Settings,
    examples: int,
    limit: int | None,
    progress: Listener | None,
) -> tuple[list[Benchmark], list[archive.ErrorRecord]]:
    """Every data set; one that the model cannot score is recorded, and the rest goes on."""
    done, errors = [], []
    for dataset in opened:
        try:
            found = benchmark(
                scorer,
                dataset,
                measures=measures,
                confidence=settings.confidence,
                examples=examples,
                limit=limit,
                seed=settings.seed,
                progress=progress,
            )
        except (ScoringError, RuntimeError, MemoryError) as error:
            message = str(getattr(error, "message", error)) or repr(error)
            kind = type(error).__name__
            errors.append(archive.ErrorRecord(probe=dataset.info.id, type=kind, message=message))
            record = archive.ProbeRecord(
                id=dataset.info.id,
                version=1,
                axis="benchmark",
                title=dataset.info.title,
                state="error",
                reason=message,
            )
            found = Benchmark(record=record)
        done.append(found)
    return done, errors


def _digest(opened: Sequence[Dataset]) -> str:
    listed = "\n".join(f"{dataset.info.id}:{dataset.sha256}" for dataset in opened)
    return hashlib.sha256(listed.encode()).hexdigest()


def _manifest(
    backend: Backend,
    results: archive.Results,
    settings: Settings,
    options: Mapping[str, Any],
    opened: Sequence[Dataset],
    measures: Sequence[str],
) -> dict[str, Any]:
    """What the run is repeated from."""
    info = backend.info
    return {
        "state": "partial" if results.run.partial else "complete",
        "tool": results.tool.model_dump(),
        "versions": versions(),
        "model": results.model.model_dump() | {"tokenizer_digest": info.tokenizer_digest},
        "options": {key: str(value) for key, value in sorted(options.items())},
        "analysis": {name: getattr(settings, name) for name in settings.__slots__},
        "run": results.run.model_dump(),
        "datasets": {
            dataset.info.id: {
                "sha256": dataset.sha256,
                "files": {file.name: file.sha256 for file in dataset.files},
                "licence": dataset.info.licence,
                "measures": list(chosen_measures(dataset.info, measures)),
            }
            for dataset in opened
        },
    }


def _utc_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
