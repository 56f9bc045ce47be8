"""Show an audit: one module per format, each a pure function of the stored results.

To add a format, add a module to :mod:`bias_audit.reports.formats`.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from bias_audit.errors import UnknownNameError
from bias_audit.reports import formats as _formats
from bias_audit.reports.formats import Format
from bias_audit.reports.view.page import Page
from bias_audit.results import Results
from bias_audit.results.evidence import Source

__all__ = ["Format", "file_names", "for_people", "formats", "render"]


def render(results: Results, format: str, evidence: Source | None = None) -> str:
    """Return the audit in the named format; the same audit always gives the same text.

    Args:
        results: the audit.
        format: name of the format.
        evidence: its scores, for formats that show single sentences.

    Raises:
        UnknownNameError: no format has this name.
    """
    if format not in _registry():
        raise UnknownNameError("report format", format, formats())
    chosen = _registry()[format]
    return chosen.render(results, evidence) if chosen.evidence else chosen.render(results)


def for_people(view: Page, evidence: Source | None = None) -> dict[str, str]:
    """Return report and summary by their file names, from the words and numbers of an audit."""
    from bias_audit.reports.formats import html, markdown

    names = file_names()
    return {names["html"]: html.whole(view, evidence), names["md"]: markdown.summary(view)}


def formats() -> tuple[str, ...]:
    """Return the names of the formats, in alphabetical order."""
    return tuple(_registry())


def file_names() -> dict[str, str]:
    """Return the names that the formats have as files of a run folder, by format."""
    return {format.name: format.file for format in _registry().values() if format.file}


@cache
def _registry() -> dict[str, Format]:
    """Collect the formats of all modules; loaded late, since they import from this package."""
    modules = (
        import_module(f"{_formats.__name__}.{m.name}") for m in iter_modules(_formats.__path__)
    )
    listed = (format for module in modules for format in getattr(module, "FORMATS", ()))
    return {format.name: format for format in sorted(listed, key=lambda format: format.name)}
