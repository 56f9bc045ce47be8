"""Show an audit: one file per format, each a pure function of the archived results."""

from __future__ import annotations

from collections.abc import Callable

from bias_audit.archive import Results, results_text
from bias_audit.errors import UnknownNameError

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


def formats() -> tuple[str, ...]:
    """Names of the formats, in alphabetical order."""
    return tuple(sorted(_FORMATS))


def _html(results: Results) -> str:
    from bias_audit.render import html

    return html.render(results)


def _notebook(results: Results) -> str:
    from bias_audit.render import html

    return html.fragment(results)


def _markdown(results: Results) -> str:
    from bias_audit.render import markdown

    return markdown.render(results)


def _csv(results: Results) -> str:
    from bias_audit.render import csv

    return csv.render(results)


def _terminal(results: Results) -> str:
    from bias_audit.render import terminal

    return terminal.render(results)


_FORMATS: dict[str, Renderer] = {
    "html": _html,
    "notebook": _notebook,
    "md": _markdown,
    "json": results_text,
    "csv": _csv,
    "terminal": _terminal,
}

__all__ = ["Renderer", "formats", "render"]
