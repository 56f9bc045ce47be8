"""The closing lines of a run, for a terminal: verdict, findings, where to look next."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal

from bias_audit.reports.formats import Format
from bias_audit.reports.text import ascii_only
from bias_audit.reports.view import page
from bias_audit.reports.view.build import build
from bias_audit.reports.wording import ASCII_SIGNS, OUTCOME_WORDS, SIGNS, tally
from bias_audit.results import Results

if TYPE_CHECKING:
    from rich.console import Console

_Line = Callable[..., None]
_GATES, _FINDINGS, _COMPARISONS, _NUMBERS = 20, 20, 30, 60
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


def show(view: page.Page, console: Console, *, folder: str = "") -> None:
    """Print the lines on a console: colours where it has them, ASCII where it needs it.

    ``folder`` is the run folder: then the report and the next command are named.
    """
    _print(console, view, folder=folder, narrow=console.options.ascii_only)


def first_line(results: Results) -> str:
    """Return the counts of outcomes and gates and the exit code: the first line of all output."""
    return tally(results)


def _print(console: Console, view: page.Page, *, folder: str, narrow: bool) -> None:
    def line(*parts: str | tuple[str, str], indent: int = 0) -> None:
        """Print plain and styled parts, without reading markup in them, as one line."""
        from rich.padding import Padding
        from rich.text import Text

        text = Text()
        for part in parts:
            content, style = (part, "") if isinstance(part, str) else part
            text.append(ascii_only(content) if narrow else content, style=style)
        console.print(Padding(text, (0, 0, 0, indent)), highlight=False, markup=False)

    counts = ascii_only(view.counts) if narrow else view.counts
    console.print(counts, style="bold", highlight=False, markup=False, soft_wrap=True)
    line("")
    _gates(line, view, ASCII_SIGNS if narrow else SIGNS)
    if view.published:
        _datasets(line, console, view, narrow)
    if view.verdict.comparisons or not view.published:
        _findings(line, view)
        _others(line, view)
        _completions(line, view)
    if view.failures is not None:
        line(("Did not run", "bold"))
        for probe, state, why in view.failures.rows[:_GATES]:
            line(f"{probe.text} ({state.text}): {why.text}", indent=2)
        line("")
    line((view.verdict.lead, "bold"))
    for remark in view.verdict.remarks:
        line(remark)
    if folder:
        finding = f" {view.notes[0].finding.id}" if view.notes else ""
        line(("Report  ", "dim"), f"{folder}/report.html")
        line(("Next    ", "dim"), f"bias-audit show {folder}{finding}")


def _gates(line: _Line, view: page.Page, signs: Mapping[str, str]) -> None:
    gates = view.verdict.gates
    for gate in gates[:_GATES]:
        line(
            (f"{signs[gate.state]} {gate.state.upper():<8}", _COLOURS[gate.state]),
            (f"{gate.name}  ", "bold"),
            f"{gate.probe}: {gate.title}",
        )
        line(gate.brief, indent=10)
        why = gate.finding or (gate.reason if gate.state in ("unclear", "error") else "")
        for text in (why, gate.waived, *gate.notices):
            if text and text.rstrip(".").lower() not in gate.brief.lower():
                line((text, "dim"), indent=10)
    if len(gates) > _GATES:
        line((f"{len(gates) - _GATES} more gates in the report", "dim"))
    if gates:
        line("")


def _findings(line: _Line, view: page.Page) -> None:
    if not view.notes:
        line("No association was shown; that is not evidence of absence.")
        line("")
        return
    line(("Associations, strongest first", "bold"))
    for note in view.notes[:_FINDINGS]:
        line((f"{note.finding.id}  ", "dim"), note.finding.headline, indent=2)
        line(note.finding.detail, indent=4)
        line(("; ".join(note.measured), "dim"), indent=4)
    if len(view.notes) > _FINDINGS:
        line((f"{len(view.notes) - _FINDINGS} more in the report", "dim"), indent=2)
    line("")


def _others(line: _Line, view: page.Page) -> None:
    """The comparisons that are no association, by outcome."""
    for outcome in OUTCOME_WORDS:
        every = [one for one in view.verdict.comparisons if one.outcome == outcome]
        if not every or outcome == "association":
            continue
        name, meaning = OUTCOME_WORDS[outcome]
        line((f"{name[:1].upper()}{name[1:]}: {len(every)}", "bold"), (f"  {meaning}", "dim"))
        for one in every[:_COMPARISONS]:
            said = one.statement or f"{one.title}: {one.reason}"
            line(f"{one.probe}: ", said, indent=2)
            if one.contrary:
                line(one.contrary, indent=4)
        if len(every) > _COMPARISONS:
            line((f"{len(every) - _COMPARISONS} more in the report", "dim"), indent=2)
        line("")


def _completions(line: _Line, view: page.Page) -> None:
    """What the model says when no word is given."""
    if not view.verdict.completions:
        return
    line((view.verdict.completions_lead, "bold"), ("  the model fills in any word", "dim"))
    for one in view.verdict.completions[:_COMPARISONS]:
        said = one.statement or one.reason or OUTCOME_WORDS[one.outcome][0]
        line(f"{one.probe}: ", said, indent=2)
        if one.hurtful:
            line((f"Hurtful completions: {one.hurtful}", "dim"), indent=4)
    if (more := len(view.verdict.completions) - _COMPARISONS) > 0:
        line((f"{more} more in the report", "dim"), indent=2)
    line("")


def _datasets(line: _Line, console: Console, view: page.Page, narrow: bool) -> None:
    """Numbers of data sets."""
    from rich.table import Table
    from rich.text import Text

    spell: Callable[[str], str] = ascii_only if narrow else str
    for data in view.published:
        line((data.caption, "bold"))
        table = Table(box=None, pad_edge=False)
        for place, name in enumerate(data.head):
            long = any(row[place].long for row in data.rows)
            side: Literal["left", "right"] = "left" if long else "right"
            table.add_column(Text(spell(name)), justify=side, overflow="fold")
        for row in data.rows[:_NUMBERS]:
            table.add_row(*(Text(spell(cell.text)) for cell in row))
        console.print(table)
        if len(data.rows) > _NUMBERS:
            line((f"{len(data.rows) - _NUMBERS} more in the report", "dim"))
        line((data.note, "dim"))
        line("")


FORMATS = (Format("terminal", render),)
