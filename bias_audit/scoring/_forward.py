"""Runs rows through a model and reduces each to the few numbers that were asked for."""

from __future__ import annotations

import inspect
from collections.abc import Container, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bias_audit.errors import ScoringError
from bias_audit.records import ProgressCallback
from bias_audit.scoring import _attention as attention
from bias_audit.scoring._linear import quicken
from bias_audit.scoring._reduce import log_sums, ranks, shares, top
from bias_audit.scoring._rows import Row, plan
from bias_audit.scoring._shortcut import Shortcut

_PASS_COST = {"cpu": 32}
"""Fixed cost of one forward pass in tokens, by device; elsewhere ``_FAST_PASS_COST``."""
_FAST_PASS_COST = 2048
_AUTO_ROWS = {"cpu": 128}
_FAST_ROWS = 512
_TOKENS = 16_384
_LOGITS = 1 << 25
"""Largest number of logits in one batch."""


@dataclass(slots=True)
class Answer:
    """What a row was asked for."""

    log_probs: dict[int, float] = field(default_factory=dict)
    """Natural log-probability by piece."""
    ranks: dict[int, int] = field(default_factory=dict)
    """Rank in the vocabulary by piece, 1 is the top; only where it was asked for."""
    top: tuple[tuple[int, float], ...] = ()
    """Most likely pieces and their probabilities, best first."""
    words: NDArray[np.float32] | None = None
    word_mass: float = 0.0


_Work = tuple[Sequence[Row], Sequence[Answer], tuple["Tensor | None", int]]
"""Rows, their answers, and what open rows want."""


class Forward:
    """A model as a function from rows to answers."""

    def __init__(
        self,
        model: Any,
        *,
        device: torch.device,
        pad_id: int,
        vocabulary_size: int,
        batch_size: int | None,
    ) -> None:
        self._model = model
        self.device = device
        self._pad_id = pad_id
        self._size = vocabulary_size
        self._limit = batch_size or _AUTO_ROWS.get(device.type, _FAST_ROWS)
        self._limit = max(1, min(self._limit, _LOGITS // vocabulary_size))
        self._shortcut = Shortcut(model)
        self._overhead = _PASS_COST.get(device.type, _FAST_PASS_COST)
        """Padding that a batch may have, in pieces; none for models that read padding."""

    def run(
        self,
        rows: Sequence[Row],
        *,
        words: NDArray[np.int64] | None = None,
        top_k: int = 0,
        progress: ProgressCallback | None = None,
    ) -> list[Answer]:
        """Answer all rows, in the order given.

        Args:
            rows: Distinct rows.
            words: Ids of the pieces that open rows report as words.
            top_k: How many completions open rows report.
            progress: Called with (rows done, rows in all) after each batch.

        Raises:
            ScoringError: When one row alone does not fit into memory, or the model's output is
                not finite.
        """
        answers = [Answer() for _ in rows]
        for _ in self.stream(rows, answers, words=words, top_k=top_k, progress=progress):
            pass
        return answers

    def stream(
        self,
        rows: Sequence[Row],
        answers: Sequence[Answer],
        *,
        words: NDArray[np.int64] | None = None,
        top_k: int = 0,
        needed: Container[int] | None = None,
        progress: ProgressCallback | None = None,
    ) -> Iterator[list[int]]:
        """Fill in the answers batch by batch, and yield the numbers of the rows done.

        Batches without a needed row are left out; the others are what they always are.
        """
        planned = plan(rows, max_rows=self._limit, max_tokens=_TOKENS, overhead=self._overhead)
        batches = [b for b in planned if needed is None or any(n in needed for n in b)]
        total, done = sum(map(len, batches)), 0
        work = rows, answers, self._wanted(words, top_k)
        for batch in self._spread(batches, work, len(planned)):
            done += len(batch)
            if progress is not None:
                progress(done, total)
            yield batch

    def _spread(
        self, batches: Sequence[list[int]], work: _Work, planned: int
    ) -> Iterator[list[int]]:
        """Score all batches and yield them as they are done.

        On a CPU each core works on batches of its own: passes over short sentences are too small
        to share one between cores, and a busy neighbour would hold up both. Whether cores share a
        pass depends on how many were planned, since that can change the last digits.
        """
        cores = torch.get_num_threads()
        if self.threads(planned) == cores or self.device.type != "cpu":
            for batch in batches:
                yield self._score(batch, work)
            return
        pool = ThreadPoolExecutor(cores, "scoring", torch.set_num_threads, (1,))
        try:
            jobs = [pool.submit(self._score, batch, work) for batch in batches]
            for job in as_completed(jobs):
                yield job.result()
        finally:
            pool.shutdown(cancel_futures=True)
            torch.set_num_threads(cores)

    def threads(self, planned: int) -> int:
        """Threads of one pass on a CPU, where so many batches were planned in all."""
        return 1 if planned > 1 else torch.get_num_threads()

    def alone(self, rows: Sequence[Any], answers: Sequence[Any], wanted: Any, threads: int) -> None:
        """Score one batch that was planned elsewhere, as :meth:`stream` would score it here."""
        if self.device.type == "cpu":
            torch.set_num_threads(threads)
        self._score(list(range(len(rows))), (rows, answers, wanted))

    def _wanted(self, words: NDArray[np.int64] | None, top_k: int) -> Any:
        """What open rows want, as :meth:`_batch` takes it."""
        return None if words is None else torch.from_numpy(words).to(self.device), top_k

    def _score(self, batch: list[int], work: _Work) -> list[int]:
        """Score one batch, in halves where memory is short; return it."""
        rows, answers, wanted = work
        waiting = [batch]
        while waiting:
            part = waiting.pop()
            if len(part) > self._limit:
                waiting += _halves(part)
                continue
            try:
                self._batch([rows[n] for n in part], [answers[n] for n in part], wanted)
            except RuntimeError as error:
                if not _out_of_memory(error):
                    raise
                self._shrink(len(part), error)
                waiting += _halves(part)
        return batch

    def _shrink(self, size: int, error: RuntimeError) -> None:
        """Go on with half the batch after the device ran out of memory."""
        if size == 1:
            raise ScoringError(
                f"one sentence alone does not fit into the memory of '{self.device}'",
                hint="free memory, use --device cpu or a smaller --dtype",
            ) from error
        self._limit = -(-size // 2)
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _batch(
        self, rows: Sequence[Row], answers: Sequence[Answer], wanted: tuple[Tensor | None, int]
    ) -> None:
        with torch.inference_mode():
            logits = self.logits(rows)
            total = log_sums(logits)
            if not bool(torch.isfinite(total).all()):
                raise ScoringError(
                    f"the model gave logits that are not finite in {self._model.dtype}",
                    hint="use --dtype float32",
                )
            _score_pieces(logits, total, rows, answers)
            opened = [n for n, row in enumerate(rows) if row.open]
            if not opened:
                return
            if len(opened) < len(rows):
                index = torch.tensor(opened, device=self.device)
                logits, total = logits[index], total[index]
            _score_open(logits, total, [answers[n] for n in opened], *wanted)

    def check(self, encodings: Sequence[Any], mask_id: int) -> bool:
        """Compare with a plain call on what the tokenizer gives; choose the fastest safe way.

        Args:
            encodings: of three texts, the first two of one length, the third a longer one with
                another share of masks.
            mask_id: the piece that is asked for where it comes first.
        """
        rows = [Row(tuple(e["input_ids"]), list(e["input_ids"]).index(mask_id)) for e in encodings]
        taken = inspect.signature(self._model.forward).parameters
        expected = []
        with torch.inference_mode():
            for row, encoding in zip(rows, encodings, strict=True):
                inputs = {
                    key: torch.tensor([value], device=self.device)
                    for key, value in encoding.items()
                    if key in taken
                }
                expected.append(self._model(**inputs).logits[0, row.position])
            logits = torch.stack(expected).float()
            asked = self._asked(rows[:2], logits[:2])
            if not self._shortcut.check(*asked):
                return False
            padded = self._asked(rows, logits)
            if self._shortcut.pads(*padded):
                asked = padded
            else:
                self._overhead = 0
            self._quicken(asked)
        return True

    def _asked(self, rows: Sequence[Row], expected: Tensor) -> tuple[Tensor, ...]:
        ids, mask = _padded(rows, self._pad_id)
        places = torch.tensor([row.position for row in rows], device=self.device)
        return ids.to(self.device), mask.to(self.device), places, expected

    def _quicken(self, asked: tuple[Tensor, ...]) -> None:
        """Choose the fastest products that give the expected logits."""
        for ways in ((attention.install, quicken), (quicken,), (attention.install,)):
            self._shortcut.rest()
            undo = [back for way in ways if (back := way(self._model)) is not None]
            for folded in (True, False):
                if self._shortcut.resume(*asked, folded=folded, rounded=True):
                    return
            for back in undo:
                back()
        self._shortcut.resume(*asked, folded=False)

    def logits(self, rows: Sequence[Row]) -> Tensor:
        """Logits at each row's position, float32, one row each."""
        ids, mask = _padded(rows, self._pad_id)
        positions = torch.tensor([row.position for row in rows])
        return self._shortcut(
            ids.to(self.device), mask.to(self.device), positions.to(self.device)
        ).float()


def _padded(rows: Sequence[Row], pad_id: int) -> tuple[Tensor, Tensor]:
    """Ids and attention mask, padded on the right to the longest row."""
    longest = max(len(row.ids) for row in rows)
    ids = [list(row.ids) + [pad_id] * (longest - len(row.ids)) for row in rows]
    mask = [[1] * len(row.ids) + [0] * (longest - len(row.ids)) for row in rows]
    return torch.tensor(ids), torch.tensor(mask)


def _score_pieces(
    logits: Tensor, total: Tensor, rows: Sequence[Row], answers: Sequence[Answer]
) -> None:
    asked = [(n, piece) for n, row in enumerate(rows) for piece in row.golds]
    if not asked:
        return
    index = torch.tensor(asked, device=logits.device)
    golds = logits[index[:, 0], index[:, 1]]
    log_probs = (golds - total[index[:, 0]]).tolist()
    for (n, piece), value in zip(asked, log_probs, strict=True):
        answers[n].log_probs[piece] = value
    ranked = [(n, piece) for n, piece in asked if rows[n].golds[piece]]
    if ranked:
        index = torch.tensor(ranked, device=logits.device)
        found = ranks(logits, index[:, 0], index[:, 1])
        for (n, piece), rank in zip(ranked, found, strict=True):
            answers[n].ranks[piece] = rank


def _score_open(
    logits: Tensor, total: Tensor, answers: Sequence[Answer], words: Tensor | None, top_k: int
) -> None:
    """Best completions, and the distribution over whole words."""
    for answer, best in zip(answers, top(logits, total, top_k), strict=True):
        answer.top = best
    if words is None:
        return
    for answer, found in zip(answers, shares(logits, total, words), strict=True):
        answer.words, answer.word_mass = found


def _halves(batch: list[int]) -> list[list[int]]:
    middle = -(-len(batch) // 2)
    return [batch[middle:], batch[:middle]]


def _out_of_memory(error: RuntimeError) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)
