"""The forward pass of training: the network of the shipped model, without the work nobody looks at.

The modules are those of ``transformers.RobertaForMaskedLM``, so that what is trained is what is
shipped; ``tests/training`` compares both passes. What is saved: the last block's output projection
and feed-forward part run at the masked places only, and the vocabulary head never keeps its
float32 logits (a quarter of the arithmetic and most of the memory traffic of the plain call).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import RobertaConfig, RobertaForMaskedLM

from training.settings import Network

ROWS = 128
"""Rows of the vocabulary head that are turned into probabilities at once: stays in the cache."""


def build(network: Network, vocabulary: int, log_frequency: Tensor | None = None) -> Any:
    """Return an untrained model.

    Args:
        network: its size.
        vocabulary: number of pieces.
        log_frequency: shape (vocabulary,), where the output bias starts; saves the first million
            tokens, which would only teach the word frequencies.
    """
    config = RobertaConfig(
        vocab_size=vocabulary,
        hidden_size=network.width,
        num_hidden_layers=network.layers,
        num_attention_heads=network.heads,
        intermediate_size=4 * network.width,
        max_position_embeddings=network.positions + 2,
        type_vocab_size=1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        layer_norm_eps=1e-5,
        bos_token_id=0,
        pad_token_id=1,
        eos_token_id=2,
        tie_word_embeddings=True,
    )
    model = RobertaForMaskedLM(config)
    if log_frequency is not None:
        with torch.no_grad():
            model.lm_head.bias.copy_(log_frequency)
    return model


def states(model: Any, ids: Tensor, at: Tensor) -> Tensor:
    """Return what the vocabulary head sees at some places.

    Args:
        model: a ``RobertaForMaskedLM``.
        ids: shape (sequences, pieces), no padding.
        at: positions in the flattened ``ids``.

    Returns:
        Shape (places, width).
    """
    body = model.roberta
    places = torch.arange(2, ids.shape[1] + 2, device=ids.device).expand_as(ids)
    hidden = body.embeddings(input_ids=ids, position_ids=places)
    *before, last = body.encoder.layer
    for block in before:
        hidden = _feed(block, _attend(block, hidden), hidden)
    attended = _attend(last, hidden).flatten(0, 1)[at]
    found: Tensor = _feed(last, attended, hidden.flatten(0, 1)[at])
    head = model.lm_head
    return head.layer_norm(functional.gelu(head.dense(found)))


def _attend(block: Any, hidden: Tensor) -> Tensor:
    own = block.attention.self
    heads = own.num_attention_heads

    def split(layer: nn.Module) -> Tensor:
        return layer(hidden).unflatten(-1, (heads, -1)).transpose(1, 2)

    query, key, value = split(own.query), split(own.key), split(own.value)
    if hidden.device.type != "cpu":
        mixed = functional.scaled_dot_product_attention(query, key, value)
    else:  # on the CPU plain products beat the fused kernel at these short lengths
        weights = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)
        mixed = weights.softmax(-1) @ value
    return mixed.transpose(1, 2).flatten(2)


def _feed(block: Any, attended: Tensor, hidden: Tensor) -> Tensor:
    out = block.attention.output
    hidden = out.LayerNorm(out.dense(attended) + hidden)
    inner = functional.gelu(block.intermediate.dense(hidden))
    result: Tensor = block.output.LayerNorm(block.output.dense(inner) + hidden)
    return result


class _HeadLoss(torch.autograd.Function):
    """Mean cross-entropy of a linear layer; gradients are made while the rows are in the cache."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor, wanted: Tensor) -> Tensor:
        count = hidden.shape[0]
        dtype = torch.bfloat16 if torch.is_autocast_enabled(hidden.device.type) else hidden.dtype
        low, table = hidden.to(dtype), weight.to(dtype)
        errors = torch.empty(count, weight.shape[0], dtype=dtype, device=hidden.device)
        total = hidden.new_zeros((), dtype=torch.float32)
        by_bias = torch.zeros_like(bias)
        for start in range(0, count, ROWS):
            rows = slice(start, start + ROWS)
            scores = (low[rows] @ table.T).float().add_(bias)
            own = torch.arange(scores.shape[0], device=scores.device), wanted[rows]
            chosen, top = scores[own], scores.amax(1, keepdim=True)
            part = scores.sub_(top).exp_()
            mass = part.sum(1, keepdim=True)
            total += (mass.log() + top).sum() - chosen.sum()
            part.div_(mass * count)
            part[own] -= 1 / count
            by_bias += part.sum(0)
            errors[rows] = part.to(dtype)
        ctx.gradients = (
            (errors @ table).to(hidden.dtype),
            (errors.T @ low).to(weight.dtype),
            by_bias,
        )
        return total / count

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> Any:  # type: ignore[override]
        scale = upstream[0]
        by_hidden, by_weight, by_bias = ctx.gradients
        del ctx.gradients  # else they outlive the step
        return by_hidden * scale, by_weight * scale, by_bias * scale, None


def loss(model: Any, ids: Tensor, at: Tensor, wanted: Tensor) -> Tensor:
    """Return the mean cross-entropy at the masked places, in nats.

    Args:
        model: a ``RobertaForMaskedLM``.
        ids: shape (sequences, pieces), already masked.
        at: positions of the masked places in the flattened ``ids``.
        wanted: the pieces that stood there, shape (places,).
    """
    hidden = states(model, ids, at)
    table = model.roberta.embeddings.word_embeddings.weight
    value: Tensor = _HeadLoss.apply(hidden, table, model.lm_head.bias, wanted)
    return value
