"""Who computes a run: flags, variables and configuration; the engines themselves are elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bias_audit import backends
from bias_audit.backends import Engine, FakeBackend
from bias_audit.backends.ray.options import EngineUse
from bias_audit.cli import _app, _run

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Command:
    """The command, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()

    def call(*arguments: str) -> tuple[int, str, str]:
        code = _app.run(list(arguments))
        out, err = capfd.readouterr()
        return code, out, err

    return call


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What models were opened with; the stand-in comes in their place."""
    found: list[dict[str, Any]] = []

    class Stand(FakeBackend):
        use = EngineUse(name="ray", workers=3, refused=("other weights",))
        closed = 0

        def close(self) -> None:
            found.append({"closed": True})

    def open_backend(name: str, **options: Any) -> Stand:
        found.append(options)
        return Stand()

    monkeypatch.setattr(backends, "open_backend", open_backend)
    return found


RUN = ("run", "fake", "-p", "occupation-pronoun", "--limit", "6", "--exit-zero", "-q", "-o", "a")


def test_the_engine_is_chosen_by_flags(
    cli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened: list[dict[str, Any]]
) -> None:
    flags = ("--engine", "ray", "--engine-address", "head:6379", "--engine-workers", "3")
    assert cli(*RUN, *flags)[0] == 0
    assert opened[0]["engine"] == Engine(name="ray", address="head:6379", workers=3)
    assert opened[-1] == {"closed": True}, "the workers are let go when all is scored"
    manifest = (tmp_path / "a" / "run.json").read_text("utf-8")
    assert '"engine": "ray, head:6379, 3 workers"' in manifest
    assert '"other weights"' in manifest
    results = (tmp_path / "a" / "results.json").read_text("utf-8")
    assert '"other weights"' not in results, "results do not depend on who computed"


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ([], Engine(name="ray", address="auto", workers=4)),
        (["--engine-workers", "2"], Engine(name="ray", address="auto", workers=2)),
        (["--engine", "ray"], Engine(name="ray", address="auto", workers=4)),
        (["--engine", "local"], Engine()),
    ],
)
def test_a_flag_wins_and_what_belongs_to_another_engine_is_set_aside(
    cli: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    opened: list[dict[str, Any]],
    flags: list[str],
    expected: Engine,
) -> None:
    text = "version: 1\nrun: {engine: {name: ray, address: auto, workers: 4}}\n"
    (tmp_path / "bias-audit.yaml").write_text(text, encoding="utf-8")
    assert cli(*RUN, *flags)[0] == 0
    assert opened[0]["engine"] == expected


def test_the_engine_is_shown_with_its_origin(
    cli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "version: 1\nrun:\n  engine: {name: ray, workers: 4}\n"
    (tmp_path / "bias-audit.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("BIAS_AUDIT_RUN_ENGINE_WORKERS", "7")
    lines = cli("config", "show", "--origin")[1].splitlines()
    rows = {line.split()[0]: line.split()[1:] for line in lines}
    assert rows["run.engine.name"] == ['"ray"', "bias-audit.yaml:3:18"]
    assert rows["run.engine.workers"] == ["7", "BIAS_AUDIT_RUN_ENGINE_WORKERS"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("engine: {name: rya}", "did you mean 'ray'?"),
        ("engine: {workers: 2}", "'workers' belongs to the engine ray"),
        ("engine: {address: auto}", "'address' belongs to the engine ray"),
        ("engine: {name: ray, workers: 0}", "bias-audit.yaml:3:"),
    ],
)
def test_mistakes_in_the_configuration_are_told_with_their_line(
    cli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    (tmp_path / "bias-audit.yaml").write_text(f"version: 1\nrun:\n  {text}\n", encoding="utf-8")
    code, _, err = cli(*RUN)
    assert code == 2
    assert message in " ".join(err.split())
    assert "bias-audit.yaml:3:" in err


def test_without_ray_the_command_says_how_to_install_it_and_writes_nothing(
    cli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    code, out, err = cli("run", "reference", *RUN[2:], "--engine", "ray")
    assert (code, out) == (2, "")
    assert "pip install 'bias-audit[ray]'" in " ".join(err.split())
    assert "Traceback" not in err
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("flags", [["--engine-workers", "2"], ["--engine-address", "auto"]])
def test_an_address_without_the_engine_is_wrong_use(
    cli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: list[str]
) -> None:
    code, _, err = cli(*RUN, *flags)
    assert code == 2
    assert "add --engine ray" in " ".join(err.split())


def test_every_field_of_a_request_about_the_engine_is_an_option() -> None:
    from bias_audit.cli.run import run

    names = {parameter.name for parameter in run.params}
    assert {name for name in _run.Request.__annotations__ if "engine" in name} <= names
