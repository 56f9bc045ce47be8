"""``compare``: what is said of a change, in every format, from Python and the command line."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

import bias_audit
from bias_audit.analysis.compare_runs import compare_runs
from bias_audit.cli import app
from bias_audit.errors import UnknownNameError, UsageError
from bias_audit.pipeline.audit import Audit
from bias_audit.pipeline.judge import accept_baseline
from bias_audit.reports import comparison as shown
from bias_audit.results import Change, Comparison, MissingChange, StoredRun
from tests.analysis.world import controlled, terms
from tests.gates import cases
from tests.gates.runs import audited, edit_results, moved
from tests.gates.runs import store as keep

THREE = controlled(groups={g: terms(g * 3, 4) for g in "abc"})


def change(**more) -> Change:
    values = {"probe": "jobs", "result": "jobs:log_odds_gap:a-vs-b", "rise": 0.4}
    values |= {"group_labels": ("women", "men"), "baseline": 0.1, "candidate": 0.5}
    values |= {"difference": 0.4, "ci_low": 0.2, "ci_high": 0.6, "p_adjusted": 0.01}
    values |= {"differs": True, "rise_low": None, "rise_high": None, "bounds": ()}
    return cases.change(**(values | more))


comparison = cases.comparison


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("runs")
    keep(audited(probe=THREE), home / "before")
    keep(audited(moved(0.3), THREE), home / "after")
    return home


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "larger"),
        ({"rise": -0.4, "candidate": 0.05}, "smaller"),
        ({"candidate": -0.5}, "turned"),
        ({"differs": False}, "open"),
        ({"reason_code": "partial_run"}, "blocked"),
        ({"identical": True}, "same"),
        ({"identical": True, "reason_code": "instrument_failed"}, "same"),
    ],
)
def test_what_is_said_of_a_change(more: dict, said: str) -> None:
    assert shown.verdict(change(**more)) == said
    assert shown.WORDS[said] in shown.headline(comparison(change(**more)))


def test_the_largest_rise_is_read_first_and_every_count_is_in_the_first_line() -> None:
    many = comparison(
        change(result="d", group_labels=("d", "x"), identical=True),
        change(result="b", group_labels=("b", "x"), rise=0.2),
        change(result="e", group_labels=("e", "x"), reason_code="cells_lost", rise=0.9),
        change(result="a", group_labels=("a", "x"), rise=0.4),
        change(result="c", group_labels=("c", "x"), differs=False),
        missing=(MissingChange(probe="p", result="r", reason_code="no_result", reason="gone"),),
        notices=("other arithmetic",),
    )
    text = shown.render(many, "terminal")
    assert " ".join(text.splitlines()[:2]).startswith(
        "5 gaps compared with main: 2 larger, 1 not judged, 1 no difference found,"
        " 1 with the same scores; 1 result of one run has no partner"
    )
    rows = [line[6] for line in text.splitlines() if line.startswith("jobs: ")]
    assert rows == list("abecd")
    assert "Note: other arithmetic." in text
    assert "Without a partner: p, 1 result: gone." in text
    assert "cells_lost: " in text


def test_secondary_pairs_are_counted_and_shown_on_demand() -> None:
    two = comparison(change(), change(result="s", role="secondary", group_labels=("s", "x")))
    short = shown.render(two, "terminal", secondary=False)
    assert "jobs: s - x" not in short
    assert "1 more between single groups" in short
    assert "jobs: s - x" in shown.render(two, "terminal")
    assert len(list(csv.reader(io.StringIO(shown.render(two, "csv"))))) == 3
    assert len(list(csv.reader(io.StringIO(shown.render(two, "csv", secondary=False))))) == 2


def test_csv_names_its_numbers_and_defuses_formulas() -> None:
    text = shown.render(comparison(change(probe="=cmd()", candidate=None)), "csv")
    (row,) = csv.DictReader(io.StringIO(text))
    assert tuple(row) == shown.COLUMNS
    assert row["probe"] == "'=cmd()"
    assert (row["difference"], row["rise"], row["candidate"]) == ("0.4", "0.4", "")
    assert (row["label_a"], row["label_b"], row["verdict"]) == ("women", "men", "larger")


def test_markdown_fits_a_comment_and_shows_strangers_text_as_it_is() -> None:
    label = "<img src=x> @all | [a](http://b)"
    text = shown.render(
        comparison(
            *(change(result=f"r{i}", group_labels=(label, f"g{i}")) for i in range(2000)),
        ),
        "md",
    )
    assert len(text.encode()) < 60_000
    assert text.startswith("**2,000 gaps compared with main: 2,000 larger**")
    assert "more, which do not fit here" in text
    assert "<img" not in text
    assert "@all" not in text
    head = next(line for line in text.splitlines() if line.startswith("| Gap"))
    row = next(line for line in text.splitlines() if line.startswith("| jobs"))
    assert row.replace("\\|", "").count("|") == head.count("|")


def test_control_characters_never_reach_a_terminal() -> None:
    made = comparison(change(probe="p\x1b[31m", group_labels=("a\u202e", "b")), notices=("\x07",))
    for name in ("terminal", "md", "csv"):
        text = shown.render(made, name)
        assert not set(text) & {"\x1b", "\u202e", "\x07"}


def test_nothing_compared_is_said() -> None:
    for name in ("terminal", "md"):
        assert "0 gaps compared with main: none" in shown.render(comparison(), name)


def test_json_is_the_record() -> None:
    made = comparison(change())
    assert Comparison.model_validate_json(shown.render(made, "json")) == made


def test_an_unknown_format_gets_the_nearest_spelling() -> None:
    with pytest.raises(UnknownNameError, match="csv"):
        shown.render(comparison(), "cvs")


# From Python.


def test_compare_takes_folders_audits_and_baselines(runs: Path, tmp_path: Path) -> None:
    found = bias_audit.compare(runs / "before", runs / "after")
    direct = compare_runs(
        StoredRun.open(runs / "before"),
        StoredRun.open(runs / "after"),
        name=str(runs / "before"),
    )
    named = {"candidate": str(runs / "after"), "candidate_model": found.record.candidate_model}
    assert found.record == direct.model_copy(update=named)
    assert found.record.candidate_model == StoredRun.open(runs / "after").results.model
    assert len(found.changes) == 6
    assert not found.identical
    base = audited(probe=THREE)
    numbers = [c.difference for c in found.changes]
    fresh = bias_audit.compare(base, audited(moved(0.3), THREE))
    assert [c.difference for c in fresh.changes] == numbers
    assert fresh.record.baseline == "oracle"
    loaded = bias_audit.compare(Audit.load(runs / "before"), str(runs / "after"))
    assert [c.difference for c in loaded.changes] == numbers
    place = tmp_path / "kept"
    accept_baseline(runs / "before", name="main", reason="First.", today=cases.TODAY, place=place)
    named = bias_audit.compare("baseline:main", runs / "after", folder=place)
    assert named.record.baseline == "main"
    assert [c.difference for c in named.changes] == numbers
    with pytest.raises(UnknownNameError, match="there is no baseline named 'mian'") as caught:
        bias_audit.compare("baseline:mian", runs / "after", folder=place)
    assert "'main'" in str(caught.value)


def test_what_compare_returns_shows_itself(runs: Path, tmp_path: Path) -> None:
    found = bias_audit.compare(runs / "before", runs / "after")
    assert str(found) == repr(found) == shown.render(found.record, "terminal")
    frame = found.to_frame()
    assert list(frame["result"]) == [c.result for c in found.changes]
    for name in ("md", "csv", "json", "html"):
        path = found.report(tmp_path / f"x.{name}")
        assert path.read_text(encoding="utf-8") == shown.render(found.record, name)
    assert found.report(tmp_path / "x.txt").read_text(encoding="utf-8") == str(found)
    with pytest.raises(UnknownNameError, match="pdf"):
        found.report(tmp_path / "x.pdf")


def test_compare_needs_evidence(runs: Path, tmp_path: Path) -> None:
    keep(audited(probe=THREE), tmp_path / "bare")
    (tmp_path / "bare" / "evidence.csv.gz").unlink()
    for pair in ((tmp_path / "bare", runs / "after"), (runs / "after", tmp_path / "bare")):
        with pytest.raises(UsageError, match="cannot be paired"):
            bias_audit.compare(*pair)
    with pytest.raises(UsageError, match="cannot be paired"):
        bias_audit.compare(Audit.load(tmp_path / "bare"), runs / "after")


# From the command line.


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str]):
    def call(*arguments: str | Path) -> tuple[int, str, str]:
        capfd.readouterr()
        code = app.run([str(a) for a in arguments])
        out, err = capfd.readouterr()
        return code, out, err

    return call


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_command_compares_and_exits_with_zero(cli, runs: Path, here: Path) -> None:
    before, after = runs / "before", runs / "after"
    code, out, err = cli("compare", before, after)
    assert (code, err) == (0, "")
    assert out == shown.render(
        bias_audit.compare(str(before), str(after)).record, "terminal", secondary=False
    )
    assert cli("compare", before, after, "--all")[1] == str(
        bias_audit.compare(str(before), str(after))
    )
    code, out, _ = cli("compare", before, after, "--json")
    assert code == 0
    assert json.loads(out)["changes"][0]["probe"] == "trial"
    code, out, err = cli("compare", before, after, "--format", "md", "-o", "x.md")
    assert (code, out, err) == (0, "", "x.md\n")
    assert (here / "x.md").read_text(encoding="utf-8").startswith("**6 gaps compared")
    assert cli("compare", before, before)[0] == 0


def test_mistakes_of_the_command_end_with_two(cli, runs: Path, here: Path) -> None:
    keep(audited(probe=THREE), here / "cut")
    evidence = here / "cut" / "evidence.csv.gz"
    evidence.write_bytes(evidence.read_bytes()[:2000])
    keep(audited(probe=THREE), here / "newer")
    with pytest.raises(UsageError):
        edit_results(here / "newer", lambda content: content.update(schema_version="4.0"))
    for arguments, said in (
        (("nowhere", runs / "after"), "no audit at nowhere"),
        ((runs / "before", "cut"), "not readable evidence"),
        (("newer", runs / "after"), "schema version 4.0"),
        (("baseline:main", runs / "after"), "there is no baseline named 'main'"),
        (("baseline:../x", runs / "after"), "cannot be the name of a baseline"),
    ):
        code, out, err = cli("compare", *arguments)
        assert (code, out) == (2, ""), arguments
        assert said in err
        assert "Traceback" not in err


def test_accept_list_and_show(cli, runs: Path, here: Path) -> None:
    (here / "bias-audit.yaml").write_text("version: 1\n")
    (here / "deep").mkdir()
    code, out, err = cli("baseline", "list")
    assert (code, out) == (0, "")
    assert "0 baselines in" in err
    accept = ("baseline", "accept", runs / "before", "--name", "main")
    code, out, _ = cli(*accept, "--reason", "First release.", "--who", "Ana")
    assert code == 0
    assert out.startswith("accepted main: 20")
    assert out.rstrip().endswith("by Ana, oracle: First release.")
    assert (here / "bias-audit-baselines" / "main" / "baseline.yaml").is_file()
    assert cli(*accept, "--reason", "Second.", "--replace")[1].startswith("replaced main: 20")
    code, out, err = cli("baseline", "list")
    assert (code, len(out.splitlines())) == (0, 1)
    assert "1 baseline in" in err
    code, out, _ = cli("baseline", "show", "main")
    assert code == 0
    assert "Second." in out
    assert "trial:log_odds_gap:a-vs-others" in out
    record = json.loads(cli("baseline", "show", "main", "--json")[1])
    assert record["reason"] == "Second."
    assert list(record["gaps"]) == [f"trial:log_odds_gap:{g}-vs-others" for g in "abc"]
    code, out, _ = cli("compare", "baseline:main", runs / "after")
    assert code == 0
    assert "compared with main" in out


def test_broken_and_unknown_baselines_end_with_two(cli, runs: Path, here: Path) -> None:
    place = ("--baselines", "kept")
    accept = ("baseline", "accept", runs / "before", "--reason", "First.", *place)
    assert cli(*accept, "--name", "main")[0] == 0
    assert cli(*accept, "--name", "next")[0] == 0
    (here / "kept" / "main" / "results.json").write_text("{}")
    code, out, _ = cli("baseline", "list", *place)
    assert code == 2
    assert out.splitlines()[0].startswith(
        "main             broken: the baseline 'main' was changed"
    )
    assert out.splitlines()[1].startswith("next             20")
    found = json.loads(cli("baseline", "list", "--json", *place)[1])
    assert [(e["name"], bool(e["problem"]), bool(e["record"])) for e in found] == [
        ("main", True, False),
        ("next", False, True),
    ]
    for arguments, said in (
        (("show", "main"), "was changed after it was accepted"),
        (("show", "nxet"), "did you mean 'next'"),
        (("accept", "nowhere", "--name", "x", "--reason", "R"), "no audit at nowhere"),
    ):
        code, out, err = cli("baseline", *arguments, *place)
        assert (code, out) == (2, "")
        assert said in err
    code, _, err = cli("baseline", "accept", runs / "before", "--name", "x")
    assert code == 2
    assert "--reason" in err


def test_comparing_loads_no_heavy_package(runs: Path) -> None:
    script = (
        "import sys; from bias_audit.cli import app;"
        f"code = app.run(['compare', {str(runs / 'before')!r}, {str(runs / 'after')!r}]);"
        "heavy = {'torch', 'transformers', 'pandas', 'matplotlib', 'scipy.stats'};"
        "assert code == 0; assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
