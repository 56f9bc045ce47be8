"""Progress on standard error: a bar with rate and ETA on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bias_audit.pipeline.score import ProgressListener

PLAIN_STEP = 10
"""A plain line each so many per cent."""


@contextmanager
def progress(kind: str) -> Iterator[ProgressListener | None]:
    """Yield a listener for scoring progress.

    Args:
        kind: ``auto`` (a bar on a terminal, else plain lines), ``bar``, ``plain`` or ``none``.
    """
    if kind == "auto":
        kind = "bar" if sys.stderr.isatty() else "plain"
    if kind == "none":
        yield None
    elif kind == "plain":
        yield _Plain()
    else:
        with _bar() as listener:
            yield listener


class _Plain:
    """One line each ten per cent."""

    def __init__(self) -> None:
        self.printed = 0
        self.start = time.monotonic()

    def __call__(self, what: str, done: int, total: int) -> None:
        percent = 100 * done // max(total, 1)
        if done <= 0 or percent < self.printed + PLAIN_STEP:
            self.printed = min(self.printed, percent)
            return
        self.printed = percent // PLAIN_STEP * PLAIN_STEP
        spent = time.monotonic() - self.start
        remaining = spent / done * (total - done)
        print(
            f"scoring {what}: {percent} % of {total:,} sentences, {done / max(spent, 1e-9):,.0f}/s,"
            f" {remaining:.0f} s left",
            file=sys.stderr,
            flush=True,
        )


@contextmanager
def _bar() -> Iterator[ProgressListener]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("scoring {task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, rate="")
        start = time.monotonic()

        def listen(what: str, done: int, total: int) -> None:
            rate = f"{done / max(time.monotonic() - start, 1e-9):,.0f}/s"
            bar.update(task, description=what, completed=done, total=total, rate=rate)

        yield listen
