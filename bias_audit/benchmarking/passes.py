"""Scores the pairs, choices or sentences of a data set: which passes a measure needs, and no more.

Every measure gets one number for each sentence, of which a larger one means that the model prefers
the sentence. What could not be scored is kept with its reason.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from bias_audit.backends import Backend, score_stream
from bias_audit.metrics import sentence as reduce
from bias_audit.records import (
    ModifiedRequest,
    ModifiedScore,
    PairRequest,
    ProgressCallback,
    SentenceRequest,
    SentenceScore,
    SkipReason,
    Variant,
)

Reduce = Callable[[SentenceScore], float]
NAN = math.nan


@dataclass(slots=True)
class Column:
    """One measure's scores of all pairs."""

    more: list[float] = field(default_factory=list)
    """Of the more stereotypical sentences; NaN where not scored."""
    less: list[float] = field(default_factory=list)
    skips: list[tuple[SkipReason, str] | None] = field(default_factory=list)
    """Why a pair has no score; None where it has one."""

    def add(self, more: float, less: float) -> None:
        """Enter a scored pair."""
        self.more.append(more)
        self.less.append(less)
        self.skips.append(None)

    def lose(self, reason: SkipReason, detail: str) -> None:
        """Enter a pair that could not be scored."""
        self.more.append(NAN)
        self.less.append(NAN)
        self.skips.append((reason, detail))


@dataclass(slots=True)
class Notes:
    """What a reader should know about the pairs."""

    ambiguous: int = 0
    """Pairs whose shared pieces depend on which sentence comes first."""
    unknown: int = 0
    """Pairs with text outside the vocabulary."""
    accuracy: list[float] = field(default_factory=list)
    """Share of pieces that the model gets right when it sees them."""


_SHARED = ("crows_pairs", "crows_pairs_published", "crows_pairs_gap")
_MODIFIED: dict[str, Callable[[ModifiedScore], float]] = {
    "sss": lambda s: s.together,
    "sss_block": lambda s: s.together_block,
    "bias_bench_crows": lambda s: s.one_by_one,
}
_ORIGINAL: dict[str, Reduce] = {
    "pll_sum": lambda s: reduce.pll_sum(s.log_probs),
    "pll_mean": lambda s: reduce.pll_mean(s.log_probs),
    "crr": lambda s: -reduce.crr(s.ranks),
    "dp": lambda s: -reduce.dp(s.log_probs, s.best),
    "crra": lambda s: -reduce.crra(s.ranks, s.attention),
    "dpa": lambda s: -reduce.dpa(s.log_probs, s.best, s.attention),
}
_L2R: dict[str, Reduce] = {
    "pll_word_l2r_sum": lambda s: reduce.pll_sum(s.log_probs),
    "pll_word_l2r_mean": lambda s: reduce.pll_mean(s.log_probs),
}
_UNMASKED: dict[str, Reduce] = {
    "aul": lambda s: reduce.aul(s.log_probs),
    "aula": lambda s: reduce.aula(s.log_probs, s.attention),
}
_PASSES: tuple[tuple[str, Variant, dict[str, Reduce]], ...] = (
    ("all pieces", "original", _ORIGINAL),
    ("all words", "word_l2r", _L2R),
    ("unmasked sentences", "unmasked", _UNMASKED),
)
_ATTENDING = ("crra", "dpa", "aula")


def score_pairs(
    backend: Backend,
    pairs: Sequence[tuple[str, str]],
    measures: Sequence[str],
    *,
    progress: Callable[[str, int, int], None] | None = None,
) -> tuple[dict[str, Column], Notes]:
    """Score all pairs by the measures asked for, each pass once.

    Raises:
        ScoringError: a measure needs attention weights and the model reports none.
    """
    notes = Notes()
    columns = {name: Column() for name in measures}
    wanted = set(measures)
    if wanted & set(_SHARED):
        _shared(backend, pairs, columns, notes, _tell("shared pieces", progress))
    if wanted & set(_MODIFIED):
        _modified(backend, pairs, columns, _tell("modified pieces", progress))
    for title, variant, table in _PASSES:
        names = [name for name in table if name in wanted]
        if names:
            requests = [
                SentenceRequest(
                    text=text,
                    variant=variant,
                    ranks=variant != "word_l2r",
                    attention=any(name in _ATTENDING for name in names),
                )
                for pair in pairs
                for text in pair
            ]
            scores = score_stream(backend, requests, progress=_tell(title, progress))
            if variant == "unmasked":
                scores = (_noted(score, notes) for score in scores)
            _by_sentence(scores, {name: table[name] for name in names}, columns)
    return columns, notes


def _shared(
    backend: Backend,
    pairs: Sequence[tuple[str, str]],
    columns: dict[str, Column],
    notes: Notes,
    progress: ProgressCallback | None,
) -> None:
    requests = [PairRequest(first=a, second=b) for a, b in pairs]
    for score in score_stream(backend, requests, progress=progress):
        notes.ambiguous += score.ambiguous
        notes.unknown += score.unknown > 0
        for name in _SHARED:
            column = columns.get(name)
            if column is None:
                continue
            if score.skip is not None:
                column.lose(score.skip, score.detail)
            elif name == "crows_pairs_published":
                column.add(score.published_more, score.published_less)
            else:
                size = max(score.shared, 1) if name == "crows_pairs_gap" else 1
                column.add(score.more / size, score.less / size)


def _modified(
    backend: Backend,
    pairs: Sequence[tuple[str, str]],
    columns: dict[str, Column],
    progress: ProgressCallback | None,
) -> None:
    requests = [ModifiedRequest(first=a, second=b) for a, b in pairs]
    for score in score_stream(backend, requests, progress=progress):
        one, other = score.first, score.second
        lost = next((s for s in (one, other) if s.skip is not None), None)
        for name, value in _MODIFIED.items():
            column = columns.get(name)
            if column is None:
                continue
            if lost is not None:
                column.lose(lost.skip or "error", lost.detail)
            else:
                column.add(value(one), value(other))


def _by_sentence(
    scores: Iterable[SentenceScore], table: dict[str, Reduce], columns: dict[str, Column]
) -> None:
    """Two sentences in turn make a pair."""
    waiting = iter(scores)
    for one in waiting:
        other = next(waiting)
        lost = next((s for s in (one, other) if s.skip is not None), None)
        for name, value in table.items():
            if lost is not None:
                columns[name].lose(lost.skip or "error", lost.detail)
            else:
                columns[name].add(value(one), value(other))


def _noted(score: SentenceScore, notes: Notes) -> SentenceScore:
    if score.skip is None:
        notes.accuracy.append(reduce.top_accuracy(score.ranks))
    return score


def _tell(title: str, progress: Callable[[str, int, int], None] | None) -> ProgressCallback | None:
    if progress is None:
        return None
    listen = progress
    return lambda done, total: listen(title, done, total)
