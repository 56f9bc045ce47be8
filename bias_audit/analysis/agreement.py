"""Whether the records of a stored run agree: what two of them say, and what follows from others.

Scores are looked at in :mod:`bias_audit.analysis.recompute`; here nothing is computed from them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import cast

from bias_audit.analysis.change import SCOPES
from bias_audit.analysis.compare_runs import METRICS
from bias_audit.analysis.completions import find_contrary
from bias_audit.analysis.findings import detail_of, evidence, headline, name_model, notices_of
from bias_audit.analysis.recompute import SPLIT
from bias_audit.analysis.statements import size_word
from bias_audit.gates.checks import judge_again
from bias_audit.gates.judge import count_outcomes
from bias_audit.metrics.base import T_TEST, names_of_groups, versus
from bias_audit.metrics.registry import metric_records
from bias_audit.results import (
    Finding,
    MetricRecord,
    ProbeRecord,
    Record,
    Result,
    Results,
    SanityCheck,
    finding_id,
)
from bias_audit.utils.readings import Reading
from bias_audit.utils.scales import gap_scale

_OF_RESULT = (
    "id", "probe", "estimate", "unit", "ci_low", "ci_high", "ci90_low", "ci90_high", "condition",
    "notices", "templates_needed", "terms_needed", "targets_needed", "baseline_value", "rise",
    "rise_low", "rise_high",
)  # fmt: skip
"""Fields of a gate that follow from its result, its limit and its baseline."""
_VERDICT = ("reason_code", "reason")
"""The same, where no waiver covers them."""


def disagreements(results: Results, *, same_program: bool) -> Iterator[str]:
    """Yield every field that other records of the run contradict.

    Args:
        results: of the run.
        same_program: it was made by this program, so that its texts are known.
    """
    probes = {probe.id: probe for probe in results.probes}
    for probe in results.probes:
        yield from _probe(probe, results)
    frames: dict[tuple[str, str], str] = {}
    for result in results.results:
        if result.probe in probes:
            yield from _result(result, probes[result.probe], results)
        for effect in result.by_template:
            own = frames.setdefault((result.probe, effect.id), effect.text)
            yield from _unless(f"{result.id}: frame {effect.id}", effect.text, own)
    if same_program:
        yield from _measures(results)
    yield from _findings(results, probes)
    yield from _gates(results)
    if results.sanity is not None:
        yield from _instrument(results.sanity)


def _unless(what: str, stored: object, own: object) -> Iterator[str]:
    if stored != own:
        yield f"{what} is {stored!r}, by the other records {own!r}"


def _fields(where: str, stored: Record, own: Record, names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        yield from _unless(f"{where}: {name}", getattr(stored, name), getattr(own, name))


def _probe(probe: ProbeRecord, results: Results) -> Iterator[str]:
    """Its outcomes and its controls are those of the results."""
    mine = [result for result in results.results if result.probe == probe.id]
    if probe.outcomes:
        counts = {name: n for name, n in count_outcomes(mine).items() if n}
        stored = {name: n for name, n in probe.outcomes.items() if n}
        yield from _unless(f"{probe.id}: outcomes", stored, counts)
    known = {result.id for result in results.results}
    for name in probe.controls:
        if name not in known:
            yield f"{probe.id}: the control '{name}' is no result"
    works = [result.works for result in mine if result.works is not None]
    if probe.works is not None and works and probe.state == "measured":
        yield from _unless(f"{probe.id}: works", probe.works, all(works))


def _result(result: Result, probe: ProbeRecord, results: Results) -> Iterator[str]:
    """Names of a comparison: its id, its axis, its groups, its words."""
    parts = result.id.removeprefix(result.probe).removeprefix(SPLIT).split(":")
    about = [versus(*result.groups)] if result.metric in METRICS else parts[2:]
    if not result.id.startswith(result.probe) or parts != ["", result.metric, *about]:
        yield f"{result.id}: its probe is '{result.probe}' and its measure '{result.metric}'"
    yield from _unless(f"{result.id}: axis", result.axis, probe.axis)
    groups = (*probe.groups, *probe.extra_groups)
    names = names_of_groups({group.id: group.label for group in groups})
    for group, label in zip(result.groups, result.group_labels, strict=True):
        yield from _unless(f"{result.id}: the name of {group}", label, names.get(group, label))
    words = {target.id: target for target in probe.targets}
    for effect in result.by_target:
        if effect.id in words:
            own = words[effect.id].text
            yield from _unless(f"{result.id}: word {effect.id}", effect.text, own)
    poles = {target.id: target.pole for target in result.by_target or probe.targets}
    for sentence in result.sentences:
        if sentence.target in poles:
            yield from _unless(
                f"{result.id}: the pole of '{sentence.word}'", sentence.pole, poles[sentence.target]
            )
    if result.role == "primary":
        other = find_contrary(result, results.results) if result.outcome == "small" else None
        yield from _unless(f"{result.id}: contrary", result.contrary, other.id if other else "")
    if result.metric in METRICS:
        own = T_TEST if result.words_of_this_kind else ""
        yield from _unless(f"{result.id}: p_method", result.p_method, own)
        if result.scope not in SCOPES:
            yield f"{result.id}: its scope is '{result.scope}', which is none"
    if result.metric in METRICS and not result.outcome:
        for name in ("leans", "pole", "statement"):
            yield from _unless(f"{result.id}: {name}, unjudged,", getattr(result, name), "")


def _measures(results: Results) -> Iterator[str]:
    """What measures are called, their unit, and what a larger value means."""
    own = {
        one.id: one
        for one in metric_records(results.results, cast("Reading", results.model.reading))
    }
    stored = {one.id: one for one in results.metrics}
    for name in (*own, *(set(stored) - set(own))):
        if name not in stored:
            yield f"metrics: '{name}' is missing"
        elif name not in own:
            yield f"metrics: '{name}' is in no result"
        else:
            names = tuple(MetricRecord.model_fields)
            yield from _fields(f"metrics: {name}", stored[name], own[name], names)
    for result in results.results:
        measure = own.get(result.metric)
        if measure is not None:
            for name, text in (("metric_name", measure.name), ("direction", measure.direction),
                               ("unit", measure.unit)):  # fmt: skip
                yield from _unless(f"{result.id}: {name}", getattr(result, name), text)


def _findings(results: Results, probes: Mapping[str, ProbeRecord]) -> Iterator[str]:
    """Every association is a finding, with the size and the words of its result."""
    associations = {r.id: r for r in results.results if r.outcome == "association"}
    counts = Counter(finding.result for finding in results.findings)
    for name in sorted({*associations, *counts}):
        if name not in associations or counts[name] != 1:
            why = "an association without a finding" if name in associations else "no association"
            why = "an association of two findings" if counts[name] > 1 else why
            yield f"{name}: findings and outcomes disagree, it is {why}"
    for finding in results.findings:
        result = associations.get(finding.result)
        if result is not None and result.probe in probes:
            yield from _finding(finding, result, probes[result.probe], results)


def _finding(
    finding: Finding, result: Result, probe: ProbeRecord, results: Results
) -> Iterator[str]:
    model = results.model
    own: dict[str, object] = {
        "id": finding_id(result.id, model.reading),
        "probe": result.probe,
        "axis": result.axis,
        "size": size_word(result.estimate or 0.0, gap_scale(result.unit)),
        "evidence": evidence(result),
        "detail": detail_of(result),
        "notices": notices_of(result),
        "headline": headline(name_model(model.name, model.revision), result, probe, model.reading),
    }
    if result.sentences:
        own["sentences"] = result.sentences
    if any(getattr(finding, name) != value for name, value in own.items()):
        yield f"{finding.id}: what it says is not what {result.id} has"


def _gates(results: Results) -> Iterator[str]:
    """What a gate says is what its result gives by the limit in its record."""
    for gate, own in judge_again(results):
        where, state = f"gate {gate.id}", gate.state_before_waiver or gate.state
        if own.state != state:
            yield f"{where}: its state is '{state}', by the results '{own.state}'"
            continue
        names = _OF_RESULT if gate.state == "waived" else (*_OF_RESULT, *_VERDICT)
        yield from _fields(where, gate, own, names)


def _instrument(sanity: SanityCheck) -> Iterator[str]:
    """Whether the check of the model was passed, by its numbers."""
    own = sanity.cloze_hits >= sanity.cloze_needed
    if sanity.perplexity_of in ("piece", "byte"):
        value = sanity.pseudo_perplexity
        own &= value is not None and value < sanity.perplexity_limit
    if sanity.passed and not own:
        yield "sanity: it was passed, by its numbers it was not"
    if not sanity.passed and not sanity.detail:
        yield "sanity: it was not passed, and there is no reason"
    if sanity.cloze_hits > sanity.cloze_asked:
        yield f"sanity: {sanity.cloze_hits} of {sanity.cloze_asked} questions were answered"
