"""``--format`` and ``-o FORMAT=PATH``, for every command that renders."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import rich_click as click

from bias_audit import archive, render
from bias_audit.archive import Results
from bias_audit.errors import UnknownNameError, UsageError


class Outputs:
    """The formats that were asked for, and the file of each; the others go to standard output.

    Raises:
        UnknownNameError: no such format.
        UsageError: a place for no format, or several formats for standard output.
    """

    def __init__(
        self, format: str, output: tuple[str, ...], known: tuple[str, ...] | None = None
    ) -> None:
        known = known or render.formats()
        self.formats = [name.strip() for name in format.split(",") if name.strip()]
        for name in self.formats:
            if name not in known:
                raise UnknownNameError("format", name, known)
        if not self.formats:
            raise UsageError("no format was named", hint=f"one of: {', '.join(known)}")
        self.places = places(self.formats, output)
        if len(self.formats) > 1 and set(self.formats) - set(self.places):
            raise UsageError(
                "several formats need a file each", hint="-o html=report.html -o csv=results.csv"
            )

    @property
    def to_stdout(self) -> bool:
        """True when a format goes to standard output."""
        return bool(set(self.formats) - set(self.places))

    def write(self, results: Results) -> None:
        """Render everything, then write it: files first, whoever reads the rest."""
        self.write_texts({name: render.render(results, name) for name in self.formats})

    def write_texts(self, texts: Mapping[str, str]) -> None:
        """Write what was rendered, one text for each format."""
        for name, path in self.places.items():
            archive.write_atomic(path, texts[name])
            click.echo(str(path), err=True)
        for name in self.formats:
            if name not in self.places:
                click.echo(texts[name], nl=not texts[name].endswith("\n"))


def file_formats(format: str) -> tuple[str, ...]:
    """Return the formats of a comma-separated list that are written into a run folder.

    Raises:
        UnknownNameError: no such format.
    """
    names = tuple(name.strip() for name in format.split(",") if name.strip())
    for name in names:
        if name not in render.FILES:
            raise UnknownNameError("format for a file", name, render.FILES)
    return names


def places(wanted: list[str], output: tuple[str, ...]) -> dict[str, Path]:
    """Where each format goes, from -o FORMAT=PATH.

    Raises:
        UsageError: an unknown format, an empty path, or two for one.
    """
    paths: dict[str, Path] = {}
    for item in output:
        name, separator, path = item.partition("=")
        if not separator and len(wanted) == 1:
            name, path = wanted[0], item
        if name in paths or Path(path) in paths.values():
            raise UsageError(
                f"-o {item}: its format or its file was named before, and one would be lost"
            )
        if name in wanted and path:
            paths[name] = Path(path)
        else:
            raise UsageError(
                f"expected -o FORMAT=PATH with one of {', '.join(wanted)}, got '{item}'"
            )
    return paths
