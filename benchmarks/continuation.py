"""How fast a causal model reads the sentences of a probe, against reading each of them whole.

    python -m benchmarks.continuation MODEL [--probe occupation-gender] [--words 4] [--json PATH]

MODEL is a folder or a hub id of a causal language model. The sentences are those of the probe with
the first words of each group. They are read twice: as the program does, each beginning once, and
every sentence whole, in batches of equal length too. Seconds are of the processor, in one thread.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bias_audit.backends import score_all
from bias_audit.backends.causal_lm import CausalLM
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.expand import expand
from bias_audit.records import FillRequest


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description="Time a causal model on a probe.")
    parser.add_argument("model")
    parser.add_argument("--probe", default="occupation-gender")
    parser.add_argument("--words", type=int, default=4)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = CausalLM(options.model, device="cpu")
    found = measure(model, requests(options.probe, options.words))
    print(
        f"{found['sentences']:,} sentences of {options.probe}, {model.info.parameters:,} parameters"
    )
    print(f"each beginning once   {found['once_s']:8.1f} s")
    print(f"every sentence whole  {found['whole_s']:8.1f} s, {found['times']:.1f} times as long")
    print(f"largest difference    {found['difference']:8.1g} nats")
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def requests(name: str, words: int) -> list[FillRequest]:
    """The sentences of a probe with the first words of each group."""
    probe = ProbeCatalogue().probe(name)
    wanted = {(group.id, word.id) for group in probe.groups for word in group.words[:words]}
    prompts = [p for p in expand(probe).all_prompts if (p.group, p.term) in wanted]
    return [p.request for p in prompts if isinstance(p.request, FillRequest)]


def measure(model: CausalLM, sentences: Sequence[FillRequest]) -> dict[str, Any]:
    """Read the sentences in both ways; a few go first, so that both find the model warm."""
    runner = model._runner
    score_all(model, sentences[:8])
    times, scores = [], []
    for once in (True, False):
        runner.reads_beginnings_once = once
        start = time.process_time()
        scores.append([answer.log_prob for answer in score_all(model, sentences)])
        times.append(time.process_time() - start)
    apart = np.abs(np.array(scores[0], float) - np.array(scores[1], float))
    return {
        "sentences": len(sentences),
        "once_s": times[0],
        "whole_s": times[1],
        "times": times[1] / times[0],
        "difference": float(np.nanmax(apart)),
    }


if __name__ == "__main__":
    main()
