"""Opens the file of a score store, or says why not."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from pathlib import Path

APPLICATION = 0x42415343
"""Marks the file as ours."""
SCHEMA = 1
"""Version of the tables. An older file is emptied; a newer one is left alone."""
_TABLES = (
    "CREATE TABLE models(id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, about TEXT NOT NULL)",
    "CREATE TABLE scores(id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, model INTEGER NOT NULL,"
    " used INTEGER NOT NULL, value BLOB NOT NULL)",
)
_WAIT_S = 10.0
"""Seconds to wait for another run that writes."""
_ASIDE = ".damaged"
_DAMAGE = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
_WORDS = {
    "SQLITE_FULL": "the disk is full",
    "SQLITE_BUSY": "another program keeps it locked",
    "SQLITE_LOCKED": "another program keeps it locked",
    "SQLITE_READONLY": "it cannot be written",
    "SQLITE_CANTOPEN": "it cannot be opened",
    "SQLITE_IOERR": "the disk cannot be read or written",
}


class ForeignError(OSError):
    """The file belongs to another program, or to a newer version of this one."""


def opened(path: Path) -> tuple[sqlite3.Connection, list[str]]:
    """Open the file, make it where it is missing, and set aside what is no store.

    Returns the connection, and what the user should know.

    Raises:
        OSError: the folder cannot be made or the file belongs to a newer version.
        sqlite3.Error: the file cannot be used.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):  # for its owner only, wherever the folder is
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        return _connected(path), []
    except sqlite3.Error as error:
        if not is_damage(error):
            raise
        why = said(path, error)
    set_aside(path)
    return _connected(path), [why]


def _connected(path: Path) -> sqlite3.Connection:
    """Open and prepare the file; several runs may do so at the same moment."""
    end = time.monotonic() + _WAIT_S
    while True:
        db = sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None)
        try:
            _prepare(db, path)
            return db
        except sqlite3.OperationalError as error:
            db.close()
            if _name(error) != "SQLITE_BUSY" or time.monotonic() > end:
                raise
            time.sleep(0.05)  # turning to WAL does not wait by itself
        except BaseException:
            db.close()
            raise


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    if not _asked(db, "application_id") and _asked(db, "schema_version") == 0:
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
    elif _asked(db, "application_id") != APPLICATION:
        raise ForeignError(0, "it is a database of another program", str(path))
    if _asked(db, "user_version") > SCHEMA:
        raise ForeignError(0, "a newer version of bias-audit wrote it", str(path))
    db.execute("PRAGMA journal_mode = WAL").fetchone()
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute(f"PRAGMA journal_size_limit = {1 << 26}")
    if _asked(db, "user_version") == SCHEMA:
        return
    db.execute("BEGIN IMMEDIATE")
    if _asked(db, "user_version") != SCHEMA:
        for table in ("scores", "models"):
            db.execute(f"DROP TABLE IF EXISTS {table}")
        for statement in _TABLES:
            db.execute(statement)
        db.execute(f"PRAGMA application_id = {APPLICATION}")
        db.execute(f"PRAGMA user_version = {SCHEMA}")
    db.execute("COMMIT")


def _asked(db: sqlite3.Connection, pragma: str) -> int:
    return int(db.execute(f"PRAGMA {pragma}").fetchone()[0])


def _name(error: Exception) -> str:
    """SQLite's name of an error, without its finer kind."""
    return "_".join(str(getattr(error, "sqlite_errorname", "")).split("_")[:2])


def is_damage(error: Exception) -> bool:
    """Whether the file is no store that can be read."""
    return _name(error) in _DAMAGE


def said(path: Path, error: Exception) -> str:
    """What went wrong, and what becomes of it."""
    if is_damage(error):
        aside = path.with_name(path.name + _ASIDE)
        return f"the score store {path} is damaged or no score store; it is now {aside.name}"
    why = _WORDS.get(_name(error)) or getattr(error, "strerror", None) or str(error)
    return f"scores are not kept: {path}: {why}"


def set_aside(path: Path) -> None:
    """Move the file and its log out of the way; one that was moved before is replaced."""
    aside = path.name + _ASIDE
    os.replace(path, path.with_name(aside))
    for ending in ("-wal", "-shm"):
        before = path.with_name(aside + ending)
        before.unlink(missing_ok=True)  # or the log of another file would be read into this one
        with contextlib.suppress(FileNotFoundError):
            os.replace(path.with_name(path.name + ending), before)
