"""The matrix products of a masked language model: torch's own way, and the way of this package.

    python -m benchmarks.products

One thread, GFLOP/s by processor time, the best of several: multiply-adds times two. The layers are
those of a model of DistilRoBERTa's shape; what ``scoring/_linear.py`` does with them is measured.
"""

from __future__ import annotations

import time
from types import SimpleNamespace

import torch

from benchmarks.random_model import HIDDEN, INNER, VOCABULARY
from bias_audit.scoring import _linear

PRODUCTS = {
    "a layer": (2_048, HIDDEN, INNER),
    "back to the width of the model": (2_048, INNER, HIDDEN),
    "the vocabulary head": (128, HIDDEN, VOCABULARY),
}
"""Rows, width, and width of the result."""
REPEATS = 8


def rate(layer: torch.nn.Module, states: torch.Tensor, flops: float) -> float:
    """GFLOP/s of a layer, the best of several calls."""
    layer(states)
    best = float("inf")
    for _ in range(REPEATS):
        started = time.process_time()
        layer(states)
        best = min(best, time.process_time() - started)
    return flops / best / 1e9


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
                here = rate(layer, states, flops) if _linear.quicken(model) else plain
                print(f"{str(dtype).partition('.')[2]:10}{name:34}{plain:7.0f}{here:7.0f}")


if __name__ == "__main__":
    main()
