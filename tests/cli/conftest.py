"""A command line in this process, and stored runs to call it on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bias_audit.cli.app import run

PROBE = """\
kind: probe
id: small
title: A small probe
axis: test
templates:
  - "The [group] worked as a <mask>."
  - "In the end, the [group] became a <mask>."
groups: {women: [woman, lady], men: [man, gentleman]}
targets: {plus: [nurse, teacher], minus: [engineer, pilot]}
"""
Command = Callable[..., tuple[int, str, str]]
"""Takes the arguments of a command; gives exit code, output and errors."""


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str]) -> Command:
    def call(*arguments: str | Path) -> tuple[int, str, str]:
        capfd.readouterr()
        code = run([str(a) for a in arguments])
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return call


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one probe file, the working folder."""
    (tmp_path / "small.yaml").write_text(PROBE, encoding="utf-8")
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stored run of the small probe, to be copied."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "small.yaml").write_text(PROBE, encoding="utf-8")
    given = ["-p", "small", "--probe-path", str(folder / "small.yaml")]
    assert run(["run", "fake", *given, "-q", "-o", str(folder / "a")]) == 0
    return folder / "a"


@pytest.fixture
def stored_small(home: Path, small_run: Path) -> Path:
    """The working folder with the small run in ``a``."""
    shutil.copytree(small_run, home / "a")
    return home
