"""JSON from strangers: one error for everything that it can be wrong in."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

LONGEST_NUMBER = 300
"""Digits of a whole number; longer ones are no number of ours and fit into no float."""


class TextError(ValueError):
    """What is wrong with the text of a file, and where."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(f"line {line}, column {column}: {message}" if line else message)
        self.message = message
        self.line = line
        self.column = column


def parse_json(text: str) -> Any:
    """Return the value of a text.

    Raises:
        TextError: it is not JSON, nested too deeply, or holds a number that nothing can hold.
    """
    try:
        return json.loads(text, parse_int=_whole_number)
    except json.JSONDecodeError as error:
        raise TextError(error.msg, error.lineno, error.colno) from error
    except RecursionError:
        raise TextError("it is nested too deeply") from None


def read_json(path: Path) -> Any:
    """Return the value of a file.

    Raises:
        TextError: it is not UTF-8, or not JSON that can be used.
        OSError: it cannot be read.
    """
    return parse_json(decode_text(path.read_bytes()))


def decode_text(content: bytes) -> str:
    """Return UTF-8 as text, without a byte-order mark.

    Raises:
        TextError: a byte is no UTF-8; with its line and column.
    """
    content = content.removeprefix(b"\xef\xbb\xbf")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        lines = re.split(r"\r\n|\r|\n", content[: error.start].decode("utf-8"))
        message = f"expected UTF-8 text, got the byte 0x{content[error.start]:02x}"
        raise TextError(message, len(lines), len(lines[-1]) + 1) from error


def _whole_number(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise TextError(f"it holds a whole number of {len(digits):,} digits")
    return int(digits)
