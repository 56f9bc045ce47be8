"""Starts a run from an earlier model, also when its vocabulary is another one.

Learning from nothing, a model first spends millions of pieces at the loss of mere word frequency;
an earlier model of the same width and depth is past that. Pieces that both vocabularies have keep
their vectors, a new piece starts at the mean of the old pieces that spell it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from tokenizers import Tokenizer

EMBEDDING, BIAS = "roberta.embeddings.word_embeddings.weight", "lm_head.bias"


def start_from(model: Any, folder: Path, tokenizer: Path) -> int:
    """Copy the weights of the model in ``folder`` into ``model``.

    Args:
        model: a ``RobertaForMaskedLM`` of the same width, depth and number of positions.
        folder: a model folder with ``tokenizer.json``.
        tokenizer: the ``tokenizer.json`` of ``model``.

    Returns:
        How many pieces kept their own vector.
    """
    old = {name: value.float() for name, value in load_file(folder / "model.safetensors").items()}
    own = model.state_dict()
    before, after = Tokenizer.from_file(str(folder / "tokenizer.json")), _vocabulary(tokenizer)
    known = before.get_vocab()
    kept = 0
    embedding, bias = own[EMBEDDING].clone(), own[BIAS].clone()
    for piece, number in after.items():
        if piece in known:
            embedding[number] = old[EMBEDDING][known[piece]]
            bias[number] = old[BIAS][known[piece]]
            kept += 1
        else:
            parts = [known[p] for p in _spelled(before, piece) if p in known]
            if parts:
                embedding[number] = old[EMBEDDING][parts].mean(0)
    for name, value in own.items():
        if value.shape[0] == len(after) or name not in old:
            continue
        if old[name].shape != value.shape:
            raise SystemExit(
                f"{folder} has {tuple(old[name].shape)} for {name}, the settings ask for"
                f" {tuple(value.shape)}: start from a model of the same size"
            )
        own[name] = old[name]
    own[EMBEDDING], own[BIAS] = embedding, bias
    own["lm_head.decoder.weight"], own["lm_head.decoder.bias"] = embedding, bias
    model.load_state_dict(own)
    return kept


def _vocabulary(path: Path) -> dict[str, int]:
    found: dict[str, int] = json.loads(path.read_text(encoding="utf-8"))["model"]["vocab"]
    return found


def _spelled(tokenizer: Tokenizer, piece: str) -> list[str]:
    """The old pieces of a new piece, which is written in the byte alphabet."""
    return [token.value for token in tokenizer.model.tokenize(piece)]
