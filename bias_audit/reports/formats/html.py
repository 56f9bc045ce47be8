"""The report page: no outside request, complete without its script; one file, or a folder."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from markupsafe import Markup

from bias_audit.reports import wording
from bias_audit.reports.formats import Format
from bias_audit.reports.text import count, plain, short
from bias_audit.reports.view import page
from bias_audit.reports.view.build import build
from bias_audit.results import Results
from bias_audit.utils.resources import read_text

STYLE, SCRIPT, FIGURES = "report.css", "report.js", "figures"
"""Names inside the folder layout."""
PAGE_LIMIT = 1_500_000
"""Bytes of a page: a browser opens it at once, and a build server stores and shows it."""
_CUT = (
    "Charts, completions and sentences of this probe are left out to keep this page small. They "
    "are in results.json and evidence.csv.gz beside it; a run of this probe alone shows them all."
)


def render(results: Results) -> str:
    """Return the whole page; one that would be too large shows less of the weakest probes."""
    return whole(build(results))


def folder(results: Results) -> Iterator[tuple[str, bytes]]:
    """Yield (name, content): the page, with style sheet, script and charts as separate files.

    For servers whose content policy forbids style and script inside a page.
    """
    from bias_audit.reports.formats.figures import draw_files

    view = build(results)
    yield "index.html", whole(view, linked=True).encode()
    yield STYLE, read_text("reports", "style.css").encode()
    yield SCRIPT, read_text("reports", SCRIPT).encode()
    for name, content in draw_files(view.charts, ("svg",)):
        yield f"{FIGURES}/{name}", content


def whole(view: page.Page, *, linked: bool = False) -> str:
    """Return the page of an audit that is already in words; ``linked`` leaves style and script out.

    A page above :data:`PAGE_LIMIT` is cut by :func:`cut`.
    """
    environment = _environment(linked)
    text = fill("report.html.j2", view, environment)
    excess = len(text.encode()) - PAGE_LIMIT
    if excess <= 0:
        return text
    section = environment.get_template("probe.html.j2")
    less = cut(view, excess, lambda probe: len(section.render(probe=probe).encode()))
    return fill("report.html.j2", less, environment)


def cut(view: page.Page, excess: int, size: Callable[[page.ProbeSection], int]) -> page.Page:
    """Return a page that is smaller: probes keep question, verdict and card, the weakest first.

    Probes with findings are the strongest, in the order of the findings. Every outcome, verdict and
    judged number stays, and each cut says where to find the
    rest.

    Args:
        view: the whole page.
        excess: bytes by which it is too large.
        size: bytes of the section of a probe.
    """
    rank = {name: place for place, name in reversed([*enumerate(n.chapter for n in view.notes)])}
    probes = {probe.name: probe for chapter in view.chapters for probe in chapter.probes}
    weakest_first = sorted(
        probes.values(),
        key=lambda p: (-rank.get(p.name, len(rank)), p.name),
    )
    for probe in weakest_first:
        if excess <= 0:
            break
        bare = replace(
            probe, pictures=(), word_pictures=(), heat=None, columns=(), evidence=(), further=None,
            notices=(*probe.notices, _CUT),
        )  # fmt: skip
        saving = size(probe) - size(bare)
        if saving > 0:
            probes[probe.name] = bare
            excess -= saving
    chapters = tuple(
        replace(chapter, probes=tuple(probes[probe.name] for probe in chapter.probes))
        for chapter in view.chapters
    )
    pairs = {item.name for probe in probes.values() for item in probe.evidence}
    return replace(
        view,
        chapters=chapters,
        notes=tuple(replace(n, pairs=n.pairs if n.pairs in pairs else "") for n in view.notes),
    )


def fragment(results: Results) -> str:
    """Return the first screen with its chart, without style or script, for a notebook cell."""
    return fill("fragment.html.j2", build(results))


def digest(content: str) -> str:
    """The content policy's name for an inline style sheet or script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def fill(layout: str, view: object, environment: Any = None) -> str:
    """Return the layout filled with ``page``, style and script at hand."""
    style, script = (read_text("reports", name).strip() for name in ("style.css", SCRIPT))
    text: str = (
        (environment or _environment())
        .get_template(layout)
        .render(
            page=view,
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
        loader=jinja2.FunctionLoader(lambda name: read_text("reports", name)),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        linked=linked,
        draw=_draw,
        alone=_draw_alone,
        narrow=wording.NARROW,
        signs=wording.SIGNS,
        state_words=wording.STATE_WORDS,
        outcome_words=wording.OUTCOME_WORDS,
        pills=wording.PILLS,
        number_repeats=wording.number_repeats,
        wanted_behaviour=wording.wanted_behaviour,
        count=count,
        plain=plain,
        short=short,
    )
    return environment


def _draw(picture: page.Picture) -> Markup:
    from bias_audit.reports import charts

    return Markup(charts.draw(picture))  # noqa: S704 - escaped by the SVG writer


def _draw_alone(picture: page.Picture) -> Markup:
    """A chart in its own colours, for a place without our style sheet."""
    from bias_audit.reports import charts

    return Markup(charts.file(picture, "svg").decode())  # noqa: S704 - escaped by the SVG writer


FORMATS = (
    Format("html", render, "report.html"),
    Format("notebook", fragment),
)
