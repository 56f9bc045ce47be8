"""Help and completion: options in groups, names that a shell completes, colours on request."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bias_audit.cli import run as run_command
from bias_audit.cli.app import app
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.reports import file_names, formats, glossary
from tests.cli.conftest import Command
from tests.test_package import HEAVY, loaded_after

ROOT = Path(__file__).parents[2]


def test_every_option_of_run_is_in_one_group() -> None:
    declared = {
        max(option.opts, key=len)
        for option in run_command.run.params
        if option.param_type_name == "option"
    }
    grouped = [name for names in run_command.GROUPS.values() for name in names]
    assert sorted(grouped) == sorted({*declared, "--help"})


def test_the_common_options_come_first(cli: Command) -> None:
    _, out, _ = cli("run", "--help")
    places = [out.index(f" {name} ") for name in run_command.GROUPS]
    assert places == sorted(places)
    assert out.index("--probe ") < out.index("--seed")


def completions(*words: str) -> list[str]:
    from click.shell_completion import ShellComplete

    shell = ShellComplete(app, {}, "bias-audit", "_BIAS_AUDIT_COMPLETE")
    *before, last = words
    return [item.value for item in shell.get_completions(list(before), last)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["run", "-p", "occupation-gen"], ["occupation-gender", "occupation-gender-de"]),
        (["run", "--exclude", "cor"], ["core"]),
        (["run", "--measure", "lp"], ["lpbs"]),
        (["run", "--check", "surf"], ["surface"]),
        (["run", "--device", "c"], ["cpu", "cuda"]),
        (["run", "--format", "csv,jun"], ["csv,junit"]),
        (["report", "x", "--format", "car"], ["card"]),
        (["gate", "--format", "sar"], ["sarif"]),
        (["explain", "uncl"], ["unclear"]),
        (["probes", "describe", "occupation-pro"], ["occupation-pronoun"]),
        (["datasets", "describe", "crows-pairs-"], ["crows-pairs-revised"]),
        (["baseli"], ["baseline"]),
        (["nonsense", "-p", "x"], []),
    ],
)
def test_a_shell_completes_names(words: list[str], expected: list[str]) -> None:
    assert completions(*words) == expected


def test_everything_with_a_name_is_completed() -> None:
    assert set(ProbeCatalogue().probe_ids()) < set(completions("run", "-p", ""))
    assert completions("report", "x", "--format", "") == list(formats())
    assert completions("run", "--format", "") == list(file_names())
    known = set(completions("explain", ""))
    assert {page.id for page in glossary.pages() if " " not in page.id} <= known


def test_a_script_for_the_shell_is_printed_without_heavy_packages() -> None:
    code = (
        "import contextlib, io, os\n"
        "os.environ['_BIAS_AUDIT_COMPLETE'] = 'bash_source'\n"
        "from bias_audit.cli.app import run\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    run([])"
    )
    assert not HEAVY & loaded_after(code)


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [({"FORCE_COLOR": "1"}, True), ({"NO_COLOR": "1"}, False), ({}, False)],
)
@pytest.mark.parametrize(
    "command",
    [
        ["fill", "A [group] is <mask>.", "--groups", "a,b", "--model", "fake"],
        ["show", str(ROOT / "tests" / "golden" / "audit")],
    ],
)
def test_colours_on_request(
    tmp_path: Path, command: list[str], variables: dict[str, str], coloured: bool
) -> None:
    rest = {k: v for k, v in os.environ.items() if k not in ("FORCE_COLOR", "NO_COLOR")}
    done = subprocess.run(
        [sys.executable, "-m", "bias_audit", *command],
        env=rest | variables | {"TERM": "xterm-256color"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ("\x1b[" in done.stdout) == coloured
