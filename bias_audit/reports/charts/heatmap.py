"""The heat map as a drawing, for files; on the page it is a table."""

from __future__ import annotations

from bias_audit.reports.charts.axes import Frame, wrap
from bias_audit.reports.charts.canvas import WIDTH, Canvas
from bias_audit.reports.text import short
from bias_audit.reports.view.page import Heat

_CELL, _ROW, _LEFT = 66, 19, 150


def heatmap(picture: Heat) -> Canvas:
    """Draw words by groups, each cell shaded by its step and with its number."""
    columns = len(picture.columns)
    wide = min(_CELL, (WIDTH - _LEFT - 10) / columns)
    frame = Frame.sized(
        _ROW * len(picture.rows), left=_LEFT, right=WIDTH - _LEFT - wide * columns, top=44, foot=12
    )
    canvas = frame.canvas
    for column, name in enumerate(picture.columns):
        x = _LEFT + (column + 0.5) * wide
        for place, text in enumerate(reversed(wrap(name, max(4, int(wide / 6)), most=3))):
            spot = (x, frame.top - 9 - 12 * place)
            canvas.text(spot, text, size=9.5, anchor="middle", colour="muted")
    for number, row in enumerate(picture.rows):
        top = frame.top + _ROW * number
        middle = top + _ROW / 2
        canvas.text((_LEFT - 8, middle), short(row.word, 22), size=10, anchor="end")
        for column, (step, text) in enumerate(zip(row.steps, row.texts, strict=True)):
            left = _LEFT + column * wide
            if step:
                colour = f"{'warm' if step > 0 else 'cool'}{abs(step)}"
                canvas.area((left, left + wide), (top, top + _ROW), colour, edge="paper")
            colour = "ink" if step else "muted"
            canvas.text((left + wide / 2, middle), text, size=9, anchor="middle", colour=colour)
    return canvas
