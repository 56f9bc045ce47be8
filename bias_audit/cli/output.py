"""What commands print and write: formats and their files, progress, the exit code."""

from __future__ import annotations

import sys
import textwrap
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from bias_audit.errors import UnknownNameError, UsageError, visible

if TYPE_CHECKING:
    from bias_audit.pipeline.score import ProgressListener
    from bias_audit.results import Results

PLAIN_STEP = 10
"""A plain line of progress each so many per cent."""


def say(*lines: str, err: bool = False) -> None:
    """Print lines, the only way to: no text in them is obeyed by a terminal or a build server.

    ``err``: to standard error, where everything goes that is no result.
    """
    for line in lines:
        click.echo(visible(line), err=err)


def say_json(content: Any) -> None:
    """Print a value as JSON."""
    from bias_audit.results.io import dump_json

    click.echo(dump_json(content), nl=False)


def say_report(text: str) -> None:
    """Print a text that a renderer made of cleaned strings, as it is."""
    click.echo(text, nl=not text.endswith("\n"))


def markup(text: str) -> str:
    """Return a text for a table or a line of Rich's, which neither it nor a terminal obeys."""
    from rich.markup import escape

    return escape(visible(text))


class Outputs:
    """The formats that were asked for, and the file of each; the others go to standard output.

    Args:
        format: names of formats; without any, those that ``output`` names, else ``default``.
        output: places, ``FORMAT=PATH``, or ``PATH`` for a single format.
        known: names of all formats.
        default: the format where none is named.

    Raises:
        UnknownNameError: no such format.
        UsageError: a place for no format, or several formats for standard output.
    """

    def __init__(
        self, format: str | None, output: tuple[str, ...], known: tuple[str, ...], default: str
    ) -> None:
        named = ",".join(item.partition("=")[0] for item in output if "=" in item)
        self.formats = _split_names(format or named or default, known, "format")
        self.places = places(self.formats, output)
        if "pdf" in self.formats and "pdf" not in self.places:
            raise UsageError("a PDF needs a file", hint="-o pdf=brief.pdf")
        if len(self.formats) > 1 and set(self.formats) - set(self.places):
            raise UsageError(
                "several formats need a file each", hint="-o html=report.html -o csv=results.csv"
            )

    def protect(self, run: Path | None, *inputs: Path | None) -> None:
        """Refuse places where a file would be lost that the command reads.

        A report may take its own place in the folder of the run, as ``summary.md`` does.

        Args:
            run: the folder of the run, or its ``results.json``.
            inputs: further files and folders that are read.

        Raises:
            UsageError: a place is one of them.
        """
        from bias_audit.pipeline.audit import own_files, run_files
        from bias_audit.reports import file_names

        own, reports = own_files(), file_names()
        home = None if run is None else (run if run.is_dir() else run.parent).resolve()
        read = [path.resolve() for path in inputs if path is not None and path.exists()]
        for format, path in self.places.items():
            place = path.resolve()
            twin = home is not None and any(_same_file(home / name, place) for name in own)
            inside = home == place.parent and place.name in run_files()
            taken = twin or (inside and (place.name in own or place.name != reports.get(format)))
            if taken or any(
                _same_file(one, place) or (one.is_dir() and place.is_relative_to(one))
                for one in read
            ):
                raise UsageError(
                    f"-o {format}={path} would take the place of a file that this command reads",
                    hint="nothing was written: name another file",
                )

    @property
    def to_stdout(self) -> bool:
        """True when a format goes to standard output."""
        return bool(set(self.formats) - set(self.places))

    def write_texts(self, texts: Mapping[str, str | bytes]) -> None:
        """Write the content of each format: files first, whoever reads the rest."""
        from bias_audit.utils.files import write_atomic

        for name, path in self.places.items():
            write_atomic(path, texts[name])
            say(str(path), err=True)
        for name in self.formats:
            if name not in self.places:
                say_report(str(texts[name]))


def refuse_own(place: Path, *runs: Path) -> None:
    """Refuse to write over a file of a run that the command reads.

    Raises:
        UsageError: the place is one.
    """
    from bias_audit.pipeline.audit import own_files, run_files

    for run in runs:
        home = (run if run.is_dir() else run.parent).resolve()
        if any(_same_file(home / name, place) for name in {*own_files(), *run_files()}):
            raise UsageError(
                f"-o {place} would take the place of a file of the run {run}",
                hint="nothing was written: name another file",
            )


def _same_file(one: Path, other: Path) -> bool:
    """Whether two paths are one file, by whatever name."""
    return one == other or (one.is_file() and other.is_file() and one.samefile(other))


def file_formats(format: str | None) -> tuple[str, ...]:
    """Return the formats of a comma-separated list that are written into a run folder.

    Raises:
        UsageError: the list is empty.
        UnknownNameError: no such format.
    """
    from bias_audit.reports import file_names

    known = tuple(file_names())
    return () if format is None else _split_names(format, known, "format for a file")


def _split_names(text: str, known: tuple[str, ...], kind: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise UsageError("no format was named", hint=f"one of: {', '.join(known)}")
    for name in names:
        if name not in known:
            raise UnknownNameError(kind, name, known)
    return names


def places(wanted: tuple[str, ...], output: tuple[str, ...]) -> dict[str, Path]:
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


def say_notes(results: Results) -> None:
    """Say to standard error how a run was judged, where one line is all that is printed."""
    from bias_audit.results.run_record import NOT_MEASURED

    left_out = [error.probe or "" for error in results.errors if error.type == NOT_MEASURED]
    if left_out:
        asked = ", ".join(left_out)
        say(f"Note: incomplete: the configuration asks for {asked}, left out here", err=True)
    for notice in results.notices:
        say(f"Note: {notice}", err=True)


def finish(results: Results, *, exit_zero: bool, strict: bool) -> int:
    """Return the exit code, and say what flags did to it."""
    code = results.exit_code
    if strict and code == 3 and any("not pinned" in n for n in results.model.notices):
        say("Error: --strict needs a pinned revision (--revision COMMIT)", err=True)
    if exit_zero and code in (1, 3):
        say(f"Note: --exit-zero turned exit code {code} into 0", err=True)
        return 0
    return code


def fold(text: str, *, head: str = "", indent: int = 0, width: int = 100) -> list[str]:
    """Fold a line under its own text; words stay whole."""
    return textwrap.wrap(
        text,
        width,
        initial_indent=head,
        subsequent_indent=" " * (indent or len(head)),
        break_long_words=False,
        break_on_hyphens=False,
    ) or ([] if head else [""])


@contextmanager
def progress(kind: str) -> Iterator[ProgressListener | None]:
    """Yield a listener for what a run is doing.

    Args:
        kind: ``auto`` (a bar on a terminal, else plain lines), ``bar``, ``plain`` or ``none``.
    """
    if kind == "auto":
        kind = "bar" if sys.stderr.isatty() else "plain"
    if kind == "none":
        yield None
    elif kind == "plain":
        yield _Plain()
    else:
        with _bar() as listener:
            yield listener


class _Rate:
    """Rows a second of what is done now, from its first report on."""

    def __init__(self) -> None:
        self.what, self.first, self.start = "", 0, 0.0

    def begins(self, what: str, done: int) -> bool:
        """Return whether something new has begun, and count anew then."""
        if what == self.what:
            return False
        self.what, self.first, self.start = what, done, time.monotonic()
        return True

    def per_second(self, done: int) -> float:
        """Return the rate; 0 before anything is known."""
        spent = time.monotonic() - self.start
        return (done - self.first) / spent if done > self.first and spent > 0 else 0.0


class _Plain:
    """One line for each step, and for each ten per cent of it."""

    def __init__(self) -> None:
        self.printed, self.rate = 0, _Rate()

    def __call__(self, what: str, done: int, total: int) -> None:
        if self.rate.begins(what, done):
            self.printed = 0
            say(f"{what}: {total:,} sentences" if total else what, err=True)
        percent = 100 * done // max(total, 1)
        speed = self.rate.per_second(done)
        if percent < self.printed + PLAIN_STEP or not speed:
            return
        self.printed = percent // PLAIN_STEP * PLAIN_STEP
        left = (total - done) / speed
        say(f"{what}: {percent} %, {speed:,.0f} sentences/s, {left:.0f} s left", err=True)


@contextmanager
def _bar() -> Iterator[ProgressListener]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[rows]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, rows="")
        rate = _Rate()

        def listen(what: str, done: int, total: int) -> None:
            if rate.begins(what, done):
                bar.reset(task, total=total or None, description=markup(what), rows="")
            if total:
                rows = f"{done:,}/{total:,} {rate.per_second(done):,.0f}/s"
                bar.update(task, completed=done, total=total, rows=rows)

        yield listen
