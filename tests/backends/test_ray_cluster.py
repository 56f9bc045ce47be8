"""A real Ray cluster of two CPUs on this machine: needs pip install 'bias-audit[ray]'."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from bias_audit.backends.ray.options import Engine
from bias_audit.finished import EVIDENCE, Audit
from bias_audit.metrics.scored_probe import Settings
from bias_audit.pipeline.run import audit
from bias_audit.results import results_text

pytest.importorskip("ray", reason="no Ray here: pip install 'bias-audit[ray]'")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

TWO = Engine(name="ray", workers=2)
PROBES = ["occupation-pronoun"]
LIMIT = 8


@pytest.fixture(scope="module")
def cluster():
    """A cluster of two CPUs that this process has joined; audits leave it as it is."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray

    before = signal.getsignal(signal.SIGTERM)
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()
    signal.signal(signal.SIGTERM, before)


def audited(folder: Path, **given) -> Audit:
    """The same small audit, at the same moment."""
    day = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    settings = Settings(resamples=99, divergence_resamples=99)
    given = {"cache": False, "batch_size": 16, "device": "cpu", "settings": settings} | given
    return audit(str(folder), probes=PROBES, limit=LIMIT, now=lambda: day, **given)


def written(done: Audit, folder: Path) -> dict[str, bytes]:
    """The bytes that a run leaves, but for the time it took."""
    run = done.results.run.model_copy(update={"duration_s": 0.0})
    done.save(folder)
    text = results_text(done.results.model_copy(update={"run": run}))
    return {"results": text.encode(), "evidence": (folder / EVIDENCE).read_bytes()}


def ours() -> list[int]:
    """Process ids of the workers that hold a model; Ray writes the method into their title."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if process.cmdline()[:1] and process.cmdline()[0].startswith("ray::Worker"):
                found.append(process.pid)
    return found


@pytest.fixture
def local(tiny, tmp_path):
    """What the local engine writes."""
    return written(audited(tiny("roberta")), tmp_path / "local")


@pytest.mark.usefixtures("cluster")
def test_results_are_the_bytes_of_the_local_engine(tiny, tmp_path, local):
    done = audited(tiny("roberta"), engine=TWO, cache=tmp_path / "cache")
    assert written(done, tmp_path / "ray") == local
    used = done.manifest["engine"]
    assert (used["name"], used["lost"]) == ("ray", 0)
    assert used["workers"] in (1, 2), "the second may come when all is done"
    assert done.cache.scored > 100
    again = audited(tiny("roberta"), cache=tmp_path / "cache")
    assert again.cache.scored == 0, "the local engine finds what the cluster scored"
    assert written(again, tmp_path / "again") == local


@pytest.mark.usefixtures("cluster")
def test_a_worker_killed_midway_costs_nothing_but_time(tiny, tmp_path):
    killed = []

    def kill_once(what: str, done: int, of: int) -> None:
        if not killed and done > of // 4:
            killed.extend(ours()[:1])
            os.kill(killed[0], signal.SIGKILL)

    done = audited(tiny("roberta"), engine=TWO, progress=kill_once, batch_size=4)
    assert done.manifest["engine"]["lost"] == 1
    expected = written(audited(tiny("roberta"), batch_size=4), tmp_path / "four")
    assert written(done, tmp_path / "ray") == expected
    end = time.monotonic() + 60
    while ours() and time.monotonic() < end:
        time.sleep(0.1)
    assert not ours(), "nothing runs on"


ALONE = """
import os, subprocess, sys
from bias_audit.backends import _ray
from bias_audit.backends.ray.options import Engine

cluster, _ = _ray.connect(Engine(name="ray", workers=1), "reference", {"device": "cpu"})
import ray

address = ray.get_runtime_context().gcs_address
stranger = {key: value for key, value in os.environ.items() if not key.startswith("RAY_AUTH")}
join = [sys.executable, "-c", f"import ray; ray.init(address={address!r}); print('IN')"]
for who in (os.environ, stranger | {"RAY_AUTH_MODE": "disabled"}):
    done = subprocess.run(join, env=who, capture_output=True, text=True)
    print("joined" if "IN" in done.stdout else "kept out")
cluster.close()
"""


def test_nobody_else_gets_into_a_cluster_of_its_own(tmp_path):
    clean = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
    done = subprocess.run(
        [sys.executable, "-c", ALONE],
        env=clean | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.stdout.split("\n")[:2] == ["joined", "kept out"], done.stderr
    assert not (tmp_path / ".ray").exists(), "no token is written down"


def test_the_command_line_starts_a_cluster_of_its_own_and_ends_it(tiny, tmp_path, local):
    (tmp_path / "bias-audit.yaml").write_text("version: 1\nanalysis: {resamples: 99}\n")
    command = [sys.executable, "-m", "bias_audit", "run", str(tiny("roberta")), "-p", *PROBES]
    command += ["--limit", str(LIMIT), "--batch-size", "16", "--device", "cpu", "--exit-zero"]
    command += ["--engine", "ray", "--engine-workers", "2", "-o", str(tmp_path / "run")]
    command += ["--no-cache", "--progress", "plain"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=500, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "left" in done.stderr, "progress with the time that is left"
    assert (tmp_path / "run" / EVIDENCE).read_bytes() == local["evidence"]
    manifest = json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))
    assert (manifest["engine"]["name"], manifest["engine"]["lost"]) == ("ray", 0)
    assert manifest["options"]["engine"] == "ray, 2 workers"
