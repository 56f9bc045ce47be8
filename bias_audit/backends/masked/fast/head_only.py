"""Calls a model so that its vocabulary head sees the masked places only."""

from __future__ import annotations

import threading
from typing import Any

import torch
from torch import Tensor

from bias_audit.backends.masked.fast.model_lock import ReaderWriterLock
from bias_audit.backends.masked.fast.skip_unused import SkipUnused

_ROUNDING = 0.25
"""What the order of products may change in half precision, as a share of the logits' spread."""
Positions = tuple[Tensor, Tensor]
"""Rows, and a position in each; a row may come several times or not at all."""


class HeadOnly:
    """A model that is called for some positions of its rows.

    A hook replaces the encoder's output by the states at those positions, as if they were one row,
    and the model's own head runs on them unaware. Where the encoder's last block is built in a
    known way, a second hook does the same before that block's feed-forward part. ``check`` compares
    with the plain call and keeps the fastest way that gives the same logits: an unknown
    architecture is slower, never wrong. Beside a hook, products that a pass need not do are left
    out (:class:`SkipUnused`), where that holds too.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._hooks: list[Any] = []
        """Modules whose output is replaced."""
        self._asked = threading.local()
        """Positions of the call in progress in this thread; without any, the hooks do nothing."""
        self._sparse: SkipUnused | None = None
        self.lock = ReaderWriterLock()
        """For whatever changes the model, or calls it in another way."""
        self._leaves_out = True
        """Whether the model's first and last block may leave products out."""

    def check(self, ids: Tensor, mask: Tensor, positions: Tensor, expected: Tensor) -> bool:
        """Choose the hooks; return False when even the plain call differs from ``expected``."""
        points = [p for p in (_last_attention(self._model), _encoder(self._model)) if p is not None]
        asked = ids, mask, positions, expected
        for first in range(len(points) + 1):
            self._hooks = points[first:]
            handles = [module.register_forward_hook(self._replace) for module in self._hooks]
            if self._same_logits(*asked):
                self._leaves_out = bool(self._hooks) and self.enable(*asked, folded=False)
                return True
            for handle in handles:
                handle.remove()
        return False

    def is_padding_invariant(
        self, ids: Tensor, mask: Tensor, positions: Tensor, expected: Tensor
    ) -> bool:
        """Whether padded rows give the logits that they give alone; they do not in models that read
        padding.

        Nothing is left out any more where rows of several lengths cannot share products.
        """
        self.disable()
        if not self._same_logits(ids, mask, positions, expected, rounded=True):
            return False
        with torch.inference_mode():
            whole = self(ids, mask, positions).float()
        self._leaves_out = self._leaves_out and self.enable(
            ids, mask, positions, whole, folded=False
        )
        return True

    def disable(self) -> None:
        """Do all products, until :meth:`enable`."""
        if self._sparse is not None:
            self._sparse.remove()
            self._sparse = None

    def enable(
        self,
        ids: Tensor,
        mask: Tensor,
        positions: Tensor,
        expected: Tensor,
        *,
        folded: bool,
        rounded: bool = False,
    ) -> bool:
        """Leave products out, if that gives the same logits; every row is asked twice.

        Args:
            folded: As in :class:`SkipUnused`.
            rounded: Products are rounded in another order than those behind ``expected``.
        """
        if not self._leaves_out:
            return self._same_logits(ids, mask, positions, expected, rounded)
        self._sparse = SkipUnused(self._model, folded=folded)
        ids, mask, positions, expected = (
            torch.cat([each, each]) for each in (ids, mask, positions, expected)
        )
        if self._sparse.install() and self._same_logits(ids, mask, positions, expected, rounded):
            return True
        self.disable()
        return False

    def _same_logits(
        self,
        ids: Tensor,
        mask: Tensor,
        positions: Tensor,
        expected: Tensor,
        rounded: bool = False,
    ) -> bool:
        """Whether a call gives these logits."""
        near = far = 1e-4 if self._model.dtype == torch.float32 else 5e-2
        if rounded and self._model.dtype != torch.float32:  # all logits of a deep model move
            far = max(far, _ROUNDING * float(expected.std(dim=-1).max()))
        try:
            with torch.inference_mode():
                logits = self(ids, mask, positions).float()
        except (RuntimeError, TypeError, ValueError, IndexError, AttributeError):
            return False
        return logits.shape == expected.shape and torch.allclose(
            logits, expected, atol=far, rtol=near
        )

    def __call__(self, ids: Tensor, mask: Tensor, positions: Tensor) -> Tensor:
        """Logits at one position per row, in the model's dtype."""
        rows = torch.arange(ids.shape[0], device=ids.device)
        return self.logits_at(ids, mask, (rows, positions))[0]

    def logits_at(
        self, ids: Tensor, mask: Tensor, places: Positions, **options: Any
    ) -> tuple[Tensor, Any]:
        """Logits at the places, one row each, and all that the model returned."""
        with self.lock.read():
            self._asked.places, self._asked.taken = places, False
            try:
                if self._sparse is not None:  # whoever asks for more may ask for all places
                    self._sparse.begin(ids, mask, None if options else places)
                output = self._model(input_ids=ids, attention_mask=mask, **options)
            finally:
                self._asked.places = None
                if self._sparse is not None:
                    self._sparse.end()
        return output.logits[0] if self._asked.taken else output.logits[places], output

    def _replace(self, _module: Any, _inputs: Any, output: Any) -> Any:
        places = getattr(self._asked, "places", None)
        if places is None or self._asked.taken:
            return output
        self._asked.taken = True
        if isinstance(output, Tensor):
            return output[places].unsqueeze(0)
        if isinstance(output, tuple):
            return (output[0][places].unsqueeze(0), *output[1:])
        output.last_hidden_state = output.last_hidden_state[places].unsqueeze(0)
        return output


def _encoder(model: Any) -> Any:
    return model.base_model if model.base_model is not model else None


def _last_attention(model: Any) -> Any:
    """The module of the last block after which only the asked positions matter."""
    blocks = [
        module[-1]
        for module in model.base_model.modules()
        if isinstance(module, torch.nn.ModuleList) and len(module)
    ]
    for block in blocks:
        children = dict(block.named_children())
        if {"attention", "intermediate", "output"} <= children.keys():
            return children["attention"]
        if {"attention", "sa_layer_norm", "ffn"} <= children.keys():
            return children["sa_layer_norm"]
    return None
