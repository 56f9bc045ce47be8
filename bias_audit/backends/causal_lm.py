"""Answer requests with a causal language model: how likely are whole sentences?"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal

from bias_audit.backends.clm.completions import WordSearch
from bias_audit.backends.clm.forward import PassageRunner
from bias_audit.backends.clm.questions import SUPPORTS, Passage, PassageResult, Planner
from bias_audit.backends.hf.backend import FileBackend
from bias_audit.backends.hf.load import LoadedModel
from bias_audit.backends.hf.tokenization import Encoder
from bias_audit.backends.request_batch import RequestBatch
from bias_audit.errors import ModelLoadError
from bias_audit.records import CompletionRequest, ProgressCallback, Request


class CausalLM(FileBackend):
    """A causal language model as a backend, in the reading ``continuation``.

    A word's score is the log-probability of the whole sentence with the word in its place. The
    double difference of two words and two groups is the same as that of the word's probability
    with both sides of the sentence in sight, since the log-odds ratio of a table is the same
    whatever one conditions on.
    """

    reading = "continuation"
    supports = SUPPORTS

    def _start(self, loaded: LoadedModel, batch_size: int | Literal["auto"]) -> None:
        encoder, tokenizer = Encoder(loaded.tokenizer), loaded.tokenizer
        ids = (tokenizer.bos_token_id, tokenizer.eos_token_id)
        start = next((i for i in ids if i is not None), None)
        notices = (*loaded.info.notices, *encoder.notices)
        self.info = replace(loaded.info, notices=notices)
        self._planner = Planner(encoder, start, loaded.info.max_length)
        self._runner = PassageRunner(
            loaded.model,
            vocabulary_size=loaded.info.vocabulary_size,
            batch_size=batch_size,
        )
        self._search = WordSearch(self._runner, self._planner, encoder)
        sample = _sample(encoder)
        if self._runner.looks_ahead(sample[-1].ids):
            raise ModelLoadError(
                f"'{self.info.name}' ({self.info.architecture}) looks at the words that follow, so"
                " it cannot be read as continuation",
                hint="if it was trained as a decoder, config.json has to say: is_decoder",
            )
        self._runner.check(sample)

    def score(
        self,
        requests: Sequence[Request[Any]],
        *,
        skip: Container[int] = (),
        progress: ProgressCallback | None = None,
    ) -> Iterator[tuple[int, Any]]:
        """Answer each request, batch by batch; equal ones are asked once, open ones last.

        Batches are planned over all requests, and those without one that is to be answered are
        left out, so that the others are scored to the last bit as if nothing was skipped.

        Raises:
            ScoringError: the model's output is not finite, or it cannot read a sentence.
        """
        total = sum(n not in skip for n in range(len(requests)))
        opened: dict[int, CompletionRequest] = {}
        words = []
        for number, request in enumerate(requests):
            if not isinstance(request, CompletionRequest):
                words.append(number)
            elif number not in skip:
                opened[number] = request

        def report(done: int) -> None:
            if progress is not None:
                progress(done, total)

        closed = total - len(opened)
        if closed:
            batch = RequestBatch(requests, words, skip, self._planner.plan)
            yield from batch.rejections()
            results = [PassageResult() for _ in batch.queries]
            for passages in self._runner.stream(
                batch.queries,
                results,
                needed=batch.open_queries,
                progress=lambda rows, of: report(closed * rows // max(of, 1)),
            ):
                yield from batch.answers(passages, results)
        for done, answer in enumerate(self._search.answers(opened), start=1):
            yield answer
            report(closed + done)


def _sample(encoder: Encoder) -> list[Passage]:
    """Passages of two beginnings and of different length, from pieces of the vocabulary."""
    pieces = encoder.word_lists[0].pieces.tolist()[:6] or [0, 1, 2]
    a, b, c = (pieces * 3)[:3]
    beginnings, tails = ((a, b, c), (b, c, a)), ((a,), (c, b), (b, a), (c, a, b))
    return [Passage(begin + tail) for begin in beginnings for tail in tails]
