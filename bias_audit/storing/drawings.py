"""Charts kept as they were drawn, so that a report whose charts are all there draws nothing."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from bias_audit.backends.cache.store import LIMIT, ScoreStore
from bias_audit.storing import program
from bias_audit.storing.made import ABOUT, CHARTS, Made
from bias_audit.storing.structure import UnknownTypeError, digest

if TYPE_CHECKING:
    from types import TracebackType

    from bias_audit.reports.view.page import Picture


class KeptDrawings:
    """Charts by the digest of what they show and of what draws them.

    The file is open inside ``with`` only; what was drawn meanwhile is written in the end.

    Args:
        folder: that of the store.
        limit: bytes that the store may take.
        fresh: whether nothing is read, only written.
    """

    def __init__(self, folder: Path, *, limit: int = LIMIT, fresh: bool = False) -> None:
        self._folder = folder
        self._limit = limit
        self._fresh = fresh
        self._store: ScoreStore | None = None
        self._program: bytes | None = None
        self._new: dict[bytes, Made] = {}
        self.notices: list[str] = []
        """What went wrong with the file, in words."""

    def __enter__(self) -> KeptDrawings:
        """Open the file."""
        self._program = program.computing(program.DRAWING)
        if self._program is not None:
            self._store = ScoreStore(self._folder, limit=self._limit)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write what is new, and close the file."""
        if self._store is not None:
            if self._new:
                self._store.put(self._store.model(CHARTS, ABOUT[CHARTS]), self._new)
            self._store.close()
            self.notices += self._store.notices
        self._store, self._new = None, {}

    def get(self, picture: Picture, *, narrow: bool) -> str | None:
        """The chart as it was drawn before; None where it is not kept.

        It comes from a file that others may have written: look at it before you show it.
        """
        key = self._key(picture, narrow)
        if self._store is None or self._fresh or key is None:
            return None
        record = self._store.get([key]).get(key)
        try:
            return record.read() if isinstance(record, Made) else None
        except UnicodeDecodeError:
            return None

    def put(self, picture: Picture, svg: str, *, narrow: bool) -> None:
        """Keep a chart that was drawn."""
        key = self._key(picture, narrow)
        if self._store is not None and key is not None:
            with contextlib.suppress(UnicodeEncodeError):
                self._new[key] = Made.of(svg)

    def _key(self, picture: Picture, narrow: bool) -> bytes | None:
        try:
            return digest("chart", self._program, picture, narrow)
        except UnknownTypeError:
            return None
