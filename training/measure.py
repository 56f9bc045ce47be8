"""How well a model fills gaps in text it never saw."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from training import network
from training.batches import Coded, Kinds, mask, one_pass
from training.settings import Settings
from training.tokenizer import MASK

ROWS = 40
"""Batches of the quick look during training."""


@torch.no_grad()
def quick(model: Any, work: Path, options: Settings, rows: int = ROWS) -> dict[str, float]:
    """Return ``held_out_loss`` (nats) and ``held_out_top1`` at 15 % whole-word masks.

    The same gaps at every look: sequences and masks follow from a seed of their own.
    """
    coded, kinds = Coded.load(work / "held_out.npz"), Kinds.load(work / "pieces.npz")
    size = max(options.network.positions, min(options.schedule.batch, len(coded.pieces) // 8))
    plain = options.model_copy(
        update={
            "schedule": options.schedule.model_copy(update={"batch": size}),
            "masking": options.masking.model_copy(
                update={"rate": 0.15, "audited_rate": 0.15, "whole_words": 1.0}
            ),
        }
    )
    model.eval()
    total = right = count = 0.0
    audited_right = audited = 0.0
    batches = list(one_pass(coded, plain, np.random.default_rng(7)))
    chosen = np.random.default_rng(8).permutation(len(batches))[:rows]
    device = next(model.parameters()).device
    for number in chosen:
        ids = batches[number].astype(np.int64)
        hidden = mask(ids, kinds, plain, np.random.default_rng([9, int(number)]))
        at = np.flatnonzero(hidden)
        wanted = ids.reshape(-1)[at]
        seen = torch.from_numpy(np.where(hidden, MASK, ids)).to(device)
        found = network.states(model, seen, torch.from_numpy(at).to(device))
        table = model.roberta.embeddings.word_embeddings.weight
        scores = torch.log_softmax(found @ table.T + model.lm_head.bias, -1).cpu()
        targets = torch.from_numpy(wanted)
        hits = (scores.argmax(-1) == targets).numpy()
        total -= float(scores[torch.arange(len(at)), targets].sum())
        right += float(hits.sum())
        count += len(at)
        look = kinds.audited[wanted]
        audited_right += float(hits[look].sum())
        audited += float(look.sum())
    model.train()
    return {
        "held_out_loss": total / count,
        "held_out_top1": right / count,
        "held_out_audited_top1": audited_right / max(1.0, audited),
    }
