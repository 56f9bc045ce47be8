"""The report page: one file, no outside request, complete without its script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from markupsafe import Markup

from bias_audit import _resources
from bias_audit.archive import Results
from bias_audit.render import _page as page
from bias_audit.render._words import SIGNS, STATE_WORDS, STATES, shared
from bias_audit.render.view import build

_FOLDER = "reports"
_MOST = 1_500_000
"""Bytes of a page: a browser opens it at once, and a build server stores and shows it."""
_CUT = (
    "Charts by word, completions and sentences of this probe are left out to keep this page small. "
    "They are in results.json and evidence.csv.gz beside it; a run of this probe alone shows them "
    "all."
)


def render(results: Results) -> str:
    """Return the whole page; one that is too large keeps only its strongest probes' details."""
    shown = build(results)
    draw = cache(_draw)
    text = _page("report.html.j2", shown, draw)
    excess = len(text.encode()) - _MOST
    return text if excess <= 0 else _page("report.html.j2", _smaller(shown, excess, draw), draw)


def _smaller(shown: page.Page, excess: int, draw: Callable[[page.Picture], Markup]) -> page.Page:
    """The page without the details of its weakest probes; every verdict and number stays."""
    template = _environment(draw).get_template("probe.html.j2")
    cut: set[str] = set()
    for probe in reversed(_by_strength(shown)):
        if excess <= 0:
            break
        before, after = (len(template.render(probe=p).encode()) for p in (probe, _bare(probe)))
        if after < before:
            cut.add(probe.name)
            excess -= before - after
    chapters = tuple(
        replace(c, probes=tuple(_bare(p) if p.name in cut else p for p in c.probes))
        for c in shown.chapters
    )
    notes = tuple(replace(n, pairs="") if n.chapter in cut else n for n in shown.notes)
    return replace(shown, chapters=chapters, notes=notes)


def _by_strength(shown: page.Page) -> list[page.ProbeSection]:
    """Probes with findings first, in the order of the findings; then failed, unclear and passed."""
    named = {name: place for place, name in reversed([*enumerate(n.chapter for n in shown.notes)])}
    probes = [probe for chapter in shown.chapters for probe in chapter.probes]
    return sorted(
        probes, key=lambda p: (named.get(p.name, len(named)), STATES.index(p.state), p.name)
    )


def _bare(probe: page.ProbeSection) -> page.ProbeSection:
    return replace(
        probe, pictures=(), word_pictures=(), heat=None, columns=(), evidence=(), further=None,
        notices=(*probe.notices, _CUT),
    )  # fmt: skip


def fragment(results: Results) -> str:
    """Return verdict and findings without style or script, for a notebook cell."""
    return _page("fragment.html.j2", build(results), _draw)


def digest(content: str) -> str:
    """The content policy's name for an inline style sheet or script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def _page(layout: str, shown: page.Page, draw: Callable[[page.Picture], Markup]) -> str:
    style = _resources.read_text(_FOLDER, "style.css").strip()
    script = _resources.read_text(_FOLDER, "report.js").strip()
    text: str = (
        _environment(draw)
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


def _environment(draw: Callable[[page.Picture], Markup]) -> Any:
    """A Jinja environment that escapes everything: the names of our layouts end in ``.j2``."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_load),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(signs=SIGNS, state_words=STATE_WORDS, draw=draw, shared=shared)
    return environment


def _load(name: str) -> str:
    return _resources.read_text(_FOLDER, name)


def _draw(picture: page.Picture) -> Markup:
    from bias_audit.render import _charts

    return Markup(_charts.draw(picture))  # noqa: S704 - escaped by the SVG writer
