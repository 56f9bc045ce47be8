"""Runs one tool on one task in this process and writes what it cost: ``worker TOOL TASK IN OUT``.

``IN`` holds the folder of the model and the inputs. Loading is not counted; two inputs go through
first, so that nothing is built for the first time while it is timed.
"""

from __future__ import annotations

import contextlib
import io
import json
import resource
import sys
import time
from pathlib import Path

import torch
import transformers

from benchmarks.peers._tools import TOOLS


def main() -> None:
    tool, task, given, out = sys.argv[1:]
    torch.set_num_threads(1)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    job = json.loads(Path(given).read_text(encoding="utf-8"))
    items = [tuple(x) if isinstance(x, list) else x for x in job["items"]]
    with contextlib.redirect_stdout(io.StringIO()):
        tasks = TOOLS[tool](Path(job["folder"]))
        if task not in tasks:
            raise SystemExit(f"{tool} has no {task}")
        tasks[task](items[:2])
        before, started = _cpu(), time.perf_counter()
        scores = tasks[task](items)
        cpu, wall = _cpu() - before, time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    found = {"cpu_s": cpu, "wall_s": wall, "peak_mb": peak, "scores": scores}
    Path(out).write_text(json.dumps(found), encoding="utf-8")


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
