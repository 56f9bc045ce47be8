"""Standard output that ends early: a reader that left, a disk that is full."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF})


@contextmanager
def readers_may_leave() -> Iterator[None]:
    """Go on without output when its reader is gone (``| head``): what was decided still counts."""
    try:
        yield
        flush()
    except BrokenPipeError:
        drop_output()


def flush() -> None:
    """Write what is held back now, so that a failure is met here and not while Python ends.

    Raises:
        OSError: it cannot be written.
    """
    if sys.stdout is not None:
        sys.stdout.flush()


def is_full(error: OSError) -> bool:
    """Whether standard output, which has no name, took nothing more."""
    return error.filename is None and error.errno in _FULL


def drop_output() -> None:
    """Send whatever else is printed, and what is held back, nowhere."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
