"""Keep records in an SQLite file that concurrent runs share and nobody has to trust.

Whatever is wrong with the file or its folder, a run goes on without it and says so; a row whose
checksum differs counts as absent.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import platformdirs

from bias_audit.backends.cache.codec import Record, decode_rows, encode

T = TypeVar("T")
VARIABLE = "BIAS_AUDIT_CACHE"
"""Environment variable: a folder, or ``off``."""
OFF = ("off", "0", "no", "none")
NAME = "scores.sqlite"
LIMIT = 2 << 30
"""Bytes that the file may take."""
APPLICATION = 0x42415343
"""Marks the file as ours."""
SCHEMA = 1
"""Version of the tables. An older file is emptied; a newer one is left alone."""
MODEL_DIGEST_SIZE = 32
"""Bytes of the digest of a model; other records are filed under shorter names."""
_TABLES = (
    "CREATE TABLE models(id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, about TEXT NOT NULL)",
    "CREATE TABLE scores(id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, model INTEGER NOT NULL,"
    " used INTEGER NOT NULL, value BLOB NOT NULL)",
)
_PUT = "INSERT OR REPLACE INTO scores(key, model, used, value) VALUES (?, ?, ?, ?)"
_DROP = "DELETE FROM scores WHERE key = ?"
_TOUCH = "UPDATE scores SET used = ? WHERE key = ?"
_FORGET = "DELETE FROM scores WHERE id IN (SELECT id FROM scores ORDER BY used, id LIMIT ?)"
_USES = (
    "SELECT coalesce(about, ''), count(*) AS n, sum(length(value)), coalesce(length(digest), 0)"
    " FROM scores LEFT JOIN models ON models.id = model GROUP BY model ORDER BY n DESC, 1"
)
_QUERY_KEYS = 500
"""Keys in one query; every SQLite takes 999."""
_TOUCHED = 10_000
"""Used records to remember at once."""
_WAIT_S = 10.0
"""Seconds to wait for another run that writes."""
_DAMAGE = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
_REASONS = {
    "SQLITE_FULL": "the disk is full",
    "SQLITE_BUSY": "another program keeps it locked",
    "SQLITE_LOCKED": "another program keeps it locked",
    "SQLITE_READONLY": "it cannot be written",
    "SQLITE_CANTOPEN": "it cannot be opened",
    "SQLITE_IOERR": "the disk cannot be read or written",
}


def default_folder(environment: Mapping[str, str] | None = None) -> Path | None:
    """Return the folder of the cache; None where there is none or it is switched off."""
    env = os.environ if environment is None else environment
    named = env.get(VARIABLE, "").strip()
    try:
        if named:
            return None if switched_off(env) else Path(named).expanduser()
        return platformdirs.user_cache_path("bias-audit", appauthor=False)
    except RuntimeError:  # no home folder
        return None


def switched_off(environment: Mapping[str, str] | None = None) -> bool:
    """Say whether the environment forbids a cache."""
    env = os.environ if environment is None else environment
    return env.get(VARIABLE, "").strip().casefold() in OFF


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelUse:
    """What is cached of one model, or of what was made of scores."""

    about: str
    """Its name and arithmetic when it was first met; no key depends on it."""
    scores: int
    """Records."""
    bytes: int
    text: bool = False
    """True for what was made of scores."""


class ScoreStore:
    """Records by key.

    Args:
        folder: of the file, which is made where it is missing.
        limit: bytes that it may take; what was not used for longest goes first.
        clock: seconds since 1970, for the day of the last use.
    """

    def __init__(
        self, folder: Path, *, limit: int = LIMIT, clock: Callable[[], float] = time.time
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
        for _ in range(2):  # once more where a damaged file was set aside
            try:
                self._db = _open(self.path)
                break
            except (sqlite3.Error, OSError) as error:
                if not self._give_up(error):
                    break

    @property
    def is_open(self) -> bool:
        """Whether records are read and written."""
        return self._db is not None

    def model(self, digest: bytes, about: str) -> int:
        """Return the number of a model in this file, new or known."""

        def ask(db: sqlite3.Connection) -> int:
            db.execute("INSERT OR IGNORE INTO models(digest, about) VALUES (?, ?)", (digest, about))
            row = db.execute("SELECT id FROM models WHERE digest = ?", (digest,)).fetchone()
            return int(row[0])

        return self._try(ask, 0)

    def get(self, keys: Iterable[bytes]) -> dict[bytes, Record]:
        """Return the records under these keys."""
        records: dict[bytes, Record] = {}
        self._try(lambda db: self._read(db, iter(keys), records), None)
        if len(self._touched) > _TOUCHED:
            self.flush()
        return records

    def _read(
        self, db: sqlite3.Connection, keys: Iterator[bytes], records: dict[bytes, Record]
    ) -> None:
        while part := tuple(islice(keys, _QUERY_KEYS)):
            marks = ",".join("?" * len(part))
            query = f"SELECT key, used, value FROM scores WHERE key IN ({marks})"  # noqa: S608
            rows = db.execute(query, part).fetchall()
            known = decode_rows([(key, value) for key, _, value in rows])
            records |= known
            self._touched += [
                (self._day, key) for key, used, _ in rows if used < self._day and key in known
            ]

    def put(self, model: int, records: Mapping[bytes, Record]) -> None:
        """Keep records; they are in the file when this returns."""
        if self._db is None or not records:
            return
        rows = [(key, model, self._day, encode(key, record)) for key, record in records.items()]
        self._wrote = True
        self._try(lambda db: _in_one(db, _PUT, rows), None)
        self._since_trim += sum(len(row[3]) for row in rows)
        if self._since_trim > self.limit // 64:
            self._trim()

    def drop(self, keys: Iterable[bytes]) -> None:
        """Forget the records under these keys."""
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
        """Return what is cached of each model, most first; then what was made of scores."""
        rows: list[Any] = self._try(lambda db: db.execute(_USES).fetchall(), [])
        uses = [
            ModelUse(about=about, scores=n, bytes=size, text=0 < digest < MODEL_DIGEST_SIZE)
            for about, n, size, digest in rows
        ]
        return sorted(uses, key=lambda use: use.text)

    def size(self) -> int:
        """Return the bytes of the file."""
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
                db.execute(_FORGET, (max(1, min(count, count * excess // _size(db))),))
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

    def _give_up(self, error: sqlite3.Error | OSError) -> bool:
        """Note what went wrong; return whether a damaged file was set aside."""
        self._let_go()
        self._touched = []
        if _error_name(error) not in _DAMAGE:
            reason = _REASONS.get(_error_name(error)) or getattr(error, "strerror", "") or error
            self.notices.append(f"scores are not kept: {self.path}: {reason}")
            return False
        aside = self.path.with_name(self.path.name + ".damaged")
        self.notices.append(
            f"the score store {self.path} is damaged or no score store; it is now {aside.name}"
        )
        try:
            os.replace(self.path, aside)
            for ending in ("-wal", "-shm"):  # the log of another file must not be read into this
                Path(f"{aside}{ending}").unlink(missing_ok=True)
                with contextlib.suppress(FileNotFoundError):
                    os.replace(f"{self.path}{ending}", f"{aside}{ending}")
        except OSError:
            return False
        return True

    def _let_go(self) -> None:
        if self._db is not None:
            with contextlib.suppress(sqlite3.Error):
                self._db.close()
            self._db = None


def _open(path: Path) -> sqlite3.Connection:
    """Open the file and prepare it; several runs may do so at the same moment."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):  # for its owner only, wherever the folder is
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    end = time.monotonic() + _WAIT_S
    while True:
        db = sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None)
        try:
            _prepare(db, path)
            return db
        except sqlite3.OperationalError as error:
            db.close()
            if _error_name(error) != "SQLITE_BUSY" or time.monotonic() > end:
                raise
            time.sleep(0.05)  # turning to WAL does not wait by itself
        except BaseException:
            db.close()
            raise


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    if not _pragma(db, "application_id") and _pragma(db, "schema_version") == 0:
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
    elif _pragma(db, "application_id") != APPLICATION:
        raise OSError(0, "it is a database of another program", str(path))
    if _pragma(db, "user_version") > SCHEMA:
        raise OSError(0, "a newer version of bias-audit wrote it", str(path))
    db.execute("PRAGMA journal_mode = WAL").fetchone()
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute(f"PRAGMA journal_size_limit = {1 << 26}")
    if _pragma(db, "user_version") == SCHEMA:
        return
    db.execute("BEGIN IMMEDIATE")
    if _pragma(db, "user_version") != SCHEMA:
        for table in ("scores", "models"):
            db.execute(f"DROP TABLE IF EXISTS {table}")
        for statement in _TABLES:
            db.execute(statement)
        db.execute(f"PRAGMA application_id = {APPLICATION}")
        db.execute(f"PRAGMA user_version = {SCHEMA}")
    db.execute("COMMIT")


def _pragma(db: sqlite3.Connection, name: str) -> int:
    return int(db.execute(f"PRAGMA {name}").fetchone()[0])


def _size(db: sqlite3.Connection) -> int:
    """Bytes that are in use; free pages are on their way back to the disk."""
    pages = _pragma(db, "page_count") - _pragma(db, "freelist_count")
    return pages * _pragma(db, "page_size")


def _error_name(error: Exception) -> str:
    """SQLite's name of an error, without its finer kind."""
    return "_".join(str(getattr(error, "sqlite_errorname", "")).split("_")[:2])


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
