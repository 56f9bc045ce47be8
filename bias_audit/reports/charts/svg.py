"""Write a canvas as SVG: inline for a page with a strict content policy, or as a file.

On the page colours are classes, so that the style sheet owns them in light and in dark. Shapes of
the same layer and look become one path or one group.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from html import escape
from itertools import groupby

from bias_audit.reports.charts.canvas import Canvas, Label, Look, Ring, Shape, Spot

Paint = Callable[[str, str], str]
"""Turns names of fill and stroke, either of which may be empty, into attributes."""
_MIDDLE = 0.36
"""From the middle of a line of text down to its baseline, as a share of its size."""


def inline(canvas: Canvas, *, name: str, title: str, summary: str) -> str:
    """Return the drawing as an ``<svg>`` for a page; ``name`` is unique there."""

    def paint(fill: str, stroke: str) -> str:
        names = " ".join([f"f-{fill}"] * bool(fill) + [f"s-{stroke}"] * bool(stroke))
        return f' class="{names}"'

    return _svg(canvas, paint, ' class="plot"', name=name, title=title, summary=summary)


def standalone(
    canvas: Canvas, colours: Mapping[str, str], *, name: str, title: str, summary: str
) -> str:
    """Return the drawing as a file of its own, in these colours."""

    def paint(fill: str, stroke: str) -> str:
        parts = (("fill", fill), ("stroke", stroke))
        return "".join(f' {key}="{colours[value]}"' for key, value in parts if value)

    root = (
        f' xmlns="http://www.w3.org/2000/svg" width="{_n(canvas.width)}"'
        f' height="{_n(canvas.height)}" font-family="DejaVu Sans, Verdana, sans-serif"'
    )
    sheet = f'<rect width="100%" height="100%" fill="{colours["paper"]}"/>'
    return _svg(canvas, paint, root, sheet, name=name, title=title, summary=summary) + "\n"


def _svg(
    canvas: Canvas,
    paint: Paint,
    root: str,
    sheet: str = "",
    *,
    name: str,
    title: str,
    summary: str,
) -> str:
    name = escape(name)
    shapes = sorted(canvas.shapes, key=lambda shape: shape.layer)
    parts = [
        _group(look, list(group), paint)
        for _, layer in groupby(shapes, key=lambda shape: shape.layer)
        for look, group in _by_look(layer)
    ]
    labels: dict[tuple[object, ...], list[Label]] = {}
    for label in canvas.labels:
        look = label.size, label.anchor, label.colour, label.bold
        labels.setdefault(look, []).append(label)
    parts += (_words(group, paint) for group in labels.values())
    return (
        f'<svg{root} viewBox="0 0 {_n(canvas.width)} {_n(canvas.height)}" fill="none" role="img"'
        f' aria-labelledby="{name}-t {name}-d">'
        f'<title id="{name}-t">{escape(title)}</title><desc id="{name}-d">{escape(summary)}</desc>'
        f"{sheet}{''.join(parts)}</svg>"
    )


def _by_look(shapes: Iterable[Shape | Ring]) -> Iterable[tuple[Look, list[Shape | Ring]]]:
    groups: dict[tuple[Look, type], list[Shape | Ring]] = {}
    for shape in shapes:
        groups.setdefault((shape.look, type(shape)), []).append(shape)
    return ((look, group) for (look, _), group in groups.items())


def _group(look: Look, shapes: list[Shape | Ring], paint: Paint) -> str:
    """Shapes of one look: one path where they are opaque, else a group of them."""
    attributes = paint(look.fill, look.stroke)
    if look.width:
        attributes += f' stroke-width="{_n(look.width)}"'
    if look.dash:
        attributes += f' stroke-dasharray="{look.dash}"'
    if look.round:
        attributes += ' stroke-linecap="round"'
    if look.opacity < 1:
        attributes += f' stroke-opacity="{look.opacity:g}"'
    paths = [_path(shape) for shape in shapes if isinstance(shape, Shape)]
    if paths and look.opacity == 1:
        return f'<path d="{"".join(paths)}"{attributes}/>'
    inside = [f'<path d="{path}"/>' for path in paths] + [
        f'<circle cx="{_n(shape.centre[0])}" cy="{_n(shape.centre[1])}" r="{_n(shape.radius)}"/>'
        for shape in shapes
        if isinstance(shape, Ring)
    ]
    return f"<g{attributes}>{''.join(inside)}</g>"


def _path(shape: Shape) -> str:
    """The path of a shape, with one number where a line is level or upright."""
    x, y = map(_n, shape.points[0])
    if shape.points[1:] == shape.points[:1]:
        return f"M{x} {y}h0"
    path = f"M{x} {y}"
    for point in shape.points[1:]:
        next_x, next_y = map(_n, point)
        if next_y == y:
            path += f"H{next_x}"
        elif next_x == x:
            path += f"V{next_y}"
        else:
            path += f"L{next_x} {next_y}"
        x, y = next_x, next_y
    return path + "z" * shape.closed


def _words(labels: list[Label], paint: Paint) -> str:
    first = labels[0]
    attributes = f'{paint(first.colour, "")} font-size="{_n(first.size)}"'
    if first.anchor != "start":
        attributes += f' text-anchor="{first.anchor}"'
    if first.bold:
        attributes += ' font-weight="600"'
    lines = (_line(label.spot, label) for label in labels)
    return f"<g{attributes}>{''.join(lines)}</g>"


def _line(spot: Spot, label: Label) -> str:
    x, y = spot[0], spot[1] + _MIDDLE * label.size
    return f'<text x="{_n(x)}" y="{_n(y)}">{escape(label.text, quote=False)}</text>'


def _n(number: float) -> str:
    """A number with one digit after the point, if it needs it."""
    text = f"{number:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text
