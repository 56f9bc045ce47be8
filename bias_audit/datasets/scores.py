"""Asks a model about pairs, blanks and sentences: which passes a measure needs, and no more.

The only module here that talks to a model. Every measure of pairs gets one number for each
sentence, of which a larger one means that the model prefers the sentence. What could not be scored
is kept with its reason.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bias_audit.backends import Backend, require_support, score_stream
from bias_audit.datasets.info import LIKELIHOOD_MEASURES, STEREOSET_MEASURES
from bias_audit.datasets.items import Choice, GroupSentence, SentencePair
from bias_audit.datasets.pair_scores import PairRow
from bias_audit.metrics import sentence as reduce
from bias_audit.records import (
    BlankRequest,
    BlankScore,
    ModifiedPair,
    ModifiedRequest,
    PairRequest,
    PairScore,
    ProgressCallback,
    Request,
    SentenceRequest,
    SentenceScore,
    Variant,
)

Listener = Callable[[str, int, int], None]
"""Called with (what is scored, sentences done, sentences in all)."""
_Requests = Callable[[SentencePair, bool], list[Request[Any]]]
_Measures = Mapping[str, Callable[[Any], float]]


@dataclass(slots=True)
class Notes:
    """What a reader should know about the pairs."""

    ambiguous: int = 0
    """Pairs whose shared tokens depend on which sentence comes first."""
    unknown: int = 0
    """Pairs with text outside the vocabulary."""
    accuracy: list[float] = field(default_factory=list)
    """Share of tokens that the model gets right when it sees them, of each sentence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Pass:
    """One way to ask a model about pairs, and the measures that it gives."""

    title: str
    kind: type[Request[Any]]
    requests: _Requests
    """From a pair, and whether attention is needed, to one request, or one for each sentence."""
    measures: _Measures
    """The score of a sentence, from the answer about it."""


def check_backend(backend: Backend, measures: Iterable[str]) -> None:
    """Refuse, by a ``UsageError``, a backend that does not answer what measures ask."""
    names = set(measures)
    kinds: set[type[Request[Any]]] = {one.kind for one in _PASSES if names & set(one.measures)}
    if names & set(STEREOSET_MEASURES):
        kinds.add(BlankRequest)
    if names & set(LIKELIHOOD_MEASURES):
        kinds.add(SentenceRequest)
    require_support(backend, kinds)


def score_pairs(
    backend: Backend,
    dataset: str,
    pairs: Sequence[SentencePair],
    measures: Sequence[str],
    *,
    progress: Listener | None = None,
) -> tuple[list[PairRow], Notes]:
    """Score all pairs by some measures, each pass once: rows by measure and pair, and notes.

    Raises:
        ScoringError: a measure needs attention weights and the model reports none.
    """
    notes = Notes()
    rows: dict[str, list[PairRow]] = {name: [] for name in measures}
    for one in _PASSES:
        names = [name for name in one.measures if name in rows]
        if not names:
            continue
        attention = any(name in _ATTENTION for name in names)
        requests = [request for pair in pairs for request in one.requests(pair, attention)]
        answers = score_stream(backend, requests, progress=_callback(one.title, progress))
        for pair, (first, second) in zip(pairs, _sides(answers), strict=True):
            _note(first, second, notes, unmasked=one is _UNMASKED)
            for name in names:
                rows[name].append(_row(dataset, name, pair, first, second, one.measures[name]))
    return [row for name in measures for row in rows[name]], notes


def score_blanks(
    backend: Backend, items: Sequence[Choice], *, progress: Listener | None = None
) -> list[tuple[BlankScore, ...]]:
    """Return the scores of the three candidates of each item that has them."""
    blanks = [
        BlankRequest(left=item.left, word=word, right=item.right)
        for item in items
        for word in item.fills or ()
    ]
    scores = score_stream(backend, blanks, progress=_callback("blanks", progress))
    return list(zip(scores, scores, scores, strict=True))


def score_sentences(
    backend: Backend, items: Iterable[GroupSentence], *, progress: Listener | None = None
) -> Iterator[tuple[GroupSentence, SentenceScore]]:
    """Yield each sentence with its scores, token by token, within words from left to right.

    The sentences are read as they are needed: what is held at once does not grow with them.
    """
    waiting: deque[GroupSentence] = deque()

    def requests() -> Iterator[SentenceRequest]:
        for item in items:
            waiting.append(item)
            yield SentenceRequest(text=item.text)

    for score in score_stream(backend, requests(), progress=_callback("sentences", progress)):
        yield waiting.popleft(), score


def _row(
    dataset: str,
    measure: str,
    pair: SentencePair,
    first: Any,
    second: Any,
    value: Callable[[Any], float],
) -> PairRow:
    """Return the scores of a pair by one measure, or why there are none."""
    missing = next((answer for answer in (first, second) if answer.skip is not None), None)
    return PairRow(
        dataset=dataset,
        pair=pair.id,
        category=pair.category,
        direction=pair.direction,
        cluster=pair.cluster,
        measure=measure,
        more=None if missing else float(value(first)),
        less=None if missing else float(value(second)),
        skip=missing.skip if missing else "",
        detail=missing.detail if missing else "",
    )


def _note(first: Any, second: Any, notes: Notes, *, unmasked: bool) -> None:
    if isinstance(first, PairScore):
        notes.ambiguous += first.ambiguous
        notes.unknown += first.unknown > 0
    if unmasked:
        scores = [score for score in (first, second) if score.skip is None]
        notes.accuracy += [reduce.top_accuracy(score.ranks) for score in scores]


def _callback(title: str, progress: Listener | None) -> ProgressCallback | None:
    return None if progress is None else lambda done, total: progress(title, done, total)


def _sides(answers: Iterator[Any]) -> Iterator[tuple[Any, Any]]:
    """Yield what the answers say of the first and of the second sentence of each pair."""
    for answer in answers:
        match answer:
            case PairScore():
                less, published = answer.less, answer.published_less
                yield answer, replace(answer, more=less, published_more=published)
            case ModifiedPair():
                yield answer.first, answer.second
            case _:
                yield answer, next(answers)


def _sentences(title: str, variant: Variant, measures: _Measures) -> _Pass:
    """Make a pass over each sentence by itself."""
    return _Pass(
        title=title,
        kind=SentenceRequest,
        requests=lambda pair, attention: [
            SentenceRequest(
                text=text, variant=variant, ranks=variant != "word_l2r", attention=attention
            )
            for text in (pair.more, pair.less)
        ],
        measures=measures,
    )


_ATTENTION = ("crra", "dpa", "aula")
"""Measures that weight by attention."""
_UNMASKED = _sentences(
    "unmasked sentences",
    "unmasked",
    {
        "aul": lambda s: reduce.aul(s.log_probs),
        "aula": lambda s: reduce.aula(s.log_probs, s.attention),
    },
)
_PASSES = (
    _Pass(
        title="shared tokens",
        kind=PairRequest,
        requests=lambda pair, _: [PairRequest(first=pair.more, second=pair.less)],
        measures={
            "crows_pairs": lambda s: s.more,
            "crows_pairs_published": lambda s: s.published_more,
            "crows_pairs_gap": lambda s: s.more / max(s.shared, 1),
        },
    ),
    _Pass(
        title="modified tokens",
        kind=ModifiedRequest,
        requests=lambda pair, _: [ModifiedRequest(first=pair.more, second=pair.less)],
        measures={
            "sss": lambda s: s.together,
            "sss_block": lambda s: s.together_block,
            "bias_bench_crows": lambda s: s.one_by_one,
        },
    ),
    _sentences(
        "all tokens",
        "original",
        {
            "pll_sum": lambda s: reduce.pll_sum(s.log_probs),
            "pll_mean": lambda s: reduce.pll_mean(s.log_probs),
            "crr": lambda s: -reduce.crr(s.ranks),
            "dp": lambda s: -reduce.dp(s.log_probs, s.best),
            "crra": lambda s: -reduce.crra(s.ranks, s.attention),
            "dpa": lambda s: -reduce.dpa(s.log_probs, s.best, s.attention),
        },
    ),
    _sentences(
        "all words",
        "word_l2r",
        {
            "pll_word_l2r_sum": lambda s: reduce.pll_sum(s.log_probs),
            "pll_word_l2r_mean": lambda s: reduce.pll_mean(s.log_probs),
        },
    ),
    _UNMASKED,
)
