"""The file of the store: shared, damaged, full, foreign, too large."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from bias_audit.storing import _file

from bias_audit.backends.cache.store import NAME, ScoreStore, default_folder
from bias_audit.probes.scaffold import place
from bias_audit.records import FillScore

DAY = 86_400.0


def score(number: int) -> FillScore:
    return FillScore(log_prob=-number / 7, pieces=1, detail="x" * 200)


def key(number: int) -> bytes:
    return number.to_bytes(20, "big")


def some(start: int, stop: int) -> dict[bytes, FillScore]:
    return {key(n): score(n) for n in range(start, stop)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "cache"


def fill(folder: Path, start: int = 0, stop: int = 10) -> Path:
    store = ScoreStore(folder)
    store.put(store.model(b"m", "a model"), some(start, stop))
    store.close()
    assert not store.notices
    return store.path


def test_what_was_put_is_there_for_the_next_one(folder: Path) -> None:
    store = ScoreStore(folder)
    model = store.model(b"m", "a model")
    assert model == store.model(b"m", "renamed") != store.model(b"n", "other")
    store.put(model, some(0, 1200))
    reader = ScoreStore(folder)
    assert reader.get(some(0, 1300)) == some(0, 1200)
    assert [(use.about, use.scores) for use in reader.models()] == [("a model", 1200)]
    store.put(model, {key(3): score(99)})
    assert reader.get([key(3)]) == {key(3): score(99)}
    reader.close()
    assert reader.get([key(3)]) == {}
    store.close()
    assert os.stat(folder).st_mode & 0o077 == 0


def test_a_row_that_was_changed_counts_as_absent(folder: Path) -> None:
    path = fill(folder)
    db = sqlite3.connect(path)
    with db:
        db.execute("UPDATE scores SET value = CAST(x'00' || value AS BLOB) WHERE id = 1")
        db.execute("UPDATE scores SET value = substr(value, 1, 6) WHERE id = 2")
        db.execute("UPDATE scores SET key = ? WHERE id = 3", (key(77),))
        db.execute("UPDATE scores SET value = 'text' WHERE id = 4")
    db.close()
    store = ScoreStore(folder)
    assert store.get(some(0, 80)) == some(4, 10)
    store.put(1, some(0, 4))
    assert store.get(some(0, 70)) == some(0, 10)
    assert not store.notices
    store.close()


def spoil(path: Path, how: str) -> None:
    content = path.read_bytes()
    if how == "foreign text":
        path.write_text("this is no database\n" * 100)
    elif how == "cut off":
        path.write_bytes(content[: len(content) // 2])
    else:
        path.write_bytes(content[:4096] + b"\xa5" * (len(content) - 4096))


@pytest.mark.parametrize("how", ["foreign text", "cut off", "overwritten"])
def test_a_damaged_file_is_said_and_set_aside(folder: Path, how: str) -> None:
    path = fill(folder, 0, 500)
    spoil(path, how)
    before = path.read_bytes()
    store = ScoreStore(folder)
    found = store.get(some(0, 500))
    assert found.items() <= some(0, 500).items()
    store.put(store.model(b"m", "a model"), some(0, 500))
    store.close()
    assert "damaged or no score store" in store.notices[0]
    assert len(store.notices) == 1
    assert path.with_name(NAME + ".damaged").read_bytes()[:4096] == before[:4096]
    assert fill(folder, 0, 20).exists()
    assert len(list(folder.glob(NAME))) == 1


def test_the_log_of_an_earlier_damaged_file_is_not_left_beside_the_next_one(folder: Path) -> None:
    path = fill(folder, 0, 50)
    stale = path.with_name(NAME + ".damaged-wal")
    stale.write_bytes(b"log of a file that was moved before")
    spoil(path, "overwritten")
    store = ScoreStore(folder)
    store.get(some(0, 50))
    store.close()
    assert path.with_name(NAME + ".damaged").exists()
    assert not stale.exists()
    path.write_bytes(b"another one")
    path.with_name(NAME + "-wal").write_bytes(b"its own log")
    _file.set_aside(path)
    assert stale.read_bytes() == b"its own log"


def test_a_database_of_another_program_is_left_alone(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("CREATE TABLE mine(x)")
        other.executemany("INSERT INTO mine VALUES (?)", [(n,) for n in range(1000)])
        other.commit()
        for _ in range(2):
            store = ScoreStore(folder)
            store.put(store.model(b"m", "a model"), some(0, 5))
            store.clear()
            store.close()
            assert "it is a database of another program" in store.notices[0]
        assert other.execute("SELECT count(*) FROM mine").fetchone() == (1000,)
    assert [p.name for p in folder.iterdir()] == [NAME]


def test_only_its_owner_reads_the_file(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = fill(folder, 0, 5)
    assert path.stat().st_mode & 0o077 == 0


def test_looking_forgets_nothing_and_a_cleared_model_keeps_its_number(folder: Path) -> None:
    fill(folder, 0, 3000)
    look = ScoreStore(folder, limit=1 << 12)
    look.close()
    store = ScoreStore(folder)
    assert len(store.get(some(0, 3000))) == 3000
    number = store.model(b"m", "a model")
    store.clear()
    assert store.model(b"n", "another") != number
    assert store.model(b"m", "a model") == number
    store.close()


def test_a_full_disk_ends_the_keeping_and_nothing_else(folder: Path) -> None:
    store = ScoreStore(folder)
    model = store.model(b"m", "a model")
    store.put(model, some(0, 10))
    assert store._db is not None
    pages = store._db.execute("PRAGMA page_count").fetchone()[0]
    store._db.execute(f"PRAGMA max_page_count = {pages}")
    store.put(model, some(10, 500))
    assert store.notices == [f"scores are not kept: {store.path}: the disk is full"]
    assert not store.is_open
    assert store.get(some(0, 10)) == {}
    assert store.size() == store.model(b"m", "") == 0
    store.put(model, some(0, 1))
    store.close()
    again = ScoreStore(folder)
    assert again.get(some(0, 500)) == some(0, 10)
    again.close()


def test_no_folder_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = ScoreStore(tmp_path / "file" / "cache")
    assert not store.is_open
    assert "scores are not kept" in store.notices[0]
    assert len(store.notices) == 1


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_folder_that_cannot_be_written(folder: Path) -> None:
    folder.mkdir(parents=True)
    folder.chmod(0o500)
    store = ScoreStore(folder)
    folder.chmod(0o700)
    assert not store.is_open
    assert store.notices == [f"scores are not kept: {store.path}: it cannot be opened"]


def test_another_program_that_never_lets_go(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_file, "_WAIT_S", 0.1)
    path = fill(folder)
    store = ScoreStore(folder)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    assert store.get(some(0, 10)) == some(0, 10)
    store.put(1, some(10, 20))
    assert store.notices == [f"scores are not kept: {path}: another program keeps it locked"]
    holder.close()


def test_other_versions_of_the_tables(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fill(folder)
    monkeypatch.setattr(_file, "SCHEMA", _file.SCHEMA + 1)
    newer = ScoreStore(folder)
    assert newer.get(some(0, 10)) == {}
    newer.put(newer.model(b"m", "a model"), some(0, 5))
    newer.close()
    monkeypatch.undo()
    older = ScoreStore(folder)
    assert older.notices == [f"scores are not kept: {path}: a newer version of bias-audit wrote it"]
    assert not older.is_open


def test_the_size_is_bounded_and_the_longest_unused_go_first(folder: Path) -> None:
    limit = 400_000
    for day in range(3):
        store = ScoreStore(folder, clock=lambda day=day: day * DAY)
        store.put(store.model(b"m", "a model"), some(day * 400, day * 400 + 400))
        store.close()
    used = ScoreStore(folder, clock=lambda: 3 * DAY)
    assert len(used.get(some(0, 100))) == 100
    used.close()
    full = used.path.stat().st_size
    store = ScoreStore(folder, limit=limit, clock=lambda: 4 * DAY)
    model = store.model(b"m", "a model")
    for start in range(1200, 2000, 20):
        store.put(model, some(start, start + 20))
        assert store.size() < limit * 1.1
    assert len(store.get(some(0, 100))) == 100
    assert store.get(some(100, 800)) == {}
    assert store.get(some(1900, 2000)) == some(1900, 2000)
    store.close()
    assert store.path.stat().st_size < limit < full
    assert not store.notices


def test_clearing_while_another_one_writes(folder: Path) -> None:
    fill(folder, 0, 2000)
    writer, clearer = ScoreStore(folder), ScoreStore(folder)
    before = clearer.size()
    clearer.clear()
    assert clearer.size() < before / 5
    writer.put(writer.model(b"m", "a model"), some(0, 3))
    assert clearer.get(some(0, 9)) == some(0, 3)
    for store in (writer, clearer):
        store.close()
        assert not store.notices


def test_many_that_start_and_write_at_once(folder: Path) -> None:
    notices: list[str] = []

    def work(start: int) -> None:
        store = ScoreStore(folder)
        model = store.model(b"m", "a model")
        for n in range(start, start + 200, 10):
            store.put(model, some(n, n + 10))
        store.close()
        notices.extend(store.notices)

    threads = [threading.Thread(target=work, args=(100 * n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store = ScoreStore(folder)
    assert store.get(some(0, 700)) == some(0, 700)
    store.close()
    assert not notices


def test_two_processes_at_once(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tests.storing.test_file import *\n"
        "store = ScoreStore(Path(sys.argv[1])); model = store.model(b'm', 'a model')\n"
        "[store.put(model, some(n, n + 5)) for n in range(0, 500, 5)]\n"
        "store.close(); assert not store.notices, store.notices"
    )
    runs = [subprocess.Popen([sys.executable, "-c", code, str(folder)]) for _ in range(2)]
    assert [run.wait() for run in runs] == [0, 0]
    store = ScoreStore(folder)
    assert store.get(some(0, 600)) == some(0, 500)
    store.close()


def test_where_it_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert default_folder({place.VARIABLE: "/x/y"}) == Path("/x/y")
    for word in ("off", "OFF", "0", "no"):
        assert default_folder({place.VARIABLE: word, "XDG_CACHE_HOME": "/c"}) is None
    assert default_folder({"XDG_CACHE_HOME": "/c"}) == Path("/c/bias-audit")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert default_folder({"XDG_CACHE_HOME": "relative"}) == tmp_path / ".cache" / "bias-audit"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert default_folder({}) == tmp_path / "Library" / "Caches" / "bias-audit"
    monkeypatch.setattr(sys, "platform", "win32")
    assert default_folder({"LOCALAPPDATA": "/l"}) == Path("/l/bias-audit/Cache")

    def homeless() -> Path:
        raise RuntimeError("no home")

    monkeypatch.setattr(Path, "home", homeless)
    assert default_folder({}) is None
