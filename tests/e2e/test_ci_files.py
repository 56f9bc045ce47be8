"""``action.yml``, the GitLab template and the pre-commit hooks: read, checked, and run here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import rich_click as click
from ruamel.yaml import YAML

import bias_audit
from bias_audit.cli.app import app, run
from bias_audit.reports import file_names
from bias_audit.results import write_run
from tests.cli.shown_commands import wrong
from tests.gates.cases import result
from tests.gates.cases import run as results_of

ROOT = Path(__file__).parents[2]
CONFIG = "version: 1\ngates: [{id: size, probe: occupation-pronoun, max: 0.5}]\n"
FAKE = "version: 1\nmodel: {name: fake}\nprobes: [occupation-pronoun]\n" + CONFIG[11:]
EXPRESSION = re.compile(r"\$\{\{ (.+?) \}\}")


def read(name: str) -> list[Any]:
    return list(YAML(typ="safe", pure=True).load_all((ROOT / name).read_text(encoding="utf-8")))


(ACTION,) = read("action.yml")
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}
SCRIPTS = {name: step for name, step in STEPS.items() if "run" in step}


class Runner:
    """Runs the shell steps of the action as GitHub does, with what their expressions come to."""

    def __init__(self, home: Path, **inputs: str) -> None:
        self.home = home
        self.temp = home / "runner-temp"
        self.summary = home / "summary"
        given = {name: str(value.get("default", "")) for name, value in ACTION["inputs"].items()}
        assert set(inputs) <= {name.replace("-", "_") for name in given}
        self.values = {f"inputs.{name}": value for name, value in given.items()}
        self.values |= {f"inputs.{k.replace('_', '-')}": v for k, v in inputs.items()}
        self.values |= {
            "github.action_path": str(ROOT),
            "github.event_name": "pull_request",
            "github.event.pull_request.number": "7",
        }
        tools = self.temp / "bias-audit-venv" / "bin"
        tools.mkdir(parents=True)
        _script(tools / "python", f'exec "{sys.executable}" "$@"')
        _script(tools / "bias-audit", f'exec "{sys.executable}" -m bias_audit "$@"')
        (home / "fake-gh").mkdir()

    def value(self, expression: str) -> str:
        """What an expression comes to: the first of some names that is not empty."""
        names = expression.split(" || ")
        assert all(re.fullmatch(r"[\w.-]+", name) for name in names), expression
        return next((v for name in names if (v := self.values.get(name, ""))), "")

    def wanted(self, step: Mapping[str, Any]) -> bool:
        """Whether a step's condition holds."""
        condition = step.get("if", "always()").replace("always()", "True")
        names = sorted(set(re.findall(r"(?:inputs|steps|github)\.[\w.-]+", condition)))
        for name in reversed(names):
            condition = condition.replace(name, repr(self.values.get(name, "")))
        for sign, word in (("&&", " and "), ("||", " or ")):
            condition = condition.replace(sign, word)
        return bool(eval(" ".join(condition.split())))  # noqa: S307

    def step(self, name: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run one step; what it writes to ``GITHUB_OUTPUT`` is there for later ones."""
        step = STEPS[name]
        output = self.temp / "output"
        output.write_text("", encoding="utf-8")
        variables = {
            key: EXPRESSION.sub(lambda match: self.value(match[1]), str(value))
            for key, value in step.get("env", {}).items()
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
            env=_environment(self.home)
            | {"RUNNER_TEMP": str(self.temp), "GITHUB_OUTPUT": str(output)}
            | {"GITHUB_STEP_SUMMARY": str(self.summary), "GITHUB_REPOSITORY": "ana/model"}
            | {"GITHUB_WORKFLOW": "checks", "GITHUB_JOB": "audit"}
            | variables
            | more,
        )
        for line in output.read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition("=")
            self.values[f"steps.{step.get('id')}.outputs.{key}"] = value
        return done

    def all(self) -> dict[str, subprocess.CompletedProcess[str]]:
        """Run all shell steps whose conditions hold, up to the first that fails."""
        done: dict[str, subprocess.CompletedProcess[str]] = {}
        for name, step in SCRIPTS.items():
            failed = any(d.returncode for d in done.values())
            if name == "Install" or (failed and "always()" not in step.get("if", "")):
                continue
            if self.wanted(step):
                done[name] = self.step(name)
        return done

    def output(self, name: str) -> str:
        return self.values.get(f"steps.gate.outputs.{name}", "")


def _script(path: Path, text: str) -> None:
    path.write_text(f"#!/usr/bin/env bash\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


def _environment(home: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("BIAS_AUDIT", "HF_", "GIT"))}
    path = os.pathsep.join([str(home / "fake-gh"), os.environ["PATH"]])
    return kept | {"PYTHONPATH": str(ROOT), "PATH": path, "OMP_NUM_THREADS": "1"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "bias-audit.yaml").write_text(CONFIG, encoding="utf-8")
    return tmp_path


def store(folder: Path, estimate: float) -> None:
    name = "occupation-pronoun"
    one = result(estimate, id=f"{name}:log_odds_gap:a-vs-b", probe=name)
    write_run(folder, results_of(one), {}, {})


# What the action says


def test_no_expression_reaches_a_script_and_each_of_them_exists() -> None:
    for name, step in SCRIPTS.items():
        assert "${{" not in step["run"], f"{name}: pass it through env"
        assert step["shell"] == "bash"
    ids = {step["id"] for step in STEPS.values() if "id" in step}
    text = (ROOT / "action.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"inputs\.([\w-]+)", text)) == set(ACTION["inputs"])
    assert set(re.findall(r"steps\.([\w-]+)\.", text)) == ids
    written = set(re.findall(r'echo "([\w-]+)=.*GITHUB_OUTPUT', text)) | {"cache-hit"}
    assert set(re.findall(r"outputs\.([\w-]+)", text)) <= written
    used = [step["uses"] for step in STEPS.values() if "uses" in step]
    assert len(used) == 3
    for name in used:
        assert re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", name), "pinned to a commit"


def test_inputs_and_outputs_are_described_here_and_in_the_documentation() -> None:
    chapter = (ROOT / "docs" / "gating.md").read_text("utf-8").split("### Inputs and outputs")[1]
    rows = re.findall(r"^\| `([\w-]+)` \| (\w+) \|", chapter, re.MULTILINE)
    assert {name for name, kind in rows if kind == "input"} == set(ACTION["inputs"])
    assert {name for name, kind in rows if kind == "output"} == set(ACTION["outputs"])
    for entry in (*ACTION["inputs"].values(), *ACTION["outputs"].values()):
        assert len(entry["description"]) > 10


def options(name: str) -> set[str]:
    command = app.get_command(click.Context(app), name)
    assert command is not None
    return {option for p in command.params for option in p.opts}


@pytest.mark.parametrize(("step", "command"), [("Run", "run"), ("Gate", "gate")])
def test_every_option_that_a_step_uses_exists(step: str, command: str) -> None:
    script = SCRIPTS[step]["run"]
    lines = [line for line in script.splitlines() if "arguments" in line]
    used = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", "\n".join(lines)))
    assert len(used) >= 4
    assert used <= options(command)
    assert wrong(script) == []


def test_the_files_that_the_gate_step_writes_have_their_usual_names() -> None:
    written = dict(re.findall(r"--output=(\w+)=\$OUTPUT/([\w.]+)", SCRIPTS["Gate"]["run"]))
    assert written == {name: file_names()[name] for name in ("github", "md", "junit", "sarif")}
    for name in written.values():
        assert name in ACTION["outputs"]["folder"]["description"]
    install = SCRIPTS["Install"]["run"]
    assert '"$ACTION_FOLDER"' in install
    assert "bias-audit-venv" in install
    assert (ROOT / "constraints.txt").is_file()


# What the action does


@pytest.mark.slow
def test_a_run_is_scored_judged_and_summed_up(home: Path) -> None:
    (home / "bias-audit.yaml").write_text(FAKE, encoding="utf-8")
    runner = Runner(home, comment="false")
    done = runner.all()
    assert {name: d.returncode for name, d in done.items()} == {
        "Choose the cache": 0, "Run": 0, "Gate": 0, "Verdict": 3,
    }, done["Run"].stderr  # fmt: skip
    folder = home / "bias-audit-run"
    names = {"results.json", "evidence.csv.gz", "report.html", "run.json"}
    names |= {file_names()[name] for name in ("github", "md", "junit", "sarif")}
    assert {path.name for path in folder.iterdir()} == names
    assert runner.summary.read_text("utf-8") == (folder / "summary.md").read_text("utf-8")
    assert runner.output("exit-code") == "3", "the stand-in is no trained model"
    assert runner.output("verdict").startswith("0 associations")
    assert "::error file=bias-audit.yaml,line=" in done["Gate"].stdout
    assert done["Verdict"].stdout.strip() == runner.output("verdict")
    assert runner.values["steps.plan.outputs.key"] == ""


@pytest.mark.parametrize(
    ("estimate", "inputs", "code", "verdict"),
    [
        (2.0, {}, 1, "gates: 1 failed"),
        (2.0, {"exit_zero": "true"}, 0, "gates: 1 failed"),
        (0.5, {"strict": "true"}, 3, "gates: 1 unclear"),
    ],
)
def test_a_stored_run_is_judged_without_scoring(
    home: Path, estimate: float, inputs: dict[str, str], code: int, verdict: str
) -> None:
    store(home / "stored run", estimate)
    runner = Runner(home, run="stored run", comment="false", **inputs)
    done = runner.all()
    assert set(done) == {"Gate", "Verdict"}
    assert done["Gate"].returncode == 0, done["Gate"].stderr
    assert done["Verdict"].returncode == code
    assert runner.output("exit-code") == str(code)
    assert verdict in runner.output("verdict")
    assert runner.wanted(STEPS["Upload"])
    assert (home / "bias-audit-run" / "junit.xml").is_file()


RECORDER = """\
printf '%s\\0' "$@" >> "$RUNNER_TEMP/asked"
case "$1" in
  config) echo '{"model": {"name": "m", "revision": null}}' ;;
  gate) exit 2 ;;
esac
"""


OPTIONS = {"config": "--config=", "revision": "--revision=", "baselines": "--baselines="}


@pytest.mark.parametrize("has_run", [True, False])
@pytest.mark.parametrize(
    "value",
    ["$(touch pwned)", "`touch pwned`", "x'; touch pwned; '", '"; touch pwned; "', "--help"],
)
def test_a_hostile_input_stays_a_value(home: Path, value: str, has_run: bool) -> None:
    names = [*OPTIONS, "model", "output", "strict", "exit_zero", *(["run"] if has_run else [])]
    runner = Runner(home, comment="false", **dict.fromkeys(names, value))
    _script(runner.temp / "bias-audit-venv" / "bin" / "bias-audit", RECORDER)
    done = runner.all()
    assert [d.returncode for d in done.values()][-1] == 2
    assert list(home.rglob("pwned*")) == []
    words = (runner.temp / "asked").read_text(encoding="utf-8").split("\0")
    wanted = {"--config=", "--baselines="} if has_run else set(OPTIONS.values()) | {"--output="}
    assert {f"{option}{value}" for option in wanted} <= set(words)
    assert words[words.index(value) - 1] == "--", "what looks like an option is none"
    assert {word for word in words if word.startswith("--") and "=" not in word} <= (
        {"--", "--force", "--exit-zero", value}
    )


def test_wrong_use_ends_with_its_own_code_and_no_verdict(home: Path) -> None:
    store(home / "run", 0.0)
    (home / "bias-audit.yaml").write_text("version: 1\ngatez: []\n", encoding="utf-8")
    runner = Runner(home, run="run")
    done = runner.all()
    assert {name: d.returncode for name, d in done.items()} == {"Gate": 2}
    assert "did you mean 'gates'?" in done["Gate"].stderr
    assert runner.output("exit-code") == ""
    assert not runner.wanted(STEPS["Upload"])


SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("config", "inputs", "cached"),
    [
        ("{name: a/b}", {}, False),
        (f"{{name: a/b, revision: {SHA}}}", {}, True),
        ("{name: a/b, revision: main}", {}, False),
        (f"{{name: a/b, revision: {SHA}}}", {"model": "c/d"}, False),
        ("{name: a/b}", {"revision": SHA}, True),
        ("{name: reference}", {"revision": SHA, "model": "here"}, False),
    ],
)
def test_only_a_full_commit_is_cached(
    home: Path, config: str, inputs: dict[str, str], cached: bool
) -> None:
    (home / "here").mkdir()
    text = f"version: 1\nmodel: {config}\n" + CONFIG[11:]
    (home / "bias-audit.yaml").write_text(text, encoding="utf-8")
    runner = Runner(home, **inputs)
    done = runner.step("Choose the cache")
    assert done.returncode == 0, done.stderr
    key = runner.values["steps.plan.outputs.key"]
    assert bool(re.fullmatch("[0-9a-f]{64}", key)) == cached
    if cached:
        runner.values |= {"inputs.model": "another/one", "inputs.revision": SHA}
        assert runner.step("Choose the cache").returncode == 0
        assert runner.values["steps.plan.outputs.key"] not in ("", key)
        runner.values["steps.plan.outputs.key"] = key
    assert runner.wanted(STEPS["Cache the model by its revision"]) == cached
    assert runner.values["steps.plan.outputs.hub"] == str(runner.temp / "bias-audit-hub")


GH = """\
printf '%s\\n' "$@" > "$GH_LOG.$#"
for word in "$@"; do case "$word" in body=@*) cp "${word#body=@}" "$GH_LOG.body";; esac; done
case " $* " in *" --jq "*) printf '%s' "$GH_OLD"; exit "${GH_LIST:-0}";; esac
exit "${GH_SEND:-0}"
"""


@pytest.fixture(scope="module")
def commented(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    home = tmp_path_factory.mktemp("commented")
    (home / ".git").mkdir()
    (home / "bias-audit.yaml").write_text(CONFIG, encoding="utf-8")
    store(home / "run", 2.0)
    runner = Runner(home, run="run")
    _script(home / "fake-gh" / "gh", GH)
    assert runner.step("Gate").returncode == 0
    assert runner.wanted(STEPS["Comment"])
    return runner


def comment(runner: Runner, **more: str) -> tuple[subprocess.CompletedProcess[str], str]:
    """Run the step; return what it printed and the arguments of the last call of gh."""
    log = runner.temp / "gh"
    done = runner.step("Comment", GH_LOG=str(log), GH_OLD=more.pop("GH_OLD", ""), **more)
    return done, (log.parent / "gh.7").read_text(encoding="utf-8")


def test_the_first_comment_is_new_and_a_later_one_edits_it(commented: Runner) -> None:
    done, sent = comment(commented)
    assert (done.returncode, done.stdout) == (0, "")
    assert sent.split()[:4] == ["api", "--method", "POST", "repos/ana/model/issues/7/comments"]
    body = (commented.temp / "gh.body").read_text(encoding="utf-8")
    assert re.fullmatch(r"<!-- bias-audit [0-9a-f]{12} -->", body.splitlines()[0])
    summary = (commented.home / "bias-audit-run" / "summary.md").read_text(encoding="utf-8")
    assert body.partition("\n")[2] == summary
    query = (commented.temp / "gh.5").read_text(encoding="utf-8")
    assert body.splitlines()[0] in query, "only a comment with this mark is edited"
    _, sent = comment(commented, GH_OLD="11\n12")
    assert sent.split()[:4] == ["api", "--method", "PATCH", "repos/ana/model/issues/comments/12"]


@pytest.mark.parametrize("failing", [{"GH_SEND": "1"}, {"GH_SEND": "1", "GH_LIST": "1"}])
def test_a_token_without_the_right_is_a_notice(commented: Runner, failing: dict[str, str]) -> None:
    done, _ = comment(commented, **failing)
    assert done.returncode == 0
    assert done.stdout.startswith("::notice title=bias-audit::No comment")


@pytest.mark.parametrize(
    ("name", "value"), [("github.event_name", "push"), ("inputs.comment", "false")]
)
def test_there_is_no_comment_outside_a_pull_request(home: Path, name: str, value: str) -> None:
    runner = Runner(home)
    runner.values |= {"steps.gate.outputs.exit-code": "0", name: value}
    assert not runner.wanted(STEPS["Comment"])


# GitLab


def gitlab(**inputs: str) -> dict[str, Any]:
    head, _, body = (ROOT / "ci" / "gitlab.yml").read_text(encoding="utf-8").partition("\n---\n")
    spec = YAML(typ="safe", pure=True).load(head)["spec"]["inputs"]
    values = {name: entry["default"] for name, entry in spec.items()} | inputs
    used = re.compile(r"\$\[\[ inputs\.(\w+) \]\]")
    assert set(used.findall(body)) == set(values)
    text = used.sub(lambda match: str(values[match[1]]), body)
    return dict(YAML(typ="safe", pure=True).load(text))


@pytest.mark.slow
def test_the_gitlab_job_runs_and_its_reports_are_there(home: Path) -> None:
    (home / "bias-audit.yaml").write_text(FAKE, encoding="utf-8")
    (job,) = gitlab(strict="true").values()
    variables = {key: str(value) for key, value in job["variables"].items()}
    install, *script = job["script"]
    assert "$BIAS_AUDIT_PACKAGE" in install
    assert wrong("\n".join(script)) == []
    (home / "fake-gh").mkdir()
    _script(home / "fake-gh" / "bias-audit", f'exec "{sys.executable}" -m bias_audit "$@"')
    done = subprocess.run(
        ["bash", "-e", "-c", "\n".join(script)],
        cwd=home,
        env=_environment(home) | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3, "strict reached the program"
    for path in job["artifacts"]["reports"].values():
        assert (home / path).is_file()
    assert job["artifacts"]["when"] == "always"


def test_the_variables_of_the_gitlab_job_are_those_of_the_program() -> None:
    (job,) = gitlab().values()
    names = {name for name in job["variables"] if name.startswith("BIAS_AUDIT_RUN_")}
    known = {f"BIAS_AUDIT_RUN_{option[2:].replace('-', '_').upper()}" for option in options("run")}
    assert names <= known, "a strict run takes no model from a variable"
    assert len(names) == 2


# pre-commit


(HOOKS,) = read(".pre-commit-hooks.yaml")


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_a_hook_calls_a_command_that_exists(hook: dict[str, Any]) -> None:
    assert {"id", "name", "description", "entry", "language", "files"} <= set(hook)
    assert wrong(hook["entry"]) == []
    re.compile(hook["files"])


@pytest.mark.parametrize(
    ("path", "hooks"),
    [
        ("bias-audit.yaml", {"bias-audit-config", "bias-audit-waivers"}),
        ("deep/bias-audit.yaml", {"bias-audit-config", "bias-audit-waivers"}),
        ("bias-audit-waivers.yaml", {"bias-audit-waivers"}),
        ("probes/tea.yaml", {"bias-audit-probes"}),
        ("my/templates/lexicons/x.yaml", {"bias-audit-probes"}),
        ("src/config.yaml", set()),
        ("not-bias-audit.yaml", set()),
    ],
)
def test_a_hook_sees_its_files(path: str, hooks: set[str]) -> None:
    assert {hook["id"] for hook in HOOKS if re.search(hook["files"], path)} == hooks


def call(name: str, *files: str) -> int:
    (hook,) = [hook for hook in HOOKS if hook["id"] == name]
    return run([*hook["entry"].split()[1:], *(files if hook.get("pass_filenames", True) else ())])


def test_the_hooks_let_good_files_pass_and_stop_bad_ones(
    home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(home)
    (home / "bias-audit-waivers.yaml").write_text("version: 1\nwaivers: []\n", encoding="utf-8")
    probe = str(ROOT / "probes" / "occupation-gender.yaml")
    assert call("bias-audit-probes", probe) == 0
    assert call("bias-audit-config", "bias-audit.yaml") == 0
    assert call("bias-audit-waivers") == 0
    (home / "bias-audit-waivers.yaml").write_text("version: 1\nwaiver: []\n", encoding="utf-8")
    (home / "bias-audit.yaml").write_text(CONFIG.replace("max", "maxi"), encoding="utf-8")
    (home / "tea.yaml").write_text("kind: probe\nid: tea\n", encoding="utf-8")
    assert call("bias-audit-config", "bias-audit.yaml") == 2
    assert "bias-audit.yaml:2:" in capfd.readouterr().err
    assert call("bias-audit-probes", "tea.yaml") == 2
    (home / "bias-audit.yaml").write_text(CONFIG, encoding="utf-8")
    assert call("bias-audit-waivers") == 2
    assert "did you mean 'waivers'?" in capfd.readouterr().err


(RELEASE,) = read(".github/workflows/release.yml")


def test_a_release_is_tried_at_both_ends_before_it_is_published() -> None:
    build, publish = RELEASE["jobs"]["build"], RELEASE["jobs"]["publish"]
    assert RELEASE["on"]["push"] == {"tags": ["v*"]}
    assert publish["needs"] == "build"
    assert publish["if"] == "github.ref_type == 'tag' && vars.PUBLISH == 'true'"
    (trial,) = [step for step in build["steps"] if "fresh_installs" in step.get("run", "")]
    assert (ROOT / trial["run"].removeprefix("bash ")).is_file()
    uploaded = build["steps"][-1]["with"]
    assert uploaded["path"] == trial["env"]["WORK"] + "/dist"
    assert publish["steps"][0]["with"]["name"] == uploaded["name"]


def test_only_the_publisher_has_a_right_and_every_action_is_pinned_by_commit() -> None:
    assert RELEASE["permissions"] == {"contents": "read"}
    build, publish = RELEASE["jobs"]["build"], RELEASE["jobs"]["publish"]
    assert "permissions" not in build
    assert publish["permissions"] == {"id-token": "write"}
    assert publish["environment"] == "pypi"
    assert not [step for step in publish["steps"] if "run" in step]
    assert "secrets." not in (ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8")
    used = [step["uses"] for job in (build, publish) for step in job["steps"] if "uses" in step]
    assert len(used) == 5
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", one) for one in used)


@pytest.mark.parametrize(("tag", "code"), [("right", 0), ("v9.9.9", 1), ("v0", 1)])
def test_a_tag_that_is_not_the_version_ends_the_release(tag: str, code: int) -> None:
    (check,) = [s for s in RELEASE["jobs"]["build"]["steps"] if "TAG" in s.get("env", {})]
    tag = f"v{bias_audit.__version__}" if tag == "right" else tag
    environment = {**os.environ, "TAG": tag}
    done = subprocess.run(["bash", "-c", check["run"]], check=False, cwd=ROOT, env=environment)
    assert done.returncode == code


def test_the_scripts_of_a_release_are_well_formed() -> None:
    subprocess.run(["bash", "-n", str(ROOT / "ci" / "fresh_installs.sh")], check=True)
