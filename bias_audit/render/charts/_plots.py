"""Charts with two measured directions: words beside outside figures, groups in a plane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bias_audit.render.charts._sheet import Sheet, reach, wrap
from bias_audit.reports.text import short
from bias_audit.reports.view import page as shapes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Point = tuple[float, float, str]
Box = tuple[float, float, float, float]


def scatter(sheet: Sheet, picture: shapes.Scatter) -> None:
    """Draw words by an outside figure and by their gap, with the fitted line."""
    axes = _square(sheet)
    xs = [point[0] for point in picture.points]
    ys = [point[1] for point in picture.points]
    room = 0.05 * (max(xs) - min(xs))
    left, right = min(xs) - room, max(xs) + room
    axes.set_xlim(left, right)
    axes.xaxis.grid(True, color=sheet.tones["line"], linewidth=0.6)
    line = [picture.intercept + picture.slope * x for x in (left, right)]
    sheet.scale(axes, *reach([*ys, *line]), picture.unit, vertical=True)
    axes.axhline(0, color=sheet.tones["ink"], linewidth=1.1)
    axes.plot([left, right], line, color=sheet.tones["accent"], linewidth=1.6,
              linestyle=(0, (5, 3)))  # fmt: skip
    _spots(sheet, axes, xs, ys)
    weight = {
        point: abs(point[1] - picture.intercept - picture.slope * point[0]) + 0.3 * abs(point[1])
        for point in picture.points
    }
    _name_points(sheet, axes, weight, most=7 if sheet.narrow else 18)
    _around(sheet, axes, picture.x_label, picture.above, picture.below)


def plane(sheet: Sheet, picture: shapes.Plane) -> None:
    """Draw groups by two measures, with the cross of their middle."""
    axes = _square(sheet)
    xs = [point[0] for point in picture.points]
    ys = [point[1] for point in picture.points]
    sheet.scale(axes, *reach(xs), picture.unit)
    sheet.scale(axes, *reach(ys), picture.unit, vertical=True)
    axes.axhline(0, color=sheet.tones["ink"], linewidth=1.1)
    axes.axvline(0, color=sheet.tones["ink"], linewidth=1.1)
    _spots(sheet, axes, xs, ys)
    weight = {point: abs(point[0]) + abs(point[1]) for point in picture.points}
    _name_points(sheet, axes, weight, most=len(weight))
    _around(sheet, axes, f"← {picture.left}  ·  {picture.right} →", picture.above, picture.below)


def _square(sheet: Sheet) -> Axes:
    if sheet.narrow:
        return sheet.plane(290, left=46, right=12, foot=76)
    return sheet.plane(352, left=70, right=24)


def _spots(sheet: Sheet, axes: Axes, xs: Sequence[float], ys: Sequence[float]) -> None:
    axes.plot(xs, ys, linestyle="none", marker="o", markersize=6.5, color=sheet.tones["accent"],
              alpha=0.75, markeredgewidth=0)  # fmt: skip


def _around(sheet: Sheet, axes: Axes, below: str, high: str, low: str) -> None:
    """The words of the horizontal axis, and what up and down mean."""
    lines = wrap(below, 48) if sheet.narrow else [short(below, 110)]
    for place, text in enumerate(lines):
        shift = (0, -38 - 15 * place)
        sheet.say(axes, (0.5, 0), text, shift, size=10.5, anchor="center")
    room = 42 if sheet.narrow else 60
    sheet.say(axes, (0, 1), f"↑ {short(high, room)}", (6, -6), size=10.5, tone="muted")
    sheet.say(axes, (0, 0), f"↓ {short(low, room)}", (6, 7), size=10.5, tone="muted")


def _name_points(sheet: Sheet, axes: Axes, weight: Mapping[Point, float], most: int) -> None:
    """Name the heaviest points where there is room."""
    (low, high), (left, right) = axes.get_ylim(), axes.get_xlim()
    wide, tall = axes.bbox.size
    spots = {
        point: ((point[0] - left) / (right - left) * wide, (point[1] - low) / (high - low) * tall)
        for point in weight
    }
    taken = [(x - 4, x + 4, y - 4, y + 4) for x, y in spots.values()]
    for point in sorted(weight, key=lambda p: (-weight[p], p)):
        if len(taken) == len(spots) + most:
            return
        word = short(point[2], 22)
        side = _free_side(*spots[point], 6.0 * len(word), wide, taken)
        if side:
            axes.annotate(word, point[:2], xytext=(7 * side, 0), va="center",
                          ha="left" if side > 0 else "right", textcoords="offset points",
                          fontsize=10, color=sheet.tones["ink"])  # fmt: skip


def _free_side(x: float, y: float, length: float, wide: float, taken: list[Box]) -> int:
    """1 when a label fits right of a point, -1 when left, 0 when nowhere; a place is then taken."""
    for side, start in ((1, x + 7), (-1, x - 7 - length)):
        box = (start, start + length, y - 6, y + 6)
        free = all(
            box[1] < other[0] or other[1] < box[0] or box[3] < other[2] or other[3] < box[2]
            for other in taken
        )
        if free and box[0] >= 0 and box[1] <= wide:
            taken.append(box)
            return side
    return 0
