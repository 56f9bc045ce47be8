"""The task of measuring published data sets: no gate and no finding, numbers for the literature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from bias_audit.backends import Backend
from bias_audit.backends.cache import OpenedModel
from bias_audit.datasets import DATASETS
from bias_audit.datasets.pair_scores import encode_rows
from bias_audit.datasets.run import DatasetPlan, DatasetRun, data_digest, plan_datasets
from bias_audit.metrics.registry import names as optional_metrics
from bias_audit.metrics.scored_probe import Settings
from bias_audit.pipeline.model_checks import RepeatCheck, check_repeats
from bias_audit.pipeline.tasks import Part, ProgressListener
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.records import SentenceRequest
from bias_audit.results import PAIR_SCORES_FILE
from bias_audit.results.schema import SanityCheck


@dataclass(frozen=True, kw_only=True)
class DatasetTask:
    """The user's copies of published data sets."""

    plans: tuple[DatasetPlan, ...]

    @classmethod
    def open(
        cls, data: Mapping[str, str | Path], measures: Sequence[str], **more: Any
    ) -> DatasetTask:
        """Open the copies.

        Raises:
            UnknownNameError: no such data set, or no such measure of one.
            UsageError: a file is not what its data set looks like.
        """
        return cls(plans=tuple(plan_datasets(data, measures, **more)))

    @property
    def languages(self) -> tuple[str, ...]:
        """English: all of them are."""
        return ("en",)

    def check(self, backend: Backend) -> None:
        """Refuse a backend that does not answer what a data set's measures ask."""
        for plan in self.plans:
            plan.check(backend)

    def score(
        self, backend: Backend, settings: Settings, progress: ProgressListener | None
    ) -> tuple[DatasetRun, ...]:
        """Measure every data set; one that the model cannot score is recorded."""
        level, seed = settings.confidence, settings.seed
        return tuple(
            plan.measure(backend, confidence=level, seed=seed, progress=progress)
            for plan in self.plans
        )

    def repeat(self, model: OpenedModel, _scores: tuple[DatasetRun, ...], /) -> RepeatCheck:
        """Ask for the sentences of the sanity check again."""
        spec = ProbeCatalogue().sanity("en")
        texts = spec.sentences if spec else ()
        return check_repeats(model, [SentenceRequest(text=text) for text in texts])

    def assemble(
        self,
        scores: tuple[DatasetRun, ...],
        _model: OpenedModel,
        _settings: Settings,
        _sanity: tuple[SanityCheck, ...],
        /,
    ) -> Part:
        """Collect the records of all data sets."""
        return Part(
            digest=data_digest(self.plans),
            is_partial=any(run.partial for run in scores),
            probes=tuple(run.record for run in scores),
            results=tuple(result for run in scores for result in run.results),
            skips=tuple(skip for run in scores for skip in run.skips),
            errors=tuple(run.error for run in scores if run.error is not None),
            manifest={"datasets": {plan.id: plan.manifest for plan in self.plans}},
            files={
                PAIR_SCORES_FILE: lambda: encode_rows(row for run in scores for row in run.rows)
            },
        )

    def describe(self) -> str:
        """Say what would be measured, a line for each data set; loads no model."""
        return "\n".join(
            f"{plan.id:40} {plan.dataset.summary().rows:>8,} records; {', '.join(plan.measures)}"
            for plan in self.plans
        )


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
