"""Adds what was requested by name to an assessment: optional metrics, and checks of its results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bias_audit.analysis.analyse import Assessment
from bias_audit.analysis.instrument import failure, withhold
from bias_audit.analysis.multiple_testing import adjust_exploratory
from bias_audit.errors import BiasAuditError
from bias_audit.metrics.base import MetricOutput
from bias_audit.metrics.plan import MetricPlan, message_of, metric_skip
from bias_audit.metrics.registry import OPTIONAL
from bias_audit.metrics.scored_probe import ScoredProbe, Settings
from bias_audit.records import Skip
from bias_audit.results import ProbeRecord, Result


def add_optional(
    assessment: Assessment,
    plan: MetricPlan,
    scored: Mapping[str, ScoredProbe],
    settings: Settings,
) -> tuple[Assessment, tuple[Skip, ...]]:
    """Return the assessment with what was requested, and what was lost of that.

    Such results are exploratory: a family of their own on each axis, so that they change no other
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
    results = [*known, *_adjusted(results, settings)]
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
        return MetricOutput(), (
            metric_skip(scored.probe.spec.id, name, "error", message_of(error)),
        )
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


def _adjusted(results: Sequence[Result], settings: Settings) -> list[Result]:
    """What was requested on one axis is one exploratory family."""
    adjusted: dict[str, Result] = {}
    for axis in dict.fromkeys(result.axis for result in results):
        family = [result for result in results if result.axis == axis]
        adjust_exploratory([family], settings)
        adjusted |= {result.id: result for result in family}
    return [adjusted[result.id] for result in results]
