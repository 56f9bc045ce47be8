"""The file that scores are kept in: SQLite, shared by concurrent runs, never trusted.

Whatever is wrong with the file or its folder, a run goes on without it and says so; a row whose
checksum differs counts as absent.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from bias_audit.storing import _file
from bias_audit.storing.codec import Record, decoded, encode, keepable
from bias_audit.storing.place import NAME

T = TypeVar("T")
RESULTS = b"results"
"""What results of audits are filed under, where scores have the digest of their model."""
LIMIT = 2 << 30
"""Bytes that the file may take."""
_PUT = "INSERT OR REPLACE INTO scores(key, model, used, value) VALUES (?, ?, ?, ?)"
_DROP = "DELETE FROM scores WHERE key = ?"
_TOUCH = "UPDATE scores SET used = ? WHERE key = ?"
_ASKED = 500
"""Keys in one query; every SQLite takes 999."""
_MANY = 10_000
"""Used records to remember at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelUse:
    """What is kept of one model, or of the results that were computed from scores."""

    about: str
    """Its name and arithmetic when it was first met; no key depends on it."""
    scores: int
    """Records: of a model its scores."""
    bytes: int
    text: bool = False
    """True for results of audits."""


class ScoreStore:
    """Scores by key.

    Args:
        folder: where the file is or will be.
        limit: bytes that it may take; what was not used for longest goes first.
        clock: seconds since 1970, for the day of the last use.
    """

    def __init__(
        self,
        folder: Path,
        *,
        limit: int = LIMIT,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.path = folder / NAME
        self.limit = limit
        self.notices: list[str] = []
        """What went wrong, in words."""
        self._day = int(clock() // 86_400)
        self._touched: list[tuple[int, bytes]] = []
        self._since_trim = 0
        self._wrote = False
        self._db: sqlite3.Connection | None = None
        try:
            self._db, said = _file.opened(self.path)
            self.notices += said
        except (sqlite3.Error, OSError) as error:
            self._give_up(error)

    @property
    def is_open(self) -> bool:
        """Whether scores are read and written."""
        return self._db is not None

    def model(self, digest: bytes, about: str) -> int:
        """The number of a model in this file, new or known."""

        def ask(db: sqlite3.Connection) -> int:
            db.execute("INSERT OR IGNORE INTO models(digest, about) VALUES (?, ?)", (digest, about))
            found = db.execute("SELECT id FROM models WHERE digest = ?", (digest,)).fetchone()
            return int(found[0])

        return self._try(ask, 0)

    def get(self, keys: Iterable[bytes]) -> dict[bytes, Record]:
        """The records that are kept under these keys."""
        found: dict[bytes, Record] = {}
        self._try(lambda db: self._read(db, iter(keys), found), None)
        if len(self._touched) > _MANY:
            self.flush()
        return found

    def _read(
        self, db: sqlite3.Connection, keys: Iterator[bytes], found: dict[bytes, Record]
    ) -> None:
        while part := tuple(islice(keys, _ASKED)):
            marks = ",".join("?" * len(part))
            query = f"SELECT key, used, value FROM scores WHERE key IN ({marks})"  # noqa: S608
            rows = db.execute(query, part).fetchall()
            known = decoded([(key, value) for key, _, value in rows])
            found |= known
            self._touched += [
                (self._day, key) for key, used, _ in rows if used < self._day and key in known
            ]

    def put(self, model: int, records: Mapping[bytes, Record]) -> None:
        """Keep records; they are in the file when this returns."""
        if self._db is None:
            return
        rows = [
            (key, model, self._day, encode(key, record))
            for key, record in records.items()
            if keepable(record)
        ]
        if not rows:
            return
        self._wrote = True
        self._try(lambda db: _in_one(db, _PUT, rows), None)
        self._since_trim += sum(len(row[3]) for row in rows)
        if self._since_trim > self.limit // 64:
            self._trim()

    def drop(self, keys: Iterable[bytes]) -> None:
        """Forget what is kept under these keys."""
        rows = [(key,) for key in keys]
        if rows:
            self._try(lambda db: _in_one(db, _DROP, rows), None)

    def flush(self) -> None:
        """Remember which records were used."""
        touched, self._touched = self._touched, []
        if touched:
            self._try(lambda db: _in_one(db, _TOUCH, touched), None)

    def close(self) -> None:
        """Keep to the size after writing, and let go of the file."""
        self.flush()
        if self._wrote:
            self._trim()
        self._let_go()

    def models(self) -> Sequence[ModelUse]:
        """What is kept of each model, most first; then the results of audits."""
        query = (
            "SELECT coalesce(about, ''), count(*) AS n, sum(length(value)), digest FROM scores"
            " LEFT JOIN models ON models.id = model GROUP BY model ORDER BY n DESC, 1"
        )
        rows: list[Any] = self._try(lambda db: db.execute(query).fetchall(), [])
        found = [
            ModelUse(about=about, scores=n, bytes=size, text=digest == RESULTS)
            for about, n, size, digest in rows
        ]
        return sorted(found, key=lambda use: use.text)

    def size(self) -> int:
        """Bytes of the file."""
        return self._try(_size, 0)

    def clear(self) -> None:
        """Forget all records; the models keep their numbers, which running audits know."""

        def forget(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM scores")
            db.execute("VACUUM")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

        self._try(forget, None)

    def _trim(self) -> None:
        """Forget what was not used for longest until a tenth of the limit is free."""
        self._since_trim = 0

        def forget(db: sqlite3.Connection) -> None:
            if _size(db) <= self.limit:
                return
            while (excess := _size(db) - self.limit * 9 // 10) > 0:
                count = db.execute("SELECT count(*) FROM scores").fetchone()[0]
                if not count:
                    return
                rows = max(1, min(count, count * excess // _size(db)))
                db.execute(
                    "DELETE FROM scores WHERE id IN"
                    " (SELECT id FROM scores ORDER BY used, id LIMIT ?)",
                    (rows,),
                )
                db.execute("PRAGMA incremental_vacuum").fetchall()

        self._try(forget, None)

    def _try(self, action: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """Use the file; where that fails, the rest of the run does without it."""
        if self._db is None:
            return otherwise
        try:
            return action(self._db)
        except (sqlite3.Error, OSError) as error:
            self._give_up(error)
            return otherwise

    def _give_up(self, error: sqlite3.Error | OSError) -> None:
        self._let_go()
        self._touched = []
        self.notices.append(_file.said(self.path, error))
        if _file.is_damage(error):
            with contextlib.suppress(OSError):
                _file.set_aside(self.path)

    def _let_go(self) -> None:
        if self._db is not None:
            with contextlib.suppress(sqlite3.Error):
                self._db.close()
            self._db = None


def _in_one(db: sqlite3.Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Write rows in one transaction."""
    db.execute("BEGIN IMMEDIATE")
    try:
        db.executemany(statement, rows)
        db.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            db.execute("ROLLBACK")
        raise


def _size(db: sqlite3.Connection) -> int:
    """Bytes that are in use; free pages are on their way back to the disk."""
    pages, free, size = (
        db.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)
