"""Keep a model's settings as they are while other threads run passes."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator


class ReaderWriterLock:
    """Let passes run in parallel; a change of the model waits until none is under way.

    A pass looks at the model's settings more than once, and would mix them.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._inside = self._waiting = self._held = 0
        self._undo: Callable[[], None] = lambda: None

    @contextlib.contextmanager
    def read(self) -> Iterator[None]:
        """Hold the lock for a pass; passes do not begin inside passes."""
        with self._condition:
            self._condition.wait_for(lambda: not self._waiting)
            self._inside += 1
        try:
            yield
        finally:
            with self._condition:
                self._inside -= 1
                self._condition.notify_all()

    @contextlib.contextmanager
    def write(self, change: Callable[[], Callable[[], None]]) -> Iterator[None]:
        """Hold the lock for a changed model: the first holder changes it, the last reverts that.

        Args:
            change: changes the model, and returns what undoes it.

        Raises:
            Exception: what ``change`` raises; then the model is not held.
        """
        with self._exclusive():
            if not self._held:
                self._undo = change()
            self._held += 1
        try:
            yield
        finally:
            with self._exclusive():
                self._held -= 1
                if not self._held:
                    self._undo()

    @contextlib.contextmanager
    def _exclusive(self) -> Iterator[None]:
        with self._condition:
            self._waiting += 1
            try:
                self._condition.wait_for(lambda: not self._inside)
                yield
            finally:
                self._waiting -= 1
                self._condition.notify_all()
