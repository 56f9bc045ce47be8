"""Large linear layers on x86 processors through oneDNN: the same products, a fifth sooner."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

_LEAST = 1 << 16
"""Weights of a layer from which on it gains; in smaller ones the way there costs more."""
_PAIRS = (("dense", "intermediate_act_fn"), ("lin1", "activation"))
"""Names of a layer and of the function that nothing but its values goes through."""

os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "32")
"""oneDNN keeps code for the last so many shapes of a product and reads this number once, when it is
first used. Batches come in hundreds of shapes, so that with its own limit of 1,024 memory grew for
tens of thousands of sentences."""


def use_onednn(model: Any) -> Callable[[], None] | None:
    """Compute the model's large linear layers with oneDNN; return what undoes it, None if not done.

    In float32 torch takes another library, and the weights stay where and as they are. In bfloat16
    it takes this one and lays the weights out anew for every product; here they are laid out once,
    beside the others, so that such a model takes as much memory as one in float32. And there the
    function behind a layer is computed with it, before its values leave the processor's cache.
    """
    if model.device.type != "cpu" or not is_supported(model.dtype):
        return None
    layers: list[Any] = [
        module
        for module in model.modules()
        if type(module) is torch.nn.Linear
        and module.weight.numel() >= _LEAST
        and module.weight.dtype == model.dtype
    ]
    patched = list(layers)
    joined = _fused_gelus(model) if model.dtype == torch.bfloat16 else {}
    for layer in layers:
        weight = layer.weight.detach()
        if model.dtype == torch.bfloat16:
            weight = torch.ops.mkldnn._reorder_linear_weight(weight)
        layer.forward = partial(_product, weight, layer.bias, layer in joined)
        if layer in joined:
            joined[layer].forward = _same
            patched.append(joined[layer])
    return partial(_undo, patched) if layers else None


def is_supported(dtype: torch.dtype) -> bool:
    """Whether products of this dtype are sooner there; in bfloat16 the processor must help."""
    library: Any = torch.backends.mkldnn
    if platform.machine() not in ("x86_64", "AMD64") or not library.is_available():
        return False
    if dtype == torch.bfloat16:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return dtype == torch.float32


def _fused_gelus(model: Any) -> dict[Any, Any]:
    """The exact GELU behind a layer, by layer, where known blocks call the one right after the
    other."""
    found = {}
    for module in model.modules():
        children = dict(module.named_children())
        for layer, function in _PAIRS:
            behind = children.get(function)
            exact = getattr(behind, "act", None) is torch.nn.functional.gelu or (
                isinstance(behind, torch.nn.GELU) and behind.approximate == "none"
            )
            if layer in children and exact:
                found[children[layer]] = behind
    return found if len(set(found.values())) == len(found) else {}


def _undo(patched: list[Any]) -> None:
    """Let the modules compute as torch has it."""
    for module in patched:
        del module.forward


def _same(states: Tensor) -> Tensor:
    return states


def _product(weight: Tensor, bias: Tensor | None, joined: bool, states: Tensor) -> Tensor:
    name, kind = ("gelu", "none") if joined else ("none", "")
    found: Tensor = torch.ops.mkldnn._linear_pointwise(states, weight, bias, name, [], kind)
    return found
