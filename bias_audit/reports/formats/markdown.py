"""``summary.md``: the verdict first, small enough for a comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from bias_audit.reports import wording as words
from bias_audit.reports.formats import Format
from bias_audit.reports.text import short
from bias_audit.reports.view import page
from bias_audit.reports.view.build import build
from bias_audit.results import Results

LIMIT = 58_000
"""Bytes; a comment on GitHub holds 65,536 characters."""
_SPECIAL = re.compile(r"([\\`*_\[\]|~<>&$])")
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}


def render(results: Results) -> str:
    """Return the summary; what does not fit is counted at its end."""
    return summary(build(results))


def summary(view: page.Page) -> str:
    """Return the summary of an audit in words; findings have the room that is left."""
    start = (
        _verdict(view)
        + gates(view)
        + comparisons(view)
        + completions(view)
        + _waivers(view)
        + _changes(view)
        + dataset_parts(view)
    )
    closing = (
        f"---\n{view.can} {view.cannot}\n\n"
        "Charts, sentences, method and limits: `report.html` in the run's folder.\n"
    )
    end = failures(view) + closing
    return start + findings(view, LIMIT - _size(start) - _size(end)) + end


def escape(text: str) -> str:
    """Show a text as it is: no markup, no mention of a person, no link."""
    text = _SPECIAL.sub(lambda m: _ENTITIES.get(m.group(1), "\\" + m.group(1)), text)
    text = re.sub(r"#(?=\w)", "&#35;", text)  # a number or a name of an issue
    return text.replace("@", "&#64;").replace("://", "&#58;//").replace("www.", "www&#46;")


def within(
    start: str,
    blocks: Sequence[str],
    room: int,
    limit: int | None = None,
    more: str = " in the report.",
) -> str:
    """As many blocks as fit into so many bytes below a start, and the number of the others."""
    text, number = start, 0
    for block in blocks[:limit]:
        if _size(text) + _size(block) > room - 60:
            break
        text, number = text + block, number + 1
    left = len(blocks) - number
    rest = f"\n*{left:,} more{more}*\n" if left else ""
    return f"{text}{rest}\n"


def _size(text: str) -> int:
    return len(text.encode("utf-8"))


def table_row(cells: Iterable[str], limit: int = 200) -> str:
    """A row of a table, of texts that are not escaped yet."""
    return _row(*(_cell(cell, limit) for cell in cells))


def table_head(names: Sequence[str], numbers: Collection[int] = ()) -> str:
    """The first two lines of a table; ``numbers`` are the columns that are set to the right."""
    return _row(*map(escape, names)) + _row(
        *("--:" if place in numbers else "---" for place in range(len(names)))
    )


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |\n"


def _cell(text: str, limit: int = 240) -> str:
    return escape(short(text, limit))


def _verdict(view: page.Page) -> str:
    counts = view.counts.partition("    ")[0]
    remarks = "".join(f"> {_cell(remark, 700)}\n\n" for remark in view.verdict.remarks)
    return (
        f"**{escape(view.verdict.lead)}**\n\n{escape(counts)}\n\n{remarks}"
        f"### {escape(view.title)}\n\n{escape(view.subtitle)}\n\n"
    )


def gates(view: page.Page) -> str:
    """The gates as a table, worst first, as many as fit."""
    rows = [_gate(gate) for gate in view.verdict.gates]
    start = table_head(("State", "Gate", "Measured", "Allowed", "Why"))
    return within(start, rows, 24_000, limit=40) if rows else ""


def _gate(gate: page.GateLine) -> str:
    name = f"{gate.name}: {short(gate.probe, 80)}: {gate.title}"
    why = (gate.waived or gate.reason, gate.limits, *gate.notices)
    return _row(
        f"{words.SIGNS[gate.state].replace('~', '&#126;')} {gate.state}",
        _cell(name),
        _cell(gate.measured),
        _cell(gate.allowed),
        " ".join(_cell(text, 160) for text in why if text),
    )


def comparisons(view: page.Page) -> str:
    """The comparisons by outcome, associations first, as many as fit."""
    rows = [
        _row(
            f"{words.SIGNS[one.outcome]} {escape(words.PILLS[one.outcome])}",
            _cell(one.probe, 80),
            _cell(", ".join(filter(None, (one.statement or one.reason, one.contrary))), 480),
            _cell(one.measured),
        )
        for one in view.verdict.comparisons
    ]
    start = table_head(("Outcome", "Probe", "In words", "Gap and interval"))
    return within(start, rows, 16_000, limit=60) if rows else ""


def completions(view: page.Page) -> str:
    """What the model says when no word is given, probe by probe, as many as fit."""
    rows = [
        _row(
            f"{words.SIGNS[one.outcome]} {escape(words.PILLS[one.outcome])}",
            _cell(one.probe, 160),
            _cell(one.statement or one.reason or "none", 480),
            _cell(one.hurtful or "none"),
        )
        for one in view.verdict.completions
    ]
    start = f"### {escape(view.verdict.completions_lead)}\n\n"
    start += table_head(("Outcome", "Probe", "In words", "Hurtful completions"))
    return within(start, rows, 8_000, limit=30) if rows else ""


def _waivers(view: page.Page) -> str:
    lines = [
        f"- {_cell(w.finding)} ({escape(words.WAIVER_STATUS[w.status])}): "
        f"{_cell(w.owner or 'not stated', 80)} until {escape(w.expires or 'not stated')}. "
        f"{_cell(words.sentence(w.reason or 'not stated'), 400)} "
        f"{_cell(words.sentence(w.detail or 'not stated'))}\n"
        for w in view.audit.waivers
    ]
    return within("### Waivers\n\n", lines, 5_000, limit=20) if lines else ""


def _changes(view: page.Page) -> str:
    return _with_title(view.changes, 8_000, limit=20) if view.changes else ""


def dataset_parts(view: page.Page) -> str:
    """The numbers of published data sets, as many as fit."""
    room = 16_000 // max(len(view.published), 1)
    return "".join(_with_title(table, room) for table in view.published)


def _with_title(table: page.Table, room: int, limit: int | None = None) -> str:
    start = f"### {_cell(table.caption)}\n\n{_cell(table.note, 2000)}\n\n{table_head(table.head)}"
    rows = [table_row((cell.text for cell in row), 160) for row in table.rows]
    return within(start, rows, room, limit)


def findings(view: page.Page, room: int, limit: int | None = None) -> str:
    """The findings, strongest first, as many as fit; nothing where only data sets were measured."""
    if view.published and not view.notes:
        return ""
    if not view.notes:
        return "### Associations\n\nNone was shown. That is not evidence of absence.\n\n"
    return within("### Associations\n\n", [_finding(note) for note in view.notes], room, limit)


def _finding(note: page.Note) -> str:
    finding, facts = note.finding, escape("; ".join(note.measured))
    notices = "".join(f"  *{escape(notice)}*\n" for notice in note.notices)
    scales = f"Size {finding.size}, evidence {finding.evidence}."
    return (
        f"- **{escape(finding.headline)}** {escape(finding.detail)}\n"
        f"  {facts}. {scales} {escape(finding.id)}\n{notices}"
    )


def failures(view: page.Page) -> str:
    """What did not run, and why; empty where everything did."""
    if view.failures is None:
        return ""
    lines = [
        f"- {_cell(probe.text)} ({escape(state.text)}): {_cell(why.text, 600)}\n"
        for probe, state, why in view.failures.rows
    ]
    return within("### What did not run\n\n", lines, 5_000, limit=15)


FORMATS = (Format("md", render, "summary.md"),)
