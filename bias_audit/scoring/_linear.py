"""Large linear layers on x86 processors through oneDNN: the same products, a fifth sooner."""

from __future__ import annotations

import platform
from functools import partial
from typing import Any

import torch
from torch import Tensor

_LEAST = 1 << 16
"""Weights of a layer from which on it gains; in smaller ones the way there costs more."""


def quicken(model: Any) -> list[Any]:
    """Compute the model's large linear layers with oneDNN; return the layers.

    torch takes another library for float32. The weights stay where and as they are.
    """
    library: Any = torch.backends.mkldnn
    usable = platform.machine() in ("x86_64", "AMD64") and library.is_available()
    if not usable or model.device.type != "cpu" or model.dtype != torch.float32:
        return []
    layers: list[Any] = [
        module
        for module in model.modules()
        if type(module) is torch.nn.Linear and module.weight.numel() >= _LEAST
    ]
    for layer in layers:
        layer.forward = partial(_product, layer)
    return layers


def undo(layers: list[Any]) -> None:
    """Let the layers compute as torch has it."""
    for layer in layers:
        del layer.forward


def _product(layer: Any, states: Tensor) -> Tensor:
    found: Tensor = torch.ops.mkldnn._linear_pointwise(
        states, layer.weight, layer.bias, "none", [], ""
    )
    return found
