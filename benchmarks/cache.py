"""How much kept scores save: the same audit first with an empty store, then from it.

    python -m benchmarks.cache [MODEL] [-p core] [--limit N] [--repeats 1]

Each run is a process of its own, as a user starts it; the first one fills the cache, the second one
reads it, a third one (``--no-cache``) does neither. A short run before them lets Python compile the
program, which is no part of an audit. Prints seconds of the processor, which a busy machine changes
little (the fastest of the repeats), the ratio to the first run, how many scores came from the store
and its size. Exits with 1 if the results differ in more than the clock, or if the second run found
no scores, computed its results again, or took more than :data:`LIMIT` of the first run's time.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from bias_audit.backends.cache import VARIABLE

CLOCK = ("created", "duration_s", "command")
"""Fields of a run that say when and how it was started."""
LIMIT = 0.15
"""Share of the first run's processor time that the second one may take."""
COMPILED = "PYTHONDONTWRITEBYTECODE"
"""A variable that has Python compile the program in every run again; users do not set it."""


@dataclass(frozen=True, kw_only=True)
class Timed:
    """One run."""

    seconds: float
    scoring: float
    """Seconds of scoring, loading and statistics left out."""
    found: int
    scored: int
    cached: bool
    """Whether its results came from the cache."""
    results: str
    """``results.json`` without the clock."""


def processor() -> float:
    """Seconds of the processor that processes started here have taken."""
    times = os.times()
    return times.children_user + times.children_system


def timed(name: str, base: Path, arguments: list[str]) -> Timed:
    """Run the program once."""
    out = base / name
    command = [sys.executable, "-m", "bias_audit", "run", *arguments, "-q"]
    command += ["-o", str(out), "--force"]
    start = processor()
    kept = {name: value for name, value in os.environ.items() if name != COMPILED}
    done = subprocess.run(command, env=kept | {VARIABLE: str(base / "cache")}, check=False)
    seconds = processor() - start
    if done.returncode not in (0, 1, 3):
        raise SystemExit(done.returncode)
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    cache = json.loads((out / "run.json").read_text(encoding="utf-8")).get("cache", {})
    scoring = results["run"]["duration_s"]
    results["run"] = {k: v for k, v in results["run"].items() if k not in CLOCK}
    return Timed(
        seconds=seconds,
        scoring=scoring,
        found=cache.get("found", 0),
        scored=cache.get("scored", 0),
        cached=cache.get("assessment") == "kept",
        results=json.dumps(results),
    )


def fastest(name: str, base: Path, arguments: list[str], repeats: int) -> Timed:
    """The fastest of several runs; the counts are those of the first."""
    runs = [timed(f"{name}-{n}", base, arguments) for n in range(repeats)]
    return replace(min(runs, key=lambda run: run.seconds), found=runs[0].found)


def main() -> int:
    """Run, compare and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default="reference")
    parser.add_argument("-p", "--probe", default="core")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--repeats", type=int, default=1)
    given = parser.parse_args()
    arguments = [given.model, "-p", given.probe]
    arguments += ["--limit", str(given.limit)] if given.limit else []
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        timed("warm", base, [given.model, "-p", given.probe, "--limit", "1", "--no-cache"])
        runs = {
            "first (fills)": timed("first", base, arguments),
            "second (reads)": fastest("second", base, arguments, given.repeats),
            "--no-cache": fastest("none", base, [*arguments, "--no-cache"], given.repeats),
        }
        size = (base / "cache" / "scores.sqlite").stat().st_size
    first = runs["first (fills)"]
    print(
        f"{'run':16} {'seconds':>8} {'ratio':>7} {'scoring':>8} {'kept':>9} {'scored':>9}  results"
    )
    for name, run in runs.items():
        same = "same" if run.results == first.results else "DIFFERENT"
        print(
            f"{name:16} {run.seconds:8.1f} {run.seconds / first.seconds:7.1%} {run.scoring:8.1f}"
            f" {run.found:9,} {run.scored:9,}  {same}"
        )
    print(f"store: {size / 1e6:.1f} MB")
    alike = all(run.results == first.results for run in runs.values())
    second = runs["second (reads)"]
    quick = second.seconds <= LIMIT * first.seconds
    return 0 if alike and second.found and second.cached and quick else 1


if __name__ == "__main__":
    raise SystemExit(main())
