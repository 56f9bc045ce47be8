"""Write a canvas as SVG: inline for a page with a strict content policy, or as a file.

On the page colours are classes, so that the style sheet owns them in light and in dark. Shapes of
the same layer and look become one path or one group.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from html import escape

from bias_audit.reports.charts.canvas import Canvas, Label, Look, Point, Shape
from bias_audit.reports.view.exhibits import Heat, Picture

Paint = Callable[[str, str], str]
"""Turns names of fill and stroke, either of which may be empty, into attributes."""
_MIDDLE = 0.36
"""From the middle of a line of text down to its baseline, as a share of its size."""


def inline(canvas: Canvas, about: Picture | Heat, *, explorer: bool = False, kind: str = "") -> str:
    """Return the drawing as an ``<svg>`` for a page, where the name of the picture is unique.

    Args:
        canvas: what is drawn.
        about: its words.
        explorer: True where the page has the sentences that its marks lead to.
        kind: ``narrow`` for the second drawing of a chart, which has the words of the first.
    """

    def paint(fill: str, stroke: str) -> str:
        names = " ".join([f"f-{fill}"] * bool(fill) + [f"s-{stroke}"] * bool(stroke))
        return f' class="{names}"'

    points = "".join(_point(point, explorer) for point in canvas.points)
    root = f' class="{f"plot {kind}".strip()}"'
    return _svg(canvas, paint, root, about, points=points, named=bool(kind))


def _point(point: Point, explorer: bool) -> str:
    """Write a mark that names itself: a link where it leads somewhere."""
    tag, attributes = "g", ' tabindex="0" role="img"'
    if point.rows and explorer:
        go = chr(9).join(point.rows).rstrip()
        tag, attributes = "a", f' href="#explorer" data-go="{escape(go)}"'
    elif point.href:
        tag, attributes = "a", f' href="#{escape(point.href)}"'
    return (
        f'<{tag} class="point"{attributes}><title>{escape(point.name, quote=False)}</title>'
        f'<circle cx="{_n(point.spot[0])}" cy="{_n(point.spot[1])}"/></{tag}>'
    )


def standalone(canvas: Canvas, colours: Mapping[str, str], about: Picture | Heat) -> str:
    """Return the drawing as a file of its own, in these colours."""

    def paint(fill: str, stroke: str) -> str:
        parts = (("fill", fill), ("stroke", stroke))
        return "".join(f' {key}="{colours[value]}"' for key, value in parts if value)

    root = (
        f' xmlns="http://www.w3.org/2000/svg" width="{_n(canvas.width)}"'
        f' height="{_n(canvas.height)}" font-family="DejaVu Sans, Verdana, sans-serif"'
    )
    sheet = f'<rect width="100%" height="100%" fill="{colours["paper"]}"/>'
    return _svg(canvas, paint, root, about, sheet) + "\n"


def _svg(
    canvas: Canvas,
    paint: Paint,
    root: str,
    about: Picture | Heat,
    sheet: str = "",
    points: str = "",
    named: bool = False,
) -> str:
    name = escape(about.name)
    shapes: defaultdict[tuple[int, Look], list[Shape]] = defaultdict(list)
    for shape in sorted(canvas.shapes, key=lambda shape: shape.layer):
        shapes[shape.layer, shape.look].append(shape)
    labels: defaultdict[tuple[object, ...], list[Label]] = defaultdict(list)
    for label in canvas.labels:
        labels[label.size, label.anchor, label.colour, label.bold].append(label)
    parts = [_group(group, paint) for group in shapes.values()]
    parts += (_words(group, paint) for group in labels.values())
    words = (
        f'<title id="{name}-t">{escape(about.title)}</title>'
        f'<desc id="{name}-d">{escape(about.summary)}</desc>'
    )
    return (
        f'<svg{root} viewBox="0 0 {_n(canvas.width)} {_n(canvas.height)}" fill="none"'
        f' role="{"group" if points else "img"}"'
        f' aria-labelledby="{name}-t {name}-d">'
        f"{'' if named else words}{sheet}{''.join(parts)}{points}</svg>"
    )


def _group(shapes: list[Shape], paint: Paint) -> str:
    """Shapes of one look: one path where they are opaque, else a group of them."""
    look = shapes[0].look
    attributes = paint(look.fill, look.stroke)
    if look.width:
        attributes += f' stroke-width="{_n(look.width)}"'
    if look.dash:
        attributes += f' stroke-dasharray="{look.dash}"'
    if look.round:
        attributes += ' stroke-linecap="round"'
    if look.opacity < 1:
        attributes += f' stroke-opacity="{look.opacity:g}"'
    if look.opacity == 1:
        return f'<path d="{"".join(map(_path, shapes))}"{attributes}/>'
    paths = (f'<path d="{_path(shape)}"/>' for shape in shapes)
    return f"<g{attributes}>{''.join(paths)}</g>"


def _path(shape: Shape) -> str:
    points = (f"{_n(x)} {_n(y)}" for x, y in shape.points)
    return f"M{'L'.join(points)}{'z' * shape.closed}"


def _words(labels: list[Label], paint: Paint) -> str:
    first = labels[0]
    attributes = f'{paint(first.colour, "")} font-size="{_n(first.size)}"'
    if first.anchor != "start":
        attributes += f' text-anchor="{first.anchor}"'
    if first.bold:
        attributes += ' font-weight="600"'
    lines = (
        f'<text x="{_n(label.spot[0])}" y="{_n(label.spot[1] + _MIDDLE * label.size)}">'
        f"{escape(label.text, quote=False)}</text>"
        for label in labels
    )
    return f"<g{attributes}>{''.join(lines)}</g>"


def _n(number: float) -> str:
    """A number with one digit after the point, if it needs it."""
    text = f"{number:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text
