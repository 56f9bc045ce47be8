"""The report page: no outside request, complete without its script; one file, or a folder."""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from markupsafe import Markup

from bias_audit.reports import wording
from bias_audit.reports.formats import Format
from bias_audit.reports.text import count, plain, short
from bias_audit.reports.view import exhibits, page
from bias_audit.reports.view.build import build
from bias_audit.reports.view.explorer import explorer
from bias_audit.reports.view.index import Index
from bias_audit.results import Results
from bias_audit.results.evidence import Source
from bias_audit.utils.resources import read_text

STYLE, SCRIPT, FIGURES = "report.css", "report.js", "figures"
"""Names inside the folder layout."""
PAGE_LIMIT, WHOLE_LIMIT, HANDY_LIMIT = 1_200_000, 1_950_000, 600_000
"""Bytes of a page without and with its sentences, and with those of controls."""
_FRAME, _CARD = 7_000, 16_000
"""Bytes of the explorer without its sentences, and of the exhibits of a card."""
_CUT = (
    "Charts and completions of this probe are left out to keep this page small. They are in "
    "results.json beside it; a run of this probe alone shows them all."
)


def render(results: Results, evidence: Source | None = None) -> str:
    """Return the whole page; one that would be too large shows less of the weakest probes.

    Args:
        results: the audit.
        evidence: its scores, which the page then holds, as many as there is room for.
    """
    return whole(build(results), evidence)


def folder(results: Results, evidence: Source | None = None) -> Iterator[tuple[str, bytes]]:
    """Yield (name, content): the page, with style sheet, script and charts as separate files.

    For servers whose content policy forbids style and script inside a page.
    """
    from bias_audit.reports.formats.figures import draw_files

    view = build(results)
    yield "index.html", whole(view, evidence, linked=True).encode()
    yield STYLE, style_sheet(view).encode()
    yield SCRIPT, read_text("reports", SCRIPT).encode()
    for name, content in draw_files(view.charts, ("svg",)):
        yield f"{FIGURES}/{name}", content


def whole(
    view: page.Page, evidence: Source | None = None, *, linked: bool = False, full: bool = False
) -> str:
    """Return the page of an audit that is already in words.

    Args:
        view: the audit; above :data:`PAGE_LIMIT` it is cut by :func:`cut`.
        evidence: its scores.
        linked: leave style and script to files beside the page.
        full: print everything, where a brief would be printed.
    """
    environment = _environment(linked)
    environment.globals.update(full=full, has_explorer=evidence is not None)
    section = environment.get_template("probe.html.j2")
    text = fill("report.html.j2", view, environment)
    excess = len(text.encode()) - PAGE_LIMIT
    if excess > 0:
        view = cut(view, excess, lambda p: len(section.render(page=view, probe=p).encode()))
        text = fill("report.html.j2", view, environment)
    if evidence is None:
        return text
    used = len(text.encode()) + _FRAME
    held = explorer(Index(view.audit), evidence, WHOLE_LIMIT - used, HANDY_LIMIT - used)
    environment.globals.update(has_explorer=held is not None)
    return fill("report.html.j2", replace(view, explorer=held), environment)


def cut(view: page.Page, excess: int, size: Callable[[page.ProbeSection], int]) -> page.Page:
    """Return a page that is smaller: probes keep question and card, those without findings first.

    Every outcome and judged number stays, and each cut says where to find the rest. Where that is
    not enough, the weakest findings keep their claim and their sentences only.

    Args:
        view: the whole page.
        excess: bytes by which it is too large.
        size: bytes of the section of a probe.
    """
    rank = {name: place for place, name in reversed([*enumerate(n.chapter for n in view.notes)])}
    probes = {probe.name: probe for probe in view.probes}
    for probe in sorted(probes.values(), key=lambda p: (-rank.get(p.name, len(rank)), p.name)):
        if excess <= 0:
            break
        bare = replace(
            probe, pictures=(), heat=None, columns=(), completion_words=(None, None),
            completions=None, further=None, notices=(*probe.notices, _CUT),
        )  # fmt: skip
        saving = size(probe) - size(bare)
        if saving > 0:
            probes[probe.name] = bare
            excess -= saving
    notes = list(view.notes)
    for place in reversed(range(len(notes))):
        if excess <= 0:
            break
        notes[place] = replace(notes[place], picture=None, columns=(), words=(None, None))
        excess -= _CARD
    return replace(view, probes=tuple(probes.values()), notes=tuple(notes))


def fragment(results: Results) -> str:
    """Return the first screen with its chart, without style or script, for a notebook cell."""
    return fill("fragment.html.j2", build(results))


def digest(content: str) -> str:
    """The content policy's name for an inline style sheet or script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def fill(layout: str, view: object, environment: Any = None) -> str:
    """Return the layout filled with ``page``, style and script at hand."""
    style, script = style_sheet(view), read_text("reports", SCRIPT).strip()
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


def style_sheet(view: object) -> str:
    """Return the style sheet; that of an audit has model, date and fingerprint in the page foot."""
    style = read_text("reports", "style.css").strip()
    if not isinstance(view, page.Page):
        return style
    model = view.audit.model
    digest = f"fingerprint {model.fingerprint[:12]}" if model.fingerprint else "no fingerprint"
    parts = (short(model.name, 60), view.subtitle.partition(" · ")[0], digest)
    return f"{style}\n@page {{ @bottom-left {{ content: {_css_text(' · '.join(parts))}; }} }}"


def _css_text(text: str) -> str:
    """A string of a style sheet: everything but letters and digits of ASCII as a number."""
    return '"' + "".join(c if c.isalnum() and c.isascii() else f"\\{ord(c):x} " for c in text) + '"'


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
        full=False,
        has_explorer=False,
        draw=_draw,
        reads_as=_reads_as,
        alone=_draw_alone,
        legend=wording.legend,
        bounds_note=wording.bounds_note,
        sentence=wording.sentence,
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


def _draw(picture: exhibits.Picture, explorer: bool, narrow: bool) -> Markup:
    from bias_audit.reports import charts

    drawn = charts.draw(picture, explorer=explorer, narrow=narrow)
    return Markup(drawn)  # noqa: S704 - escaped by the SVG writer


def _reads_as(cell: exhibits.Cell) -> bool:
    """Whether a cell's text is its number, so that the page's script can sort by it."""
    if cell.text[:1] in "→←":
        return bool(cell.text)
    text = re.sub(r" – .*| [%×]$|,", "", cell.text.replace("−", "-"))
    try:
        return cell.value is not None and math.isclose(float(text), cell.value, rel_tol=0.06)
    except ValueError:
        return False


def _draw_alone(picture: exhibits.Picture) -> Markup:
    """A chart in its own colours, for a place without our style sheet."""
    from bias_audit.reports import charts

    return Markup(charts.file(picture, "svg").decode())  # noqa: S704 - escaped by the SVG writer


FORMATS = (
    Format("html", render, "report.html", evidence=True),
    Format("notebook", fragment),
)
