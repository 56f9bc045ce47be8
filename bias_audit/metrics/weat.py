"""Association tests on vectors of words (WEAT, SEAT, CEAT): kept to compare with published work.

Arrays that are not finite, or do not fit each other, raise ``ValueError``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bias_audit.metrics.base import (
    ExtraRequests,
    Metric,
    MetricInfo,
    MetricOutput,
    count_skips,
    needs_poles,
    probe_result,
    versus,
)
from bias_audit.metrics.design import scored_comparisons
from bias_audit.metrics.scored_probe import ScoredProbe, Settings
from bias_audit.probes.probe import Probe, Word
from bias_audit.probes.schema.text import primary_language
from bias_audit.records import OTHERS, EmbeddingRequest, Pooling, Prompt, SkipReason, Span
from bias_audit.results import Result
from bias_audit.stats._arrays import finite
from bias_audit.stats.relabel import relabellings
from bias_audit.utils.arrays import Floats

_DIRECTION = (
    "positive: the vectors of the first pole lean towards the first group; depends on how vectors "
    "are taken and on the words' frequency, so it is kept for comparison only; at most about 2 in "
    "size where both poles have equally many words, more where they have not"
)
WEAT = MetricInfo(
    id="weat",
    name="association of word vectors (WEAT, legacy)",
    unit="standard deviations",
    direction=_DIRECTION,
    reference="Caliskan et al. (2017).",
)
SEAT = MetricInfo(
    id="seat",
    name="association of sentence vectors (SEAT, legacy)",
    unit="standard deviations",
    direction=_DIRECTION,
    reference="May et al. (2019, N19-1063).",
)
CEAT = MetricInfo(
    id="ceat",
    name="association of vectors in context (CEAT, legacy)",
    unit="standard deviations",
    direction=_DIRECTION,
    reference="Guo and Caliskan (2021, arXiv 2006.03955).",
)

BLEACHED = ('The word is "{}".', 'Somebody wrote "{}" here.', 'Here is the word "{}" again.')
"""Sentences that say nothing about the word in them."""
CONTEXTS = 12
"""Sentences from which a word's vectors are taken for CEAT."""
DRAWS = 10_000
"""Random draws of one context for each word, as published."""
LEGACY = "legacy"
POOLINGS: Mapping[Pooling, str] = {
    "first": "the first place ([CLS])",
    "mean": "the mean over all places",
}
"""How the vector of a sentence is taken."""
_LEAST_WORDS = 2
"""Words that each pole needs; a group needs one."""
_TOO_FEW: tuple[SkipReason, str] = (
    "not_applicable",
    "it needs two words in each pole and one in each group",
)
MOST_SPLITS = 20_000
"""Splits of the two sets that are all tried."""
_TIE = 1e-12


def associations(words: ArrayLike, a: ArrayLike, b: ArrayLike) -> Floats:
    """Return s(w): mean cosine with the vectors of A minus mean cosine with those of B.

    Args:
        words: (n, d) vectors.
        a: (n_a, d) vectors.
        b: (n_b, d) vectors.

    Source: Caliskan, Bryson and Narayanan (2017).
    """
    w, first, second = (_unit(table) for table in (words, a, b))
    return np.asarray((w @ first.T).mean(axis=1) - (w @ second.T).mean(axis=1))


def _unit(table: ArrayLike) -> Floats:
    vectors = finite(table, ndim=2, name="vectors")
    sizes = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not (sizes > 0).all():
        raise ValueError("a vector of length 0 has no direction")
    return np.asarray(vectors / sizes)


def effect(s_x: ArrayLike, s_y: ArrayLike, *, ddof: int = 1) -> float:
    """Return WEAT's d: difference of the means over the standard deviation of all words.

    For sets of n words |d| is at most 2 with ``ddof`` 0 and 2 sqrt((2n - 1) / 2n) with 1; 0 where
    the words do not differ.

    >>> round(effect([1.0, 2.0], [-1.0, -2.0], ddof=0), 4)
    1.8974

    Args:
        s_x: associations of the words of X.
        s_y: associations of the words of Y.
        ddof: 1 divides by the number of words less one, as published code does.
    """
    x, y = finite(s_x, ndim=1, name="s_x"), finite(s_y, ndim=1, name="s_y")
    both = np.concatenate([x, y])
    spread = float(both.std(ddof=ddof)) if both.size > ddof else 0.0
    gap = float(x.mean() - y.mean())
    return gap / spread if spread > _TIE * max(1.0, float(np.abs(both).max())) else 0.0


class Splits(NamedTuple):
    """A one-sided permutation test."""

    p: float
    """Share of splits with a difference at least as large, the observed one counted."""
    method: str


def split_test(
    s_x: ArrayLike, s_y: ArrayLike, rng: np.random.Generator, resamples: int = 9999
) -> Splits:
    """Test whether X leans towards A: words dealt out again to X and Y, one-sided.

    Words are exchanged, never sentences: sentences of one word are no independent units.

    Args:
        s_x: associations of the words of X.
        s_y: associations of the words of Y.
        rng: source of the draws where there are too many splits.
        resamples: number of draws then.
    """
    x, y = finite(s_x, ndim=1, name="s_x"), finite(s_y, ndim=1, name="s_y")
    both = np.concatenate([x, y])
    codes = np.repeat(np.arange(2), [x.size, y.size])
    table, exact = relabellings(
        codes, np.zeros(both.size, dtype=np.intp), rng, resamples=resamples, limit=MOST_SPLITS
    )
    gaps = np.where(table == 0, both / x.size, -both / y.size).sum(axis=1)
    hits = np.count_nonzero(gaps >= gaps[0] - _TIE * max(1.0, float(np.abs(both).max())))
    draws = len(table) if exact else resamples
    kind = "exact" if exact else "Monte Carlo"
    return Splits(float(hits) / len(table), f"one-sided, {kind}, {draws} splits of the words")


class PooledEffect(NamedTuple):
    """Effects of random draws of contexts, put together."""

    value: float
    """Random-effects mean (DerSimonian and Laird)."""
    between: float
    """Variance between draws beyond their own, at least 0."""
    low: float
    """2.5 % quantile of the draws' effects: a spread, no confidence interval."""
    high: float
    """97.5 % quantile."""


def pool(effects: ArrayLike, n_x: int, n_y: int) -> PooledEffect:
    """Pool effect sizes by a random-effects model, as CEAT does; no p-value.

    A p would shrink with the number of draws, which all reuse the same contexts.

    Args:
        effects: (N,) effect sizes of N draws.
        n_x: words in X.
        n_y: words in Y.

    Source: Guo and Caliskan (2021); Hedges and Vevea (1998).
    """
    d = finite(effects, ndim=1, name="effects")
    own = (n_x + n_y) / (n_x * n_y) + d**2 / (2 * (n_x + n_y))
    weight = 1 / own
    fixed = float((weight * d).sum() / weight.sum())
    q = float((weight * (d - fixed) ** 2).sum())
    scale = float(weight.sum() - (weight**2).sum() / weight.sum())
    between = max(0.0, (q - (d.size - 1)) / scale) if scale > 0 else 0.0
    share = 1 / (own + between)
    low, high = np.quantile(d, [0.025, 0.975])
    return PooledEffect(float((share * d).sum() / share.sum()), between, float(low), float(high))


def _leaning(words: list[Floats], a: list[Floats], *others: list[Floats]) -> Floats:
    """s(w) with the unweighted mean of the other groups, however many words each of them has."""
    return np.asarray(np.mean([associations(words, a, b) for b in others], axis=0))


def context_draws(
    tables: Sequence[Sequence[Floats]], rng: np.random.Generator, number: int
) -> Floats:
    """Return WEAT's effect for random choices of one context for each word.

    Args:
        tables: the sets X, Y, A and B, or several sets in the place of B, which then count alike;
            for each word its (contexts, d) vectors.
        rng: source of the choices.
        number: how many.
    """
    flat: list[Floats] = []
    starts: list[int] = []
    sizes: list[int] = []
    for word in (word for table in tables for word in table):
        starts.append(sum(sizes))
        sizes.append(len(word))
        flat.append(word / np.linalg.norm(word, axis=1, keepdims=True))
    x, y, a, *others = map(len, tables)
    signed = [np.full(a, 1 / a), *(np.full(b, -1 / (b * len(others))) for b in others)]
    weights = np.concatenate(signed)
    vectors = np.concatenate(flat)
    cosines = vectors @ vectors.T
    begin, width = np.array(starts), np.array(sizes)
    effects = np.empty(number)
    for i in range(number):
        at = begin + (rng.random(begin.size) * width).astype(np.intp)
        block = cosines[np.ix_(at[: x + y], at[x + y :])]
        s = block @ weights
        effects[i] = effect(s[:x], s[x:])
    return effects


_Key = tuple[str, str]
"""A word: its pole and the id of a target, or a group and a label."""
_Requests = dict[tuple[str, str, str], list[Any]]
"""Questions by pooling and word."""
_Vectors = Mapping[_Key, tuple[Any, ...]]
"""Answers by word."""


def _words(probe: Probe) -> dict[_Key, str]:
    """Targets of the poles and labels of the groups, as text."""
    targets = {(t.pole, t.word.id): _text(t.word) for t in probe.targets if t.pole in ("+", "-")}
    labels = {(g.id, word.label): word.label for g in probe.groups for word in g.words}
    return targets | labels


def _text(word: Word) -> str:
    return word.forms.get("sg") or word.label


def _alone(scored: ScoredProbe, _: Settings) -> _Requests:
    return {
        ("word", *key): [EmbeddingRequest(text=text, pooling="word", word=(0, len(text)))]
        for key, text in _words(scored.probe).items()
    }


def _bleached_requests(scored: ScoredProbe, _: Settings) -> _Requests:
    """Each word in empty sentences, once for each way to take their vectors."""
    return {
        (pooling, *key): [
            EmbeddingRequest(text=frame.format(text), pooling=pooling, word=(0, 0))
            for frame in BLEACHED
        ]
        for pooling in POOLINGS
        for key, text in _words(scored.probe).items()
    }


def _in_context(scored: ScoredProbe, settings: Settings) -> _Requests:
    """Some of the probe's own sentences for each word, with its position in them."""
    spec = scored.probe.spec
    contexts: dict[_Key, list[tuple[str, Span]]] = {}
    for prompt in scored.word_prompts:
        if prompt.filler is None or prompt.pole not in ("+", "-") or not prompt.context_spans:
            continue
        masked = (len(prompt.left), len(prompt.left) + len(prompt.filler))
        target, term = (masked, prompt.context_spans[0])[:: 1 if spec.mask == "target" else -1]
        contexts.setdefault((prompt.pole, prompt.target), []).append((prompt.text, target))
        contexts.setdefault((prompt.group, prompt.label), []).append((prompt.text, term))
    requests: _Requests = {}
    for key, sentences in contexts.items():
        rng = scored.rng(settings, "ceat", *key)
        ordered = sorted(sentences)
        chosen = rng.permutation(len(ordered))[:CONTEXTS]
        requests["word", *key] = [
            EmbeddingRequest(text=ordered[i][0], pooling="word", word=ordered[i][1]) for i in chosen
        ]
    return requests


def _extra(
    name: str,
    ask: Callable[[ScoredProbe, Settings], _Requests],
    count: Callable[[Probe], int],
) -> ExtraRequests:
    def count_prompts(probe: Probe, _: Sequence[Prompt]) -> int:
        return count(probe)

    def requests(scored: ScoredProbe, settings: Settings) -> list[Any]:
        return [one for each in ask(scored, settings).values() for one in each]

    return ExtraRequests(id=name, needs=EmbeddingRequest, count=count_prompts, requests=requests)


WORD_VECTORS = _extra("word-vectors", _alone, lambda probe: len(_words(probe)))
SENTENCE_VECTORS = _extra(
    "sentence-vectors",
    _bleached_requests,
    lambda probe: len(BLEACHED) * len(POOLINGS) * len(_words(probe)),
)
CONTEXT_VECTORS = _extra(
    "vectors-in-context", _in_context, lambda probe: CONTEXTS * len(_words(probe))
)


def _answers(
    scored: ScoredProbe, settings: Settings, extra: ExtraRequests, ask: Callable[..., _Requests]
) -> dict[str, _Vectors]:
    """The answers by pooling, then by word."""
    answers = iter(scored.responses[extra.id].answers)
    by_pooling: dict[str, dict[_Key, tuple[Any, ...]]] = {}
    for (pooling, *key), each in ask(scored, settings).items():
        by_pooling.setdefault(pooling, {})[key[0], key[1]] = tuple(next(answers) for _ in each)
    return dict(by_pooling)


def _is_complete(vectors: Sequence[Any]) -> bool:
    return bool(vectors) and all(vector.skip is None for vector in vectors)


def _means(vectors: _Vectors, keys: Sequence[_Key]) -> list[Floats]:
    """The mean vector of each word, without words of which a sentence could not be read."""
    known = [vectors[key] for key in keys if _is_complete(vectors.get(key, ()))]
    return [np.asarray(np.mean([one.values for one in each], axis=0)) for each in known]


def _sets(scored: ScoredProbe, pair: tuple[str, str]) -> tuple[list[_Key], ...]:
    """Keys of the sets: both poles, the first group, the second or each of the others."""
    a, b = pair
    keys = sorted(_words(scored.probe))  # so that the order in a file moves no draw
    others = sorted(g.id for g in scored.probe.groups if g.id != a) if b == OTHERS else [b]
    return tuple([key for key in keys if key[0] == part] for part in ("+", "-", a, *others))


def _are_enough(sets: Sequence[Sequence[object]]) -> bool:
    poles, groups = sets[:2], sets[2:]
    return min(map(len, poles)) >= _LEAST_WORDS and min(map(len, groups)) >= 1


def _output(
    scored: ScoredProbe,
    info: MetricInfo,
    by_pooling: Mapping[str, _Vectors],
    results: Sequence[Result],
) -> MetricOutput:
    """The results, and what could not be read or compared."""
    vectors = (v for each in by_pooling.values() for word in each.values() for v in word)
    wanted = len(scored_comparisons(scored)) * len(by_pooling)
    few = [_TOO_FEW] * (wanted - len(results))
    skips = count_skips(scored, info.id, [*((v.skip, v.detail) for v in vectors), *few])
    return MetricOutput(results=tuple(results), skips=skips)


def _word_test(
    info: MetricInfo,
    extra: ExtraRequests,
    ask: Callable[..., _Requests],
    scored: ScoredProbe,
    settings: Settings,
) -> MetricOutput:
    """WEAT and SEAT: one vector a word, and words exchanged between the poles."""
    by_pooling = _answers(scored, settings, extra, ask)
    results = [
        _test(scored, info, pair, pooling, sets, settings)
        for pooling, vectors in by_pooling.items()
        for pair in scored_comparisons(scored)
        if _are_enough(sets := [_means(vectors, keys) for keys in _sets(scored, pair)])
    ]
    return _output(scored, info, by_pooling, results)


def _test(
    scored: ScoredProbe,
    info: MetricInfo,
    pair: tuple[str, str],
    pooling: str,
    sets: Sequence[list[Floats]],
    settings: Settings,
) -> Result:
    x, y, *groups = sets
    s_x, s_y = (_leaning(words, *groups) for words in (x, y))
    rng = scored.rng(settings, info.id, ":".join(pair), pooling)
    test = split_test(s_x, s_y, rng, settings.resamples)
    title = {str(name): text for name, text in POOLINGS.items()}.get(pooling)
    return _result(
        scored,
        info,
        pair,
        sets,
        effect(s_x, s_y),
        about=f"{versus(*pair)}:{pooling}" if title else versus(*pair),
        p_value=test.p,
        p_method=test.method,
        target=title,
    )


def _result(
    scored: ScoredProbe,
    info: MetricInfo,
    pair: tuple[str, str],
    sets: Sequence[Sequence[object]],
    estimate: float,
    **more: Any,
) -> Result:
    x, y, *groups = map(len, sets)
    counts = {"n_templates": 0, "n_targets": x + y, "n_terms": sum(groups), "n_prompts": 0}
    known = counts | {"about": versus(*pair), "statuses": (LEGACY,)}
    return probe_result(scored, info, pair, estimate, **(known | more))


def ceat(scored: ScoredProbe, settings: Settings) -> MetricOutput:
    """Return the pooled effect of random draws of one context for each word."""
    by_pooling = _answers(scored, settings, CONTEXT_VECTORS, _in_context)
    vectors = by_pooling.get("word", {})
    known = {key: each for key, each in vectors.items() if _is_complete(each)}
    results = []
    for pair in scored_comparisons(scored):
        sets = [[key for key in keys if key in known] for keys in _sets(scored, pair)]
        if not _are_enough(sets):
            continue
        rng = scored.rng(settings, "ceat", ":".join(pair))
        tables = [[np.stack([v.values for v in known[key]]) for key in keys] for keys in sets]
        pooled = pool(context_draws(tables, rng, DRAWS), len(sets[0]), len(sets[1]))
        spread = f"95 % of {DRAWS:,} draws lie between {pooled.low:.2f} and {pooled.high:.2f}"
        results.append(_result(scored, CEAT, pair, sets, pooled.value, reason=spread))
    return _output(scored, CEAT, by_pooling or {"word": {}}, results)


def _not_english(probe: Probe) -> str:
    if primary_language(probe.spec.language) != "en":
        return "its sentences are English"
    return needs_poles(probe)


METRICS = (
    Metric(
        info=WEAT,
        question="do the vectors of words lean towards a group (WEAT, legacy)?",
        measure=partial(_word_test, WEAT, WORD_VECTORS, _alone),
        unsupported=needs_poles,
        default=False,
        extra=WORD_VECTORS,
    ),
    Metric(
        info=SEAT,
        question="the same for words in empty sentences (SEAT, legacy)",
        measure=partial(_word_test, SEAT, SENTENCE_VECTORS, _bleached_requests),
        unsupported=_not_english,
        default=False,
        extra=SENTENCE_VECTORS,
    ),
    Metric(
        info=CEAT,
        question="the same for words in the probe's sentences (CEAT, legacy)",
        measure=ceat,
        unsupported=needs_poles,
        default=False,
        extra=CONTEXT_VECTORS,
    ),
)
