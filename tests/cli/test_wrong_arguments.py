"""What is wrong with a call is told at once, by its name, with the right command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bias_audit.cli.app import run
from tests.cli.conftest import Command
from tests.test_package import loaded_after

SMALL = ["run", "fake", "-p", "small", "--probe-path", "small.yaml", "-q"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "occupation-gender"], "bias-audit run -p occupation-gender"),
        (["run", "core", "--dry-run"], "bias-audit run -p core"),
        (["run", "axis:religion"], "bias-audit run -p axis:religion"),
        (["run", "small.yaml"], "bias-audit run --probe-path small.yaml -p small"),
        (["run", "nothing.yaml"], "there is no such file either"),
        (["run", "settings.yml"], "bias-audit run -c settings.yml"),
        (
            ["fill", "The [group] was <mask>.", "--groups", "a,b", "--model", "quick"],
            "names probes",
        ),
    ],
)
def test_what_is_no_model_is_answered_with_the_right_command(
    cli: Command, home: Path, arguments: list[str], said: str
) -> None:
    (home / "settings.yml").write_text("version: 1\n", encoding="utf-8")
    code, out, err = cli(*arguments)
    assert (code, out) == (2, "")
    assert said in err


WRONG = {
    "probe": ["-p", "occupation-gendre"],
    "measure": ["--measure", "lpps"],
    "check": ["--check", "surfaces"],
    "format": ["--format", "pdff"],
    "device": ["--device", "cud"],
    "model": ["./no-such-model"],
    "folder": ["."],
    "axis": ["-p", "axis:gendre"],
}


def test_wrong_arguments_are_told_before_torch_is_loaded() -> None:
    code = (
        "import sys\nfrom bias_audit.cli.app import run\n"
        f"for kind, arguments in {WRONG!r}.items():\n"
        "    assert run(['run', *arguments]) in (2, 4), kind\n"
        "    assert not {'torch', 'transformers', 'matplotlib'} & {*sys.modules}, kind"
    )
    assert "bias_audit.cli.run" in loaded_after(code)


def test_a_folder_with_an_audit_or_foreign_files_is_refused_without_force(
    cli: Command, home: Path
) -> None:
    assert cli(*SMALL, "-o", "a", "--format", "junit")[0] == 0
    before = (home / "a" / "results.json").read_bytes()
    code, _, err = cli(*SMALL, "-o", "a", "--limit", "1")
    assert code == 2
    assert "a holds another audit" in err
    assert "--force" in err
    assert (home / "a" / "results.json").read_bytes() == before
    code, _, err = cli(*SMALL, "-o", ".")
    assert code == 2
    assert "files that no run has written (a and 1 more)" in err
    assert cli(*SMALL, "-o", "a", "--limit", "1", "--force")[0] == 0
    assert json.loads((home / "a" / "results.json").read_bytes())["run"]["partial"]
    assert not (home / "a" / "junit.xml").exists(), "it would belie the new audit"


def test_hidden_files_and_those_of_a_run_that_was_killed_are_no_obstacle(
    cli: Command, home: Path
) -> None:
    (home / "a").mkdir()
    for name in (".gitkeep", "run.json", "evidence.csv.gz"):
        (home / "a" / name).write_text("", encoding="utf-8")
    assert cli(*SMALL, "-o", "a")[0] == 0


def test_force_leaves_foreign_files_alone(cli: Command, home: Path) -> None:
    (home / "a").mkdir()
    (home / "a" / "notes.txt").write_text("mine", encoding="utf-8")
    assert cli(*SMALL, "-o", "a", "--force")[0] == 0
    assert (home / "a" / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_progress_says_what_is_done(capfd: pytest.CaptureFixture[str], home: Path) -> None:
    arguments = ["run", "fake", "-p", "small", "--probe-path", "small.yaml", "--no-cache"]
    assert run([*arguments, "--progress", "plain", "-o", "a"]) == 0
    lines = capfd.readouterr().err.splitlines()
    steps = [line.split(":")[0] for line in lines if not line.startswith("Note")]
    assert list(dict.fromkeys(steps)) == [
        "loading the model", "scoring all probes", "analysing", "writing the report",
    ]  # fmt: skip


def test_the_rate_is_that_of_the_step(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from bias_audit.cli import output

    now = 0.0
    monkeypatch.setattr(output.time, "monotonic", lambda: now)
    with output.progress("plain") as listener:
        assert listener is not None
        listener("loading the model", 0, 0)
        now = 100.0
        listener("scoring all probes", 500, 1000)  # half of them were kept
        now = 102.0
        listener("scoring all probes", 700, 1000)
    assert capfd.readouterr().err.splitlines() == [
        "loading the model",
        "scoring all probes: 1,000 sentences",
        "scoring all probes: 70 %, 100 sentences/s, 3 s left",
    ]


def test_the_command_that_is_named_runs(cli: Command, home: Path) -> None:
    _, _, err = cli("run", "small.yaml")
    command = err.split("bias-audit run ")[1].split()
    assert cli("run", "fake", *command, "-q", "-o", "a")[0] == 0
