"""From a picture to bytes: the only home of matplotlib.

No pyplot and no shared figures. The few settings that matplotlib only takes globally are set inside
a lock and put back. The same picture gives the same bytes.
"""

from __future__ import annotations

import io
import re
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from bias_audit import _resources
from bias_audit.render._svg import PALETTE, adapt, painted
from bias_audit.render.charts._heat import heat
from bias_audit.render.charts._plots import plane, scatter
from bias_audit.render.charts._rows import dots, intervals
from bias_audit.render.charts._sheet import Sheet
from bias_audit.render.charts._slopes import slopes
from bias_audit.reports.view import page as shapes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS = ("svg", "png", "pdf")
"""Kinds of files that a chart can become."""

_LOCK = threading.Lock()
_SETTINGS: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "bias-audit",
    "svg.image_inline": True,
    "pdf.fonttype": 42,
    "font.family": ["DejaVu Sans"],
    "font.size": 11.0,
    "text.parse_math": False,
    "text.usetex": False,
    "path.simplify": True,
}
_SHARP = 216
"""Dots per inch of a PNG: three for each unit of the drawing."""


def draw(picture: shapes.Picture, *, narrow: bool = False) -> str:
    """Return the picture as inline SVG whose colours the page's style sheet owns.

    Args:
        picture: what to draw.
        narrow: lay it out for a telephone, with its labels above the marks.

    Raises:
        TypeError: there is no drawing for this kind of picture.
    """
    name = f"{picture.name}-n" if narrow else picture.name
    return adapt(
        _svg(picture, narrow=narrow), name=name, title=picture.title, summary=picture.summary
    )


def file(picture: shapes.Picture | shapes.Heat, kind: str) -> bytes:
    """Return the picture as the content of a file, in the page's light colours on white.

    Args:
        picture: what to draw; the heat map, a table on the page, too.
        kind: one of :data:`KINDS`.

    Raises:
        TypeError: there is no drawing for this kind of picture.
        KeyError: no such kind of file.
    """
    tones = _tones()
    if kind == "svg":
        inline = adapt(
            _svg(picture), name=picture.name, title=picture.title, summary=picture.summary
        )
        return painted(inline, tones).encode()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_pdf import FigureCanvasPdf

    stream = io.BytesIO()
    canvas: Any
    with _figure(picture, tones) as figure:
        if kind == "png":
            canvas = FigureCanvasAgg(figure)
            figure.set_dpi(_SHARP)
            canvas.print_png(stream, metadata={"Software": None, "Title": picture.title})
        else:
            canvas = {"pdf": FigureCanvasPdf}[kind](figure)
            canvas.print_pdf(stream, metadata={"CreationDate": None, "Title": picture.title})
    return stream.getvalue()


def _svg(picture: shapes.Picture | shapes.Heat, *, narrow: bool = False) -> str:
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    stream = io.StringIO()
    with _figure(picture, PALETTE, narrow=narrow) as figure:
        canvas: Any = FigureCanvasSVG(figure)
        figure.patch.set_visible(False)
        canvas.print_svg(stream, metadata={"Date": None, "Creator": None})
    return stream.getvalue()


@contextmanager
def _figure(
    picture: shapes.Picture | shapes.Heat, tones: Mapping[str, str], *, narrow: bool = False
) -> Iterator[Figure]:
    """The drawing, while the settings of matplotlib are ours."""
    import matplotlib
    from matplotlib.figure import Figure

    with _LOCK, matplotlib.rc_context(_settings()), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
        figure = Figure(dpi=72, facecolor=tones["paper"])
        _fill(Sheet(figure=figure, tones=tones, narrow=narrow), picture)
        yield figure


@cache
def _settings() -> Any:
    """All settings of matplotlib that a drawing hangs on: what the user set elsewhere is no part
    of the audit."""
    import matplotlib

    usual = matplotlib.rcParamsDefault.items()
    return {k: v for k, v in usual if not k.startswith(("backend", "interactive"))} | _SETTINGS


def _fill(sheet: Sheet, picture: shapes.Picture | shapes.Heat) -> None:
    if isinstance(picture, shapes.Intervals):
        intervals(sheet, picture)
    elif isinstance(picture, shapes.Dots):
        dots(sheet, picture)
    elif isinstance(picture, shapes.Scatter):
        scatter(sheet, picture)
    elif isinstance(picture, shapes.Plane):
        plane(sheet, picture)
    elif isinstance(picture, shapes.Slopes):
        slopes(sheet, picture)
    elif isinstance(picture, shapes.Heat):
        heat(sheet, picture)
    else:
        raise TypeError(f"no drawing for {type(picture).__name__}")


@cache
def _tones() -> Mapping[str, str]:
    """The light colours of the page, on white."""
    style = _resources.read_text("reports", "style.css")
    light = style[: style.index("}")]
    return {**dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", light)), "paper": "#ffffff"}
