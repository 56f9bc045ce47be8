"""The attention of short sentences as plain products; the rest goes to torch as before."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface

from bias_audit.backends.mlm.fast.onednn import is_supported

Way = Callable[[Tensor, Tensor, Tensor, Tensor | None, float, bool], Tensor | None]
"""Attention of one block: from queries, keys and values, [rows, heads, columns, size of a head], a
mask, a factor, and whether that is all, to [rows, columns, heads, size of a head]; or None to leave
it to others."""

_usual: Any = AttentionInterface()["sdpa"]
_usual_mask: Any = AttentionMaskInterface()["sdpa"]
_NAME = "bias_audit"
_WAY = "_bias_audit_way"
_LONGEST = 128
"""Pieces up to which all weights of a sentence's attention are written out."""
_PART = 600
"""Pieces that attend at a time, so that all that is written out stays in a processor's cache."""


def install(model: Any) -> Callable[[], None] | None:
    """Let the model's attention pass through here; return what undoes it, None if it cannot."""
    if model.device.type != "cpu" or getattr(model.config, "_attn_implementation", "") != "sdpa":
        return None
    AttentionInterface.register(_NAME, _attend)
    AttentionMaskInterface.register(_NAME, _usual_mask)
    back = partial(model.set_attn_implementation, "sdpa")
    try:
        model.set_attn_implementation(_NAME)
    except (ValueError, ImportError, AttributeError):
        back()
        return None
    return back


def is_installed(model: Any) -> bool:
    """Whether the model's attention passes through here."""
    return bool(getattr(model.config, "_attn_implementation", "") == _NAME)


def override_attention(module: Any, way: Way | None) -> None:
    """Let a block's attention go another way, where that gives an answer; None: no longer."""
    vars(module).pop(_WAY, None)
    if way is not None:
        vars(module)[_WAY] = way


def apply_mask(weights: Tensor, mask: Tensor | None) -> Tensor:
    """Weights before their softmax, without the places that a mask takes away."""
    if mask is None:
        return weights
    return weights.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else weights + mask


def _attend(
    module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, **options: Any
) -> tuple[Tensor, Any]:
    """What transformers calls for each block."""
    scale = query.shape[-1] ** -0.5 if options.get("scaling") is None else options["scaling"]
    way = getattr(module, _WAY, None)
    simple = _simple(module, options)
    if way is not None and (found := way(query, key, value, mask, scale, simple)) is not None:
        return found, None
    if simple and _short(query) and query.shape == key.shape == value.shape:
        return _products(query, key, value, mask, scale), None
    attended: tuple[Tensor, Any] = _usual(module, query, key, value, mask, **options)
    return attended


def _short(query: Tensor) -> bool:
    """Whether plain products are sooner: in float32 torch's own way always is."""
    return (
        query.dtype == torch.bfloat16
        and query.shape[2] <= _LONGEST
        and is_supported(torch.bfloat16)
    )


def _simple(module: Any, options: dict[str, Any]) -> bool:
    """Whether a block attends to all that the mask leaves, and asks for nothing else."""
    others = [value for name, value in options.items() if name != "scaling"]
    plain = not any(isinstance(value, Tensor) or value for value in others)
    return plain and not getattr(module, "is_causal", True)


def _products(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scale: float
) -> Tensor:
    """Attention with all weights written out, of a few sentences at a time."""
    rows, heads, columns, size = query.shape
    found = query.new_empty(rows, columns, heads, size)
    step = max(1, _PART // columns)
    for start in range(0, rows, step):
        part = slice(start, start + step)
        read = mask if mask is None or len(mask) == 1 else mask[part]
        found[part] = _part(query[part], key[part], value[part], read, scale)
    return found


def _part(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scale: float) -> Tensor:
    """The weights stand keys first: a softmax down columns is far sooner than one along short rows,
    which fill no register."""
    rows, heads, columns, size = query.shape
    queries, keys, values = (x.reshape(-1, columns, size) for x in (query, key, value))
    weights = torch.baddbmm(
        query.new_empty(1, 1, 1), keys, queries.transpose(1, 2), beta=0, alpha=scale
    )
    if mask is not None:
        four = weights.view(rows, heads, columns, columns)
        weights = apply_mask(four, mask.transpose(2, 3)).view(weights.shape)
    shares = torch.softmax(weights, dim=1, dtype=torch.float32).to(values.dtype)
    found = torch.bmm(shares.transpose(1, 2), values)
    return found.view(rows, heads, columns, size).transpose(1, 2)
