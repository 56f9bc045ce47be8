"""Chooses the arithmetic that is faster on this machine: it times both.

Processors without instructions for bfloat16 compute it several times slower than float32.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

CHOICES = (torch.bfloat16, torch.float32)
REPEATS = 3
"""Goes of each; the fastest counts: the first one also prepares, and any may be disturbed."""


def faster(work: Callable[[torch.dtype], object], device: str, workers: int = 1) -> torch.dtype:
    """Return the arithmetic that does the work sooner; all workers come to the same choice.

    Args:
        work: does it once in an arithmetic, and leaves nothing behind.
        device: where.
        workers: how many processes do so at the same time.
    """
    seconds = torch.tensor([min(_timed(work, kind, device)) for kind in CHOICES])
    if workers > 1:
        torch.distributed.all_reduce(seconds)
    return CHOICES[int(seconds.argmin())]


def _timed(work: Callable[[torch.dtype], object], kind: torch.dtype, device: str) -> list[float]:
    """Return the seconds of every go."""
    found = []
    for _ in range(REPEATS):
        _wait(device)
        began = time.perf_counter()
        work(kind)
        _wait(device)
        found.append(time.perf_counter() - began)
    return found


def _wait(device: str) -> None:
    """A GPU answers before it has computed."""
    if device == "cuda":
        torch.cuda.synchronize()
