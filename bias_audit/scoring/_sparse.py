"""Products that a pass need not do: equal rows of the first block, unasked places of the last.

The first block's queries, keys and values depend on a piece and its place alone, and the sentences
of a batch share most of them. Of the last block only the asked places matter, so its queries and
the product behind its attention are needed there alone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Product = Callable[[Tensor], Tensor]
_GAIN = 0.8
"""Share of distinct rows, or of asked places, up to which leaving out the others pays."""


class Pass(threading.local):
    """What the pass in progress in this thread may leave out; nothing between passes."""

    distinct: tuple[Tensor, Tensor] | None = None
    """Numbers of the batch's distinct rows, and of each row's equal among them."""
    places: Tensor | None = None
    """Numbers of the asked rows, in a batch laid out flat."""
    left: int = 0
    """Products of the first block that are still to come: in a model whose blocks are one module
    the later ones are not of the first block."""


class Sparse:
    """A model whose first and last block leave products out."""

    def __init__(self, model: Any) -> None:
        self._pass = Pass()
        first, last = _blocks(model)
        self._first = _attended(first) if first is not None else []
        self._last = _queried(last) if last is not None and last is not first else []
        usable = model.device.type == "cpu" and len(self._first) == 3 and len(self._last) == 2
        self._layers = [*self._first, *self._last] if usable else []
        self._pad = getattr(model.config, "pad_token_id", None)

    def install(self) -> bool:
        """Change the layers; return False where the model is not built in a known way."""
        for layer in self._layers:
            way = self._of_first if any(layer is known for known in self._first) else self._of_last
            layer.forward = _Replaced(layer.forward, way, "forward" in vars(layer))
        return bool(self._layers)

    def remove(self) -> None:
        """Let the layers compute as before."""
        for layer in self._layers:
            replaced = layer.forward
            if isinstance(replaced, _Replaced):
                del layer.forward
                if replaced.patched:
                    layer.forward = replaced.product

    def begin(self, ids: Tensor, mask: Tensor, places: tuple[Tensor, Tensor] | None) -> None:
        """Say what the pass over these pieces, padded on the right, will ask for.

        Args:
            ids: pieces, [rows, columns].
            mask: 1 for a piece, 0 for padding.
            places: rows and columns that matter after the last block; None where all do.
        """
        if not self._layers:
            return
        wide = ids.shape[1]
        if places is not None and len(places[0]) <= _GAIN * ids.numel():
            self._pass.places = places[0] * wide + places[1]
        if self._pad is not None and bool(((ids == self._pad) & (mask == 1)).any()):
            return  # places are counted without such pieces, so a column is no place
        kinds, equal = torch.unique(
            (ids * wide + torch.arange(wide)).reshape(-1), return_inverse=True
        )
        if len(kinds) <= _GAIN * equal.numel():
            distinct = torch.empty_like(kinds)
            distinct[equal] = torch.arange(equal.numel())
            self._pass.distinct, self._pass.left = (distinct, equal), len(self._first)

    def end(self) -> None:
        """Forget the pass."""
        self._pass.distinct = self._pass.places = None

    def _of_first(self, product: Product, states: Tensor) -> Tensor:
        found = self._pass.distinct
        if found is None or self._pass.left == 0:
            return product(states)
        self._pass.left -= 1
        distinct, equal = found
        flat = states.reshape(-1, states.shape[-1])
        return product(flat[distinct])[equal].view(*states.shape[:-1], -1)

    def _of_last(self, product: Product, states: Tensor) -> Tensor:
        places = self._pass.places
        if places is None:
            return product(states)
        flat = states.reshape(-1, states.shape[-1])
        asked = product(flat[places])
        found = asked.new_zeros(flat.shape[0], asked.shape[-1])
        found[places] = asked
        return found.view(*states.shape[:-1], -1)


class _Replaced:
    """A layer's forward, and what it was before."""

    def __init__(
        self, product: Product, way: Callable[[Product, Tensor], Tensor], patched: bool
    ) -> None:
        self.product, self._way, self.patched = product, way, patched

    def __call__(self, states: Tensor) -> Tensor:
        return self._way(self.product, states)


def _blocks(model: Any) -> tuple[Any, Any]:
    """First and last block of the encoder."""
    for module in model.base_model.modules():
        if isinstance(module, torch.nn.ModuleList) and len(module) > 1:
            return module[0], module[-1]
    return None, None


def _attended(block: Any) -> list[Any]:
    """The layers that make a block's queries, keys and values."""
    return _linear(block, ("query", "key", "value"), ("q_lin", "k_lin", "v_lin"))


def _queried(block: Any) -> list[Any]:
    """The layer that makes a block's queries, and the one behind its attention."""
    return _linear(block, ("query",), ("q_lin",)) + _linear(
        getattr(block, "attention", block), ("output.dense",), ("out_lin",)
    )


def _linear(block: Any, *ways: tuple[str, ...]) -> list[Any]:
    """The linear layers whose names end so, where there is one of each."""
    named = [(n, m) for n, m in block.named_modules() if type(m) is torch.nn.Linear]
    for names in ways:
        found = [[m for n, m in named if f".{n}".endswith(f".{name}")] for name in names]
        if all(len(each) == 1 for each in found):
            return [each[0] for each in found]
    return []
