"""Association tests on the model's own vectors: WEAT, SEAT, CEAT. Kept to compare, not to trust."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from bias_audit.archive import Result
from bias_audit.assess import Scored, Settings
from bias_audit.metrics.vectors import associations, effect, pool, split_test
from bias_audit.probes import Probe, Word
from bias_audit.records import (
    OTHERS,
    Embedding,
    EmbeddingRequest,
    Floats,
    Pooling,
    Prompt,
    Skip,
    SkipReason,
)
from bias_audit.requested._base import Asking, Found, Material, Request, compared, lost, result
from bias_audit.stats.seeds import stream

BLEACHED = ('The word is "{}".', 'Somebody wrote "{}" here.', 'Here is the word "{}" again.')
"""Sentences that say nothing about the word in them."""
CONTEXTS = 12
"""Sentences from which a word's vectors are taken for CEAT."""
DRAWS = 10_000
"""Random draws of one context for each word, as published."""
LEGACY = "legacy"
_POOLINGS: Mapping[Pooling, str] = {
    "first": "the first place ([CLS])",
    "mean": "the mean over all places",
}
_LEAST_WORDS = 2
"""Words that each pole needs; a group needs one."""
_TOO_FEW: tuple[SkipReason, str] = (
    "not_applicable",
    "it needs two words in each pole and one in each group",
)


@dataclass(frozen=True, kw_only=True)
class Vectors:
    """Vectors by word: ``+`` and the id of a target, or a group and a label."""

    found: Mapping[tuple[str, str], tuple[Embedding, ...]]
    pooling: Pooling

    def of(self, key: tuple[str, str]) -> Floats | None:
        """The mean vector of a word; None where one of its sentences could not be read."""
        mine = self.found.get(key, ())
        if not mine or any(vector.skip is not None for vector in mine):
            return None
        return np.asarray(np.mean([vector.values for vector in mine], axis=0))


Vectors_ = tuple[Vectors, ...]
_Key = tuple[str, str]


def _words(probe: Probe) -> dict[_Key, str]:
    """Targets of the poles and labels of the groups, as text."""
    found = {(t.pole, t.word.id): _text(t.word) for t in probe.targets if t.pole in ("+", "-")}
    labels = {(g.id, word.label): word.label for g in probe.groups for word in g.words}
    return found | labels


def _text(word: Word) -> str:
    return word.forms.get("sg") or word.label


def _alone(probe: Probe) -> dict[_Key, list[EmbeddingRequest]]:
    return {
        key: [EmbeddingRequest(text=text, pooling="word", word=(0, len(text)))]
        for key, text in _words(probe).items()
    }


def _bleached(pooling: Pooling, probe: Probe) -> dict[_Key, list[EmbeddingRequest]]:
    return {
        key: [EmbeddingRequest(text=frame.format(text), pooling=pooling) for frame in BLEACHED]
        for key, text in _words(probe).items()
    }


def _in_context(
    probe: Probe, prompts: Sequence[Prompt], settings: Settings
) -> dict[_Key, list[EmbeddingRequest]]:
    """Some of the probe's own sentences for each word, with the place of the word in them."""
    places: dict[_Key, list[tuple[str, tuple[int, int]]]] = {}
    for prompt in prompts:
        if prompt.filler is None or prompt.pole not in ("+", "-") or not prompt.beside:
            continue
        masked = (len(prompt.left), len(prompt.left) + len(prompt.filler))
        target, term = (masked, prompt.beside[0])[:: 1 if probe.spec.mask == "target" else -1]
        places.setdefault((prompt.pole, prompt.target), []).append((prompt.text, target))
        places.setdefault((prompt.group, prompt.label), []).append((prompt.text, term))
    found = {}
    for key, contexts in places.items():
        rng = stream(settings.seed, probe.spec.axis, probe.spec.id, "ceat", *key)
        ordered = sorted(contexts)
        chosen = rng.permutation(len(ordered))[:CONTEXTS]
        found[key] = [
            EmbeddingRequest(text=ordered[i][0], pooling="word", word=ordered[i][1]) for i in chosen
        ]
    return found


def _vectors(
    asking: Asking, asked: Mapping[_Key, Sequence[EmbeddingRequest]], pooling: Pooling
) -> Vectors:
    questions = [question for mine in asked.values() for question in mine]
    answers = iter(asking.score(questions))
    found = {key: tuple(next(answers) for _ in mine) for key, mine in asked.items()}
    return Vectors(found=found, pooling=pooling)


def _ask_words(scored: Scored, asking: Asking, _: Settings) -> Vectors_:
    return (_vectors(asking, _alone(scored.probe), "word"),)


def _ask_sentences(scored: Scored, asking: Asking, _: Settings) -> Vectors_:
    return tuple(_vectors(asking, _bleached(p, scored.probe), p) for p in _POOLINGS)


def _ask_contexts(scored: Scored, asking: Asking, settings: Settings) -> Vectors_:
    asked = _in_context(scored.probe, scored.word_prompts, settings)
    return (_vectors(asking, asked, "word"),)


def _sets(scored: Scored, pair: tuple[str, str]) -> tuple[list[_Key], ...]:
    """Keys of the sets: both poles, the first group, the second or each of the others."""
    a, b = pair
    keys = sorted(_words(scored.probe))  # so that the order in a file moves no draw
    others = sorted(g.id for g in scored.probe.groups if g.id != a) if b == OTHERS else [b]
    return tuple([key for key in keys if key[0] == part] for part in ("+", "-", a, *others))


def _tested(metric: str, scored: Scored, answers: Vectors_, settings: Settings) -> Found:
    """WEAT and SEAT: one vector a word, and words exchanged between the poles."""
    made = []
    for vectors in answers:
        for pair in compared(scored):
            sets = [_table(vectors, keys) for keys in _sets(scored, pair)]
            if _enough(sets):
                made.append(_test(scored, metric, pair, vectors.pooling, sets, settings))
    few = [_TOO_FEW] * (len(compared(scored)) * len(answers) - len(made))
    return Found(results=tuple(made), skips=_skips(scored, metric, answers, few))


def _enough(sets: Sequence[Sequence[object]]) -> bool:
    poles, groups = sets[:2], sets[2:]
    return min(map(len, poles)) >= _LEAST_WORDS and min(map(len, groups)) >= 1


def _table(vectors: Vectors, keys: Sequence[_Key]) -> list[Floats]:
    found = (vectors.of(key) for key in keys)
    return [vector for vector in found if vector is not None]


def _skips(
    scored: Scored, metric: str, answers: Vectors_, few: Sequence[tuple[SkipReason, str]]
) -> tuple[Skip, ...]:
    every = (v for vectors in answers for mine in vectors.found.values() for v in mine)
    return lost(scored, metric, [*((v.skip, v.detail) for v in every), *few])


def _test(
    scored: Scored,
    metric: str,
    pair: tuple[str, str],
    pooling: Pooling,
    sets: Sequence[list[Floats]],
    settings: Settings,
) -> Result:
    x, y, *groups = sets
    s_x, s_y = (_leaning(words, *groups) for words in (x, y))
    spec = scored.probe.spec
    names = (spec.axis, spec.id, metric, ":".join(pair), pooling)
    found = split_test(s_x, s_y, stream(settings.seed, *names), settings.resamples)
    return _legacy(
        scored,
        metric,
        pair,
        sets,
        estimate=effect(s_x, s_y),
        p_value=found.p,
        p_method=found.method,
        name=pooling if pooling in _POOLINGS else "",
        target=_POOLINGS.get(pooling),
    )


def _leaning(words: list[Floats], a: list[Floats], *others: list[Floats]) -> Floats:
    """s(w) with the unweighted mean of the other groups, however many words each of them has."""
    return np.asarray(np.mean([associations(words, a, b) for b in others], axis=0))


def _legacy(
    scored: Scored,
    metric: str,
    pair: tuple[str, str],
    sets: Sequence[Sequence[object]],
    **more: Any,
) -> Result:
    x, y, *groups = map(len, sets)
    told: dict[str, Any] = {
        "n_templates": 0,
        "n_targets": x + y,
        "n_terms": sum(groups),
        "n_prompts": 0,
    }
    return result(scored, metric, pair, **(told | {"statuses": (LEGACY,)} | more))


def _ceat(scored: Scored, answers: Vectors_, settings: Settings) -> Found:
    """CEAT: effects of random draws of one context a word, pooled."""
    (vectors,) = answers
    whole = {k: v for k, v in vectors.found.items() if all(one.skip is None for one in v)}
    made = []
    for pair in compared(scored):
        sets = [[key for key in keys if key in whole] for keys in _sets(scored, pair)]
        if not _enough(sets):
            continue
        spec = scored.probe.spec
        rng = stream(settings.seed, spec.axis, spec.id, "ceat", ":".join(pair))
        tables = [[np.stack([v.values for v in whole[key]]) for key in keys] for keys in sets]
        effects = draws(tables, rng, DRAWS)
        pooled = pool(effects, len(sets[0]), len(sets[1]))
        said = f"95 % of {DRAWS:,} draws lie between {pooled.low:.2f} and {pooled.high:.2f}"
        made.append(
            _legacy(scored, "ceat", pair, sets, estimate=pooled.value, p_method="", reason=said)
        )
    few = [_TOO_FEW] * (len(compared(scored)) - len(made))
    return Found(results=tuple(made), skips=_skips(scored, "ceat", answers, few))


def draws(tables: Sequence[Sequence[Floats]], rng: np.random.Generator, number: int) -> Floats:
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
    found = np.empty(number)
    for i in range(number):
        at = begin + (rng.random(begin.size) * width).astype(np.intp)
        block = cosines[np.ix_(at[: x + y], at[x + y :])]
        s = block @ weights
        found[i] = effect(s[:x], s[x:])
    return found


def _material(
    name: str, count: Callable[[Probe, Sequence[Prompt]], int], ask: Callable[..., Vectors_]
) -> Material:
    return Material(id=name, needs=EmbeddingRequest, count=count, ask=ask)


WEAT = Request(
    id="weat",
    material=_material("word-vectors", lambda p, _: len(_words(p)), _ask_words),
    assess=partial(_tested, "weat"),
)
SEAT = Request(
    id="seat",
    material=_material(
        "sentence-vectors",
        lambda p, _: len(BLEACHED) * len(_POOLINGS) * len(_words(p)),
        _ask_sentences,
    ),
    assess=partial(_tested, "seat"),
)
CEAT = Request(
    id="ceat",
    material=_material("vectors-in-context", lambda p, _: CONTEXTS * len(_words(p)), _ask_contexts),
    assess=_ceat,
)
