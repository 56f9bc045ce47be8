"""Scores words and open completions with a masked language model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
    SkipReason,
    WordScore,
)
from bias_audit.scoring._encode import Encoded, Encoder
from bias_audit.scoring._forward import Answer, Forward
from bias_audit.scoring._load import Loaded, load
from bias_audit.scoring._reader import Reader
from bias_audit.scoring._rows import RowTable
from bias_audit.scoring.sentences import SentenceScorer

_NO_WORDS = np.zeros(0, dtype=np.float32)
_Key = tuple[str, str | None, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Question:
    """A prompt's sentence once encoded: rows to ask, or the reason why not."""

    pieces: tuple[tuple[int, int], ...] = ()
    """(row, piece) pairs of a word."""
    row: int = -1
    """Row of an open prompt."""
    skip: SkipReason | None = None
    detail: str = ""


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
        if batch_size != "auto" and batch_size < 1:
            raise UsageError(
                f"expected a batch size of at least 1, or 'auto', but got {batch_size}",
                hint="leave it out to let the program choose",
            )
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
        keys: list[_Key] = [(p.left, p.filler, p.right) for p in prompts]
        table = RowTable()
        questions = self._questions(dict.fromkeys(keys), table)
        wants_words = any(row.open for row in table.rows)
        answers = self._forward.run(
            table.rows,
            words=self._word_ids if wants_words else None,
            top_k=top_k,
            progress=progress,
        )
        scores: dict[_Key, WordScore | OpenScore] = {
            key: self._open_score(question, answers)
            if key[1] is None
            else _word_score(question, answers)
            for key, question in questions.items()
        }
        return [scores[key] for key in keys]

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
        return [_total(asked.get(text, ()), answers) for text in sentences]

    def sentence_scorer(self) -> SentenceScorer:
        """The same model, asked about whole sentences and pairs of them."""
        reader = Reader(self._forward)
        return SentenceScorer(encoder=self._encoder, reader=reader, max_length=self.info.max_length)

    def _questions(self, keys: dict[_Key, None], table: RowTable) -> dict[_Key, _Question]:
        """Encode every distinct sentence once and ask the rows it needs."""
        words = {key: _sentence(key) for key in keys if key[1] is not None}
        opens = {
            key: f"{key[0]}{self._encoder.mask_token}{key[2]}" for key in keys if key[1] is None
        }
        encoded_words = self._encoder.encode(words.values(), masks=0)
        encoded_opens = self._encoder.encode(opens.values(), masks=1)
        return {
            key: self._ask_open(encoded_opens[opens[key]], table)
            if key[1] is None
            else self._ask_word(key, words[key], encoded_words[words[key]], table)
            for key in keys
        }

    def _ask_open(self, encoded: Encoded, table: RowTable) -> _Question:
        refused = self._refused(encoded)
        if refused is not None:
            return refused
        position = encoded.ids.index(self._encoder.mask_id)
        return _Question(row=table.ask_open(encoded.ids, position))

    def _ask_word(self, key: _Key, text: str, encoded: Encoded, table: RowTable) -> _Question:
        left, filler, _ = key
        word = (filler or "").strip()
        if not word:
            return _Question(skip="unscorable", detail="the word is empty")
        refused = self._refused(encoded, unknown=False)
        if refused is not None:
            return refused
        begin = len(left) + len(filler or "") - len((filler or "").lstrip())
        span = self._encoder.span(text, encoded, begin, begin + len(word))
        if span.trouble:
            return _Question(skip="unscorable", detail=span.trouble)
        refused = self._refused(encoded)
        if refused is not None:
            return refused
        asked = table.ask_word(encoded.ids, span.start, span.stop, self._encoder.mask_id)
        return _Question(pieces=tuple(asked))

    def _refused(self, encoded: Encoded, *, unknown: bool = True) -> _Question | None:
        """Why a sentence cannot be scored wherever its mask is."""
        if encoded.trouble:
            return _Question(skip="unscorable", detail=encoded.trouble)
        if len(encoded.ids) > self.info.max_length:
            return _Question(
                skip="too_long",
                detail=f"{len(encoded.ids)} pieces, the model takes {self.info.max_length}",
            )
        if unknown and not self._encoder.knows_all(encoded):
            return _Question(
                skip="unscorable",
                detail="the sentence holds characters that the model's vocabulary lacks",
            )
        return None

    def _open_score(self, question: _Question, answers: Sequence[Answer]) -> OpenScore:
        if question.skip is not None:
            return OpenScore(
                top=(), words=_NO_WORDS, word_mass=0.0, skip=question.skip, detail=question.detail
            )
        answer = answers[question.row]
        top = tuple((self._encoder.completion(piece), p) for piece, p in answer.top)
        words = _NO_WORDS if answer.words is None else answer.words
        return OpenScore(top=top, words=words, word_mass=answer.word_mass)


def _word_score(question: _Question, answers: Sequence[Answer]) -> WordScore:
    if question.skip is not None:
        return WordScore(log_prob=None, pieces=0, skip=question.skip, detail=question.detail)
    total, count = _total(question.pieces, answers)
    row, piece = question.pieces[0]
    return WordScore(
        log_prob=total, pieces=count, rank=answers[row].ranks[piece] if count == 1 else None
    )


def _total(pieces: Sequence[tuple[int, int]], answers: Sequence[Answer]) -> tuple[float, int]:
    """Sum of the pieces' log-probabilities, and their number."""
    if not pieces:
        return float("nan"), 0
    return sum(answers[row].log_probs[piece] for row, piece in pieces), len(pieces)


def _sentence(key: _Key) -> str:
    return f"{key[0]}{key[1]}{key[2]}"


def _info(loaded: Loaded) -> ModelInfo:
    return ModelInfo(
        name=loaded.name,
        revision=loaded.revision,
        fingerprint=loaded.fingerprint,
        tokenizer_digest=loaded.tokenizer_digest,
        kind="masked",
        architecture=loaded.architecture,
        vocabulary_size=loaded.vocabulary_size,
        parameters=loaded.parameters,
        max_length=loaded.max_length,
        dtype=loaded.dtype,
        device=str(loaded.device),
        notices=loaded.notices,
    )


def _check_inputs(loaded: Loaded, forward: Forward) -> None:
    """Compare with a plain call on what the model's own tokenizer hands over."""
    mask = loaded.tokenizer.mask_token
    texts = [f"a {mask} b c", f"a b c {mask}"]
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
