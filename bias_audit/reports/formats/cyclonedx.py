"""CycloneDX 1.7: an ML-BOM with the audited model, its files, its model card, and what was asked.

Every comparison is a metric and an assessment of the card. One that is not measurable has its
reason in place of a number, and gates, waivers, crashes and a cut are said again as properties.
Plain JSON: the format is small and its own library would be one more thing to install.
"""

from __future__ import annotations

import datetime
import hashlib
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote

from bias_audit.reports import ci
from bias_audit.reports import wording as words
from bias_audit.reports.formats import Format
from bias_audit.reports.formats.model_card import model_name
from bias_audit.reports.text import tidy
from bias_audit.reports.view.build import CANNOT
from bias_audit.reports.view.cautions import find_control, marks
from bias_audit.reports.view.index import OTHERS, Index
from bias_audit.reports.view.measures import AXIS
from bias_audit.reports.view.verdict import waiver_text
from bias_audit.results import ProbeRecord, Result, Results, WaiverRecord, dump_json, results_text
from bias_audit.results.codes import describe
from bias_audit.utils.readings import READINGS

SCHEMA = "http://cyclonedx.org/schema/bom-1.7.schema.json"
PREFIX = "bias-audit:"
"""Before the name of every property that is ours."""
_NOT_MEASURED = "not measurable"
_CUT = "The run was cut short by a limit of sentences or time: nothing is decided."
_SHA256 = re.compile("[0-9a-f]{64}")
Json = dict[str, object]


def render(results: Results) -> str:
    """Return the file; its serial number is made of the results."""
    index = Index(tidy(results))
    digest = hashlib.sha256(results_text(results).encode()).hexdigest()
    serial = uuid.uuid5(uuid.NAMESPACE_URL, f"bias-audit:{digest}")
    bom: Json = {
        "$schema": SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": "1.7",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": _metadata(index, digest),
        "components": [_model(index), *(_probe(probe) for probe in index.audit.probes)],
        "dependencies": [{"ref": "model"}],
    }
    if index.audit.run.partial or index.audit.errors:
        bom["compositions"] = [{"aggregate": "incomplete", "assemblies": ["model"]}]
    return dump_json(bom)


def _property(name: str, value: object) -> Json:
    return {"name": PREFIX + name, "value": ci.fact_text(value)}


def _properties(values: Mapping[str, object]) -> list[Json]:
    """Properties in their order; what has no value is left out."""
    return [_property(name, value) for name, value in values.items() if value not in (None, "")]


def _metadata(index: Index, digest: str) -> Json:
    audit = index.audit
    values = {
        f"run:{name}": getattr(audit.run, name)
        for name in ("title", "owner", "purpose", "seed", "config_digest", "catalogue_digest")
    }
    values |= {"gates:config_digest": audit.limits_digest}
    values |= {"run:partial": audit.run.partial, "run:exit_code": audit.exit_code}
    values |= {f"outcomes:{name}": number for name, number in audit.outcomes.items()}
    values |= {f"gates:{name}": number for name, number in audit.states.items()}
    tool = {"type": "application", "name": audit.tool.name, "version": audit.tool.version}
    metadata: Json = {
        "tools": {"components": [tool]},
        "properties": _properties({"results:sha256": digest} | values),
    }
    if audit.run.created and (when := _moment(audit.run.created)):
        metadata = {"timestamp": when} | metadata
    return metadata


def _moment(text: str) -> str:
    """A moment as the format wants it: the start of the run; empty where it is none."""
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        return ""
    return moment.isoformat() if moment.tzinfo else ""


def _model(index: Index) -> Json:
    model = index.audit.model
    name = model_name(model.name)
    component: Json = {"type": "machine-learning-model", "bom-ref": "model", "name": name}
    if model.revision:
        component["version"] = model.revision
        if re.fullmatch(r"[\w.-]+/[\w.-]+", name):
            component["purl"] = f"pkg:huggingface/{quote(name)}@{quote(model.revision, safe='')}"
    files = {n: digest for n, digest in model.files.items() if _SHA256.fullmatch(digest)}
    if files:
        component["components"] = [
            {
                "type": "file",
                "bom-ref": f"model:{file}",
                "name": file,
                "hashes": [{"alg": "SHA-256", "content": digest}],
            }
            for file, digest in sorted(files.items())
        ]
    component["modelCard"] = _card(index)
    names = (
        "kind", "reading", "fingerprint", "tokenizer_digest", "vocabulary_size", "parameters",
        "dtype", "device",
    )  # fmt: skip
    component["properties"] = _properties({f"model:{n}": getattr(model, n) for n in names})
    return component


def _probe(probe: ProbeRecord) -> Json:
    """One probe, control or published data set, as a component of data."""
    values = {
        "probe:digest": probe.digest,
        "probe:axis": probe.axis,
        "probe:role": probe.role,
        "probe:state": probe.state,
        "probe:works": probe.works,
        "probe:language": probe.language,
        "probe:prompts": probe.prompts,
        "probe:statuses": " ".join(probe.statuses),
        "probe:reason": probe.reason,
        "probe:source": probe.card.source if probe.card else "",
    }
    return {
        "type": "data",
        "bom-ref": _probe_ref(probe),
        "name": probe.id,
        "version": str(probe.version),
        "description": probe.question or probe.title,
        "data": [{"type": "dataset", "name": probe.title or probe.id}],
        "properties": _properties(values),
    }


def _probe_ref(probe: ProbeRecord) -> str:
    return f"probe:{probe.id}"


def _card(index: Index) -> Json:
    audit = index.audit
    asked = [probe for probe in audit.probes if probe.state == "measured"]
    parameters: Json = {"task": READINGS[audit.model.reading].task}
    if audit.model.architecture:
        parameters["modelArchitecture"] = audit.model.architecture
    parameters["datasets"] = [{"ref": _probe_ref(probe)} for probe in asked]
    compared = [result for result in audit.results if _stands_alone(index, result)]
    return {
        "modelParameters": parameters,
        "quantitativeAnalysis": {"performanceMetrics": [_metric(one) for one in compared]},
        "considerations": {
            "technicalLimitations": list(dict.fromkeys(_limitations(index))),
            "ethicalConsiderations": list(_risks(index)),
            "fairnessAssessments": [_assessment(index, one) for one in compared if one.outcome],
        },
        "properties": list(_facts(index, compared)),
    }


def _stands_alone(index: Index, result: Result) -> bool:
    """Whether it is a comparison with an outcome, or a number of a published data set."""
    probe = index.probes.get(result.probe)
    published = probe is not None and probe.axis == AXIS and result.role != "control"
    return result.role == "primary" or result.outcome is not None or published


def _metric(result: Result) -> Json:
    """A number with its interval; a reason where there is none to read."""
    if result.estimate is None or result.outcome == "not_measurable":
        return {"type": result.metric, "value": _why(result), "slice": result.id}
    metric: Json = {
        "type": result.metric,
        "value": ci.fact_text(result.estimate),
        "slice": result.id,
    }
    if result.ci_low is not None and result.ci_high is not None:
        metric["confidenceInterval"] = {
            "lowerBound": ci.fact_text(result.ci_low),
            "upperBound": ci.fact_text(result.ci_high),
        }
    return metric


def _why(result: Result) -> str:
    return f"{_NOT_MEASURED}: {result.reason or 'no reason was recorded'}"


def _assessment(index: Index, result: Result) -> Json:
    """What one comparison says, with the harm that the probe has in view."""
    probe = index.probes.get(result.probe)
    labels = zip(result.groups, index.labels(result), strict=False)
    harms = (
        f"{words.heading(result.outcome or 'open')}.",
        words.sentence(result.statement or result.reason),
        f"Harm in view: {words.sentence(probe.card.harm)}" if probe and probe.card else "",
    )
    assessment: Json = {
        "groupAtRisk": "; ".join(label for group, label in labels if group != OTHERS),
        "harms": " ".join(filter(None, harms)),
    }
    waivers = _waivers(index, result.id)
    if waivers:
        assessment["mitigationStrategy"] = _exceptions(waivers, result.unit)
    return assessment


def _waivers(index: Index, result: str) -> list[WaiverRecord]:
    """Waivers, void ones too, that name a gate on a result."""
    gates = {gate.id for gate in index.audit.gates if gate.result == result}
    return [waiver for waiver in index.audit.waivers if gates & set(waiver.gates)]


def _exceptions(waivers: Iterable[WaiverRecord], unit: str) -> str:
    """Who accepted a failure, each waiver with what became of it."""
    return " ".join(
        f"Waiver of {one.finding}, {words.WAIVER_STATUS[one.status]}: {waiver_text(one, unit)}"
        f" {words.sentence(one.detail)}".rstrip()
        for one in waivers
    )


def _limitations(index: Index) -> Iterator[str]:
    """What limits every number of the run, then what limits some of them."""
    audit = index.audit
    if audit.run.partial:
        yield _CUT
    yield CANNOT.replace("It ", "The audit ", 1)
    if left := words.not_asked(audit):
        yield left
    yield from (words.sentence(notice) for notice in (*audit.model.notices, *audit.run.notices))
    for check in (audit.sanity, *audit.further_sanity):
        if check is not None and not check.passed:
            yield f"Sanity check ({check.language}): {words.sentence(check.detail)}"
    for error in audit.errors:
        yield f"{error.probe or 'The run'} did not run: {error.type}: {error.message}"
    for probe in audit.probes:
        if probe.state != "measured":
            why = probe.reason or "no reason was recorded"
            yield f"{probe.id} was not measured ({probe.state}): {why}"
        elif probe.works is False:
            yield f"The control {probe.id} does not work: {probe.reason}"
        elif probe.card is not None and probe.card.limits:
            yield f"{probe.id}: {words.sentence(probe.card.limits)}"
    for result in audit.results:
        if result.outcome == "not_measurable":
            yield f"{result.id} is {_why(result)}"
    lost = sum(skip.count for skip in audit.skips)
    if lost:
        yield f"{lost:,} sentences or words could not be scored; results.json says which and why."


def _risks(index: Index) -> Iterator[Json]:
    """Gates that do not pass, then associations that no gate judges."""
    judged = set()
    for entry in ci.worst_first(ci.entries(index.audit)):
        if entry.level == "none" or entry.gate is None:
            continue
        judged.add(entry.gate.result)
        risk: Json = {"name": f"{entry.prefix}{entry.message}"}
        if entry.waivers:
            risk["mitigationStrategy"] = _exceptions(entry.waivers, entry.gate.unit)
        yield risk
    for finding in index.audit.findings:
        if finding.result not in judged:
            yield {"name": f"{finding.headline} {finding.detail}".strip()}


def _facts(index: Index, compared: list[Result]) -> Iterator[Json]:
    """All of the card for programs: measures, comparisons, gates, waivers, floor."""
    audit = index.audit
    used = {result.metric for result in compared}
    for metric in audit.metrics:
        if metric.id in used:
            neutral = "" if metric.neutral is None else f"; no difference is {metric.neutral:g}"
            text = f"{metric.name}, {metric.unit}{neutral}; {metric.direction}"
            yield _property(f"metric:{metric.id}", text)
    for result in compared:
        if result.outcome:
            bounds = f" ({words.ladder(result)})" if words.ladder(result) else ""
            yield _property(f"outcome:{result.id}", f"{result.outcome}{bounds}")
        if control := find_control(index, result):
            yield _property(f"control:{result.id}", words.size_of(control.own))
        if shown := marks(index, result):
            said = "; ".join(f"{mark} {words.MARKS[mark]}" for mark in shown)
            yield _property(f"marks:{result.id}", said)
        notices = " ".join(map(describe, result.statuses))
        if notices:
            yield _property(f"notices:{result.id}", notices)
    for gate in audit.gates:
        yield _property(f"gate:{gate.id}", f"{gate.state}: {gate.condition}; {gate.reason}")
    for waiver in audit.waivers:
        yield _property(f"waiver:{waiver.finding}", _exceptions([waiver], index.unit))
    if audit.floor is not None:
        yield _property("floor", words.floor(audit.floor, index.unit))


FORMATS = (Format("cyclonedx", render, "bom.cdx.json"),)
