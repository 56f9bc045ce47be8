"""Read passages: what they share from the left once, in batches of equal length."""

from __future__ import annotations

import contextlib
import copy
import inspect
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from bias_audit.backends.clm.questions import Passage, PassageResult
from bias_audit.backends.clm.tree import Stretch, keep_apart, share
from bias_audit.backends.mlm.forward import log_sums
from bias_audit.errors import ScoringError
from bias_audit.records import ProgressCallback

_AUTO_ROWS = {"cpu": 128}
_FAST_ROWS = 512
_LOGITS = 1 << 25
"""Largest number of logits in one batch."""
_TOLERANCE = {torch.float32: 1e-3}
"""Nats by which a passage may come out otherwise if its beginning is read once; elsewhere 0.25."""


@dataclass(frozen=True, slots=True)
class _Above:
    """A batch that was read, from which others go on."""

    kept: Any
    """Its keys and values."""
    last: Tensor
    """Logits behind the last token of each row."""
    total: Tensor
    """Logarithms of their sums."""
    log_probs: Sequence[float]
    """Of each row from the beginning."""


@dataclass(frozen=True, slots=True)
class Opening:
    """A text that was read, behind which others go on."""

    ids: tuple[int, ...]
    kept: Any
    """Its keys and values; None where the model reads every text whole."""
    last: Tensor
    """(V,) logits behind its last token."""
    total: Tensor
    """Logarithm of their sum."""

    def log_probs(self, tokens: Tensor) -> Tensor:
        """Log-probabilities of tokens behind the text."""
        return _log_probs(self.last[tokens], self.total)


@dataclass(frozen=True, slots=True)
class _Work:
    """The passages of one call, and what is asked of them."""

    passages: Sequence[Passage]
    results: Sequence[PassageResult]
    needed: Container[int] | None

    def needs(self, stretch: Stretch) -> bool:
        """Say whether anybody waits for a passage through this stretch."""
        return self.needed is None or any(n in self.needed for n in stretch.numbers())


class PassageRunner:
    """A causal model as a function from passages to results.

    Args:
        model: of transformers, on its device.
        vocabulary_size: length of the output distribution.
        batch_size: most rows in one pass; ``auto`` chooses.
    """

    def __init__(
        self,
        model: Any,
        *,
        vocabulary_size: int,
        batch_size: int | Literal["auto"],
    ) -> None:
        self._model = model
        self.device: torch.device = model.device
        self._size = vocabulary_size
        auto = _AUTO_ROWS.get(self.device.type, _FAST_ROWS)
        self._limit = auto if batch_size == "auto" else batch_size
        arguments = inspect.signature(model.forward).parameters
        self._past = "cache" if "cache" in arguments else "past_key_values"
        """What the model calls keys and values: the older name until transformers 5.23."""
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
        needed: Container[int] | None = None,
        progress: ProgressCallback | None = None,
    ) -> Iterator[list[int]]:
        """Fill in the results batch by batch, and yield the numbers of the passages done.

        What nobody needs is left out where that changes no batch.

        Raises:
            ScoringError: the model's output is not finite, or it cannot read a passage.
        """
        wanted = sum(needed is None or n in needed for n in range(len(passages)))
        done = 0
        arrange = share if self.reads_beginnings_once else keep_apart
        work = _Work(passages, results, needed)
        for numbers in self._read([(0, each) for each in arrange(passages)], work):
            done += sum(needed is None or n in needed for n in numbers)
            if progress is not None:
                progress(done, wanted)
            yield numbers

    def _read(
        self, places: Sequence[tuple[int, Stretch]], work: _Work, above: _Above | None = None
    ) -> Iterator[list[int]]:
        """Read stretches, each behind a row of what was read before, and all that is below them."""
        by_length: dict[int, list[tuple[int, Stretch]]] = {}
        for place in sorted(places, key=lambda place: (-len(place[1].ids), place[1].ids, place[0])):
            by_length.setdefault(len(place[1].ids), []).append(place)
        for length, members in by_length.items():
            size = self._rows(length)
            for first in range(0, len(members), size):
                part = members[first : first + size]
                if any(work.needs(stretch) for _, stretch in part):
                    yield from self._read_batch(part, work, above)

    def _read_batch(
        self, part: Sequence[tuple[int, Stretch]], work: _Work, above: _Above | None
    ) -> Iterator[list[int]]:
        """Read a batch of stretches of one length, score what ends in it, and go on below."""
        rows = torch.tensor([row for row, _ in part], device=self.device)
        ids = [stretch.ids for _, stretch in part]
        goes_on = any(stretch.below for _, stretch in part)
        logits, kept = self._pass(
            ids, past=None if above is None else _select(above.kept, rows), use_cache=goes_on
        )
        total = self._log_sums(logits)
        sums = _chain(logits, total, [each[1:] for each in ids])
        if above is not None:
            first = torch.tensor([each[0] for each in ids], device=self.device)
            before = _log_probs(above.last[rows, first], above.total[rows]).tolist()
            pairs = zip(part, before, sums, strict=True)
            sums = [above.log_probs[row] + one + rest for (row, _), one, rest in pairs]
        last = logits[:, -1].float()
        del logits
        here = _Above(kept, last, total[:, -1], sums)
        numbers = [(row, n) for row, (_, stretch) in enumerate(part) for n in stretch.ends]
        self._finish(numbers, here, work)
        yield [n for _, n in numbers]
        below = [(row, each) for row, (_, stretch) in enumerate(part) for each in stretch.below]
        if below:
            yield from self._read(below, work, here)

    def _finish(self, numbers: Sequence[tuple[int, int]], here: _Above, work: _Work) -> None:
        """Score the passages whose last token is all that is left."""
        if not numbers:
            return
        rows = torch.tensor([row for row, _ in numbers], device=self.device)
        tokens = torch.tensor([work.passages[n].ids[-1] for _, n in numbers], device=self.device)
        values = _log_probs(here.last[rows, tokens], here.total[rows]).tolist()
        for (row, n), value in zip(numbers, values, strict=True):
            work.results[n].log_prob = here.log_probs[row] + value

    def begin(self, ids: tuple[int, ...]) -> Opening:
        """Read a text, to go on behind it in many ways.

        Raises:
            ScoringError: the model's output is not finite, or it cannot read the text.
        """
        logits, kept = self._pass([ids], use_cache=self.reads_beginnings_once)
        last = logits[:, -1:]
        return Opening(ids, kept, last[0, 0].float(), self._log_sums(last)[0, 0])

    def go_on(
        self, opening: Opening, tails: Sequence[tuple[int, ...]]
    ) -> Iterator[tuple[list[float], Tensor]]:
        """Read tokens of one length behind a text, batch by batch.

        Yields:
            The log-probability of the tokens of each tail but its first, and (tails, V) the
            probability of every token behind it.

        Raises:
            ScoringError: as :meth:`begin`.
        """
        length = len(tails[0])
        size = self._rows(length if self.reads_beginnings_once else len(opening.ids) + length)
        for first in range(0, len(tails), size):
            part = tails[first : first + size]
            if self.reads_beginnings_once:
                rows = torch.zeros(len(part), dtype=torch.int64, device=self.device)
                logits, _ = self._pass(part, past=_select(opening.kept, rows), use_cache=False)
            else:
                logits, _ = self._pass([opening.ids + tail for tail in part], use_cache=False)
                logits = logits[:, -length:]
            total = self._log_sums(logits)
            inside = _chain(logits, total, [tail[1:] for tail in part])
            yield inside, (logits[:, -1].float() - total[:, -1:]).exp()

    def _rows(self, length: int) -> int:
        """Most rows of a length in one pass."""
        return max(1, min(self._limit, _LOGITS // (self._size * length)))

    def _log_sums(self, logits: Tensor) -> Tensor:
        """Logarithms of the sums of the rows, which have to be finite."""
        total = log_sums(logits.flatten(0, 1)).view(logits.shape[:2])
        if not bool(torch.isfinite(total).all()):
            raise ScoringError(
                f"the model gave logits that are not finite in {self._model.dtype}",
                hint="use --dtype float32",
            )
        return total

    def _pass(
        self, ids: Sequence[tuple[int, ...]], *, past: Any = None, use_cache: bool = True
    ) -> tuple[Tensor, Any]:
        """Logits at every position of rows of one length, and their keys and values."""
        with torch.inference_mode(), self._reading(len(ids[0])):
            output = self._model(
                input_ids=torch.tensor(ids, device=self.device),
                use_cache=use_cache,
                **{self._past: past},
            )
        return output.logits, getattr(output, self._past) if use_cache else None

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


def _chain(logits: Tensor, total: Tensor, tokens: Sequence[tuple[int, ...]]) -> list[float]:
    """Sum of the log-probabilities of the tokens behind the first of each row."""
    if not tokens[0]:
        return [0.0] * len(tokens)
    wanted = torch.tensor(tokens, device=logits.device).unsqueeze(-1)
    chosen = logits[:, :-1].gather(2, wanted).squeeze(-1).float()
    sums: list[float] = _log_probs(chosen, total[:, :-1]).sum(dim=1).tolist()
    return sums


def _log_probs(logits: Tensor, total: Tensor) -> Tensor:
    """Log-probabilities in float64, so that sums over many tokens are not rounded twice."""
    return logits.cpu().double() - total.cpu().double()


def _select(kept: Any, rows: Tensor) -> Any:
    """The keys and values of some rows; those that are kept stay as they are."""
    chosen = copy.copy(kept)
    chosen.layers = [copy.copy(layer) for layer in kept.layers]
    chosen.batch_select_indices(rows)
    return chosen
