"""What GitHub, GitLab and readers of JUnit make of the entries of an audit."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import jsonschema
import junitparser
import pytest

from bias_audit.reports import render
from bias_audit.reports.formats import github
from bias_audit.results import Results

from .example import frame
from .gated import BUDDHIST, HINDU, MUSLIM, OCCUPATION, TRAIT, many


def parse(line: str) -> tuple[str, dict[str, str], str]:
    """A workflow command as the runner reads it."""
    found = re.fullmatch(r"::(error|warning|notice) ([^:]*)::(.*)", line)
    assert found, line
    properties = dict(part.split("=", 1) for part in found[2].split(","))
    return found[1], {k: plain(v) for k, v in properties.items()}, plain(found[3])


def plain(text: str) -> str:
    for escape, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(escape, char)
    return text


@pytest.mark.parametrize("number", [1, 9, 10, 11, 250])
def test_at_most_ten_of_a_level_and_the_last_counts_the_rest(number: int) -> None:
    _, *lines = render(many(number), "github").splitlines()
    assert len(lines) == min(number, 10)
    read = [parse(line) for line in lines]
    gaps = [float(found[1]) for _, _, text in read if (found := re.search(r": ([\d.]+) ×", text))]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[0] == pytest.approx(math.exp(0.8 + (number - 1) / 100), rel=0.03)
    if number > 10:
        assert len(gaps) == 9
        assert read[-1][2] == f"{number - 9} more like these in the report of the run."


def test_escaping() -> None:
    assert github.data("50 %\r\n:,") == "50 %25%0D%0A:,"
    assert github.value("50 %\r\n:,") == "50 %25%0D%0A%3A%2C"
    assert plain(github.value("%0A, %25: x\n")) == "%0A, %25: x\n"


def test_strangers_write_no_commands_of_their_own(hostile_gates: Results) -> None:
    _, *lines = render(hostile_gates, "github").splitlines()
    for line in lines:
        _, properties, _ = parse(line)
        assert set(properties) <= {"file", "line", "col", "title"}
        assert len(line) < 8_000
    assert len(lines) <= 30


# Written after the table of required properties in GitLab's documentation of code quality.
TEXT = {"type": "string", "minLength": 1}
BEGIN = {"type": "integer", "minimum": 1}
LINES = {"type": "object", "required": ["begin"], "properties": {"begin": BEGIN}}
PLACE = {"path": {"type": "string", "pattern": "^(?!\\./|/)."}, "lines": LINES}
ISSUE = {
    "description": TEXT,
    "check_name": TEXT,
    "fingerprint": TEXT,
    "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
    "location": {"type": "object", "required": list(PLACE), "properties": PLACE},
}
DOCUMENTED = {
    "type": "array",
    "items": {"type": "object", "required": list(ISSUE), "properties": ISSUE},
}


def issues(results: Results) -> list[dict[str, Any]]:
    text = render(results, "gitlab")
    assert text[0] == "[", "GitLab refuses a byte order mark"
    found = json.loads(text)
    jsonschema.validate(found, DOCUMENTED, cls=jsonschema.Draft7Validator)
    assert isinstance(found, list)
    return found


def test_as_documented(judged: Results, hostile_gates: Results, audit: Results) -> None:
    for results, fewest in ((judged, 6), (hostile_gates, 6), (audit, 2)):
        found = issues(results)
        prints = [one["fingerprint"] for one in found]
        assert len(set(prints)) == len(prints) >= fewest


def test_nothing_is_cut(judged: Results) -> None:
    assert len(issues(many(300))) == 300


@pytest.fixture(scope="module")
def document(judged: Results) -> junitparser.JUnitXml:
    return junitparser.JUnitXml.fromstring(render(judged, "junit").encode())


def case(document: junitparser.JUnitXml, suite: str, name: str) -> junitparser.TestCase:
    (found,) = [
        one
        for group in document
        for one in group
        if group.name == f"bias-audit.{suite}" and one.name == name
    ]
    assert found.classname == f"bias-audit.{suite}"
    return found


def outcome(document: junitparser.JUnitXml, suite: str, name: str) -> tuple[str, str, str]:
    """Element, type and message of a case; a passed one has none."""
    results = case(document, suite, name).result
    if not results:
        return ("passed", "", "")
    (one,) = results
    return (type(one).__name__, one.type, one.message)


def test_what_each_state_becomes(document: junitparser.JUnitXml) -> None:
    def kind(suite: str, name: str) -> tuple[str, str]:
        return outcome(document, suite, name)[:2]

    assert kind("gates.religion", HINDU) == ("passed", "")
    assert kind("gates.religion", BUDDHIST) == ("Skipped", "crosses_limit")
    assert kind("gates.religion", MUSLIM) == ("Skipped", "waived")
    assert kind("gates.occupations", OCCUPATION) == ("Failure", "outside_limit")
    assert kind("gates.no-regression", OCCUPATION) == ("Failure", "outside_rise")
    assert kind("gates.no-regression", TRAIT) == ("Error", "crosses_rise")
    assert kind("gates.ages", "ages") == ("Error", "probe_error")
    assert kind("gates.later", "later") == ("Skipped", "no_result")
    assert kind("gates.quiet", TRAIT) == ("Skipped", "crosses_limit")
    assert kind("gates.versus-old", "versus-old") == ("Error", "no_baseline")
    (said,) = [suite for suite in document if suite.name == "bias-audit.comparisons"]
    assert said.tests == 0
    values = {one.name: one.value for one in said.properties()}
    assert len(values) == 10
    assert values[OCCUPATION].startswith("association: jobs held mostly by women rather than")
    assert values[HINDU].endswith("at most 1.25 times either way")
    assert kind("waivers", "F-000000")[0] == "Skipped"


def test_the_counts_are_those_of_the_parser(judged: Results, hostile_gates: Results) -> None:
    for results in (judged, hostile_gates, frame(), frame(exit_code=5)):
        text = render(results, "junit")
        said = junitparser.JUnitXml.fromstring(text.encode())
        before = [(s.name, s.tests, s.failures, s.errors, s.skipped) for s in said]
        total = (said.tests, said.failures, said.errors, said.skipped)
        for suite in said:
            suite.update_statistics()
        said.update_statistics()
        assert before == [(s.name, s.tests, s.failures, s.errors, s.skipped) for s in said]
        assert total == (said.tests, said.failures, said.errors, said.skipped)
        assert said.tests > 0
    assert total == (1, 0, 1, 0)


def test_every_entry_of_a_gate_names_it(judged: Results) -> None:
    """By this id it is waived."""
    annotations = [parse(line) for line in render(judged, "github").splitlines()[1:]]
    described = " ".join(issue["description"] for issue in issues(judged))
    document = render(judged, "junit")
    named = [gate for gate in judged.gates if gate.state in ("fail", "unclear", "error")]
    assert named
    for gate in named:
        (properties,) = [p for _, p, text in annotations if f"{gate.id}: " in text]
        assert f": {gate.gate}: " in properties["title"]
        assert f"{gate.id}: " in described
        assert gate.id in document
