"""How fast open prompts are filled, against the fill-mask pipeline and against the machine.

    python -m benchmarks.fill_mask [--prompts 400] [--repeats 3] [--threads 2] [--json PATH]

A random model of DistilRoBERTa's shape (6 layers x 768, 12 heads, 50,265 pieces) is saved to
a temporary folder. The same distinct prompts go, in turns, through this package
(``MaskedLM.score``, top 5, which also returns the distribution over whole words), through
transformers' pipeline one prompt a call, and through the pipeline with ``batch_size=32``. Figures
are medians over the repeats.

The share of the matmul rate compares two speeds: the multiply-adds of our passes (linear layers and
attention, times two, vocabulary head included, padding left out) per second of our wall clock, and
bare products of the same shapes. A large square product is given beside it.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from benchmarks.random_model import HIDDEN, INNER, LAYERS, VOCABULARY, save_model
from bias_audit.backends import score_all
from bias_audit.backends.masked_lm import MaskedLM
from bias_audit.backends.mlm import forward
from bias_audit.records import CompletionRequest, Prompt

TOP = 5
OURS, SINGLE, BATCHED = "this package", "pipeline, one by one", "pipeline, batch of 32"
TARGETS = {SINGLE: 8.0, BATCHED: 1.8}
TEMPLATES = [
    ("{} worked as a ", "."),
    ("{} is very ", "."),
    ("Everyone in the town knew that {} was a ", "."),
    ("When {} came home from work that evening, the neighbours talked about the ", " again."),
    ("{} wanted to become a ", " after school."),
    ("The company hired {} as a ", " last spring."),
    ("In the old days {} was often described as ", " by the people of the village."),
    ('{} said: "I am a ', '!"'),
]
Pass = list[int]
"""Lengths of the rows of one forward pass, in pieces."""


def main() -> None:
    """Run all parts and print the table."""
    parser = argparse.ArgumentParser(description="Time open prompts against the pipeline.")
    parser.add_argument("--prompts", type=int, default=400)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as name:
        words = save_model(Path(name), [left + right for left, right in TEMPLATES])
        prompts = make_prompts(words, options.prompts)
        report = measure(Path(name), prompts, options.repeats)
    report["threads"] = options.threads
    report["versions"] = {"torch": torch.__version__, "transformers": transformers.__version__}
    print(table(report))
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def make_prompts(words: Sequence[str], number: int) -> list[Prompt]:
    """Distinct prompts: every template with groups of one to three words."""
    rng = np.random.default_rng(6)
    groups: dict[str, None] = {}
    while len(groups) * len(TEMPLATES) < number:
        groups["The " + " ".join(rng.choice(words[:400], rng.integers(1, 4)))] = None
    names = dict.fromkeys(("probe", "template", "variant", "group", "term", "label", "target"), "")
    prompts = [
        Prompt(**names, pole="", left=left.replace("{}", group), filler=None, right=right)
        for group in groups
        for left, right in TEMPLATES
    ]
    return prompts[:number]


def measure(folder: Path, prompts: Sequence[Prompt], repeats: int) -> dict[str, Any]:
    """Time the three ways in turns, and our passes against bare products after each."""
    ways = _ways(folder, prompts)
    runs: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    outputs: dict[str, Any] = {}
    shares = []
    for _ in range(repeats):
        with _watched_passes() as passes:
            for way, run in ways.items():
                wall, cpu = time.perf_counter(), time.process_time()
                outputs[way] = run()
                runs[way].append((time.perf_counter() - wall, time.process_time() - cpu))
        shares.append(_share(passes, runs[OURS][-1][0]))
    report: dict[str, Any] = {"prompts": len(prompts), "repeats": repeats, "ways": {}}
    for way, times in runs.items():
        wall, cpu = (statistics.median(t[n] for t in times) for n in (0, 1))
        report["ways"][way] = {"wall_s": wall, "cpu_s": cpu, "prompts_per_s": len(prompts) / wall}
        report["ways"][way]["slower_by"] = wall / report["ways"][OURS]["wall_s"]
    report["largest_log_prob_difference"] = _difference(outputs)
    report["matmul"] = {key: statistics.median(s[key] for s in shares) for key in shares[0]}
    return report


def _ways(folder: Path, prompts: Sequence[Prompt]) -> dict[str, Callable[[], Any]]:
    """The three ways to fill the prompts, warmed up."""
    backend = MaskedLM(str(folder), device="cpu")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForMaskedLM.from_pretrained(folder, dtype=torch.float32)
    pipe = transformers.pipeline(
        "fill-mask", model=model, tokenizer=tokenizer, device="cpu", top_k=TOP
    )
    texts = [f"{prompt.left}<mask>{prompt.right}" for prompt in prompts]
    requests = [CompletionRequest(left=p.left, right=p.right, top_k=TOP) for p in prompts]
    score_all(backend, requests[:32])
    pipe(texts[:4])
    return {
        OURS: lambda: score_all(backend, requests),
        SINGLE: lambda: [pipe(text) for text in texts],
        BATCHED: lambda: pipe(texts, batch_size=32),
    }


@contextmanager
def _watched_passes() -> Iterator[list[Pass]]:
    """Note the lengths of the rows of every forward pass of ours."""
    plain = forward.QueryRunner._run_batch
    passes: list[Pass] = []

    def timed(self: Any, queries: Any, *more: Any) -> Any:
        passes.append([len(query.ids) for query in queries])
        return plain(self, queries, *more)

    forward.QueryRunner._run_batch = timed  # type: ignore[method-assign]
    try:
        yield passes
    finally:
        forward.QueryRunner._run_batch = plain  # type: ignore[method-assign]


def _shapes(rows: int, length: int) -> list[tuple[int, tuple[int, int, int]]]:
    """(how often, (m, k, n)) of a pass's products; the last feed-forward sees one place a row."""
    tokens = rows * length
    return [
        (4 * LAYERS, (tokens, HIDDEN, HIDDEN)),
        (LAYERS - 1, (tokens, HIDDEN, INNER)),
        (LAYERS - 1, (tokens, INNER, HIDDEN)),
        (1, (rows, HIDDEN, INNER)),
        (1, (rows, INNER, HIDDEN)),
        (1, (rows, HIDDEN, HIDDEN)),
        (1, (rows, HIDDEN, VOCABULARY)),
    ]


def _share(passes: Sequence[Pass], whole: float) -> dict[str, float]:
    """Speeds in GFLOP/s: our passes, bare products of the same shapes, a large square product."""
    work = bare_work = bare_seconds = 0.0
    for lengths in passes:
        for times, shape in _shapes(len(lengths), max(lengths)):
            bare_seconds += times * _product_seconds(*shape)
            bare_work += times * 2.0 * math.prod(shape)
        for length in lengths:
            work += sum(times * 2.0 * math.prod(shape) for times, shape in _shapes(1, length))
            work += LAYERS * 2 * 2.0 * length * length * HIDDEN
    # By the wall clock: the cores work on batches of their own, so the passes overlap.
    rate, bare = work / whole, bare_work / bare_seconds
    square = 2.0 * 2048**3 / _product_seconds(2048, 2048, 2048)
    return {
        "forward_gflops": rate / 1e9,
        "same_shapes_gflops": bare / 1e9,
        "square_gflops": square / 1e9,
        "share_of_same_shapes": rate / bare,
        "share_of_square": rate / square,
    }


def _product_seconds(m: int, k: int, n: int) -> float:
    """Seconds of one linear layer on ``m`` rows, median of three after a warm-up."""
    x, weight, bias = torch.randn(m, k), torch.randn(n, k), torch.randn(n)
    times = []
    with torch.inference_mode():
        for _ in range(4):
            started = time.perf_counter()
            torch.nn.functional.linear(x, weight, bias)
            times.append(time.perf_counter() - started)
    return statistics.median(times[1:])


def _difference(outputs: dict[str, Any]) -> float:
    """Largest difference between our log-probabilities and the pipeline's, in nats."""
    worst = 0.0
    for score, *others in zip(*(outputs[way] for way in (OURS, SINGLE, BATCHED)), strict=True):
        for other in others:
            for (word, probability), entry in zip(score.top, other, strict=True):
                apart = abs(math.log(probability / entry["score"]))
                if word != entry["token_str"].strip() and apart > 1e-5:
                    raise SystemExit(f"expected {entry['token_str']!r}, but we say {word!r}")
                worst = max(worst, apart)
    return worst


def table(report: dict[str, Any]) -> str:
    """The report as text."""
    lines = [
        f"{report['prompts']} prompts, {report['threads']} threads, "
        f"median of {report['repeats']} runs in turns",
        f"{'':<24}{'wall s':>9}{'CPU s':>9}{'prompts/s':>11}{'slower by':>11}{'target':>8}",
    ]
    for way, found in report["ways"].items():
        target = f"{found['slower_by']:>11.2f}{TARGETS[way]:>8.1f}" if way in TARGETS else ""
        seconds = f"{found['wall_s']:>9.2f}{found['cpu_s']:>9.2f}"
        lines.append(f"{way:<24}{seconds}{found['prompts_per_s']:>11.1f}{target}")
    m = report["matmul"]
    return "\n".join(
        [
            *lines,
            f"largest difference: {report['largest_log_prob_difference']:.1e} nats (target 1e-5)",
            f"our whole run: {m['forward_gflops']:.1f} GFLOP/s",
            f"  {m['share_of_same_shapes']:.0%} of bare products of the same shapes "
            f"({m['same_shapes_gflops']:.1f} GFLOP/s; target 75%)",
            f"  {m['share_of_square']:.0%} of a 2048 x 2048 x 2048 product "
            f"({m['square_gflops']:.1f} GFLOP/s)",
        ]
    )


if __name__ == "__main__":
    main()
