"""Read whole texts with a model of transformers, in batches of equal length: nothing is padded."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any, Generic, Literal, TypeVar

import torch

from bias_audit.backends.hf.backend import FileBackend
from bias_audit.backends.hf.load import LoadedModel
from bias_audit.backends.hf.tokenization import Encoder, Encoding
from bias_audit.backends.request_batch import RejectionError, TextReader
from bias_audit.errors import ScoringError

Ids = tuple[int, ...]
Result = TypeVar("Result")
_FAST_ROWS = 512


class TextRunner(ABC, Generic[Result]):
    """A model as a function from texts, in pieces, to results.

    Args:
        model: of transformers, on its device.
        batch_size: most rows in one pass; ``auto`` chooses.
    """

    cpu_rows: int
    """Rows in one pass on a processor, where the user names no number."""

    def __init__(self, model: Any, batch_size: int | Literal["auto"]) -> None:
        self._model = model
        auto = self.cpu_rows if model.device.type == "cpu" else _FAST_ROWS
        self._rows = auto if batch_size == "auto" else batch_size

    def stream(self, texts: Sequence[Ids], needed: Container[int]) -> Iterator[dict[int, Result]]:
        """Yield the results batch by batch, short texts first, by the number of the text.

        Args:
            texts: in pieces.
            needed: numbers of texts that are asked for; a batch without any is left out, and shapes
                no other.

        Raises:
            ScoringError: the model's output is not finite, or it cannot read a text.
        """
        by_length: dict[int, list[int]] = {}
        for number, ids in enumerate(texts):
            by_length.setdefault(len(ids), []).append(number)
        for _, members in sorted(by_length.items()):
            for first in range(0, len(members), self._rows):
                batch = members[first : first + self._rows]
                if any(number in needed for number in batch):
                    yield dict(zip(batch, self.read([texts[n] for n in batch]), strict=True))

    def read(self, texts: Sequence[Ids]) -> list[Result]:
        """Return the results of texts of one length.

        Raises:
            ScoringError: as :meth:`stream`.
        """
        ids = torch.tensor(texts, dtype=torch.long, device=self._model.device)
        try:
            with torch.inference_mode():
                output = self._model(input_ids=ids, attention_mask=torch.ones_like(ids))
                return self._results(output, len(texts))
        except (RuntimeError, ValueError, IndexError, TypeError, AttributeError) as error:
            raise ScoringError(f"the model cannot read a text: {error}") from error

    @abstractmethod
    def _results(self, output: Any, count: int) -> list[Result]:
        """What the model's output says of each text."""


class TextBackend(TextReader, FileBackend, Generic[Result]):
    """A model from files that reads each text as a whole, once."""

    _encoder: Encoder
    _runner: TextRunner[Result]

    def _read(self, rows: Sequence[Ids], needed: Container[int]) -> Iterator[dict[int, Result]]:
        return self._runner.stream(rows, needed)

    def _try(self, loaded: LoadedModel, runner: TextRunner[Result]) -> None:
        """Read a short text, and everything else with the same runner."""
        self._encoder, self._runner = Encoder(loaded.tokenizer), runner
        runner.read([self._encoder.encode(["."])["."].ids or (0,)])

    def _prepare(self, texts: Sequence[str]) -> Mapping[str, Ids | RejectionError]:
        """The pieces of each text; nothing is cut off."""
        spelled = {text: self._spell(text) for text in texts}
        encoded = self._encoder.encode(spelled.values())
        return {text: self._check(encoded[spelled[text]]) for text in texts}

    def _spell(self, text: str) -> str:
        """What the model reads for a text."""
        return text

    def _check(self, encoding: Encoding) -> Ids | RejectionError:
        size, most = len(encoding.ids), self.info.max_length
        if encoding.trouble:
            return RejectionError("unscorable", encoding.trouble)
        if size <= sum(encoding.added):
            return RejectionError("unscorable", "the text is empty")
        if size > most:
            return RejectionError("too_long", f"{size} pieces, the model takes {most}")
        return encoding.ids
