"""The time, in UTC, so that a day ends at the same moment on every machine."""

from __future__ import annotations

import datetime


def now() -> datetime.datetime:
    """Return the time."""
    return datetime.datetime.now(datetime.UTC)


def today() -> datetime.date:
    """Return the day."""
    return now().date()
