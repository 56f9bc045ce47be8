"""Charts with two measured directions: words by outside figures, groups in a plane."""

from __future__ import annotations

from collections.abc import Mapping

from bias_audit.reports.charts.axes import Frame, Scale, reach
from bias_audit.reports.charts.canvas import Anchor, Canvas
from bias_audit.reports.text import short
from bias_audit.reports.view.page import Plane, Scatter

_Point = tuple[float, float, str]
_Box = tuple[float, float, float, float]
_NAMES = 18
"""Words of a scatter plot that are named, at most."""


def scatter(picture: Scatter) -> Canvas:
    """Draw words by an outside figure and by their gap, with the fitted line."""
    frame = Frame.sized(352, left=70, right=24)
    xs, ys = [point[0] for point in picture.points], [point[1] for point in picture.points]
    room = 0.05 * (max(xs) - min(xs))
    ends = min(xs) - room, max(xs) + room
    line = [picture.intercept + picture.slope * x for x in ends]
    x_scale = frame.across(*ends, "")
    y_scale = frame.upward(*reach([*ys, *line]), picture.unit)
    frame.level(y_scale(0))
    fitted = [(x_scale(x), y_scale(y)) for x, y in zip(ends, line, strict=True)]
    frame.canvas.line(fitted, "accent", 1.6, dash="8 5")
    weight = {
        point: abs(point[1] - picture.intercept - picture.slope * point[0]) + 0.3 * abs(point[1])
        for point in picture.points
    }
    _dots(frame, x_scale, y_scale, weight, most=_NAMES)
    _around(frame, picture.x_label, picture.above, picture.below)
    return frame.canvas


def plane(picture: Plane) -> Canvas:
    """Draw groups by two measures, with the cross of their middle."""
    frame = Frame.sized(352, left=70, right=24)
    x_scale = frame.across(*reach([point[0] for point in picture.points]), picture.unit)
    y_scale = frame.upward(*reach([point[1] for point in picture.points]), picture.unit)
    frame.level(y_scale(0))
    frame.upright(x_scale(0))
    weight = {point: abs(point[0]) + abs(point[1]) for point in picture.points}
    _dots(frame, x_scale, y_scale, weight, most=len(weight))
    _around(frame, f"← {picture.left}  ·  {picture.right} →", picture.above, picture.below)
    return frame.canvas


def _around(frame: Frame, below: str, high: str, low: str) -> None:
    """Say what the horizontal axis is, and what up and down mean."""
    text = frame.canvas.text
    text((frame.middle, frame.bottom + 38), short(below, 110), size=10.5, anchor="middle")
    for y, words in ((frame.top + 6, f"↑ {short(high, 60)}"),
                     (frame.bottom - 7, f"↓ {short(low, 60)}")):  # fmt: skip
        text((frame.left + 6, y), words, size=10.5, colour="muted")


def _dots(
    frame: Frame, x_scale: Scale, y_scale: Scale, weight: Mapping[_Point, float], most: int
) -> None:
    """Draw the points, and name the heaviest where there is room."""
    spots = {point: (x_scale(point[0]), y_scale(point[1])) for point in weight}
    for spot in spots.values():
        frame.canvas.dot(spot, "accent", 6.5, opacity=0.75)
    taken = [(x - 4, x + 4, y - 4, y + 4) for x, y in spots.values()]
    for point in sorted(weight, key=lambda p: (-weight[p], p)):
        if len(taken) == len(spots) + most:
            return
        word, (x, y) = short(point[2], 22), spots[point]
        side = _free_side(frame, x, y, 6.0 * len(word), taken)
        if side:
            anchor: Anchor = "start" if side > 0 else "end"
            frame.canvas.text((x + 7 * side, y), word, size=10, anchor=anchor)


def _free_side(frame: Frame, x: float, y: float, length: float, taken: list[_Box]) -> int:
    """1 when a label fits right of a point, -1 when left, 0 when nowhere; a place is then taken."""
    for side, start in ((1, x + 7), (-1, x - 7 - length)):
        box = (start, start + length, y - 6, y + 6)
        free = all(
            box[1] < other[0] or other[1] < box[0] or box[3] < other[2] or other[3] < box[2]
            for other in taken
        )
        if free and box[0] >= frame.left and box[1] <= frame.right:
            taken.append(box)
            return side
    return 0
