"""Show an audit: one file per format, each a pure function of the archived results."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from bias_audit.archive import Results, results_text
from bias_audit.errors import UnknownNameError

if TYPE_CHECKING:
    from bias_audit.render._page import Page
    from bias_audit.render.html import Drawings

Renderer = Callable[[Results], str]
"""Turns an audit into the text of one file."""


def render(results: Results, format: str) -> str:
    """Return the audit in the named format; the same audit always gives the same text.

    Raises:
        UnknownNameError: no format has this name.
    """
    if format not in _FORMATS:
        raise UnknownNameError("report format", format, formats())
    return _FORMATS[format](results)


def for_people(view: Page, drawings: Drawings | None = None) -> dict[str, str]:
    """Return report and summary by their file names.

    Args:
        view: words and numbers of the audit.
        drawings: charts of earlier reports; they change the time that it takes, never the report.
    """
    from bias_audit.render import html, markdown

    return {FILES["html"]: html.whole(view, drawings), FILES["md"]: markdown.summary(view)}


def formats() -> tuple[str, ...]:
    """Names of the formats, in alphabetical order."""
    return tuple(sorted(_FORMATS))


def _module(name: str, function: str = "render") -> Renderer:
    """A format that is loaded when it is first used: some of them need heavy packages."""

    def run(results: Results) -> str:
        found = getattr(import_module(f"bias_audit.render.{name}"), function)
        return str(found(results))

    return run


_FORMATS: dict[str, Renderer] = {
    "card": _module("card"),
    "csv": _module("csv"),
    "gates-csv": _module("gates_csv"),
    "github": _module("github"),
    "gitlab": _module("gitlab"),
    "html": _module("html"),
    "json": results_text,
    "junit": _module("junit"),
    "md": _module("markdown"),
    "notebook": _module("html", "fragment"),
    "sarif": _module("sarif"),
    "terminal": _module("terminal"),
}

FILES = {
    "html": "report.html",
    "md": "summary.md",
    "json": "results.json",
    "csv": "results.csv",
    "gates-csv": "gates.csv",
    "junit": "junit.xml",
    "sarif": "results.sarif",
    "github": "annotations.txt",
    "gitlab": "gl-code-quality-report.json",
    "card": "card.md",
}
"""Names that the formats have as files of a run folder."""

__all__ = ["FILES", "Renderer", "for_people", "formats", "render"]
