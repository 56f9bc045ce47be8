"""Collect the mistakes of one file, each with its line and column."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from bias_audit.errors import FileError, Problem, nearest, nearest_pattern
from bias_audit.utils.validation import KeyPath, Positions, nearest_path
from bias_audit.utils.yaml import positions


class ProblemCollector:
    """The mistakes of one file; positions are computed when the first one is added."""

    def __init__(self, path: Path, text: str) -> None:
        self.file = str(path)
        self.items: list[Problem] = []
        self._text = text

    @cached_property
    def _positions(self) -> Positions:
        return positions(self._text, self.file)

    def add(self, where: KeyPath, message: str, hint: str = "") -> None:
        """Add a mistake at ``where``, or at the nearest key above it that the file has."""
        line, column = self._positions.get(nearest_path(where, self._positions), (1, 1))
        self.items.append(Problem(self.file, line, column, message, hint))

    def add_unknown_name(
        self, where: KeyPath, message: str, name: str, known: Iterable[str]
    ) -> None:
        """Add an unknown name, with the nearest known spelling as a hint."""
        names = sorted(known)
        near = nearest(name, names) if "*" not in name else nearest_pattern(name, names)
        hint = f"did you mean '{near}'?" if near else f"known: {', '.join(names)}"
        self.add(where, message, hint)

    def raise_any(self) -> None:
        """Raise what was added.

        Raises:
            FileError: at least one mistake was added; it holds all of them.
        """
        if self.items:
            raise FileError(self.items)


def mistake_at(path: Path, text: str, where: KeyPath, message: str, hint: str = "") -> FileError:
    """Return the only mistake of a file, at ``where``."""
    problems = ProblemCollector(path, text)
    problems.add(where, message, hint)
    return FileError(problems.items)
