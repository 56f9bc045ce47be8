"""The faster arithmetic of two is taken, in passes and in the optimizer."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch

from training import arithmetic, train
from training.optimizer import orthogonal
from training.settings import Settings


@pytest.mark.parametrize("slow", arithmetic.CHOICES)
def test_the_faster_one_is_taken(slow: torch.dtype) -> None:
    calls = []

    def work(kind: torch.dtype) -> None:
        calls.append(kind)
        time.sleep(0.02 if kind == slow else 0.001)

    (fast,) = set(arithmetic.CHOICES) - {slow}
    assert arithmetic.faster(work, "cpu") == fast
    assert calls.count(slow) == calls.count(fast) == arithmetic.REPEATS


@pytest.mark.parametrize("fast", arithmetic.CHOICES)
def test_a_run_computes_in_it(
    fast: torch.dtype, work: Path, small: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    monkeypatch.setattr(train, "faster", lambda trial, device, workers: (trial(fast), fast)[1])
    run = train.Run(work, small, 0, 1, None)
    assert all(p.grad is None for p in run.parameters), "the trial leaves nothing behind"
    assert (run.dtype, run.optimizers[0].dtype) == (fast, fast)
    loss = train.network.loss

    def watched(*arguments: object) -> object:
        seen.append(torch.is_autocast_enabled("cpu"))
        return loss(*arguments)

    monkeypatch.setattr(train.network, "loss", watched)
    assert run.one_step() > 0
    assert set(seen) == {fast == torch.bfloat16}


def test_both_arithmetics_of_muon_agree() -> None:
    torch.manual_seed(4)
    matrix = torch.randn(48, 96)
    half, full = (orthogonal(matrix, kind) for kind in arithmetic.CHOICES)
    assert (half.dtype, full.dtype) == arithmetic.CHOICES
    assert torch.allclose(half.float(), full, atol=0.03)
