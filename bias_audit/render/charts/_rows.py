"""Charts whose rows stand below each other: intervals, and dots on a line.

Heights are in pixels from the top. On a narrow sheet the words of a row stand above its marks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bias_audit.render.charts._sheet import Sheet, reach, wrap
from bias_audit.reports.text import plain, short, times
from bias_audit.reports.view import page as shapes
from bias_audit.reports.wording import SIGNS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LEFT, _RIGHT, _ROW = 210, 196, 23
_MARKS = {"fail": "D", "pass": "o", "unclear": "o"}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Line:
    """A heading (then ``row`` is None) or a row, with its place."""

    row: shapes.IntervalRow | None
    words: tuple[str, ...]
    top: float
    height: float


def intervals(sheet: Sheet, picture: shapes.Intervals) -> None:
    """Draw dots with intervals, the neutral line and the allowed band."""
    lines = _lines(sheet, picture.rows)
    height = lines[-1].top + lines[-1].height
    axes = _plane(sheet, height)
    ends = [
        value
        for row in picture.rows
        for value in (row.estimate, row.low, row.high, row.margin, -(row.margin or 0.0))
        if value is not None
    ]
    sheet.scale(axes, *reach(ends), picture.unit)
    for line in lines:
        if line.row is None:
            _title(sheet, axes, line)
        else:
            _interval(sheet, axes, line, line.row, picture)
    axes.axvline(0, color=sheet.tones["ink"], linewidth=1.1)
    sheet.ends(axes, picture.left, picture.right, picture.unit)


def _plane(sheet: Sheet, height: float, left: int = _LEFT, right: int = _RIGHT) -> Axes:
    axes = sheet.plane(
        height, left=10 if sheet.narrow else left, right=10 if sheet.narrow else right
    )
    axes.set_ylim(height, 0)
    axes.set_yticks([])
    return axes


def _lines(sheet: Sheet, rows: Sequence[shapes.IntervalRow]) -> list[_Line]:
    lines: list[_Line] = []
    heading, top = ("", ""), 0.0
    tall = (56 if any(row.state for row in rows) else 40) if sheet.narrow else _ROW
    for row in rows:
        if row.heading and (row.heading, row.part) != heading:
            heading = (row.heading, row.part)
            words = (
                [part for piece in row.heading.split("   ") for part in wrap(piece, 46)]
                if sheet.narrow
                else [short(row.heading, 104)]
            )
            size = 15 * len(words) + 12 if sheet.narrow else _ROW
            lines.append(_Line(row=None, words=tuple(words), top=top, height=size))
            top += size
        lines.append(_Line(row=row, words=(row.label,), top=top, height=tall))
        top += tall
    return lines


def _title(sheet: Sheet, axes: Axes, line: _Line) -> None:
    """A heading across the plot; the lines behind it are interrupted."""
    axes.axhspan(line.top - 2, line.top + line.height, color=sheet.tones["paper"], zorder=2.5,
                 linewidth=0)  # fmt: skip
    if not sheet.narrow:
        middle = line.top + line.height / 2
        sheet.say(axes, (0, middle), line.words[0], (-_LEFT + 4, -2), across=True, bold=True)
        return
    for place, words in enumerate(line.words):
        spot = (0, line.top + 14 + 15 * place)
        sheet.say(axes, spot, words, (-6, 0), across=True, bold=place == 0)


def _interval(
    sheet: Sheet, axes: Axes, line: _Line, row: shapes.IntervalRow, picture: shapes.Intervals
) -> None:
    y = line.top + (line.height - 17 if sheet.narrow else line.height / 2)
    tone = row.state if row.state in SIGNS else "accent"
    _mark(sheet, axes, y, row, tone, bars=picture.bars)
    odds = picture.unit == "nats"
    show: Callable[[float], str] = times if odds else lambda value: plain(value, picture.digits)
    text = show(abs(row.estimate) if picture.bars else row.estimate) + ("×" if odds else "")
    if row.low is not None and row.high is not None:
        text += f"  ({show(row.low)} to {show(row.high)})"
    state = f"{SIGNS[row.state]} {row.state}" if row.state else ""
    if sheet.narrow:
        _words_above(sheet, axes, line, text, state, tone)
        return
    sheet.name(axes, y, row.label, 31)
    sheet.say(axes, (1, y), text, (10, 0), across=True, size=10.5)
    if state:
        sheet.say(axes, (1, y), state, (_RIGHT - 62, 0), across=True, size=10.5, tone=tone)


def _mark(
    sheet: Sheet, axes: Axes, y: float, row: shapes.IntervalRow, tone: str, *, bars: bool
) -> None:
    """The allowed band, the interval, and the dot or the bar."""
    if row.margin:
        axes.barh(y, 2 * row.margin, left=-row.margin, height=20 if sheet.narrow else _ROW,
                  color=sheet.tones["band"], zorder=0.5)  # fmt: skip
    if row.low is not None and row.high is not None:
        axes.plot([row.low, row.high], [y, y], color=sheet.tones[tone], linewidth=2.2,
                  solid_capstyle="round")  # fmt: skip
    if bars:
        axes.barh(y, row.estimate, height=11, color=sheet.tones[tone])
        return
    axes.plot(
        [row.estimate], [y], marker=_MARKS.get(row.state, "s" if row.state else "o"),
        markersize=7.5, color=sheet.tones[tone], markeredgewidth=1.8, linestyle="none", zorder=2.2,
        markerfacecolor=sheet.tones["paper" if row.state == "unclear" else tone],
    )  # fmt: skip


def _words_above(sheet: Sheet, axes: Axes, line: _Line, text: str, state: str, tone: str) -> None:
    """The words of a row on a narrow sheet: label, then numbers and state."""
    first = line.top + 9
    room = 46 if state else 24
    sheet.say(axes, (0, first), short(line.words[0], room), (-6, 0), across=True)
    if not state:
        sheet.say(axes, (1, first), text, (6, 0), across=True, size=10, anchor="right")
        return
    sheet.say(axes, (0, first + 15), text, (-6, 0), across=True, size=10, tone="muted")
    sheet.say(axes, (1, first + 15), state, (6, 0), across=True, size=10, anchor="right",
              tone=tone)  # fmt: skip


def dots(sheet: Sheet, picture: shapes.Dots) -> None:
    """Draw several dots on each row, with their mean; one dot a row when there is one value."""
    alone = all(len(values) == 1 for _, values in picture.rows)
    tall = 40 if sheet.narrow else _ROW
    axes = _plane(sheet, tall * len(picture.rows), left=330 if alone else _LEFT, right=84)
    every = [value for _, values in picture.rows for value in values]
    low, high = reach(every)
    sheet.scale(axes, low if picture.left else -0.04 * high, high, picture.unit)
    if picture.band:
        axes.axvspan(0, picture.band, color=sheet.tones["band"], zorder=0.4, linewidth=0)
    axes.axvline(0, color=sheet.tones["ink"], linewidth=1.1)
    if alone:
        axes.axvline(sum(every) / len(every), color=sheet.tones["accent"], linewidth=1.2,
                     linestyle=(0, (4, 3)))  # fmt: skip
    for place, (label, values) in enumerate(picture.rows):
        top = tall * place
        y = top + (tall - 17 if sheet.narrow else tall / 2)
        _dotted(sheet, axes, y, values)
        middle = sum(values) / len(values)
        text = f"{times(middle)}×" if picture.unit == "nats" else plain(middle, 3)
        if sheet.narrow:
            sheet.say(axes, (0, top + 9), short(label, 42), (-6, 0), across=True, size=10.5)
            sheet.say(axes, (1, top + 9), text, (6, 0), across=True, size=10, anchor="right")
            continue
        sheet.name(axes, y, label, 50 if alone else 31)
        sheet.say(axes, (1, y), text, (10, 0), across=True, size=10.5)
    sheet.ends(axes, picture.left, picture.right, picture.unit)


def _dotted(sheet: Sheet, axes: Axes, y: float, values: Sequence[float]) -> None:
    """The values of a row; of several also their mean, as a bar."""
    alone = len(values) == 1
    axes.plot(
        values, [y] * len(values), linestyle="none", marker="o", markersize=6.5,
        color=sheet.tones["accent"], alpha=1 if alone else 0.6, markeredgewidth=0,
    )  # fmt: skip
    if not alone:
        middle = sum(values) / len(values)
        axes.plot([middle, middle], [y - 8, y + 8], color=sheet.tones["ink"], linewidth=2,
                  zorder=2.2)  # fmt: skip
