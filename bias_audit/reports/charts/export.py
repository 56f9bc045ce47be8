"""Write a canvas as PNG or PDF: the only home of matplotlib.

No pyplot and no shared figures. The few settings that matplotlib only takes globally are set inside
a lock and put back. The same canvas gives the same bytes.
"""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from bias_audit.reports.charts.canvas import TEXT, Canvas, Shape

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LOCK = threading.Lock()
_SETTINGS: Any = {
    "pdf.fonttype": 42,
    "font.family": ["DejaVu Sans"],
    "text.parse_math": False,
    "text.usetex": False,
}
_DPI = 216
"""Dots per inch of a PNG: three for each pixel of the canvas."""
_ANCHORS = {"start": "left", "middle": "center", "end": "right"}


def render(canvas: Canvas, colours: Mapping[str, str], kind: str, *, title: str) -> bytes:
    """Return the drawing as a file.

    Args:
        canvas: the drawing.
        colours: by name.
        kind: ``png`` or ``pdf``.
        title: what the file names itself.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_pdf import FigureCanvasPdf
    from matplotlib.figure import Figure

    stream = io.BytesIO()
    with _LOCK, matplotlib.rc_context(_settings()), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
        size = canvas.width / 72, canvas.height / 72
        figure = Figure(figsize=size, dpi=72, facecolor=colours["paper"])
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(0, canvas.width)
        axes.set_ylim(canvas.height, 0)
        _fill(axes, canvas, colours)
        if kind == "png":
            agg: Any = FigureCanvasAgg(figure)
            figure.set_dpi(_DPI)
            agg.print_png(stream, metadata={"Software": None, "Title": title})
        else:
            pdf: Any = FigureCanvasPdf(figure)
            pdf.print_pdf(stream, metadata={"CreationDate": None, "Title": title})
    return stream.getvalue()


def _fill(axes: Axes, canvas: Canvas, colours: Mapping[str, str]) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Polygon

    for shape in canvas.shapes:
        look = shape.look
        item: Any
        stroke = colours[look.stroke] if look.stroke else "none"
        area = {
            "facecolor": colours[look.fill] if look.fill else "none",
            "edgecolor": stroke,
            "linewidth": look.width,
            "zorder": shape.layer,
        }
        if shape.closed:
            item = axes.add_patch(Polygon(shape.points, closed=True, **area))
        else:
            item = axes.add_line(_line(Line2D, shape, stroke))
        item.set_clip_on(False)
    for label in canvas.labels:
        axes.text(
            *label.spot, label.text, fontsize=label.size, ha=_ANCHORS[label.anchor],
            va="center_baseline", color=colours[label.colour], zorder=TEXT,
            fontweight="bold" if label.bold else "normal", clip_on=False,
        )  # fmt: skip


def _line(make: Any, shape: Shape, colour: str) -> Any:
    """A line; one without length becomes a round mark."""
    look, (xs, ys) = shape.look, zip(*shape.points, strict=True)
    more = {"color": colour, "alpha": look.opacity, "zorder": shape.layer}
    if shape.points[1:] == shape.points[:1]:
        return make(xs[:1], ys[:1], linestyle="none", marker="o", markersize=look.width,
                    markeredgewidth=0, **more)  # fmt: skip
    dashes = tuple(float(part) / look.width for part in look.dash.split())
    return make(xs, ys, linewidth=look.width, linestyle=(0, dashes) if dashes else "-",
                solid_capstyle="round" if look.round else "butt", **more)  # fmt: skip


@cache
def _settings() -> Any:
    """All settings of matplotlib that a drawing depends on: those of the user do not count."""
    import matplotlib

    usual = matplotlib.rcParamsDefault.items()
    return {k: v for k, v in usual if not k.startswith(("backend", "interactive"))} | _SETTINGS
