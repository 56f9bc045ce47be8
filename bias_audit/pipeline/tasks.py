"""What a run measures: a list of tasks, each the probes of a plan or the copies of data sets.

``pipeline.run.audit`` asks every task the same questions in the same order and joins their parts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Protocol

from bias_audit.backends import Backend
from bias_audit.backends.cache import OpenedModel
from bias_audit.backends.labels import find_label
from bias_audit.backends.request_batch import RejectionError
from bias_audit.datasets import DATASETS
from bias_audit.datasets.pair_scores import encode_rows
from bias_audit.datasets.run import DatasetPlan, DatasetRun, data_digest, plan_datasets
from bias_audit.errors import UsageError
from bias_audit.metrics.design import comparisons
from bias_audit.metrics.registry import choose
from bias_audit.metrics.registry import names as optional_metrics
from bias_audit.metrics.scored_probe import Settings
from bias_audit.pipeline.assemble import Analysis, analyse_cached, plan_manifest
from bias_audit.pipeline.audit import evidence_bytes
from bias_audit.pipeline.plan import Plan, make_plan
from bias_audit.pipeline.repeats import RepeatCheck, check_repeats, repeat_requests
from bias_audit.pipeline.result_cache import ResultCache
from bias_audit.pipeline.score import ProgressListener, ScoredPlan, score_plan
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.probe import Probe
from bias_audit.probes.schema.probe import ProbeSpec
from bias_audit.records import LabelRequest, ModelInfo, SentenceRequest
from bias_audit.results import EVIDENCE_FILE, PAIR_SCORES_FILE
from bias_audit.results.run_record import SanityCheck
from bias_audit.utils.readings import READINGS


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one task adds to an audit."""

    digest: str
    """SHA-256 of the files that it was made from."""
    analysis: Analysis
    is_recalled: bool = False
    """Whether the analysis is that of an earlier run with the same scores."""
    manifest: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, Callable[[], bytes]] = field(default_factory=dict)
    """Further files of the run folder, by name; made when they are needed."""
    measured: ScoredPlan | None = None
    """Cell scores of probes."""
    requested: tuple[str, ...] = ()
    """Measures and checks that were asked for by name."""


class Task(Protocol):
    """One thing that a run measures."""

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages in which the model has to pass the sanity check."""

    def describe(self, settings: Settings, /) -> Iterator[str]:
        """Say what would be measured, line by line; loads no model."""

    @property
    def instruments(self) -> tuple[Probe, ...]:
        """Probes whose own plain sentences a text classifier has to label rightly."""

    def fit(self, backend: Backend, /) -> Task:
        """Return the task without what a model of this kind cannot be asked.

        Raises:
            UsageError: nothing is left.
        """

    def score(self, backend: Backend, settings: Settings, progress: ProgressListener | None) -> Any:
        """Ask the model; what fails is recorded and the rest goes on."""

    def repeat(self, model: OpenedModel, scores: Any, /) -> RepeatCheck:
        """Ask some of it again.

        Raises:
            UnsteadyModelError: the model does not repeat its answers.
        """

    def assemble(
        self, scores: Any, model: OpenedModel, settings: Settings, sanity: Sequence[SanityCheck], /
    ) -> Part:
        """Analyse the answers."""


def plan_tasks(
    catalogue: ProbeCatalogue,
    *,
    probes: Sequence[str] = (),
    exclude: Sequence[str] = (),
    data: Mapping[str, str | Path] | None = None,
    measures: Sequence[str] = (),
    checks: Sequence[str] = (),
    limit: int | None = None,
    examples: int = 0,
    max_seconds: float | None = None,
) -> list[Task]:
    """Return what a run measures, by the keywords of :func:`bias_audit.audit`; loads no model.

    Raises:
        BiasAuditError: a name or a file is wrong, or nothing is left.
    """
    tasks: list[Task] = []
    of_probes, of_data = _split_measures(measures, data or {}, has_probes=bool(probes))
    if probes or not data:
        names = catalogue.select(probes, exclude)
        plan = make_plan(catalogue, names, limit=limit, requests=choose(of_probes, checks))
        tasks.append(ProbeTask(plan=plan, max_seconds=max_seconds))
    if data:
        plans = plan_datasets(data, of_data, examples=examples, limit=limit)
        tasks.append(DatasetTask(plans=tuple(plans)))
    return tasks


def misfit(spec: ProbeSpec, info: ModelInfo) -> str:
    """Say why a model cannot be asked a probe; empty where it can."""
    if info.reading not in spec.readings:
        return f"it is read as {' or '.join(spec.readings)}, the model as {info.reading}"
    if spec.labels is not None:
        try:
            find_label(info.labels, LabelRequest(text="", names=spec.labels.plus.any))
        except RejectionError as error:
            return error.detail
    return ""


def _split_measures(
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
    optional = optional_metrics("measure")
    return (
        tuple(p for p in measures if p not in of_data or any(fnmatchcase(n, p) for n in optional)),
        of_data,
    )


@dataclass(frozen=True, kw_only=True)
class ProbeTask:
    """The probes of a plan with their controls."""

    plan: Plan
    max_seconds: float | None = None
    """Stop scoring after this time."""

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages of the probes."""
        return self.plan.languages

    def describe(self, _settings: Settings, /) -> Iterator[str]:
        """Count the prompts, and the comparisons that would be adjusted together."""
        for name, expansion in self.plan.expansions.items():
            yield f"{name:40} {len(expansion.all_prompts):>8,} prompts"
        further = self.plan.metrics.prompts
        for (probe, material), count in further.items():
            yield f"{f'{probe} + {material}':40} {count:>8,} prompts on request"
        for skip in self.plan.metrics.unsupported:
            yield f"{f'{skip.probe} + {skip.what}':40} {'not asked':>8}: {skip.detail}"
        for asked in (task.probe for task in self.plan.tasks if task.probe.spec.role == "probe"):
            number = 1 if asked.spec.targets.own else len(comparisons(asked))
            yield f"{asked.spec.id:40} {number:>8,} comparisons, one family (holm)"
        yield f"{'in all':40} {self.plan.prompts + sum(further.values()):>8,} prompts"

    @property
    def instruments(self) -> tuple[Probe, ...]:
        """Those with plain sentences."""
        return tuple(task.probe for task in self.plan.tasks if any(task.probe.instrument))

    def fit(self, backend: Backend, /) -> Task:
        """Leave out the probes of other readings, and those whose labels the model lacks.

        Of what is left, measures leave out what the model does not answer.
        """
        info = backend.info
        reasons = {task.probe.spec.id: misfit(task.probe.spec, info) for task in self.plan.tasks}
        unfit = {name: why for name, why in reasons.items() if why}
        if len(unfit) < len(reasons):
            plan = self.plan.without(unfit) if unfit else self.plan
            metrics = plan.metrics.answered_by(backend)
            return replace(self, plan=replace(plan, metrics=metrics).read_as(info.reading))
        name, why = next(iter(unfit.items()))
        raise UsageError(
            f"none of the probes can be asked of '{info.name}', for example {name}: {why}",
            hint=READINGS[info.reading].hint,
        )

    def score(
        self, backend: Backend, settings: Settings, progress: ProgressListener | None
    ) -> ScoredPlan:
        """Score every prompt of the plan."""
        return score_plan(self.plan, backend, settings, progress, max_seconds=self.max_seconds)

    def repeat(self, model: OpenedModel, scores: ScoredPlan, /) -> RepeatCheck:
        """Ask a sample of the prompts again."""
        return check_repeats(model, *repeat_requests(scores.answers()))

    def assemble(
        self,
        scores: ScoredPlan,
        model: OpenedModel,
        settings: Settings,
        sanity: Sequence[SanityCheck],
        /,
    ) -> Part:
        """Analyse the scores, or take what an earlier run made of the same ones."""
        stored = None
        if model.store is not None and model.cache is not None:
            stored = ResultCache(model.store, Analysis, fresh=model.cache.fresh)
        info = model.plain.info
        return Part(
            digest=self.plan.digest,
            analysis=analyse_cached(self.plan, info, scores, settings, sanity, stored),
            is_recalled=stored is not None and stored.hit,
            manifest=plan_manifest(self.plan),
            files={EVIDENCE_FILE: lambda: evidence_bytes(scores)},
            measured=scores,
            requested=self.plan.metrics.names,
        )


@dataclass(frozen=True, kw_only=True)
class DatasetTask:
    """The user's copies of published data sets: no gate and no finding, for the literature."""

    plans: tuple[DatasetPlan, ...]

    @property
    def languages(self) -> tuple[str, ...]:
        """English: all of them are."""
        return ("en",)

    def describe(self, _settings: Settings, /) -> Iterator[str]:
        """Count the records of every data set."""
        for plan in self.plans:
            rows = plan.dataset.summary().rows
            yield f"{plan.id:40} {rows:>8,} records; {', '.join(plan.measures)}"

    @property
    def instruments(self) -> tuple[Probe, ...]:
        """None."""
        return ()

    def fit(self, backend: Backend, /) -> Task:
        """Leave out nothing: a model that does not answer what a data set asks is refused."""
        for plan in self.plans:
            plan.check(backend)
        return self

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
        _sanity: Sequence[SanityCheck],
        /,
    ) -> Part:
        """Collect the records of all data sets."""
        return Part(
            digest=data_digest(self.plans),
            analysis=Analysis(
                partial=any(run.partial for run in scores),
                probes=tuple(run.record for run in scores),
                results=tuple(result for run in scores for result in run.results),
                skips=tuple(skip for run in scores for skip in run.skips),
                errors=tuple(run.error for run in scores if run.error is not None),
            ),
            manifest={"datasets": {plan.id: plan.manifest for plan in self.plans}},
            files={
                PAIR_SCORES_FILE: lambda: encode_rows(row for run in scores for row in run.rows)
            },
        )
