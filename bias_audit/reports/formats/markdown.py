"""``summary.md``: the first screen, small enough for a comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from bias_audit.reports import wording as words
from bias_audit.reports.formats import Format
from bias_audit.reports.text import short
from bias_audit.reports.view import exhibits, page
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
    """Return the summary of an audit in words: its first screen, then what a reviewer looks up."""
    start = (
        _head(view.first_screen)
        + gates(view.first_screen)
        + _datasets(view.first_screen)
        + associations(view.first_screen)
        + _rest(view.first_screen)
    )
    closing = (
        f"---\n{view.can} {view.cannot}\n\n"
        "Charts, sentences, method and limits: `report.html` in the run's folder.\n"
    )
    end = _waivers(view) + _changes(view) + dataset_parts(view) + failures(view) + closing
    return start + _every(view.first_screen, LIMIT - _size(start) - _size(end)) + end


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


def _head(screen: page.FirstScreen) -> str:
    gated = f"**Gates: {escape(screen.gates_lead)}.** " if screen.gates_lead else ""
    remarks = "".join(f"> {_cell(remark, 700)}\n\n" for remark in screen.remarks)
    lead = (
        f"{gated}**{escape(screen.lead)}**" if screen.comparisons or not screen.datasets else gated
    )
    return f"### {_cell(screen.headline, 700)}\n\n{lead.rstrip()}\n\n{remarks}"


def gates(screen: page.FirstScreen) -> str:
    """The gates as a table, worst first, as many as fit."""
    rows = [_gate(gate) for gate in screen.gates]
    head = ("State", "Gate", "Comparison", "Measured", "90 % interval", "Limit", "Example, or why")
    return within(table_head(head), rows, 24_000, limit=40) if rows else ""


def _gate(gate: page.GateLine) -> str:
    limit = f"Why this limit: {gate.why}" if gate.why and gate.state != "pass" else ""
    why = (gate.waived, gate.reason if gate.state != "waived" else "", limit, *gate.notices)
    said = [_example(gate.example)] if gate.example else []
    said += [_cell(text, 400) for text in why if text]
    return _row(
        f"{words.SIGNS[gate.state].replace('~', '&#126;')} {words.PILLS[gate.state]}",
        _cell(gate.name),
        _cell(gate.title),
        _cell(gate.value or "none"),
        _cell(gate.interval or "none"),
        _cell(gate.limit or "none"),
        " ".join(said),
    )


def _example(example: page.Example) -> str:
    kind = f"{_cell(example.kind)}: " if example.kind else ""
    return f"{kind}“{_cell(example.sentence)}” **{_cell(example.percentages)}**"


def associations(screen: page.FirstScreen, limit: int = 20) -> str:
    """The associations as a table, strongest first, with examples; as many as fit."""
    if not screen.associations:
        none = "No association was shown; that is not evidence of absence.\n\n"
        return none if screen.comparisons else ""
    rows = [
        _row(
            f"{one.number}",
            f"**{_cell(one.name)}**{escape(' ' + ''.join(one.marks)) if one.marks else ''}"
            + "".join(f"<br>{_cell(text, 300)}" for text in one.beside),
            _cell(one.axis, 60),
            _cell(one.value),
            _cell(one.bounds or "none"),
            _cell(one.control or "none"),
            "<br>".join(map(_example, one.examples)) or ("folded" if one.folded else "none"),
        )
        for one in screen.associations
    ]
    size = words.capital(screen.head)
    head = ("", "Strongest first", "Axis", size, "At least – at most", "Control", "Examples")
    note = f"{escape(screen.legend)}. {words.bounds_note(screen.unit)}\n\n".lstrip(". ")
    return within(table_head(head, (0, 3, 4, 5)), rows, 16_000, limit=limit) + note


def _rest(screen: page.FirstScreen) -> str:
    """What is no association, the completions and the floor: one paragraph each."""
    text = ""
    for outcome, items in screen.groups.items():
        if not items:
            continue
        compared = [one for one in screen.comparisons if one.outcome == outcome]
        text += _paragraph(f"{words.heading(outcome)} ({len(compared)}):", items)
        contrary = [said for one in compared for said in one.contrary]
        text += _paragraph("But completions differ:", contrary) if contrary else ""
    floor = f"{_cell(screen.floor, 400)}\n\n" if screen.floor else ""
    asked = _paragraph("On request:", screen.requests) if screen.requests else ""
    return f"{text}{_completions(screen)}{floor}{asked}"


def _completions(screen: page.FirstScreen) -> str:
    """What the model says when no word is given, probe by probe."""
    if not screen.completions_lead:
        return ""
    lines = [
        f"- {_cell(one.probe)}: {_cell(one.statement or words.PILLS[one.outcome], 900)}"
        f"{f'; hurtful words: {_cell(one.hurtful, 300)}' if one.hurtful else ''}\n"
        for one in screen.completions
    ]
    return within(f"**{_cell(screen.completions_lead)}:**\n\n", lines, 8_000, limit=30)


def _paragraph(head: str, items: Sequence[str], limit: int = 12) -> str:
    more = f"; {len(items) - limit:,} more in the report" if len(items) > limit else ""
    return f"**{_cell(head)}** {'; '.join(_cell(one, 400) for one in items[:limit])}{more}\n\n"


def _datasets(screen: page.FirstScreen) -> str:
    """One line for each published data set."""
    lines = []
    for data in screen.datasets:
        known = (
            f"{data.measure} {data.value}" if data.value else "",
            f"({data.interval})" if data.interval else "",
        )
        neutral = f"neutral {data.neutral}" if data.neutral else ""
        far = ", ".join(f"{name} {value}" for name, value in data.extremes)
        furthest = f"furthest from neutral: {far}" if far else ""
        said = "; ".join(filter(None, (" ".join(filter(None, known)), neutral, furthest)))
        lines.append(f"- {_cell(data.title)}: {_cell(said, 700) or _cell(data.reason)}\n")
    return "".join(lines) + "\n" if lines else ""


def _every(screen: page.FirstScreen, room: int) -> str:
    """Every comparison, folded; as many as there is room for."""
    rows = [
        _row(
            f"{one.number}",
            f"{words.SIGNS[one.outcome]} {escape(words.PILLS[one.outcome])}",
            _cell(one.probe, 80),
            _cell(one.statement or one.reason, 480),
            _cell(one.value or "none"),
            _cell(one.bounds or "none"),
        )
        for one in screen.comparisons
    ]
    head = ("", "Outcome", "Probe", "In words", words.capital(screen.head), "At least – at most")
    start = f"<details><summary>Every comparison</summary>\n\n{table_head(head, (0, 4, 5))}"
    return f"{within(start, rows, room - 40, limit=100)}</details>\n\n" if rows else ""


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


def _with_title(table: exhibits.Table, room: int, limit: int | None = None) -> str:
    start = f"### {_cell(table.caption)}\n\n{_cell(table.note, 2000)}\n\n{table_head(table.head)}"
    rows = [table_row((cell.text for cell in row), 160) for row in table.rows]
    return within(start, rows, room, limit)


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
