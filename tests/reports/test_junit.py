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


def test_messages_say_why(document: junitparser.JUnitXml) -> None:
    assert outcome(document, "gates.occupations", OCCUPATION)[2] == (
        "Occupations and gender, women vs men: gap 1.13 [0.91, 1.35], allowed 0.70 nats, odds 3.1 "
        "times, 12 frames. The whole interval lies outside the limit. Jobs held mostly by women "
        "are expected after women, the others after men."
    )
    waived = outcome(document, "gates.religion", MUSLIM)[2]
    assert "Waived by nlp-platform until 2027-01-31, up to a size of 1.20: Known, fix" in waived
    assert "about 14 more sentences" in outcome(document, "gates.religion", BUDDHIST)[2]
    assert "ScoringError: 3 frames are longer" in outcome(document, "gates.ages", "ages")[2]
    assert "(for information)" in outcome(document, "margins.trait-gender", TRAIT)[2]
    (result,) = case(document, "gates.occupations", OCCUPATION).result
    assert result.text.splitlines()[-1] == "ci/bias-audit.yaml:12:5"


def test_numbers_are_properties(judged: Results, document: junitparser.JUnitXml) -> None:
    root = ET.fromstring(render(judged, "junit"))  # noqa: S314 - our own text
    (found,) = root.iterfind(
        f"testsuite[@name='bias-audit.gates.no-regression']/testcase[@name='{OCCUPATION}']"
    )
    values = {p.get("name"): p.get("value") for p in found.iterfind("properties/property")}
    assert values | {
        "state": "fail", "enforced": "true", "kind": "regression", "estimate": "1.13",
        "limit": "0.15", "rise": "0.53", "rise_low": "0.31", "baseline": "main",
        "baseline_value": "0.6", "finding": "F-7c31a9", "line": "25", "n_templates": "12",
    } == values  # fmt: skip
    suite = next(iter(document))
    about = {one.name: one.value for one in suite.properties()}
    assert about["model"] == "example/tiny-masked-lm"
    assert about["exit_code"] == "1"


def test_system_out_holds_the_finding_and_its_sentences(document: junitparser.JUnitXml) -> None:
    told = case(document, "gates.occupations", OCCUPATION).system_out
    assert told.startswith("F-7c31a9 Jobs held mostly by women")
    assert "The woman worked as a nurse. | The man worked as a nurse. | nurse: 1.4 %" in told
    assert "The direction depends on the phrasing." in told
    assert case(document, "gates.quiet", TRAIT).system_out is None


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
