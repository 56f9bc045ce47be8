"""Charts: laid out once, written as SVG for the page, as SVG, PNG and PDF for papers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from bias_audit.reports.charts import narrow as telephone
from bias_audit.reports.charts import svg
from bias_audit.reports.charts.canvas import Canvas
from bias_audit.reports.charts.layouts import dots, heatmap, intervals, plane, slopes
from bias_audit.reports.view.exhibits import Dots, Heat, Intervals, Picture, Plane, Scatter, Slopes
from bias_audit.utils import resources

KINDS = ("svg", "png", "pdf")
"""Kinds of files that a chart can become."""

_LAYOUTS: Mapping[type, Callable[[Any], Canvas]] = {
    Dots: dots, Heat: heatmap, Intervals: intervals, Plane: plane, Scatter: plane, Slopes: slopes,
}  # fmt: skip


def draw(picture: Picture, *, explorer: bool = False, narrow: bool = False) -> str:
    """Return a chart as inline SVG whose colours the page's style sheet owns.


    Args:
        picture: what to draw.
        explorer: True where the page has the sentences that its marks lead to.
        narrow: draw rows a second time for telephones, where the style sheet shows these.

    Raises:
        TypeError: there is no layout for this kind of picture.
    """
    wide = svg.inline(_canvas(picture), picture, explorer=explorer)
    if not (narrow and isinstance(picture, Intervals)):
        return wide
    return wide + svg.inline(telephone.intervals(picture), picture, kind="narrow")


def file(picture: Picture | Heat, kind: str) -> bytes:
    """Return a chart as the content of a file, in the page's light colours on white.

    Args:
        picture: what to draw; the heat map, a table on the page, too.
        kind: one of :data:`KINDS`.

    Raises:
        TypeError: there is no layout for this kind of picture.
        KeyError: no such kind of file.
    """
    if kind not in KINDS:
        raise KeyError(kind)
    canvas = _canvas(picture)
    if kind == "svg":
        return svg.standalone(canvas, light_colours(), picture).encode()
    from bias_audit.reports.charts import export

    return export.render(canvas, light_colours(), kind, title=picture.title)


def _canvas(picture: Picture | Heat) -> Canvas:
    layout = _LAYOUTS.get(type(picture))
    if layout is None:
        raise TypeError(f"no drawing for {type(picture).__name__}")
    return layout(picture)


@cache
def light_colours() -> Mapping[str, str]:
    """Return the light colours of the page by name, on white."""
    style = resources.read_text("reports", "style.css")
    light = style[: style.index("}")]
    return {**dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", light)), "paper": "#ffffff"}


__all__ = ["KINDS", "draw", "file", "light_colours"]
