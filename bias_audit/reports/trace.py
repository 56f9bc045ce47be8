"""Two models side by side: every format that ``trace`` writes."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from bias_audit.errors import UnknownNameError
from bias_audit.reports import wording as words
from bias_audit.reports.formats import markdown
from bias_audit.reports.text import bounds, clean, count, p_value, size, with_sign
from bias_audit.results.io import dump_json, round_floats
from bias_audit.results.trace import Trace, TracedComparison, TracedGap, TracedOrder, TracedRun

_WIDTH = 110
_CLOSING = (
    "Each number is in the unit of its own model; none is made of both. An order is Spearman's"
    " rank correlation of what both models have: 1 is the same order, 0 no relation, -1 the"
    " reverse. Its {level:g} % interval draws words (or groups) with replacement, as if each stood"
    " for itself, and p exchanges them. The sign depends on what each probe calls its first pole."
    " A like order is no proof that the one comes from the other."
)


class _Sheet(NamedTuple):
    """One table in words."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...]
    """Columns that are aligned to the right."""


def render(trace: Trace, format: str) -> str:
    """Return a trace in the named format; the same one always gives the same text.

    Raises:
        UnknownNameError: no such format.
    """
    if format not in _FORMATS:
        raise UnknownNameError("format of a trace", format, tuple(sorted(_FORMATS)))
    return _FORMATS[format](trace)


def headline(trace: Trace) -> str:
    """Say what lies side by side, and how much of it."""
    sides = " and ".join(map(_side, (trace.base, trace.deployed)))
    orders = sum(order.spearman is not None for order in trace.orders)
    compared = count(len(trace.comparisons), "comparison")
    return f"{sides}: {compared} of the same groups, {count(orders, 'order')} compared"


def _side(run: TracedRun) -> str:
    name = clean(run.name)
    model = "" if run.model.name == run.name else f"{clean(run.model.name)}, "
    return f"{name} ({model}read as {run.model.reading}, {run.unit})"


def _sheets(trace: Trace) -> Iterator[_Sheet]:
    if trace.comparisons:
        yield _Sheet(
            "The same groups in both",
            ("Comparison", "Probe", clean(trace.base.name), clean(trace.deployed.name)),
            tuple(map(_comparison, trace.comparisons)),
            (),
        )
    if trace.orders:
        yield _Sheet(
            "Is the order the same?",
            ("Over", "Probe", "n", "Spearman", "Interval", "p"),
            tuple(map(_order, trace.orders)),
            (2, 3, 5),
        )


def _comparison(row: TracedComparison) -> tuple[str, ...]:
    return (
        clean(" vs ".join(row.group_labels or row.groups)),
        _probes(row.base.probe, row.deployed.probe),
        _gap(row.base),
        _gap(row.deployed),
    )


def _gap(gap: TracedGap) -> str:
    """A gap as its own report tells it: size, unit, interval, direction, outcome."""
    outcome = words.PILLS[gap.outcome] if gap.outcome else "not judged"
    if gap.estimate is None:
        return outcome
    pole = clean(gap.plus if gap.estimate >= 0 else gap.minus)
    number = f"{with_sign(gap.estimate)} {gap.unit} {bounds(gap.ci_low, gap.ci_high)}".strip()
    told = f"{size(abs(gap.estimate), gap.unit)} towards {pole}" if pole else ""
    return "; ".join(filter(None, (number, told, outcome)))


def _probes(base: str, deployed: str) -> str:
    return clean(base if base == deployed else f"{base} / {deployed}")


def _order(row: TracedOrder) -> tuple[str, ...]:
    over = f"{row.over}, {' vs '.join(row.group_labels)}" if row.group_labels else row.over
    probes = _probes(row.base_probe, row.deployed_probe)
    if row.spearman is None:
        return clean(over), probes, str(row.n), "none", clean(row.reason), ""
    p = "" if row.p is None else p_value(row.p)
    inside = bounds(row.low, row.high)
    return clean(over), probes, str(row.n), with_sign(row.spearman), inside, p


def _lines(trace: Trace) -> list[str]:
    notes = [f"Note: {clean(notice)}." for notice in trace.notices]
    return [*notes, _CLOSING.format(level=100 * trace.confidence)]


def _terminal(trace: Trace) -> str:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    stream = io.StringIO()
    console = Console(
        file=stream, width=_WIDTH, color_system=None, force_terminal=False, emoji=False
    )
    console.print(Text(headline(trace)), highlight=False)
    for sheet in _sheets(trace):
        console.print(Text(f"\n{sheet.title}"), highlight=False)
        table = Table(box=None, pad_edge=False)
        for place, name in enumerate(sheet.head):
            side: Literal["left", "right"] = "right" if place in sheet.numbers else "left"
            table.add_column(Text(name), justify=side, overflow="fold")
        for row in sheet.rows:
            table.add_row(*map(Text, row))
        console.print(table)
    console.print()
    for line in _lines(trace):
        console.print(Text(line), highlight=False)
    return "\n".join(text.rstrip() for text in stream.getvalue().splitlines()) + "\n"


def _markdown(trace: Trace) -> str:
    parts = [f"**{markdown.escape(headline(trace))}**\n"]
    for sheet in _sheets(trace):
        rows = "".join(markdown.table_row(row) for row in sheet.rows)
        head = markdown.table_head(sheet.head, sheet.numbers)
        parts.append(f"### {sheet.title}\n\n{head}{rows}")
    tail = "\n\n".join(map(markdown.escape, _lines(trace))) + "\n"
    room = markdown.LIMIT - len(tail.encode())
    return markdown.within("", [f"{part}\n" for part in parts], room, more=" parts") + tail


def _json(trace: Trace) -> str:
    return dump_json(round_floats(trace.model_dump(mode="json")))


_FORMATS: dict[str, Callable[[Trace], str]] = {
    "json": _json,
    "md": _markdown,
    "terminal": _terminal,
}
