"""A metric is one file: everything that lists, runs, explains and documents metrics reads it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bias_audit import reports
from bias_audit.results import load_results

TOY = '''
"""A toy."""
import numpy as np

from bias_audit.metrics.base import Metric, MetricInfo, MetricOutput, needs_poles, probe_result

INFO = MetricInfo(
    id="toy_range", name="range of the scores", unit="nats", direction="larger: further apart"
)

def measure(scored, settings):
    groups = [group.id for group in scored.probe.groups]
    return MetricOutput(results=(probe_result(scored, INFO, groups, np.ptp(scored.cube.values)),))

METRICS = (
    Metric(
        info=INFO,
        measure=measure,
        unsupported=needs_poles,
        default=False,
        question="how far apart are the scores at most?",
    ),
)
'''
PROGRAM = """
import sys
import bias_audit.metrics
bias_audit.metrics.__path__.append(sys.argv[1])
from bias_audit.cli import app
from bias_audit.metrics.registry import INFOS
codes = [
    app.run(["explain", "toy_range"]),
    app.run(["probes", "describe", "small", "--probe-path", "small.yaml"]),
    app.run("run fake -p small --probe-path small.yaml --measure toy_* -q -o out".split()),
    "toy_range" in INFOS,
]
print(codes)
"""
PROBE = """
kind: probe
id: small
title: A small probe
axis: test
templates: ["The [group] had met the <mask>.", "In May the [group] saw the <mask>."]
groups: {she: [woman, girl], he: [man, boy]}
targets: {plus: [nurse, teacher], minus: [engineer, pilot]}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("toy")
    (path / "plug").mkdir()
    (path / "plug" / "toy.py").write_text(TOY, encoding="utf-8")
    (path / "small.yaml").write_text(PROBE, encoding="utf-8")
    return path


def test_a_file_more_is_a_metric_more_everywhere(folder: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(folder / "plug")]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[0, 0, 0, True]", done.stdout + done.stderr
    explained, described = done.stdout.split("Source: This tool.", 1)
    assert "range of the scores (nats)" in explained
    assert "toy_range" in described
    results = json.loads((folder / "out" / "results.json").read_text(encoding="utf-8"))
    (result,) = [r for r in results["results"] if r["metric"] == "toy_range"]
    assert result["estimate"] > 0
    assert "toy_range" in {metric["id"] for metric in results["metrics"]}
    assert "toy_range" in reports.render(load_results(folder / "out"), "csv")
