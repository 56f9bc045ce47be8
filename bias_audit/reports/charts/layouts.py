"""The layouts of all charts: rows of intervals or dots, planes, lines of change, heat maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bias_audit.reports.charts.axes import Frame, Scale, reach, unit_name, wrap
from bias_audit.reports.charts.canvas import COVER, FRONT, LINE, WIDTH, Anchor, Canvas
from bias_audit.reports.text import middle, plain, short, times
from bias_audit.reports.view import exhibits
from bias_audit.reports.wording import INSIDE, PILLS, SIGNS, times_or_number
from bias_audit.utils.scales import gap_scale, scale_of

_LEFT, _RIGHT, _ROW = 210, 236, 23
_BAR = 11
"""Height of a bar."""
_TIE = "\N{NO-BREAK SPACE}"
_NAMES = 18
"""Words of a scatter plot that are named, at most."""
_APART = 15
"""Between the names of two lines of change."""
_OUTCOME_COLOURS = {
    "association": "fail", "small": "pass", "open": "unclear", "not_measurable": "skipped",
}  # fmt: skip
_COLOURS = {"larger": "fail", "smaller": "pass", "turned": "error"}
"""Changes that are drawn loud."""
_HEAT_CELL, _HEAT_ROW, _HEAT_LEFT = 66, 19, 150

_Point = tuple[float, float, str]
_Box = tuple[float, float, float, float]


def intervals(picture: exhibits.Intervals) -> Canvas:
    """Draw dots with intervals, the neutral line and the allowed band."""
    if picture.compact:
        return compact_intervals(picture)
    lines = lines_of(picture.rows)
    frame = Frame.of_height(_ROW * len(lines), left=_LEFT, right=_RIGHT)
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
            if not picture.bars:
                said = f"{line.label}: {interval_size(line, picture)}"
                frame.canvas.name((scale(line.estimate), y), said, line.href, line.rows)
    frame.upright(scale(0))
    frame.ends(picture.left, picture.right, picture.axis or picture.unit)
    return frame.canvas


def compact_intervals(picture: exhibits.Intervals) -> Canvas:
    """Draw the same small enough for a first screen: one band, low rows, the size beside each."""
    low_row, more, width, left, right = 19.5, 11.5, 560, 236, 66
    labels = [fold_label(row, 33) for row in picture.rows]
    heights = [low_row + more * (len(lines) - 1) for lines in labels]
    canvas = Canvas(height=4 + sum(heights) + 34, width=width)
    frame = Frame(canvas=canvas, left=left, right=width - right, top=4, bottom=canvas.height - 34)
    ends = [v for r in picture.rows for v in (r.estimate, r.low, r.high) if v is not None]
    margins = [row.margin for row in picture.rows if row.margin]
    if margins:
        ends += [-max(margins), max(margins)]
    scale = frame.across(*reach(ends), picture.unit)
    if margins:
        band = (max(frame.left, scale(-max(margins))), scale(max(margins)))
        canvas.area(band, (frame.top, frame.bottom), "band")
    below = frame.top
    for row, lines, height in zip(picture.rows, labels, heights, strict=True):
        y, below = below + height / 2, below + height
        _mark(frame, scale, y, replace(row, margin=None), bars=False)
        size = times_or_number(row.estimate, picture.unit)
        colour = row_colour(row) if row.state else "ink"
        if row.control is not None:
            canvas.line(((scale(row.control), y - 7), (scale(row.control), y + 7)), "muted", 1.6)
        sign = INSIDE if row.inside else SIGNS.get(row.state, "")
        canvas.text(
            (frame.right + 8, y),
            f"{sign} {size}".strip(),
            size=12,
            colour=colour,
        )
        for place, text in enumerate(lines):
            spot = (left - 10, y + more * (place - (len(lines) - 1) / 2))
            canvas.text(spot, text, size=11.5, anchor="end")
        said = f"{row.label}: {interval_size(row, picture)}"
        said += f", {PILLS[row.state]}" if row.state else ""
        canvas.name((scale(row.estimate), y), said, row.href, row.rows)
    frame.upright(scale(0))
    known = scale_of(picture.unit)
    unit = picture.axis or (picture.unit if known is None else known.axis)
    middle_below = ((frame.left + frame.right) / 2, frame.bottom + 27)
    canvas.text(middle_below, unit, size=10.5, anchor="middle", colour="muted")
    return canvas


def fold_label(row: exhibits.IntervalRow, width: int) -> list[str]:
    """Return the label of a row in the lines that it needs; marks stay with its last word."""
    label = f"{row.label}{_TIE}{row.marks}" if row.marks else row.label
    return [line.replace(_TIE, " ") for line in wrap(label, width)]


def lines_of(rows: Sequence[exhibits.IntervalRow]) -> list[str | exhibits.IntervalRow]:
    """Rows, with a heading above the first of each part."""
    lines: list[str | exhibits.IntervalRow] = []
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


def row_colour(row: exhibits.IntervalRow) -> str:
    """Return the name of the colour of a row, by what is said of it."""
    return "unclear" if row.inside else _OUTCOME_COLOURS.get(row.state, "accent")


def _mark(frame: Frame, scale: Scale, y: float, row: exhibits.IntervalRow, *, bars: bool) -> None:
    """Draw the allowed band, and the mark or the bar."""
    if row.margin:
        band = scale(-row.margin), scale(row.margin)
        frame.canvas.area(band, (y - _ROW / 2, y + _ROW / 2), "band")
    if bars:
        ends = scale(0), scale(row.estimate)
        frame.canvas.area(ends, (y - _BAR / 2, y + _BAR / 2), row_colour(row), layer=FRONT)
    else:
        draw_mark(frame, scale, y, row)


def draw_mark(frame: Frame, scale: Scale, y: float, row: exhibits.IntervalRow) -> None:
    """Draw the interval and the dot, whose shape says the outcome."""
    canvas, colour, spot = frame.canvas, row_colour(row), (scale(row.estimate), y)
    if row.low is not None and row.high is not None:
        canvas.line(((scale(row.low), y), (scale(row.high), y)), colour, 2.2, round=True)
    if row.state in ("open", "not_measurable"):
        canvas.dot(spot, colour, 9.3)
        canvas.dot(spot, "paper", 5.7, layer=COVER)
    elif row.state == "association":
        canvas.square(spot, colour, 8.4, turned=True)
        if row.inside:
            canvas.square(spot, "paper", 4.2, turned=True)
    else:
        canvas.dot(spot, colour, 9.3)


def interval_size(row: exhibits.IntervalRow, picture: exhibits.Intervals) -> str:
    """Return the estimate of a row with its interval, as a reader on its side has it."""
    known = scale_of(picture.unit)
    if known is None:
        digits = 1 if picture.bars else 3
        text = plain(abs(row.estimate) if picture.bars else row.estimate, digits)
        if row.low is not None and row.high is not None:
            text += f"  ({plain(row.low, digits)} to {plain(row.high, digits)})"
        return text
    turned = row.estimate < 0
    text = f"{'← ' if turned else ''}{_short_size(abs(row.estimate), picture.unit)}"
    if row.low is not None and row.high is not None:
        ends = (-row.high, -row.low) if turned else (row.low, row.high)
        text += f"  ({gap_scale(picture.unit).ends(*ends)})"
    return text


def _short_size(value: float, unit: str) -> str:
    """A size in little room: ``1.75×``, ``0.40 sd``."""
    known = scale_of(unit)
    if known is None:
        return plain(value, 3)
    return f"{times(value, unit)}{'' if known.is_ratio else ' '}{known.mark}"


def _row_words(
    frame: Frame, y: float, row: exhibits.IntervalRow, picture: exhibits.Intervals
) -> None:
    """Write the label of a row, its numbers and its state."""
    frame.row_name(y, row.label, 31)
    frame.canvas.text((frame.right + 10, y), interval_size(row, picture), size=10.5)
    if row.state:
        spot = (frame.right + _RIGHT - 102, y)
        said = f"{SIGNS[row.state]} {PILLS[row.state]}"
        frame.canvas.text(spot, said, size=10.5, colour=row_colour(row))


def dots(picture: exhibits.Dots) -> Canvas:
    """Draw several dots on each row, with their mean; one dot a row when there is one value."""
    alone = all(len(values) == 1 for _, values in picture.rows)
    frame = Frame.of_height(_ROW * len(picture.rows), left=330 if alone else _LEFT, right=84)
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
        text = _short_size(mean, picture.unit)
        frame.row_name(y, label, 50 if alone else 31)
        frame.canvas.text((frame.right + 10, y), text, size=10.5)
    frame.ends(picture.left, picture.right, picture.axis or picture.unit)
    return frame.canvas


def plane(picture: exhibits.Plane) -> Canvas:
    """Draw named points by two measures: with the cross of their middle, or the fitted line."""
    frame = Frame.of_height(352, left=70, right=24)
    xs, ys = [point[0] for point in picture.points], [point[1] for point in picture.points]
    weight = {point: abs(point[0]) + abs(point[1]) for point in picture.points}
    if isinstance(picture, exhibits.Scatter):
        room = 0.05 * (max(xs) - min(xs))
        ends = min(xs) - room, max(xs) + room
        line = [picture.intercept + picture.slope * x for x in ends]
        x_scale = frame.across(*ends, "")
        y_scale = frame.upward(*reach([*ys, *line]), picture.unit)
        fit = [(x_scale(x), y_scale(y)) for x, y in zip(ends, line, strict=True)]
        frame.canvas.line(fit, "accent", 1.6, dash="8 5")
        weight = {
            point: abs(point[1] - picture.intercept - picture.slope * point[0])
            + 0.3 * abs(point[1])
            for point in weight
        }
    else:
        x_scale = frame.across(*reach(xs), picture.unit)
        y_scale = frame.upward(*reach(ys), picture.unit)
        frame.upright(x_scale(0))
    frame.level(y_scale(0))
    most = _NAMES if isinstance(picture, exhibits.Scatter) else len(weight)
    _points(frame, x_scale, y_scale, weight, most=most, probe=getattr(picture, "probe", ""))
    text = frame.canvas.text
    spot = (frame.middle, frame.bottom + 38)
    text(spot, short(picture.across, 110), size=10.5, anchor="middle")
    up, down = f"↑ {short(picture.above, 60)}", f"↓ {short(picture.below, 60)}"
    for y, words in ((frame.top + 6, up), (frame.bottom - 7, down)):
        text((frame.left + 6, y), words, size=10.5, colour="muted")
    return frame.canvas


def _points(
    frame: Frame,
    x_scale: Scale,
    y_scale: Scale,
    weight: Mapping[_Point, float],
    most: int,
    probe: str = "",
) -> None:
    """Draw the points, and name the heaviest where there is room."""
    spots = {point: (x_scale(point[0]), y_scale(point[1])) for point in weight}
    for point, spot in spots.items():
        frame.canvas.dot(spot, "accent", 6.5, opacity=0.75)
        frame.canvas.name(spot, point[2], rows=(probe, "", point[2]) if probe else None)
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


def slopes(picture: exhibits.Slopes) -> Canvas:
    """Draw the lines, named at their right ends."""
    labels = [wrap(_label(row, picture.unit), 66, most=2) for row in picture.rows]
    apart = _APART if all(len(label) == 1 for label in labels) else 2 * _APART - 4
    height = max(180, apart * len(labels) + 40)
    frame = Frame.of_height(height, left=90, right=400, top=34, foot=34)
    ends = [value for row in picture.rows for value in (row.before, row.after)]
    scale = frame.upward(*reach(ends), picture.unit)
    frame.level(scale(0))
    for row in picture.rows:
        _slope(frame, scale, row)
    wanted = [frame.bottom - scale(row.after) for row in picture.rows]
    for row, label, up in zip(picture.rows, labels, spread(wanted, apart, height), strict=True):
        _end(frame, scale, row, frame.bottom - up, label)
    text = frame.canvas.text
    text((frame.left - 10, 14), short(picture.before, 30), bold=True, anchor="middle")
    text((frame.right, 14), short(picture.after, 30), bold=True, anchor="middle")
    text((6, frame.bottom + 18), unit_name(picture.unit), size=10, colour="muted")
    return frame.canvas


def _slope(frame: Frame, scale: Scale, row: exhibits.Slope) -> None:
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


def _label(row: exhibits.Slope, unit: str) -> str:
    """What is written of a line: where it ends, whose it is, and what has changed."""
    number = _short_size(row.after, unit)
    change = f" · {row.verdict}" if row.verdict in _COLOURS else ""
    return f"{number}  {middle(row.label, 110)}{change}"


def _end(frame: Frame, scale: Scale, row: exhibits.Slope, y: float, lines: Sequence[str]) -> None:
    """Write at the right end of a line, with a thread to it where it had to move."""
    step = (frame.right - frame.left) * 0.02
    thread = ((frame.right + step, scale(row.after)), (frame.right + 3 * step, y))
    frame.canvas.line(thread, "line", 0.8)
    colour = _COLOURS.get(row.verdict, "muted")
    for place, line in enumerate(lines):
        spot = (frame.right + 3 * step + 4, y - 5.5 * (len(lines) - 1) + 11 * place)
        frame.canvas.text(spot, line, size=10, colour=colour)


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


def heatmap(picture: exhibits.Heat) -> Canvas:
    """Draw words by groups, each cell shaded by its step and with its number."""
    columns = len(picture.columns)
    wide = min(_HEAT_CELL, (WIDTH - _HEAT_LEFT - 10) / columns)
    frame = Frame.of_height(
        _HEAT_ROW * len(picture.rows),
        left=_HEAT_LEFT,
        right=WIDTH - _HEAT_LEFT - wide * columns,
        top=44,
        foot=12,
    )
    canvas = frame.canvas
    for column, name in enumerate(picture.columns):
        x = _HEAT_LEFT + (column + 0.5) * wide
        for place, text in enumerate(reversed(wrap(name, max(4, int(wide / 6)), most=3))):
            spot = (x, frame.top - 9 - 12 * place)
            canvas.text(spot, text, size=9.5, anchor="middle", colour="muted")
    for number, row in enumerate(picture.rows):
        top = frame.top + _HEAT_ROW * number
        middle = top + _HEAT_ROW / 2
        canvas.text((_HEAT_LEFT - 8, middle), short(row.word, 22), size=10, anchor="end")
        for column, (step, text) in enumerate(zip(row.steps, row.texts, strict=True)):
            left = _HEAT_LEFT + column * wide
            if step:
                colour = f"{'warm' if step > 0 else 'cool'}{abs(step)}"
                canvas.area((left, left + wide), (top, top + _HEAT_ROW), colour, edge="paper")
            colour = "ink" if step else "muted"
            canvas.text((left + wide / 2, middle), text, size=9, anchor="middle", colour=colour)
    return canvas
