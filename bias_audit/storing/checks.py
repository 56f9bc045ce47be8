"""What checks of a model found, kept for runs that open no model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import blake2b

import numpy as np

from bias_audit.determinism import Repeated
from bias_audit.records import ModelInfo, OpenScore, ProgressCallback, Prompt, WordScore
from bias_audit.scoring.base import Backend
from bias_audit.storing.backend import Shelf
from bias_audit.storing.codec import Record
from bias_audit.storing.facts import Total
from bias_audit.storing.keys import Part


class KeptChecks:
    """A backend for the sanity check alone: each of its calls is answered whole, or asked whole.

    Its answers are kept apart from scores, since the last digits of a number depend on what it
    was asked together with. Open answers come without their distributions.

    Args:
        inner: the model.
        shelf: where its answers are kept.
        read: whether kept answers will do; else the model is asked.
    """

    def __init__(self, inner: Backend, shelf: Shelf, *, read: bool) -> None:
        self._inner = inner
        self._shelf = shelf
        self._read = read

    @property
    def info(self) -> ModelInfo:
        """That of the model."""
        return self._inner.info

    @property
    def words(self) -> tuple[str, ...]:
        """Those of the model."""
        return self._inner.words

    def fill_mask(
        self,
        prompts: Sequence[Prompt],
        *,
        top_k: int = 10,
        progress: ProgressCallback | None = None,
    ) -> list[WordScore | OpenScore]:
        """Fill all gaps."""

        def ask() -> list[Record]:
            answers = self._inner.fill_mask(prompts, top_k=top_k, progress=progress)
            return [_light(answer) for answer in answers]

        asked = [(prompt.left, prompt.filler, prompt.right) for prompt in prompts]
        found = self._whole("sanity gaps", (*asked, top_k), len(asked), ask)
        return [answer for answer in found if isinstance(answer, (WordScore, OpenScore))]

    def pseudo_log_likelihood(self, sentences: Sequence[str]) -> list[tuple[float, int]]:
        """Score all sentences."""

        def ask() -> list[Record]:
            answers = self._inner.pseudo_log_likelihood(sentences)
            return [Total(value=value, pieces=pieces) for value, pieces in answers]

        found = self._whole("sanity sentences", tuple(sentences), len(sentences), ask)
        return [(total.value, total.pieces) for total in found if isinstance(total, Total)]

    def _whole(
        self, kind: str, asked: tuple[Part, ...], size: int, ask: Callable[[], list[Record]]
    ) -> list[Record]:
        """The answers to one call: all from the store, or all from the model."""
        keys = [self._shelf.keys.of(kind, asked, number) for number in range(size)]
        found = self._shelf.get(keys) if self._read else {}
        if len(found) < size:
            found = dict(zip(keys, ask(), strict=True))
            self._shelf.put(found)
        return [found[key] for key in keys]


def again(
    shelf: Shelf,
    limit: float,
    asked: Sequence[Prompt],
    answers: Sequence[WordScore | OpenScore],
    ask: Callable[[], Repeated],
) -> Repeated:
    """What asking these prompts again showed, of an earlier run with the same answers or now.

    The limit it was held to is in the key: another version may have another.
    """
    prompts = tuple((prompt.left, prompt.filler, prompt.right) for prompt in asked)
    exact = tuple(map(_exact, answers))
    return _repeated(shelf, shelf.keys.of("again", f"{limit:g}", prompts, exact), ask)


def sentences_once_more(
    shelf: Shelf, limit: float, asked: Sequence[str], ask: Callable[[], Repeated]
) -> Repeated:
    """The same for whole sentences, whose answers nobody goes by."""
    return _repeated(shelf, shelf.keys.of("sentences again", f"{limit:g}", *asked), ask)


def _repeated(shelf: Shelf, key: bytes, ask: Callable[[], Repeated]) -> Repeated:
    found = shelf.get([key]).get(key)
    if isinstance(found, Repeated):
        return found
    made = ask()
    shelf.put({key: made})
    return made


def _exact(answer: WordScore | OpenScore) -> Part:
    """An answer to the last bit."""
    if isinstance(answer, WordScore):
        value = answer.log_prob  # a number of numpy comes back from the store as a plain one
        return None if value is None else repr(float(value)), answer.pieces
    return blake2b(answer.words.tobytes(), digest_size=20).hexdigest()


def _light(answer: WordScore | OpenScore) -> WordScore | OpenScore:
    """An answer without what the check does not look at."""
    if isinstance(answer, WordScore):
        return answer
    return replace(answer, words=np.empty(0, dtype=np.float32))
