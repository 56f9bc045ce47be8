"""The closing lines of a run, for a terminal: verdict, findings, where to look next."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from bias_audit.reports.formats import Format
from bias_audit.reports.text import ascii_only
from bias_audit.reports.view import page
from bias_audit.reports.view.build import build
from bias_audit.reports.wording import ASCII_SIGNS, SIGNS, tally
from bias_audit.results import Results

if TYPE_CHECKING:
    from rich.console import Console

_GATES, _FINDINGS, _NUMBERS = 20, 20, 60
_COLOURS = {"fail": "bold red", "unclear": "yellow", "error": "bold magenta", "pass": "green",
            "waived": "cyan", "skipped": "dim"}  # fmt: skip


def render(results: Results, *, width: int = 100, ascii: bool = False) -> str:
    """Return the lines as plain text without colours, in ASCII if asked for."""
    from rich.console import Console

    stream = io.StringIO()
    console = Console(
        file=stream, width=width, color_system=None, force_terminal=False, emoji=False
    )
    _print(console, build(results), folder="", narrow=ascii)
    text = "\n".join(line.rstrip() for line in stream.getvalue().splitlines())
    return text + "\n"


def show(results: Results, console: Console, *, folder: str = "") -> None:
    """Print the lines on a console: colours where it has them, ASCII where it needs it.

    ``folder`` is the run folder: then the report and the next command are named.
    """
    _print(console, build(results), folder=folder, narrow=console.options.ascii_only)


def first_line(results: Results) -> str:
    """Return the counts of all six states and the exit code: the first line of every output."""
    return tally(results.states, results.exit_code)


class _Writer:
    """Prints lines without reading markup in them, in ASCII when the stream can do no more."""

    def __init__(self, console: Console, narrow: bool) -> None:
        self.console = console
        self.narrow = narrow

    def line(self, *parts: tuple[str, str], indent: int = 0) -> None:
        """Print styled parts as one line, wrapped with a hanging indent."""
        from rich.padding import Padding
        from rich.text import Text

        text = Text()
        for content, style in parts:
            text.append(ascii_only(content) if self.narrow else content, style=style)
        self.console.print(Padding(text, (0, 0, 0, indent)), highlight=False, markup=False)


def _print(console: Console, view: page.Page, *, folder: str, narrow: bool) -> None:
    out = _Writer(console, narrow)
    out.line((view.counts, "bold"))
    out.line(("", ""))
    _gates(out, view)
    if view.published:
        _published(out, view)
    else:
        _findings(out, view)
    if view.failures is not None:
        out.line(("Did not run", "bold"))
        for probe, state, why in view.failures.rows[:_GATES]:
            out.line((f"{probe.text} ({state.text}): {why.text}", ""), indent=2)
        out.line(("", ""))
    _closing(out, view, folder)


def _gates(out: _Writer, view: page.Page) -> None:
    gates = view.verdict.gates
    mixed = len({gate.enforced for gate in gates}) == 2
    for gate in gates[:_GATES]:
        sign = (ASCII_SIGNS if out.narrow else SIGNS)[gate.state]
        out.line(
            (f"{sign} {gate.state.upper():<8}", _COLOURS[gate.state]),
            (f"{gate.probe}: {gate.title}", "bold"),
            ("  (for information)" if mixed and not gate.enforced else "", "dim"),
        )
        out.line((gate.brief, ""), indent=10)
        told = gate.finding or (gate.reason if gate.state in ("unclear", "error") else "")
        for text in (told, gate.waived):
            if text and text.rstrip(".").lower() not in gate.brief.lower():
                out.line((text, "dim"), indent=10)
    if len(gates) > _GATES:
        out.line((f"{len(gates) - _GATES} more gates in the report", "dim"))
    out.line(("", ""))


def _findings(out: _Writer, view: page.Page) -> None:
    if not view.notes:
        out.line(("No finding was recorded; that is not evidence of absence.", ""))
        out.line(("", ""))
        return
    out.line(("Findings, strongest first", "bold"))
    for note in view.notes[:_FINDINGS]:
        out.line((f"{note.id}  ", "dim"), (note.headline, ""), indent=2)
        out.line((note.detail, ""), indent=4)
        out.line(("; ".join(note.measured), "dim"), indent=4)
    if len(view.notes) > _FINDINGS:
        out.line((f"{len(view.notes) - _FINDINGS} more in the report", "dim"), indent=2)
    out.line(("", ""))


def _published(out: _Writer, view: page.Page) -> None:
    """Numbers of data sets; such a run has no gate and no finding."""
    from rich.table import Table
    from rich.text import Text

    def _text(text: str) -> Text:
        return Text(ascii_only(text) if out.narrow else text)

    for data in view.published:
        out.line((data.caption, "bold"))
        table = Table(box=None, pad_edge=False)
        for place, name in enumerate(data.head):
            long = any(row[place].long for row in data.rows)
            table.add_column(_text(name), justify="left" if long else "right", overflow="fold")
        for row in data.rows[:_NUMBERS]:
            table.add_row(*(_text(cell.text) for cell in row))
        out.console.print(table)
        if len(data.rows) > _NUMBERS:
            out.line((f"{len(data.rows) - _NUMBERS} more in the report", "dim"))
        out.line((data.note, "dim"))
        out.line(("", ""))


def _closing(out: _Writer, view: page.Page, folder: str) -> None:
    out.line((view.verdict.lead, "bold"))
    for remark in view.verdict.remarks:
        out.line((remark, ""))
    if folder:
        out.line(("Report  ", "dim"), (f"{folder}/report.html", ""))
        finding = f" {view.notes[0].id}" if view.notes else ""
        out.line(("Next    ", "dim"), (f"bias-audit show {folder}{finding}", ""))


FORMATS = (Format("terminal", render),)
