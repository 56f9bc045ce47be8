"""Call a model so that its vocabulary head sees the masked positions only."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bias_audit.backends.mlm.fast.skip_unused import PartialBlocks

_ROUNDING = 0.25
"""What the order of products may change in half precision, as a share of the logits' spread."""
Positions = tuple[Tensor, Tensor]
"""Rows, and a position in each; a row may come several times or not at all."""


class Sample(NamedTuple):
    """A batch whose logits are known."""

    ids: Tensor
    mask: Tensor
    """1 for a token, 0 for padding."""
    positions: Tensor
    """One in each row."""
    logits: Tensor
    """At those positions, in float32."""


class HeadOnly:
    """A model that is called for some positions of its rows.

    A hook replaces the encoder's output by the states at those positions, as if they were one row,
    and the model's own head runs on them unaware. Where the encoder's last block is built in a
    known way, a second hook does the same before that block's feed-forward part. ``check`` compares
    with the plain call and keeps the fastest way that gives the same logits: an unknown
    architecture is slower, never wrong. Products that a pass need not do are left out too
    (:class:`PartialBlocks`), where that holds.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._hooks: list[Any] = []
        """Modules whose output is replaced."""
        self._call = threading.local()
        """Positions of the call in progress in this thread; without any, the hooks do nothing."""
        self._sparse: PartialBlocks | None = None
        self.lock = ReaderWriterLock()
        """For whatever changes the model, or calls it in another way."""
        self._can_skip = True
        """Whether the model's first and last block may leave products out."""
        self._hooks_fit = True
        """Whether the hooks were right for every length so far."""

    def check(self, sample: Sample) -> bool:
        """Choose the hooks; return False where even the plain call gives other logits."""
        points = [p for p in (_last_attention(self._model), _encoder(self._model)) if p is not None]
        for first in range(len(points) + 1):
            self._hooks = points[first:]
            handles = [module.register_forward_hook(self._replace) for module in self._hooks]
            if self._same_logits(sample):
                self._can_skip = bool(self._hooks) and self.enable(sample, folded=False)
                return True
            for handle in handles:
                handle.remove()
        return False

    def is_padding_invariant(self, sample: Sample) -> bool:
        """Whether padded rows give the logits that they give alone; some models read padding.

        Nothing is left out any more where rows of several lengths cannot share products.
        """
        self.disable()
        if not self._same_logits(sample, rounded=True):
            return False
        with torch.inference_mode():
            whole = sample._replace(logits=self(*sample[:3]).float())
        self._can_skip = self._can_skip and self.enable(whole, folded=False)
        return True

    def disable(self) -> None:
        """Do all products, until :meth:`enable`."""
        if self._sparse is not None:
            self._sparse.remove()
            self._sparse = None

    def enable(self, sample: Sample, *, folded: bool, rounded: bool = False) -> bool:
        """Leave products out, if that gives the same logits; every row is asked twice.

        Args:
            sample: what to compare with.
            folded: as in :class:`PartialBlocks`.
            rounded: products are rounded in another order than those behind the sample.
        """
        if not self._can_skip:
            return self._same_logits(sample, rounded=rounded)
        self._sparse = PartialBlocks(self._model, folded=folded)
        twice = Sample(*(torch.cat([part, part]) for part in sample))
        if self._sparse.install() and self._same_logits(twice, rounded=rounded):
            return True
        self.disable()
        return False

    def _same_logits(self, sample: Sample, *, rounded: bool = False) -> bool:
        near = far = 1e-4 if self._model.dtype == torch.float32 else 5e-2
        if rounded and self._model.dtype != torch.float32:  # all logits of a deep model move
            far = max(far, _ROUNDING * float(sample.logits.std(dim=-1).max()))
        try:
            with torch.inference_mode():
                logits = self(*sample[:3]).float()
        except (RuntimeError, TypeError, ValueError, IndexError, AttributeError):
            return False
        same_shape = logits.shape == sample.logits.shape
        return same_shape and torch.allclose(logits, sample.logits, atol=far, rtol=near)

    def __call__(self, ids: Tensor, mask: Tensor, positions: Tensor) -> Tensor:
        """Logits at one position per row, in the model's dtype."""
        rows = torch.arange(ids.shape[0], device=ids.device)
        return self.logits_at(ids, mask, (rows, positions))[0]

    def logits_at(
        self, ids: Tensor, mask: Tensor, places: Positions, **options: Any
    ) -> tuple[Tensor, Any]:
        """Logits at the places, one row each, and all that the model returned."""
        with self.lock.read():
            self._call.places, self._call.is_done = places, False
            try:
                if self._sparse is not None:  # whoever asks for more may ask for all places
                    self._sparse.begin(ids, mask, None if options else places)
                output = self._model(input_ids=ids, attention_mask=mask, **options)
            finally:
                self._call.places = None
                if self._sparse is not None:
                    self._sparse.end()
        if not self._call.is_done:
            return output.logits[places], output
        if output.logits.shape[1] != len(places[0]):
            # a model that pads to whole windows cuts that off after its last block
            self._hooks_fit = False
            return self.logits_at(ids, mask, places, **options)
        return output.logits[0], output

    def _replace(self, _module: Any, _inputs: Any, output: Any) -> Any:
        places = getattr(self._call, "places", None)
        if places is None or self._call.is_done or not self._hooks_fit:
            return output
        self._call.is_done = True
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
    for module in model.base_model.modules():
        if isinstance(module, torch.nn.ModuleList) and len(module):
            children = dict(module[-1].named_children())
            if {"attention", "intermediate", "output"} <= children.keys():
                return children["attention"]
            if {"attention", "sa_layer_norm", "ffn"} <= children.keys():
                return children["sa_layer_norm"]
    return None


class ReaderWriterLock:
    """Let passes run in parallel; a change of the model waits until none is under way.

    A pass looks at the model's settings more than once, and would mix them.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._inside = self._waiting = self._held = 0
        self._undo: Callable[[], None] = lambda: None

    @contextlib.contextmanager
    def read(self) -> Iterator[None]:
        """Hold the lock for a pass; passes do not begin inside passes."""
        with self._condition:
            self._condition.wait_for(lambda: not self._waiting)
            self._inside += 1
        try:
            yield
        finally:
            with self._condition:
                self._inside -= 1
                self._condition.notify_all()

    @contextlib.contextmanager
    def write(self, change: Callable[[], Callable[[], None]]) -> Iterator[None]:
        """Hold the lock for a changed model: the first holder changes it, the last reverts that.

        Args:
            change: changes the model, and returns what undoes it.

        Raises:
            Exception: what ``change`` raises; then the model is not held.
        """
        with self._exclusive():
            if not self._held:
                self._undo = change()
            self._held += 1
        try:
            yield
        finally:
            with self._exclusive():
                self._held -= 1
                if not self._held:
                    self._undo()

    @contextlib.contextmanager
    def _exclusive(self) -> Iterator[None]:
        with self._condition:
            self._waiting += 1
            try:
                self._condition.wait_for(lambda: not self._inside)
                yield
            finally:
                self._waiting -= 1
                self._condition.notify_all()
