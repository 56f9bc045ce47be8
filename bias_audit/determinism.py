"""R10: does the model give the same answer again, whatever it is asked together with?"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from bias_audit.errors import ModelLoadError, ScoringError
from bias_audit.records import Floats, ModelInfo, OpenScore, Prompt, WordScore
from bias_audit.results import Determinism

ASKED = 32
"""Sentences that are asked again."""
OPEN = 4
"""Of which so many ask for the whole distribution, if there are any."""
TOLERANCE: Mapping[str, float] = {"float64": 1e-3, "float32": 1e-3, "float16": 0.25}
"""Nats for each piece of a word by which two answers may differ, by the dtype that rounds them.

Rounding hangs on how many sentences share a product, and grows with the number of blocks and the
size of the logits. With 24 blocks and logits of 37 it came to 8e-5, 0.09 and 1 (bfloat16)."""
COARSE = 2.0
"""The same for bfloat16 and others."""
RARE = 1e-3
"""Completions with less probability than this count as if they had so much."""

Item = TypeVar("Item")
Answer = WordScore | OpenScore
Total = tuple[float, int]
"""Log-probability of a sentence, and its pieces."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Repeated:
    """What asking again showed."""

    asked: int
    """Sentences that were asked again: each alone, all in another order, and so once more."""
    largest: float
    """Largest difference between two answers to one of them, nats a piece."""


class UnsteadyModelError(ModelLoadError):
    """The model answers one question in different ways, so no number of it means anything."""


def recorded(found: Repeated, info: ModelInfo) -> Determinism | None:
    """What the results say of it; None where nothing was asked."""
    if not found.asked:
        return None
    return Determinism(sentences=found.asked, tolerance=tolerance(rounding(info)))


def told(found: Repeated, info: ModelInfo) -> dict[str, Any]:
    """What the manifest says of it: the difference itself, which is another on each machine."""
    if not found.asked:
        return {}
    largest = float(f"{found.largest:.2g}")
    parts = {"asked": found.asked, "largest": largest, "tolerance": tolerance(rounding(info))}
    return {"determinism": parts}


def tolerance(dtype: str) -> float:
    """Nats a piece by which two answers that are rounded as in this dtype may differ."""
    return TOLERANCE.get(dtype, COARSE)


def rounding(info: ModelInfo) -> str:
    """The dtype as which a model's products are rounded: in float32 torch's setting decides."""
    setting = info.arithmetic
    if info.dtype != "float32" or not setting or setting.split()[0] == "highest":
        return info.dtype
    return "bfloat16" if setting.startswith("medium") or "bf16" in setting else "float16"


def sample(
    answered: Iterable[tuple[Prompt, Answer]], *, size: int = ASKED
) -> tuple[list[Prompt], list[Answer]]:
    """Prompts to ask again, with the answers of the run: a few open ones, and words.

    The shortest and the longest sentence are among them, since batches pad.
    """
    words: list[tuple[Prompt, Answer]] = []
    opened: list[tuple[Prompt, Answer]] = []
    for pair in answered:
        (opened if pair[0].filler is None else words).append(pair)
    opened = _drawn(opened, min(OPEN, size))
    words.sort(key=lambda pair: len(pair[0].left) + len(pair[0].right))
    found = _drawn(words[1:-1], size - len(opened) - 2)
    found = [*words[:1], *found, *words[1:][-1:], *opened]
    unique = {(p.left, p.filler, p.right): (p, answer) for p, answer in found}
    return [p for p, _ in unique.values()], [answer for _, answer in unique.values()]


def _drawn(pairs: Sequence[Item], size: int) -> list[Item]:
    return random.Random(0).sample(pairs, min(size, len(pairs)))  # noqa: S311 - no secret


def prompts_again(
    fill: Callable[[Sequence[Prompt]], Sequence[Answer]],
    prompts: Sequence[Prompt],
    answers: Sequence[Answer],
    dtype: str,
) -> Repeated:
    """Ask for words again and compare with the answers of the run, wherever those came from.

    Args:
        fill: asks the model, not a store.
        prompts: what was asked.
        answers: what the run goes by.
        dtype: as which answers are rounded, which says how much two of them may differ.

    Raises:
        UnsteadyModelError: they differ by more, or the model cannot answer again.
    """
    own = [_of_prompt(answer) for answer in answers]
    return _again(
        lambda asked: [_of_prompt(answer) for answer in fill(asked)],
        prompts,
        [own],
        tolerance(dtype),
        lambda prompt: prompt.text,
    )


def sentences_again(
    total: Callable[[Sequence[str]], Sequence[Total]], sentences: Sequence[str], dtype: str
) -> Repeated:
    """Ask for whole sentences together, and then again as :func:`prompts_again` does.

    Raises:
        UnsteadyModelError: two answers differ by more than the dtype allows.
    """

    def ask(asked: Sequence[str]) -> list[Floats]:
        return [np.array([value / max(pieces, 1)]) for value, pieces in total(asked)]

    return _again(ask, sentences, [], tolerance(dtype), str)


def _again(
    ask: Callable[[Sequence[Item]], list[Floats]],
    items: Sequence[Item],
    before: Sequence[list[Floats]],
    limit: float,
    text: Callable[[Item], str],
) -> Repeated:
    """Ask one at a time, all, all in another order, and that again; compare each with each."""
    if not items:
        return Repeated(asked=0, largest=0.0)
    order = list(range(len(items)))
    random.Random(1).shuffle(order)  # noqa: S311 - no secret
    shuffled = [items[place] for place in order]
    back = np.argsort(order)
    try:
        answers = [*before, ask(items), [found for item in items for found in ask([item])]]
        answers += [[found[place] for place in back] for found in (ask(shuffled), ask(shuffled))]
    except (ScoringError, RuntimeError, ValueError, MemoryError, IndexError) as error:
        said = str(getattr(error, "message", error)) or repr(error)
        raise UnsteadyModelError(
            f"the model failed when it was asked some sentences again: {said}", hint=_HINT
        ) from error
    apart = [_apart([found[place] for found in answers]) for place in range(len(items))]
    largest = max(apart)
    if not largest <= limit:
        worst = text(items[apart.index(largest)])
        raise UnsteadyModelError(
            "the model does not repeat its answers: it was asked again, alone and in another order,"
            f" and its answers to '{worst}' {_said(largest)} (allowed: {limit:g} nats a piece)",
            hint=_HINT,
        )
    return Repeated(asked=len(items), largest=largest)


_HINT = (
    "its scores mean nothing here: try --device cpu, --dtype float32, or --batch-size 1 --fresh for"
    " a model that reads padding; if only scores that were kept differ, --fresh asks for all anew"
)


def _said(largest: float) -> str:
    if math.isinf(largest):
        return "were once a number and once none"
    return f"lie {largest:.3g} nats a piece apart"


def _apart(answers: Sequence[Floats]) -> float:
    """The largest difference between two of the answers; endless where only some are numbers."""
    if len({answer.shape for answer in answers}) > 1:
        return math.inf
    values = np.array(answers)
    missing = np.isnan(values)
    if bool((missing.any(axis=0) & ~missing.all(axis=0)).any()):
        return math.inf
    known = values[:, ~missing.any(axis=0)]
    low, high = known.min(axis=0), known.max(axis=0)
    apart = low != high  # endless numbers can be equal too
    return float((high[apart] - low[apart]).max(initial=0.0))


def _of_prompt(answer: Answer) -> Floats:
    """An answer as logarithms that may be compared; empty where it has no number."""
    if isinstance(answer, OpenScore):
        return np.log(np.maximum(answer.words.astype(np.float64), RARE))
    if answer.log_prob is None:
        return np.empty(0)
    return np.array([answer.log_prob / max(answer.pieces, 1)])
