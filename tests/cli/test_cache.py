"""Kept scores on the command line."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest
from bias_audit.storing.database import RESULTS

from bias_audit.backends.cache import VARIABLE
from bias_audit.backends.cache.store import ScoreStore
from bias_audit.cli._app import run
from bias_audit.pipeline import run as pipeline
from bias_audit.pipeline.result_cache import CachedText
from bias_audit.records import FillScore
from bias_audit.utils import clock


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fill(folder: Path) -> ScoreStore:
    store = ScoreStore(folder)
    model = store.model(b"m" * 32, "tiny\x1b 0123, float32 on cpu")
    store.put(model, {bytes([n]): FillScore(log_prob=-1.0, pieces=1) for n in range(200)})
    two = {bytes([n]) * 20: CachedText(text="{}") for n in range(2)}
    store.put(store.model(RESULTS, "results of audits"), two)
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
    assert told == ["2 kept 0.0 MB results of audits"]
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


def test_a_run_keeps_and_the_next_one_finds(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "time", SimpleNamespace(monotonic=lambda: 0.0))
    day = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    monkeypatch.setattr(clock, "now", lambda: day)
    command = ["run", "reference", "-p", "occupation-gender", "--limit", "60", "-q"]
    command += ["--exit-zero", "--progress", "none"]

    def results(name: str, *flags: str) -> tuple[str, dict[str, Any] | None]:
        assert run([*command, "-o", name, *flags]) == 0
        content = json.loads((home / name / "results.json").read_text(encoding="utf-8"))
        for key in ("created", "duration_s", "command"):
            del content["run"][key]
        told = json.loads((home / name / "run.json").read_text(encoding="utf-8"))
        return json.dumps(content), told.get("cache")

    plain, none = results("plain", "--no-cache")
    assert none is None
    assert not (home / "cache").exists()
    first, kept = results("first")
    again, found = results("again")
    anew, fresh = results("anew", "--fresh")
    assert plain == first == again == anew
    assert kept is not None
    assert fresh == {"found": 0, "scored": kept["found"] + kept["scored"]}
    total = kept["found"] + kept["scored"]
    assert found == {"found": total, "scored": 0, "assessment": "kept"}
    names = ("plain", "first", "again", "anew")
    for file in ("evidence.csv.gz", "report.html", "summary.md"):
        assert len({(home / name / file).read_bytes() for name in names}) == 1
    assert capsys.readouterr().err.count("Error") == 0
