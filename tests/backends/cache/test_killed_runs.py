"""The program itself, killed and started again, and twice at once: every file as if nothing was."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bias_audit.backends.cache.store import VARIABLE, ScoreStore
from bias_audit.results import EVIDENCE_FILE

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 here"),
]
KILLS = 10
CLOCK = ("created", "duration_s", "command")


def start(base: Path, name: str, *flags: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "bias_audit", "run", "reference", "-p", "occupation-gender"]
    command += ["--limit", "60", "-q", "--exit-zero", "--batch-size", "8", "-o", str(base / name)]
    place = {VARIABLE: str(base / "cache"), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([*command, *flags], env=os.environ | place, stdout=subprocess.DEVNULL)


def done(base: Path, name: str, run: subprocess.Popen[bytes]) -> tuple[str, bytes, dict[str, int]]:
    """What a run wrote: results without the clock, evidence, and what its store did."""
    assert run.wait(timeout=900) == 0
    results = json.loads((base / name / "results.json").read_text("utf-8"))
    results["run"] = {k: v for k, v in results["run"].items() if k not in CLOCK}
    told = json.loads((base / name / "run.json").read_text("utf-8")).get("cache", {})
    return json.dumps(results), (base / name / EVIDENCE_FILE).read_bytes(), told


def kept(base: Path) -> int:
    """How many answers the store holds: scores, and what opening and checking the model told."""
    store = ScoreStore(base / "cache")
    found = sum(model.scores for model in store.models() if not model.text)
    store.close()
    return found


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, bytes, float]:
    """The same run without a store, and how long it took."""
    base = tmp_path_factory.mktemp("plain")
    begun = time.monotonic()
    results, evidence, told = done(base, "plain", start(base, "plain", "--no-cache"))
    assert not told
    return results, evidence, time.monotonic() - begun


def test_killed_at_ten_random_moments(plain: tuple[str, bytes, float], tmp_path: Path) -> None:
    results, evidence, seconds = plain
    rng = random.Random(11)  # noqa: S311
    counts = [0]
    for number in range(KILLS):
        run = start(tmp_path, f"killed-{number}")
        time.sleep(rng.uniform(0.2, 1.0) * seconds)
        run.kill()
        run.wait()
        counts.append(kept(tmp_path))
    assert counts == sorted(counts), "nothing that was kept is lost by a kill"
    assert counts[-1], "no run came as far as a score"
    found, rows, told = done(tmp_path, "last", start(tmp_path, "last"))
    assert (found, rows) == (results, evidence)
    beside = kept(tmp_path) - told["found"] - told["scored"]
    assert beside < 100, "a few answers of the sanity check"
    assert told["found"] >= counts[-1] - beside, "nothing that was kept is scored again"


def test_two_runs_at_once_on_one_store(plain: tuple[str, bytes, float], tmp_path: Path) -> None:
    results, evidence, _ = plain
    runs = {name: start(tmp_path, name) for name in ("one", "two")}
    for name, run in runs.items():
        assert done(tmp_path, name, run)[:2] == (results, evidence)
    found, rows, told = done(tmp_path, "third", start(tmp_path, "third"))
    assert (found, rows) == (results, evidence)
    assert told["scored"] == 0
