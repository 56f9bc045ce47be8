"""Answer requests with a masked language model."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from bias_audit.backends.base import WINDOW
from bias_audit.backends.hf.backend import FileBackend
from bias_audit.backends.hf.load import LoadedModel
from bias_audit.backends.hf.tokenization import Encoder
from bias_audit.backends.mlm.batching import OutputOptions, QueryResult
from bias_audit.backends.mlm.fast import HeadOnly, accelerate
from bias_audit.backends.mlm.forward import QueryRunner
from bias_audit.backends.mlm.questions import SUPPORTS, Planner
from bias_audit.backends.request_batch import RequestBatch
from bias_audit.errors import ModelLoadError, ScoringError
from bias_audit.records import (
    CompletionRequest,
    EmbeddingRequest,
    FillRequest,
    ProgressCallback,
    Request,
    SentenceRequest,
)

_WORD_WINDOW = 32_768
"""Words and completions that are planned together: enough for full batches of one length."""


class MaskedLM(FileBackend):
    """A masked language model as a backend."""

    reading = "mask"
    supports = SUPPORTS

    def _start(self, loaded: LoadedModel, batch_size: int | Literal["auto"]) -> None:
        encoder = Encoder(loaded.tokenizer)
        head_only, padding = _accelerate(loaded, encoder)
        notices = (*loaded.info.notices, *encoder.notices)
        self.info = replace(loaded.info, words=encoder.words, notices=notices)
        self._planner = Planner(encoder, loaded.info.max_length)
        self._runner = QueryRunner(
            loaded.model,
            head_only,
            pad_id=encoder.pad_id,
            padding=padding,
            vocabulary_size=loaded.info.vocabulary_size,
            word_lists=encoder.word_lists,
            batch_size=batch_size,
        )

    def score(
        self,
        requests: Sequence[Request[Any]],
        *,
        skip: Container[int] = (),
        progress: ProgressCallback | None = None,
    ) -> Iterator[tuple[int, Any]]:
        """Answer each request, batch by batch.

        Equal requests are asked once. Batches are planned over all requests, and those without one
        that is to be answered are left out, so that the others are scored to the last bit as if
        nothing was skipped. They are planned a window at a time, so that memory does not grow with
        the plan.

        Raises:
            ScoringError: the model's output is not finite, one sentence alone does not fit into
                memory, or the model does not report attention or states that are asked for.
        """
        total = len(requests) - sum(number in skip for number in range(len(requests)))
        done = 0

        def report(rows: int, of: int) -> None:
            if progress is not None:
                progress(done + size * rows // of, total)

        for numbers, options in _windows(requests):
            size = sum(number not in skip for number in numbers)
            if not size:
                continue
            batch = RequestBatch(requests, numbers, skip, self._planner.plan)
            yield from batch.rejections()
            results = [QueryResult() for _ in batch.queries]
            for queries in self._runner.stream(
                batch.queries, results, options, needed=batch.open_queries, progress=report
            ):
                yield from batch.answers(queries, results)
            done += size


def _windows(requests: Sequence[Request[Any]]) -> Iterator[tuple[Sequence[int], OutputOptions]]:
    """Numbers of requests that share passes, and what these have to report."""
    words: list[int] = []
    others: dict[OutputOptions, list[int]] = {}
    top_k = 0
    for number, request in enumerate(requests):
        if isinstance(request, FillRequest):
            words.append(number)
        elif isinstance(request, CompletionRequest):
            words.append(number)
            top_k = max(top_k, request.top_k)
        else:
            others.setdefault(_options(request), []).append(number)
    for start in range(0, len(words), _WORD_WINDOW):
        yield words[start : start + _WORD_WINDOW], OutputOptions(top_k=top_k)
    for options, numbers in others.items():
        for start in range(0, len(numbers), WINDOW):
            yield numbers[start : start + WINDOW], options


def _options(request: Request[Any]) -> OutputOptions:
    if isinstance(request, SentenceRequest):
        return OutputOptions(best=request.ranks, attention=request.attention)
    return OutputOptions(vectors=isinstance(request, EmbeddingRequest))


def _accelerate(loaded: LoadedModel, encoder: Encoder) -> tuple[HeadOnly, bool]:
    """Compare with a plain call on what the model's own tokenizer hands over."""
    mask_id = encoder.mask_id
    try:
        short, long = (_encode(loaded.tokenizer, text) for text in ("a b c d", "a b c a b c d"))
        texts = [_mask(short, mask_id, 1), _mask(short, mask_id, -1), _mask(long, mask_id, 1, 2)]
        fast = accelerate(loaded.model, texts, mask_id=mask_id, pad_id=encoder.pad_id)
    except ModelLoadError:
        raise
    except Exception as error:  # whatever a model makes of inputs that it does not expect
        raise ScoringError(str(error)) from error
    if fast is None:
        raise ModelLoadError(
            f"'{loaded.info.name}' needs inputs besides pieces and an attention mask, which "
            "this tool does not give",
            hint="use a text-only masked language model",
        )
    return fast


def _encode(tokenizer: Any, text: str) -> dict[str, Any]:
    """All that the tokenizer hands over, and which pieces are special."""
    return dict(tokenizer(text, return_special_tokens_mask=True))


def _mask(encoding: Mapping[str, Any], mask_id: int, *places: int) -> dict[str, Any]:
    """The encoding with masks in place of some pieces, counted without special ones."""
    own = [n for n, special in enumerate(encoding["special_tokens_mask"]) if not special] or [0]
    hidden = {own[place % len(own)] for place in places}
    ids = [mask_id if n in hidden else i for n, i in enumerate(encoding["input_ids"])]
    return {**encoding, "input_ids": ids}
