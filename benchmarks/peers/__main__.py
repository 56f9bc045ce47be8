"""One command, one table: this package and other tools on the same model and the same inputs.

    python -m benchmarks.peers [--pairs 100] [--data FILE] [--only TASK ...] [--json FILE]

A random model of DistilRoBERTa's shape is made; every tool scores the same sentences with it, each
in a process of its own with one thread. Tools are installed from ``requirements/`` into
environments of their own (``--venvs``, about 400 MB) when they are first needed; one that
cannot be installed or does not run is left out with a note. ``--data`` takes your own copy of
CrowS-Pairs instead of the pairs made here. All of it takes about half an hour.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
import transformers

from benchmarks.peers import _floor, _inputs
from benchmarks.peers._table import HALF, OURS, TITLES, apart, decisions, table
from benchmarks.peers._venvs import interpreter, last_line
from benchmarks.random_model import save_model

ROOT = Path(__file__).parents[2]
PLAN = {
    "crows": [OURS, HALF, "original script", "mlm-bias", "fairlms", "bias-scope"],
    "pll": [OURS, HALF, "minicons", "fairlms"],
    "pll_l2r": [OURS, "minicons"],
    "aul": [OURS, HALF, "mlm-bias", "fairlms", "bias-scope"],
    "aula": [OURS, "mlm-bias", "fairlms", "bias-scope"],
    "fill": [OURS, HALF, "pipeline, one by one", "pipeline, batches of 32"],
}
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
GROWTH = {OURS: (100, 1_000, 10_000), "fairlms": (100, 1_000), "bias-scope": (100, 1_000)}


def main() -> None:
    options = _options()
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(options, Path(name))
        report = bench.run()
    print(table(report))
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare costs and scores with other tools.")
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--prompts", type=int, default=100)
    parser.add_argument("--data", type=Path, help="your own copy of CrowS-Pairs")
    parser.add_argument("--only", nargs="*", choices=list(TITLES), help="these tasks")
    parser.add_argument("--tools", nargs="*", help="these tools")
    parser.add_argument("--growth", action="store_true", help="100 to 10,000 sentences too")
    parser.add_argument("--end-to-end", action="store_true", help="the whole command too")
    parser.add_argument("--venvs", type=Path, default=Path.home() / ".cache/bias-audit-peers")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


class Bench:
    """One run of everything that was asked for."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self._options, self._folder = options, folder
        self._model = folder / "model"
        self._model.mkdir()
        self._notes: list[str] = []
        self._lost: set[str] = set()
        save_model(self._model, _frequent(options.data))

    def run(self) -> dict[str, Any]:
        wanted = self._options
        pairs = _inputs.read(wanted.data, wanted.pairs) if wanted.data else None
        pairs = pairs or _inputs.pairs(wanted.pairs)
        prompts = _inputs.prompts(wanted.prompts)
        tasks: dict[str, Any] = {}
        for task in wanted.only if wanted.only is not None else PLAN:
            items = prompts if task == "fill" else pairs
            tasks[task] = self._task(task, PLAN[task], items)
        report: dict[str, Any] = {
            "inputs": {
                "pairs": len(pairs),
                "source": "a copy of CrowS-Pairs" if wanted.data else "made here",
                "prompts": len(prompts),
            },
            "machine": f"{_processor()}, torch {torch.__version__}, "
            f"transformers {transformers.__version__}",
            "tasks": tasks,
        }
        report["floor"] = self._floor(pairs, tasks)
        if wanted.growth:
            report["growth"] = self._grow()
        return report | {"notes": self._notes}

    def _task(self, task: str, tools: list[str], items: list[Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for tool in tools:
            if self._options.tools is None or tool in self._options.tools:
                run = self._worker(tool, task, items)
                if run is not None:
                    found[tool] = run
        if OURS in found:
            for run in found.values():
                run["apart"] = apart(found[OURS]["scores"], run["scores"])
                run["decided_otherwise"] = decisions(found[OURS]["scores"], run["scores"])
        for run in found.values():
            del run["scores"]
        return found

    def _worker(self, tool: str, task: str, items: list[Any]) -> dict[str, Any] | None:
        """One tool on one task in a fresh process; None, with a note, where it does not work."""
        if tool in self._lost:
            return None
        try:
            python = interpreter(tool, self._options.venvs)
        except (RuntimeError, OSError, subprocess.SubprocessError) as error:
            self._lost.add(tool)
            self._notes.append(f"{tool} left out: {error}")
            return None
        given, out = self._folder / "given.json", self._folder / "found.json"
        given.write_text(json.dumps({"folder": str(self._model), "items": items}), "utf-8")
        out.unlink(missing_ok=True)
        environment = os.environ | ONE_THREAD
        environment |= {"PYTHONPATH": str(ROOT), "TOKENIZERS_PARALLELISM": "false"}
        environment |= {"HF_HUB_OFFLINE": "1"}
        command = [python, "-m", "benchmarks.peers.worker", tool, task, given, out]
        print(f"{time.strftime('%H:%M:%S')} {task}: {tool}", end="", file=sys.stderr, flush=True)
        ran = subprocess.run(
            command, env=environment, check=False, capture_output=True, text=True, cwd=self._folder
        )
        if ran.returncode or not out.exists():
            print(", did not run", file=sys.stderr, flush=True)
            self._notes.append(f"{tool} did not run {task}: {last_line(ran.stderr)}")
            return None
        found = dict(json.loads(out.read_text(encoding="utf-8")))
        print(f", {found['cpu_s']:.2f} CPU s", file=sys.stderr, flush=True)
        return found

    def _floor(self, pairs: list[Any], tasks: dict[str, Any]) -> dict[str, Any]:
        """Seconds of bare forward passes, and what we spent."""
        rate = _floor.matmul_rate()
        tokenizer = transformers.AutoTokenizer.from_pretrained(self._model)
        rows = _floor.rows_of_pairs(tokenizer, pairs)
        texts = dict.fromkeys(text for pair in pairs for text in pair)
        lengths = [len(tokenizer.encode(text)) for text in texts]
        seconds = {
            "crows": _floor.masked_flops(list(rows.values())) / rate,
            "aul": _floor.unmasked_flops(lengths) / rate,
        }
        spent = {task: found[OURS]["cpu_s"] for task, found in tasks.items() if OURS in found}
        if self._options.end_to_end:
            seconds["bias-audit run"] = seconds["crows"]
            spent["bias-audit run"] = self._command(pairs)
        return {"gflops": rate / 1e9, "seconds": seconds, "spent": spent, "rows": len(rows)}

    def _command(self, pairs: list[Any]) -> float:
        """CPU seconds of the whole command, loading and statistics included."""
        data = self._options.data or self._folder / "pairs.csv"
        if not self._options.data:
            _inputs.write(data, pairs)
        command = [sys.executable, "-m", "bias_audit", "run", str(self._model), "-q"]
        command += ["-p", "crows-pairs", "--data", f"crows-pairs={data}", "--no-cache"]
        command += ["-o", str(self._folder / "run"), "--force"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        environment = os.environ | ONE_THREAD | {"PYTHONPATH": str(ROOT)}
        ran = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if ran.returncode:
            raise SystemExit(f"the command failed: {ran.stderr}")
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def _grow(self) -> dict[str, list[dict[str, float]]]:
        """What AUL costs as the sentences become more."""
        found: dict[str, list[dict[str, float]]] = {}
        for tool, sizes in GROWTH.items():
            for size in sizes:
                run = self._worker(tool, "aul", _inputs.pairs(size // 2))
                if run is not None:
                    cost = {key: run[key] for key in ("cpu_s", "wall_s", "peak_mb")}
                    found.setdefault(tool, []).append({"sentences": size, **cost})
        return found


def _frequent(data: Path | None) -> list[str]:
    """Sentences whose words are single pieces, as most words of a sentence are to a real model."""
    if data is None:
        return _inputs.spelled_out()
    return [text for pair in _inputs.read(data) for text in pair]


def _processor() -> str:
    """Name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


if __name__ == "__main__":
    main()
