"""Read texts with a causal model: what they share from the left once, in trees of tokens.

A tree is one row of a batch, in which each token sees those before it in its own text, so that no
keys and values have to be kept or copied, and a batch is as full as memory allows.
"""

from __future__ import annotations

import contextlib
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from bias_audit.backends.clm.questions import Passage, PassageResult
from bias_audit.backends.clm.tree import Ids, Tree, batches, keep_apart, share
from bias_audit.backends.mlm.forward import log_sums
from bias_audit.errors import ScoringError
from bias_audit.records import ProgressCallback

_TEXTS = 1024
"""Most texts in one batch; where the vocabulary is large, logits allow fewer."""
_TREE = 224
"""Most tokens of a tree. In larger ones attention costs more than the beginnings that it saves."""
_REACHES = ("sliding_window", "window_size", "attention_chunk_size", "attention_window_size")
"""Names in configurations of how many tokens back a model looks; a tree is no longer."""
_LOGITS = 1 << 25
"""Largest number of logits in one batch."""
_TOLERANCE = {torch.float32: 1e-3}
"""Nats by which a token may come out otherwise in a tree; elsewhere 0.25."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """Texts that were read."""

    texts: Sequence[int]
    """Their numbers."""
    log_probs: Sequence[float]
    """Of each text; its first token has none."""
    logits: Tensor
    """(tokens, V) behind every token."""
    total: Tensor
    """(tokens,) logarithms of their sums."""
    ends: Tensor
    """(texts,) where in these the last token of each text is."""


@dataclass(frozen=True, slots=True)
class Opening:
    """A text that was read, behind which others go on."""

    ids: Ids
    log_prob: float
    """Of the text; its first token has none."""
    last: Tensor
    """(V,) logits behind its last token."""
    total: Tensor
    """Logarithm of their sum."""

    def log_probs(self, tokens: Tensor) -> Tensor:
        """Log-probabilities of tokens behind the text."""
        return _log_probs(self.last[tokens], self.total)


class PassageRunner:
    """A causal model as a function from passages to results.

    Args:
        model: of transformers, on its device.
        vocabulary_size: length of the output distribution.
        batch_size: most texts in one pass; ``auto`` chooses.
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
        self._texts = _TEXTS if batch_size == "auto" else batch_size
        self._tokens = max(1, _LOGITS // vocabulary_size)
        self._tree = min(_TREE, self._tokens, *_reaches(model.config))
        self.reads_beginnings_once = False
        """Whether the model reads trees as it reads their texts."""

    def check(self, passages: Sequence[Passage]) -> None:
        """Read trees only where that gives what reading each passage whole gives.

        Raises:
            ScoringError: the model cannot read a passage whole.
        """
        self.reads_beginnings_once = False
        plain = self._all(passages)
        self.reads_beginnings_once = True
        try:
            found = self._all(passages)
        except (ScoringError, RuntimeError, TypeError, ValueError, AttributeError, IndexError):
            self.reads_beginnings_once = False
            return
        far = _TOLERANCE.get(self._model.dtype, 0.25) * max(len(p.ids) for p in passages)
        self.reads_beginnings_once = bool(np.allclose(plain, found, rtol=0, atol=far))

    def _all(self, passages: Sequence[Passage]) -> list[float]:
        results = [PassageResult() for _ in passages]
        for _ in self.stream(passages, results):
            pass
        return [result.log_prob for result in results]

    def looks_ahead(self, ids: Ids) -> bool:
        """Say whether what follows a token changes what the model expects in its place.

        Raises:
            ScoringError: the model cannot read the text.
        """
        whole, alone = self._pass([ids]), self._pass([ids[:-1]])
        far = _TOLERANCE.get(self._model.dtype, 0.25)
        return not torch.allclose(whole[:, :-1].float(), alone.float(), rtol=0, atol=far)

    def stream(
        self,
        passages: Sequence[Passage],
        results: Sequence[PassageResult],
        *,
        needed: Container[int] | None = None,
        progress: ProgressCallback | None = None,
    ) -> Iterator[list[int]]:
        """Fill in the results batch by batch, and yield the numbers of the passages done.

        What nobody needs is left out where that changes no batch. A passage is read but for its
        last token, behind which nothing stands.

        Raises:
            ScoringError: the model's output is not finite, or it cannot read a passage.
        """
        members: dict[Ids, list[int]] = {}
        for number, passage in enumerate(passages):
            members.setdefault(passage.ids[:-1], []).append(number)
        numbers = list(members.values())
        wanted = {n for n in range(len(passages)) if needed is None or n in needed}
        waiting = {text for text, of in enumerate(numbers) if wanted.intersection(of)}
        done = 0
        for batch in self._read(list(members), waiting):
            found = [(row, n) for row, text in enumerate(batch.texts) for n in numbers[text]]
            places = batch.ends[[row for row, _ in found]]
            tokens = torch.tensor([passages[n].ids[-1] for _, n in found], device=self.device)
            values = _log_probs(batch.logits[places, tokens].float(), batch.total[places]).tolist()
            for (row, n), value in zip(found, values, strict=True):
                results[n].log_prob = batch.log_probs[row] + value
            done += sum(n in wanted for _, n in found)
            if progress is not None:
                progress(done, len(wanted))
            yield [n for _, n in found]

    def begin(self, ids: Ids) -> Opening:
        """Read a text, to go on behind it in many ways.

        Raises:
            ScoringError: the model's output is not finite, or it cannot read the text.
        """
        (batch,) = self._read([ids])
        return Opening(ids, batch.log_probs[0], batch.logits[-1].float(), batch.total[-1])

    def go_on(
        self, opening: Opening, tails: Sequence[Ids]
    ) -> Iterator[tuple[Sequence[int], list[float], Tensor]]:
        """Read tokens behind a text, batch by batch.

        Yields:
            Numbers of tails, the log-probability of each behind the text, and (tails, V) the
            probability of every token behind it.

        Raises:
            ScoringError: as :meth:`begin`.
        """
        for batch in self._read([opening.ids + tail for tail in tails]):
            behind = [log_prob - opening.log_prob for log_prob in batch.log_probs]
            last, total = batch.logits[batch.ends].float(), batch.total[batch.ends]
            yield batch.texts, behind, (last - total.unsqueeze(1)).exp()

    def _read(self, texts: Sequence[Ids], needed: Container[int] | None = None) -> Iterator[_Batch]:
        """Read texts in batches, but for those in which nobody needs one."""
        if self.reads_beginnings_once:
            trees = share(texts, most_tokens=self._tree, most_texts=self._texts)
        else:
            trees = keep_apart(texts)
        for batch in batches(trees, most_tokens=self._tokens, most_texts=self._texts):
            if needed is None or any(n in needed for tree in batch for n in tree.ends):
                yield self._read_batch(batch)

    def _read_batch(self, trees: Sequence[Tree]) -> _Batch:
        """Read trees of which the first is the longest; the others are filled up behind."""
        length = len(trees[0])
        rows = [tree.ids + tree.ids[:1] * (length - len(tree)) for tree in trees]
        are_lines = all(tree.is_line and len(tree) == length for tree in trees)
        logits = self._pass(rows, **({} if are_lines else self._sight(trees)))
        logits = logits.flatten(0, 1)
        total = log_sums(logits)
        if not bool(torch.isfinite(total).all()):
            raise ScoringError(
                f"the model gave logits that are not finite in {self._model.dtype}",
                hint="use --dtype float32",
            )
        places = [row * length + at for row, tree in enumerate(trees) for at in tree.ends.values()]
        return _Batch(
            texts=[n for tree in trees for n in tree.ends],
            log_probs=_sums(trees, logits, total, length),
            logits=logits,
            total=total,
            ends=torch.tensor(places, device=self.device),
        )

    def _sight(self, trees: Sequence[Tree]) -> dict[str, Tensor]:
        """What each token of trees sees, and where in its text it stands."""
        length, kind = len(trees[0]), self._model.dtype
        depths = np.zeros((len(trees), length), dtype=np.int64)
        hidden = np.repeat(~np.eye(length, dtype=np.bool_)[np.newaxis], len(trees), axis=0)
        for row, tree in enumerate(trees):
            depths[row, : len(tree)] = tree.depths()
            hidden[row, : len(tree), : len(tree)] = ~tree.sight()
        places = torch.from_numpy(hidden).unsqueeze(1)
        mask = torch.zeros(places.shape, dtype=kind).masked_fill(places, torch.finfo(kind).min)
        return {
            "attention_mask": mask.to(self.device),
            "position_ids": torch.from_numpy(depths).to(self.device),
        }

    def _pass(self, rows: Sequence[Sequence[int]], **more: Tensor) -> Tensor:
        """Logits at every position of rows of one length."""
        with torch.inference_mode(), self._reading(len(rows[0])):
            ids = torch.tensor(rows, device=self.device)
            logits: Tensor = self._model(input_ids=ids, use_cache=False, **more).logits
        return logits

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


def _reaches(config: Any) -> list[int]:
    """How many tokens back a model looks, where its configuration says so."""
    sizes = (getattr(config.get_text_config(), name, None) for name in _REACHES)
    return [size for size in sizes if isinstance(size, int) and size > 0]


def _sums(trees: Sequence[Tree], logits: Tensor, total: Tensor, length: int) -> list[float]:
    """Log-probability of each text, from those of its tokens behind the first."""
    links = [
        (row * length + above, token)
        for row, tree in enumerate(trees)
        for above, token in zip(tree.above, tree.ids, strict=True)
        if above >= 0
    ]
    index = torch.tensor(links, device=logits.device, dtype=torch.int64).reshape(-1, 2)
    chosen = logits[index[:, 0], index[:, 1]].float()
    values = iter(_log_probs(chosen, total[index[:, 0]]).tolist())
    found = []
    for tree in trees:
        sums: list[float] = []
        for above in tree.above:
            sums.append(0.0 if above < 0 else sums[above] + next(values))
        found += [sums[place] for place in tree.ends.values()]
    return found


def _log_probs(logits: Tensor, total: Tensor) -> Tensor:
    """Log-probabilities in float64, so that sums over many tokens are not rounded twice."""
    return logits.cpu().double() - total.cpu().double()
