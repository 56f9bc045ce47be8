"""The notebooks in ``examples/`` are short, show no failure, and show what comes today."""

from __future__ import annotations

import ast
import json
import re
import sys
from pathlib import Path

import pytest

from tests.docs import notebooks

NAMES = ["audit_your_model", "write_a_probe"]
TABLES = {"comparisons", "words", "completions", "evidence"}


def read(path: Path) -> dict[str, list[dict[str, list[str]]]]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


def code(path: Path) -> list[str]:
    return ["".join(c["source"]) for c in read(path)["cells"] if "outputs" in c]


def test_the_notebooks_are_short_and_use_every_table() -> None:
    assert [path.stem for path in notebooks.NOTEBOOKS] == NAMES
    called = set()
    for path in notebooks.NOTEBOOKS:
        assert len(read(path)["cells"]) <= 12
        for source in code(path):
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.Attribute):
                    called.add(node.attr)
    assert called >= TABLES


@pytest.mark.parametrize("path", notebooks.NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_there_without_failure_or_a_machine_of_ours(path: Path) -> None:
    shown = list(notebooks.texts(read(path)))
    assert any("text/html" in place and 'class="bias-audit"' in text for place, text in shown)
    assert any("text/html" in place and 'class="dataframe"' in text for place, text in shown)
    for place, text in shown:
        assert "error" not in place
        assert "stderr" not in place
        assert not re.search(r"/(home|root|tmp|Users)/", text)


@pytest.mark.parametrize("path", notebooks.NOTEBOOKS, ids=lambda path: path.stem)
def test_without_the_package_the_first_cell_says_what_to_install(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "bias_audit", None)
    with pytest.raises(SystemExit) as stop:
        exec(compile(code(path)[0], path.name, "exec"), {})  # noqa: S102
    assert str(stop.value) == (
        "This kernel lacks bias_audit, expected an environment with bias-audit. "
        "Install it with: pip install 'bias-audit[notebooks]', then restart the kernel."
    )


def test_without_the_extra_the_command_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(notebooks, "NEEDED", ("json", "no_such_package"))
    assert notebooks.main() == 2
    assert capsys.readouterr().err == (
        "the notebooks need no_such_package, which this environment lacks: "
        "pip install 'bias-audit[notebooks]'\n"
    )


@pytest.mark.parametrize(
    ("old", "new", "equal"),
    [
        ("1.91 times, 18 s", "1.92 times, 2 min 3 s", True),
        ("1.91 times", "1.93 times", False),
        ("7 of 18", "8 of 18", False),
        ("-0.646", "0.646", False),
        ("she 1.91", "he 1.91", False),
        ("p 0.10", "p 0.1", True),
        ("1.0  2.0", "1.0 2.0", True),
        ("1.0", "1.0 2.0", False),
    ],
)
def test_outputs_agree_up_to_times_and_the_last_digit(old: str, new: str, equal: bool) -> None:
    assert notebooks.agree(old, new) is equal


@pytest.mark.skipif(bool(notebooks.missing_packages()), reason="needs the extra notebooks")
@pytest.mark.parametrize("path", notebooks.NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("default")
def test_what_a_notebook_shows_is_what_comes_today(path: Path) -> None:
    today = notebooks.execute(path)
    assert notebooks.differences(read(path), today) == [], "python -m tests.docs.notebooks"
