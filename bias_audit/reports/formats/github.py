"""Workflow commands that GitHub turns into annotations, after one line with the counts.

GitHub shows ten annotations of each level and drops the rest without a word. So there are at most
ten here, worst first, and the last one counts those that are left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from bias_audit.reports.ci import Entry, Level, entries, worst_first
from bias_audit.reports.formats import Format
from bias_audit.reports.text import clip
from bias_audit.reports.wording import tally
from bias_audit.results import Results

MOST = 10
"""Annotations of one level that GitHub shows for a step."""
_COMMANDS: dict[Level, str] = {"error": "error", "warning": "warning", "note": "notice"}
_TITLE, _MESSAGE = 200, 3000


def render(results: Results) -> str:
    """Return the lines for the log of a step."""
    items = worst_first(entries(results))
    lines = [tally(results)]
    for level in _COMMANDS:
        lines += _annotations(level, [entry for entry in items if entry.level == level])
    return "\n".join(lines) + "\n"


def data(text: str) -> str:
    """Escape the message of a command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def value(text: str) -> str:
    """Escape the value of a command's property.

    >>> value("50 %, a:b")
    '50 %25%2C a%3Ab'
    """
    return data(text).replace(":", "%3A").replace(",", "%2C")


def _annotations(level: Level, many: list[Entry]) -> Iterator[str]:
    room = MOST if len(many) <= MOST else MOST - 1
    for entry in many[:room]:
        yield _command(level, entry.prefix + entry.title, entry.message, _place(entry))
    if len(many) > room:
        left = len(many) - room
        yield _command(level, "bias-audit", f"{left:,} more like these in the report of the run.")


def _command(level: Level, title: str, message: str, place: str = "") -> str:
    head = f"::{_COMMANDS[level]} {place}title={value(clip(title, _TITLE))}"
    return f"{head}::{data(clip(message, _MESSAGE))}"


def _place(entry: Entry) -> str:
    """Return its place; empty for an entry that no file of the repository holds."""
    if not entry.has_place:
        return ""
    return f"file={value(entry.path)},line={entry.line},col={entry.column},"


FORMATS = (Format("github", render, "annotations.txt"),)
