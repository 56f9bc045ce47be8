"""Turns logits into the few numbers that are kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_ROWS = {"cpu": 8}
"""Rows that stay in a processor's cache while they are looked at; elsewhere ``_FAST_ROWS``."""
_FAST_ROWS = 64


def split(rows: Any, sizes: int | list[int]) -> Sequence[Tensor]:
    """Parts of so many rows each."""
    parts: Sequence[Tensor] = rows.split(sizes)
    return parts


def log_sums(logits: Tensor) -> Tensor:
    """Logarithm of the sum of exponentials of each row, in float32.

    A log-probability is a logit less this, so the log-softmax is never written out.
    """
    parts = split(logits, _ROWS.get(logits.device.type, len(logits) or 1))
    return torch.cat([part.float().logsumexp(dim=-1) for part in parts])


def ranks(logits: Tensor, rows: Tensor, pieces: Tensor) -> list[int]:
    """Rank of ``pieces[n]`` in ``logits[rows[n]]``: 1 is the top, equal logits in id order.

    Counts what stands before; a count costs far less than a sort.
    """
    if logits.device.type == "cpu":
        table = logits.numpy()
        pairs = zip(rows.tolist(), pieces.tolist(), strict=True)
        return [_rank(table[row], piece) for row, piece in pairs]
    return _count_ranks(logits, rows, pieces)


def _count_ranks(logits: Tensor, rows: Tensor, pieces: Tensor) -> list[int]:
    ids = torch.arange(logits.shape[1], device=logits.device)
    found: list[int] = []
    for row, piece in zip(split(rows, _FAST_ROWS), split(pieces, _FAST_ROWS), strict=True):
        part = logits[row]
        gold = part.gather(1, piece.unsqueeze(1))
        before = (part == gold) & (ids < piece.unsqueeze(1))
        found += ((part > gold).sum(dim=1) + before.sum(dim=1) + 1).tolist()
    return found


def _rank(logits: NDArray[np.float32], piece: int) -> int:
    gold = logits[piece]
    larger = np.count_nonzero(logits > gold)
    return 1 + int(larger + np.count_nonzero(logits[:piece] == gold))


def top(logits: Tensor, total: Tensor, number: int) -> Iterator[tuple[tuple[int, float], ...]]:
    """The likeliest pieces of each row and their probabilities; equal logits in id order."""
    size = logits.shape[1]
    number = min(number, size)
    values, ids = logits.topk(min(number + 1, size))
    probabilities = (values - total.unsqueeze(1)).exp().tolist()
    columns = zip(values.tolist(), ids.tolist(), probabilities, strict=True)
    for row, column in enumerate(columns):
        pairs = list(zip(*column, strict=True))
        if 0 < number < size and pairs[number - 1][0] == pairs[number][0]:
            floor, _, probability = pairs[number]
            pairs = [pair for pair in pairs if pair[0] > floor]
            equal = (logits[row] == floor).nonzero().flatten()[:number].tolist()
            pairs += [(floor, i, probability) for i in equal]
        pairs.sort(key=lambda pair: (-pair[0], pair[1]))
        yield tuple((i, p) for _, i, p in pairs[:number])


def shares(
    logits: Tensor, total: Tensor, words: Tensor
) -> Iterator[tuple[NDArray[np.float32], float]]:
    """For each row the distribution over the pieces ``words``, and their probability together."""
    chosen = logits.index_select(1, words)
    mass = log_sums(chosen)
    found = (chosen - mass.unsqueeze(1)).exp_().cpu().numpy()
    return zip(found, (mass - total).exp().clamp_(max=1.0).tolist(), strict=True)
