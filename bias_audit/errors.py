"""The errors a user can meet, and the exit code each one stands for.

    BiasAuditError
    ├── UsageError              2   wrong flag, name, value or folder
    │   ├── UnknownNameError    2   a name nobody owns; carries the nearest spelling
    │   └── FileError           2   one or more mistakes in files that people write
    ├── ScoringError            3   a probe could not be scored
    ├── ModelLoadError          4   the model or the device could not be loaded
    └── NothingToAuditError     5   no probe or sentence is left after selection

Every message says what was expected, what came, and what to do.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

_WRITTEN = frozenset(map(chr, [0xAD, 0x200C, 0x200D, *range(0x600, 0x606), 0x6DD, 0x70F]))
"""Characters that format words and are part of their spelling, or are seen: soft hyphens, joiners,
Arabic signs of numbers."""
_COMMAND = re.compile(r"::(?=[A-Za-z])|##(?=\w*\[)")
"""What begins a command to a build server: ``::error``, ``##[group]``, ``##vso[``."""
LONGEST_NAME = 200
"""Characters of a name in a message."""


class BiasAuditError(Exception):
    """Base of all errors that a user can fix; shown as one message without a traceback."""

    exit_code: ClassVar[int] = 2

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class UsageError(BiasAuditError):
    """A flag, a name, a value or a folder that cannot be used."""


class UnknownNameError(UsageError):
    """A name that nobody owns."""

    def __init__(self, kind: str, name: str, known: Iterable[str], *, hint: str = "") -> None:
        names = sorted(known)
        near = nearest_pattern(name, names) if "*" in name else nearest(name, names)
        advice = f"did you mean '{near}'?" if near else hint
        if not advice and names:
            advice = f"known: {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}"
        text = visible(name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}...")
        super().__init__(f"there is no {kind} named '{text}'", hint=advice)


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file: where it is, what is wrong, what to do."""

    file: str
    """The file as the user knows it."""
    line: int
    """First line is 1; 0 when the mistake has no line."""
    column: int
    """First column is 1; 0 when the mistake has no column."""
    message: str
    """What was expected and what came."""
    hint: str = ""
    """What to do, or the nearest spelling."""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        text = visible(f"{where}: {self.message}")
        return f"{text}\n    {visible(self.hint)}" if self.hint else text


class FileError(UsageError):
    """All mistakes found in one or more files, at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        unique = dict.fromkeys(problems)
        self.problems = tuple(sorted(unique, key=lambda p: (p.file, p.line, p.column, p.message)))
        count = len(self.problems)
        head = f"{count} mistake{'s' if count != 1 else ''}:"
        super().__init__("\n".join([head, *map(str, self.problems)]))


class ScoringError(BiasAuditError):
    """A probe could not be scored; the audit goes on and reports it."""

    exit_code = 3


class ModelLoadError(BiasAuditError):
    """The model or the device could not be loaded."""

    exit_code = 4


class NothingToAuditError(BiasAuditError):
    """No probe or sentence is left after selection."""

    exit_code = 5


def visible(text: str) -> str:
    """Show as escapes what a terminal or the log of a build server would obey: every text goes so.

    Control characters and line breaks, characters that change directions or show nothing, and what
    begins a command to GitHub, Azure or TeamCity.

    >>> visible("a\\n::error title=b\\x1b[2J")
    'a\\\\n\\\\x3a:error title=b\\\\x1b[2J'
    """
    if not text.isprintable():  # nearly every text is
        text = "".join(map(_escape, text))
    return _COMMAND.sub(lambda m: f"\\x{ord(m[0][0]):02x}{m[0][1:]}", text)


def _escape(char: str) -> str:
    """A character, or its escape where it is hidden or does something."""
    kind = unicodedata.category(char)
    code = ord(char)
    hidden = kind in ("Cc", "Cs", "Zl", "Zp") or (kind == "Cf" and char not in _WRITTEN)
    if hidden or code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF:
        return char.encode("unicode_escape").decode("ascii")
    return char


def nearest_pattern(pattern: str, known: Iterable[str]) -> str | None:
    """Return the pattern closest to ``pattern`` that matches some name; None when none is close.

    >>> nearest_pattern("occupatoin-*", ["occupation-race", "valence-age"])
    'occupation-*'
    """
    return nearest(pattern, sorted({f"{name.partition('-')[0]}-*" for name in known}))


def nearest(name: str, known: Iterable[str], *, share: float = 0.6) -> str | None:
    """Return the known name closest to ``name``, or None when nothing is close.

    ``share``: of the letters of both names together, how many must be common.
    """
    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=share)), None)
