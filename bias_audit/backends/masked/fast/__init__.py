"""Call a model faster than transformers does, as far as its own logits come out."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from bias_audit.backends.masked.fast import attention
from bias_audit.backends.masked.fast.head_only import HeadOnly
from bias_audit.backends.masked.fast.onednn import use_onednn

__all__ = ["HeadOnly", "accelerate"]

Sample = tuple[Tensor, Tensor, Tensor, Tensor]
"""Token ids, attention mask, one position a row, and the logits expected there."""


def accelerate(
    model: Any, encodings: Sequence[Mapping[str, Any]], *, mask_id: int, pad_id: int
) -> tuple[HeadOnly, bool] | None:
    """Compare with a plain call on what the tokenizer gives; choose the fastest safe way.

    Args:
        model: a masked language model of transformers, on its device.
        encodings: of three texts, the first two of one length, the third a longer one with another
            share of masks.
        mask_id: the token whose first position is compared.
        pad_id: the token that fills shorter rows.

    Returns:
        The model as a function of ids, mask and positions, and whether a row's logits are the same
        in a padded batch. None where even a plain call with ids and mask gives other logits.
    """
    head_only = HeadOnly(model)
    with torch.inference_mode():
        sample = _sample(model, encodings, mask_id, pad_id)
        pair = _first_two(sample, len(encodings[0]["input_ids"]))
        if not head_only.check(*pair):
            return None
        invariant = head_only.is_padding_invariant(*sample)
        _choose_kernels(model, head_only, sample if invariant else pair)
    return head_only, invariant


def _sample(
    model: Any, encodings: Sequence[Mapping[str, Any]], mask_id: int, pad_id: int
) -> Sample:
    """The encodings as one padded batch, and the logits of each alone."""
    rows = [list(encoding["input_ids"]) for encoding in encodings]
    positions = [row.index(mask_id) for row in rows]
    accepted = inspect.signature(model.forward).parameters
    logits = []
    for encoding, position in zip(encodings, positions, strict=True):
        inputs = {
            key: torch.tensor([value], device=model.device)
            for key, value in encoding.items()
            if key in accepted
        }
        logits.append(model(**inputs).logits[0, position])
    longest = max(map(len, rows))
    ids = torch.tensor([row + [pad_id] * (longest - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    return (
        ids.to(model.device),
        mask.to(model.device),
        torch.tensor(positions, device=model.device),
        torch.stack(logits).float(),
    )


def _first_two(sample: Sample, length: int) -> Sample:
    """The first two rows, without padding."""
    ids, mask, positions, logits = sample
    return ids[:2, :length], mask[:2, :length], positions[:2], logits[:2]


def _choose_kernels(model: Any, head_only: HeadOnly, sample: Sample) -> None:
    """Choose the fastest products that give the expected logits."""
    for ways in ((attention.install, use_onednn), (use_onednn,), (attention.install,)):
        head_only.disable()
        undo = [revert for way in ways if (revert := way(model)) is not None]
        for folded in (True, False):
            if head_only.enable(*sample, folded=folded, rounded=True):
                return
        for revert in undo:
            revert()
    head_only.enable(*sample, folded=False)
