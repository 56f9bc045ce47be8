"""What a shell may complete: names of probes, measures, checks, formats, and words of ``explain``.

Everything is imported when it is asked for: a shell waits for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

import rich_click as click

Completer = Callable[[click.Context, click.Parameter, str], list[Any]]


def _names(make: Callable[[], Iterable[str]], *, is_list: bool = False) -> Completer:
    """Complete names; of a comma-separated list, the last one."""

    def complete(_context: click.Context, _parameter: click.Parameter, text: str) -> list[Any]:
        before, comma, last = text.rpartition(",") if is_list else ("", "", text)
        taken = before.split(",")
        return [
            before + comma + name for name in make() if name.startswith(last) and name not in taken
        ]

    return complete


def _selectors() -> list[str]:
    from bias_audit.probes.catalogue import ProbeCatalogue

    catalogue = ProbeCatalogue()
    return [*catalogue.suites(), *catalogue.probe_ids()]


def _probe_ids() -> list[str]:
    from bias_audit.probes.catalogue import ProbeCatalogue

    return ProbeCatalogue().probe_ids()


def _datasets() -> Iterable[str]:
    from bias_audit.datasets import DATASETS

    return DATASETS


def _on_request(kind: Literal["measure", "check"]) -> Callable[[], Iterable[str]]:
    def names() -> Iterable[str]:
        from bias_audit.metrics.registry import names as optional

        return optional(kind)

    return names


def _formats() -> Iterable[str]:
    from bias_audit.reports import formats

    return formats()


def _file_formats() -> Iterable[str]:
    from bias_audit.reports import file_names

    return file_names()


def _words() -> list[str]:
    from bias_audit.reports.glossary import pages

    return sorted({word for page in pages() for word in (page.id, *page.words) if " " not in word})


selectors = _names(_selectors)
probes = _names(_probe_ids)
datasets = _names(_datasets)
measures = _names(_on_request("measure"))
checks = _names(_on_request("check"))
formats = _names(_formats, is_list=True)
file_formats = _names(_file_formats, is_list=True)
words = _names(_words)
OF_SETTINGS: dict[str, Completer] = {
    "probes": selectors,
    "exclude": selectors,
    "measures": measures,
    "checks": checks,
}
"""By the keyword of a setting."""


def choices(names: Iterable[str]) -> Completer:
    """Complete one of a few values."""
    return _names(lambda: names)
