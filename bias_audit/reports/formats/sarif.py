"""SARIF 2.1.0: a result for every gate that does not pass, at its line in the configuration.

Readers show each result as a problem, so gates that pass are counted in the properties of the run.
Waivers are suppressions. The fingerprint stands under the one name that GitHub reads; without it,
the results of one gate would be merged, since they share a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote

from bias_audit.reports.ci import (
    NOTICES,
    RUN,
    WAIVERS,
    Entry,
    about,
    entries,
    facts,
    statements,
    worst_first,
)
from bias_audit.reports.formats import Format
from bias_audit.reports.formats.markdown import escape
from bias_audit.reports.text import clean, clip
from bias_audit.reports.view.verdict import waiver_text
from bias_audit.results import Results, WaiverRecord, dump_json
from bias_audit.utils.text import size_in

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
MOST = 5000
"""Results that GitHub displays; it refuses files with many more."""
_LINK = re.compile(r"\](?=\()")


def render(results: Results) -> str:
    """Return the file, worst results first."""
    every = entries(results)
    problems = worst_first(entry for entry in every if entry.level != "none")
    reported = problems[:MOST]
    described = rules(reported)
    places = {rule["id"]: place for place, rule in enumerate(described)}
    version = clean(results.tool.version)
    driver = {
        "name": clean(results.tool.name),
        "version": version,
        "semanticVersion": version,
        "rules": described,
    }
    broken = any(entry.state == "error" for entry in reported)
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "automationDetails": {"id": f"bias-audit/{clean(results.model.name)}/"},
        "invocations": [
            {
                "executionSuccessful": not (broken or results.errors),
                "exitCode": results.exit_code,
            }
        ],
        "results": [_result(entry, places[entry.rule]) for entry in reported],
        "properties": {
            "states": dict(results.states) if results.gates else {},
            "passed": [entry.id for entry in every if entry.level == "none"],
            "resultsLeftOut": len(problems) - len(reported),
            "comparisons": statements(results),
            **about(results),
        },
    }
    return dump_json({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def message(text: str) -> dict[str, str]:
    """A message that stays text: braces are placeholders and brackets links otherwise."""
    return {"text": _LINK.sub("] ", text).replace("{", "{{").replace("}", "}}")}


def uri(path: str) -> str:
    """A path as a relative reference, or as a file URI where it is absolute."""
    if re.match(r"[A-Za-z]:/", path):
        return "file:///" + quote(path, safe="/:")
    return "file://" + quote(path) if path.startswith("/") else quote(path)


def _result(entry: Entry, rule: int) -> dict[str, object]:
    record: dict[str, object] = {
        "ruleId": entry.rule,
        "ruleIndex": rule,
        "level": entry.level,
        "message": message(entry.message),
        "locations": [_location(entry.path, entry.line, entry.column)],
        "partialFingerprints": {
            "primaryLocationLineHash": entry.fingerprint,
            "biasAuditGate/v1": entry.fingerprint,
        },
        "properties": {name: fact for name, fact in facts(entry).items() if fact is not None},
    }
    if entry.waivers and entry.rule != WAIVERS:
        record["suppressions"] = [_suppression(entry, waiver) for waiver in entry.waivers]
    return record


def _location(path: str, line: int, column: int) -> dict[str, object]:
    region = {"startLine": line, "startColumn": column, "endLine": line, "endColumn": column + 1}
    return {"physicalLocation": {"artifactLocation": {"uri": uri(path)}, "region": region}}


def _suppression(entry: Entry, waiver: WaiverRecord) -> dict[str, object]:
    """A waiver: accepted where it holds, rejected where it is void."""
    holds = waiver.status == "active" and entry.state == "waived"
    unit = entry.gate.unit if entry.gate else "nats"
    why = f"{waiver_text(waiver, unit)} {waiver.detail}".strip()
    record: dict[str, object] = {
        "kind": "external",
        "status": "accepted" if holds else "rejected",
        "justification": why,
        "properties": waiver.model_dump(
            mode="json",
            include={"finding", "model", "owner", "created", "expires", "up_to", "status"},
        ),
    }
    if waiver.file:
        record["location"] = _location(waiver.file, max(waiver.line, 1), 1)
    return record


_SHORT, _FULL = 200, 1000
_READ = (
    "Fail: the gap is shown to lie beyond the limit, after correction for the number of gates. "
    "Unclear: the evidence does not settle it, and that is no pass. Pass: the gap is shown to lie "
    "inside the limit with these probes, which says nothing about other texts."
)
_DO = (
    "Read the sentences behind a finding with 'bias-audit show RUN FINDING' and every word of this "
    "text with 'bias-audit explain'. A failure that is accepted for now is waived with a name, a "
    "reason and a date: 'bias-audit waive FINDING --until DATE --reason TEXT --owner WHO --up-to "
    "1.5x'."
)
_OTHER = {
    RUN: (
        "A probe of the audit did not run.",
        "What did not run is no pass. The message says which probe and why.",
        "Correct what the message names and run the audit again.",
    ),
    NOTICES: (
        "Something to know about how the run was judged.",
        "It changes no gate.",
        "Correct what the message names, or leave it where it is meant.",
    ),
    WAIVERS: (
        "A waiver does not hold.",
        "A waiver is void when it has expired, when the gap has outgrown it, or when it names "
        "another model or nothing that failed. It changes no gate.",
        "Take it out of the file, or have its owner decide again: 'bias-audit waivers list' shows "
        "them all.",
    ),
}


def rules(entries: Iterable[Entry]) -> list[dict[str, object]]:
    """The rules of these entries, each once, in their order."""
    first: dict[str, Entry] = {}
    for entry in entries:
        first.setdefault(entry.rule, entry)
    return [_rule(entry) for entry in first.values()]


def _rule(entry: Entry) -> dict[str, object]:
    short, full, help_ = _OTHER.get(entry.rule) or _of_gate(entry)
    return {
        "id": entry.rule,
        "name": entry.rule,
        "shortDescription": {"text": clip(short, _SHORT)},
        "fullDescription": {"text": clip(full, _FULL)},
        "help": {"text": help_, "markdown": escape(help_)},
        "defaultConfiguration": {"level": "error" if entry.rule.startswith("gates/") else "note"},
        "properties": {"tags": ["bias", "language-model"]},
    }


def _of_gate(entry: Entry) -> tuple[str, str, str]:
    gate, name = entry.gate, entry.rule.partition("/")[2]
    limit = "its limit"
    if gate is not None and gate.limit is not None:
        limit = size_in(gate.limit, gate.unit)
    rule = f"is at most {limit}, in either direction"
    if gate is not None and gate.kind == "regression":
        more = "that" if gate.unit == "nats" else "larger than that"
        rule = f"is at most {limit} {more} of the baseline {gate.baseline}"
    short = f"Every gap of the gate {name} must be shown to be acceptable."
    return short, f"It must be shown that each gap {rule}. {_READ}", f"{_READ} {_DO}"


FORMATS = (Format("sarif", render, "results.sarif"),)
