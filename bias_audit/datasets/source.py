"""One file of the user: its content, and errors that name its lines."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as record_field
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from bias_audit.errors import FileError, Problem, UsageError, nearest
from bias_audit.utils.json_text import TextError, decode_text, parse_json

Kind = type | tuple[type, ...]
_KINDS = {str: "text", int: "a number", list: "a list", dict: "an object", bool: "true or false"}


class Column(NamedTuple):
    """A column of a table."""

    name: str
    """As the header writes it."""
    filled: bool = False
    """Whether a row without text in it is left out, and counted."""
    optional: bool = False
    """Whether the table may lack it; its fields are then empty."""
    choices: tuple[str, ...] = ()
    """The only values, where it has only some."""


def describe_columns(columns: Collection[Column]) -> str:
    """Say which columns a table needs and which it may have, separated by tabs or commas."""
    needed = [
        f"{c.name} ({' or '.join(c.choices)})" if c.choices else c.name
        for c in columns
        if not c.optional
    ]
    more = [c.name or "a first one without a name" for c in columns if c.optional]
    text = f"columns {', '.join(needed)}"
    return f"{text}; if there, {', '.join(more)}" if more else text


class Row(NamedTuple):
    """A row of a table."""

    line: int
    """Line where it begins, from 1."""
    number: int
    """Rows before it in its file."""
    values: dict[str, Any]
    """Texts without space around them, by the names that the reader gives to the columns."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A file that a reader takes."""

    path: Path
    title: str
    """Title of the data set, for messages."""
    give: str = ""
    """What the user hands over, for messages."""
    left_out: Counter[str] = record_field(default_factory=Counter, compare=False, repr=False)
    """How many rows could not be used, by reason; complete when the last row was read."""

    def read(self) -> bytes:
        """Return the file's bytes; ``UsageError`` where it cannot be read."""
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise UsageError(f"{self.path} cannot be read: {error.strerror}") from error

    def text(self) -> str:
        """Return the file's text; ``FileError`` where it is not UTF-8."""
        try:
            return decode_text(self.read())
        except TextError as error:
            hint = "save the file as UTF-8, or take it again from its home"
            raise self.problem(error.line, error.message, hint, error.column) from error

    def problem(self, line: int, message: str, hint: str = "", column: int = 0) -> FileError:
        """Return an error at a line of this file; 0 for the file as a whole."""
        file, column = str(self.path), column or min(line, 1)
        return FileError([Problem(file=file, line=line, column=column, message=message, hint=hint)])

    def lines(self) -> Iterator[tuple[int, str]]:
        """Yield lines with their numbers, without the line break."""
        for number, line in enumerate(StringIO(self.text()), 1):
            yield number, line.rstrip("\n")

    def rows(self, columns: Mapping[str, Column]) -> Iterator[Row]:
        """Yield the rows of a table; fields are separated by the tabs of its header, or commas.

        A row that lacks a text which it needs is left out and counted: published files have some.

        Raises:
            FileError: a column is missing, a row has another number of fields than the header, a
                quotation mark is not closed, or a field is not what its column takes.
        """
        file = StringIO(self.text(), newline="")
        first = file.readline()
        if not first.strip():
            raise self.problem(0, "the file is empty", f"expected {self.title}")
        reader = csv.reader(file, delimiter="\t" if "\t" in first else ",", strict=True)
        header = self._next(csv.reader([first], delimiter=reader.dialect.delimiter), 1) or []
        self._check_header(header, [c.name for c in columns.values() if not c.optional])
        number, line = 0, 2
        while (fields := self._next(reader, line)) is not None:
            if fields and len(fields) != len(header):
                message = f"expected {len(header)} fields as in the header, got {len(fields)}"
                raise self.problem(line, message, "an unclosed quotation mark swallows lines")
            if fields:
                texts = dict(zip(header, map(str.strip, fields), strict=True))
                empty = [c.name for c in columns.values() if c.filled and not texts.get(c.name)]
                if empty:
                    self.left_out[f"no text in the column '{empty[0]}'"] += 1
                else:
                    values = {name: self._value(texts, c, line) for name, c in columns.items()}
                    yield Row(line, number, values)
                number += 1
            line = reader.line_num + 2

    def _next(self, reader: Iterator[list[str]], line: int) -> list[str] | None:
        try:
            return next(reader, None)
        except csv.Error as error:
            hint = "a quotation mark opens a text here and is not closed, or stands inside it alone"
            raise self.problem(line, f"this row cannot be read: {error}", hint) from error

    def _check_header(self, header: Sequence[str], required: Sequence[str]) -> None:
        twice = [name for name in required if header.count(name) > 1]
        if twice:
            raise self.problem(1, f"the column '{twice[0]}' is here twice", "keep one of them")
        missing = [name for name in required if name not in header]
        if missing:
            near = nearest(missing[0], [name for name in header if name not in required])
            raise self.problem(
                1,
                f"expected the column{'s'[: len(missing) != 1]} {', '.join(map(repr, missing))} of "
                f"{self.title}, got {', '.join(map(repr, header[:12]))}",
                f"is '{near}' the column?" if near else f"expected {self.give}",
            )

    def _value(self, texts: Mapping[str, str], column: Column, line: int) -> str:
        text = texts.get(column.name, "")
        if column.choices:
            return self.one_of(text, column.choices, line=line, of=column.name)
        return text

    def objects(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield JSON objects, one on each line, with the line's number; else ``FileError``."""
        for number, line in self.lines():
            if not line.strip():
                continue
            try:
                value = parse_json(line)
            except TextError as error:
                message = f"expected one JSON object on each line: {error.message}"
                hint = f"this is the format of {self.title}"
                raise self.problem(number, message, hint, error.column) from error
            if not isinstance(value, dict):
                raise self.problem(number, f"expected a JSON object, got {_kind_of(value)}")
            yield number, value

    def json(self) -> Any:
        """Return the file as one JSON value; ``FileError`` where it is not JSON."""
        try:
            return parse_json(self.text())
        except TextError as error:
            message = f"expected JSON: {error.message}"
            raise self.problem(error.line, message, "", error.column) from error

    def line_of(self, text: str) -> int:
        """Return the first line that holds ``text``, the place of a JSON value; 0 without one."""
        return next((number for number, line in self.lines() if text in line), 0)

    def field(self, item: Any, key: str, kind: Kind, *, line: int, of: str) -> Any:
        """Return a value of a JSON object; ``FileError`` where it is missing or of another type."""
        if not isinstance(item, Mapping) or key not in item:
            keys = ", ".join(map(str, item)) if isinstance(item, Mapping) else _kind_of(item)
            raise self.problem(line, f"{of}: expected the key '{key}', got {keys or 'none'}")
        value = item[key]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            names = " or ".join(_KINDS[k] for k in (kind if isinstance(kind, tuple) else (kind,)))
            raise self.problem(line, f"{of}: expected {names} in '{key}', got {_kind_of(value)}")
        return value

    def one_of(self, value: str, known: Sequence[str], *, line: int, of: str) -> str:
        """Return a value of a list; ``FileError`` where the list does not have it."""
        if value not in known:
            near = nearest(value, known)
            hint = f"did you mean '{near}'?" if near else ""
            raise self.problem(line, f"{of}: expected {' or '.join(known)}, got '{value}'", hint)
        return value


def _kind_of(value: object) -> str:
    return "null" if value is None else _KINDS.get(type(value), type(value).__name__)
