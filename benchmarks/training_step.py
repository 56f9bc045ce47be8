"""Forward and backward pass of training: the recipe's own against the plain call, on one thread.

    python -m benchmarks.training_step

Prints pieces per second of processor time for both, and the ratio. Random weights of the shipped
size, 64 sequences of 64 pieces, a fifth of them masked, bfloat16 autocast.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from torch.nn import functional

from training import network, settings

SEQUENCES, LENGTH, ROUNDS = 64, 64, 6


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    torch.manual_seed(1)
    options = settings.read()
    size = options.pieces.size
    model = network.build(options.network, size)
    ids = torch.randint(5, size, (SEQUENCES, LENGTH))
    at = torch.randperm(ids.numel())[: ids.numel() // 5].sort().values
    wanted = torch.randint(5, size, at.shape)

    def plain() -> torch.Tensor:
        states = model.roberta(input_ids=ids).last_hidden_state.flatten(0, 1)[at]
        return functional.cross_entropy(model.lm_head(states).float(), wanted)

    def own() -> torch.Tensor:
        return network.loss(model, ids, at, wanted)

    rates = {name: _rate(model, make) for name, make in (("plain call", plain), ("recipe", own))}
    for name, rate in rates.items():
        print(f"{name:12} {rate:8,.0f} pieces per CPU second")
    print(f"ratio        {rates['recipe'] / rates['plain call']:8.2f}")


def _rate(model: torch.nn.Module, make: Callable[[], torch.Tensor]) -> float:
    spent = 0.0
    for number in range(ROUNDS):
        before = time.process_time()
        with torch.autocast("cpu", torch.bfloat16):
            loss = make()
        loss.backward()
        if number:  # the first round warms up
            spent += time.process_time() - before
        model.zero_grad()
    return SEQUENCES * LENGTH * (ROUNDS - 1) / spent


if __name__ == "__main__":
    main()
