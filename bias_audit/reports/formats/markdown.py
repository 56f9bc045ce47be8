"""``summary.md``: the verdict first, small enough for a comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from bias_audit.reports import wording as words
from bias_audit.reports.formats import Format
from bias_audit.reports.text import short
from bias_audit.reports.view import page
from bias_audit.reports.view.build import build
from bias_audit.reports.wording import SIGNS
from bias_audit.results import Results

LIMIT = 58_000
"""Bytes; a comment on GitHub holds 65,536 characters."""
_GATES, _FAILURES, _CHANGES, _WAIVERS = 40, 15, 20, 20
_PARTS = {
    "gates": 24_000,
    "waivers": 5_000,
    "changes": 8_000,
    "failures": 5_000,
    "published": 16_000,
}
"""Most bytes of a part; findings have what is left."""
_MORE = "\n*{:,} more in the report.*\n"
_SPECIAL = re.compile(r"([\\`*_\[\]|~<>&])")
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}


def render(results: Results) -> str:
    """Return the summary; what does not fit is counted at its end."""
    return summary(build(results))


def summary(view: page.Page) -> str:
    """Return the summary of an audit that is already in words."""
    head = _join(_verdict(view)) + gates(view) + _waivers(view) + _changes(view)
    head += published(view)
    tail = _failures(view) + _join(_closing(view))
    room = LIMIT - _size(head) - _size(tail)
    return f"{head}{_findings(view, room)}{tail}"


def escape(text: str) -> str:
    """Show a text as it is: no markup, no mention of a person, no link."""
    text = _SPECIAL.sub(lambda m: _ENTITIES.get(m.group(1), "\\" + m.group(1)), text)
    return text.replace("@", "&#64;").replace("://", "&#58;//").replace("www.", "www&#46;")


def _join(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"


def _size(text: str) -> int:
    return len(text.encode("utf-8"))


def _within(head: str, blocks: Sequence[str], room: int, limit: int | None = None) -> str:
    """As many blocks as fit under their heading, and the number of those that do not."""
    text, done = head, 0
    for block in blocks[:limit]:
        if _size(text) + _size(block) > room - 60:
            break
        text, done = text + block, done + 1
    left = len(blocks) - done
    return f"{text}{_MORE.format(left) if left else ''}\n"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |\n"


def _table(*names: str) -> str:
    return _row(*names) + _row(*["---"] * len(names))


def _cell(text: str, limit: int = 240) -> str:
    return escape(short(text, limit))


def _verdict(view: page.Page) -> list[str]:
    tallies = " · ".join(f"{SIGNS[t.state]} {t.number} {t.word}" for t in view.verdict.tallies)
    lines = [f"**{escape(view.verdict.lead)}**", "", tallies.replace("~", "\\~"), ""]
    lines += [f"> {_cell(remark, 700)}\n" for remark in view.verdict.remarks]
    return [*lines, f"### {escape(view.title)}", "", escape(view.subtitle), ""]


def gates(view: page.Page) -> str:
    """The gates as a table, worst first, as many as fit."""
    rows = [_gate(gate) for gate in view.verdict.gates]
    if not rows:
        return ""
    head = _table("State", "Gate", "Measured", "Allowed", "Why")
    return _within(head, rows, _PARTS["gates"], _GATES)


def _gate(gate: page.GateLine) -> str:
    name = f"{short(gate.probe, 80)}: {gate.title}"
    return _row(
        f"{SIGNS[gate.state].replace('~', '&#126;')} {gate.state}",
        f"{_cell(name)}{'' if gate.enforced else ' (for information)'}",
        _cell(gate.measured),
        _cell(gate.allowed),
        " ".join(filter(None, (_cell(gate.waived or gate.reason, 160), _cell(gate.limits)))),
    )


def _waivers(view: page.Page) -> str:
    if view.waivers is None:
        return ""
    lines = [
        f"- {_cell(what.text)} ({escape(status.text)}): {_cell(owner.text, 80)} until "
        f"{escape(until.text)}. {_cell(words.sentence(why.text), 400)} "
        f"{_cell(words.sentence(detail.text))}\n"
        for what, status, owner, _, until, _, why, detail in view.waivers.rows
    ]
    return _within("### Waivers\n\n", lines, _PARTS["waivers"], _WAIVERS)


def _changes(view: page.Page) -> str:
    table = view.changes
    if table is None:
        return ""
    head = f"### {_cell(table.caption)}\n\n{_cell(table.note, 1500)}\n\n"
    rows = [_row(*(_cell(cell.text, 160) for cell in row)) for row in table.rows]
    return _within(head + _table(*table.head), rows, _PARTS["changes"], _CHANGES)


def published(view: page.Page) -> str:
    """The numbers of published data sets, as many as fit."""
    room = _PARTS["published"] // max(len(view.published), 1)
    parts = []
    for table in view.published:
        head = f"### {_cell(table.caption)}\n\n{_cell(table.note, 2000)}\n\n"
        rows = [_row(*(_cell(cell.text, 160) for cell in row)) for row in table.rows]
        parts.append(_within(head + _table(*table.head), rows, room))
    return "".join(parts)


def _findings(view: page.Page, room: int) -> str:
    head = "### Findings\n\n"
    if view.published and not view.notes:
        return ""
    if not view.notes:
        return f"{head}No finding was recorded. That is not evidence of absence.\n\n"
    return _within(head, [_finding(note) for note in view.notes], room)


def _finding(note: page.Note) -> str:
    facts = "; ".join(note.measured)
    lines = [
        f"- **{escape(note.headline)}** {escape(note.detail)}",
        f"  {escape(facts)}. Size {note.severity}, evidence {note.evidence}. {escape(note.id)}",
    ]
    lines += [f"  *{escape(notice)}*" for notice in note.notices]
    return _join(lines)


def _failures(view: page.Page) -> str:
    if view.failures is None:
        return ""
    lines = [
        f"- {_cell(probe.text)} ({escape(state.text)}): {_cell(why.text, 600)}\n"
        for probe, state, why in view.failures.rows
    ]
    return _within("### What did not run\n\n", lines, _PARTS["failures"], _FAILURES)


def _closing(view: page.Page) -> list[str]:
    return [
        "---",
        f"{view.can} {view.cannot}",
        "",
        "Charts, sentences, method and limits: `report.html` in the run's folder.",
    ]


FORMATS = (Format("md", render, "summary.md"),)
