"""``docs/gating.md`` and ``examples/``: what the page shows is what the program does."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
from ruamel.yaml import YAML

from bias_audit import config
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.results import State
from tests.cli.shown_commands import wrong
from tests.docs.test_docs import block
from tests.e2e.test_ci_files import ACTION, HOOKS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "gating.md"
TEXT = PAGE.read_text(encoding="utf-8")
EXAMPLE = ROOT / "examples" / config.NAME


def load(marker: str) -> Any:
    return YAML(typ="safe", pure=True).load(block(PAGE, marker))


def test_every_command_of_the_example_exists() -> None:
    assert wrong((ROOT / "examples" / "gating.sh").read_text(encoding="utf-8")) == []


def test_a_command_that_does_not_exist_would_be_noticed() -> None:
    assert wrong("`bias-audit baseline forget x`") == ["no command forget: baseline forget x"]
    assert wrong("bias-audit run --gates x") == ["no option --gates: run --gates x"]
    assert wrong("bias-audit is a program") == []


def test_all_states_are_explained() -> None:
    chapter = TEXT.split("## The six states")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", chapter, re.MULTILINE)) == set(get_args(State))


def test_the_configurations_are_valid(tmp_path: Path) -> None:
    example = block(PAGE, "example")
    shown = EXAMPLE.read_text(encoding="utf-8")
    assert shown.endswith(example), "the page shows examples/bias-audit.yaml"
    for text in (example, "version: 1\nprobes: [occupation-gender]\n" + block(PAGE, "gates")):
        path = tmp_path / config.NAME
        path.write_text(text, encoding="utf-8")
        config.check_names(config.read(path).config, path, ProbeCatalogue())


def test_the_workflow_uses_inputs_and_outputs_of_the_action() -> None:
    (job,) = load("workflow")["jobs"].values()
    (step,) = [s for s in job["steps"] if s["uses"].startswith("OWNER/bias-audit@")]
    assert set(step["with"]) <= set(ACTION["inputs"])
    used = set(re.findall(r"outputs\.([\w-]+)", block(PAGE, "workflow")))
    assert used <= set(ACTION["outputs"])


def test_the_hooks_on_the_page_exist() -> None:
    (repo,) = load("pre-commit")["repos"]
    assert {hook["id"] for hook in repo["hooks"]} == {hook["id"] for hook in HOOKS}


@pytest.mark.slow
def test_the_test_on_the_page_runs(tmp_path: Path) -> None:
    (tmp_path / "test_ours.py").write_text(block(PAGE, "test"), encoding="utf-8")
    (tmp_path / config.NAME).write_text("version: 1\ngates: [{id: g, probe: '*', max: 1}]\n")
    asked = ["--bias-audit", config.NAME, "--bias-audit-run", str(ROOT / "reports" / "sample")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *asked, "-k", "religion"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed" in done.stdout, done.stdout


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("story")
    done = subprocess.run(
        ["bash", str(ROOT / "examples" / "gating.sh"), str(folder)],
        env=os.environ | {"PYTHON": sys.executable, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder


def gates(folder: Path) -> dict[str, dict[str, Any]]:
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    return {gate["gate"]: gate for gate in results["gates"]}


@pytest.mark.slow
def test_the_story_of_the_page(story: Path) -> None:
    before = gates(story / "before")
    assert before["size"]["state"] == "pass"
    assert before["no-rise"]["reason_code"] == "no_baseline"

    planted = gates(story / "planted")
    assert {gate["state"] for gate in planted.values()} == {"fail"}
    assert planted["no-rise"]["rise_low"] > 0.3
    results = json.loads((story / "planted" / "results.json").read_text(encoding="utf-8"))
    (finding,) = results["findings"]
    assert (finding["probe"], finding["size"]) == ("occupation-gender", "very strong")
    said = "women, more than men, with jobs held mostly by women"
    assert said in finding["headline"]
    assert not any(code == "instrument_failed" for p in results["probes"] for code in p["statuses"])

    undone = gates(story / "undone")
    assert {gate["state"] for gate in undone.values()} == {"pass"}
    assert undone["no-rise"]["reason_code"] == "identical_outputs"

    unrelated = gates(story / "unrelated")
    assert {gate["state"] for gate in unrelated.values()} <= {"pass", "unclear"}
    assert unrelated["no-rise"]["reason_code"] in {"inside_rise", "crosses_rise", "fragile"}
    assert abs(unrelated["no-rise"]["rise"]) < 0.15


@pytest.mark.slow
def test_planting_is_deterministic(story: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "examples" / "plant.py"), "--steps", "4"]
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        subprocess.run([*command, str(folder)], check=True, capture_output=True, env=environment)
    first, second = ((f / "model.safetensors").read_bytes() for f in folders)
    assert first == second
    bundled = ROOT / "bias_audit" / "models" / "reference" / "model.safetensors"
    assert (story / "model" / "model.safetensors").read_bytes() == bundled.read_bytes()
    assert first != bundled.read_bytes()
