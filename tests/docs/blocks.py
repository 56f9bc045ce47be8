"""Type what a page shows: ``python -m tests.docs.blocks`` writes today's output into its blocks.

In a console block a line that begins with ``$`` is typed, and the lines below it are what came. An
ending line ``...`` stands for more. A block after ``<!-- file NAME -->`` is that file. Python
blocks of a page are one program. Pages that stand together in ``TYPED`` are typed in one folder.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import runpy
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

from bias_audit.cli.app import run

ROOT = Path(__file__).parents[2]
TYPED = (("tutorial.md", "decide.md"), ("adding-a-probe.md",), ("interface.md",), ("method.md",))
BLOCK = re.compile(r"(?:^<!-- file (\S+) -->\n)?^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
MORE = "..."
WIDTH = "80"
CHANGING = (
    (re.compile(r"\d{4}-\d\d-\d\d-[0-9a-f]{6,}(-\d+)?"), "<date>-<digest>"),
    (re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d UTC)?"), "<date>"),
    (re.compile(r"\b\d+ (?:min \d+ s|min|s)\b"), "60 s"),
)
"""What differs from day to day and machine to machine."""


@dataclass(frozen=True)
class Typed:
    """A command of a page, what the page says came of it, and what came."""

    command: str
    shown: tuple[str, ...]
    printed: tuple[str, ...]
    code: int

    @property
    def current(self) -> tuple[str, ...]:
        """What the page ought to show: as many lines as it does."""
        if self.shown[-1:] != (MORE,):
            return self.printed
        return (*self.printed[: len(self.shown) - 1], MORE)


class Reader:
    """Somebody who types the blocks of pages one after the other, in the working folder."""

    def __init__(self) -> None:
        self.code = 0
        self.names: dict[str, object] = {}

    def read(self, text: str) -> Iterator[Typed]:
        """Type every block of a page."""
        for file, language, body in BLOCK.findall(text):
            if file:
                Path(file).write_text(body, encoding="utf-8")
            elif language == "python":
                with contextlib.redirect_stdout(io.StringIO()):
                    exec(compile(body, "page", "exec"), self.names)  # noqa: S102
            elif language == "console":
                yield from self._type(body)

    def _type(self, body: str) -> Iterator[Typed]:
        for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
            command, *shown = part.rstrip("\n").splitlines()
            printed = tuple(self._output(command))
            yield Typed(command, tuple(shown), printed, self.code)

    def _output(self, command: str) -> list[str]:
        if command == "echo $?":
            return [str(self.code)]
        program, *arguments = shlex.split(command, comments=True)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
            if program == "bias-audit":
                self.code = run(arguments)
            else:
                script, *arguments = arguments
                assert (program, script[:9]) == ("python", "examples/"), command
                with mock.patch.object(sys, "argv", [script, *arguments]):
                    runpy.run_path(str(ROOT / script), run_name="__main__")
        text = printed.getvalue()
        for pattern, stable in CHANGING:
            text = pattern.sub(stable, text)
        return [line.rstrip() for line in text.rstrip().splitlines()]


@contextlib.contextmanager
def in_folder(folder: Path) -> Iterator[None]:
    """Work in a folder, in a terminal of one width."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = WIDTH
    try:
        with contextlib.chdir(folder):
            yield
    finally:
        os.environ.pop("COLUMNS")
        if before is not None:
            os.environ["COLUMNS"] = before


def renew(page: Path, reader: Reader) -> None:
    """Write what comes today into a page."""
    text = page.read_text(encoding="utf-8")
    for one in reader.read(text):
        old = "\n".join((f"$ {one.command}", *one.shown)) + "\n"
        new = "\n".join((f"$ {one.command}", *one.current)) + "\n"
        assert old in text, one.command
        text = text.replace(old, new, 1)
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    for together in TYPED:
        if sys.argv[1:] and not set(together) & set(sys.argv[1:]):
            continue
        with TemporaryDirectory() as folder, in_folder(Path(folder)):
            someone = Reader()
            for name in together:
                renew(ROOT / "docs" / name, someone)
        sys.stdout.write(f"{', '.join(together)}\n")
