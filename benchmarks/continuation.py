"""How fast a causal model reads the sentences of a probe, against reading each of them whole.

    python -m benchmarks.continuation MODEL [--probe occupation-gender] [--every 10] [--json PATH]

MODEL is a folder, a GGUF file or a hub id of a causal language model. The sentences of the probe
are read as the program does, what they share from the left once, and in three plain ways, in
batches of as many tokens: every one whole among those of equal length; every one whole in the order
of the probe, which pads; and by minicons, where it is installed. In the plain ways no sentence
helps another, so that every tenth of them tells what all take. Seconds are of the processor, in one
thread.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bias_audit.backends import score_all
from bias_audit.backends.causal_lm import CausalLM
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.expand import expand
from bias_audit.records import FillRequest

BATCH = 48
"""Sentences in a batch of the plain ways: the program's budget, which is one of tokens."""


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description="Time a causal model on a probe.")
    parser.add_argument("model")
    parser.add_argument("--probe", default="occupation-gender")
    parser.add_argument("--words", type=int, help="first words of each group; without it all")
    parser.add_argument("--every", type=int, default=10, help="sentences of the plain ways")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = CausalLM(options.model, device="cpu")
    found = measure(model, requests(options.probe, options.words), options.every)
    once = found["seconds"]["once"]
    print(
        f"{found['sentences']:,} sentences of {options.probe}, {model.info.parameters:,} parameters"
    )
    for name, seconds in found["seconds"].items():
        apart = found["difference"].get(name, 0.0)
        print(f"{name:14} {seconds:8.1f} s {seconds / once:6.1f} x {apart:8.1g} nats apart")
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def requests(name: str, words: int | None) -> list[FillRequest]:
    """The sentences of a probe with the first words of each group, or with all."""
    probe = ProbeCatalogue().probe(name)
    wanted = {(group.id, word.id) for group in probe.groups for word in group.words[:words]}
    prompts = [p for p in expand(probe).all_prompts if (p.group, p.term) in wanted]
    return [p.request for p in prompts if isinstance(p.request, FillRequest)]


def measure(model: CausalLM, sentences: Sequence[FillRequest], every: int) -> dict[str, Any]:
    """Read the sentences in every way; a few go first, so that all find the model warm."""
    ways = {"whole": _scores, "whole, padded": _padded}
    if importlib.util.find_spec("minicons"):
        ways["minicons"] = _minicons
    scores, once = _timed(_scores, model, sentences)
    model._runner.reads_beginnings_once = False
    seconds, apart = {"once": once}, {}
    for name, way in ways.items():
        found, part = _timed(way, model, sentences[::every])
        seconds[name] = part * len(sentences) / len(found)
        apart[name] = float(np.nanmax(abs(found - scores[::every])))
    return {"sentences": len(sentences), "seconds": seconds, "difference": apart}


def _timed(way: Any, model: CausalLM, sentences: Sequence[FillRequest]) -> tuple[Any, float]:
    way(model, sentences[:8])
    start = time.process_time()
    found = np.array(way(model, sentences), float)
    return found, time.process_time() - start


def _scores(model: CausalLM, sentences: Sequence[FillRequest]) -> list[float | None]:
    return [answer.log_prob for answer in score_all(model, sentences)]


def _texts(sentences: Sequence[FillRequest]) -> Iterator[list[str]]:
    """The sentences in their order, in batches."""
    texts = [f"{each.left}{each.filler}{each.right}" for each in sentences]
    for first in range(0, len(texts), BATCH):
        yield texts[first : first + BATCH]


@torch.inference_mode()
def _padded(model: CausalLM, sentences: Sequence[FillRequest]) -> list[float]:
    """By transformers alone: a batch is padded on the right, which no token before it sees."""
    tokenizer, network = model._planner._encoder._tokenizer, model._runner._model
    sums: list[float] = []
    for batch in _texts(sentences):
        rows = [[model._planner._start, *tokenizer(text)["input_ids"]] for text in batch]
        longest = max(map(len, rows))
        ids = torch.tensor([row + row[:1] * (longest - len(row)) for row in rows])
        values = network(input_ids=ids[:, :-1], use_cache=False).logits
        chosen = values.gather(2, ids[:, 1:].unsqueeze(-1)).squeeze(-1) - values.logsumexp(-1)
        real = torch.tensor([[n < len(row) for n in range(1, longest)] for row in rows])
        sums += (chosen.double() * real).sum(dim=1).tolist()
    return sums


def _minicons(model: CausalLM, sentences: Sequence[FillRequest]) -> list[float]:
    from minicons.scorer import IncrementalLMScorer

    tokenizer = model._planner._encoder._tokenizer
    scorer = IncrementalLMScorer(model._runner._model, device="cpu", tokenizer=tokenizer)
    sums: list[float] = []
    for batch in _texts(sentences):
        found = scorer.sequence_score(batch, bos_token=True, reduction=lambda x: x.sum(0).item())
        sums += found
    return sums


if __name__ == "__main__":
    main()
