"""What a run measures: a list of tasks, each the probes of a plan or the copies of data sets.

``pipeline.run.audit`` asks every task the same questions in the same order and joins their parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from bias_audit.analysis.optional_metrics import require_answers
from bias_audit.backends import Backend
from bias_audit.backends.cache import OpenedModel
from bias_audit.metrics.scored_probe import Settings
from bias_audit.pipeline.assemble import build_results_cached, plan_manifest
from bias_audit.pipeline.audit import EVIDENCE, evidence_bytes
from bias_audit.pipeline.model_checks import RepeatCheck, check_repeats, repeat_requests
from bias_audit.pipeline.plan import Plan
from bias_audit.pipeline.result_cache import ResultCache
from bias_audit.pipeline.score import Measured, measure
from bias_audit.results.decisions import Finding
from bias_audit.results.schema import ErrorRecord, ProbeRecord, Result, SanityCheck, SkipRecord

ProgressListener = Callable[[str, int, int], None]
"""Called with (what is scored, rows done, rows in all)."""
S = TypeVar("S")


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one task adds to an audit."""

    digest: str
    """SHA-256 of the files that it was made from."""
    is_partial: bool
    probes: tuple[ProbeRecord, ...]
    results: tuple[Result, ...]
    is_recalled: bool = False
    """Whether the results are those of an earlier run with the same scores."""
    findings: tuple[Finding, ...] = ()
    skips: tuple[SkipRecord, ...] = ()
    errors: tuple[ErrorRecord, ...] = ()
    manifest: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, Callable[[], bytes]] = field(default_factory=dict)
    """Further files of the run folder, by name; made when they are needed."""
    measured: Measured | None = None
    """Cell scores of probes."""


class Task(Protocol, Generic[S]):
    """One thing that a run measures; ``S`` is what the model's answers are held in."""

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages in which the model has to pass the sanity check."""

    def check(self, backend: Backend) -> None:
        """Refuse a backend that cannot answer.

        Raises:
            UsageError: it cannot.
        """

    def score(self, backend: Backend, settings: Settings, progress: ProgressListener | None) -> S:
        """Ask the model; what fails is recorded and the rest goes on."""

    def repeat(self, model: OpenedModel, scores: S, /) -> RepeatCheck:
        """Ask some of it again.

        Raises:
            UnsteadyModelError: the model does not repeat its answers.
        """

    def assemble(
        self, scores: S, model: OpenedModel, settings: Settings, sanity: tuple[SanityCheck, ...], /
    ) -> Part:
        """Analyse the answers."""


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

    def check(self, backend: Backend) -> None:
        """Refuse a backend that cannot answer the optional metrics."""
        require_answers(backend, self.plan.metrics)

    def score(
        self, backend: Backend, settings: Settings, progress: ProgressListener | None
    ) -> Measured:
        """Score every prompt of the plan."""
        return measure(
            self.plan,
            backend,
            progress=progress,
            max_seconds=self.max_seconds,
            settings=settings,
        )

    def repeat(self, model: OpenedModel, scores: Measured, /) -> RepeatCheck:
        """Ask a sample of the prompts again."""
        return check_repeats(model, *repeat_requests(scores.answers()))

    def assemble(
        self,
        scores: Measured,
        model: OpenedModel,
        settings: Settings,
        sanity: tuple[SanityCheck, ...],
        /,
    ) -> Part:
        """Analyse the scores, or take what an earlier run made of the same ones."""
        stored = None
        if model.store is not None and model.cache is not None:
            stored = ResultCache(model.store, fresh=model.cache.fresh)
        results = build_results_cached(
            self.plan, model.plain.info, scores, settings, sanity, stored
        )
        return Part(
            digest=self.plan.digest,
            is_partial=results.run.partial,
            is_recalled=stored is not None and stored.hit,
            probes=results.probes,
            results=results.results,
            findings=results.findings,
            skips=results.skips,
            errors=results.errors,
            manifest=plan_manifest(self.plan),
            files={EVIDENCE: lambda: evidence_bytes(scores)},
            measured=scores,
        )
