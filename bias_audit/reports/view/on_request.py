"""What a run was asked for beyond its probes, by name, a line for each number."""

from __future__ import annotations

from collections.abc import Iterator

from bias_audit.reports import wording as words
from bias_audit.reports.text import bounds, plain
from bias_audit.reports.view.index import Index
from bias_audit.results import Result

CHECKED = {"surface": "R9", "naturalness": "R12"}
"""The check that answers a request."""
MOST = 12
"""Lines that are shown."""


def request_lines(index: Index) -> tuple[str, ...]:
    """Return a line for each number that ``--measure`` or ``--check`` asked for."""
    lines = [line for name in index.audit.run.requested for line in _lines(index, name)]
    more = (f"{len(lines) - MOST} more in the report",) if len(lines) > MOST else ()
    return (*lines[:MOST], *more)


def _lines(index: Index, name: str) -> Iterator[str]:
    code, found = CHECKED.get(name, ""), False
    for result in index.audit.results:
        if result.metric == name and result.role == "secondary":
            found = True
            yield f"{_title(index, result, result.metric_name or name)}: {_value(result)}"
        for check in result.checks if result.role == "primary" else ():
            if code and check.id == code:
                found = True
                value = "not possible" if check.value is None else plain(check.value)
                state = f", {words.spaces(check.state)}" if check.state != "described" else ""
                yield f"{_title(index, result, words.check(code, index.unit))}: {value}{state}"
    if not found:
        yield f"{name}: no number; the report says why"


def _title(index: Index, result: Result, name: str) -> str:
    compared = " and ".join(result.group_labels or result.groups)
    target = f", {result.target}" if result.target else ""
    return f"{name}, {index.title(result.probe)}, {compared}{target}"


def _value(result: Result) -> str:
    if result.estimate is None:
        return words.missing(result.reason)
    inside = bounds(result.ci_low, result.ci_high)
    return f"{plain(result.estimate)} {result.unit} {inside}".rstrip()
