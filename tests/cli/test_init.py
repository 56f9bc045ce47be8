"""``init``: what it writes is valid, complete, and never in place of something else."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

import bias_audit
from bias_audit import config
from bias_audit.cli import init as starting
from bias_audit.errors import UsageError
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.reports import file_names
from bias_audit.utils import clock
from bias_audit.utils.files import write_atomic
from bias_audit.utils.install_source import find_install_source
from tests.cli.conftest import Command
from tests.cli.shown_commands import wrong

TODAY = date(2026, 3, 1)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files(folder: Path) -> set[str]:
    found = (p.relative_to(folder) for p in folder.rglob("*") if p.is_file())
    return {path.as_posix() for path in found}


@pytest.mark.parametrize("ci", [None, *starting.JOBS])
def test_it_writes_what_it_says(cli: Command, home: Path, ci: str | None) -> None:
    code, out, _ = cli("init", *(["--ci", ci] if ci else []))
    assert code == 0
    job = {starting.JOBS[ci][1]} if ci else set()
    assert files(home) == {config.NAME, config.WAIVERS} | job
    assert set(re.findall(r"^wrote (.+)$", out, re.MULTILINE)) == files(home)
    assert wrong(out) == []
    for name in job:
        assert name in out.split("Next:")[1]


@pytest.mark.parametrize("extra", ["", "  # "])
def test_the_configuration_is_valid_as_written_and_with_every_line_in_use(
    home: Path, cli: Command, extra: str
) -> None:
    cli("init")
    path = home / config.NAME
    text = path.read_text(encoding="utf-8")
    if extra:
        text = re.sub(r"^  # ", "  ", text, flags=re.MULTILINE)
        text = re.sub(r"^  - file: .*\n", "", text, flags=re.MULTILINE)
        text = text.replace("0123abc...", '"0123abc"')
        path.write_text(text, encoding="utf-8")
    found = config.read(path).config
    config.check_names(found, path, ProbeCatalogue())
    assert bool(extra) == (found.model.revision is not None)
    assert [gate.baseline for gate in found.gates] == ([None, "main"] if extra else [None])
    assert cli("probes", "check", path)[0] == 0
    assert wrong(text) == []


def test_a_run_with_the_written_files_ends_without_a_mistake(cli: Command, home: Path) -> None:
    cli("init")
    code, out, err = cli("run", "fake", "-q", "-o", "run", "--limit", "2")
    assert code == 3, err
    assert "unclear" in out
    results = json.loads((home / "run" / "results.json").read_text(encoding="utf-8"))
    assert {g["gate"] for g in results["gates"]} == {"size"}
    code, _, err = cli("gate", "run", "-q")
    assert code == 2, "the configuration is about another model"
    assert "names the model 'reference', and this run is of 'fake'" in err
    assert cli("gate", "run", "-q", "--model", "fake")[0] == 3
    asked = {probe["id"] for probe in results["probes"] if probe["role"] == "probe"}
    assert asked == set(ProbeCatalogue().select(["core"]))


def test_the_waiver_of_the_example_can_be_used(
    cli: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "today", lambda: TODAY)
    cli("init")
    text = (home / config.WAIVERS).read_text(encoding="utf-8")
    (shown,) = re.findall(r"^#   bias-audit (waive .*)$", text, re.MULTILINE)
    given = shlex.split(shown)[2:]
    options = dict(zip(given[::2], given[1::2], strict=True))
    assert set(options) == {"--until", "--owner", "--up-to", "--reason"}
    assert TODAY < date.fromisoformat(options["--until"]) <= TODAY + timedelta(days=180)


@pytest.mark.parametrize("taken", [config.WAIVERS, ".github/workflows/bias-audit.yml"])
def test_nothing_is_overwritten_and_nothing_is_left_half(
    cli: Command, home: Path, taken: str
) -> None:
    (home / taken).parent.mkdir(parents=True, exist_ok=True)
    (home / taken).write_text("mine\n", encoding="utf-8")
    code, out, err = cli("init", "--ci", "github")
    assert code == 2
    assert out == ""
    assert f"{taken}: here already" in err
    assert files(home) == {taken}
    assert (home / taken).read_text(encoding="utf-8") == "mine\n"


def test_when_one_file_cannot_be_written_none_is_left(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = write_atomic

    def full(path: Path, content: str) -> None:
        if path.name == "bias-audit.yml":
            raise UsageError("no space left")
        write(path, content)

    monkeypatch.setattr("bias_audit.utils.files.write_atomic", full)
    with pytest.raises(UsageError, match="no space left"):
        starting.start(home, "github")
    assert files(home) == set()


def test_a_job_goes_to_the_root_of_the_repository(
    cli: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "models").mkdir()
    monkeypatch.chdir(home / "models")
    code, _, err = cli("init", "--ci", "gitlab")
    assert code == 2
    assert f"run it in {home.resolve()}" in err
    assert cli("init")[0] == 0, "without a job any folder will do"


@pytest.mark.parametrize("ci", starting.JOBS)
def test_a_job_uses_commands_and_files_that_exist(ci: str) -> None:
    text = starting.starters(ci)[starting.JOBS[ci][1]]
    assert "bias-audit run --strict" in text
    assert wrong(text) == []
    assert find_install_source().requirement in text
    assert "@VERSION@" not in text
    formats = re.search(r"--format ([\w,-]+)", text)
    assert formats
    made = {file_names()[name] for name in formats[1].split(",")} | {"summary.md", "results.json"}
    assert set(re.findall(r"bias-audit-run/([\w.-]+\w)", text)) <= made


PINNED = re.compile(r"(actions|github/codeql-action)/[\w-]+@[0-9a-f]{40}")


def load(ci: str) -> dict[str, Any]:
    found = YAML(typ="safe", pure=True).load(starting.starters(ci)[starting.JOBS[ci][1]])
    assert isinstance(found, dict)
    return found


def test_the_github_job_has_the_shape_of_a_workflow() -> None:
    job = load("github")
    assert set(job["on"]) == {"pull_request", "push"}
    upload = {"actions": "read", "security-events": "write"}
    assert job["permissions"] == {"contents": "read", **upload}
    (audit,) = job["jobs"].values()
    assert audit["timeout-minutes"] <= 60
    for step in audit["steps"]:
        assert ("uses" in step) != ("run" in step)
        assert "${{" not in step.get("run", ""), "values reach a script by the environment"
        assert "uses" not in step or PINNED.fullmatch(step["uses"])
    uploads = {s["uses"].split("@")[0]: s for s in audit["steps"] if "/upload" in s.get("uses", "")}
    sarif = uploads.pop("github/codeql-action/upload-sarif")
    assert sarif["if"] == "always() && hashFiles('bias-audit-run/results.sarif') != ''"
    assert sarif["continue-on-error"], "where nobody takes the file, the verdict stays what it is"
    assert [step["if"] for step in uploads.values()] == ["always()"]


RELEASE = f"bias-audit=={bias_audit.__version__}"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("record", "requirement"),
    [
        ({}, RELEASE),
        (
            {"url": "https://token:x@git.example/b", "vcs_info": {"commit_id": COMMIT}},
            f"git+https://git.example/b@{COMMIT}",
        ),
        (
            {"url": "https://git.example/b", "subdirectory": "tools/audit",
             "vcs_info": {"commit_id": COMMIT}},
            f"git+https://git.example/b@{COMMIT}#subdirectory=tools/audit",
        ),
        ({"url": "file:///srv/wheels/bias_audit-1.whl", "archive_info": {}},
         "/srv/wheels/bias_audit-1.whl"),
        ({"url": "https://files.example/bias_audit-1.whl", "archive_info": {}},
         "bias-audit@https://files.example/bias_audit-1.whl"),
        ({"url": "file:///srv/a%20folder/x.whl", "archive_info": {}}, RELEASE),
        ({"url": "file:///no/such/checkout", "dir_info": {}}, RELEASE),
    ],
)  # fmt: skip
def test_the_job_installs_what_was_installed_here(record: dict[str, Any], requirement: str) -> None:
    found = find_install_source(json.dumps(record) if record else "")
    assert found.requirement == requirement
    assert "token" not in found.requirement


def test_a_wheel_in_the_repository_is_named_from_its_root(home: Path) -> None:
    url = (home / "wheels" / "bias_audit-1.whl").as_uri()
    found = find_install_source(json.dumps({"url": url, "archive_info": {}}))
    assert found.requirement == "./wheels/bias_audit-1.whl"


@pytest.mark.parametrize("packed", [False, True])
def test_a_checkout_is_installed_at_its_commit(home: Path, packed: bool) -> None:
    own = home / ".git"
    address = "https://me:secret@git.example/bias-audit.git"
    (own / "config").write_text(f'[core]\n\tbare = false\n[remote "origin"]\n\turl = {address}\n')
    (own / "HEAD").write_text("ref: refs/heads/main\n")
    if packed:
        (own / "packed-refs").write_text(f"# pack-refs\n{COMMIT} refs/heads/main\n")
    else:
        (own / "refs" / "heads").mkdir(parents=True)
        (own / "refs" / "heads" / "main").write_text(f"{COMMIT}\n")
    record = json.dumps({"url": home.as_uri(), "dir_info": {"editable": True}})
    found = find_install_source(record)
    assert found.requirement == f"git+https://git.example/bias-audit.git@{COMMIT}"
    assert found.meaning == "this commit"


@pytest.mark.parametrize("ci", starting.JOBS)
def test_init_says_what_the_job_installs(
    cli: Command, home: Path, ci: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = {"url": "https://git.example/b", "vcs_info": {"commit_id": COMMIT}}
    monkeypatch.setattr("bias_audit.utils.install_source._direct_url", lambda: json.dumps(record))
    _, out, _ = cli("init", "--ci", ci)
    wanted = f"git+https://git.example/b@{COMMIT}"
    assert f"the job installs {wanted} (this commit)" in out
    text = (home / starting.JOBS[ci][1]).read_text(encoding="utf-8")
    assert wanted in text
    if ci == "github":
        assert YAML(typ="safe", pure=True).load(text)["env"]["BIAS_AUDIT"] == wanted


@pytest.mark.parametrize(
    ("code", "is_shown"), [(0, True), (1, True), (3, True), (2, False), (4, False)]
)
def test_the_step_shows_no_verdict_of_an_earlier_run(
    cli: Command, home: Path, code: int, is_shown: bool
) -> None:
    cli("init", "--ci", "github")
    job = YAML(typ="safe", pure=True).load((home / starting.JOBS["github"][1]).read_text("utf-8"))
    (script,) = [s["run"] for s in job["jobs"]["audit"]["steps"] if s.get("name") == "Audit"]
    (home / "bin").mkdir()
    fake = home / "bin" / "bias-audit"
    fake.write_text(f"#!/bin/sh\nexit {code}\n", encoding="utf-8")
    fake.chmod(0o755)
    (home / "bias-audit-run").mkdir()
    for name in ("results.json", "annotations.txt", "summary.md"):
        (home / "bias-audit-run" / name).write_text(f"verdict in {name}\n", encoding="utf-8")
    path = f"{home / 'bin'}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-e", "-c", script],
        env={"PATH": path, "GITHUB_STEP_SUMMARY": str(home / "step.md")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    assert ("verdict in annotations.txt" in done.stdout) is is_shown
    assert (home / "step.md").exists() is is_shown
