"""A line for each gap, from one model to another."""

from __future__ import annotations

from collections.abc import Sequence

from bias_audit.reports.charts.axes import Frame, Scale, reach, unit_name, wrap
from bias_audit.reports.charts.canvas import FRONT, LINE, Canvas
from bias_audit.reports.text import middle, plain, short, times
from bias_audit.reports.view.page import Slope, Slopes

_APART, _LINE = 15, 15
_COLOURS = {"larger": "fail", "smaller": "pass", "turned": "error"}
"""Changes that are drawn loud."""


def slopes(picture: Slopes) -> Canvas:
    """Draw the lines, named at their right ends, or below by number where there is no room."""
    labels = [_label(row, picture.unit, 64) for row in picture.rows]
    names = {row.label for row in picture.rows}
    below = len({middle(name, 48) for name in names}) < len(names)
    order = sorted(range(len(picture.rows)), key=lambda i: (-picture.rows[i].after, -i))
    numbers = {place: number for number, place in enumerate(order, start=1)}
    legend = _legend(picture, order) if below else []
    height = max(180, _APART * len(picture.rows) + 40)
    frame = Frame.sized(
        height, left=90, right=60 if below else 400, top=34, foot=34 + _LINE * len(legend)
    )
    ends = [value for row in picture.rows for value in (row.before, row.after)]
    scale = frame.upward(*reach(ends), picture.unit)
    frame.level(scale(0))
    for row in picture.rows:
        _slope(frame, scale, row)
    wanted = [frame.bottom - scale(row.after) for row in picture.rows]
    for place, up in enumerate(spread(wanted, _APART, height)):
        text = str(numbers[place]) if below else labels[place]
        _end(frame, scale, picture.rows[place], frame.bottom - up, text)
    text_at = frame.canvas.text
    text_at((frame.left - 10, 14), short(picture.before, 30), bold=True, anchor="middle")
    text_at((frame.right, 14), short(picture.after, 30), bold=True, anchor="middle")
    text_at((6, frame.bottom + 18), unit_name(picture.unit), size=10, colour="muted")
    for line, (text, colour) in enumerate(legend):
        spot = (6, frame.bottom + 18 + _LINE * (line + 1))
        text_at(spot, text, size=10, colour=colour)
    return frame.canvas


def _legend(picture: Slopes, order: Sequence[int]) -> list[tuple[str, str]]:
    """The lines below a chart, from the highest right end down: (words, colour)."""
    legend: list[tuple[str, str]] = []
    for number, place in enumerate(order, start=1):
        row = picture.rows[place]
        colour = "ink" if row.verdict in _COLOURS else "muted"
        lines = wrap(f"{number}.  {_label(row, picture.unit, 150)}", 120)
        legend += ((line, colour) for line in lines)
    return legend


def _slope(frame: Frame, scale: Scale, row: Slope) -> None:
    loud = row.verdict in _COLOURS
    colour = _COLOURS.get(row.verdict, "muted")
    left, right = (frame.left, scale(row.before)), (frame.right, scale(row.after))
    frame.canvas.line(
        (left, right), colour, 2.2 if loud else 1.0, layer=FRONT if loud else LINE,
        dash="11 4" if row.verdict == "turned" else "",
    )  # fmt: skip
    for spot in (left, right):
        if row.verdict in ("larger", "turned"):
            frame.canvas.square(spot, colour, 6, turned=row.verdict == "larger")
        else:
            frame.canvas.dot(spot, colour, 6)


def _label(row: Slope, unit: str, room: int) -> str:
    """What is written of a line: where it ends, whose it is, and what has changed."""
    number = f"{times(row.after)}×" if unit == "nats" else plain(row.after, 3)
    change = f" · {row.verdict}" if row.verdict in _COLOURS else ""
    return f"{number}  {middle(row.label, room - len(number + change))}{change}"


def _end(frame: Frame, scale: Scale, row: Slope, y: float, text: str) -> None:
    """Write at the right end of a line, with a thread to it where it had to move."""
    step = (frame.right - frame.left) * 0.02
    thread = ((frame.right + step, scale(row.after)), (frame.right + 3 * step, y))
    frame.canvas.line(thread, "line", 0.8)
    spot = (frame.right + 3 * step + 4, y)
    frame.canvas.text(spot, text, size=10, colour=_COLOURS.get(row.verdict, "muted"))


def spread(wanted: Sequence[float], apart: float, height: float) -> list[float]:
    """Return places near the wanted ones, in their order, at least ``apart`` from each other.

    >>> spread([0.0, 1.0, 50.0], 10.0, 100.0)
    [0.0, 10.0, 50.0]
    """
    order = sorted(range(len(wanted)), key=lambda i: (wanted[i], i))
    placed: list[float] = []
    for index in order:
        at_least = placed[-1] + apart if placed else 0.0
        placed.append(max(wanted[index], at_least))
    ceiling = height
    for place in range(len(placed) - 1, -1, -1):
        placed[place] = min(placed[place], ceiling)
        ceiling = placed[place] - apart
    places = [0.0] * len(wanted)
    for index, value in zip(order, placed, strict=True):
        places[index] = value
    return places
