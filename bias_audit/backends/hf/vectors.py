"""Read texts with an encoder of transformers: one vector for each."""

from __future__ import annotations

from typing import Any, Literal

from bias_audit.backends.hf.pooling import Pooling
from bias_audit.backends.hf.texts import TextRunner
from bias_audit.errors import ScoringError
from bias_audit.utils.arrays import Floats


class VectorRunner(TextRunner[Floats]):
    """An encoder as a function from texts, in pieces, to vectors of length 1.

    Args:
        model: of transformers, on its device.
        pooling: how the states of the pieces become one vector.
        batch_size: most rows in one pass; ``auto`` chooses.
    """

    cpu_rows = 64

    def __init__(self, model: Any, pooling: Pooling, batch_size: int | Literal["auto"]) -> None:
        super().__init__(model, batch_size)
        self._mode = pooling.mode

    def _results(self, output: Any, count: int) -> list[Floats]:
        states = output.last_hidden_state.float()
        if self._mode == "cls":
            pooled = states[:, 0]
        else:
            pooled = states.amax(dim=1) if self._mode == "max" else states.mean(dim=1)
        vectors = pooled.double().cpu()
        lengths = vectors.norm(dim=1, keepdim=True)
        if len(vectors) != count or not bool((lengths.isfinite() & (lengths > 0)).all()):
            raise ScoringError(
                "the model returned a vector that is not finite or has no direction",
                hint="its weights or its half-precision arithmetic are broken; try --dtype float32",
            )
        return [*(vectors / lengths).numpy()]
