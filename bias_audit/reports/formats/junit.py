"""JUnit XML: a suite per gate of the configuration, a case per judged result.

Only a failed gate is a ``failure``. What could not be decided is never a passed case: it is
``skipped`` with its reason, or an ``error`` where it had to be decided. What the comparisons say
are properties of a suite of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal
from xml.etree import ElementTree as ET

from bias_audit.reports.ci import Entry, Fact, about, entries, fact_text, facts, statements
from bias_audit.reports.formats import Format
from bias_audit.results import Results
from bias_audit.results.codes import describe

NAME = "bias-audit"
_COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def render(results: Results) -> str:
    """Return the document; suites and cases are in the order of the audit."""
    items = entries(results)
    root = ET.Element("testsuites", {"name": NAME})
    for rule in dict.fromkeys(entry.rule for entry in items):
        name = f"{NAME}.{rule.replace('/', '.', 1)}"  # dots make packages on most servers
        suite = ET.SubElement(root, "testsuite", {"name": name})
        _properties(suite, about(results))
        for entry in items:
            if entry.rule == rule:
                _case(suite, entry)
        _count(suite)
    if said := statements(results):
        suite = ET.SubElement(root, "testsuite", {"name": f"{NAME}.comparisons"})
        _properties(suite, said)
        _count(suite)
    _count(root)
    ET.indent(root, " ")
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, "unicode") + "\n"


def _properties(parent: ET.Element, values: Mapping[str, Fact]) -> None:
    inside = ET.SubElement(parent, "properties")
    for name, value in values.items():
        if value is not None:
            ET.SubElement(inside, "property", {"name": name, "value": fact_text(value)})


def _case(suite: ET.Element, entry: Entry) -> None:
    name = (entry.gate.result or entry.id) if entry.gate else entry.id  # the same in every run
    attributes = {"name": name, "classname": suite.attrib["name"]}
    case = ET.SubElement(suite, "testcase", attributes)
    _properties(case, facts(entry))
    kind = _outcome(entry)
    if kind != "passed":
        code = (entry.gate.reason_code if entry.gate else "") or entry.state
        outcome = ET.SubElement(case, kind, {"message": entry.message, "type": code})
        where = f"{entry.path}:{entry.line}:{entry.column}"
        condition = entry.gate.condition if entry.gate else ""
        outcome.text = "\n".join(filter(None, (condition, entry.message, where)))
    lines = _report_lines(entry)
    if lines:
        ET.SubElement(case, "system-out").text = "\n".join(lines)


def _outcome(entry: Entry) -> Literal["passed", "failure", "error", "skipped"]:
    if entry.level == "none":
        return "passed"
    if entry.level == "error":
        return "failure" if entry.state == "fail" else "error"
    return "skipped"


def _report_lines(entry: Entry) -> list[str]:
    """The finding with its sentences, as a reader of the log wants them."""
    finding = entry.finding
    lines = [f"{finding.id} {finding.headline}", finding.detail] if finding else []
    lines += [describe(notice) for notice in finding.notices] if finding else []
    return [*lines, *entry.evidence]


def _count(element: ET.Element) -> None:
    cases = list(element.iter("testcase"))
    element.set("tests", str(len(cases)))
    for name, child in _COUNTED.items():
        element.set(name, str(sum(case.find(child) is not None for case in cases)))


FORMATS = (Format("junit", render, "junit.xml"),)
