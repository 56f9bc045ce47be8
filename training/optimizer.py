"""Muon for the matrices of the encoder, AdamW for everything else.

Muon (Jordan et al. 2024) replaces the averaged gradient of a matrix by the nearest matrix with
equal singular values, by a few Newton-Schulz steps; its step is scaled to the size of an AdamW step
(Liu et al. 2025, "Muon is scalable for LLM training"), so that both share one rate.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

STEPS = 5
QUINTIC = (3.4445, -4.7750, 2.0315)
"""Coefficients of the iteration X <- aX + (bA + cA²)X with A = XXᵀ."""
MOMENTUM = 0.95


def orthogonal(matrix: Tensor, dtype: torch.dtype = torch.bfloat16) -> Tensor:
    """Return roughly U Vᵀ of the singular value decomposition, computed in ``dtype``."""
    a, b, c = QUINTIC
    found = matrix.to(dtype)
    turned = found.shape[0] > found.shape[1]
    if turned:
        found = found.T
    found = found / (found.norm() + 1e-7)
    for _ in range(STEPS):
        square = found @ found.T
        found = a * found + (b * square + c * square @ square) @ found
    return found.T if turned else found


class Muon(torch.optim.Optimizer):
    """Muon for 2-d parameters. With several workers each turns its share of the matrices.

    Args:
        params: matrices.
        lr: rate, of the same size as AdamW's.
        weight_decay: decoupled, times ``lr``.
        worker: number of this process.
        workers: number of processes.
    """

    def __init__(
        self, params: Any, *, lr: float, weight_decay: float, worker: int = 0, workers: int = 1
    ) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})
        self.worker, self.workers = worker, workers
        self.dtype = torch.bfloat16
        """What it computes in: :func:`training.arithmetic.faster` chooses."""

    @torch.no_grad()
    def try_turn(self, dtype: torch.dtype) -> None:
        """Turn the largest matrix in an arithmetic, and forget it."""
        largest = max(self.param_groups[0]["params"], key=lambda matrix: matrix.numel())
        orthogonal(largest, dtype)

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]  # noqa: ARG002
        """Update every matrix from its gradient."""
        for group in self.param_groups:
            matrices = group["params"]
            turned = [torch.zeros_like(m) for m in matrices]
            for index, matrix in enumerate(matrices):
                state = self.state[matrix]
                if not state:
                    state["mean"] = torch.zeros_like(matrix)
                state["mean"].lerp_(matrix.grad, 1 - MOMENTUM)
                if index % self.workers == self.worker:
                    ahead = matrix.grad.lerp(state["mean"], MOMENTUM)
                    turned[index].copy_(orthogonal(ahead, self.dtype))
            if self.workers > 1:
                flat = torch.cat([t.reshape(-1) for t in turned])
                torch.distributed.all_reduce(flat)
                turned = [
                    part.view_as(m)
                    for part, m in zip(
                        flat.split([m.numel() for m in matrices]), matrices, strict=True
                    )
                ]
            for matrix, change in zip(matrices, turned, strict=True):
                matrix.mul_(1 - group["lr"] * group["weight_decay"])
                matrix.add_(change, alpha=-group["lr"] * 0.2 * max(matrix.shape) ** 0.5)


def optimizers(
    model: Any, *, rate: float, weight_decay: float, worker: int, workers: int
) -> list[Any]:
    """Return Muon over the encoder's matrices and AdamW over the rest."""
    matrices = [p for p in model.roberta.encoder.parameters() if p.ndim == 2]
    ids = {id(p) for p in matrices}
    others = [p for p in model.parameters() if id(p) not in ids and p.requires_grad]
    return [
        Muon(matrices, lr=rate, weight_decay=weight_decay, worker=worker, workers=workers),
        torch.optim.AdamW(
            others, lr=rate, betas=(0.9, 0.98), eps=1e-8, weight_decay=0.0, foreach=True
        ),
    ]


def rate_at(seen: int, *, tokens: int, warm_up: int, decay: float) -> float:
    """Return the share of the full rate after ``seen`` pieces: rise, constant, straight fall."""
    falls_from = tokens * (1 - decay)
    return min(1.0, (seen + 1) / warm_up, max(0.0, (tokens - seen) / max(1.0, tokens - falls_from)))
