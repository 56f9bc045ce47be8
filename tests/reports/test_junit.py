from __future__ import annotations

from xml.etree import ElementTree as ET

import junitparser
import pytest

from bias_audit.reports import render
from bias_audit.results import Results

from .example import frame
from .gated import BUDDHIST, HINDU, MUSLIM, OCCUPATION, TRAIT
from .strangers import HOSTILE


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


def test_a_suite_per_gate_and_per_probe(document: junitparser.JUnitXml) -> None:
    assert [suite.name.removeprefix("bias-audit.") for suite in document] == [
        "gates.religion", "gates.occupations", "gates.no-regression", "gates.ages", "gates.later",
        "gates.quiet", "gates.versus-old", "margins.occupation-gender", "margins.trait-gender",
        "waivers",
    ]  # fmt: skip


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
    assert kind("margins.occupation-gender", OCCUPATION) == ("Skipped", "fail")
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


def test_strangers_stay_text(hostile_gates: Results) -> None:
    root = ET.fromstring(render(hostile_gates, "junit"))  # noqa: S314 - our own text
    assert {e.tag for e in root.iter()} == {
        "testsuites", "testsuite", "testcase", "properties", "property", "failure", "error",
        "skipped", "system-out",
    }  # fmt: skip
    assert any(HOSTILE in (e.get("message") or "") for e in root.iter())
