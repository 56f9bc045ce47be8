"""The first screen of an audit for a terminal: what the model says, and where to look next."""

from __future__ import annotations

import io
import re
import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from bias_audit.reports import wording as words
from bias_audit.reports.formats import Format
from bias_audit.reports.text import ascii_only, count
from bias_audit.reports.view import page
from bias_audit.reports.view.build import build
from bias_audit.reports.view.examples import card_examples
from bias_audit.reports.view.index import Index
from bias_audit.results import Results

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_GATES, _ASSOCIATIONS = 20, 7
"""Gates and associations that are shown."""
_LINES, _CLOSING, _PARAGRAPH = 30, 3, 2
"""Lines of a default run at 100 columns, of its end, and those that a paragraph may fill."""
_NARROW, _WIDEST, _UNKNOWN = 76, 112, 100
"""Columns without room for axes, columns that are used, columns where nobody says how many."""
_AXIS, _VALUE, _BOUNDS, _CONTROL = 11, 15, 15, 7
_COLOURS = {"fail": "bold red", "unclear": "yellow", "error": "bold magenta", "pass": "green",
            "waived": "cyan", "skipped": "dim"}  # fmt: skip
_LEAST = 12
"""Lines that associations have in any case, such as below gates."""

_PAIRS = 20
"""Sentence pairs of a comparison that are printed."""
_MASK = re.compile(r"<mask[^<>]*>")
_TIED, _TIE = re.compile(r" (?=[%×]|of \d{4}-)|(?<=of) (?=\d{4}-)"), "\ue000"
"""Blanks before a sign or a day, where no line ends, and what stands for them."""

Part = str | tuple[str, str]
"""A text, or a text with its style."""


def render(results: Results, *, width: int = _UNKNOWN, ascii: bool = False) -> str:
    """Return the lines as plain text without colours, in ASCII if asked for."""
    from rich.console import Console

    stream = io.StringIO()
    console = Console(
        file=stream, width=width, color_system=None, force_terminal=False, emoji=False
    )
    screen = _Screen(console, narrow=ascii)
    screen.show(build(results).first_screen)
    screen.print()
    return stream.getvalue()


def show(view: page.Page, console: Console, *, folder: str = "", every: bool = False) -> None:
    """Print the first screen: colours where the console has them, ASCII where it needs it.

    Args:
        view: the audit in words.
        console: where to.
        folder: the run folder; then the report and the next command are named.
        every: print every gate that passed, and every comparison below it.
    """
    screen = _Screen(console, narrow=console.options.ascii_only)
    screen.show(view.first_screen, every=every)
    if every:
        screen.comparisons(view.first_screen.comparisons)
    if folder:
        screen.next(view.first_screen, folder)
    screen.print()


def show_comparison(view: page.Page, line: page.OutcomeLine, console: Console) -> None:
    """Print one comparison down to its sentence frames and its sentence pairs."""
    screen = _Screen(console, narrow=console.options.ascii_only)
    index = Index(view.audit)
    result = index.results[line.result]
    name = " ".join((line.name, "".join(line.marks))).rstrip()
    screen.line((f"{line.number}  {name}", "bold"), f"  {words.PILLS[line.outcome]}", hang=3)
    screen.line(line.statement or line.reason, hang=2)
    if line.value:
        measured = f"{line.towards} {line.value}"
        screen.line(f"Measured: {'; '.join(filter(None, (measured, line.interval)))}", hang=2)
    if line.reason and line.reason.rstrip(".").lower() not in line.statement.lower():
        screen.line(f"Why: {line.reason}", hang=2)
    rounded = words.bounds_note(result.unit) if line.bounds else ""
    for text in filter(None, (rounded, *line.beside, line.control_note)):
        screen.line(text, hang=2)
    screen.line(f"{line.probe}, {line.axis}: {line.size}", hang=2)
    for notice in line.notices:
        if notice not in line.beside:
            screen.line(f"Notice: {notice}", hang=2)
    for text in line.contrary:
        screen.line(f"But completions differ: {text}", hang=2)
    if result.by_template:
        screen.line((f"Sentence by sentence, {index.scale.head}", "bold"))
    sign = 1 if (result.estimate or 0.0) >= 0 else -1
    for effect in sorted(result.by_template, key=lambda e: -sign * e.value):
        turned = " the other way" if sign * effect.value < 0 else ""
        size = f"{words.times_or_number(effect.value, result.unit)}{turned}"
        screen.line((f"{size:>8}  ", "bold"), _MASK.sub("___", effect.text), hang=10)
    shown, harmful = card_examples(index, result, most=_PAIRS)
    if shown:
        screen.line(("Sentence pairs", "bold"))
    for one in shown:
        pole = f", {one.pole}" if one.pole else ""
        said = (f"{one.kind}{pole}: “{one.sentence}”  ", "dim")
        screen.line(said, one.percentages, indent=2, hang=2)
    if harmful:
        hidden = count(len(harmful), "sentence pair")
        screen.line(f"{hidden} with harmful words: the report holds them", indent=2)
    screen.line(f"Every cell is in evidence.csv.gz, column probe = {result.probe}", hang=2)
    screen.print()


def say(text: str, console: Console) -> None:
    """Print a text as :func:`show` prints: as wide, in the same letters."""
    screen = _Screen(console, narrow=console.options.ascii_only)
    screen.line((text, "dim"))
    screen.print()


def first_line(results: Results) -> str:
    """Return the counts of outcomes and gates and the exit code: all of an audit in one line."""
    return words.tally(results)


class _Screen:
    """A console with the width and the letters that it has."""

    def __init__(self, console: Console, *, narrow: bool) -> None:
        import os

        sized = console.is_terminal or "COLUMNS" in os.environ or console._width
        self.console = console
        self.width = min(max(console.width if sized else _UNKNOWN, 40), _WIDEST)
        self.spell = ascii_only if narrow else str
        self.signs = words.ASCII_SIGNS if narrow else words.SIGNS
        self.wide = self.width >= _NARROW
        self.lines: list[Text] = []

    def print(self) -> None:
        """Print all lines."""
        for line in self.lines:
            self.console.print(line, soft_wrap=True, highlight=False, markup=False)

    def show(self, screen: page.FirstScreen, *, every: bool = False) -> None:
        """Write a first screen: examples where the lines for a default run leave room for them."""
        self.line((screen.headline, "bold"))
        for remark in screen.remarks:
            self.line((remark, "yellow"))
        if screen.exit_code and not screen.gates:
            self.line((f"Exit code {screen.exit_code}", "yellow"))
        self.line()
        self._gates(screen, every=every)
        self._datasets(screen)
        if screen.comparisons or not screen.datasets:
            above, self.lines = self.lines, []
            self._rest(screen)
            self._completions(screen)
            below, self.lines = self.lines, above
            room = _LINES - len(above) - len(below) - bool(screen.floor) - _CLOSING
            self._associations(screen, room if self.width >= _UNKNOWN else _LINES)
            self.lines += below
        if screen.floor:
            self.line((screen.floor, "dim"))
        for text in screen.requests:
            self.line(("On request  ", "bold"), text, hang=2)

    def line(self, *parts: Part, indent: int = 0, hang: int = 0, most: int = 0) -> None:
        """Write plain and styled parts, without reading markup in them, folded at blanks.

        Args:
            parts: texts in their order.
            indent: blanks before each line.
            hang: further blanks before each line but the first.
            most: lines to which it is cut, which is said.
        """
        from rich.text import Text

        text = Text()
        for part in parts:
            content, style = (part, "") if isinstance(part, str) else part
            text.append(_TIED.sub(_TIE, self.spell(content)), style=style)
        lines = list(text.wrap(self.console, self.width - indent - hang)) or [text]
        if most and len(lines) > most:
            lines = lines[:most]
            lines[-1].rstrip()
            lines[-1].truncate(self.width - indent - hang - 4)
            lines[-1].append(self.spell(" …"))
        for number, one in enumerate(lines):
            one.rstrip()
            one.plain = one.plain.replace(_TIE, " ")
            blanks = " " * (indent + (hang if number else 0))
            self.lines.append(Text(blanks) + one)

    def listing(
        self, head: str, items: Sequence[str], *, indent: int = 0, most: int = _PARAGRAPH
    ) -> None:
        """Write as many items as fit into a few lines behind their head, and count the others."""
        room = most * (self.width - indent) - 24
        shown: list[str] = []
        for item in items:
            if shown and len(head) + sum(len(one) + 2 for one in (*shown, item)) > room:
                break
            shown.append(item)
        left = len(items) - len(shown)
        more = f"; {left} more in the report" if left else ""
        self.line((head, "bold"), f" {'; '.join(shown)}{more}", indent=indent, hang=2)

    def columns(self, cells: Sequence[tuple[str, int, str, str]]) -> None:
        """Write cells beside each other: (text, width, ``<`` or ``>``, style); long ones fold."""
        from rich.text import Text

        folded = [
            textwrap.wrap(self.spell(text), width, break_on_hyphens=False) or [""]
            for text, width, _, _ in cells
        ]
        for number in range(max(map(len, folded))):
            row = Text()
            for (_, width, side, style), lines in zip(cells, folded, strict=True):
                text = lines[number] if number < len(lines) else ""
                row.append(_pad(text, width, side), style=style)
                row.append("  ")
            row.rstrip()
            self.lines.append(row)

    def _gates(self, screen: page.FirstScreen, *, every: bool) -> None:
        """Write a line for each gate, worst first; those that passed together, unless asked."""
        if not screen.gates:
            return
        self.line((f"Gates: {screen.gates_lead}; exit code {screen.exit_code}", "bold"))
        shown = [gate for gate in screen.gates if every or gate.state != "pass"]
        if shown:
            self._gate_table(shown)
        passed = Counter(gate.name for gate in screen.gates if gate.state == "pass")
        if passed and not every:
            sign = f"{self.signs['pass']} {words.PILLS['pass']}"
            many = [f"{name}{f' ({n} comparisons)' if n > 1 else ''}" for name, n in passed.items()]
            self.line((f"{sign:9}  ", _COLOURS["pass"]), ", ".join(many), hang=11)
        self.line()

    def _gate_table(self, every: Sequence[page.GateLine]) -> None:
        """Write gates as a table, with what stands behind those that did not pass."""
        gates = every[:_GATES]
        rows = [(gate.value or "none", gate.interval, gate.limit or "none") for gate in gates]
        heads = ("measured", "90 % interval", "limit")
        columns = zip(heads, *rows, strict=True)
        ends = [min(max(map(len, column)), _VALUE) for column in columns]
        name = max(len("gate"), *(len(gate.name) for gate in gates))
        name = min(name, 24 if self.wide else 10)
        shown = (0, 1, 2) if self.wide else (0, 2)
        what = max(self.width - 9 - name - sum(ends[i] + 2 for i in shown) - 4, 10)
        head = [("", 9, "<", ""), ("gate", name, "<", "dim"), ("comparison", what, "<", "dim")]
        self.columns([*head, *((heads[i], ends[i], ">", "dim") for i in shown)])
        said: set[str] = set()
        for gate, row in zip(gates, rows, strict=True):
            sign = f"{self.signs[gate.state]} {words.PILLS[gate.state]}"
            cells = [(sign, 9, "<", _COLOURS[gate.state]), (gate.name, name, "<", "bold")]
            cells += [(gate.title, what, "<", ""), *((row[i], ends[i], ">", "") for i in shown)]
            self.columns(cells)
            if gate.interval and not self.wide:
                self.line((f"{heads[1]}: ", "dim"), gate.interval, indent=11)
            self._behind(gate, why=gate.why if gate.name not in said else "")
            said.add(gate.name)
        if len(every) > _GATES:
            self.line((f"{len(every) - _GATES} more gates in the report", "dim"))

    def _behind(self, gate: page.GateLine, *, why: str) -> None:
        """What stands behind a gate that did not pass: an example, its limit, what is undecided."""
        if gate.state in ("unclear", "error"):
            self.line((gate.reason, "dim"), indent=11, most=_PARAGRAPH)
        if why and gate.state != "pass":
            self.line(("Why this limit: ", "dim"), (why, "dim"), indent=11, most=_PARAGRAPH)
        for notice in gate.notices:
            self.line((notice, "dim"), indent=11, most=_PARAGRAPH)
        if gate.waived:
            self.line((gate.waived, "dim"), indent=11, most=_PARAGRAPH)
        if gate.example and gate.state not in ("pass", "skipped", "error"):
            self._example(gate.example, indent=11)

    def _example(self, example: page.Example, indent: int = 5) -> None:
        kind = f"{example.kind}: " if example.kind else ""
        quoted = f"{kind}“{example.sentence}”  "
        self.line((quoted, "dim"), (example.percentages, ""), indent=indent, hang=2)

    def _associations(self, screen: page.FirstScreen, room: int) -> None:
        """Write the associations as a table, with as many examples as there is room for."""
        self.line((screen.lead, "bold"))
        if not screen.associations:
            if screen.comparisons:
                self.line("No association was shown; that is not evidence of absence.")
            return
        heads = (screen.head, "at least – most", "control")
        self._row("", "strongest first", "", *heads, "dim")
        spare = max(room, _LEAST) - 2 - self._lines_of(screen.legend)
        spare -= sum(self._lines_of(text) for one in screen.associations for text in one.beside)
        shown: list[page.OutcomeLine] = []
        for one in screen.associations[:_ASSOCIATIONS]:
            height = len(textwrap.wrap(one.name, self._name_width)) or 1
            if shown and height > spare - 1:
                break
            shown.append(one)
            spare -= height
        more = len(screen.associations) - len(shown)
        spare -= more > 0
        for one in shown:
            name = " ".join((one.name, "".join(one.marks))).rstrip()
            values = (one.value, one.bounds, one.control)
            self._row(f"{one.number}", name, one.axis, *values, "bold")
            for text in one.beside:
                self.line((text, "yellow"), indent=5)
            height = sum(map(self._height, one.examples))
            for example in one.examples if height <= spare else ():
                spare -= self._height(example)
                self._example(example)
            if one.folded and not one.examples and spare:
                spare -= 1
                self.line(("its sentences hold harmful words and are folded", "dim"), indent=5)
        if screen.legend:
            self.line((screen.legend, "dim"), indent=4)
        if more:
            self.line((f"{more} more in the report", "dim"), indent=4)

    def _height(self, example: page.Example) -> int:
        said = len(example.kind) + len(example.sentence) + len(example.percentages) + 6
        return 1 + said // (self.width - 7)

    def _lines_of(self, text: str) -> int:
        return len(textwrap.wrap(text, self.width - 5))

    @property
    def _name_width(self) -> int:
        axis = _AXIS + _CONTROL + 4 if self.wide else 0
        return self.width - 8 - _VALUE - _BOUNDS - axis

    def _row(self, *texts: str) -> None:
        number, name, axis, value, bounds, control, style = texts
        digits = max(2, len(number))
        cells = [(number, digits, ">", "dim")]
        cells += [(name, self._name_width + 2 - digits, "<", style if number else "dim")]
        cells += [(axis, _AXIS, "<", "dim")] if self.wide else []
        cells += [(value, _VALUE, ">", style), (bounds, _BOUNDS, ">", "")]
        self.columns([*cells, (control, _CONTROL, ">", "dim")] if self.wide else cells)

    def _rest(self, screen: page.FirstScreen) -> None:
        """What is no association, one paragraph for each outcome."""
        for outcome, items in screen.groups.items():
            if not items:
                continue
            total = sum(one.outcome == outcome for one in screen.comparisons)
            self.listing(f"{words.heading(outcome)} ({total}):", items)
            contrary = [
                said
                for one in screen.comparisons
                if one.outcome == outcome
                for said in one.contrary
            ]
            if contrary:
                self.listing("but completions differ:", contrary, indent=2, most=1)

    def _completions(self, screen: page.FirstScreen) -> None:
        """What the model says when no word is given."""
        if not screen.completions_lead:
            return
        told = [one.brief for one in screen.completions if one.brief]
        self.listing(f"{screen.completions_lead}{':' if told else '.'}", told)

    def _datasets(self, screen: page.FirstScreen) -> None:
        """Published data sets: the overall number, and where it is furthest from neutral."""
        for data in screen.datasets:
            self.line((data.title, "bold"), (": measured and never judged", "dim"))
            if not data.value:
                self.line(data.reason or "no number", indent=2)
                continue
            interval = f" ({data.interval})" if data.interval else ""
            neutral = f", neutral {data.neutral}" if data.neutral else ""
            self.line(
                f"{data.measure}: ",
                (data.value, "bold"),
                f"{interval}{neutral}, {data.items:,} items",
                indent=2,
            )
            for head, pairs in (
                ("furthest from neutral:", data.extremes),
                ("further measures:", data.others),
            ):
                if pairs:
                    self.listing(head, [f"{name} {value}" for name, value in pairs], indent=2)
        if screen.datasets:
            self.line()

    def comparisons(self, every: Iterable[page.OutcomeLine]) -> None:
        """Write every comparison with its outcome."""
        self.line()
        self.line(("Every comparison", "bold"))
        for one in every:
            values = (one.value, one.bounds, one.control)
            self._row(f"{one.number}", one.name, one.axis, *values, "bold")
            said = one.statement or f"{words.PILLS[one.outcome]}: {one.reason}"
            self.line((f"{words.PILLS[one.outcome]}: ", "dim"), (said, "dim"), indent=5)

    def next(self, screen: page.FirstScreen, folder: str) -> None:
        """Name the report and the next commands."""
        where = "" if folder.startswith("audit-runs") else f"{folder} "
        steps = [f"bias-audit show {where}1"] if screen.comparisons else []
        if screen.comparisons and not screen.gates:
            steps.append("set limits: bias-audit init --ci github")
        self.line()
        self.line(("Report  ", "bold"), f"{folder}/report.html", hang=8)
        if steps:
            self.line(("Next    ", "bold"), " · ".join(steps), hang=8)


def _pad(text: str, width: int, side: str) -> str:
    """The text in so many columns of a terminal, at the left or the right of them."""
    from rich.cells import cell_len

    blanks = " " * max(width - cell_len(text), 0)
    return text + blanks if side == "<" else blanks + text


FORMATS = (Format("terminal", render),)
