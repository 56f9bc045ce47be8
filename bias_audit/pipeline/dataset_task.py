"""The task of measuring published data sets: no gate and no finding, numbers for the literature."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from bias_audit.archive import ErrorRecord, ProbeRecord, SanityCheck
from bias_audit.assess import Settings
from bias_audit.benchmarking import Benchmark, benchmark
from bias_audit.benchmarking.rows import written
from bias_audit.benchmarking.running import chosen_measures
from bias_audit.catalogue import Catalogue
from bias_audit.datasets import DATASETS, Dataset, open_dataset
from bias_audit.determinism import Repeated
from bias_audit.errors import ScoringError, UsageError
from bias_audit.evidence import PAIR_SCORES
from bias_audit.pipeline.tasks import Part, ProgressListener
from bias_audit.requested.listing import names as optional_metrics
from bias_audit.scoring import Backend
from bias_audit.scoring.base import SentenceBackend, SentenceScoring
from bias_audit.storing import Kept


@dataclass(frozen=True, kw_only=True)
class DatasetScores:
    """Measured data sets, and those that the model cannot score."""

    benchmarks: tuple[Benchmark, ...]
    errors: tuple[ErrorRecord, ...]


@dataclass(frozen=True, kw_only=True)
class DatasetTask:
    """The user's copies of published data sets."""

    datasets: tuple[Dataset, ...]
    measures: tuple[str, ...] = ()
    """Ids or globs; each data set's own when empty."""
    examples: int = 0
    """Pairs of each data set to quote in the report."""
    limit: int | None = None
    """Only the first so many records of each."""

    @classmethod
    def open(
        cls, data: Mapping[str, str | Path], measures: Sequence[str], **more: Any
    ) -> DatasetTask:
        """Open the copies.

        Raises:
            UnknownNameError: no such data set, or no such measure of one.
            UsageError: a file is not what its data set looks like.
        """
        datasets = tuple(open_dataset(name, path) for name, path in sorted(data.items()))
        for dataset in datasets:
            chosen_measures(dataset.info, measures)
        return cls(datasets=datasets, measures=tuple(measures), **more)

    @property
    def languages(self) -> tuple[str, ...]:
        """English: all of them are."""
        return ("en",)

    def check(self, backend: Backend) -> None:
        """Refuse a backend without sentence scores."""
        _sentence_scorer(backend)

    def score(
        self, backend: Backend, settings: Settings, progress: ProgressListener | None
    ) -> DatasetScores:
        """Measure every data set; one that the model cannot score is recorded."""
        scorer = _sentence_scorer(backend)
        benchmarks, errors = [], []
        for dataset in self.datasets:
            try:
                result = benchmark(
                    scorer,
                    dataset,
                    measures=self.measures,
                    confidence=settings.confidence,
                    examples=self.examples,
                    limit=self.limit,
                    seed=settings.seed,
                    progress=progress,
                )
            except (ScoringError, RuntimeError, MemoryError) as error:
                message = str(getattr(error, "message", error)) or repr(error)
                name, kind = dataset.info.id, type(error).__name__
                errors.append(ErrorRecord(probe=name, type=kind, message=message))
                result = Benchmark(record=_failed(dataset, message))
            benchmarks.append(result)
        return DatasetScores(benchmarks=tuple(benchmarks), errors=tuple(errors))

    def repeat(self, model: Kept, _scores: DatasetScores, /) -> Repeated:
        """Ask for the sentences of the sanity check again."""
        spec = Catalogue().sanity("en")
        return model.repeated_sentences(spec.sentences if spec else ())

    def assemble(
        self,
        scores: DatasetScores,
        _model: Kept,
        _settings: Settings,
        _sanity: tuple[SanityCheck, ...],
        /,
    ) -> Part:
        """Collect the records of all data sets."""
        done = scores.benchmarks
        return Part(
            digest=self._digest(),
            is_partial=any(one.cut for one in done),
            probes=tuple(one.record for one in done),
            results=tuple(result for one in done for result in one.results),
            skips=tuple(skip for one in done for skip in one.skips),
            errors=scores.errors,
            manifest={"datasets": {one.info.id: self._manifest(one) for one in self.datasets}},
            files={PAIR_SCORES: lambda: written(row for one in done for row in one.rows)},
        )

    def describe(self) -> str:
        """Say what would be measured, a line for each data set; loads no model."""
        return "\n".join(
            f"{one.info.id:40} {one.facts().rows:>8,} records;"
            f" {', '.join(chosen_measures(one.info, self.measures))}"
            for one in self.datasets
        )

    def _digest(self) -> str:
        listed = "\n".join(f"{one.info.id}:{one.sha256}" for one in self.datasets)
        return hashlib.sha256(listed.encode()).hexdigest()

    def _manifest(self, dataset: Dataset) -> dict[str, Any]:
        return {
            "sha256": dataset.sha256,
            "files": {file.name: file.sha256 for file in dataset.files},
            "licence": dataset.info.licence,
            "measures": list(chosen_measures(dataset.info, self.measures)),
        }


def split_measures(
    measures: Sequence[str], data: Mapping[str, str | Path], *, has_probes: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return which measures are for probes and which for data sets.

    In a run of both, a name is given to those that have it; one that nothing has is left to the
    probes, which report it.
    """
    if not data:
        return tuple(measures), ()
    if not has_probes:
        return (), tuple(measures)
    known = {name for one in data if one in DATASETS for name in DATASETS[one].measures}
    of_data = tuple(p for p in measures if any(fnmatchcase(name, p) for name in known))
    of_probes = tuple(
        p
        for p in measures
        if p not in of_data or any(fnmatchcase(name, p) for name in optional_metrics("measure"))
    )
    return of_probes, of_data


def _sentence_scorer(backend: Backend) -> SentenceScoring:
    if not isinstance(backend, SentenceBackend):
        raise UsageError(
            f"{type(backend).__name__} scores words only, not whole sentences",
            hint="give it a method 'sentence_scorer', or use a masked language model",
        )
    return backend.sentence_scorer()


def _failed(dataset: Dataset, message: str) -> ProbeRecord:
    return ProbeRecord(
        id=dataset.info.id,
        version=1,
        axis="benchmark",
        title=dataset.info.title,
        state="error",
        reason=message,
    )
