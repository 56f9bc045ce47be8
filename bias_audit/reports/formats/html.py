"""The report page: no outside request, complete without its script; one file, or a folder."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from typing import Any, Protocol

from markupsafe import Markup

from bias_audit import _resources
from bias_audit.render._harmless import harmless
from bias_audit.render._shrink import fitted, narrowed, shorter, wide
from bias_audit.reports.formats import Format
from bias_audit.reports.text import sort_key
from bias_audit.reports.view import page
from bias_audit.reports.view.build import build
from bias_audit.reports.wording import SIGNS, STATE_WORDS, shared
from bias_audit.results import Results

STYLE, SCRIPT, FIGURES = "report.css", "report.js", "figures"
"""Names inside the folder layout."""
_COMFORT = 600_000
"""Bytes up to which charts are drawn a second time, for telephones."""
_FOLDER = "reports"
_MOST = 1_500_000
"""Bytes of a page: a browser opens it at once, and a build server stores and shows it."""


class Drawings(Protocol):
    """Charts that were drawn before, wherever they are kept."""

    def get(self, picture: page.Picture, *, narrow: bool) -> str | None:
        """The chart, if it is there. It is looked at before it is shown."""

    def put(self, picture: page.Picture, svg: str, *, narrow: bool) -> None:
        """Keep a chart that was drawn."""


def render(results: Results) -> str:
    """Return the whole page; in one that is too large every probe has less detail."""
    return whole(build(results))


def whole(shown: page.Page, drawings: Drawings | None = None) -> str:
    """Return the page of an audit that is already in words.

    Args:
        shown: what the page shows.
        drawings: charts of earlier pages; they change the time that it takes, never the page.
    """
    return _whole(shown, _environment(drawings=drawings))


def folder(results: Results) -> Iterator[tuple[str, bytes]]:
    """Yield (name, content): the page with style sheet, script and charts as files beside it.

    For servers whose content policy forbids style and script inside a page.
    """
    from bias_audit.reports.formats import figures

    shown = build(results)
    yield "index.html", _whole(shown, _environment(linked=True)).encode()
    yield STYLE, _style().encode()
    yield SCRIPT, _script().encode()
    for name, content in figures.drawn(figures.every(shown), ("svg",)):
        yield f"{FIGURES}/{name}", content


def _whole(shown: page.Page, environment: Any) -> str:
    """The page with as much as fits: charts for telephones come last and go first."""
    shown = wide(shown)
    text = fill("report.html.j2", shown, environment)
    room = min(_COMFORT, _MOST) - len(text.encode())
    if room > 0:
        draw = environment.globals["draw"]
        more = narrowed(shown, room, lambda picture: len(draw(picture, True).encode()) + 60)
        return fill("report.html.j2", more, environment)
    if len(text.encode()) <= _MOST:
        return text
    shown = shorter(shown)
    excess = len(fill("report.html.j2", shown, environment).encode()) - _MOST
    template = environment.get_template("probe.html.j2")

    def size(probe: page.ProbeSection) -> int:
        return len(template.render(probe=probe).encode())

    return fill("report.html.j2", fitted(shown, excess, size), environment)


def fragment(results: Results) -> str:
    """Return verdict and findings without style or script, for a notebook cell."""
    return fill("fragment.html.j2", build(results))


def digest(content: str) -> str:
    """The content policy's name for an inline style sheet or script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def fill(layout: str, shown: object, environment: Any = None) -> str:
    """Return the layout filled with ``page``, style and script at hand."""
    style, script = _style().strip(), _script().strip()
    text: str = (
        (environment or _environment())
        .get_template(layout)
        .render(
            page=shown,
            style=Markup(style),  # noqa: S704 - our own file
            script=Markup(script),  # noqa: S704 - our own file
            style_digest=digest(style),
            script_digest=digest(script),
        )
    )
    return text.rstrip() + "\n"


def _environment(linked: bool = False, drawings: Drawings | None = None) -> Any:
    """A Jinja environment that escapes everything: the names of our layouts end in ``.j2``."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_load),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        signs=SIGNS,
        state_words=STATE_WORDS,
        draw=_draw if drawings is None else _recalling(drawings),
        shared=shared,
        linked=linked,
        sort_key=sort_key,
    )
    return environment


def _load(name: str) -> str:
    return _resources.read_text(_FOLDER, name)


def _style() -> str:
    return _resources.read_text(_FOLDER, "style.css")


def _script() -> str:
    return _resources.read_text(_FOLDER, "report.js")


@lru_cache(maxsize=512)
def _draw(picture: page.Picture, narrow: bool = False) -> Markup:
    from bias_audit.render import charts

    return Markup(charts.draw(picture, narrow=narrow))  # noqa: S704 - escaped by the SVG writer


def _recalling(drawings: Drawings) -> Callable[..., Markup]:
    """Draws what is not kept, and what was kept but is no drawing of ours."""

    @cache
    def draw(picture: page.Picture, narrow: bool = False) -> Markup:
        kept = drawings.get(picture, narrow=narrow)
        if kept is not None and harmless(kept):
            return Markup(kept)  # noqa: S704 - looked at
        made = _draw(picture, narrow)
        drawings.put(picture, str(made), narrow=narrow)
        return made

    return draw


FORMATS = (
    Format("html", render, "report.html"),
    Format("notebook", fragment),
)
