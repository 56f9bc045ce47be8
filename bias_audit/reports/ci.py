"""What continuous integration shows: one entry per gate, per crash, per waiver that is void.

JUnit, SARIF, GitHub, GitLab and the CSV of gates print these entries, so that they agree on what is
an error, where it stands and which entry of yesterday it is.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from bias_audit.reports import wording as words
from bias_audit.reports.text import clean, tidy
from bias_audit.reports.view.index import Index
from bias_audit.reports.view.verdict import SEVERITY, gate_line, pairs, waiver_text
from bias_audit.results import (
    Finding,
    Gate,
    ProbeRecord,
    Result,
    Results,
    Sentence,
    State,
    WaiverRecord,
)
from bias_audit.results.codes import MISSING_BASELINE

Level = Literal["error", "warning", "note", "none"]
"""``error`` stops a build, ``warning`` wants a look, ``note`` informs, ``none`` is a pass."""
LEVELS: tuple[Level, ...] = ("error", "warning", "note", "none")

RUN, WAIVERS = "run", "waivers"
RESULTS_FILE = "results.json"
"""Where an entry points that no configuration holds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One line of a pipeline's report; every text is clean and short."""

    rule: str
    """``gates/<gate>``, ``margins/<probe>``, ``run`` or ``waivers``: what it belongs to."""
    id: str
    state: State
    """Of a gate; ``error`` or ``skipped`` otherwise."""
    level: Level
    title: str
    message: str
    fingerprint: str
    """The same in every run for the same gate of the same model, whatever was measured."""
    path: str = RESULTS_FILE
    line: int = 1
    column: int = 1
    size: float = 0.0
    """Measured size in multiples of the limit: orders entries of one level."""
    gate: Gate | None = None
    result: Result | None = None
    finding: Finding | None = None
    waivers: tuple[WaiverRecord, ...] = ()
    """All waivers that name the gate, those that are void included."""
    evidence: tuple[str, ...] = ()
    """Sentence pairs with the probabilities of the scored word."""

    @property
    def label(self) -> str:
        """State and title; a waiver has no state of its own."""
        return self.title if self.rule == WAIVERS else f"{self.state}: {self.title}"

    @property
    def text(self) -> str:
        """State and message; a waiver has no state of its own."""
        return self.message if self.rule == WAIVERS else f"{self.state}: {self.message}"

    @property
    def placed(self) -> bool:
        """True when a file of the project holds it: a configuration or a file of waivers."""
        return self.path != RESULTS_FILE


_NOTHING = Entry(
    rule=RUN,
    id="nothing-judged",
    state="error",
    level="error",
    title="the whole run",
    message="Nothing was judged: no probe of this audit led to a gate.",
    fingerprint="run\nnothing judged",
)


def entries(results: Results) -> tuple[Entry, ...]:
    """Everything that a pipeline has to know, in the order of the audit."""
    index = Index(tidy(results))
    waivers = [
        (raw, tidied.model_copy(update={"file": _path(raw.file) if raw.file else ""}))
        for raw, tidied in zip(results.waivers, index.audit.waivers, strict=True)
    ]
    items = [
        _of_gate(index, raw, gate, tuple(w for stored, w in waivers if raw.id in stored.gates))
        for raw, gate in zip(results.gates, index.audit.gates, strict=True)
    ]
    items += _of_run(index, {gate.probe for gate in index.audit.gates if gate.state == "error"})
    items += [_of_waiver(raw, waiver) for raw, waiver in waivers if waiver.status != "active"]
    return tuple(_distinct_fingerprints(results.model.name, items))


def worst_first(many: Iterable[Entry]) -> list[Entry]:
    """Entries by level, then state, then severity and size; equal ones keep their order."""
    return sorted(many, key=_rank)


def level(gate: Gate) -> Level:
    """How loud a gate is in a pipeline."""
    if gate.state == "pass":
        return "none"
    if gate.state == "error":
        return "error"
    if not gate.enforced or gate.state in ("waived", "skipped"):
        return "note"
    if gate.state == "fail" or gate.when_unclear == "fail" or gate.reason_code in MISSING_BASELINE:
        return "error"
    return "note" if gate.when_unclear == "pass" else "warning"


def _rank(entry: Entry) -> tuple[int, int, int, float]:
    severity = SEVERITY[entry.finding.severity] if entry.finding else len(SEVERITY)
    return (
        LEVELS.index(entry.level), words.STATES.index(entry.state), severity, -entry.size
    )  # fmt: skip


def _distinct_fingerprints(model: str, items: Iterable[Entry]) -> Iterable[Entry]:
    """Give every entry a fingerprint of its own, also where two carry the same id."""
    seen: Counter[str] = Counter()
    for entry in items:
        key = entry.fingerprint
        seen[key] += 1
        again = f"\n{seen[key]}" if seen[key] > 1 else ""
        digest = hashlib.sha256(f"{model}\n{key}{again}".encode("utf-8", "backslashreplace"))
        yield replace(entry, fingerprint=digest.hexdigest())


def _of_gate(index: Index, raw: Gate, gate: Gate, waivers: tuple[WaiverRecord, ...]) -> Entry:
    line = gate_line(index, gate)
    result = index.results.get(gate.result or "")
    finding = index.findings.get(gate.result or "")
    brief, reason = line.brief, line.reason
    if gate.estimate is None:
        brief, reason = gate.reason, ""
    texts = (line.waived, reason, line.finding, _crash(index, gate))
    tag = "" if gate.enforced else " (for information)"
    ceiling = gate.limit or 0.0
    judged = gate.rise if gate.kind == "regression" else gate.estimate
    return Entry(
        rule=f"gates/{gate.gate or gate.id.split(':')[0]}"
        if gate.enforced
        else f"margins/{gate.probe}",
        id=gate.id,
        state=gate.state,
        level=level(gate),
        title=f"{line.probe}: {line.title}",
        message=_sentences(f"{line.probe}, {line.title}{tag}: {brief}", *texts),
        fingerprint=f"gate\n{raw.id}",
        path=_path(raw.file),
        line=max(gate.line, 1),
        column=max(gate.column, 1),
        size=abs(judged or 0.0) / ceiling if ceiling > 0 else 0.0,
        gate=gate,
        result=result,
        finding=finding,
        waivers=waivers,
        evidence=_evidence(index, result, finding),
    )


def _sentences(*parts: str) -> str:
    """Texts one after the other, each with a stop."""
    return " ".join(part if part[-1] in ".!?…" else f"{part}." for part in parts if part)


def _path(file: str) -> str:
    """A path as repositories write it: forward slashes, no dot in front."""
    return clean(file.replace("\\", "/")).removeprefix("./") or RESULTS_FILE


def _crash(index: Index, gate: Gate) -> str:
    """What broke the probe of a gate that is an error."""
    if gate.state != "error":
        return ""
    return " ".join(f"{e.type}: {e.message}" for e in index.audit.errors if e.probe == gate.probe)


def _evidence(index: Index, result: Result | None, finding: Finding | None) -> tuple[str, ...]:
    sentences: tuple[Sentence, ...] = finding.sentences if finding else ()
    if result is None or not (sentences or result.sentences):
        return ()
    probe = index.probes.get(result.probe)
    if probe is not None and probe.sensitive:
        return ("The sentences of this probe may hurt; the report holds them.",)
    words = pairs(index, result, sentences or result.sentences)
    return tuple(
        f"{pair.text_a} | {pair.text_b} | {pair.word}: "
        f"{pair.probability_a} and {pair.probability_b} ({pair.ratio})"
        for pair in (words.rows if words else ())
    )


def _of_run(index: Index, reported: set[str]) -> list[Entry]:
    """What did not run, unless a gate says so already; and that nothing was judged at all."""
    items = [
        _outside(f"{error.type}: {error.message}", index, error.probe)
        for error in index.audit.errors
        if error.probe not in reported
    ]
    named = reported | {error.probe or "" for error in index.audit.errors}
    items += [
        _outside(probe.reason or "no reason was recorded", index, probe.id, probe)
        for probe in index.audit.probes
        if probe.state in ("error", "skipped") and probe.id not in named
    ]
    if not index.audit.gates:
        items.append(_NOTHING if index.audit.exit_code else replace(_NOTHING, level="warning"))
    return items


def _outside(
    message: str, index: Index, probe: str | None, record: ProbeRecord | None = None
) -> Entry:
    skipped = record is not None and record.state == "skipped"
    title = index.title(probe) if probe else "the whole run"
    return Entry(
        rule=RUN,
        id=probe or "run",
        state="skipped" if skipped else "error",
        level="note" if skipped else "error",
        title=title,
        message=_sentences(f"{title} {'was skipped' if skipped else 'did not run'}: {message}"),
        fingerprint=f"run\n{probe or ''}",
    )


def _of_waiver(raw: WaiverRecord, waiver: WaiverRecord) -> Entry:
    title = f"Waiver of {waiver.finding}"
    return Entry(
        rule=WAIVERS,
        id=waiver.finding,
        state="skipped",
        level="warning",
        title=f"{title} is {waiver.status}",
        message=f"{title} is {waiver.status} and changes no gate. "
        f"{words.sentence(waiver.detail)} Given by {waiver_text(waiver)}",
        fingerprint=f"waiver\n{raw.finding}",
        path=_path(raw.file),
        line=max(waiver.line, 1),
        waivers=(waiver,),
    )


Fact = str | int | float | bool | None

_FACT_NUMBERS = (
    "estimate", "ci_low", "ci_high", "limit", "baseline_value", "rise", "rise_low", "rise_high",
    "templates_needed", "terms_needed", "targets_needed",
)  # fmt: skip
FACTS = (
    "id", "state", "state_before_waiver", "enforced", "kind", "gate", "probe", "axis", "result",
    "finding", "group_a", "group_b", *_FACT_NUMBERS, "unit", "baseline", "n_templates", "n_terms",
    "when_unclear", "reason_code", "reason", "condition", "waiver", "waiver_status", "waiver_owner",
    "waiver_expires", "waiver_reason", "file", "line", "column", "fingerprint",
)  # fmt: skip
"""Names of the facts, in order."""


def facts(entry: Entry) -> dict[str, Fact]:
    """All facts of an entry; None where there is nothing to say."""
    values: dict[str, Fact] = dict.fromkeys(FACTS)
    values |= {"id": entry.id, "state": entry.state, "fingerprint": entry.fingerprint}
    if entry.gate is None:
        values |= {"kind": entry.rule, "reason": entry.message}
    else:
        gate = entry.gate
        values |= {name: getattr(gate, name) for name in _FACT_NUMBERS}
        values |= {name: getattr(gate, name) or None for name in _OF_GATE}
        values["enforced"] = gate.enforced
    if entry.placed:
        values |= {"file": entry.path, "line": entry.line, "column": entry.column}
    if entry.result is not None:
        result = entry.result
        labels = (*(result.group_labels or result.groups), None, None)
        values |= {"axis": result.axis, "group_a": labels[0], "group_b": labels[1]}
        values |= {"n_templates": result.n_templates, "n_terms": result.n_terms}
    values["finding"] = entry.finding.id if entry.finding else None
    return values | _waiver(entry)


_OF_GATE = (
    "state_before_waiver", "kind", "gate", "probe", "result", "unit", "baseline", "when_unclear",
    "reason_code", "reason", "condition",
)  # fmt: skip


def _waiver(entry: Entry) -> dict[str, Fact]:
    """The waiver that holds, else the first one that names the gate."""
    named = sorted(entry.waivers, key=lambda waiver: waiver.status != "active")
    if not named:
        return {}
    waiver = named[0]
    return {
        "waiver": waiver.finding,
        "waiver_status": waiver.status,
        "waiver_owner": waiver.owner,
        "waiver_expires": waiver.expires,
        "waiver_reason": waiver.reason,
    }
