"""Several audits in one page, one Markdown text or one table, for choosing among models."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence

from bias_audit.errors import UnknownNameError, UsageError
from bias_audit.render import _page as page
from bias_audit.render import csv as results_csv
from bias_audit.render._models import Selection, build
from bias_audit.render._together import MOST, runs_of
from bias_audit.render.html import fill
from bias_audit.render.markdown import LIMIT, escape
from bias_audit.results import Results

Given = Sequence[tuple[str, Results]]
"""Runs, each with what it was given as."""


def render(runs: Given, format: str) -> str:
    """Return the runs side by side; the same ones always give the same text.

    Args:
        runs: two runs or more, in the order in which they are shown.
        format: one of :func:`formats`.

    Raises:
        UnknownNameError: no such format.
        UsageError: fewer than two runs, or more than there are letters.
    """
    if format not in _FORMATS:
        raise UnknownNameError("format of several runs", format, formats())
    if not 2 <= len(runs) <= MOST:
        raise UsageError(
            f"expected 2 to {MOST} runs to set side by side, got {len(runs)}",
            hint="leave out the models that are out of the question",
        )
    return _FORMATS[format](runs)


def formats() -> tuple[str, ...]:
    """Names of the formats, in alphabetical order."""
    return tuple(sorted(_FORMATS))


def _html(runs: Given) -> str:
    return fill("models.html.j2", build(runs))


def _markdown(runs: Given) -> str:
    shown = build(runs)
    told = "".join(f"> {escape(text)}\n\n" for text in shown.notices)
    head = f"**{escape(shown.title)}**: {escape(shown.lead)}\n\n{told}{_lines(shown.models)}"
    tail = "\n" + "\n".join(f"- {escape(text)}" for text in shown.remarks) + "\n"
    room = LIMIT - len((head + tail).encode()) - 200
    parts, left = [], 0
    for title, table in _tables(shown):
        text = f"\n### {escape(title)}\n\n{_lines(table)}"
        room -= len(text.encode())
        if room >= 0:
            parts.append(text)
        else:
            left += 1
    more = f"\n*{left} more parts, which do not fit here.*\n" if left else ""
    return head + "".join(parts) + more + tail


def _tables(shown: Selection) -> list[tuple[str, page.Table]]:
    found = [(axis.title, axis.table) for axis in shown.axes]
    return [*found, ("Left out", shown.lost)] if shown.lost else found


def _lines(table: page.Table) -> str:
    rows = [table.head, *(tuple(cell.text for cell in row) for row in table.rows)]
    lines = [f"| {' | '.join(escape(text) for text in row)} |" for row in rows]
    rule = f"| {' | '.join('---' for _ in table.head)} |"
    note = f"\n{escape(table.note)}\n" if table.note else ""
    return "\n".join([lines[0], rule, *lines[1:]]) + "\n" + note


def _csv(runs: Given) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("run", "model", *results_csv.COLUMNS))
    for run, (_, results) in zip(runs_of(runs), runs, strict=True):
        rows = list(csv.reader(io.StringIO(results_csv.render(results))))[1:]
        name = results_csv.cell(run.index.audit.model.name)
        writer.writerows([results_csv.cell(run.place), name, *row] for row in rows)
    return stream.getvalue()


_FORMATS: dict[str, Callable[[Given], str]] = {"csv": _csv, "html": _html, "md": _markdown}

__all__ = ["formats", "render"]
