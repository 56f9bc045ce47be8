"""``summary.md``: the verdict first, small enough for a comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bias_audit.archive import Results
from bias_audit.render import _page as page
from bias_audit.render._words import SIGNS
from bias_audit.render.view import build

LIMIT = 58_000
"""Bytes; a comment on GitHub holds 65,536 characters."""
_GATES, _FAILURES = 40, 15
_SPECIAL = re.compile(r"([\\`*_\[\]|~<>&])")
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}


def render(results: Results) -> str:
    """Return the summary; what does not fit is counted at its end."""
    shown = build(results)
    head = _join([*_verdict(shown), *_gates(shown)])
    tail = _join([*_failures(shown), *_closing(shown)])
    body, left = _fit(shown, LIMIT - _size(head) - _size(tail) - 200)
    if left:
        body += f"\n*{left} more in the report.*\n"
    return f"{head}\n{body}\n{tail}"


def escape(text: str) -> str:
    """Show a text as it is: no markup, no mention of a person, no link."""
    text = _SPECIAL.sub(lambda m: _ENTITIES.get(m.group(1), "\\" + m.group(1)), text)
    return text.replace("@", "&#64;").replace("://", "&#58;//").replace("www.", "www&#46;")


def _join(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"


def _size(text: str) -> int:
    return len(text.encode("utf-8"))


def _verdict(shown: page.Page) -> list[str]:
    tallies = " · ".join(f"{SIGNS[t.state]} {t.number} {t.word}" for t in shown.verdict.tallies)
    lines = [f"**{escape(shown.verdict.lead)}**", "", tallies.replace("~", "\\~"), ""]
    lines += [f"> {escape(remark)}\n" for remark in shown.verdict.remarks]
    return [*lines, f"### {escape(shown.title)}", "", escape(shown.subtitle), ""]


def _gates(shown: page.Page) -> list[str]:
    gates = shown.verdict.gates
    if not gates:
        return []
    lines = ["| State | Gate | Measured | Allowed |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {SIGNS[gate.state].replace('~', '&#126;')} {gate.state} | {escape(gate.probe)}: "
        f"{escape(gate.title)}{'' if gate.enforced else ' (for information)'} | "
        f"{escape(gate.measured)} | {escape(gate.allowed)} |"
        for gate in gates[:_GATES]
    ]
    if len(gates) > _GATES:
        lines += ["", f"*{len(gates) - _GATES} more in the report.*"]
    return [*lines, ""]


def _fit(shown: page.Page, room: int) -> tuple[str, int]:
    """As many findings as fit, and the number of those that do not."""
    text = "### Findings\n\n"
    if not shown.notes:
        return f"{text}No finding was recorded. That is not evidence of absence.\n", 0
    for done, note in enumerate(shown.notes):
        block = _finding(note)
        if _size(text) + _size(block) > room:
            return text, len(shown.notes) - done
        text += block
    return text, 0


def _finding(note: page.Note) -> str:
    facts = "; ".join(note.measured)
    lines = [
        f"- **{escape(note.headline)}** {escape(note.detail)}",
        f"  {escape(facts)}. Size {note.severity}, evidence {note.evidence}. {escape(note.id)}",
    ]
    lines += [f"  *{escape(notice)}*" for notice in note.notices]
    return _join(lines)


def _failures(shown: page.Page) -> list[str]:
    if shown.failures is None:
        return []
    rows = shown.failures.rows
    lines = ["### What did not run", ""]
    lines += [
        f"- {escape(probe.text)} ({escape(state.text)}): {escape(why.text)}"
        for probe, state, why in rows[:_FAILURES]
    ]
    if len(rows) > _FAILURES:
        lines.append(f"- {len(rows) - _FAILURES} more in the report")
    return [*lines, ""]


def _closing(shown: page.Page) -> list[str]:
    return [
        "---",
        f"{shown.can} {shown.cannot}",
        "",
        "Charts, sentences, method and limits: `report.html` in the run's folder.",
    ]
