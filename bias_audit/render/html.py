"""The report page: one file, no outside request, complete without its script."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from markupsafe import Markup

from bias_audit import _resources
from bias_audit.archive import Results
from bias_audit.render import _page as page
from bias_audit.render._words import SIGNS, STATE_WORDS
from bias_audit.render.view import build

_FOLDER = "reports"


def render(results: Results) -> str:
    """Return the whole page."""
    return _page("report.html.j2", build(results))


def fragment(results: Results) -> str:
    """Return verdict and findings without style or script, for a notebook cell."""
    return _page("fragment.html.j2", build(results))


def digest(content: str) -> str:
    """The content policy's name for an inline style sheet or script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def _page(layout: str, shown: page.Page) -> str:
    style = _resources.read_text(_FOLDER, "style.css").strip()
    script = _resources.read_text(_FOLDER, "report.js").strip()
    text: str = (
        _environment()
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


def _environment() -> Any:
    """A Jinja environment that escapes everything: the names of our layouts end in ``.j2``."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_load),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(signs=SIGNS, state_words=STATE_WORDS, draw=_draw)
    return environment


def _load(name: str) -> str:
    return _resources.read_text(_FOLDER, name)


def _draw(picture: page.Picture) -> Markup:
    from bias_audit.render import _charts

    return Markup(_charts.draw(picture))  # noqa: S704 - escaped by the SVG writer
