"""Check that a model repeats its answers (R10)."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from bias_audit.backends import Backend, score_all
from bias_audit.backends.cache import OpenedModel
from bias_audit.errors import ModelLoadError
from bias_audit.pipeline.model_checks import BROKEN
from bias_audit.records import (
    CompletionScore,
    FillScore,
    LabelRequest,
    ModelInfo,
    Prompt,
    Request,
    SentenceRequest,
    SentenceScore,
    SimilarityRequest,
)
from bias_audit.results import Determinism
from bias_audit.utils.arrays import Floats
from bias_audit.utils.readings import READINGS

SAMPLE = 32
"""Requests that are asked again."""
COMPLETIONS = 4
"""Of which so many ask for the whole distribution, if there are any."""
TOLERANCE: Mapping[str, float] = {"float64": 1e-3, "float32": 1e-3, "float16": 0.25}
"""Nats for each token of a word by which two answers may differ, by the dtype that rounds them.

Rounding depends on how many sentences share a product, and grows with the number of blocks and the
size of the logits. With 24 blocks and logits of 37 it came to 8e-5, 0.09 and 1 (bfloat16)."""
COSINE_SHARE = 0.1
"""Cosines lie closer together than logarithms: their limits are this share."""
COARSE = 2.0
"""The same for bfloat16 and others."""
RARE = 1e-3
"""Completions with less probability than this count as if they had so much."""
Item = TypeVar("Item")
_HINT = (
    "its scores mean nothing here: try --device cpu, --dtype float32, or --batch-size 1 --fresh for"
    " a model that reads padding; if only scores that were kept differ, --fresh asks for all anew"
)


class UnsteadyModelError(ModelLoadError):
    """The model answers one question in different ways, so no number of it means anything."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RepeatCheck:
    """Requests that were asked again: each alone, and all in another order."""

    requests: int
    tolerance: float
    """Nats a token by which two answers may differ."""
    largest: float | None
    """Largest difference, nats a token; None where an earlier run checked the model."""

    def to_record(self) -> Determinism | None:
        """Return the entry of the results; None where nothing was asked."""
        if not self.requests:
            return None
        return Determinism(sentences=self.requests, tolerance=self.tolerance)

    def to_manifest(self) -> dict[str, Any]:
        """Return the entry of the manifest, with the difference, which depends on the machine."""
        if not self.requests or self.largest is None:
            return {}
        largest = float(f"{self.largest:.2g}")
        parts = {"asked": self.requests, "largest": largest, "tolerance": self.tolerance}
        return {"determinism": parts}


def repeat_requests(
    answered: Iterable[tuple[Prompt, FillScore | CompletionScore]], *, size: int = SAMPLE
) -> tuple[list[Request[Any]], list[Any]]:
    """Draw requests to ask again, with the answers of the run: a few completions, and words.

    The shortest and the longest sentence are among them, since batches pad.
    """
    every = list(answered)
    completions = [pair for pair in every if pair[0].filler is None]
    words = [pair for pair in every if pair[0].filler is not None]
    words.sort(key=lambda pair: len(pair[0].left) + len(pair[0].right))
    completions = _sample(completions, min(COMPLETIONS, size))
    middle = _sample(words[1:-1], size - len(completions) - 2)
    sample = [*words[:1], *middle, *words[1:][-1:], *completions]
    pairs = [(prompt.request, answer) for prompt, answer in sample]
    unique = {request: (request, answer) for request, answer in pairs}.values()
    return [request for request, _ in unique], [answer for _, answer in unique]


def _sample(pairs: Sequence[Item], size: int) -> list[Item]:
    return random.Random(0).sample(pairs, min(size, len(pairs)))  # noqa: S311 - no secret


def check_repeats(
    opened: OpenedModel, requests: Sequence[Request[Any]], answers: Sequence[Any] = ()
) -> RepeatCheck:
    """Ask the model again and compare, unless all is cached of a model that was checked.

    Args:
        opened: the model itself is asked, not its cache.
        requests: what the run asked.
        answers: what the run goes by, wherever that came from; asked for now where empty.

    Raises:
        UnsteadyModelError: two answers differ by more than the dtype allows, or the model cannot
            answer again.
    """
    limit = tolerance(opened.plain.info)
    check = f"repeats within {limit:g}"
    if not requests or (not opened.is_loaded and opened.has_passed(check)):
        return RepeatCheck(requests=len(requests), tolerance=limit, largest=None)
    largest = _largest_difference(opened.model, requests, list(answers), limit)
    opened.remember_passed(check)
    return RepeatCheck(requests=len(requests), tolerance=limit, largest=largest)


def _largest_difference(
    model: Backend, requests: Sequence[Request[Any]], answers: Sequence[Any], limit: float
) -> float:
    """Ask each request alone, and all in two orders; compare each answer with each."""
    order = list(range(len(requests)))
    random.Random(1).shuffle(order)  # noqa: S311 - no secret
    try:
        runs = [answers] if answers else []
        runs.append(score_all(model, requests))
        runs.append([score_all(model, [request])[0] for request in requests])
        shuffled = score_all(model, [requests[n] for n in order])
        runs.append([shuffled[place] for place in np.argsort(order)])
    except BROKEN as error:
        message = str(getattr(error, "message", error)) or repr(error)
        raise UnsteadyModelError(
            f"the model failed when it was asked some sentences again: {message}", hint=_HINT
        ) from error
    differences = [_difference([_logs(run[n]) for run in runs]) for n in range(len(requests))]
    largest = max(differences)
    if largest <= limit:
        return largest
    apart = (
        "were once a number and once none"
        if math.isinf(largest)
        else f"lie {largest:.3g} nats a piece apart"
    )
    raise UnsteadyModelError(
        "the model does not repeat its answers: it was asked again, alone and in another order,"
        f" and its answers to '{_text(requests[differences.index(largest)])}' {apart}"
        f" (allowed: {limit:g} nats a piece)",
        hint=_HINT,
    )


def tolerance(info: ModelInfo) -> float:
    """Return the nats a token by which two answers may differ; torch may round float32."""
    dtype, setting = info.dtype, info.arithmetic
    if dtype == "float32" and setting and setting.split()[0] != "highest":
        is_coarse = setting.startswith("medium") or "bf16" in setting
        dtype = "bfloat16" if is_coarse else "float16"
    limit = TOLERANCE.get(dtype, COARSE)
    return limit * COSINE_SHARE if READINGS[info.reading].is_cosine else limit


def _logs(answer: FillScore | CompletionScore | SentenceScore) -> Floats:
    """An answer as logarithms that may be compared, nats a token; empty where it has no number."""
    if isinstance(answer, CompletionScore) and answer.vocabulary:
        return np.log([p for _, p in answer.top])  # which rare words it names may change
    if isinstance(answer, CompletionScore):
        return np.log(np.maximum(answer.words.astype(np.float64), RARE))
    if isinstance(answer, SentenceScore):
        return np.array([answer.log_probs.mean()]) if answer.log_probs.size else np.empty(0)
    if answer.log_prob is None:
        return np.empty(0)
    return np.array([answer.log_prob / max(answer.pieces, 1)])


def _difference(answers: Sequence[Floats]) -> float:
    """The largest difference between two of the answers; infinite where only some are numbers."""
    if len({answer.shape for answer in answers}) > 1:
        return math.inf
    values = np.array(answers)
    missing = np.isnan(values)
    if bool((missing.any(axis=0) & ~missing.all(axis=0)).any()):
        return math.inf
    known = values[:, ~missing.any(axis=0)]
    low, high = known.min(axis=0), known.max(axis=0)
    apart = low != high  # infinite numbers can be equal too
    return float((high[apart] - low[apart]).max(initial=0.0))


def _text(request: Request[Any]) -> str:
    if isinstance(request, SentenceRequest | LabelRequest | SimilarityRequest):
        return request.text
    left, right = getattr(request, "left", ""), getattr(request, "right", "")
    return f"{left}{getattr(request, 'filler', '<mask>')}{right}"
