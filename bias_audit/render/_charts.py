"""Draw the charts of the page as SVG: the only home of matplotlib.

No pyplot and no shared figures. The few settings that matplotlib only takes globally are set inside
a lock and put back. The same picture gives the same bytes.
"""

from __future__ import annotations

import io
import math
import threading
import warnings
from typing import TYPE_CHECKING, Any

from bias_audit.render import _page as page
from bias_audit.render._svg import PALETTE, adapt
from bias_audit.render._text import plain, short, times
from bias_audit.render._words import SIGNS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LOCK = threading.Lock()
_SETTINGS: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "bias-audit",
    "svg.image_inline": True,
    "font.family": ["DejaVu Sans"],
    "font.size": 11.0,
    "text.parse_math": False,
    "text.usetex": False,
    "path.simplify": True,
}
_WIDTH = 780
_LEFT, _RIGHT, _TOP, _BOTTOM = 210, 196, 14, 64
_ROW = 23
_RATIOS = (
    0.001, 0.01, 0.03, 0.1, 0.2, 0.33, 0.5, 0.67, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2, 3, 5, 10, 30,
    100, 1000,
)  # fmt: skip
_MARKS = {"fail": "D", "pass": "o", "unclear": "o"}


def draw(picture: page.Picture) -> str:
    """Return the picture as inline SVG."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with _LOCK, matplotlib.rc_context(_SETTINGS), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
        figure = Figure(dpi=72)
        canvas: Any = FigureCanvasSVG(figure)
        if isinstance(picture, page.Intervals):
            _intervals(figure, picture)
        elif isinstance(picture, page.Dots):
            _dots(figure, picture)
        elif isinstance(picture, page.Scatter):
            _scatter(figure, picture)
        else:
            raise TypeError(f"no drawing for {type(picture).__name__}")
        stream = io.StringIO()
        canvas.print_svg(stream, metadata={"Date": None, "Creator": None})
    return adapt(stream.getvalue(), name=picture.name, title=picture.title, summary=picture.summary)


def _plane(figure: Figure, height: int, right: int = _RIGHT, left: int = _LEFT) -> Axes:
    """Size the figure in pixels and return axes with fixed borders, without a frame."""
    figure.set_size_inches(_WIDTH / 72, height / 72)
    inner = (_WIDTH - left - right) / _WIDTH, (height - _TOP - _BOTTOM) / height
    axes = figure.add_axes((left / _WIDTH, _BOTTOM / height, *inner))
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(PALETTE["line"])
    axes.patch.set_visible(False)
    figure.patch.set_visible(False)
    axes.tick_params(length=0, pad=7, labelcolor=PALETTE["muted"], color=PALETTE["line"])
    return axes


def _reach(values: list[float]) -> tuple[float, float]:
    low, high = min([*values, -0.3]), max([*values, 0.3])
    room = 0.06 * (high - low)
    return low - room, high + room


def _odds_ticks(low: float, high: float, most: int = 8) -> tuple[list[float], list[str]]:
    """Ticks at round odds ratios, thinned until they fit."""
    inside = [ratio for ratio in _RATIOS if low <= math.log(ratio) <= high]
    gap = (high - low) / most
    kept = [1.0]
    for ratio in sorted(inside, key=lambda r: abs(math.log(r))):
        if all(abs(math.log(ratio) - math.log(other)) >= gap for other in kept):
            kept.append(ratio)
    kept.sort()
    return [math.log(r) for r in kept], [f"{r:g}×" for r in kept]


def _scale(axes: Axes, low: float, high: float, unit: str, vertical: bool = False) -> None:
    """Print the axis as odds for log-odds measures, as plain numbers otherwise."""
    (axes.set_ylim if vertical else axes.set_xlim)(low, high)
    axis = axes.yaxis if vertical else axes.xaxis
    if unit == "nats":
        places, labels = _odds_ticks(low, high)
        axis.set_ticks(places, labels)
    axis.grid(True, color=PALETTE["line"], linewidth=0.6)
    axes.set_axisbelow(True)


def _ends(axes: Axes, left: str, right: str, unit: str) -> None:
    """Say below the axis what its two ends mean, and in which unit."""
    say: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points"}
    name = "odds ratio (logarithmic)" if unit == "nats" else unit
    for text, shift, anchor in (
        (f"← {short(left, 40)}", -14, "right"),
        (f"{short(right, 40)} →", 14, "left"),
    ):
        axes.annotate(text, (0.5, 0), xytext=(shift, -38), ha=anchor, va="center", fontsize=10.5,
                      color=PALETTE["ink"], annotation_clip=False, **say)  # fmt: skip
    axes.annotate(name, (0.5, 0), xytext=(0, -56), ha="center", va="center", fontsize=10,
                  color=PALETTE["muted"], annotation_clip=False, **say)  # fmt: skip


def _label(axes: Axes, y: float, text: str, limit: int = 31) -> None:
    axes.annotate(
        short(text, limit), (0, y), xytext=(-10, 0), xycoords=("axes fraction", "data"),
        textcoords="offset points", ha="right", va="center", fontsize=11, color=PALETTE["ink"],
        annotation_clip=False,
    )  # fmt: skip


def _title(axes: Axes, y: float, text: str) -> None:
    """A heading across the plot; the lines behind it are interrupted."""
    axes.axhspan(y - 0.6, y + 0.5, color=PALETTE["paper"], zorder=2.5, linewidth=0)
    axes.annotate(
        short(text, 104), (0, y), xytext=(-_LEFT + 4, -2), xycoords=("axes fraction", "data"),
        textcoords="offset points", ha="left", va="center", fontsize=11, fontweight="bold",
        color=PALETTE["ink"], annotation_clip=False,
    )  # fmt: skip


def _aside(axes: Axes, y: float, text: str, shift: int, tone: str = "ink") -> None:
    axes.annotate(
        text, (1, y), xytext=(shift, 0), xycoords=("axes fraction", "data"),
        textcoords="offset points", ha="left", va="center", fontsize=10.5, color=PALETTE[tone],
        annotation_clip=False,
    )  # fmt: skip


def _intervals(figure: Figure, picture: page.Intervals) -> None:
    lines: list[page.IntervalRow | str] = []
    for row in picture.rows:
        if row.heading and (not lines or row.heading != _heading(lines)):
            lines.append(row.heading)
        lines.append(row)
    axes = _plane(figure, _TOP + _BOTTOM + _ROW * len(lines))
    ends = [
        value
        for row in picture.rows
        for value in (row.estimate, row.low, row.high, row.margin, -(row.margin or 0.0))
        if value is not None
    ]
    low, high = _reach(ends)
    _scale(axes, low, high, picture.unit)
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.set_yticks([])
    for y, line in enumerate(lines):
        if isinstance(line, str):
            _title(axes, y, line)
        else:
            _interval(axes, y, line, picture.unit)
    axes.axvline(0, color=PALETTE["ink"], linewidth=1.1)
    _ends(axes, picture.left, picture.right, picture.unit)


def _heading(lines: list[page.IntervalRow | str]) -> str:
    last = lines[-1]
    return last if isinstance(last, str) else last.heading


def _interval(axes: Axes, y: int, row: page.IntervalRow, unit: str) -> None:
    if row.margin:
        axes.barh(
            y, 2 * row.margin, left=-row.margin, height=1.0, color=PALETTE["band"], zorder=0.5
        )
    tone = row.state if row.state in PALETTE else "accent"
    if row.low is not None and row.high is not None:
        axes.plot([row.low, row.high], [y, y], color=PALETTE[tone], linewidth=2.2,
                  solid_capstyle="round")  # fmt: skip
    axes.plot(
        [row.estimate], [y], marker=_MARKS.get(row.state, "s" if row.state else "o"),
        markersize=7.5, color=PALETTE[tone], markeredgewidth=1.8, linestyle="none",
        markerfacecolor=PALETTE["paper" if row.state == "unclear" else tone],
    )  # fmt: skip
    _label(axes, y, row.label)
    show = times if unit == "nats" else lambda value: plain(value, 3)
    text = show(row.estimate) + ("×" if unit == "nats" else "")
    if row.low is not None and row.high is not None:
        text += f"  ({show(row.low)} to {show(row.high)})"
    _aside(axes, y, text, 10)
    if row.state:
        _aside(axes, y, f"{SIGNS[row.state]} {row.state}", _RIGHT - 62, tone)


def _dots(figure: Figure, picture: page.Dots) -> None:
    alone = all(len(values) == 1 for _, values in picture.rows)
    left = 330 if alone else _LEFT
    axes = _plane(figure, _TOP + _BOTTOM + _ROW * len(picture.rows), right=84, left=left)
    every = [value for _, values in picture.rows for value in values]
    low, high = _reach(every)
    _scale(axes, low, high, picture.unit)
    axes.set_ylim(len(picture.rows) - 0.5, -0.5)
    axes.set_yticks([])
    axes.axvline(0, color=PALETTE["ink"], linewidth=1.1)
    if alone:
        mean = sum(every) / len(every)
        axes.axvline(mean, color=PALETTE["accent"], linewidth=1.2, linestyle=(0, (4, 3)))
    for y, (label, values) in enumerate(picture.rows):
        axes.plot(
            values, [y] * len(values), linestyle="none", marker="o", markersize=6.5,
            color=PALETTE["accent"], alpha=1 if alone else 0.6, markeredgewidth=0,
        )  # fmt: skip
        middle = sum(values) / len(values)
        if not alone:
            axes.plot([middle, middle], [y - 0.36, y + 0.36], color=PALETTE["ink"], linewidth=2)
        _label(axes, y, label, 50 if alone else 31)
        text = f"{times(middle)}×" if picture.unit == "nats" else plain(middle, 3)
        _aside(axes, y, text, 10)
    _ends(axes, picture.left, picture.right, picture.unit)


def _scatter(figure: Figure, picture: page.Scatter) -> None:
    axes = _plane(figure, 430, right=24, left=70)
    xs = [point[0] for point in picture.points]
    ys = [point[1] for point in picture.points]
    room = 0.05 * (max(xs) - min(xs))
    left, right = min(xs) - room, max(xs) + room
    axes.set_xlim(left, right)
    axes.xaxis.grid(True, color=PALETTE["line"], linewidth=0.6)
    line = [picture.intercept + picture.slope * x for x in (left, right)]
    _scale(axes, *_reach([*ys, *line]), picture.unit, vertical=True)
    axes.axhline(0, color=PALETTE["ink"], linewidth=1.1)
    axes.plot([left, right], line, color=PALETTE["accent"], linewidth=1.6, linestyle=(0, (5, 3)))
    axes.plot(xs, ys, linestyle="none", marker="o", markersize=6.5, color=PALETTE["accent"],
              alpha=0.75, markeredgewidth=0)  # fmt: skip
    _name_points(axes, picture)
    axes.set_xlabel(picture.x_label, color=PALETTE["ink"], fontsize=10.5, labelpad=10)
    for text, y, side in ((f"↑ {picture.above}", 1, "top"), (f"↓ {picture.below}", 0, "bottom")):
        axes.annotate(short(text, 60), (0, y), xycoords="axes fraction", xytext=(6, 0), ha="left",
                      va=side, textcoords="offset points", fontsize=10.5,
                      color=PALETTE["muted"])  # fmt: skip


def _name_points(axes: Axes, picture: page.Scatter, most: int = 18) -> None:
    """Name the points farthest from the line and from the middle, where there is room."""
    (low, high), (left, right) = axes.get_ylim(), axes.get_xlim()
    wide, tall = axes.bbox.size
    spots = {
        point: ((point[0] - left) / (right - left) * wide, (point[1] - low) / (high - low) * tall)
        for point in picture.points
    }
    ranked = sorted(
        picture.points,
        key=lambda p: (-abs(p[1] - picture.intercept - picture.slope * p[0]) - 0.3 * abs(p[1]), p),
    )
    taken = [(x - 4, x + 4, y - 4, y + 4) for x, y in spots.values()]
    for point in ranked:
        if len(taken) == len(spots) + most:
            return
        word = short(point[2], 22)
        side = _free_side(*spots[point], 6.0 * len(word), wide, taken)
        if side:
            axes.annotate(word, point[:2], xytext=(7 * side, 0), va="center",
                          ha="left" if side > 0 else "right", textcoords="offset points",
                          fontsize=10, color=PALETTE["ink"])  # fmt: skip


def _free_side(
    x: float, y: float, length: float, wide: float, taken: list[tuple[float, float, float, float]]
) -> int:
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
