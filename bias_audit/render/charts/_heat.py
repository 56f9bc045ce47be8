"""The heat map as a drawing, for files; on the page it is a table."""

from __future__ import annotations

from bias_audit.render.charts._sheet import Sheet, wrap
from bias_audit.reports.text import short
from bias_audit.reports.view import page as shapes

_CELL, _ROW, _LEFT = 66, 19, 150


def heat(sheet: Sheet, picture: shapes.Heat) -> None:
    """Draw words by groups, each cell shaded by its step and with its number."""
    rows, columns = len(picture.rows), len(picture.columns)
    wide = min(_CELL, (sheet.width - _LEFT - 10) / columns)
    axes = sheet.plane(_ROW * rows, left=_LEFT, right=round(sheet.width - _LEFT - wide * columns),
                       top=44, foot=12)  # fmt: skip
    axes.spines["bottom"].set_visible(False)
    axes.set_xlim(0, columns)
    axes.set_ylim(rows, 0)
    axes.set_xticks([])
    axes.set_yticks([])
    for column, name in enumerate(picture.columns):
        for place, text in enumerate(reversed(wrap(name, max(4, int(wide / 6)), most=3))):
            sheet.say(axes, ((column + 0.5) / columns, 1), text, (0, 9 + 12 * place), size=9.5,
                      anchor="center", tone="muted")  # fmt: skip
    for y, row in enumerate(picture.rows):
        sheet.say(axes, (0, y + 0.5), short(row.word, 22), (-8, 0), across=True, size=10,
                  anchor="right")  # fmt: skip
        for x, (step, text) in enumerate(zip(row.steps, row.texts, strict=True)):
            if step:
                tone = f"{'warm' if step > 0 else 'cool'}{abs(step)}"
                axes.barh(y + 0.5, 1, left=x, height=1, color=sheet.tones[tone],
                          edgecolor=sheet.tones["paper"], linewidth=1)  # fmt: skip
            axes.annotate(text, (x + 0.5, y + 0.5), ha="center", va="center", fontsize=9,
                          color=sheet.tones["ink" if step else "muted"])  # fmt: skip
