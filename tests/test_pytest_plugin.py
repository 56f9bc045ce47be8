"""The pytest plugin: one test for each gate, and nothing at all without its option."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from bias_audit.cli.app import run as command
from bias_audit.results import ErrorRecord, write_run
from bias_audit.utils import clock
from tests.analysis.world import controlled, plant
from tests.analysis.world import run as audited
from tests.gates.cases import TODAY, result, run

import_module("bias_audit.pipeline.run")  # else each inner session imports it again
pytest_plugins = "pytester"

CONFIG = """\
version: 1
gates:
  - {id: first, probe: occupation-gender, max: 0.5}
  - {id: second, probe: occupation-pronoun, max: 0.5}
"""
WAIVED = """\
version: 1
waivers:
  - finding: "first:*"
    model: any
    up_to: 9.0
    reason: fixed in the next release
    owner: ana
    created: 2026-01-01
    expires: 2026-05-01
"""
OURS = """\
def test_size(bias_audit_results):
    assert not [f for f in bias_audit_results.findings if f.size == "very strong"]

def test_evidence(bias_audit):
    assert len(bias_audit.to_frame("gates")) == 2
"""


def outcome(name: str, estimate: float, half: float = 0.1, **more: object) -> object:
    return result(estimate, half, id=f"{name}:log_odds_gap:a-vs-b", probe=name, **more)


def store(folder: Path, first: float, second: float, half: float = 0.1, **more: object) -> None:
    """A stored run with two results; a 95 % interval is the estimate plus and minus ``half``."""
    pair = (
        outcome("occupation-gender", first, half),
        outcome("occupation-pronoun", second, half),
    )
    write_run(folder, run(*pair, **more), {}, {})  # type: ignore[arg-type]


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    (pytester.path / ".git").mkdir()
    (pytester.path / "bias-audit.yaml").write_text(CONFIG, encoding="utf-8")
    return pytester


def judge(project: pytest.Pytester, *more: str) -> pytest.RunResult:
    return project.runpytest("--bias-audit", "bias-audit.yaml", "--bias-audit-run", "run", *more)


@pytest.mark.parametrize(
    ("first", "second", "half", "wanted"),
    [
        (2.0, 0.0, 0.1, {"passed": 2, "failed": 1}),
        (0.5, 2.0, 0.3, {"passed": 1, "failed": 1, "skipped": 1}),
    ],
)
def test_each_gate_is_a_test(
    project: pytest.Pytester, first: float, second: float, half: float, wanted: dict[str, int]
) -> None:
    store(project.path / "run", first, second, half)
    judge(project, "--junitxml=report.xml").assert_outcomes(**wanted)
    text = (project.path / "report.xml").read_text(encoding="utf-8")
    assert f'failures="{wanted["failed"]}"' in text
    assert 'name="first"' in text


def test_a_failure_names_gate_number_limit_and_reason(project: pytest.Pytester) -> None:
    store(project.path / "run", 2.0, 0.0)
    done = judge(project)
    done.stdout.fnmatch_lines(
        [
            "*bias audit: first*",
            "gate 'first': 1 of 1 comparisons are not met",
            "  fail  occupation-gender:log_odds_gap:a-vs-b",
            "      measured 7.4 × (90 % interval 6.80 – 8.03)",
            "      the gap between A and B is at most 1.65 times, in either direction",
            "      the gap is shown to lie beyond the limit",
            "FAILED bias-audit.yaml::first*",
        ]
    )
    assert "Traceback" not in done.stdout.str()
    assert "pytest_plugin.py" not in done.stdout.str()


def test_an_unclear_gate_is_never_a_passed_test(project: pytest.Pytester) -> None:
    store(project.path / "run", 0.5, 0.0)
    done = judge(project, "-rs")
    done.stdout.fnmatch_lines(["SKIPPED*gate 'first': 1 of 1 comparisons unclear: the interval*"])
    strict = judge(project, "--bias-audit-strict")
    strict.assert_outcomes(passed=1, failed=2)
    strict.stdout.fnmatch_lines(["*There is no evidence.csv.gz*", "FAILED*[[]complete[]]*"])
    config = project.path / "bias-audit.yaml"
    config.write_text(CONFIG.replace("0.5", "0.5, when_unclear: fail"), encoding="utf-8")
    judge(project).assert_outcomes(passed=2, failed=1)


def test_a_waived_gate_is_an_expected_failure(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "today", lambda: TODAY)
    (project.path / "bias-audit-waivers.yaml").write_text(WAIVED, encoding="utf-8")
    store(project.path / "run", 2.0, 0.0)
    done = judge(project, "-rx")
    done.assert_outcomes(passed=2, xfailed=1)
    done.stdout.fnmatch_lines(
        ["XFAIL*gate 'first': 1 of 1 comparisons waived: waived until 2026-05-01*"]
    )


def test_a_probe_that_crashed_is_red_without_a_gate_on_it(project: pytest.Pytester) -> None:
    errors = (ErrorRecord(probe="valence-religion", type="ScoringError", message="out of memory"),)
    store(project.path / "run", 0.0, 0.0, errors=errors)
    done = judge(project)
    done.assert_outcomes(passed=2, failed=1)
    done.stdout.fnmatch_lines(["*valence-religion: out of memory", "FAILED*[[]complete[]]*"])


def test_a_run_of_less_or_of_another_model_is_never_complete(project: pytest.Pytester) -> None:
    store(project.path / "run", 0.0, 0.0)
    config = project.path / "bias-audit.yaml"
    asks = "version: 1\nprobes: [occupation-gender, occupation-pronoun, valence-religion]\n"
    config.write_text(asks + CONFIG[11:], encoding="utf-8")
    done = judge(project)
    done.assert_outcomes(passed=2, failed=1)
    done.stdout.fnmatch_lines(["*valence-religion: the configuration asks for this probe*"])
    config.write_text("version: 1\nmodel: {name: another}\n" + CONFIG[11:], encoding="utf-8")
    done = judge(project)
    done.assert_outcomes(failed=3)
    done.stdout.fnmatch_lines(["*names the model 'another', and this run is of 'm'*"])


def test_tests_of_your_own_see_the_audit_as_it_was_judged(project: pytest.Pytester) -> None:
    store(project.path / "run", 0.0, 0.0)
    project.makepyfile(OURS)
    judge(project).assert_outcomes(passed=5)


def test_without_the_option_your_tests_are_skipped_and_nothing_is_collected(
    project: pytest.Pytester,
) -> None:
    project.makepyfile(OURS)
    done = project.runpytest("-rs")
    done.assert_outcomes(skipped=2)
    done.stdout.fnmatch_lines(["*needs --bias-audit FILE*"])


def test_gates_are_chosen_as_tests_are(project: pytest.Pytester) -> None:
    store(project.path / "run", 2.0, 0.0)
    project.mkdir("tests")
    project.makepyfile(**{"tests/test_ours": "def test_ours(): pass"})
    judge(project, "-k", "second").assert_outcomes(passed=1, deselected=3)
    judge(project, "tests").assert_outcomes(passed=3, failed=1)
    judge(project, "bias-audit.yaml::second").assert_outcomes(passed=1)
    listed = judge(project, "--collect-only", "-q", "tests").stdout.str()
    assert "bias-audit.yaml::first" in listed
    assert listed.count("first") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--bias-audit", "none.yaml"], "none.yaml"),
        (["--bias-audit", "empty.yaml"], "has no gates, so nothing is tested"),
        (["--bias-audit", "broken.yaml"], "did you mean 'gates'?"),
        (["--bias-audit-run", "run"], "--bias-audit-run needs --bias-audit FILE"),
    ],
)
def test_wrong_use_is_one_message(
    project: pytest.Pytester, arguments: list[str], said: str
) -> None:
    (project.path / "empty.yaml").write_text("version: 1\n", encoding="utf-8")
    (project.path / "broken.yaml").write_text("version: 1\ngatez: []\n", encoding="utf-8")
    done = project.runpytest(*arguments)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert said in done.stderr.str()
    assert "Traceback" not in done.stderr.str()


def test_a_run_that_is_not_there_fails_every_test_in_words(project: pytest.Pytester) -> None:
    project.makepyfile(OURS)
    done = judge(project)
    done.assert_outcomes(failed=3, errors=2)
    assert "no audit at" in done.stdout.str()
    assert "Traceback" not in done.stdout.str()


def test_without_a_run_it_audits_once(project: pytest.Pytester) -> None:
    text = "version: 1\nmodel: {name: fake}\nprobes: [occupation-pronoun]\n" + CONFIG[11:]
    text = text.replace("occupation-gender", "occupation-pronoun")
    (project.path / "bias-audit.yaml").write_text(text, encoding="utf-8")
    project.makepyfile(
        """
        def test_command(bias_audit_results, bias_audit):
            assert bias_audit_results.run.command.startswith("pytest --bias-audit")
            assert len(bias_audit.evidence(full=True)) > 100
        """
    )
    done = project.runpytest("--bias-audit", "bias-audit.yaml", "-rs")
    done.assert_outcomes(passed=2, failed=2)  # the stand-in is no trained model
    assert not (project.path / "audit-runs").exists()


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two stored runs with a gap of 0 and 2; made before pytester remembers what is imported."""
    folder = tmp_path_factory.mktemp("runs")
    for name, gap in (("before", 0.0), ("run", 2.0)):
        audited(controlled(), plant(gap)).save(folder / name)
    return folder


def test_a_rise_over_a_baseline_fails(runs: Path, project: pytest.Pytester) -> None:
    text = (
        "version: 1\ngates:\n  - {id: r, probe: trial, against: 'baseline:main', max_rise: 0.3}\n"
    )
    (project.path / "bias-audit.yaml").write_text(text, encoding="utf-8")
    accept = ["baseline", "accept", str(runs / "before"), "--name", "main"]
    assert command([*accept, "--reason", "first"]) == 0
    run = str(runs / "run")
    done = project.runpytest("--bias-audit", "bias-audit.yaml", "--bias-audit-run", run)
    done.assert_outcomes(passed=1, failed=1)
    done.stdout.fnmatch_lines(
        ["*the gap has grown by a factor of 7.4, at most 1.35 times accepted*"]
    )


def test_nothing_heavy_is_imported_without_the_option(tmp_path: Path) -> None:
    (tmp_path / "test_none.py").write_text(
        "import sys, json\n"
        "def test_none():\n"
        "    print('LOADED', json.dumps([m for m in sys.modules if m.startswith('bias_audit')]))\n",
        encoding="utf-8",
    )
    asked = [sys.executable, "-m", "pytest", "-s", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*asked, str(tmp_path)], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    (line,) = [x for x in done.stdout.splitlines() if "LOADED" in x]
    loaded = set(json.loads(line.split("LOADED ")[1]))
    light = {"", ".errors", ".pytest_plugin", ".utils", ".utils.versions"}
    assert loaded <= {f"bias_audit{name}" for name in light}
    assert "bias_audit.pytest_plugin" in loaded, "the entry point is installed"
