"""Read texts with an encoder of transformers: one vector for each, nothing is padded."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from typing import Any, Literal

import torch

from bias_audit.backends.embeddings import Vector
from bias_audit.backends.hf.equal_lengths import split_by_length
from bias_audit.backends.hf.pooling import Pooling
from bias_audit.errors import ScoringError

_AUTO_ROWS = {"cpu": 64}
_FAST_ROWS = 512


class VectorRunner:
    """An encoder as a function from texts, in pieces, to vectors of length 1.

    Args:
        model: of transformers, on its device.
        pooling: how the states of the pieces become one vector.
        batch_size: most rows in one pass; ``auto`` chooses.
    """

    def __init__(self, model: Any, pooling: Pooling, batch_size: int | Literal["auto"]) -> None:
        self._model = model
        self._pooling = pooling
        auto = _AUTO_ROWS.get(model.device.type, _FAST_ROWS)
        self._rows = auto if batch_size == "auto" else batch_size

    def stream(
        self,
        texts: Sequence[tuple[int, ...]],
        results: Sequence[Vector],
        needed: Container[int],
    ) -> Iterator[list[int]]:
        """Fill in the results batch by batch, and yield the numbers of the texts done.

        Raises:
            ScoringError: the model's output is not finite, or it cannot read a text.
        """
        for batch in split_by_length(texts, self._rows, needed):
            for number, values in zip(batch, self.read([texts[n] for n in batch]), strict=True):
                length = values.norm()
                if not bool(length.isfinite()) or float(length) == 0.0:
                    raise ScoringError(
                        "the model returned a vector that is not finite or has no direction",
                        hint="its weights or its half-precision arithmetic are broken; try"
                        " --dtype float32",
                    )
                results[number].values = (values / length).numpy()
            yield batch

    def read(self, texts: Sequence[tuple[int, ...]]) -> torch.Tensor:
        """Return the vectors of texts of one length, in float64, as the model pools them.

        Raises:
            ScoringError: it cannot read a text.
        """
        ids = torch.tensor(texts, dtype=torch.long, device=self._model.device)
        try:
            with torch.inference_mode():
                output = self._model(input_ids=ids, attention_mask=torch.ones_like(ids))
            states: torch.Tensor = output.last_hidden_state.float()
        except (RuntimeError, ValueError, IndexError, TypeError, AttributeError) as error:
            raise ScoringError(f"the model cannot read a text: {error}") from error
        if self._pooling.mode == "cls":
            pooled = states[:, 0]
        elif self._pooling.mode == "max":
            pooled = states.amax(dim=1)
        else:
            pooled = states.mean(dim=1)
        return pooled.double().cpu()
