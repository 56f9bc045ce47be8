"""How fast open prompts are filled, against transformers' fill-mask pipeline and against the machine.

    python benchmarks/fill_mask.py [--prompts 400] [--repeats 3] [--threads 2] [--json PATH]

A randomly initialised model of DistilRoBERTa's shape (6 layers x 768, 12 heads, 50,265 pieces) with a
byte-level tokenizer trained on made-up words is saved to a temporary folder; nothing is downloaded.
The same distinct prompts go, in turns, through this package (``MaskedLM.fill_mask``, top 5, which also
returns the distribution over whole words), through the pipeline one prompt a call and through the
pipeline with ``batch_size=32``. Figures are medians over the repeats. The share of the matmul rate sets
the multiply-adds that the model does (linear layers and attention, times two, vocabulary head included)
per second of our forward passes against bare matrix products of the same shapes, and against a large
square one.
"""

from __future__ import annotations

import argparse
import json
import logging
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from bias_audit.records import Prompt
from bias_audit.scoring import _forward
from bias_audit.scoring.masked_lm import MaskedLM

LAYERS, HIDDEN, HEADS, INNER, VOCABULARY = 6, 768, 12, 3072, 50_265
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
TOP = 5
TEMPLATES = [
    ("{} worked as a ", "."),
    ("{} is very ", "."),
    ("Everyone in the town knew that {} was a ", "."),
    ("When {} came home from work that evening, the neighbours talked about the ", " again."),
    ("{} wanted to become a ", " after school."),
    ("The company hired {} as a ", " last spring."),
    ("In the old days {} was often described as ", " by the people of the village."),
    ("{} said: \"I am a ", "!\""),
]  # fmt: skip
TARGETS = {"one by one": 8.0, "batch of 32": 1.8, "share of matmul rate": 0.75}


def main() -> None:
    """Run all parts and print the table."""
    options = _options()
    torch.set_num_threads(options.threads)
    logging.getLogger("transformers").setLevel(logging.ERROR)
    transformers.utils.logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        words = save_model(folder)
        prompts = make_prompts(words, options.prompts)
        report = measure(folder, prompts, options.repeats)
    report["threads"] = options.threads
    report["machine"] = {"processor": platform.processor() or platform.machine()}
    report["versions"] = {"torch": torch.__version__, "transformers": transformers.__version__}
    print(table(report))
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time open prompts against the fill-mask pipeline.")
    parser.add_argument("--prompts", type=int, default=400)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def save_model(folder: Path) -> list[str]:
    """Save a random model with a tokenizer of made-up words; return the words."""
    rng = random.Random(5)
    onsets, vowels = list("bcdfghjklmnprstvwz") + ["st", "tr", "ch", "sh", "br"], list("aeiou") + ["ea", "oo"]
    codas = ["", "", "n", "r", "s", "t", "l", "nd"]
    syllables = [o + v + c for o in onsets for v in vowels for c in codas]
    words = list(dict.fromkeys("".join(rng.choices(syllables, k=rng.randint(1, 4))) for _ in range(60_000)))
    counts = [f" {word}" for n, word in enumerate(words) for _ in range(1 + 4_000 // (n + 100))]
    plain = [word.strip(".,") for left, right in TEMPLATES for word in (left + right).split()] * 50
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        counts + [f" {word}" for word in plain] + plain,
        trainers.BpeTrainer(
            vocab_size=VOCABULARY,
            special_tokens=SPECIAL,
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
            min_frequency=1,
        ),
    )
    tokenizer = Tokenizer.from_str(tokenizer.to_str())
    mask = AddedToken("<mask>", lstrip=True, normalized=False, special=True)
    tokenizer.add_special_tokens([*SPECIAL[:4], mask])
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    assert tokenizer.get_vocab_size() == VOCABULARY, tokenizer.get_vocab_size()
    names = dict(bos_token="<s>", eos_token="</s>", cls_token="<s>", sep_token="</s>")
    names |= dict(pad_token="<pad>", unk_token="<unk>", mask_token="<mask>")
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_input_names=["input_ids", "attention_mask"], **names
    ).save_pretrained(folder)
    torch.manual_seed(5)
    config = transformers.RobertaConfig(
        vocab_size=VOCABULARY,
        hidden_size=HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=INNER,
        max_position_embeddings=514,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
    )
    transformers.RobertaForMaskedLM(config).save_pretrained(folder)
    return words


def make_prompts(words: Sequence[str], number: int) -> list[Prompt]:
    """Distinct prompts: every template with groups of one to three words."""
    rng = random.Random(6)
    groups: list[str] = []
    while len(groups) * len(TEMPLATES) < number:
        groups.append("The " + " ".join(rng.choices(words[:400], k=rng.randint(1, 3))))
    texts = [
        (left.replace("{}", group), right) for group in dict.fromkeys(groups) for left, right in TEMPLATES
    ]
    names = dict.fromkeys(("probe", "template", "variant", "group", "term", "label", "target"), "")
    return [
        Prompt(**names, pole="", left=left, filler=None, right=right)
        for left, right in texts[:number]
    ]


def measure(folder: Path, prompts: Sequence[Prompt], repeats: int) -> dict[str, Any]:
    """Time the three ways in turns, then the share of the matmul rate."""
    backend = MaskedLM(str(folder), device="cpu")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForMaskedLM.from_pretrained(folder, dtype=torch.float32)
    pipe = transformers.pipeline("fill-mask", model=model, tokenizer=tokenizer, device="cpu", top_k=TOP)
    texts = [f"{p.left}<mask>{p.right}" for p in prompts]
    passes: list[tuple[float, list[int]]] = []
    ways: dict[str, Callable[[], Any]] = {
        "this package": lambda: backend.fill_mask(prompts, top_k=TOP),
        "one by one": lambda: [pipe(text) for text in texts],
        "batch of 32": lambda: pipe(texts, batch_size=32),
    }
    backend.fill_mask(prompts[:64], top_k=TOP)
    pipe(texts[:4])
    runs: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    outputs: dict[str, Any] = {}
    shares = []
    for _ in range(repeats):
        for way, run in ways.items():
            watch = _Watch(passes) if way == "this package" else None
            wall, cpu = time.perf_counter(), time.process_time()
            outputs[way] = run()
            runs[way].append((time.perf_counter() - wall, time.process_time() - cpu))
            if watch:
                watch.stop()
                shares.append(_share(passes, runs[way][-1][0]))
                passes.clear()
    report: dict[str, Any] = {"prompts": len(prompts), "repeats": repeats, "ways": {}}
    for way, times in runs.items():
        wall, cpu = (statistics.median(t[n] for t in times) for n in (0, 1))
        report["ways"][way] = {"wall_s": wall, "cpu_s": cpu, "prompts_per_s": len(prompts) / wall}
    ours = report["ways"]["this package"]["wall_s"]
    report["speedup"] = {way: report["ways"][way]["wall_s"] / ours for way in ("one by one", "batch of 32")}
    report["largest_score_difference"] = _difference(outputs)
    report["matmul"] = {key: statistics.median(s[key] for s in shares) for key in shares[0]}
    return report


class _Watch:
    """Notes the time of every forward pass, and the lengths of its rows."""

    def __init__(self, passes: list[tuple[float, list[int]]]) -> None:
        self._plain = plain = _forward.Forward.logits

        def timed(self: Any, rows: Any) -> Any:
            started = time.perf_counter()
            logits = plain(self, rows)
            passes.append((time.perf_counter() - started, [len(row.ids) for row in rows]))
            return logits

        _forward.Forward.logits = timed

    def stop(self) -> None:
        """Take the clock away."""
        _forward.Forward.logits = self._plain


def _shapes(rows: int, length: int) -> list[tuple[int, tuple[int, int, int]]]:
    """(how often, (m, k, n)) of the matrix products of one pass; the last feed-forward is cut short."""
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


def _share(passes: Sequence[tuple[float, list[int]]], whole: float) -> dict[str, float]:
    """Rates in GFLOP/s: our passes, bare products of the same shapes, a large square product."""
    seconds = sum(t for t, _ in passes)
    work = same_work = same_seconds = 0.0
    for _, lengths in passes:
        rows, longest = len(lengths), max(lengths)
        for times, (m, k, n) in _shapes(rows, longest):
            took = _product_seconds(m, k, n)
            same_seconds += times * took
            same_work += times * 2.0 * m * k * n
        for length in lengths:
            work += sum(times * 2.0 * m * k * n for times, (m, k, n) in _shapes(1, length))
            work += LAYERS * 2 * 2.0 * length * length * HIDDEN
    _CACHE.clear()
    square = 2.0 * 2048**3 / _product_seconds(2048, 2048, 2048)
    _CACHE.clear()
    rate, same = work / seconds, same_work / same_seconds
    return {
        "forward_gflops": rate / 1e9,
        "same_shapes_gflops": same / 1e9,
        "square_gflops": square / 1e9,
        "share_of_same_shapes": rate / same,
        "share_of_square": rate / square,
        "forward_share_of_wall": seconds / whole,
    }


_CACHE: dict[tuple[int, int, int], float] = {}


def _product_seconds(m: int, k: int, n: int) -> float:
    """Seconds of ``x @ w.T + b``, as a linear layer does it: median of a few, weights as they lie."""
    key = (m, k, n)
    if key not in _CACHE:
        x, w, b = torch.randn(m, k), torch.randn(n, k), torch.randn(n)
        times = []
        with torch.inference_mode():
            for _ in range(4):
                started = time.perf_counter()
                torch.nn.functional.linear(x, w, b)
                times.append(time.perf_counter() - started)
        _CACHE[key] = statistics.median(times[1:])
    return _CACHE[key]


def _difference(outputs: dict[str, Any]) -> float:
    """Largest difference between our probabilities and the pipeline's, word by word."""
    worst = 0.0
    for score, single, batched in zip(*outputs.values(), strict=True):
        for (word, probability), one, many in zip(score.top, single, batched, strict=True):
            worst = max(worst, abs(probability - one["score"]), abs(probability - many["score"]))
            near = abs(one["score"] - score.top[-1][1]) < 1e-6
            assert near or word == one["token_str"].strip(), (word, one)
    return worst


def table(report: dict[str, Any]) -> str:
    """The report as text."""
    lines = [f"{report['prompts']} prompts, {report['threads']} threads, median of {report['repeats']}", ""]
    lines.append(f"{'':<28}{'wall s':>9}{'CPU s':>9}{'prompts/s':>11}{'ratio':>8}{'target':>8}")
    for way, figures in report["ways"].items():
        ratio = report["speedup"].get(way)
        end = f"{ratio:>8.2f}{TARGETS[way]:>8.1f}" if ratio else ""
        name = way if way == "this package" else f"pipeline, {way}"
        lines.append(
            f"{name:<28}{figures['wall_s']:>9.2f}{figures['cpu_s']:>9.2f}{figures['prompts_per_s']:>11.1f}{end}"
        )
    m = report["matmul"]
    lines += [
        "",
        f"largest difference of a probability: {report['largest_score_difference']:.1e} (target 1e-5)",
        f"forward passes: {m['forward_gflops']:.1f} GFLOP/s, {m['forward_share_of_wall']:.0%} of our wall clock",
        f"  of bare products of the same shapes ({m['same_shapes_gflops']:.1f}): {m['share_of_same_shapes']:.0%}"
        f" (target {TARGETS['share of matmul rate']:.0%})",
        f"  of a 2048 x 2048 product ({m['square_gflops']:.1f}): {m['share_of_square']:.0%}",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
