"""What to ask the model about a sentence, a pair or a blank, and how to put the answers together.

Every method enters its questions into a table and returns a function from the table's answers to
the score; no tensors here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from bias_audit.records import SkipReason
from bias_audit.scoring._align import align, modified
from bias_audit.scoring._encode import Encoded, Encoder
from bias_audit.scoring._readings import ReadingTable, Seen
from bias_audit.sentence_scores import (
    FillScore,
    ModifiedScore,
    PairScore,
    PieceScores,
    SlotQuestion,
    SlotScore,
    Variant,
    Vector,
    VectorQuestion,
)

Blank = tuple[str, str, str]
"""Text before a word, the word, text after it."""
Answer = TypeVar("Answer")
Finish = Callable[[list[Seen]], Answer]
Found = Mapping[str, Encoded]
"""The sentences of a window, encoded."""


class Asker:
    """Questions in the terms of one tokenizer."""

    def __init__(self, encoder: Encoder, max_length: int) -> None:
        self._encoder = encoder
        self._max_length = max_length

    def _refused(self, *sentences: Encoded) -> tuple[SkipReason, str] | None:
        """Why sentences cannot be scored."""
        for encoded in sentences:
            if encoded.trouble:
                return "unscorable", encoded.trouble
            if len(encoded.ids) > self._max_length:
                had = f"{len(encoded.ids)} pieces, the model takes {self._max_length}"
                return "too_long", had
            if all(encoded.added):
                return "unscorable", "the sentence is empty"
        return None

    def _unknown(self, *sentences: Encoded) -> int:
        if self._encoder.unknown_id is None:
            return 0
        return sum(encoded.ids.count(self._encoder.unknown_id) for encoded in sentences)

    def pair(self, pair: tuple[str, str], found: Found, table: ReadingTable) -> Finish[PairScore]:
        first, second = found[pair[0]], found[pair[1]]
        if refused := self._refused(first, second):
            skip, detail = refused
            return lambda _: PairScore(skip=skip, detail=detail)
        aligned = align(first, second)
        mask_id = self._encoder.mask_id
        sides = []
        for which, sentence in enumerate((first, second)):
            for shared in (aligned.words, aligned.published):
                places = [both[which] for both in shared]
                numbers = [table.ask_masked(sentence.ids, p, p + 1, mask_id) for p in places]
                sides.append([(n, sentence.ids[p]) for n, p in zip(numbers, places, strict=True)])

        def finish(seen: list[Seen]) -> PairScore:
            more, published_more, less, published_less = (
                sum(seen[n].log_probs[0][piece] for n, piece in side) for side in sides
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

        return finish

    def changed(
        self, pair: tuple[str, str], found: Found, table: ReadingTable
    ) -> Finish[tuple[ModifiedScore, ModifiedScore]]:
        first, second = found[pair[0]], found[pair[1]]
        if refused := self._refused(first, second):
            skip, detail = refused
            lost = ModifiedScore(skip=skip, detail=detail)
            return lambda _: (lost, lost)
        shared = align(first, second).published
        one = self._changed(first, modified(first, [a for a, _ in shared]), table)
        two = self._changed(second, modified(second, [b for _, b in shared]), table)
        return lambda seen: (one(seen), two(seen))

    def _changed(
        self, sentence: Encoded, places: Sequence[int], table: ReadingTable
    ) -> Finish[ModifiedScore]:
        if not places:
            nothing = "every piece of the sentence is also in its partner"
            return lambda _: ModifiedScore(skip="not_applicable", detail=nothing)
        mask_id, golds = self._encoder.mask_id, [sentence.ids[p] for p in places]
        hidden = frozenset(places)
        masked = tuple(mask_id if p in hidden else i for p, i in enumerate(sentence.ids))
        whole = table.ask(masked, places, [golds] * len(places))
        single = [table.ask_masked(sentence.ids, p, p + 1, mask_id) for p in places]

        def finish(seen: list[Seen]) -> ModifiedScore:
            block = [[place[gold] for gold in golds] for place in seen[whole].log_probs]
            alone = [seen[n].log_probs[0][gold] for n, gold in zip(single, golds, strict=True)]
            return ModifiedScore(
                together=float(np.mean(np.diagonal(block))),
                together_block=float(np.mean(block)),
                one_by_one=float(np.mean(alone)),
                pieces=len(places),
            )

        return finish

    def pieces(
        self, sentence: Encoded, table: ReadingTable, variant: Variant
    ) -> Finish[PieceScores]:
        if refused := self._refused(sentence):
            skip, detail = refused
            return lambda _: PieceScores(skip=skip, detail=detail)
        places = [p for p, added in enumerate(sentence.added) if not added]
        stops = [p + 1 if variant == "original" else _word_end(sentence, p) for p in places]
        mask_id = self._encoder.mask_id
        numbers = [
            table.ask_masked(sentence.ids, p, stop, mask_id)
            for p, stop in zip(places, stops, strict=True)
        ]
        return lambda seen: self._collected(sentence, places, [(seen[n], 0) for n in numbers])

    def unmasked(self, sentence: Encoded, table: ReadingTable) -> Finish[PieceScores]:
        if refused := self._refused(sentence):
            skip, detail = refused
            return lambda _: PieceScores(skip=skip, detail=detail)
        places = [p for p, added in enumerate(sentence.added) if not added]
        number = table.ask(sentence.ids, places, [(sentence.ids[p],) for p in places])
        return lambda seen: self._collected(
            sentence, places, [(seen[number], n) for n in range(len(places))]
        )

    def _collected(
        self, sentence: Encoded, places: Sequence[int], seen: Sequence[tuple[Seen, int]]
    ) -> PieceScores:
        golds = [sentence.ids[p] for p in places]
        pairs = list(zip(seen, golds, strict=True))
        words = [-1 if sentence.words[p] is None else sentence.words[p] for p in places]
        ranked = bool(seen[0][0].ranks)
        attended = bool(seen[0][0].attention)
        return PieceScores(
            log_probs=np.array([s.log_probs[n][gold] for (s, n), gold in pairs]),
            words=np.array(words, dtype=np.int64),
            spans=np.array([sentence.offsets[p] for p in places], dtype=np.int64),
            ranks=np.array(
                [s.ranks[n][g] for (s, n), g in pairs] if ranked else [], dtype=np.int64
            ),
            best=np.array([s.best[n] for s, n in seen] if ranked else []),
            attention=np.array([s.attention[n] for s, n in seen] if attended else []),
            unknown=self._unknown(sentence),
        )

    def fill(self, blank: Blank, found: Found, table: ReadingTable) -> Finish[FillScore]:
        left, word, right = blank
        text = f"{left}{word}{right}"
        encoded = found[text]
        refused = self._refused(encoded)
        if refused is None:
            begin = len(left) + len(word) - len(word.lstrip())
            span = self._encoder.span(text, encoded, begin, begin + len(word.strip()))
            refused = ("unscorable", span.trouble) if span.trouble else None
        if refused is not None:
            skip, detail = refused
            return lambda _: FillScore(skip=skip, detail=detail)
        ids, mask_id = encoded.ids, self._encoder.mask_id
        places = range(span.start, span.stop)
        golds = [ids[p] for p in places]
        chain = [table.ask_masked(ids, p, span.stop, mask_id) for p in places]
        grown = [
            table.ask((*ids[:p], mask_id, *ids[span.stop :]), (p,), ((ids[p],),)) for p in places
        ]

        def finish(seen: list[Seen]) -> FillScore:
            log_probs = [seen[n].log_probs[0][g] for n, g in zip(chain, golds, strict=True)]
            alone = [seen[n].log_probs[0][g] for n, g in zip(grown, golds, strict=True)]
            return FillScore(
                log_prob=sum(log_probs),
                pieces=len(golds),
                published=float(np.mean(np.exp(alone))),
            )

        return finish

    def slot(self, question: SlotQuestion, found: Found, table: ReadingTable) -> Finish[SlotScore]:
        encoded = found[question.text]
        refused = self._refused(encoded)
        spans = []
        for begin, end in (question.word, *question.hidden) if refused is None else ():
            span = self._encoder.span(question.text, encoded, begin, end)
            refused = refused or (("unscorable", span.trouble) if span.trouble else None)
            spans.append(range(span.start, span.stop))
        if refused is not None:
            skip, detail = refused
            return lambda _: SlotScore(skip=skip, detail=detail)
        mask_id, word = self._encoder.mask_id, spans[0]
        away = {place for span in spans[1:] for place in span}
        ids = tuple(mask_id if p in away else i for p, i in enumerate(encoded.ids))
        golds = [ids[p] for p in word]
        chain = [table.ask_masked(ids, p, word.stop, mask_id) for p in word]
        masked = tuple(mask_id if p in word else i for p, i in enumerate(ids))
        block = table.ask(masked, word, [golds] * len(golds)) if len(golds) > 1 else chain[0]

        def finish(seen: list[Seen]) -> SlotScore:
            log_probs = [seen[n].log_probs[0][g] for n, g in zip(chain, golds, strict=True)]
            return SlotScore(
                log_prob=sum(log_probs),
                outer=sum(place[g] for place in seen[block].log_probs for g in golds),
                pieces=len(golds),
            )

        return finish

    def vector(self, question: VectorQuestion, found: Found, table: ReadingTable) -> Finish[Vector]:
        encoded = found[question.text]
        refused = self._refused(encoded)
        places: Sequence[int] = range(len(encoded.ids)) if question.pooling == "mean" else (0,)
        if refused is None and question.pooling == "word":
            span = self._encoder.span(question.text, encoded, *question.word)
            refused = ("unscorable", span.trouble) if span.trouble else None
            places = range(span.start, span.stop)
        if refused is not None:
            skip, detail = refused
            return lambda _: Vector(skip=skip, detail=detail)
        number = table.ask(encoded.ids, places, [()] * len(places))
        return lambda seen: Vector(values=np.array(seen[number].vector))


def _word_end(sentence: Encoded, place: int) -> int:
    """Place after the last piece of the word that the piece at ``place`` belongs to."""
    word, stop = sentence.words[place], place + 1
    while (
        word is not None
        and stop < len(sentence.ids)
        and not sentence.added[stop]
        and sentence.words[stop] == word
    ):
        stop += 1
    return stop
