"""Products that a pass need not do: equal rows of the first block, unasked places of the last.

The first block's queries, keys and values depend on a piece and its place alone, and the sentences
of a batch share most of them. Of the last block only the asked places matter, so its queries and
the product behind its attention are needed there alone; and where that is one place of a sentence,
its keys and values need not be computed at all (:class:`LastBlockSkip`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from bias_audit.backends.mlm.fast import attention

Product = Callable[[Tensor], Tensor]
_GAIN = 0.8
"""Share of distinct rows, or of asked places, up to which leaving out the others pays."""


class Pass(threading.local):
    """What the pass in progress in this thread may leave out; nothing between passes."""

    distinct: tuple[Tensor, Tensor] | None = None
    """Numbers of the batch's distinct rows, and of each row's equal among them."""
    places: Tensor | None = None
    """Numbers of the asked rows, in a batch laid out flat."""
    columns: Tensor | None = None
    """The asked place of each row, where keys and values of the last block are left out."""
    states: Tensor | None = None
    """What the left out keys and values would be made of, once it is there."""
    left: int = 0
    """Products of the first block that are still to come: in a model whose blocks are one module
    the later ones are not of the first block."""


class PartialBlocks:
    """A model whose first and last block leave products out.

    Args:
        model: Any model.
        folded: Leave out keys and values of the last block too, which suits models whose attention
            does nothing between them and their products.
    """

    def __init__(self, model: Any, *, folded: bool) -> None:
        self._pass = Pass()
        first, last = _blocks(model)
        self._first = _attention_layers(first) if first is not None else []
        self._last = _query_layers(last) if last is not None and last is not first else []
        usable = model.device.type == "cpu" and len(self._first) == 3 and len(self._last) == 2
        self._layers = [*self._first, *self._last] if usable else []
        self._fold: LastBlockSkip | None = None
        if usable and folded and attention.is_installed(model):
            self._fold = _find_last_block_skip(model, last, self._pass)
        self._pad = getattr(model.config, "pad_token_id", None)

    def install(self) -> bool:
        """Change the layers; return False where the model is not built in a known way."""
        for layer in self._layers:
            way = self._of_first if any(layer is known for known in self._first) else self._of_last
            _replace(layer, way)
        if self._fold is not None:
            self._fold.install()
        return bool(self._layers)

    def remove(self) -> None:
        """Let the layers compute as before."""
        for layer in self._layers:
            _restore(layer)
        if self._fold is not None:
            self._fold.remove()

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
            if self._fold and self._fold.usable and _one_each(places[0], ids):
                self._pass.columns = places[1]
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
        self._pass.distinct = self._pass.places = self._pass.columns = self._pass.states = None

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


class LastBlockSkip:
    """The last block's attention where one place of each row is asked for.

    A query times a key is the query times the weights of the keys times a state: with the products
    in this order one vector a head meets the states, and no key is computed. So with the values:
    the states are summed, and the sum goes through the weights. A bias of the keys adds the same to
    all places, which their softmax does not see.
    """

    def __init__(self, model: Any, owner: Any, key: Any, value: Any, asked: Pass) -> None:
        self._model, self._owner = model, owner
        self._key, self._value, self._pass = key, value, asked

    @property
    def usable(self) -> bool:
        """Whether the model's attention would come here now."""
        return attention.is_installed(self._model)

    def install(self) -> None:
        """Let the block attend this way in passes that ask for one place of each row."""
        for layer in (self._key, self._value):
            _replace(layer, self._left_out)
        attention.override_attention(self._owner, self._attend)

    def remove(self) -> None:
        """Let the block attend as before."""
        attention.override_attention(self._owner, None)
        for layer in (self._key, self._value):
            _restore(layer)

    def _left_out(self, product: Product, states: Tensor) -> Tensor:
        if self._pass.columns is None:
            return product(states)
        self._pass.states = states
        return states

    def _attend(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        mask: Tensor | None,
        scale: float,
        simple: bool,
    ) -> Tensor | None:
        """Attention at the asked places, zero elsewhere."""
        asked, states = self._pass.columns, self._pass.states
        if asked is None:
            return None
        if states is None or not simple or not (_cut(key, states) and _cut(value, states)):
            raise RuntimeError("something stands between states, keys and attention")
        rows, heads, columns, size = query.shape
        each = torch.arange(rows)
        keys, values = (layer.weight.view(heads, size, -1) for layer in (self._key, self._value))
        queries = torch.bmm(query[each, :, asked].transpose(0, 1) * scale, keys)
        weights = torch.bmm(states, queries.permute(1, 2, 0))
        if mask is not None:
            read = mask.expand(rows, 1, columns, columns)[each, 0, asked]
            weights = attention.apply_mask(weights, read.unsqueeze(-1))
        shares = torch.softmax(weights, dim=1, dtype=torch.float32).to(states.dtype)
        summed = torch.bmm(shares.transpose(1, 2), states).transpose(0, 1)
        answers = torch.bmm(summed, values.transpose(1, 2)).transpose(0, 1)
        if self._value.bias is not None:
            answers = answers + self._value.bias.view(heads, size)
        found = query.new_zeros(rows, columns, heads, size)
        found[each, asked] = answers
        return found


class _Patch:
    """A layer's forward, and what it was before."""

    def __init__(
        self, product: Product, way: Callable[[Product, Tensor], Tensor], patched: bool
    ) -> None:
        self.product, self._way, self.patched = product, way, patched

    def __call__(self, states: Tensor) -> Tensor:
        return self._way(self.product, states)


def _replace(layer: Any, way: Callable[[Product, Tensor], Tensor]) -> None:
    layer.forward = _Patch(layer.forward, way, "forward" in vars(layer))


def _restore(layer: Any) -> None:
    replaced = layer.forward
    if isinstance(replaced, _Patch):
        del layer.forward
        if replaced.patched:
            layer.forward = replaced.product


def _one_each(rows: Tensor, ids: Tensor) -> bool:
    """Whether every row of a batch is asked for one place, in order."""
    return torch.equal(rows, torch.arange(len(ids)))


def _cut(heads: Tensor, states: Tensor) -> bool:
    """Whether heads, [rows, heads, columns, size of a head], are the states and nothing else."""
    back = heads.transpose(1, 2)
    same = back.data_ptr() == states.data_ptr() and back.dtype == states.dtype
    return same and back.is_contiguous() and back.flatten(2).shape == states.shape


def _blocks(model: Any) -> tuple[Any, Any]:
    """First and last block of the encoder."""
    for module in model.base_model.modules():
        if isinstance(module, torch.nn.ModuleList) and len(module) > 1:
            return module[0], module[-1]
    return None, None


def _attention_layers(block: Any) -> list[Any]:
    """The layers that make a block's queries, keys and values."""
    return _linear(block, ("query", "key", "value"), ("q_lin", "k_lin", "v_lin"))


def _find_last_block_skip(model: Any, block: Any, asked: Pass) -> LastBlockSkip | None:
    """A block's attention for one place of each row, where its parts are known."""
    layers = _attention_layers(block)
    owners = [m for m in block.modules() if {*layers} <= {*m.children()}]
    if len(layers) != 3 or len(owners) != 1:
        return None
    _, key, value = layers
    if any(layer.in_features != layer.out_features for layer in (key, value)):
        return None
    return LastBlockSkip(model, owners[0], key, value, asked)


def _query_layers(block: Any) -> list[Any]:
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
