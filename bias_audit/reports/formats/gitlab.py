"""GitLab's code quality report: a JSON list of what a merge request should show."""

from __future__ import annotations

from bias_audit.reports.ci import Entry, Level, entries, worst_first
from bias_audit.reports.formats import Format
from bias_audit.reports.text import clip
from bias_audit.results import Results, dump_json

_SEVERITIES: dict[Level, str] = {"error": "major", "warning": "minor", "note": "info"}
_DESCRIPTION = 2000


def render(results: Results) -> str:
    """Return the report, worst first; gates that pass are no quality problem and not in it."""
    items = worst_first(entries(results))
    return dump_json([_issue(entry) for entry in items if entry.level != "none"])


def _issue(entry: Entry) -> dict[str, object]:
    return {
        "type": "issue",
        "description": clip(entry.prefix + entry.message, _DESCRIPTION),
        "check_name": f"bias-audit/{entry.rule}",
        "fingerprint": entry.fingerprint,
        "severity": _severity(entry),
        "location": {"path": entry.path, "lines": {"begin": entry.line}},
    }


def _severity(entry: Entry) -> str:
    """``critical`` for gates that failed; what could not be judged is ``major``."""
    failed = entry.level == "error" and entry.state == "fail"
    return "critical" if failed else _SEVERITIES[entry.level]


FORMATS = (Format("gitlab", render, "gl-code-quality-report.json"),)
