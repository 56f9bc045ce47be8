"""What happens to standard output and standard error decides neither a file nor an exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.analysis.world import controlled, plant, run
from tests.cli.conftest import PROBE

LEAVING = "(sleep 0.3; {0} 2>&1) | true; exit ${{PIPESTATUS[0]}}"
"""The reader has left before anything is printed."""
FIRST_LINE = "{0} 2>&1 | head -1; exit ${{PIPESTATUS[0]}}"
NO_ERRORS = "(sleep 0.3; {0}) 2> >(true)"
full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device here")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with a probe, a configuration and runs that pass it and fail it."""
    home = tmp_path_factory.mktemp("runs")
    for name, gap in (("none", 0.0), ("large", 2.0)):
        run(controlled(), plant(gap)).save(home / name)
    results = json.loads((home / "none" / "results.json").read_text(encoding="utf-8"))
    results["model"]["notices"] = ["revision not pinned; resolved to 1234567"]
    (home / "unpinned.json").write_text(json.dumps(results), encoding="utf-8")
    gate = "version: 1\ngates:\n  - {id: size, probe: trial, max: 0.5}\n"
    (home / "gate.yaml").write_text(gate, encoding="utf-8")
    (home / "small.yaml").write_text(PROBE, encoding="utf-8")
    return home


def shell(home: Path, line: str, command: str) -> tuple[int, str]:
    """Run a line of shell with the command in its own process; the exit code and the errors."""
    line = line.format(f"{sys.executable} -m bias_audit {command}")
    done = subprocess.run(
        ["bash", "-c", line], cwd=home, capture_output=True, text=True, check=False
    )
    assert not list(home.glob("bias-audit-crash-*"))
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    "line",
    [
        LEAVING,
        FIRST_LINE,
        NO_ERRORS,
        "{0} 2>&-",
        "{0} >&-",
        "{0} >&- 2>&- <&-",
        pytest.param("{0} 2> /dev/full", marks=full),
        pytest.param("{0} > /dev/full", marks=full),
    ],
)
def test_a_verdict_survives(runs: Path, line: str) -> None:
    """A strict run of a model that is not pinned ends with 3, a summary and a message."""
    assert shell(runs, line, "gate unpinned.json -c gate.yaml --strict")[0] == 3


def test_nobody_reads_is_no_failure(runs: Path) -> None:
    assert shell(runs, LEAVING, "gate large -c gate.yaml -q") == (1, "")
    for line in (LEAVING, "{0} >&-"):
        assert shell(runs, line, "gate none -c gate.yaml -q") == (0, "")


@full
def test_a_full_disk_is_no_bug_of_ours_and_no_pass(runs: Path) -> None:
    for options in ("", "-q", "--format csv -o /dev/full"):
        code, err = shell(runs, "{0} > /dev/full", f"gate none -c gate.yaml {options}")
        assert code == 2
        assert "cannot write" in err
    assert Path("/dev/full").is_char_device()


@pytest.mark.parametrize("line", [LEAVING, NO_ERRORS, "{0} >&- 2>&-"])
def test_a_run_is_written_whole_and_judged(runs: Path, tmp_path: Path, line: str) -> None:
    """The gate is on a probe whose control is missing: unclear, which ends a strict run with 3."""
    text = "version: 1\nprobes: [{file: small.yaml}]\ngates: [{id: size, probe: small, max: 0.5}]"
    (runs / "bias-audit.yaml").write_text(text, encoding="utf-8")
    code, _ = shell(runs, line, f"run fake --strict --progress plain -o {tmp_path / 'out'}")
    assert code == 3
    assert {"results.json", "evidence.csv.gz"} <= {p.name for p in (tmp_path / "out").iterdir()}
