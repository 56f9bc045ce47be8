"""Large linear layers on x86 processors through oneDNN: the same products, a fifth sooner."""

from __future__ import annotations

import os
import platform
from functools import partial
from typing import Any

import torch
from torch import Tensor

_LEAST = 1 << 16
"""Weights of a layer from which on it gains; in smaller ones the way there costs more."""

os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "32")
"""oneDNN keeps code for the last so many shapes of a product and reads this number once, when it is
first used. Batches come in hundreds of shapes, so that with its own limit of 1,024 memory grew for
tens of thousands of sentences."""


def quicken(model: Any) -> list[Any]:
    """Compute the model's large linear layers with oneDNN; return the layers.

    In float32 torch takes another library, and the weights stay where and as they are. In bfloat16
    it takes this one and lays the weights out anew for every product; here they are laid out once,
    beside the others, so that such a model takes as much memory as one in float32.
    """
    library: Any = torch.backends.mkldnn
    usable = platform.machine() in ("x86_64", "AMD64") and library.is_available()
    if not usable or model.device.type != "cpu" or not _supported(model.dtype):
        return []
    layers: list[Any] = [
        module
        for module in model.modules()
        if type(module) is torch.nn.Linear and module.weight.numel() >= _LEAST
    ]
    for layer in layers:
        weight = layer.weight.detach()
        if model.dtype == torch.bfloat16:
            weight = torch.ops.mkldnn._reorder_linear_weight(weight)
        layer.forward = partial(_product, weight, layer.bias)
    return layers


def undo(layers: list[Any]) -> None:
    """Let the layers compute as torch has it."""
    for layer in layers:
        del layer.forward


def _supported(dtype: torch.dtype) -> bool:
    """Whether products of this dtype are sooner there; in bfloat16 the processor must help."""
    if dtype == torch.bfloat16:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return dtype == torch.float32


def _product(weight: Tensor, bias: Tensor | None, states: Tensor) -> Tensor:
    found: Tensor = torch.ops.mkldnn._linear_pointwise(states, weight, bias, "none", [], "")
    return found
