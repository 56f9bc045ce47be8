"""What a scoring backend is: the border between the audit and a language model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from bias_audit.records import ModelInfo, OpenScore, ProgressCallback, Prompt, WordScore


@runtime_checkable
class Backend(Protocol):
    """A masked language model that answers prompts.

    Implementations are deterministic: the answer to a prompt does not depend on its neighbours,
    its place in the list or the batch size (within 1e-5 nats in float32).
    """

    @property
    def info(self) -> ModelInfo:
        """Name, digests, size and limits of the model."""
        ...

    @property
    def words(self) -> tuple[str, ...]:
        """The vocabulary pieces that start a word and are alphabetic, in id order.

        The axis of ``OpenScore.words``.
        """
        ...

    def fill_mask(
        self,
        prompts: Sequence[Prompt],
        *,
        top_k: int = 10,
        progress: ProgressCallback | None = None,
    ) -> list[WordScore | OpenScore]:
        """Score each prompt, in the order given.

        A prompt with a filler gets a :class:`WordScore` (within-word left-to-right log-probability
        of the filler at the masked place, encoded in context); an open prompt gets an
        :class:`OpenScore`. What cannot be scored (``unscorable``, ``too_long``) is answered with a
        reason, never raised.
        """
        ...

    def pseudo_log_likelihood(self, sentences: Sequence[str]) -> list[tuple[float, int]]:
        """Sum over each sentence's pieces of log P(piece | all others), and the number of pieces.

        ``original`` variant of Salazar et al. 2020 (one piece masked at a time), nats. A sentence
        that cannot be scored (empty, too long, spelling out special tokens) gets ``(nan, 0)``.
        """
        ...
