"""The mistakes of one file, with their places."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from bias_audit import _yaml
from bias_audit._explain import Marks, Path_, nearest_path
from bias_audit.errors import Problem, nearest


class Book:
    """The mistakes of one file; places are worked out when the first one is found."""

    def __init__(self, path: Path, text: str) -> None:
        self.file = str(path)
        self.problems: list[Problem] = []
        self._text = text

    @cached_property
    def _marks(self) -> Marks:
        return _yaml.places(self._text, self.file)

    def say(self, where: Path_, message: str, hint: str = "") -> None:
        """Note a mistake at ``where``, or at the nearest place above it that the file has."""
        line, column = self._marks.get(nearest_path(where, self._marks), (1, 1))
        self.problems.append(
            Problem(file=self.file, line=line, column=column, message=message, hint=hint)
        )

    def say_unknown(self, where: Path_, message: str, name: str, known: Iterable[str]) -> None:
        """Note a name that nobody owns, with the nearest spelling."""
        names = sorted(known)
        near = nearest(name, names)
        hint = f"did you mean '{near}'?" if near else f"known: {', '.join(names)}"
        self.say(where, message, hint)
