"""``--format`` and ``-o FORMAT=PATH``, for every command that renders."""

from __future__ import annotations

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

    def __init__(self, format: str, output: tuple[str, ...]) -> None:
        self.formats = [name.strip() for name in format.split(",") if name.strip()]
        for name in self.formats:
            if name not in render.formats():
                raise UnknownNameError("format", name, render.formats())
        self.places = _places(self.formats, output)
        if len(self.formats) > 1 and set(self.formats) - set(self.places):
            raise UsageError(
                "several formats need a file each", hint="-o html=report.html -o csv=results.csv"
            )

    @property
    def to_stdout(self) -> bool:
        """True when a format goes to standard output."""
        return bool(set(self.formats) - set(self.places))

    def write(self, results: Results) -> None:
        """Render everything, then write it."""
        texts = {name: render.render(results, name) for name in self.formats}
        for name, text in texts.items():
            if name in self.places:
                archive.write_atomic(self.places[name], text)
                click.echo(str(self.places[name]), err=True)
            else:
                click.echo(text, nl=not text.endswith("\n"))


def _places(wanted: list[str], output: tuple[str, ...]) -> dict[str, Path]:
    places: dict[str, Path] = {}
    for item in output:
        name, separator, path = item.partition("=")
        if separator and name in wanted and path:
            places[name] = Path(path)
        elif not separator and len(wanted) == 1:
            places[wanted[0]] = Path(item)
        else:
            raise UsageError(
                f"expected -o FORMAT=PATH with one of {', '.join(wanted)}, got '{item}'"
            )
    return places
