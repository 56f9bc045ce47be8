"""Optional metrics from their names to answers: which probes they fit, what they ask a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bias_audit.backends.base import Backend
from bias_audit.errors import BiasAuditError, UsageError
from bias_audit.metrics import questions
from bias_audit.metrics.base import ExtraRequests
from bias_audit.metrics.registry import OPTIONAL
from bias_audit.metrics.scored_probe import Responses, ScoredProbe, Settings
from bias_audit.probes.probe import Probe
from bias_audit.records import ProgressCallback, Prompt, Skip, SkipReason

ProgressListener = Callable[[str, int, int], None]


@dataclass(frozen=True, kw_only=True)
class MetricPlan:
    """Which optional metrics run on which probe."""

    by_probe: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Ids of the metrics that fit a probe, by its id."""
    unsupported: tuple[Skip, ...] = ()
    """Those that do not, with the reason."""
    prompts: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Number of further prompts, by probe and id of the questions."""

    @property
    def extra(self) -> list[ExtraRequests]:
        """Return everything that a model has to answer in addition."""
        chosen = dict.fromkeys(name for names in self.by_probe.values() for name in names)
        extra = (OPTIONAL[name].extra for name in chosen)
        return list({one.id: one for one in extra if one}.values())


def plan_metrics(
    names: Sequence[str], probes: Mapping[str, Probe], prompts: Mapping[str, Sequence[Prompt]]
) -> MetricPlan:
    """Say which of the probes each optional metric fits.

    Args:
        names: ids of optional metrics.
        probes: the probes of the audit by id, controls left out.
        prompts: their prompts, by id.

    Raises:
        UsageError: a metric fits none of the probes.
    """
    fitting: dict[str, list[str]] = {}
    counts: dict[tuple[str, str], int] = {}
    unsupported: list[Skip] = []
    for name in names:
        metric, reasons = OPTIONAL[name], []
        for probe_id, probe in probes.items():
            reason = metric.unsupported(probe)
            if reason:
                reasons.append(reason)
                unsupported.append(metric_skip(probe_id, name, "not_applicable", reason))
                continue
            fitting.setdefault(probe_id, []).append(name)
            if metric.extra is not None:
                size = metric.extra.count(probe, prompts[probe_id])
                counts[probe_id, metric.extra.id] = size
        if len(reasons) == len(probes):
            raise UsageError(
                f"the {metric.kind} '{name}' fits none of the probes: {reasons[0]}",
                hint=f"see 'bias-audit explain {name}'",
            )
    by_probe = {name: tuple(fitting[name]) for name in probes if name in fitting}
    return MetricPlan(by_probe=by_probe, unsupported=tuple(unsupported), prompts=counts)


def require_answers(backend: Backend, plan: MetricPlan) -> None:
    """Check that a backend can answer what optional metrics ask, before anything is scored.

    Raises:
        UsageError: it cannot.
    """
    questions.require(backend, [extra.needs for extra in plan.extra])


def ask_extra(
    plan: MetricPlan,
    scored: ScoredProbe,
    backend: Backend,
    settings: Settings,
    *,
    progress: ProgressListener | None = None,
    late: bool = False,
) -> tuple[ScoredProbe, tuple[Skip, ...]]:
    """Put the further questions about one probe.

    Args:
        plan: which metrics run.
        scored: the probe.
        backend: the model.
        settings: choices of the analysis.
        progress: called with the kind of question, answers so far and in all.
        late: whether the time is up, so that nothing is asked.

    Returns:
        The probe with its responses, and what failed.
    """
    name = scored.probe.spec.id
    responses = dict(scored.responses)
    skips: list[Skip] = []
    for metric in plan.by_probe.get(name, ()):
        extra = OPTIONAL[metric].extra
        if extra is None or extra.id in responses:
            continue
        if late:
            skips.append(metric_skip(name, metric, "limit", "the time was up"))
            continue
        listen = _listener(f"{name}: {extra.id}", progress)
        try:
            responses[extra.id] = _responses(extra, scored, backend, settings, listen)
        except (BiasAuditError, RuntimeError, ValueError, MemoryError) as error:
            skips.append(metric_skip(name, metric, "error", message_of(error)))
    return replace(scored, responses=responses), tuple(skips)


def _responses(
    extra: ExtraRequests,
    scored: ScoredProbe,
    backend: Backend,
    settings: Settings,
    progress: ProgressCallback | None,
) -> Responses:
    asked = extra.requests(scored, settings)
    answers = questions.ask(backend, asked, progress)
    further = extra.follow_up(scored, answers) if extra.follow_up else ()
    return Responses(
        requests=tuple(asked),
        answers=answers,
        follow_up=questions.ask(backend, further, progress),
    )


def _listener(name: str, progress: ProgressListener | None) -> ProgressCallback | None:
    return None if progress is None else (lambda done, total: progress(name, done, total))


def message_of(error: Exception) -> str:
    """Return what an error says."""
    return str(getattr(error, "message", error)) or repr(error)


def metric_skip(probe: str, metric: str, reason: SkipReason, detail: str) -> Skip:
    """Return the record of a metric that a probe does not get."""
    return Skip(probe=probe, kind="measure", what=metric, reason=reason, detail=detail)
