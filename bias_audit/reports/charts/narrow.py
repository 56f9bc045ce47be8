"""Rows of intervals for a telephone: labels above the marks, nothing wider than the screen."""

from __future__ import annotations

from collections.abc import Sequence

from bias_audit.reports.charts.axes import Frame, Scale, reach, unit_name
from bias_audit.reports.charts.canvas import FRONT, Canvas
from bias_audit.reports.charts.layouts import (
    draw_mark,
    fold_label,
    interval_size,
    lines_of,
    row_colour,
)
from bias_audit.reports.text import short
from bias_audit.reports.view import exhibits
from bias_audit.reports.wording import INSIDE, SIGNS, times_or_number

WIDTH = 358
_ROW, _HEADING, _EDGE, _FOOT = 34.0, 26.0, 8.0, 44.0
_LINE = 13.0
"""A further line of a label."""
_LETTERS = 56
"""Of a label and its size, side by side."""
_BAR = 9


def intervals(picture: exhibits.Intervals) -> Canvas:
    """Draw dots with intervals: label and size in one line, the mark below it."""
    lines = lines_of(picture.rows)
    heights = [
        _HEADING if isinstance(line, str) else _ROW + _LINE * (len(_label(line, picture)) - 1)
        for line in lines
    ]
    ends = [
        value
        for row in picture.rows
        for value in (row.estimate, row.low, row.high, row.control, row.margin)
        if value is not None
    ]
    frame = _frame(sum(heights))
    scale = frame.across(*reach([*ends, *(-(row.margin or 0.0) for row in picture.rows)]),
                         picture.unit)  # fmt: skip
    top = frame.top
    for line, height in zip(lines, heights, strict=True):
        if isinstance(line, str):
            frame.canvas.text((0, top + 15), short(line, 52), size=11.5, bold=True)
        else:
            _interval(frame, scale, top, line, picture)
        top += height
    frame.upright(scale(0))
    unit = picture.axis or picture.unit
    _ends(frame, picture.left, picture.right, unit, turned=bool(picture.left))
    return frame.canvas


def _interval(
    frame: Frame, scale: Scale, top: float, row: exhibits.IntervalRow, picture: exhibits.Intervals
) -> None:
    canvas, label = frame.canvas, _label(row, picture)
    for place, text in enumerate(label):
        canvas.text((0, top + 9 + _LINE * place), text, size=11.5)
    first, top = top, top + _LINE * (len(label) - 1)
    y = top + 25
    if row.margin:
        band = (max(frame.left, scale(-row.margin)), min(frame.right, scale(row.margin)))
        canvas.area(band, (top + 17, top + _ROW - 1), "band")
    if picture.bars:
        canvas.area((scale(0), scale(row.estimate)), (y - _BAR / 2, y + _BAR / 2),
                    row_colour(row), layer=FRONT)  # fmt: skip
    else:
        draw_mark(frame, scale, y, row)
    if row.control is not None:
        canvas.line(((scale(row.control), y - 7), (scale(row.control), y + 7)), "muted", 1.6)
    size = _size(row, picture)
    colour = row_colour(row) if row.state else "ink"
    canvas.text((WIDTH, first + 9), size, size=11, anchor="end", colour=colour)
    if picture.compact:
        canvas.name((scale(row.estimate), y), f"{row.label}: {size}", row.href, row.rows)


def _size(row: exhibits.IntervalRow, picture: exhibits.Intervals) -> str:
    """What stands at the right of a label."""
    if not picture.compact:
        return interval_size(row, picture)
    sign = INSIDE if row.inside else SIGNS.get(row.state, "")
    return f"{sign} {times_or_number(row.estimate, picture.unit)}".strip()


def _label(row: exhibits.IntervalRow, picture: exhibits.Intervals) -> list[str]:
    """The label of a row in the lines that it needs."""
    room = max(_LETTERS - len(_size(row, picture)), 20)
    return fold_label(row, room)


def _frame(height: float) -> Frame:
    canvas = Canvas(height=4 + height + _FOOT, width=WIDTH)
    return Frame(canvas=canvas, left=_EDGE, right=WIDTH - _EDGE, top=4, bottom=4 + height)


def _ends(frame: Frame, left: str, right: str, unit: str, *, turned: bool) -> None:
    text, y = frame.canvas.text, frame.bottom + 27
    said: Sequence[str] = (f"← {short(left, 26)}" if turned else "", f"{short(right, 26)} →")
    text((0, y), said[0], size=10)
    text((WIDTH, y), said[1] if right else "", size=10, anchor="end")
    text((WIDTH / 2, frame.bottom + 40), unit_name(unit), size=9.5, anchor="middle",
         colour="muted")  # fmt: skip
