"""Turn requests into forward queries, and query results into responses; no tensors here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from bias_audit.backends.hf.tokenization import Encoder, Encoding, Gap
from bias_audit.backends.mlm.align import align, modified_positions
from bias_audit.backends.mlm.batching import ForwardQuery, QueryResult, QueryTable
from bias_audit.backends.request_batch import Question, RejectionError, keep_answer
from bias_audit.records import (
    BlankRequest,
    BlankScore,
    CompletionRequest,
    CompletionScore,
    Embedding,
    EmbeddingRequest,
    FillRequest,
    FillScore,
    ModifiedPair,
    ModifiedRequest,
    ModifiedScore,
    PairRequest,
    PairScore,
    Request,
    SentenceRequest,
    SentenceScore,
    SpanRequest,
    SpanScore,
)


class Planner:
    """Requests in the terms of one tokenizer.

    Args:
        encoder: the model's tokenizer.
        max_length: longest sequence in tokens, special ones included. Longer ones are rejected;
            nothing is cut.
    """

    def __init__(self, encoder: Encoder, max_length: int) -> None:
        self._encoder = encoder
        self._max_length = max_length
        self._mask_id = encoder.mask_id

    def plan(self, requests: Sequence[Request[Any]]) -> tuple[list[ForwardQuery], list[Question]]:
        """Encode every distinct sentence once and ask the queries that the requests need."""
        table = QueryTable()
        texts = [self._texts(request) for request in requests]
        encodings = self._encoder.encode(text for mine in texts for text in mine)
        questions = []
        for request, mine in zip(requests, texts, strict=True):
            sentences = [encodings[text] for text in mine]
            plan, refuse = _PLANS[type(request)]
            try:
                questions.append(plan(self, request, table, *sentences))
            except RejectionError as error:
                answer = refuse(skip=error.skip, detail=error.detail)
                questions.append(Question((), partial(keep_answer, answer)))
        return table.queries, questions

    def _texts(self, request: Request[Any]) -> tuple[str, ...]:
        match request:
            case FillRequest(left=left, filler=word, right=right):
                return (f"{left}{word}{right}",)
            case BlankRequest(left=left, word=word, right=right):
                return (f"{left}{word}{right}",)
            case CompletionRequest(left=left, right=right):
                return (self._encoder.gap_text(left, right),)
            case PairRequest() | ModifiedRequest():
                return request.first, request.second
        return (request.text,)  # type: ignore[attr-defined]

    def _require_fit(self, text: Encoding | Gap) -> None:
        if text.trouble:
            raise RejectionError("unscorable", text.trouble)
        if len(text.ids) > self._max_length:
            detail = f"{len(text.ids)} pieces, the model takes {self._max_length}"
            raise RejectionError("too_long", detail)

    def _require_sentences(self, *sentences: Encoding) -> None:
        for encoded in sentences:
            self._require_fit(encoded)
            if all(encoded.added):
                raise RejectionError("unscorable", "the sentence is empty")

    def _require_known(self, text: Encoding | Gap) -> None:
        if not self._encoder.knows_all(text):
            detail = "the sentence holds characters that the model's vocabulary lacks"
            raise RejectionError("unscorable", detail)

    def _word_range(self, encoded: Encoding, text: str, begin: int, end: int) -> range:
        """Positions of the tokens of ``text[begin:end]``."""
        positions, trouble = self._encoder.span(text, encoded, begin, end)
        if trouble:
            raise RejectionError("unscorable", trouble)
        return positions

    def _unknown(self, *sentences: Encoding) -> int:
        if self._encoder.unknown_id is None:
            return 0
        return sum(encoded.ids.count(self._encoder.unknown_id) for encoded in sentences)

    def _chain(
        self, table: QueryTable, ids: tuple[int, ...], positions: range, *, ranks: bool = False
    ) -> list[int]:
        """Ask for a word token by token, left to right.

        Later tokens of the word stay masked while an earlier one is scored, so that they cannot
        give it away.
        """
        stop, mask_id = positions.stop, self._mask_id
        return [table.ask_masked(ids, p, stop, mask_id, ranks=ranks) for p in positions]

    def _fill(self, request: FillRequest, table: QueryTable, encoded: Encoding) -> Question:
        filler, word = request.filler, request.filler.strip()
        if not word:
            raise RejectionError("unscorable", "the word is empty")
        self._require_fit(encoded)
        begin = len(request.left) + len(filler) - len(filler.lstrip())
        text = f"{request.left}{filler}{request.right}"
        positions = self._word_range(encoded, text, begin, begin + len(word))
        self._require_known(encoded)
        ids, single = encoded.ids, len(positions) == 1
        queries = self._chain(table, ids, positions, ranks=single)
        pairs = [(query, ids[p]) for query, p in zip(queries, positions, strict=True)]

        def finish(results: Sequence[QueryResult]) -> FillScore:
            return FillScore(
                log_prob=sum(results[query].log_probs[0][token] for query, token in pairs),
                pieces=len(pairs),
                rank=results[pairs[0][0]].ranks[0][pairs[0][1]] if single else None,
            )

        return Question(queries, finish)

    def _completion(
        self, request: CompletionRequest, table: QueryTable, encoded: Encoding
    ) -> Question:
        gap = self._encoder.gap(request.left, request.right, encoded)
        self._require_fit(gap)
        self._require_known(gap)
        query = table.ask_open(gap.ids, gap.position, gap.list)

        def finish(results: Sequence[QueryResult]) -> CompletionScore:
            result = results[query]
            words, mass = result.words[gap.list]
            top = result.top[: request.top_k]
            return CompletionScore(
                top=tuple((self._encoder.completion(token), p) for token, p in top),
                words=words,
                word_mass=mass,
            )

        return Question([query], finish)

    def _sentence(
        self, request: SentenceRequest, table: QueryTable, sentence: Encoding
    ) -> Question:
        self._require_sentences(sentence)
        ids, ranks = sentence.ids, request.ranks
        positions = [p for p, added in enumerate(sentence.added) if not added]
        if request.variant == "unmasked":
            query = table.ask(ids, positions, [(ids[p],) for p in positions], ranks=ranks)
            places = [(query, n) for n in range(len(positions))]
        else:
            whole = request.variant == "word_l2r"
            stops = [_word_end(sentence, p) if whole else p + 1 for p in positions]
            pairs = zip(positions, stops, strict=True)
            places = [
                (table.ask_masked(ids, p, stop, self._mask_id, ranks=ranks), 0) for p, stop in pairs
            ]

        def finish(results: Sequence[QueryResult]) -> SentenceScore:
            return self._collect(sentence, positions, [(results[n], at) for n, at in places])

        return Question([n for n, _ in places], finish)

    def _collect(
        self,
        sentence: Encoding,
        positions: Sequence[int],
        places: Sequence[tuple[QueryResult, int]],
    ) -> SentenceScore:
        tokens = [sentence.ids[p] for p in positions]
        pairs = list(zip(places, tokens, strict=True))
        words = [-1 if sentence.words[p] is None else sentence.words[p] for p in positions]
        ranked, attended = bool(places[0][0].best), bool(places[0][0].attention)
        return SentenceScore(
            log_probs=np.array([result.log_probs[n][token] for (result, n), token in pairs]),
            words=np.array(words, dtype=np.int64),
            spans=np.array([sentence.offsets[p] for p in positions], dtype=np.int64),
            ranks=np.array(
                [result.ranks[n][token] for (result, n), token in pairs] if ranked else [],
                dtype=np.int64,
            ),
            best=np.array([result.best[n] for result, n in places] if ranked else []),
            attention=np.array([result.attention[n] for result, n in places] if attended else []),
            unknown=self._unknown(sentence),
        )

    def _pair(
        self, _: PairRequest, table: QueryTable, first: Encoding, second: Encoding
    ) -> Question:
        self._require_sentences(first, second)
        aligned = align(first, second)
        sides = []
        for which, sentence in enumerate((first, second)):
            for shared in (aligned.words, aligned.published):
                positions = [both[which] for both in shared]
                queries = [
                    table.ask_masked(sentence.ids, p, p + 1, self._mask_id) for p in positions
                ]
                pairs = zip(queries, positions, strict=True)
                sides.append([(n, sentence.ids[p]) for n, p in pairs])

        def finish(results: Sequence[QueryResult]) -> PairScore:
            more, published_more, less, published_less = (
                sum(results[n].log_probs[0][token] for n, token in side) for side in sides
            )
            return PairScore(
                more=more,
                less=less,
                published_more=published_more,
                published_less=published_less,
                shared=len(aligned.words),
                ambiguous=aligned.ambiguous,
                unknown=self._unknown(first, second),
            )

        return Question([n for side in sides for n, _ in side], finish)

    def _modified_pair(
        self, _: ModifiedRequest, table: QueryTable, first: Encoding, second: Encoding
    ) -> Question:
        self._require_sentences(first, second)
        shared = align(first, second).published
        one = self._modified_side(first, modified_positions(first, [a for a, _ in shared]), table)
        two = self._modified_side(second, modified_positions(second, [b for _, b in shared]), table)
        return Question(
            [*one.queries, *two.queries],
            lambda results: ModifiedPair(first=one.finish(results), second=two.finish(results)),
        )

    def _modified_side(
        self, sentence: Encoding, positions: Sequence[int], table: QueryTable
    ) -> Question:
        if not positions:
            detail = "every piece of the sentence is also in its partner"
            lost = ModifiedScore(skip="not_applicable", detail=detail)
            return Question((), partial(keep_answer, lost))
        tokens, hidden = [sentence.ids[p] for p in positions], frozenset(positions)
        masked = tuple(self._mask_id if p in hidden else i for p, i in enumerate(sentence.ids))
        block = table.ask(masked, positions, [tokens] * len(positions))
        single = [table.ask_masked(sentence.ids, p, p + 1, self._mask_id) for p in positions]

        def finish(results: Sequence[QueryResult]) -> ModifiedScore:
            whole = [[at[token] for token in tokens] for at in results[block].log_probs]
            alone = [results[n].log_probs[0][t] for n, t in zip(single, tokens, strict=True)]
            return ModifiedScore(
                together=float(np.mean(np.diagonal(whole))),
                together_block=float(np.mean(whole)),
                one_by_one=float(np.mean(alone)),
                pieces=len(positions),
            )

        return Question([block, *single], finish)

    def _blank(self, request: BlankRequest, table: QueryTable, encoded: Encoding) -> Question:
        self._require_sentences(encoded)
        left, word = request.left, request.word
        begin = len(left) + len(word) - len(word.lstrip())
        text = f"{left}{word}{request.right}"
        positions = self._word_range(encoded, text, begin, begin + len(word.strip()))
        ids, mask_id = encoded.ids, self._mask_id
        tokens = [ids[p] for p in positions]
        chain = self._chain(table, ids, positions)
        grown = [
            table.ask((*ids[:p], mask_id, *ids[positions.stop :]), (p,), ((ids[p],),))
            for p in positions
        ]

        def finish(results: Sequence[QueryResult]) -> BlankScore:
            alone = [results[n].log_probs[0][t] for n, t in zip(grown, tokens, strict=True)]
            return BlankScore(
                log_prob=_total(chain, tokens, results),
                pieces=len(tokens),
                published=float(np.mean(np.exp(alone))),
            )

        return Question([*chain, *grown], finish)

    def _span(self, request: SpanRequest, table: QueryTable, encoded: Encoding) -> Question:
        self._require_sentences(encoded)
        word, *others = (
            self._word_range(encoded, request.text, *span)
            for span in (request.word, *request.hidden)
        )
        mask_id, hidden = self._mask_id, {position for span in others for position in span}
        ids = tuple(mask_id if p in hidden else i for p, i in enumerate(encoded.ids))
        tokens = [ids[p] for p in word]
        chain = self._chain(table, ids, word)
        masked = tuple(mask_id if p in word else i for p, i in enumerate(ids))
        block = table.ask(masked, word, [tokens] * len(tokens)) if len(tokens) > 1 else chain[0]

        def finish(results: Sequence[QueryResult]) -> SpanScore:
            return SpanScore(
                log_prob=_total(chain, tokens, results),
                outer=sum(at[token] for at in results[block].log_probs for token in tokens),
                pieces=len(tokens),
            )

        return Question([*chain, block], finish)

    def _embedding(
        self, request: EmbeddingRequest, table: QueryTable, encoded: Encoding
    ) -> Question:
        self._require_sentences(encoded)
        positions: Sequence[int] = range(len(encoded.ids)) if request.pooling == "mean" else (0,)
        if request.pooling == "word":
            positions = self._word_range(encoded, request.text, *request.word)
        query = table.ask(encoded.ids, positions, [()] * len(positions))
        return Question([query], lambda results: Embedding(values=np.array(results[query].vector)))


def _lose_pair(**reason: Any) -> ModifiedPair:
    return ModifiedPair(first=ModifiedScore(**reason), second=ModifiedScore(**reason))


_PLANS: dict[type[Request[Any]], tuple[Callable[..., Question], Callable[..., Any]]] = {
    FillRequest: (Planner._fill, FillScore),
    CompletionRequest: (Planner._completion, CompletionScore),
    SentenceRequest: (Planner._sentence, SentenceScore),
    PairRequest: (Planner._pair, PairScore),
    ModifiedRequest: (Planner._modified_pair, _lose_pair),
    BlankRequest: (Planner._blank, BlankScore),
    SpanRequest: (Planner._span, SpanScore),
    EmbeddingRequest: (Planner._embedding, Embedding),
}
"""How to plan each kind of request, and the answer that says why it cannot be."""
SUPPORTS = frozenset(_PLANS)
"""The kinds of requests that a masked language model answers."""


def _total(queries: Sequence[int], tokens: Sequence[int], results: Sequence[QueryResult]) -> float:
    """Sum of the log-probabilities of a word's tokens, nats."""
    return sum(results[n].log_probs[0][t] for n, t in zip(queries, tokens, strict=True))


def _word_end(sentence: Encoding, position: int) -> int:
    """Position after the last token of the word that the token at ``position`` belongs to."""
    word, stop = sentence.words[position], position + 1
    while (
        word is not None
        and stop < len(sentence.ids)
        and not sentence.added[stop]
        and sentence.words[stop] == word
    ):
        stop += 1
    return stop
