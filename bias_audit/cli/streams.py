"""Standard streams that outlive their readers: what is printed never decides what is computed."""

from __future__ import annotations

import io
import os
import select
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Stream(io.FileIO):
    """A standard stream; what it cannot take is dropped, and so is all that follows."""

    loss: OSError | None = None
    """Why something was dropped, unless its reader has just left (``| head``)."""

    def write(self, data: ReadableBuffer, /) -> int:
        """Write some bytes, or none when nobody takes them."""
        try:
            while (count := super().write(data)) is None:  # a terminal that others made impatient
                select.select([], [self], [])
        except BrokenPipeError:
            self._drop()
        except OSError as error:
            self.loss = error
            self._drop()
        else:
            return count
        return memoryview(data).nbytes

    def _drop(self) -> None:
        """Send the rest nowhere, that of libraries which write without Python too."""
        with suppress(OSError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)


def guard_streams() -> None:
    """Let nothing that happens to standard output and standard error end a command.

    A stream that is closed from the start is opened on nothing, so that no file of ours takes its
    number. Streams that somebody has replaced are theirs.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number, which is this one
    sys.stdout = _guard(sys.stdout, sys.__stdout__, 1)
    sys.stderr = _guard(sys.stderr, sys.__stderr__, 2)


def _guard(stream: Any, original: Any, number: int) -> TextIO:
    if stream is None:
        return open(os.devnull, "w", encoding="utf-8")
    if stream is not original:
        return stream  # type: ignore[no-any-return]
    with suppress(OSError):
        stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Stream(number, "wb", closefd=False)),
        encoding=stream.encoding,
        errors="backslashreplace" if stream.errors == "strict" else stream.errors,
        newline=None if os.name == "nt" else "\n",
        line_buffering=stream.line_buffering or stream.write_through,
    )


def lost_output() -> OSError | None:
    """Return why standard output could not be written, such as a full disk; else None."""
    if sys.stdout is None:
        return None
    sys.stdout.flush()
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw.loss if isinstance(raw, _Stream) else None
