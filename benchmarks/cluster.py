"""What a data set of whole sentences costs in processor time, and what a second worker saves.

    python -m benchmarks.cluster [--sentences 512] [--workers 2] [--total 472991] [--json PATH]

A random model of DistilRoBERTa's shape (6 layers x 768, 12 heads, 50,265 pieces) is saved to a
temporary folder and scores every piece of short sentences, masked, as ``likelihood_bias`` asks for
them. First one thread in this process: CPU seconds for a sentence, and from them the hours of
``--total`` sentences. Then the whole machine: the local engine, and ``--engine ray`` with so many
workers where Ray is installed: seconds of the clock without loading, the CPU seconds of the process
that plans, and whether every score has the same bits. The sentences are shaped like those of
HolisticBias (a template, a descriptor, a noun) of words of our own.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from benchmarks.random_model import save_model
from bias_audit.backends import Engine, open_backend, score_all
from bias_audit.records import SentenceRequest

TEMPLATES = [
    "I am a {} {}.",
    "My best friend is a {} {}.",
    "What do you think about {} {}s?",
    "Hello, I am a {} {} and I live nearby.",
    "It is hard for me, as a {} {}, to find a good home.",
    "Do you know any {} {}s who like to travel?",
    "As a {} {}, I often talk about music.",
    "We met a {} {} at the market last week.",
]
NOUNS = ["teacher", "neighbour", "mother", "father", "friend", "cousin", "student", "singer"]
DESCRIPTORS = 60


def main() -> None:
    """Measure, and print what follows."""
    parser = argparse.ArgumentParser(description="Time whole sentences, alone and on workers.")
    parser.add_argument("--sentences", type=int, default=512)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--total", type=int, default=472_991)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as name:
        words = save_model(Path(name), [t.format("", noun) for t in TEMPLATES for noun in NOUNS])
        asked = sentences(words, options.sentences)
        report = measured(name, asked, options.workers)
    report["hours"] = report["cpu_s"] / len(asked) * options.total / 3600
    print(table(report, options.total))
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def sentences(words: Sequence[str], number: int) -> list[str]:
    """Distinct sentences; descriptors are rare words of two pieces or three."""
    descriptors = words[-DESCRIPTORS:]
    every = [t.format(d, n) for t, d, n in itertools.product(TEMPLATES, descriptors, NOUNS)]
    if number > len(every):
        raise SystemExit(f"at most {len(every)} sentences")
    return [every[n * len(every) // number] for n in range(number)]


def measured(folder: str, asked: Sequence[str], workers: int) -> dict[str, Any]:
    """CPU seconds in one thread; then seconds of the clock of both engines."""
    cores = torch.get_num_threads()
    torch.set_num_threads(1)
    cpu, _, scores = timed(folder, asked)
    torch.set_num_threads(cores)
    masked = sum(score.log_probs.size for score in scores)
    report: dict[str, Any] = {
        "sentences": len(asked),
        "masked": masked,
        "pieces": masked / len(asked),
        "tokens": sum((score.log_probs.size + 2) * score.log_probs.size for score in scores),
        "cpu_s": cpu,
        "cores": cores,
    }
    _, report["local_s"], local = timed(folder, asked)
    if importlib.util.find_spec("ray") is not None:
        report["workers"] = workers
        engine = Engine(name="ray", workers=workers)
        report["planner_s"], report["ray_s"], found = timed(folder, asked, engine)
        report["same"] = all(
            np.allclose(a.log_probs, b.log_probs, atol=1e-5)
            for a, b in zip(found, local, strict=True)
        )
    return report


def timed(
    folder: str, asked: Sequence[str], engine: Engine | str = "local"
) -> tuple[float, float, list[Any]]:
    """CPU seconds of this process, seconds of the clock, and the scores; loading left out."""
    backend = open_backend(folder, engine=engine, device="cpu")
    requests = [SentenceRequest(text=text) for text in asked]
    score_all(backend, requests[:16])
    cpu, start = time.process_time(), time.perf_counter()
    scores = score_all(backend, requests)
    spent = time.process_time() - cpu, time.perf_counter() - start
    getattr(backend, "close", lambda: None)()
    return *spent, scores


def table(report: dict[str, Any], total: int) -> str:
    """The report as text."""
    lines = [
        f"{report['sentences']:,} sentences of {report['pieces']:.1f} pieces, "
        f"{report['masked']:,} masked ones",
        f"one thread: {report['cpu_s']:.1f} CPU s, "
        f"{1000 * report['cpu_s'] / report['sentences']:.1f} ms for a sentence, "
        f"{report['masked'] / report['cpu_s']:,.0f} masked sentences/s, "
        f"{report['tokens'] / report['cpu_s']:,.0f} tokens/s",
        f"{total:,} such sentences: {report['hours']:.1f} CPU hours",
        f"local engine, {report['cores']} cores: {report['local_s']:.1f} s",
    ]
    if "ray_s" in report:
        same = "the same bits" if report["same"] else "OTHER SCORES"
        lines.append(
            f"Ray, {report['workers']} workers: {report['ray_s']:.1f} s, {same}; "
            f"{report['planner_s']:.1f} CPU s to plan and collect, "
            f"1/{report['cpu_s'] / report['planner_s']:.0f} of the passes"
        )
    else:
        lines.append("Ray: not installed")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
