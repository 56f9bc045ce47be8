"""Runs that are killed at any moment go on where they were, with the same result."""

from __future__ import annotations

import datetime
import pickle
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from bias_audit.storing import keeping

from bias_audit.backends import FakeBackend
from bias_audit.backends.base import WINDOW
from bias_audit.backends.cache import keeping
from bias_audit.finished import Audit
from bias_audit.pipeline.run import audit
from bias_audit.planning import make_plan
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.results import results_text
from tests.storing.slow import BATCH, Slow, SlowReader

KILLS = 10
needs_kill = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 here")


def started(prompts: Path, log: Path, folder: Path, what: str = "child") -> subprocess.Popen[str]:
    code = f"import sys; from tests.storing import slow; slow.{what}(*sys.argv[1:])"
    command = [sys.executable, "-c", code, str(prompts), str(log), str(folder)]
    found = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert found.stdout is not None
    assert found.stdout.readline() == "ready\n"
    return found


def lines(log: Path) -> int:
    """How many prompts were scored so far."""
    return log.read_bytes().count(b"\n") if log.exists() else 0


def audited(backend: FakeBackend, cache: Path | bool) -> Audit:
    day = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    return audit(backend, probes=["occupation-gender"], limit=400, cache=cache, now=lambda: day)


def text(done: Audit) -> str:
    run = done.results.run.model_copy(update={"duration_s": 0.0})
    return results_text(done.results.model_copy(update={"run": run}))


def kill_ten_times(start: Callable[[], subprocess.Popen[str]], log: Path, most: int) -> int:
    """Start and kill, after a random number of further answers each; the number of answers."""
    rng = random.Random(7)  # noqa: S311
    killed = before = 0
    for _ in range(KILLS):
        run = start()
        stop = before + rng.randrange(most)
        while run.poll() is None and lines(log) < stop:
            time.sleep(0.005)
        time.sleep(rng.uniform(0, 0.004))
        run.send_signal(signal.SIGKILL)
        run.communicate()
        killed += run.returncode == -signal.SIGKILL
        before = lines(log)
    assert killed >= KILLS // 2, "the machine is so busy that the runs ended before"
    assert before
    return before


@needs_kill
def test_killed_ten_times_then_resumed(tmp_path: Path) -> None:
    catalogue = ProbeCatalogue()
    plan = make_plan(catalogue, catalogue.select(["occupation-gender"], ()), limit=400)
    asked = [prompt for found in plan.expansions.values() for prompt in found.prompts]
    prompts, log, folder = tmp_path / "prompts", tmp_path / "log", tmp_path / "cache"
    prompts.write_bytes(pickle.dumps(asked))
    before = kill_ten_times(lambda: started(prompts, log, folder), log, 12 * BATCH)
    resumed = audited(Slow(log), folder)
    assert resumed.cache is not None
    assert not resumed.cache.notices
    assert before - KILLS * BATCH <= resumed.cache.found
    assert text(resumed) == text(audited(Slow(log), cache=False))
    scored = Counter(log.read_text(encoding="utf-8").splitlines())
    assert sum(scored.values()) - len(scored) <= KILLS * BATCH
    assert {repr((p.left, p.filler, p.right)) for p in asked} <= set(scored)


@needs_kill
def test_a_data_set_killed_ten_times_then_resumed(tmp_path: Path) -> None:
    """A window of pairs is written together, so a kill costs a window at most."""
    data, log, folder = tmp_path / "crows.csv", tmp_path / "log", tmp_path / "cache"
    header = "sent_more,sent_less,stereo_antistereo,bias_type,annotations,anon_writer"
    row = "{n},Bakers sing on day {n}.,Cooks sing on day {n}.,stereo,trade,[],w{n},[]"
    rows = (row.format(n=n) for n in range(12 * WINDOW + 5))
    data.write_text("\n".join((f",{header},anon_annotators", *rows)) + "\n", encoding="utf-8")
    kill_ten_times(lambda: started(data, log, folder, "read_data"), log, 2 * WINDOW)

    def measured(log: Path, cache: Path | bool) -> Audit:
        day = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
        named = {"crows-pairs": data}
        return audit(SlowReader(log), data=named, cache=cache, now=lambda: day)

    resumed, plain = measured(log, folder), measured(tmp_path / "other", False)
    assert resumed.cache is not None
    assert resumed.cache.found
    assert text(resumed) == text(plain)
    assert resumed.further == plain.further
    scored = Counter(log.read_text(encoding="utf-8").splitlines())
    assert len(scored) == 12 * WINDOW + 5
    assert max(scored.values()) <= KILLS + 1
    assert sum(scored.values()) - len(scored) <= KILLS * WINDOW
    assert resumed.cache.scored == len(scored) - resumed.cache.found


def test_two_runs_at_once(tmp_path: Path) -> None:
    catalogue = ProbeCatalogue()
    plan = make_plan(catalogue, catalogue.select(["occupation-gender"], ()), limit=60)
    asked = [prompt for found in plan.expansions.values() for prompt in found.prompts]
    prompts, folder = tmp_path / "prompts", tmp_path / "cache"
    prompts.write_bytes(pickle.dumps(asked))
    runs = [started(prompts, tmp_path / f"log{n}", folder) for n in range(2)]
    for run in runs:
        run.communicate()
        assert run.returncode == 0
    with keeping(Slow(tmp_path / "log"), folder, named=False) as kept:
        assert not kept.use.notices
        assert repr(kept.backend.fill_mask(asked)) == repr(FakeBackend().fill_mask(asked))
    assert kept.use.scored == 0
    assert not (tmp_path / "log").exists()


def test_a_second_audit_asks_nothing_and_says_the_same(tmp_path: Path) -> None:
    first = audited(Slow(tmp_path / "log"), tmp_path / "cache")
    second = audited(Slow(tmp_path / "log2"), tmp_path / "cache")
    assert not (tmp_path / "log2").exists()
    assert text(first) == text(second)
    assert first.cache is not None
    assert second.cache is not None
    assert second.cache.found == first.cache.found + first.cache.scored
    assert second.manifest["cache"] == second.cache.told()["cache"]
    assert second.cache.scored == 0
    assert "cache" not in audited(Slow(tmp_path / "log3"), cache=False).manifest
