"""Read passages: each beginning once, then all that follows it in batches of equal length."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Container, Iterator, Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bias_audit.backends.clm.questions import Passage, PassageResult
from bias_audit.backends.hf.tokenization import WordList
from bias_audit.backends.mlm.forward import log_sums, shares, top
from bias_audit.errors import ScoringError
from bias_audit.records import ProgressCallback

_AUTO_ROWS = {"cpu": 128}
_FAST_ROWS = 512
_LOGITS = 1 << 25
"""Largest number of logits in one batch."""
Beginnings = Sequence[tuple[tuple[int, ...], list[int]]]
"""Beginnings of one length, each with the numbers of the passages that go on from it."""
_TOLERANCE = {torch.float32: 1e-3}
"""Nats by which a passage may come out otherwise if its beginning is read once; elsewhere 0.25."""


class PassageRunner:
    """A causal model as a function from passages to results.

    Args:
        model: of transformers, on its device.
        vocabulary_size: length of the output distribution.
        word_lists: as those of a masked model: the tokens that are words, and their places.
        batch_size: most rows in one pass; ``auto`` chooses.
    """

    def __init__(
        self,
        model: Any,
        *,
        vocabulary_size: int,
        word_lists: Sequence[WordList],
        batch_size: int | Literal["auto"],
    ) -> None:
        self._model = model
        self.device: torch.device = model.device
        self._size = vocabulary_size
        self._words = [torch.from_numpy(each.pieces).to(self.device) for each in word_lists]
        self._places = [each.places for each in word_lists]
        auto = _AUTO_ROWS.get(self.device.type, _FAST_ROWS)
        self._limit = auto if batch_size == "auto" else batch_size
        self.reads_beginnings_once = True
        """Whether the model goes on from the keys and values of a beginning."""

    def check(self, passages: Sequence[Passage]) -> None:
        """Read beginnings once only where that gives what reading each passage whole gives.

        Raises:
            ScoringError: the model cannot read a passage whole.
        """
        self.reads_beginnings_once = False
        whole = self._all(passages)
        self.reads_beginnings_once = True
        try:
            once = self._all(passages)
        except (ScoringError, RuntimeError, TypeError, ValueError, AttributeError, IndexError):
            self.reads_beginnings_once = False
            return
        far = _TOLERANCE.get(self._model.dtype, 0.25) * max(len(p.ids) for p in passages)
        self.reads_beginnings_once = bool(np.allclose(whole, once, rtol=0, atol=far))

    def looks_ahead(self, ids: tuple[int, ...]) -> bool:
        """Say whether what follows a token changes what the model expects in its place.

        Raises:
            ScoringError: the model cannot read the text.
        """
        whole, _ = self._pass([ids], use_cache=False)
        alone, _ = self._pass([ids[:-1]], use_cache=False)
        far = _TOLERANCE.get(self._model.dtype, 0.25)
        return not torch.allclose(whole[:, :-1].float(), alone.float(), rtol=0, atol=far)

    def _all(self, passages: Sequence[Passage]) -> list[float]:
        results = [PassageResult() for _ in passages]
        for _ in self.stream(passages, results):
            pass
        return [result.log_prob for result in results]

    def stream(
        self,
        passages: Sequence[Passage],
        results: Sequence[PassageResult],
        *,
        top_k: int = 0,
        needed: Container[int] | None = None,
        progress: ProgressCallback | None = None,
    ) -> Iterator[list[int]]:
        """Fill in the results batch by batch, and yield the numbers of the passages done.

        What nobody needs is left out where that changes no batch.

        Raises:
            ScoringError: the model's output is not finite, or it cannot read a passage.
        """
        wanted = [n for n in range(len(passages)) if needed is None or n in needed]
        done = 0
        for beginnings in self._plan(passages):
            members = [n for _, after in beginnings for n in after]
            if needed is not None and not any(n in needed for n in members):
                continue
            for batch in self._read(beginnings, passages, results, top_k, needed):
                done += sum(needed is None or n in needed for n in batch)
                if progress is not None:
                    progress(done, len(wanted))
                yield batch

    def _plan(
        self, passages: Sequence[Passage]
    ) -> Iterator[list[tuple[tuple[int, ...], list[int]]]]:
        """Batches of beginnings of one length, each with the passages that go on from it."""
        groups: dict[tuple[int, ...], list[int]] = {}
        for number, passage in enumerate(passages):
            cut = passage.cut
            if not self.reads_beginnings_once and not passage.lists:
                cut = len(passage.ids) - 1
            groups.setdefault(passage.ids[:cut], []).append(number)
        by_length: dict[int, list[tuple[int, ...]]] = {}
        for beginning in sorted(groups, key=lambda ids: (-len(ids), ids)):
            by_length.setdefault(len(beginning), []).append(beginning)
        for length, beginnings in by_length.items():
            for part in self._parts(beginnings, length):
                yield [(beginning, groups[beginning]) for beginning in part]

    def _parts(self, rows: Sequence[Any], length: int) -> Iterator[Sequence[Any]]:
        size = max(1, min(self._limit, _LOGITS // (self._size * length)))
        for first in range(0, len(rows), size):
            yield rows[first : first + size]

    def _read(
        self,
        beginnings: Beginnings,
        passages: Sequence[Passage],
        results: Sequence[PassageResult],
        top_k: int,
        needed: Container[int] | None,
    ) -> Iterator[list[int]]:
        """Read a batch of beginnings, and then what follows each of them."""
        goes_on = self.reads_beginnings_once
        logits, kept = self._pass([ids for ids, _ in beginnings], use_cache=goes_on)
        shared = _chain(logits[:, :-1], [ids[1:] for ids, _ in beginnings])
        last = logits[:, -1].float()
        total = log_sums(last)
        rows = {n: row for row, (_, after) in enumerate(beginnings) for n in after}
        self._answer_open(rows, last, total, passages, results, top_k)
        for number, row in rows.items():
            results[number].log_prob = shared[row]
        tails = {n: passages[n].ids[len(beginnings[row][0]) :] for n, row in rows.items()}
        closed = [n for n in rows if tails[n]]
        places = torch.tensor([rows[n] for n in closed], device=self.device, dtype=torch.int64)
        firsts = torch.tensor([tails[n][0] for n in closed], device=self.device, dtype=torch.int64)
        for number, value in zip(
            closed, (last[places, firsts] - total[places]).tolist(), strict=True
        ):
            results[number].log_prob += value
        yield [n for n in rows if len(tails[n]) < 2]
        by_length: dict[int, list[int]] = {}
        for number in sorted(closed, key=lambda n: (len(tails[n]), tails[n], rows[n])):
            if len(tails[number]) > 1:
                by_length.setdefault(len(tails[number]), []).append(number)
        for length, members in by_length.items():
            for part in self._parts(members, length - 1):
                if needed is None or any(n in needed for n in part):
                    self._go_on(part, kept, rows, tails, results)
                    yield list(part)

    def _go_on(
        self,
        numbers: Sequence[int],
        kept: Any,
        rows: dict[int, int],
        tails: dict[int, tuple[int, ...]],
        results: Sequence[PassageResult],
    ) -> None:
        """Read what follows from the keys and values of the beginnings."""
        index = torch.tensor([rows[n] for n in numbers], device=self.device)
        logits, _ = self._pass([tails[n][:-1] for n in numbers], past=_select(kept, index))
        values = _chain(logits, [tails[n][1:] for n in numbers])
        for number, value in zip(numbers, values, strict=True):
            results[number].log_prob += value

    def _pass(
        self, ids: Sequence[tuple[int, ...]], *, past: Any = None, use_cache: bool = True
    ) -> tuple[Tensor, Any]:
        """Logits at every position of rows of one length, and their keys and values."""
        with torch.inference_mode(), self._reading(len(ids[0])):
            output = self._model(
                input_ids=torch.tensor(ids, device=self.device),
                past_key_values=past,
                use_cache=use_cache,
            )
        return output.logits, output.past_key_values if use_cache else None

    @contextlib.contextmanager
    def _reading(self, length: int) -> Iterator[None]:
        try:
            yield
        except (RuntimeError, ValueError, IndexError, TypeError, AttributeError) as error:
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise ScoringError(
                f"{type(self._model).__name__} cannot read {length} pieces: {reason}",
                hint="a lack of memory looks like this: use a smaller --batch-size",
            ) from error

    def _answer_open(
        self,
        rows: dict[int, int],
        last: Tensor,
        total: Tensor,
        passages: Sequence[Passage],
        results: Sequence[PassageResult],
        top_k: int,
    ) -> None:
        """Say what follows the passages that are asked for it."""
        if not bool(torch.isfinite(total).all()):
            raise ScoringError(
                f"the model gave logits that are not finite in {self._model.dtype}",
                hint="use --dtype float32",
            )
        opened = [n for n in rows if passages[n].lists]
        if not opened:
            return
        index = torch.tensor([rows[n] for n in opened], device=self.device)
        logits, sums = last[index], total[index]
        for number, best in zip(opened, top(logits, sums, top_k), strict=True):
            results[number].top = best
        for place, words in enumerate(self._words):
            mine = [at for at, n in enumerate(opened) if place in passages[n].lists]
            if mine:
                values = shares(logits[mine], sums[mine], words)
                for at, (here, mass) in zip(mine, values, strict=True):
                    results[opened[at]].words[place] = self._spread(here, place), mass

    def _spread(self, values: NDArray[np.float32], place: int) -> NDArray[np.float32]:
        """A distribution over all words from one over a list."""
        whole = np.zeros(len(self._places[0]), dtype=np.float32)
        whole[self._places[place]] = values
        return whole


def _chain(logits: Tensor, tokens: Sequence[tuple[int, ...]]) -> list[float]:
    """Sum of the log-probabilities of tokens that follow each other, for each row."""
    if not logits.shape[1]:
        return [0.0] * len(tokens)
    wanted = torch.tensor(tokens, device=logits.device)
    flat = logits.reshape(-1, logits.shape[-1])
    total = log_sums(flat)
    if not bool(torch.isfinite(total).all()):
        raise ScoringError(
            f"the model gave logits that are not finite in {logits.dtype}",
            hint="use --dtype float32",
        )
    values = flat.gather(1, wanted.reshape(-1, 1)).squeeze(1).float() - total
    sums: list[float] = values.double().reshape(wanted.shape).sum(dim=1).tolist()
    return sums


def _select(kept: Any, rows: Tensor) -> Any:
    """The keys and values of some rows; those that are kept stay as they are."""
    chosen = copy.copy(kept)
    chosen.layers = [copy.copy(layer) for layer in kept.layers]
    chosen.batch_select_indices(rows)
    return chosen
