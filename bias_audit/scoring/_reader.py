"""Looks at several places of each sequence, masked or not, and keeps the few numbers asked for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bias_audit.errors import ScoringError
from bias_audit.records import ProgressCallback
from bias_audit.scoring._forward import _FAST_PASS_COST, _LOGITS, _PASS_COST, _TOKENS, Forward
from bias_audit.scoring._readings import Reading, Seen
from bias_audit.scoring._rows import plan

_COUNTED = 64
"""Places whose ranks are counted at once: one comparison with the whole vocabulary each."""


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
        overhead = _PASS_COST.get(self.device.type, _FAST_PASS_COST)
        widest = max((len(reading.places) for reading in readings), default=1)
        tokens = _TOKENS
        if widest > 1 or wish.attention:  # then the head runs on (nearly) every place
            tokens = min(_TOKENS, max(1, _LOGITS // self._size))
        batches = plan(readings, max_rows=self._limit, max_tokens=tokens, overhead=overhead)
        work: Any = (readings, seen, wish)
        done = 0
        with self._eager() if wish.attention else contextlib.nullcontext():
            for batch in self._spread(batches, work, len(batches)):
                done += len(batch)
                if progress is not None:
                    progress(done, len(readings))
        return seen

    def _batch(self, rows: Sequence[Any], answers: Sequence[Any], wanted: Any) -> None:
        with torch.inference_mode():
            ids, mask = _padded(rows, self._pad_id)
            places = _places(rows)
            ids, mask, places = (x.to(self.device) for x in (ids, mask, places))
            if wanted.vectors:
                self._states(ids, mask, rows, answers)
                return
            if wanted.attention:
                logits = self._attending(ids, mask, places, rows, answers)
            else:
                logits = self._shortcut.many(ids, mask, places)
            lengths = torch.tensor([len(row.places) for row in rows], device=self.device)
            real = torch.arange(places.shape[1], device=self.device) < lengths.unsqueeze(1)
            flat = logits[real].float()
            total = flat.logsumexp(dim=-1)
            if not bool(torch.isfinite(total).all()):
                raise ScoringError(
                    f"the model gave logits that are not finite in {self._model.dtype}",
                    hint="use --dtype float32",
                )
            _keep(flat, total, rows, answers, ranks=wanted.ranks)

    def _attending(
        self,
        ids: Tensor,
        mask: Tensor,
        places: Tensor,
        rows: Sequence[Reading],
        answers: Sequence[Seen],
    ) -> Tensor:
        """Logits at the places; the attention that each receives goes into the answers."""
        output = self._model(input_ids=ids, attention_mask=mask, output_attentions=True)
        layers = output.attentions
        if not layers or any(layer is None for layer in layers):
            raise ScoringError(
                f"{type(self._model).__name__} does not report attention",
                hint="leave out the measures that weight by attention",
            )
        readers = mask.float().unsqueeze(-1)
        received = torch.zeros(ids.shape, device=self.device)
        for layer in layers:
            received += (layer.float().mean(dim=1) * readers).sum(dim=1) / readers.sum(dim=1)
        received /= len(layers)
        weights = received.gather(1, places).tolist()
        for row, answer, values in zip(rows, answers, weights, strict=True):
            answer.attention = values[: len(row.places)]
        index = torch.arange(ids.shape[0], device=self.device).unsqueeze(1)
        logits: Tensor = output.logits[index, places]
        return logits

    def _states(
        self, ids: Tensor, mask: Tensor, rows: Sequence[Reading], answers: Sequence[Seen]
    ) -> None:
        """Mean of the last layer's states over the places of each row, into the answers."""
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
    def _eager(self) -> Iterator[None]:
        """Fused attention never writes its weights out: use the plain one meanwhile."""
        before = self._model.config._attn_implementation
        try:
            self._model.set_attn_implementation("eager")
        except (ValueError, ImportError, AttributeError) as error:
            raise ScoringError(
                f"{type(self._model).__name__} has no attention that reports its weights",
                hint="leave out the measures that weight by attention",
            ) from error
        try:
            yield
        finally:
            self._model.set_attn_implementation(before)


def _padded(rows: Sequence[Reading], pad_id: int) -> tuple[Tensor, Tensor]:
    """Ids and attention mask, padded on the right to the longest sequence."""
    longest = max(len(row.ids) for row in rows)
    ids = [list(row.ids) + [pad_id] * (longest - len(row.ids)) for row in rows]
    mask = [[1] * len(row.ids) + [0] * (longest - len(row.ids)) for row in rows]
    return torch.tensor(ids), torch.tensor(mask)


def _places(rows: Sequence[Reading]) -> Tensor:
    """Places, padded with each sequence's first one."""
    most = max(len(row.places) for row in rows)
    return torch.tensor(
        [list(row.places) + [row.places[0]] * (most - len(row.places)) for row in rows]
    )


def _keep(
    flat: Tensor, total: Tensor, rows: Sequence[Reading], answers: Sequence[Seen], *, ranks: bool
) -> None:
    """Log-probability = logit - logsumexp, so the log-softmax is never written out."""
    golds = [place for row in rows for place in row.golds]
    asked = [(n, piece) for n, place in enumerate(golds) for piece in place]
    index = torch.tensor(asked, device=flat.device).reshape(-1, 2)
    logits = flat[index[:, 0], index[:, 1]]
    values = iter((logits - total[index[:, 0]]).tolist())
    counted = iter(_ranks(flat, index, logits).tolist() if ranks else ())
    best = iter((flat.amax(dim=-1) - total).tolist() if ranks else ())
    for row, answer in zip(rows, answers, strict=True):
        answer.log_probs = [{piece: next(values) for piece in place} for place in row.golds]
        if ranks:
            answer.ranks = [{piece: next(counted) for piece in place} for place in row.golds]
            answer.best = [next(best) for _ in row.places]


def _ranks(flat: Tensor, index: Tensor, golds: Tensor) -> Tensor:
    """1 + larger logits + equal ones of a smaller id; counting costs far less than a sort."""
    ids = torch.arange(flat.shape[1], device=flat.device)
    found = []
    for first in range(0, len(index), _COUNTED):
        part = slice(first, first + _COUNTED)
        rows, gold = flat[index[part, 0]], golds[part].unsqueeze(1)
        before = (rows == gold) & (ids < index[part, 1].unsqueeze(1))
        found.append((rows > gold).sum(dim=1) + before.sum(dim=1) + 1)
    return torch.cat(found) if found else torch.zeros(0, dtype=torch.long)
