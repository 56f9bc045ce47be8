from __future__ import annotations

import json
from typing import Any

import jsonschema

from bias_audit.reports import render
from bias_audit.results import Results

from .gated import many

# Written after the table of required properties in GitLab's documentation of code quality.
DOCUMENTED: dict[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "minLength": 1},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": "^(?!\\./|/)."},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}


def issues(results: Results) -> list[dict[str, Any]]:
    text = render(results, "gitlab")
    assert text[0] == "[", "GitLab refuses a byte order mark"
    found = json.loads(text)
    jsonschema.validate(found, DOCUMENTED, cls=jsonschema.Draft7Validator)
    assert isinstance(found, list)
    return found


def test_as_documented(judged: Results, hostile_gates: Results, audit: Results) -> None:
    for results in (judged, hostile_gates, audit):
        found = issues(results)
        prints = [one["fingerprint"] for one in found]
        assert len(set(prints)) == len(prints) > 5


def test_nothing_is_cut(judged: Results) -> None:
    assert len(issues(many(300))) == 300
