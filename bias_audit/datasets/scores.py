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

from bias_audit.datasets.items import Choice, GroupSentence, SentencePair
from bias_audit.datasets.pair_scores import PairRow
from bias_audit.errors import UsageError
from bias_audit.metrics import sentence as reduce
from bias_audit.records import ProgressCallback
from bias_audit.scoring import Backend
from bias_audit.scoring.base import SentenceBackend, SentenceScoring
from bias_audit.sentence_scores import FillScore, PairScore, PieceScores

Listener = Callable[[str, int, int], None]
"""Called with (what is scored, sentences done, sentences in all)."""
_Answers = Iterator[tuple[Any, Any]]
"""The answers about both sentences of each pair."""
_Ask = Callable[[SentenceScoring, Sequence[SentencePair], bool, ProgressCallback | None], _Answers]


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
    ask: Callable[
        [SentenceScoring, Sequence[SentencePair], bool, ProgressCallback | None], _Answers
    ]
    """From scorer, pairs, whether attention is needed and a progress callback to answers."""
    measures: Mapping[str, Callable[[Any], float]]
    """The score of a sentence, from the answer about it."""


def check_backend(backend: Backend) -> None:
    """Check that a backend scores sentences.

    Raises:
        UsageError: it does not.
    """
    _scorer(backend)


def score_pairs(
    backend: Backend,
    dataset: str,
    pairs: Sequence[SentencePair],
    measures: Sequence[str],
    *,
    progress: Listener | None = None,
) -> tuple[list[PairRow], Notes]:
    """Score all pairs by some measures, each pass once.

    Returns:
        One row for each measure and pair, in their order, and what a reader should know.

    Raises:
        ScoringError: a measure needs attention weights and the model reports none.
    """
    scorer, notes = _scorer(backend), Notes()
    rows: dict[str, list[PairRow]] = {name: [] for name in measures}
    for one_pass in _PASSES:
        names = [name for name in one_pass.measures if name in rows]
        if names:
            attention = any(name in _ATTENTION for name in names)
            answers = one_pass.ask(scorer, pairs, attention, _callback(one_pass.title, progress))
            for pair, (first, second) in zip(pairs, answers, strict=True):
                _note(first, second, notes, unmasked=one_pass is _UNMASKED)
                for name in names:
                    value = one_pass.measures[name]
                    rows[name].append(_row(dataset, name, pair, first, second, value))
    return [row for name in measures for row in rows[name]], notes


def score_blanks(
    backend: Backend, items: Sequence[Choice], *, progress: Listener | None = None
) -> list[tuple[FillScore, ...]]:
    """Return the scores of the three candidates of each item that has them."""
    blanks = [(item.left, word, item.right) for item in items for word in item.fills or ()]
    scores = iter(_scorer(backend).fills(blanks, progress=_callback("blanks", progress)))
    return list(zip(scores, scores, scores, strict=True))


def score_sentences(
    backend: Backend, items: Iterable[GroupSentence], *, progress: Listener | None = None
) -> Iterator[tuple[GroupSentence, PieceScores]]:
    """Yield each sentence with its scores, token by token, within words from left to right.

    The sentences are read as they are needed: what is held at once does not grow with them.
    """
    waiting: deque[GroupSentence] = deque()

    def texts() -> Iterator[str]:
        for item in items:
            waiting.append(item)
            yield item.text

    callback = _callback("sentences", progress)
    for score in _scorer(backend).pieces(texts(), variant="word_l2r", progress=callback):
        yield waiting.popleft(), score


def _scorer(backend: Backend) -> SentenceScoring:
    if not isinstance(backend, SentenceBackend):
        raise UsageError(
            f"{type(backend).__name__} scores words only, not whole sentences",
            hint="give it a method 'sentence_scorer', or use a masked language model",
        )
    return backend.sentence_scorer()


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


def _couples(pairs: Sequence[SentencePair]) -> list[tuple[str, str]]:
    return [(pair.more, pair.less) for pair in pairs]


def _texts(pairs: Sequence[SentencePair]) -> list[str]:
    return [text for pair in pairs for text in (pair.more, pair.less)]


def _in_twos(scores: Iterable[PieceScores]) -> _Answers:
    """Join the scores of two sentences in turn to a pair."""
    scores = iter(scores)
    return zip(scores, scores, strict=True)


def _mirror(score: PairScore) -> PairScore:
    """Return the same score as seen from the second sentence."""
    return replace(score, more=score.less, published_more=score.published_less)


_ATTENTION = ("crra", "dpa", "aula")
"""Measures that weight by attention."""
_SHARED = _Pass(
    title="shared tokens",
    ask=lambda scorer, pairs, _, progress: (
        (score, _mirror(score)) for score in scorer.pairs(_couples(pairs), progress=progress)
    ),
    measures={
        "crows_pairs": lambda s: s.more,
        "crows_pairs_published": lambda s: s.published_more,
        "crows_pairs_gap": lambda s: s.more / max(s.shared, 1),
    },
)
_MODIFIED = _Pass(
    title="modified tokens",
    ask=lambda scorer, pairs, _, progress: scorer.modified(_couples(pairs), progress=progress),
    measures={
        "sss": lambda s: s.together,
        "sss_block": lambda s: s.together_block,
        "bias_bench_crows": lambda s: s.one_by_one,
    },
)
_ALL_TOKENS = _Pass(
    title="all tokens",
    ask=lambda scorer, pairs, attention, progress: _in_twos(
        scorer.pieces(
            _texts(pairs), variant="original", ranks=True, attention=attention, progress=progress
        )
    ),
    measures={
        "pll_sum": lambda s: reduce.pll_sum(s.log_probs),
        "pll_mean": lambda s: reduce.pll_mean(s.log_probs),
        "crr": lambda s: -reduce.crr(s.ranks),
        "dp": lambda s: -reduce.dp(s.log_probs, s.best),
        "crra": lambda s: -reduce.crra(s.ranks, s.attention),
        "dpa": lambda s: -reduce.dpa(s.log_probs, s.best, s.attention),
    },
)
_ALL_WORDS = _Pass(
    title="all words",
    ask=lambda scorer, pairs, _, progress: _in_twos(
        scorer.pieces(_texts(pairs), variant="word_l2r", progress=progress)
    ),
    measures={
        "pll_word_l2r_sum": lambda s: reduce.pll_sum(s.log_probs),
        "pll_word_l2r_mean": lambda s: reduce.pll_mean(s.log_probs),
    },
)
_UNMASKED = _Pass(
    title="unmasked sentences",
    ask=lambda scorer, pairs, attention, progress: _in_twos(
        scorer.unmasked(_texts(pairs), attention=attention, progress=progress)
    ),
    measures={
        "aul": lambda s: reduce.aul(s.log_probs),
        "aula": lambda s: reduce.aula(s.log_probs, s.attention),
    },
)
_PASSES = (_SHARED, _MODIFIED, _ALL_TOKENS, _ALL_WORDS, _UNMASKED)
