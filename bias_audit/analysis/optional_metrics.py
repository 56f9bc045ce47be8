"""Optional metrics from their names to results: what they fit, ask a model, and add."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bias_audit.analysis.analyse import Assessment
from bias_audit.analysis.multiple_testing import adjust_exploratory
from bias_audit.analysis.outcomes import failure, withhold
from bias_audit.backends.base import Backend, require_support, score_all
from bias_audit.errors import BiasAuditError, UsageError
from bias_audit.metrics.base import ExtraRequests, Metric, MetricOutput
from bias_audit.metrics.registry import OPTIONAL
from bias_audit.metrics.scored_probe import Responses, ScoredProbe, Settings
from bias_audit.probes.probe import Probe
from bias_audit.records import ProgressCallback, Prompt, Skip, SkipReason
from bias_audit.results import ProbeRecord, Result
from bias_audit.utils.readings import USUAL

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

    def without(self, names: Collection[str]) -> MetricPlan:
        """Return what is left without some probes."""
        return MetricPlan(
            by_probe={name: ids for name, ids in self.by_probe.items() if name not in names},
            unsupported=tuple(skip for skip in self.unsupported if skip.probe not in names),
            prompts={key: count for key, count in self.prompts.items() if key[0] not in names},
        )

    def answered_by(self, backend: Backend) -> MetricPlan:
        """Return what a backend can answer; the rest does not apply to its reading.

        Raises:
            UsageError: a masked language model, to which all of it applies, does not answer.
        """
        if backend.info.reading == USUAL:
            require_support(backend, [extra.needs for extra in self.extra])
        reasons = {name: why for name in self.names if (why := _why_mute(OPTIONAL[name], backend))}
        if not reasons:
            return self
        asked = {
            probe: tuple(name for name in names if name not in reasons)
            for probe, names in self.by_probe.items()
        }
        lost = [
            _skip(probe, name, "not_applicable", reasons[name])
            for probe, names in self.by_probe.items()
            for name in names
            if name in reasons
        ]
        answered = MetricPlan(by_probe={probe: names for probe, names in asked.items() if names})
        extra = {one.id for one in answered.extra}
        return replace(
            answered,
            unsupported=(*self.unsupported, *lost),
            prompts={key: count for key, count in self.prompts.items() if key[1] in extra},
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Return the ids of all that runs on some probe."""
        return tuple(dict.fromkeys(name for names in self.by_probe.values() for name in names))

    @property
    def extra(self) -> list[ExtraRequests]:
        """Return everything that a model has to answer in addition."""
        extra = (OPTIONAL[name].extra for name in self.names)
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
            reason = why_unsupported(metric, probe)
            if reason:
                reasons.append(reason)
                unsupported.append(_skip(probe_id, name, "not_applicable", reason))
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


def why_unsupported(metric: Metric, probe: Probe) -> str:
    """Say why a metric cannot be asked of a probe, and of the models that it is for."""
    if probe.spec.labels is not None and metric.extra is not None:
        return "read as label, a model gives no probability of words"
    return metric.unsupported(probe)


def _why_mute(metric: Metric, backend: Backend) -> str:
    """Say why a backend cannot be asked a metric; empty where it can."""
    reading = backend.info.reading
    if metric.extra is not None and metric.extra.needs not in backend.supports:
        return f"read as {reading}, a model does not answer what it asks"
    return metric.misfit(reading)


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
            skips.append(_skip(name, metric, "limit", "the time was up"))
            continue
        listen = _listener(f"{name}: {extra.id}", progress)
        try:
            responses[extra.id] = _responses(extra, scored, backend, settings, listen)
        except (BiasAuditError, RuntimeError, ValueError, MemoryError) as error:
            skips.append(_skip(name, metric, "error", _message(error)))
    return replace(scored, responses=responses), tuple(skips)


def _responses(
    extra: ExtraRequests,
    scored: ScoredProbe,
    backend: Backend,
    settings: Settings,
    progress: ProgressCallback | None,
) -> Responses:
    requests = extra.requests(scored, settings)
    answers = tuple(score_all(backend, requests, progress=progress))
    further = extra.follow_up(scored, answers) if extra.follow_up else ()
    return Responses(
        requests=tuple(requests),
        answers=answers,
        follow_up=tuple(score_all(backend, further, progress=progress)),
    )


def _listener(name: str, progress: ProgressListener | None) -> ProgressCallback | None:
    return None if progress is None else (lambda done, total: progress(name, done, total))


def _message(error: Exception) -> str:
    return str(getattr(error, "message", error)) or repr(error)


def _skip(probe: str, metric: str, reason: SkipReason, detail: str) -> Skip:
    return Skip(probe=probe, kind="measure", what=metric, reason=reason, detail=detail)


def add_optional(
    assessment: Assessment,
    plan: MetricPlan,
    scored: Mapping[str, ScoredProbe],
    settings: Settings,
) -> tuple[Assessment, tuple[Skip, ...]]:
    """Return the assessment with what was requested, and what was lost of that.

    Such results are exploratory: a family of their own for each probe, so that they change no other
    p-value. A check that does not hold adds a notice to the primary result that it is about.
    """
    outputs: list[MetricOutput] = []
    skips = [*plan.unsupported]
    for name, metrics in plan.by_probe.items():
        for metric in metrics if name in scored else ():
            output, lost = _measure(metric, scored[name], settings)
            outputs.append(output)
            skips += lost
    primary: dict[str, list[Result]] = {}
    for result in assessment.results:
        if result.role == "primary":
            primary.setdefault(result.probe, []).append(result)
    results = [
        withhold(result, failure(primary.get(result.probe, ())))
        for output in outputs
        for result in output.results
    ]
    known = _with_checks(assessment.results, outputs)
    probes = tuple(_with_statuses(probe, known) for probe in assessment.probes)
    results = [*known, *_adjust(results, settings)]
    return Assessment(probes=probes, results=tuple(results)), tuple(skips)


def _measure(
    name: str, scored: ScoredProbe, settings: Settings
) -> tuple[MetricOutput, tuple[Skip, ...]]:
    """One metric of one probe; nothing where its questions were not answered."""
    metric = OPTIONAL[name]
    answered = metric.extra is None or metric.extra.id in scored.responses
    if metric.measure is None or not answered:
        return MetricOutput(), ()
    try:
        output = metric.measure(scored, settings)
    except (BiasAuditError, ValueError) as error:
        return MetricOutput(), (_skip(scored.probe.spec.id, name, "error", _message(error)),)
    return output, output.skips


def _with_checks(results: Sequence[Result], outputs: Sequence[MetricOutput]) -> tuple[Result, ...]:
    """The results with the checks that were made of them, and their consequences."""
    checked = []
    for result in results:
        checks = [output.checks[result.id] for output in outputs if result.id in output.checks]
        if checks and result.role == "primary":
            codes = [c.consequence for c in checks if c.state == "not_held" and c.consequence]
            statuses = (*result.statuses, *codes)
            update = {"checks": (*result.checks, *checks), "statuses": statuses}
            checked.append(result.model_copy(update=update))
        else:
            checked.append(result)
    return tuple(checked)


def _with_statuses(probe: ProbeRecord, results: Sequence[Result]) -> ProbeRecord:
    """A probe collects the statuses of its primary results."""
    own = [s for r in results if r.probe == probe.id and r.role == "primary" for s in r.statuses]
    statuses = tuple(dict.fromkeys((*probe.statuses, *own)))
    return probe.model_copy(update={"statuses": statuses})


def _adjust(results: Sequence[Result], settings: Settings) -> list[Result]:
    """What was requested of one probe is one exploratory family."""
    adjusted: dict[str, Result] = {}
    for probe in dict.fromkeys(result.probe for result in results):
        family = [result for result in results if result.probe == probe]
        adjust_exploratory([family], settings)
        adjusted |= {result.id: result for result in family}
    return [adjusted[result.id] for result in results]
