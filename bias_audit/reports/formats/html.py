"""The report page: no outside request, complete without its script; one file, or a folder."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from markupsafe import Markup

from bias_audit.reports.formats import Format
from bias_audit.reports.text import sort_key
from bias_audit.reports.view import page
from bias_audit.reports.view.build import build
from bias_audit.reports.wording import SIGNS, STATE_WORDS, STATES, shared
from bias_audit.results import Results
from bias_audit.utils.resources import read_text

STYLE, SCRIPT, FIGURES = "report.css", "report.js", "figures"
"""Names inside the folder layout."""
PAGE_LIMIT = 1_500_000
"""Bytes of a page: a browser opens it at once, and a build server stores and shows it."""
_ROWS = 40
"""Rows of each table on the quality of the evidence in a page that would be larger."""
_FOLDER = "reports"
_CUT = (
    "Charts, completions and sentences of this probe are left out to keep this page small. They "
    "are in results.json and evidence.csv.gz beside it; a run of this probe alone shows them all."
)


def render(results: Results) -> str:
    """Return the whole page; one that would be too large shows less of the weakest probes."""
    return whole(build(results))


def whole(shown: page.Page) -> str:
    """Return the page of an audit that is already in words."""
    return _whole(shown, _environment())


def folder(results: Results) -> Iterator[tuple[str, bytes]]:
    """Yield (name, content): the page, with style sheet, script and charts as separate files.

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
    text = fill("report.html.j2", shown, environment)
    excess = len(text.encode()) - PAGE_LIMIT
    if excess <= 0:
        return text
    section = environment.get_template("probe.html.j2")
    less = cut(shown, excess, lambda probe: len(section.render(probe=probe).encode()))
    return fill("report.html.j2", less, environment)


def cut(shown: page.Page, excess: int, size: Callable[[page.ProbeSection], int]) -> page.Page:
    """Return a page that is smaller: probes keep question, verdict and card, the weakest first.

    Probes with findings are the strongest, in the order of the findings; then come failed, unclear
    and passed ones. Tables on the quality of the evidence keep their first rows. Every verdict and
    judged number stays, and each cut says where to find the rest.

    Args:
        shown: the whole page.
        excess: bytes by which it is too large.
        size: bytes of the section of a probe.
    """
    rank = {name: place for place, name in reversed([*enumerate(n.chapter for n in shown.notes)])}
    probes = {probe.name: probe for chapter in shown.chapters for probe in chapter.probes}
    weakest_first = sorted(
        probes.values(),
        key=lambda p: (-rank.get(p.name, len(rank)), -STATES.index(p.state), p.name),
    )
    for probe in weakest_first:
        if excess <= 0:
            break
        bare = replace(
            probe, pictures=(), word_pictures=(), heat=None, columns=(), evidence=(), further=None,
            notices=(*probe.notices, _CUT),
        )  # fmt: skip
        saved = size(probe) - size(bare)
        if saved > 0:
            probes[probe.name] = bare
            excess -= saved
    chapters = tuple(
        replace(chapter, probes=tuple(probes[probe.name] for probe in chapter.probes))
        for chapter in shown.chapters
    )
    pairs = {item.name for probe in probes.values() for item in probe.evidence}
    notes = tuple(replace(n, pairs=n.pairs if n.pairs in pairs else "") for n in shown.notes)
    tables = tuple((name, _first_rows(table)) for name, table in shown.quality.tables)
    quality = replace(shown.quality, tables=tables)
    return replace(shown, chapters=chapters, notes=notes, quality=quality)


def _first_rows(table: page.Table) -> page.Table:
    """The first rows, and how many more there are."""
    left = len(table.rows) - _ROWS
    if left <= 0:
        return table
    note = f"{table.note} {left} more rows are in results.json.".strip()
    return replace(table, rows=table.rows[:_ROWS], note=note)


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


def _environment(linked: bool = False) -> Any:
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
        draw=_draw,
        shared=shared,
        linked=linked,
        sort_key=sort_key,
    )
    return environment


def _load(name: str) -> str:
    return read_text(_FOLDER, name)


def _style() -> str:
    return read_text(_FOLDER, "style.css")


def _script() -> str:
    return read_text(_FOLDER, "report.js")


def _draw(picture: page.Picture) -> Markup:
    from bias_audit.reports import charts

    return Markup(charts.draw(picture))  # noqa: S704 - escaped by the SVG writer


FORMATS = (
    Format("html", render, "report.html"),
    Format("notebook", fragment),
)
