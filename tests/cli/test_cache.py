"""Kept scores on the command line."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from bias_audit.backends.cache import VARIABLE, Cache, CacheStats
from bias_audit.backends.cache.store import ScoreStore
from bias_audit.cli import _kept
from bias_audit.cli._app import run
from bias_audit.errors import UsageError
from bias_audit.records import WordScore
from bias_audit.storing.made import ABOUT, ASSESSMENTS, CHARTS, Made


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fill(folder: Path) -> ScoreStore:
    store = ScoreStore(folder)
    model = store.model(b"m" * 32, "tiny\x1b 0123, float32 on cpu")
    store.put(model, {bytes([n]): WordScore(log_prob=-1.0, pieces=1) for n in range(200)})
    store.put(store.model(CHARTS, ABOUT[CHARTS]), {b"c" * 20: Made.of("<svg/>")})
    two = {bytes([n]) * 20: Made.of("{}") for n in range(2)}
    store.put(store.model(ASSESSMENTS, ABOUT[ASSESSMENTS]), two)
    store.close()
    return store


def test_info_path_and_clear(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = home / "cache" / "scores.sqlite"
    assert run(["cache", "path"]) == 0
    assert capsys.readouterr().out == f"{file}\n"
    for command in ("info", "clear"):
        assert run(["cache", command]) == 0
        assert capsys.readouterr().out == f"nothing is kept yet; it will be in {file}\n"
    assert not file.exists()
    fill(file.parent)
    assert run(["cache", "info"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == str(file)
    assert lines[1].endswith("MB of at most 2,147 MB")
    assert "200 scores" in lines[2]
    assert "tiny\\x1b 0123" in lines[2]
    told = [" ".join(line.split()) for line in lines[3:]]
    assert told == [
        "2 kept 0.0 MB results that audits made of their scores",
        "1 kept 0.0 MB charts of reports",
    ]
    assert run(["cache", "clear"]) == 0
    assert "are forgotten" in capsys.readouterr().out
    assert run(["cache", "info"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2, "where and how large, nothing else"


def test_a_damaged_file_is_said(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = fill(home / "cache").path
    file.write_text("no database")
    assert run(["cache", "info"]) == 0
    assert "Note: the score store" in capsys.readouterr().err
    assert file.with_name("scores.sqlite.damaged").read_text() == "no database"
    assert run(["cache", "clear"]) == 0
    aside = file.with_name("scores.sqlite.damaged")
    assert aside.read_text() == "no database", "whose file it was is not known: it stays"


def test_switched_off(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(VARIABLE, "off")
    for command in ("info", "path", "clear"):
        assert run(["cache", command]) == 0
        assert capsys.readouterr().out == f"nothing is kept: {VARIABLE} is off\n"
    assert not list(home.iterdir())


@pytest.mark.parametrize("what", ["file", "foreign"])
@pytest.mark.parametrize("command", ["info", "clear"])
def test_a_file_that_cannot_be_used_is_an_error(
    home: Path, capsys: pytest.CaptureFixture[str], what: str, command: str
) -> None:
    folder = home / "cache"
    if what == "file":
        folder.write_text("no folder")
    else:
        folder.mkdir()
        with contextlib.closing(sqlite3.connect(folder / "scores.sqlite")) as other:
            other.execute("CREATE TABLE mine(x)")
    assert run(["cache", command]) == 2
    out, err = capsys.readouterr()
    assert "scores are not kept:" in err
    assert VARIABLE in err
    assert not out


def test_the_home_of_nobody_is_no_place(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(VARIABLE, "~nosuchuser-at-all/cache")
    for command in ("info", "path", "clear"):
        assert run(["cache", command]) == 0
        assert capsys.readouterr().out.startswith("nothing is kept: there is no home folder")
    assert not list(home.iterdir())


def test_the_flags() -> None:
    assert _kept.choice(fresh=False, no_cache=False) == Cache()
    assert _kept.choice(fresh=True, no_cache=False) == Cache(fresh=True)
    assert _kept.choice(fresh=False, no_cache=True) is False
    with pytest.raises(UsageError, match="leave one out"):
        _kept.choice(fresh=True, no_cache=True)


def test_what_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    use = CacheStats(found=1234, scored=1, path="x", notices=("the disk is full",))
    _kept.tell(use, quiet=False)
    assert capsys.readouterr().err == (
        "Note: the disk is full\n"
        "Note: 1,234 of 1,235 scores were kept from earlier runs (--fresh scores anew)\n"
    )
    _kept.tell(use, quiet=True)
    assert capsys.readouterr().err == "Note: the disk is full\n"
    _kept.tell(
        CacheStats(found=2, recalled=True, path="x"), quiet=False, later=("the disk is full",)
    )
    assert capsys.readouterr().err == (
        "Note: the disk is full\n"
        "Note: 2 of 2 scores were kept from earlier runs, and so were the results that they give"
        " (--fresh scores anew)\n"
    )
    _kept.tell(use, quiet=True, later=use.notices)
    assert capsys.readouterr().err.count("the disk is full") == 1, "said once"
    for nothing in (None, CacheStats(scored=5, path="x"), CacheStats()):
        _kept.tell(nothing, quiet=False)
    assert capsys.readouterr().err == ""
