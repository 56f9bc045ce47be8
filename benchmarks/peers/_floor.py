"""How many seconds the products of bare forward passes would take at the rate of this machine."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import torch

from benchmarks.random_model import HIDDEN, INNER, LAYERS, VOCABULARY


def rows_of_pairs(tokenizer: Any, pairs: Sequence[tuple[str, str]]) -> dict[tuple[int, ...], int]:
    """Every distinct masked sequence that CrowS-Pairs asks for, and its length."""
    from benchmarks.peers._shared import shared_places

    found: dict[tuple[int, ...], int] = {}
    for more, less in pairs:
        sides = [tokenizer.encode(text) for text in (more, less)]
        for places in shared_places(*sides)[1:-1]:
            for ids, place in zip(sides, places, strict=True):
                masked = (*ids[:place], tokenizer.mask_token_id, *ids[place + 1 :])
                found[masked] = len(ids)
    return found


def masked_flops(lengths: Sequence[int]) -> float:
    """Of whole encoder passes without padding, and of the head at one place each."""
    return sum(_encoder(length) + _head() for length in lengths)


def unmasked_flops(lengths: Sequence[int]) -> float:
    """Of whole encoder passes, and of the head at every place but the two special ones."""
    return sum(_encoder(length) + (length - 2) * _head() for length in lengths)


def _encoder(length: int) -> float:
    layer = 4 * HIDDEN * HIDDEN + 2 * HIDDEN * INNER + 2 * length * HIDDEN
    return 2.0 * LAYERS * length * layer


def _head() -> float:
    return 2.0 * (HIDDEN * HIDDEN + HIDDEN * VOCABULARY)


def matmul_rate(repeats: int = 5) -> float:
    """Multiply-adds times two per CPU second of one thread: the best of two libraries' products."""
    torch.set_num_threads(1)
    x, weight, bias = torch.randn(2048, HIDDEN), torch.randn(INNER, HIDDEN), torch.randn(INNER)
    ways = [lambda: torch.nn.functional.linear(x, weight, bias)]
    if torch.backends.mkldnn.is_available():
        linear = torch.ops.mkldnn._linear_pointwise
        ways.append(lambda: linear(x, weight, bias, "none", [], ""))
    best = float("inf")
    with torch.inference_mode():
        for way in ways:
            way()
            for _ in range(repeats):
                started = time.process_time()
                way()
                best = min(best, time.process_time() - started)
    return 2.0 * 2048 * HIDDEN * INNER / best
