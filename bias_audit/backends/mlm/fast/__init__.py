"""Call a model faster than transformers does, as far as its own logits come out."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from bias_audit.backends.mlm.batching import pad_rows
from bias_audit.backends.mlm.fast import attention
from bias_audit.backends.mlm.fast.head_only import HeadOnly, Sample
from bias_audit.backends.mlm.fast.onednn import use_onednn

__all__ = ["HeadOnly", "accelerate"]


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
        length = len(encodings[0]["input_ids"])
        pair = Sample(
            sample.ids[:2, :length],
            sample.mask[:2, :length],
            sample.positions[:2],
            sample.logits[:2],
        )
        if not head_only.check(pair):
            return None
        if hasattr(model.config, "local_attn_chunk_length"):
            # Reformer fills rows up to whole chunks, and the first chunk looks at the last one
            head_only.disable()
            return head_only, False
        invariant = head_only.is_padding_invariant(sample)
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
    ids, mask = (torch.tensor(part, device=model.device) for part in pad_rows(rows, pad_id))
    places = torch.tensor(positions, device=model.device)
    return Sample(ids, mask, places, torch.stack(logits).float())


def _choose_kernels(model: Any, head_only: HeadOnly, sample: Sample) -> None:
    """Choose the fastest products that give the expected logits."""
    for ways in ((attention.install, use_onednn), (use_onednn,), (attention.install,)):
        head_only.disable()
        undo = [revert for way in ways if (revert := way(model)) is not None]
        for folded in (True, False):
            if head_only.enable(sample, folded=folded, rounded=True):
                return
        for revert in undo:
            revert()
    head_only.enable(sample, folded=False)
