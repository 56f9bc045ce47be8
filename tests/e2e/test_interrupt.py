"""Ctrl-C in the middle of a run, in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest


@pytest.mark.slow
def test_ctrl_c_exits_with_130_and_leaves_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bias_audit", "run", "reference", "-p", "occupation-gender"]
    process = subprocess.Popen(
        [*command, "--progress", "plain", "-o", "out"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # A job in the background of a shell inherits an ignored SIGINT, and Python leaves it so.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    assert process.stderr is not None
    line = process.stderr.readline()
    assert line.startswith("scoring"), line
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert "Interrupted: no report was written" in err
    assert out == ""
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists()
