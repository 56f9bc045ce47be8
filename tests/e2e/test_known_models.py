"""``examples/known_models.sh``: arguments, one run for each model, and where it goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "examples" / "known_models.sh"


def play(*arguments: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    settings = {"PYTHON": sys.executable, "PROBES": "occupation-pronoun", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        ["bash", str(SCRIPT), *arguments], cwd=folder, capture_output=True, text=True,
        env=os.environ | settings | more, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name the folder that takes the runs"),
        (["--folder"], "expected a folder first, got '--folder'"),
        ([""], "expected a folder first, got ''"),
        (["taken"], "'taken' is a file"),
        (["new", "--fast"], "expected a model, got '--fast'"),
    ],
)
def test_wrong_arguments_are_refused(arguments: list[str], said: str, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("", encoding="utf-8")
    made = play(*arguments, folder=tmp_path)
    assert made.returncode == 2
    assert f"Error: {said}" in made.stderr
    assert "known_models.sh FOLDER [MODEL...]" in made.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_an_interpreter_that_is_not_there_is_refused(tmp_path: Path) -> None:
    made = play("new", "fake", folder=tmp_path, PYTHON="no-such-python")
    assert made.returncode == 2
    assert "there is no 'no-such-python'" in made.stderr


def test_each_model_has_its_run_and_a_second_start_goes_on(tmp_path: Path) -> None:
    first = play("audits", "fake", "./missing", folder=tmp_path)
    assert first.returncode == 3
    assert "Not measured: ./missing (exit code 4)" in first.stderr
    assert (tmp_path / "audits" / "fake" / "results.json").is_file()
    before = (tmp_path / "audits" / "fake" / "results.json").read_bytes()
    again = play("audits", "fake", folder=tmp_path)
    assert again.returncode == 0
    assert "fake: audits/fake is there" in again.stdout
    assert "Side by side: bias-audit report audits/* -o models.html" in again.stdout
    assert (tmp_path / "audits" / "fake" / "results.json").read_bytes() == before
