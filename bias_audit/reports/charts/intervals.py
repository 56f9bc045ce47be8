"""Charts whose rows follow each other downwards: intervals, and dots on a line."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bias_audit.reports.charts.axes import Frame, Scale, reach
from bias_audit.reports.charts.canvas import COVER, FRONT, Canvas
from bias_audit.reports.text import plain, short, times
from bias_audit.reports.view.page import Dots, IntervalRow, Intervals
from bias_audit.reports.wording import SIGNS

_LEFT, _RIGHT, _ROW = 210, 196, 23
_BAR = 11
"""Height of a bar."""


def intervals(picture: Intervals) -> Canvas:
    """Draw dots with intervals, the neutral line and the allowed band."""
    lines = _lines(picture.rows)
    frame = Frame.sized(_ROW * len(lines), left=_LEFT, right=_RIGHT)
    ends = [
        value
        for row in picture.rows
        for value in (row.estimate, row.low, row.high, row.margin, -(row.margin or 0.0))
        if value is not None
    ]
    scale = frame.across(*reach(ends), picture.unit)
    for number, line in enumerate(lines):
        y = frame.top + _ROW * (number + 0.5)
        if isinstance(line, str):
            _heading(frame, y, line)
        else:
            _mark(frame, scale, y, line, bars=picture.bars)
            _row_words(frame, y, line, picture)
    frame.upright(scale(0))
    frame.ends(picture.left, picture.right, picture.unit)
    return frame.canvas


def _lines(rows: Sequence[IntervalRow]) -> list[str | IntervalRow]:
    """Rows, with a heading above the first of each part."""
    lines: list[str | IntervalRow] = []
    part = ("", "")
    for row in rows:
        if row.heading and (row.heading, row.part) != part:
            part = (row.heading, row.part)
            lines.append(short(row.heading, 104))
        lines.append(row)
    return lines


def _heading(frame: Frame, y: float, text: str) -> None:
    """Write a heading across the plot; the lines behind it are interrupted."""
    height = (y - _ROW / 2 - 2, y + _ROW / 2)
    frame.canvas.area((frame.left, frame.right), height, "paper", layer=COVER)
    frame.canvas.text((4, y + 2), text, bold=True)


def _colour(row: IntervalRow) -> str:
    return row.state if row.state in SIGNS else "accent"


def _mark(frame: Frame, scale: Scale, y: float, row: IntervalRow, *, bars: bool) -> None:
    """Draw the allowed band, the interval, and the dot or the bar."""
    canvas, colour, spot = frame.canvas, _colour(row), (scale(row.estimate), y)
    if row.margin:
        band = scale(-row.margin), scale(row.margin)
        canvas.area(band, (y - _ROW / 2, y + _ROW / 2), "band")
    if row.low is not None and row.high is not None:
        canvas.line(((scale(row.low), y), (scale(row.high), y)), colour, 2.2, round=True)
    if bars:
        canvas.area((scale(0), spot[0]), (y - _BAR / 2, y + _BAR / 2), colour, layer=FRONT)
    elif row.state == "unclear":
        canvas.ring(spot, colour, 7.5, 1.8)
    elif row.state in ("", "pass"):
        canvas.dot(spot, colour, 9.3)
    else:
        canvas.square(spot, colour, 8.4, turned=row.state == "fail")


def _row_words(frame: Frame, y: float, row: IntervalRow, picture: Intervals) -> None:
    """Write the label of a row, its numbers and its state."""
    odds = picture.unit == "nats"
    show: Callable[[float], str] = times if odds else lambda value: plain(value, picture.digits)
    text = show(abs(row.estimate) if picture.bars else row.estimate) + ("×" if odds else "")
    if row.low is not None and row.high is not None:
        text += f"  ({show(row.low)} to {show(row.high)})"
    frame.row_name(y, row.label, 31)
    frame.canvas.text((frame.right + 10, y), text, size=10.5)
    if row.state:
        spot = (frame.right + _RIGHT - 62, y)
        frame.canvas.text(spot, f"{SIGNS[row.state]} {row.state}", size=10.5, colour=_colour(row))


def dots(picture: Dots) -> Canvas:
    """Draw several dots on each row, with their mean; one dot a row when there is one value."""
    alone = all(len(values) == 1 for _, values in picture.rows)
    frame = Frame.sized(_ROW * len(picture.rows), left=330 if alone else _LEFT, right=84)
    every = [value for _, values in picture.rows for value in values]
    low, high = reach(every)
    scale = frame.across(low if picture.left else -0.04 * high, high, picture.unit)
    if picture.band:
        frame.canvas.area((scale(0), scale(picture.band)), (frame.top, frame.bottom), "band")
    frame.upright(scale(0))
    if alone:
        frame.upright(scale(sum(every) / len(every)), "accent", 1.2, dash="5 4")
    for number, (label, values) in enumerate(picture.rows):
        y, mean = frame.top + _ROW * (number + 0.5), sum(values) / len(values)
        single = len(values) == 1
        for value in values:
            frame.canvas.dot((scale(value), y), "accent", 6.5, opacity=1 if single else 0.6)
        if not single:
            bar = ((scale(mean), y - 8), (scale(mean), y + 8))
            frame.canvas.line(bar, "ink", 2, layer=COVER)
        text = f"{times(mean)}×" if picture.unit == "nats" else plain(mean, 3)
        frame.row_name(y, label, 50 if alone else 31)
        frame.canvas.text((frame.right + 10, y), text, size=10.5)
    frame.ends(picture.left, picture.right, picture.unit)
    return frame.canvas
