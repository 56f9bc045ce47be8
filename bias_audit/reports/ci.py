"""What continuous integration shows: one entry per gate, per crash, per waiver that is void.

JUnit, SARIF, GitHub, GitLab and the CSV of gates print these entries, so that they agree on what is
an error, where it stands and which entry of yesterday it is.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from bias_audit.reports import wording as words
from bias_audit.reports.text import clean, tidy
from bias_audit.reports.view.index import Index, strength
from bias_audit.reports.view.verdict import gate_line, pairs, waiver_text
from bias_audit.results import Finding, Gate, Result, Results, Sentence, State, WaiverRecord
from bias_audit.results.decisions import is_incomplete
from bias_audit.results.run_record import NOT_MEASURED

Level = Literal["error", "warning", "note", "none"]
"""``error`` stops a build, ``warning`` wants a look, ``note`` informs, ``none`` is a pass."""
LEVELS: tuple[Level, ...] = ("error", "warning", "note", "none")

RUN, WAIVERS, NOTICES = "run", "waivers", "notices"
RESULTS_FILE = "results.json"
"""Where an entry points that no configuration holds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One line of a pipeline's report; every text is clean and short."""

    rule: str
    """``gates/<gate>``, ``run``, ``waivers`` or ``notices``: what it belongs to."""
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
    def prefix(self) -> str:
        """The state, before title or message; waivers and notices have none of their own."""
        return "" if self.rule in (WAIVERS, NOTICES) else f"{words.PILLS[self.state]}: "

    @property
    def has_place(self) -> bool:
        """True when a file of the project holds it: a configuration or a file of waivers."""
        return self.path != RESULTS_FILE


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
    items += _of_run(index, {gate.probe for gate in index.audit.gates if _says_why(gate)})
    items += [
        _of_waiver(index, raw, waiver) for raw, waiver in waivers if waiver.status != "active"
    ]
    return tuple(_distinct_fingerprints(results.model.name, items))


def worst_first(many: Iterable[Entry]) -> list[Entry]:
    """Entries by level, then state, then size; equal ones keep their order."""

    def rank(entry: Entry) -> tuple[int, int, float]:
        places = LEVELS.index(entry.level), words.STATES.index(entry.state)
        return (*places, -entry.size)

    return sorted(many, key=rank)


def level(gate: Gate) -> Level:
    """How loud a gate is in a pipeline."""
    if gate.state == "pass":
        return "none"
    if gate.state == "fail" or is_incomplete(gate):
        return "error"
    if gate.state in ("waived", "skipped"):
        return "note"
    return "note" if gate.when_unclear == "pass" else "warning"


def _says_why(gate: Gate) -> bool:
    """Whether a gate says that its probe did not run."""
    return gate.state == "error" or (gate.state == "unclear" and gate.result is None)


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
    brief = f"{line.value} (90 % interval {line.interval or 'none'}), limit {line.limit or 'none'}"
    reason = line.reason
    if not line.value:
        brief, reason = gate.reason, ""
    example = f"“{line.example.sentence}” {line.example.percentages}" if line.example else ""
    why = f"Why this limit: {line.why}" if line.why and gate.state != "pass" else ""
    texts = (line.waived, reason, why, *line.notices, example, _crash(index, gate))
    ceiling = gate.limit or 0.0
    judged = gate.rise if gate.kind == "regression" else gate.estimate
    return Entry(
        rule=f"gates/{gate.gate}",
        id=gate.id,
        state=gate.state,
        level=level(gate),
        title=f"{line.name}: {line.title}",
        message=_sentences(f"{gate.id}: {line.title}: {brief}", *texts),
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
    table = pairs(index, result, sentences or result.sentences)
    rows = ([cell.text for cell in row] for row in (table.rows if table else ()))
    return tuple(
        f"{a} | {b} | {word}: {p} and {q} ({ratio} with {who})"
        for a, b, word, p, q, ratio, who in rows
    )


def _of_run(index: Index, reported: set[str]) -> Iterator[Entry]:
    """What did not run, unless a gate says so already; and that nothing was judged at all."""
    for error in index.audit.errors:
        if error.probe not in reported:
            kind = "" if error.type == NOT_MEASURED else f"{error.type}: "
            yield _outside(index, error.probe, f"did not run: {kind}{error.message}")
    named = reported | {error.probe or "" for error in index.audit.errors}
    for probe in index.audit.probes:
        if probe.state in ("error", "skipped") and probe.id not in named:
            verb = "was skipped" if probe.state == "skipped" else "did not run"
            text = f"{verb}: {probe.reason or 'no reason was recorded'}"
            yield _outside(index, probe.id, text, probe.state)
    for number, notice in enumerate(index.audit.notices, start=1):
        yield Entry(
            rule=NOTICES,
            id=f"notice-{number}",
            state="skipped",
            level="warning",
            title="how the run was judged",
            message=notice,
            fingerprint=f"notice\n{notice}",
        )
    if not index.audit.gates:
        text = "No gate was set, so nothing was judged: what was measured is for information."
        yield Entry(
            rule=RUN,
            id="nothing-judged",
            state="error" if index.audit.exit_code else "skipped",
            level="error" if index.audit.exit_code else "note",
            title="the whole run",
            message=text,
            fingerprint="run\nnothing judged",
        )


def _outside(index: Index, probe: str | None, text: str, state: State = "error") -> Entry:
    title = index.title(probe) if probe else "the whole run"
    return Entry(
        rule=RUN,
        id=probe or "run",
        state=state,
        level="note" if state == "skipped" else "error",
        title=title,
        message=_sentences(f"{title} {text}"),
        fingerprint=f"run\n{probe or ''}",
    )


def _of_waiver(index: Index, raw: WaiverRecord, waiver: WaiverRecord) -> Entry:
    title = f"Waiver of {waiver.finding}"
    unit = next((gate.unit for gate in index.audit.gates if gate.id in waiver.gates), "nats")
    return Entry(
        rule=WAIVERS,
        id=waiver.finding,
        state="skipped",
        level="warning",
        title=f"{title} is {waiver.status}",
        message=f"{title} is {waiver.status} and changes no gate. "
        f"{words.sentence(waiver.detail)} Given by {waiver_text(waiver, unit)}",
        fingerprint=f"waiver\n{raw.finding}",
        path=_path(raw.file),
        line=max(waiver.line, 1),
        waivers=(waiver,),
    )


Fact = str | int | float | bool | None
FACTS = (
    "id", "state", "state_before_waiver", "kind", "gate", "claim", "outcome", "probe", "axis",
    "result", "finding", "group_a", "group_b", "estimate", "ci_low", "ci_high",
    "ci90_low", "ci90_high", "limit", "why",
    "baseline_value",
    "rise", "rise_low", "rise_high", "templates_needed", "terms_needed", "targets_needed", "unit",
    "baseline", "n_templates", "n_terms", "when_unclear", "reason_code", "reason", "notices",
    "condition",
    "waiver", "waiver_status", "waiver_owner", "waiver_expires", "waiver_reason", "file", "line",
    "column", "fingerprint",
)  # fmt: skip
"""Names of the facts, in order."""


def facts(entry: Entry) -> dict[str, Fact]:
    """All facts of an entry; None where there is nothing to say."""
    values: dict[str, Fact] = dict.fromkeys(FACTS)
    if entry.gate is None:
        values |= {"kind": entry.rule, "reason": entry.message}
    else:
        values |= {name: value for name, value in entry.gate if name in FACTS and value != ""}
        values["notices"] = " ".join(entry.gate.notices) or None
    place = (entry.path, entry.line, entry.column) if entry.has_place else (None, None, None)
    values |= dict(zip(("file", "line", "column"), place, strict=True))
    if entry.result is not None:
        result = entry.result
        labels = (*(result.group_labels or result.groups), None, None)
        values |= {"axis": result.axis, "group_a": labels[0], "group_b": labels[1]}
        values |= {"n_templates": result.n_templates, "n_terms": result.n_terms}
        values["outcome"] = result.outcome
    values |= {"id": entry.id, "state": entry.state, "fingerprint": entry.fingerprint}
    values |= {"finding": entry.finding.id if entry.finding else None, "waiver": None}
    # the waiver that holds, else the first one that names the gate
    for waiver in sorted(entry.waivers, key=lambda waiver: waiver.status != "active")[:1]:
        values["waiver"] = waiver.finding
        for name in ("status", "owner", "expires", "reason"):
            values[f"waiver_{name}"] = getattr(waiver, name)
    return values


def about(results: Results) -> dict[str, Fact]:
    """What was audited, and how."""
    model, run = results.model, results.run
    return {
        "model": clean(model.name),
        "revision": clean(model.revision or "") or None,
        "fingerprint": clean(model.fingerprint),
        "seed": run.seed,
        "created": run.created and clean(run.created),
        "partial": run.partial,
        "version": clean(results.tool.version),
        "exit_code": results.exit_code,
        **{str(name): number for name, number in results.outcomes.items()},
    }


def statements(results: Results) -> dict[str, str]:
    """What every comparison says, by its id, associations first: for information."""
    compared = [r for r in tidy(results).results if r.outcome is not None and r.role == "primary"]
    compared.sort(key=lambda r: (words.OUTCOMES.index(r.outcome or "open"), strength(r)))
    return {
        r.id: f"{words.PILLS[r.outcome or 'open']}: {r.statement or r.reason}" for r in compared
    }


def fact_text(value: object) -> str:
    """A fact as a table or an XML attribute has it: empty for None."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return ""
    return f"{value:.8g}" if isinstance(value, float) else clean(str(value))
