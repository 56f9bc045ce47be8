"""Scores words and open completions with a masked language model."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bias_audit.errors import ModelLoadError, UsageError
from bias_audit.records import (
    ModelInfo,
    OpenScore,
    ProgressCallback,
    Prompt,
    WordScore,
)
from bias_audit.scoring._encode import Encoder
from bias_audit.scoring._forward import Answer, Forward
from bias_audit.scoring._gaps import Gaps, total
from bias_audit.scoring._load import Loaded, load
from bias_audit.scoring._reader import Reader
from bias_audit.scoring._rows import RowTable
from bias_audit.scoring.sentences import SentenceScorer


class MaskedLM:
    """A masked language model as a backend.

    Args:
        name: ``reference`` (the bundled model), a local folder or a hub id.
        revision: Branch, tag or commit on the hub.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
        dtype: ``float32``, ``bfloat16``, ``float16`` or ``auto``. Log-probabilities are computed in
            float32 from the logits whatever the dtype.
        offline: Use no network.
        allow_pickle: Accept pickled weights.
        batch_size: Most rows in one pass, at least 1; ``auto`` chooses.

    Raises:
        ModelLoadError: When the model cannot be loaded or its scores would mean nothing.
        UsageError: For a device or dtype that does not exist, or a batch size below 1.
    """

    def __init__(
        self,
        name: str = "reference",
        *,
        revision: str | None = None,
        device: str = "auto",
        dtype: str = "float32",
        offline: bool = False,
        allow_pickle: bool = False,
        batch_size: int | Literal["auto"] = "auto",
    ) -> None:
        require_batch_size(batch_size)
        loaded = load(
            name,
            revision=revision,
            device=device,
            dtype=dtype,
            offline=offline,
            allow_pickle=allow_pickle,
        )
        self.info = _info(loaded)
        self._encoder = Encoder(loaded.tokenizer)
        self._forward = Forward(
            loaded.model,
            device=loaded.device,
            pad_id=self._encoder.pad_id,
            vocabulary_size=loaded.vocabulary_size,
            batch_size=None if batch_size == "auto" else batch_size,
        )
        _check_inputs(loaded, self._forward)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The vocabulary pieces that start a word and are alphabetic, in id order."""
        return tuple(text for _, text in self._encoder.word_pieces)

    @cached_property
    def _word_ids(self) -> NDArray[np.int64]:
        return np.array([i for i, _ in self._encoder.word_pieces], dtype=np.int64)

    def fill_mask(
        self,
        prompts: Sequence[Prompt],
        *,
        top_k: int = 10,
        progress: ProgressCallback | None = None,
    ) -> list[WordScore | OpenScore]:
        """Score each prompt, in the order given.

        Equal questions are asked once. ``progress`` is called with (rows done, rows in all), where
        a row is one sequence that the model reads.

        Raises:
            ScoringError: When the model's output is not finite, or one sentence alone does not fit
                into memory.
        """
        scores: dict[int, WordScore | OpenScore] = {}
        for part in self.fill_parts(prompts, top_k=top_k, progress=progress):
            scores.update(part)
        return [scores[number] for number in range(len(prompts))]

    def fill_parts(
        self,
        prompts: Sequence[Prompt],
        *,
        known: Container[int] = (),
        top_k: int = 10,
        progress: ProgressCallback | None = None,
    ) -> Iterator[Mapping[int, WordScore | OpenScore]]:
        """Score prompts batch by batch, and yield what is done by the prompts' numbers.

        ``known`` are numbers of prompts whose scores nobody needs. Batches are planned over all
        prompts and those without a needed one are left out, so that the others are scored to the
        last bit as if nothing was known.

        Raises:
            ScoringError: As for :meth:`fill_mask`.
        """
        gaps = Gaps(prompts, known, self._encoder, self.info.max_length)
        yield gaps.refused()
        answers = [Answer() for _ in gaps.rows]
        wants_words = any(row.open for row in gaps.rows)
        batches = self._forward.stream(
            gaps.rows,
            answers,
            words=self._word_ids if wants_words else None,
            top_k=top_k,
            needed=gaps.needed,
            progress=progress,
        )
        for batch in batches:
            yield gaps.finished(batch, answers)

    def pseudo_log_likelihood(self, sentences: Sequence[str]) -> list[tuple[float, int]]:
        """Sum over each sentence's pieces of log P(piece | all others), and the number of pieces.

        ``original`` variant of Salazar et al. 2020 (one piece masked at a time), nats, at most 0.
        A sentence that cannot be scored (empty, too long, or spelling out special tokens) gets
        ``(nan, 0)``.
        """
        encoded = self._encoder.encode(sentences, masks=0)
        table = RowTable()
        asked: dict[str, list[tuple[int, int]]] = {}
        for text, found in encoded.items():
            if found.trouble or len(found.ids) > self.info.max_length:
                continue
            asked[text] = [
                pair
                for place, added in enumerate(found.added)
                if not added
                for pair in table.ask_word(found.ids, place, place + 1, self._encoder.mask_id)
            ]
        answers = self._forward.run(table.rows)
        return [total(asked.get(text, ()), answers) for text in sentences]

    def sentence_scorer(self) -> SentenceScorer:
        """The same model, asked about whole sentences and pairs of them."""
        return SentenceScorer(
            encoder=self._encoder, reader=self._reader(), max_length=self.info.max_length
        )

    def _reader(self) -> Reader:
        return Reader(self._forward)


def require_batch_size(size: int | Literal["auto"]) -> None:
    """Refuse a batch without rows.

    Raises:
        UsageError: the size is below 1.
    """
    if size != "auto" and size < 1:
        raise UsageError(
            f"expected a batch size of at least 1, or 'auto', but got {size}",
            hint="leave it out to let the program choose",
        )


def _info(loaded: Loaded) -> ModelInfo:
    return ModelInfo(
        name=loaded.name,
        revision=loaded.revision,
        fingerprint=loaded.fingerprint,
        tokenizer_digest=loaded.tokenizer_digest,
        config_digest=loaded.config_digest,
        kind="masked",
        architecture=loaded.architecture,
        vocabulary_size=loaded.vocabulary_size,
        parameters=loaded.parameters,
        max_length=loaded.max_length,
        dtype=loaded.dtype,
        arithmetic=loaded.arithmetic,
        device=str(loaded.device),
        notices=loaded.notices,
    )


def _check_inputs(loaded: Loaded, forward: Forward) -> None:
    """Compare with a plain call on what the model's own tokenizer hands over."""
    mask = loaded.tokenizer.mask_token
    texts = [f"a {mask} b c", f"a b c {mask}", f"a {mask} {mask} b c a b"]
    try:
        same = forward.check(
            [loaded.tokenizer(text) for text in texts], loaded.tokenizer.mask_token_id
        )
    except Exception as error:
        raise ModelLoadError(
            f"'{loaded.name}' was loaded but cannot read a short sentence: {error}",
            hint="the config, the weights and the tokenizer may belong to different models",
        ) from error
    if not same:
        raise ModelLoadError(
            f"'{loaded.name}' needs inputs besides pieces and an attention mask, which this tool "
            "does not give",
            hint="use a text-only masked language model",
        )
