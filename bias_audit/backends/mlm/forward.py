"""Run queries through a model and reduce each to the few numbers that it asks for."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Container, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bias_audit.backends.hf.tokenization import WordList
from bias_audit.backends.mlm.batching import (
    ForwardQuery,
    OutputOptions,
    QueryResult,
    pad_rows,
    plan_batches,
)
from bias_audit.backends.mlm.fast import HeadOnly
from bias_audit.errors import ScoringError
from bias_audit.records import ProgressCallback

_PASS_COST = {"cpu": 32}
"""Fixed cost of one forward pass in tokens, by device; elsewhere ``_FAST_PASS_COST``."""
_FAST_PASS_COST = 2048
_AUTO_ROWS = {"cpu": 128}
_FAST_ROWS = 512
_TOKENS = 16_384
_LOGITS = 1 << 25
"""Largest number of logits in one batch."""

_Work = tuple[Sequence[ForwardQuery], Sequence[QueryResult], OutputOptions]


class QueryRunner:
    """A model as a function from queries to results.

    Args:
        model: of transformers, on its device.
        head_only: the same model, called for some positions only.
        pad_id: the token that fills shorter rows.
        padding: whether a row's logits are the same in a padded batch.
        vocabulary_size: length of the output distribution.
        word_lists: the tokens over which open queries report a distribution, each list with the
            places of its tokens in that distribution; the first has a token for every place.
        batch_size: most rows in one pass; ``auto`` chooses.
    """

    def __init__(
        self,
        model: Any,
        head_only: HeadOnly,
        *,
        pad_id: int,
        padding: bool,
        vocabulary_size: int,
        word_lists: Sequence[WordList],
        batch_size: int | Literal["auto"],
    ) -> None:
        self._model = model
        self._head_only = head_only
        self.device: torch.device = model.device
        self._pad_id = pad_id
        self._size = vocabulary_size
        self._words = [torch.from_numpy(each.pieces).to(self.device) for each in word_lists]
        self._places = [each.places for each in word_lists]
        auto = _AUTO_ROWS.get(self.device.type, _FAST_ROWS)
        limit = auto if batch_size == "auto" else batch_size
        self._limit = max(1, min(limit, _LOGITS // vocabulary_size))
        self._overhead = _PASS_COST.get(self.device.type, _FAST_PASS_COST) if padding else 0
        """Padding that a batch may have, in tokens."""

    def stream(
        self,
        queries: Sequence[ForwardQuery],
        results: Sequence[QueryResult],
        options: OutputOptions,
        *,
        needed: Container[int] | None = None,
        progress: ProgressCallback | None = None,
    ) -> Iterator[list[int]]:
        """Fill in the results batch by batch, and yield the numbers of the queries done.

        Batches without a needed query are left out; the others are what they always are.

        Raises:
            ScoringError: one sequence alone does not fit into memory, the model's output is not
                finite, or the model cannot report what the options ask for.
        """
        several = any(len(query.positions) > 1 for query in queries)
        tokens = _TOKENS
        if several or options.attention:  # then the head runs on (nearly) every position
            tokens = min(_TOKENS, max(1, _LOGITS // self._size))
        planned = plan_batches(
            queries, max_rows=self._limit, max_tokens=tokens, overhead=self._overhead
        )
        batches = [b for b in planned if needed is None or any(n in needed for n in b)]
        total, done = sum(map(len, batches)), 0
        with self._attending(options):
            for batch in self._run_batches(batches, (queries, results, options), len(planned)):
                done += len(batch)
                if progress is not None:
                    progress(done, total)
                yield batch

    def _run_batches(
        self, batches: Sequence[list[int]], work: _Work, planned: int
    ) -> Iterator[list[int]]:
        """Score all batches and yield them as they are done.

        On a CPU each core works on batches of its own: passes over short sentences are too small to
        share. Whether cores share a pass depends on how many were planned, since that can change
        the last digits.
        """
        cores = torch.get_num_threads()
        if planned <= 1 or cores == 1 or self.device.type != "cpu":
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

    def _score(self, batch: list[int], work: _Work) -> list[int]:
        """Score one batch, in halves where memory is short; return it."""
        queries, results, options = work
        pending = [batch]
        while pending:
            part = pending.pop()
            if len(part) > self._limit:
                pending += _halves(part)
                continue
            try:
                self._run_batch([queries[n] for n in part], [results[n] for n in part], options)
            except RuntimeError as error:
                if not _out_of_memory(error):
                    raise
                self._halve_limit(len(part), error)
                pending += _halves(part)
        return batch

    def _halve_limit(self, size: int, error: RuntimeError) -> None:
        if size == 1:
            raise ScoringError(
                f"one sentence alone does not fit into the memory of '{self.device}'",
                hint="free memory, use --device cpu or a smaller --dtype",
            ) from error
        self._limit = -(-size // 2)
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _run_batch(
        self,
        queries: Sequence[ForwardQuery],
        results: Sequence[QueryResult],
        options: OutputOptions,
    ) -> None:
        with torch.inference_mode():
            padded = pad_rows([query.ids for query in queries], self._pad_id)
            ids, mask = (torch.tensor(part, device=self.device) for part in padded)
            if options.vectors:
                self._states(ids, mask, queries, results)
                return
            lengths = [len(query.positions) for query in queries]
            places = (
                torch.arange(len(queries)).repeat_interleave(torch.tensor(lengths)).to(self.device),
                torch.tensor([p for query in queries for p in query.positions]).to(self.device),
            )
            extra = {"output_attentions": True} if options.attention else {}
            with self._reading(ids):
                logits, output = self._head_only.logits_at(ids, mask, places, **extra)
            total = log_sums(logits)
            if not bool(torch.isfinite(total).all()):
                raise ScoringError(
                    f"the model gave logits that are not finite in {self._model.dtype}",
                    hint="use --dtype float32",
                )
            _score_targets(logits, total, queries, results, best=options.best)
            if options.attention:
                weights = split(self._attention_received(output.attentions, mask)[places], lengths)
                for result, values in zip(results, weights, strict=True):
                    result.attention = values.tolist()
            self._score_open(logits, total, queries, results, options.top_k)

    def _score_open(
        self,
        logits: Tensor,
        total: Tensor,
        queries: Sequence[ForwardQuery],
        results: Sequence[QueryResult],
        top_k: int,
    ) -> None:
        opened = [n for n, query in enumerate(queries) if query.lists]
        if not opened:
            return
        if len(opened) < len(logits):  # an open query has one position
            starts = np.cumsum([0, *(len(query.positions) for query in queries)])
            index = torch.tensor([int(starts[n]) for n in opened], device=self.device)
            logits, total = logits[index], total[index]
        logits = logits.float()
        for n, best in zip(opened, top(logits, total, top_k), strict=True):
            results[n].top = best
        for number, words in enumerate(self._words):
            mine = [at for at, n in enumerate(opened) if number in queries[n].lists]
            if not mine:
                continue
            rows, sums = (
                (logits, total) if len(mine) == len(opened) else (logits[mine], total[mine])
            )
            for at, (values, mass) in zip(mine, shares(rows, sums, words), strict=True):
                results[opened[at]].words[number] = self._spread(values, number), mass

    def _spread(self, values: NDArray[np.float32], number: int) -> NDArray[np.float32]:
        """A distribution over all words from one over a list: the others cannot stand there."""
        if number == 0:
            return values
        whole = np.zeros(len(self._places[0]), dtype=np.float32)
        whole[self._places[number]] = values
        return whole

    def _attention_received(self, layers: Sequence[Tensor | None] | None, mask: Tensor) -> Tensor:
        """Attention that each position of each row receives; padding reads nothing."""
        size = mask.shape[1]
        if not layers or any(layer is None or layer.shape[2:] != (size, size) for layer in layers):
            raise ScoringError(  # some pool, hash or look near by only
                f"{type(self._model).__name__} does not report attention between all pieces",
                hint="leave out the measures that weight by attention",
            )
        readers = mask.float().unsqueeze(-1)
        received = torch.zeros(mask.shape, device=self.device)
        for layer in layers:
            if layer is not None:
                received += (layer.float().mean(dim=1) * readers).sum(dim=1) / readers.sum(dim=1)
        return received / len(layers)

    def _states(
        self,
        ids: Tensor,
        mask: Tensor,
        rows: Sequence[ForwardQuery],
        results: Sequence[QueryResult],
    ) -> None:
        """Mean of the last layer's states over the positions of each row, into the results."""
        with self._head_only.lock.read(), self._reading(ids):
            output = self._model.base_model(input_ids=ids, attention_mask=mask)
        states = getattr(output, "last_hidden_state", None)
        if states is None or states.shape[:2] != ids.shape:  # Perceiver returns those of latents
            raise ScoringError(
                f"{type(self._model).__name__} does not return a state of its last layer for each"
                " piece",
                hint="leave out the measures on the model's vectors",
            )
        for number, (row, result) in enumerate(zip(rows, results, strict=True)):
            result.vector = states[number, list(row.positions)].float().mean(dim=0).tolist()

    @contextlib.contextmanager
    def _reading(self, ids: Tensor) -> Iterator[None]:
        """Say in one sentence what a model cannot read; lack of memory is met elsewhere."""
        try:
            yield
        except (RuntimeError, ValueError, IndexError, TypeError, AttributeError) as error:
            if isinstance(error, RuntimeError) and _out_of_memory(error):
                raise
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise ScoringError(
                f"{type(self._model).__name__} cannot read {ids.shape[1]} pieces: {reason}",
                hint="its config.json may not fit its weights, or sentences as short or as long",
            ) from error

    @contextlib.contextmanager
    def _attending(self, options: OutputOptions) -> Iterator[None]:
        """Use plain attention where weights are asked for: the fused one never writes them out."""
        if not options.attention:
            yield
            return
        model = self._model

        def change() -> Callable[[], None]:
            before = model.config._attn_implementation
            model.set_attn_implementation("eager")
            return partial(model.set_attn_implementation, before)

        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(self._head_only.lock.write(change))
            except (ValueError, ImportError, AttributeError) as error:
                raise ScoringError(
                    f"{type(self._model).__name__} has no attention that reports its weights",
                    hint="leave out the measures that weight by attention",
                ) from error
            yield


def _score_targets(
    logits: Tensor,
    total: Tensor,
    queries: Sequence[ForwardQuery],
    results: Sequence[QueryResult],
    *,
    best: bool,
) -> None:
    targets = [tokens for query in queries for tokens in query.targets]
    pairs = [(n, token) for n, tokens in enumerate(targets) for token in tokens]
    index = torch.tensor(pairs, device=logits.device, dtype=torch.int64).reshape(-1, 2)
    values = iter((logits[index[:, 0], index[:, 1]].float() - total[index[:, 0]]).tolist())
    ranked = [(n, token) for n, tokens in enumerate(targets) for token in tokens if tokens[token]]
    places: Iterator[int] = iter(())
    if ranked:
        index = torch.tensor(ranked, device=logits.device)
        places = iter(ranks(logits.float(), index[:, 0], index[:, 1]))
    likeliest = iter((logits.amax(dim=-1) - total).tolist() if best else ())
    for query, result in zip(queries, results, strict=True):
        result.log_probs = [{token: next(values) for token in at} for at in query.targets]
        if ranked:
            result.ranks = [{t: next(places) for t in at if at[t]} for at in query.targets]
        if best:
            result.best = [next(likeliest) for _ in query.positions]


def _halves(batch: list[int]) -> list[list[int]]:
    middle = -(-len(batch) // 2)
    return [batch[middle:], batch[:middle]]


def _out_of_memory(error: RuntimeError) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


_ROWS = {"cpu": 8}
"""Rows that stay in a processor's cache while they are looked at; elsewhere ``_FAST_ROWS``."""
_FAST_ROWS = 64


def split(rows: Any, sizes: int | list[int]) -> Sequence[Tensor]:
    """Parts of so many rows each."""
    parts: Sequence[Tensor] = rows.split(sizes)
    return parts


def log_sums(logits: Tensor) -> Tensor:
    """Logarithm of the sum of exponentials of each row, in float32.

    A log-probability is a logit less this, so the log-softmax is never written out.
    """
    parts = split(logits, _ROWS.get(logits.device.type, len(logits) or 1))
    return torch.cat([part.float().logsumexp(dim=-1) for part in parts])


def ranks(logits: Tensor, rows: Tensor, pieces: Tensor) -> list[int]:
    """Rank of ``pieces[n]`` in ``logits[rows[n]]``: 1 is the top, equal logits in id order.

    Counts what stands before; a count costs far less than a sort.
    """
    if logits.device.type == "cpu":
        table = logits.numpy()
        pairs = zip(rows.tolist(), pieces.tolist(), strict=True)
        return [_rank(table[row], piece) for row, piece in pairs]
    return _count_ranks(logits, rows, pieces)


def _count_ranks(logits: Tensor, rows: Tensor, pieces: Tensor) -> list[int]:
    ids = torch.arange(logits.shape[1], device=logits.device)
    found: list[int] = []
    for row, piece in zip(split(rows, _FAST_ROWS), split(pieces, _FAST_ROWS), strict=True):
        part = logits[row]
        gold = part.gather(1, piece.unsqueeze(1))
        before = (part == gold) & (ids < piece.unsqueeze(1))
        found += ((part > gold).sum(dim=1) + before.sum(dim=1) + 1).tolist()
    return found


def _rank(logits: NDArray[np.float32], piece: int) -> int:
    gold = logits[piece]
    larger = np.count_nonzero(logits > gold)
    return 1 + int(larger + np.count_nonzero(logits[:piece] == gold))


def top(logits: Tensor, total: Tensor, number: int) -> Iterator[tuple[tuple[int, float], ...]]:
    """The likeliest pieces of each row and their probabilities; equal logits in id order."""
    size = logits.shape[1]
    number = min(number, size)
    values, ids = logits.topk(min(number + 1, size))
    probabilities = (values - total.unsqueeze(1)).exp().tolist()
    columns = zip(values.tolist(), ids.tolist(), probabilities, strict=True)
    for row, column in enumerate(columns):
        pairs = list(zip(*column, strict=True))
        if 0 < number < size and pairs[number - 1][0] == pairs[number][0]:
            floor, _, probability = pairs[number]
            pairs = [pair for pair in pairs if pair[0] > floor]
            equal = (logits[row] == floor).nonzero().flatten()[:number].tolist()
            pairs += [(floor, i, probability) for i in equal]
        pairs.sort(key=lambda pair: (-pair[0], pair[1]))
        yield tuple((i, p) for _, i, p in pairs[:number])


def shares(
    logits: Tensor, total: Tensor, words: Tensor
) -> Iterator[tuple[NDArray[np.float32], float]]:
    """For each row the distribution over the pieces ``words``, and their probability together."""
    chosen = logits.index_select(1, words)
    mass = log_sums(chosen)
    found = (chosen - mass.unsqueeze(1)).exp_().cpu().numpy()
    return zip(found, (mass - total).exp().clamp_(max=1.0).tolist(), strict=True)
