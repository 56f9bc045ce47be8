"""A line for each gap, from one model to another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bias_audit.render.charts._sheet import Sheet, reach, wrap
from bias_audit.reports.text import middle, plain, short, times
from bias_audit.reports.view import page as shapes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_APART, _LINE = 15, 15
_LOOKS: dict[str, dict[str, Any]] = {
    "larger": {"tone": "fail", "linewidth": 2.2, "marker": "D"},
    "smaller": {"tone": "pass", "linewidth": 2.2, "marker": "o"},
    "turned": {"tone": "error", "linewidth": 2.2, "marker": "s", "linestyle": (0, (5, 2))},
}
_QUIET: dict[str, Any] = {"tone": "muted", "linewidth": 1.0, "marker": "o"}


def slopes(sheet: Sheet, picture: shapes.Slopes) -> None:
    """Draw the lines, named at their right ends, or below by number where there is no room."""
    labels = [_label(row, picture.unit, 64) for row in picture.rows]
    names = {row.label for row in picture.rows}
    below = sheet.narrow or len({middle(name, 48) for name in names}) < len(names)
    order = sorted(range(len(picture.rows)), key=lambda i: (-picture.rows[i].after, -i))
    keys = {place: number for number, place in enumerate(order, start=1)}
    listed = _listed(picture, order, 56 if sheet.narrow else 120) if below else []
    height = max(180, _APART * len(picture.rows) + 40)
    left, right = (48, 46) if sheet.narrow else (90, 60 if below else 400)
    axes = sheet.plane(height, left=left, right=right, top=34, foot=34 + _LINE * len(listed))
    axes.spines["bottom"].set_visible(False)
    axes.set_xlim(0, 1)
    axes.set_xticks([])
    ends = [value for row in picture.rows for value in (row.before, row.after)]
    low, high = reach(ends)
    sheet.scale(axes, low, high, picture.unit, vertical=True)
    axes.axhline(0, color=sheet.tones["ink"], linewidth=1.1)
    for row in sorted(picture.rows, key=lambda row: row.verdict in _LOOKS):
        _slope(sheet, axes, row)
    wanted = [(row.after - low) / (high - low) * height for row in picture.rows]
    for place, goal in enumerate(spread(wanted, _APART, height)):
        row = picture.rows[place]
        text = str(keys[place]) if below else labels[place]
        _end(sheet, axes, row, low + goal / height * (high - low), text)
    room, anchor = (16, "left") if sheet.narrow else (30, "center")
    sheet.say(axes, (0, 1), short(picture.before, room), (-10, 20), bold=True, anchor=anchor)
    sheet.say(axes, (1, 1), short(picture.after, room), (0, 20), bold=True,
              anchor="right" if sheet.narrow else "center")  # fmt: skip
    unit = "odds ratio (logarithmic)" if picture.unit == "nats" else picture.unit
    sheet.say(axes, (0, 0), unit, (-left + 6, -18), size=10, tone="muted")
    for line, (text, tone) in enumerate(listed):
        sheet.say(axes, (0, 0), text, (-left + 6, -18 - _LINE * (line + 1)), size=10, tone=tone)


def _listed(picture: shapes.Slopes, order: Sequence[int], room: int) -> list[tuple[str, str]]:
    """The lines below a chart, from the highest right end down: (words, tone)."""
    found = []
    for number, place in enumerate(order, start=1):
        row = picture.rows[place]
        tone = "ink" if row.verdict in _LOOKS else "muted"
        lines = wrap(f"{number}.  {_label(row, picture.unit, 150)}", room)
        found += [(lines[0], tone), *((line, tone) for line in lines[1:])]
    return found


def _slope(sheet: Sheet, axes: Axes, row: shapes.Slope) -> None:
    look = dict(_LOOKS.get(row.verdict, _QUIET))
    tone = sheet.tones[look.pop("tone")]
    axes.plot([0, 1], [row.before, row.after], color=tone, markersize=6, clip_on=False,
              markeredgewidth=0, **look)  # fmt: skip


def _label(row: shapes.Slope, unit: str, room: int) -> str:
    """What is said of a line: where it ends, whose it is, and what has changed."""
    number = f"{times(row.after)}×" if unit == "nats" else plain(row.after, 3)
    said = f" · {row.verdict}" if row.verdict in _LOOKS else ""
    return f"{number}  {middle(row.label, room - len(number + said))}{said}"


def _end(sheet: Sheet, axes: Axes, row: shapes.Slope, y: float, text: str) -> None:
    """Write at the right end of a line, with a thread to it where it had to move."""
    tone = _LOOKS.get(row.verdict, {"tone": "muted"})["tone"]
    axes.plot([1.02, 1.06], [row.after, y], color=sheet.tones["line"], linewidth=0.8,
              clip_on=False)  # fmt: skip
    sheet.say(axes, (1.06, y), text, (4, 0), across=True, size=10, tone=tone)


def spread(wanted: Sequence[float], apart: float, height: float) -> list[float]:
    """Places near the wanted ones, in the same order, at least ``apart`` from each other.

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
    found = [0.0] * len(wanted)
    for index, value in zip(order, placed, strict=True):
        found[index] = value
    return found
