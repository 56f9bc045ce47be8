"""``report``: folder layout, charts as files, several runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bias_audit.archive import results_text
from bias_audit.cli import _app
from tests.render.example import example, frame

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str]) -> Command:
    def call(*arguments: str | Path) -> tuple[int, str, str]:
        capfd.readouterr()
        code = _app.run([str(a) for a in arguments])
        out, err = capfd.readouterr()
        return code, out, err

    return call


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two stored runs; an empty one is quick to draw."""
    for name, results in (("a", frame()), ("b", example())):
        (tmp_path / name).mkdir()
        (tmp_path / name / "results.json").write_text(results_text(results), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_folder_layout_writes_its_files_and_leaves_others(cli: Command, home: Path) -> None:
    (home / "public").mkdir()
    (home / "public" / "mine.txt").write_text("keep", encoding="utf-8")
    code, out, err = cli("report", "a", "--layout", "folder", "-o", "public")
    assert (code, out, err) == (0, "", "public: 4 files\n")
    found = {str(p.relative_to(home / "public")) for p in (home / "public").rglob("*.*")}
    assert found == {"index.html", "report.css", "report.js", "figures/captions.md", "mine.txt"}


def test_figures_alone_write_nothing_else(cli: Command, home: Path) -> None:
    code, out, err = cli("report", "a", "--figures", "charts")
    assert (code, out, err) == (0, "", "charts: 1 files\n")
    code, out, _ = cli("report", "a", "--figures", "charts", "--format", "md")
    assert code == 0
    assert out.startswith("**")


def test_several_runs_make_one_page(cli: Command, home: Path) -> None:
    code, out, _ = cli("report", "b", "b", "--format", "md")
    assert code == 0
    assert out.startswith("**2 models side by side**")
    code, out, _ = cli("report", "a", "b", "--format", "csv", "-o", "all.csv")
    assert (code, out) == (0, "")
    assert (home / "all.csv").read_text(encoding="utf-8").startswith("run,model,id,")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a", "--layout", "folder"], "needs its place"),
        (["a", "--layout", "folder", "--format", "md", "-o", "x"], "needs its place"),
        (["a", "--layout", "folder", "-o", "md=x"], "one of html, got 'md=x'"),
        (["a", "--layout", "folder", "-o", "html="], "one of html, got 'html='"),
        (["a", "b", "--figures", "x"], "take one run"),
        (["a", "b", "--layout", "folder", "-o", "x"], "take one run"),
        (["a", "b", "--format", "sarif"], "sarif"),
        ([], "RUN"),
    ],
)
def test_wrong_use_is_refused(cli: Command, home: Path, arguments: list[str], message: str) -> None:
    code, _, err = cli("report", *arguments)
    assert code == 2
    assert message in err
    assert "Traceback" not in err
