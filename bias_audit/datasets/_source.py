"""One file of the user: its digest, its text, and errors that name its lines."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from bias_audit.errors import FileError, Problem, UsageError, nearest

_CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A file that a reader takes."""

    path: Path
    title: str
    """Title of the data set, for messages."""

    def sha256(self) -> str:
        """SHA-256 of the file's bytes; reads a chunk at a time."""
        digest = hashlib.sha256()
        try:
            with self.path.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
        except OSError as error:
            raise UsageError(f"{self.path} cannot be read: {error.strerror}") from error
        return digest.hexdigest()

    def problem(self, line: int, message: str, hint: str = "", column: int = 0) -> FileError:
        """An error at a line of this file; 0 for the file as a whole."""
        place = column or (1 if line else 0)
        return FileError(
            [Problem(file=str(self.path), line=line, column=place, message=message, hint=hint)]
        )

    def lines(self) -> Iterator[tuple[int, str]]:
        """Lines with their numbers, without the line break."""
        with self._open() as file:
            number = 0
            try:
                for number, line in enumerate(file, 1):
                    yield number, line.rstrip("\r\n")
            except UnicodeDecodeError as error:
                raise self._not_text(number + 1, error) from error

    def rows(
        self, required: Sequence[str], *, hint: str = ""
    ) -> Iterator[tuple[int, dict[str, str]]]:
        """Rows of a table with a header, with the line where each begins.

        Fields are separated by tabs where the header has one, else by commas.

        Raises:
            FileError: a column is missing, or a row has another number of fields than the header.
        """
        with self._open() as file:
            header_text = self._first_line(file)
            cut = "\t" if "\t" in header_text else ","
            header = next(csv.reader([header_text], delimiter=cut), [])
            self._check_header(header, required, hint)
            yield from self._body(csv.reader(file, delimiter=cut), header)

    def _body(self, reader: Any, header: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
        line = 2
        while True:
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise self.problem(line, f"this row cannot be read: {error}") from error
            except UnicodeDecodeError as error:
                raise self._not_text(line, error) from error
            if row:
                if len(row) != len(header):
                    say = f"expected {len(header)} fields as in the header, got {len(row)}"
                    raise self.problem(line, say, "an unclosed quotation mark swallows lines")
                yield line, dict(zip(header, row, strict=True))
            line = reader.line_num + 2

    def objects(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """JSON objects, one on each line, with the line's number.

        Raises:
            FileError: a line is no JSON object.
        """
        for number, line in self.lines():
            if not line.strip():
                continue
            try:
                value = json.loads(line)
            except json.JSONDecodeError as error:
                raise self.problem(
                    number,
                    f"expected one JSON object on each line: {error.msg}",
                    f"this is the format of {self.title}",
                    error.colno,
                ) from error
            if not isinstance(value, dict):
                raise self.problem(number, f"expected a JSON object, got {_kind(value)}")
            yield number, value

    def json(self) -> Any:
        """The file as one JSON value.

        Raises:
            FileError: it is no JSON.
        """
        with self._open() as file:
            try:
                return json.loads(file.read())
            except UnicodeDecodeError as error:
                raise self._not_text(0, error) from error
            except json.JSONDecodeError as error:
                raise self.problem(
                    error.lineno, f"expected JSON: {error.msg}", "", error.colno
                ) from error

    def line_of(self, text: str) -> int:
        """The first line that holds ``text``, to give a value inside a JSON file a place; or 0."""
        return next((number for number, line in self.lines() if text in line), 0)

    def field(
        self,
        item: Mapping[str, Any],
        key: str,
        kind: type | tuple[type, ...],
        *,
        line: int,
        of: str,
    ) -> Any:
        """A value of an object.

        Raises:
            FileError: it is not there, or of another type.
        """
        if not isinstance(item, Mapping) or key not in item:
            keys = ", ".join(map(str, item)) if isinstance(item, Mapping) else _kind(item)
            raise self.problem(line, f"{of}: expected the key '{key}', got {keys or 'none'}")
        value = item[key]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            wanted = kind if isinstance(kind, tuple) else (kind,)
            names = " or ".join(_NAMES.get(k, k.__name__) for k in wanted)
            raise self.problem(line, f"{of}: expected {names} in '{key}', got {_kind(value)}")
        return value

    def one_of(self, value: str, known: Sequence[str], *, line: int, of: str) -> str:
        """A value from a list.

        Raises:
            FileError: it is none of them.
        """
        if value not in known:
            near = nearest(value, known)
            hint = f"did you mean '{near}'?" if near else ""
            raise self.problem(line, f"{of}: expected {' or '.join(known)}, got '{value}'", hint)
        return value

    def _open(self) -> TextIO:
        try:
            return self.path.open(encoding="utf-8-sig", newline="")
        except OSError as error:
            raise UsageError(f"{self.path} cannot be read: {error.strerror}") from error

    def _first_line(self, file: TextIO) -> str:
        try:
            first = file.readline()
        except UnicodeDecodeError as error:
            raise self._not_text(1, error) from error
        if not first.strip():
            raise self.problem(0, "the file is empty", f"expected {self.title}")
        return first.rstrip("\r\n")

    def _check_header(self, header: Sequence[str], required: Sequence[str], hint: str) -> None:
        missing = [name for name in required if name not in header]
        if not missing:
            return
        near = nearest(missing[0], [name for name in header if name not in required])
        known = ", ".join(repr(name) for name in header[:12])
        say = (
            f"expected the column{'s'[: len(missing) != 1]} {', '.join(map(repr, missing))} of "
            f"{self.title}, got {known}"
        )
        raise self.problem(1, say, f"is '{near}' the column?" if near else hint)

    def _not_text(self, line: int, error: UnicodeDecodeError) -> FileError:
        return self.problem(
            line,
            f"expected UTF-8 text, got the byte 0x{error.object[error.start]:02x}",
            "save the file as UTF-8, or take it anew from its home",
        )


_NAMES = {str: "text", int: "a number", list: "a list", dict: "an object", bool: "true or false"}


def _kind(value: object) -> str:
    return "null" if value is None else _NAMES.get(type(value), type(value).__name__)
