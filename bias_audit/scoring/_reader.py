"""Looks at several places of each sequence, masked or not, and keeps the few numbers asked for."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from bias_audit.errors import ScoringError
from bias_audit.records import ProgressCallback
from bias_audit.scoring._forward import _LOGITS, _TOKENS, Forward
from bias_audit.scoring._readings import Reading, Seen
from bias_audit.scoring._reduce import log_sums, ranks, split
from bias_audit.scoring._rows import plan


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What all readings of one call are asked for besides log-probabilities."""

    ranks: bool = False
    """Ranks of the pieces, and the likeliest piece's log-probability."""
    attention: bool = False
    """Attention received by the places."""
    vectors: bool = False
    """The mean state of the last layer over the places, and nothing else."""


class Reader(Forward):
    """A model as a function from readings to what is seen there.

    Shares batches, cores and the answer to a lack of memory with :class:`Forward`.
    """

    def __init__(self, forward: Forward) -> None:
        self._model, self.device = forward._model, forward.device
        self._pad_id, self._size = forward._pad_id, forward._size
        self._limit, self._shortcut = forward._limit, forward._shortcut
        self._overhead = forward._overhead

    def read(
        self,
        readings: Sequence[Reading],
        wish: Wish | None = None,
        *,
        progress: ProgressCallback | None = None,
    ) -> list[Seen]:
        """Answer all readings, in the order given.

        Raises:
            ScoringError: When one sequence alone does not fit into memory, the model's output is
                not finite, or the model cannot report attention.
        """
        wish = wish or Wish()
        seen = [Seen() for _ in readings]
        widest = max((len(reading.places) for reading in readings), default=1)
        tokens = _TOKENS
        if widest > 1 or wish.attention:  # then the head runs on (nearly) every place
            tokens = min(_TOKENS, max(1, _LOGITS // self._size))
        batches = plan(readings, max_rows=self._limit, max_tokens=tokens, overhead=self._overhead)
        work: Any = (readings, seen, wish)
        done = 0
        with self.attending(wish):
            for batch in self._spread(batches, work, len(batches)):
                done += len(batch)
                if progress is not None:
                    progress(done, len(readings))
        return seen

    def _batch(self, rows: Sequence[Any], answers: Sequence[Any], wanted: Any) -> None:
        with torch.inference_mode():
            ids, mask = (x.to(self.device) for x in _padded(rows, self._pad_id))
            if wanted.vectors:
                self._states(ids, mask, rows, answers)
                return
            lengths = [len(row.places) for row in rows]
            places = (
                torch.arange(len(rows)).repeat_interleave(torch.tensor(lengths)).to(self.device),
                torch.tensor([p for row in rows for p in row.places]).to(self.device),
            )
            extra = {"output_attentions": True} if wanted.attention else {}
            flat, output = self._shortcut.at(ids, mask, places, **extra)
            total = log_sums(flat)
            if not bool(torch.isfinite(total).all()):
                raise ScoringError(
                    f"the model gave logits that are not finite in {self._model.dtype}",
                    hint="use --dtype float32",
                )
            _keep(flat, total, rows, answers, ranked=wanted.ranks)
            if wanted.attention:
                weights = split(self._received(output.attentions, mask)[places], lengths)
                for answer, values in zip(answers, weights, strict=True):
                    answer.attention = values.tolist()

    def _received(self, layers: Sequence[Tensor | None] | None, mask: Tensor) -> Tensor:
        """Attention that each place of each row receives; padding reads nothing."""
        if not layers or any(layer is None for layer in layers):
            raise ScoringError(
                f"{type(self._model).__name__} does not report attention",
                hint="leave out the measures that weight by attention",
            )
        readers = mask.float().unsqueeze(-1)
        received = torch.zeros(mask.shape, device=self.device)
        for layer in layers:
            if layer is not None:
                received += (layer.float().mean(dim=1) * readers).sum(dim=1) / readers.sum(dim=1)
        return received / len(layers)

    def _states(
        self, ids: Tensor, mask: Tensor, rows: Sequence[Reading], answers: Sequence[Seen]
    ) -> None:
        """Mean of the last layer's states over the places of each row, into the answers."""
        with self._shortcut.gate.passing():
            output = self._model.base_model(input_ids=ids, attention_mask=mask)
        states = getattr(output, "last_hidden_state", None)
        if states is None:
            raise ScoringError(
                f"{type(self._model).__name__} does not return the states of its last layer",
                hint="leave out the measures on the model's vectors",
            )
        for number, (row, answer) in enumerate(zip(rows, answers, strict=True)):
            answer.vector = states[number, list(row.places)].float().mean(dim=0).tolist()

    @contextlib.contextmanager
    def attending(self, wish: Wish) -> Iterator[None]:
        """Fused attention never writes its weights out: use the plain one where they are wanted."""
        if not wish.attention:
            yield
            return
        model = self._model

        def change() -> Callable[[], None]:
            before = model.config._attn_implementation
            model.set_attn_implementation("eager")
            return partial(model.set_attn_implementation, before)

        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(self._shortcut.gate.changed(change))
            except (ValueError, ImportError, AttributeError) as error:
                raise ScoringError(
                    f"{type(self._model).__name__} has no attention that reports its weights",
                    hint="leave out the measures that weight by attention",
                ) from error
            yield


def _padded(rows: Sequence[Reading], pad_id: int) -> tuple[Tensor, Tensor]:
    """Ids and attention mask, padded on the right to the longest sequence."""
    longest = max(len(row.ids) for row in rows)
    ids = [list(row.ids) + [pad_id] * (longest - len(row.ids)) for row in rows]
    mask = [[1] * len(row.ids) + [0] * (longest - len(row.ids)) for row in rows]
    return torch.tensor(ids), torch.tensor(mask)


def _keep(
    flat: Tensor, total: Tensor, rows: Sequence[Reading], answers: Sequence[Seen], *, ranked: bool
) -> None:
    golds = [place for row in rows for place in row.golds]
    asked = [(n, piece) for n, place in enumerate(golds) for piece in place]
    index = torch.tensor(asked, device=flat.device).reshape(-1, 2)
    logits = flat[index[:, 0], index[:, 1]].float()
    values = iter((logits - total[index[:, 0]]).tolist())
    counted = iter(ranks(flat.float(), index[:, 0], index[:, 1]) if ranked else ())
    best = iter((flat.amax(dim=-1) - total).tolist() if ranked else ())
    for row, answer in zip(rows, answers, strict=True):
        answer.log_probs = [{piece: next(values) for piece in place} for place in row.golds]
        if ranked:
            answer.ranks = [{piece: next(counted) for piece in place} for place in row.golds]
            answer.best = [next(best) for _ in row.places]
