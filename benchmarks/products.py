"""The products of a masked language model: torch's own way, and the way of this package.

    python -m benchmarks.products

One thread, GFLOP/s by processor time, the best of several: multiply-adds times two. The layers are
those of a model of DistilRoBERTa's shape; what ``onednn.py`` in ``backends/mlm/fast`` does with
them is measured, and milliseconds of what ``attention.py`` does with about 2,000 tokens in bf16.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace

import torch

from benchmarks.random_model import HIDDEN, INNER, VOCABULARY
from bias_audit.backends.mlm.fast import attention as fast_attention
from bias_audit.backends.mlm.fast import onednn

PRODUCTS = {
    "a layer": (2_048, HIDDEN, INNER),
    "back to the width of the model": (2_048, INNER, HIDDEN),
    "the vocabulary head": (128, HIDDEN, VOCABULARY),
}
"""Rows, width, and width of the result."""
LENGTHS = (10, 18, 36, 100)
"""Pieces of the sentences that attend."""
HEADS = 12
REPEATS = 8


def rate(layer: torch.nn.Module, states: torch.Tensor, flops: float) -> float:
    """GFLOP/s of a layer, the best of several calls."""
    return flops / seconds(lambda: layer(states)) / 1e9


def seconds(action: Callable[[], object]) -> float:
    """Processor time of the best of several calls."""
    action()
    best = float("inf")
    for _ in range(REPEATS):
        started = time.process_time()
        action()
        best = min(best, time.process_time() - started)
    return best


def attention(length: int) -> tuple[float, float]:
    """Milliseconds of the attention of about 2,000 pieces in bfloat16: torch's, and here."""
    rows = 2_000 // length
    states = [torch.randn(rows, length, HIDDEN).to(torch.bfloat16) for _ in range(3)]
    parts = [x.view(rows, length, HEADS, -1).transpose(1, 2) for x in states]
    own = torch.nn.functional.scaled_dot_product_attention
    plain = seconds(lambda: own(*parts).transpose(1, 2).reshape(rows, length, HIDDEN))
    here = seconds(lambda: fast_attention._products(*parts, None, 0.125))
    return 1e3 * plain, 1e3 * here


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, GFLOP/s of one thread")
    print(f"{'dtype':10}{'product':34}{'torch':>7}{'here':>7}")
    with torch.inference_mode():
        for dtype in (torch.float32, torch.bfloat16):
            for name, (rows, wide, out) in PRODUCTS.items():
                layer = torch.nn.Linear(wide, out).to(dtype)
                states = torch.randn(rows, wide).to(dtype)
                flops = 2.0 * rows * wide * out
                plain = rate(layer, states, flops)
                model = SimpleNamespace(
                    modules=lambda layer=layer: [layer],
                    device=torch.device("cpu"),
                    dtype=dtype,
                )
                here = rate(layer, states, flops) if onednn.use_onednn(model) else plain
                print(f"{str(dtype).partition('.')[2]:10}{name:34}{plain:7.0f}{here:7.0f}")
        print("milliseconds")
        for length in LENGTHS:
            plain, here = attention(length)
            name = f"attention, {length} pieces a sentence"
            print(f"{'bfloat16':10}{name:34}{plain:7.1f}{here:7.1f}")


if __name__ == "__main__":
    main()
