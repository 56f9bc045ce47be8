"""``report``: folder layout, charts as files, several runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bias_audit.results import results_text
from tests.cli.conftest import Command
from tests.reports.example import example, frame


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
    assert out.startswith("### bias-audit · example/tiny-masked-lm · ")


def test_a_format_with_a_place_needs_no_further_name(cli: Command, home: Path) -> None:
    code, out, _ = cli("report", "a", "-o", "junit=x.xml", "-o", "md=x.md")
    assert (code, out) == (0, "")
    assert (home / "x.xml").read_text(encoding="utf-8").startswith("<?xml")
    assert (home / "x.md").read_text(encoding="utf-8").startswith("### ")
    assert cli("report", "a", "-o", "page.html")[0] == 0
    assert "<html" in (home / "page.html").read_text(encoding="utf-8")
    code, _, err = cli("report", "a", "-o", "junti=x.xml")
    assert code == 2
    assert "did you mean 'junit'?" in err


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


@pytest.mark.parametrize(
    "arguments",
    [
        ["report", "edited"],
        ["report", "b", "edited"],
        ["show", "edited"],
        ["gate", "edited", "-c", "gates.yaml"],
        ["compare", "edited", "b"],
    ],
)
def test_an_estimate_outside_of_its_interval_is_refused_by_every_reader(
    cli: Command, home: Path, arguments: list[str]
) -> None:
    (home / "gates.yaml").write_text(
        "version: 1\ngates:\n  - {id: a, probe: '*', max: 9}\n", encoding="utf-8"
    )
    text = (home / "b" / "results.json").read_text(encoding="utf-8")
    (home / "edited").mkdir()
    softened = re.sub(r'"estimate": [-\d.]+', '"estimate": 0.0', text)
    (home / "edited" / "results.json").write_text(softened, encoding="utf-8")
    code, out, err = cli(*arguments)
    assert (code, out) == (2, "")
    assert "edited/results.json is damaged: the result '" in err
    assert "outside of its confidence interval [" in err
    assert not (home / "charts").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["report", "a", "--figures", ""],
        ["report", "a", "-o", ""],
        ["report", "a", "--layout", "folder", "-o", ""],
        ["report", ""],
        ["run", "fake", "-o", ""],
        ["compare", "a", "b", "-o", ""],
        ["compare", "a", ""],
        ["gate", "a", "-c", ""],
        ["baseline", "accept", "a", "--baselines", ""],
    ],
)
def test_an_empty_path_is_not_the_current_folder(
    cli: Command, home: Path, arguments: list[str]
) -> None:
    (home / "results.json").write_bytes((home / "a" / "results.json").read_bytes())
    before = sorted(home.rglob("*"))
    code, out, err = cli(*arguments)
    assert (code, out) == (2, "")
    assert "Error:" in err
    assert sorted(home.rglob("*")) == before


def test_show_names_the_comparisons_that_there_are(cli: Command, home: Path) -> None:
    known = [found.id for found in example().findings]
    assert len(known) > 1
    code, _, err = cli("show", "b", "zebra")
    assert code == 2
    assert all(name in err for name in known)
    assert "a number from 1 to 10, " in err
    code, _, err = cli("show", "b", known[0] + "x")
    assert (code, f"did you mean '{known[0]}'?" in err) == (2, True)
    code, _, err = cli("show", "a", "zebra")
    assert (code, "this audit has no comparisons" in err) == (2, True)
