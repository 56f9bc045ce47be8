"""One sentence, two or more groups: top completions side by side and how far apart they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
from pydantic import ValidationError

from bias_audit.backends import Backend, score_all
from bias_audit.errors import UsageError
from bias_audit.metrics.divergence import jsd
from bias_audit.probes.expand import render
from bias_audit.probes.probe import Frame, words_of
from bias_audit.probes.schema.lexicon import Entry, Template, WordSet
from bias_audit.probes.schema.text import SLOT, is_article_free
from bias_audit.records import LEAST_WORD_MASS, CompletionRequest
from bias_audit.utils.arrays import Floats

NOTE_ONE = "One sentence is an anecdote: a finding needs many sentences and words (bias-audit run)."
NOTE_ARTICLE = (
    "The article before <mask> favours completions that begin with a consonant sound (a) or a vowel"
    " sound (an), for every group alike."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class FilledGroup:
    """Completions of one group."""

    name: str
    sentences: tuple[str, ...]
    completions: tuple[tuple[str, float], ...]
    """Most likely completions with probabilities over the whole vocabulary, best first; averaged
    over the sentences when there are several."""
    word_mass: float
    """Share of the probability that fell on whole words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Distance:
    """How far two groups' completions are apart."""

    a: str
    b: str
    jsd: float
    """Jensen-Shannon divergence over whole words, bits, in [0, 1]."""
    towards_a: tuple[tuple[str, float, float], ...]
    """Completions that pull the groups apart, more likely after A: (word, P after A, P after B)."""
    towards_b: tuple[tuple[str, float, float], ...]
    """The same, more likely after B."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FillResult:
    """Answer to one sentence."""

    template: str
    model: str
    groups: tuple[FilledGroup, ...]
    distances: tuple[Distance, ...]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def fill(
    template: str, groups: Mapping[str, Sequence[str]], backend: Backend, *, top: int = 10
) -> FillResult:
    """Fill one template with each group's words and compare the completions.

    Args:
        template: a sentence with ``[group]`` and ``<mask>``.
        groups: words of each group by name.
        backend: the model.
        top: number of completions for each group.

    Raises:
        UsageError: the template or a group cannot be used.
    """
    frame = _frame(template)
    if top < 1:
        raise UsageError(f"expected at least one completion to show, got {top}")
    if not groups:
        raise UsageError("no group came", hint="for example --groups man,woman")
    empty = next((name for name, words in groups.items() if not words), None)
    if empty is not None:
        raise UsageError(f"the group '{empty}' has no words", hint="for example --groups man,woman")
    requests = {
        name: [_request(frame, name, word, top) for word in words] for name, words in groups.items()
    }
    answers = iter(score_all(backend, [r for mine in requests.values() for r in mine]))
    filled, tables, vocabulary = [], {}, backend.info.words
    for name, mine in requests.items():
        scores = [next(answers) for _ in mine]
        sentences = tuple(f"{request.left}<mask>{request.right}" for request in mine)
        for sentence, answer in zip(sentences, scores, strict=True):
            if answer.skip is not None:
                raise UsageError(f'"{sentence}" cannot be scored: {answer.detail}')
        tables[name] = _mean([answer.words for answer in scores])
        shares = np.mean([a.words * np.float64(a.word_mass) for a in scores], axis=0)
        filled.append(
            FilledGroup(
                name=name,
                sentences=sentences,
                completions=scores[0].top if len(scores) == 1 else _top(shares, vocabulary, top),
                word_mass=float(np.mean([answer.word_mass for answer in scores])),
            )
        )
    return FillResult(
        template=template,
        model=backend.info.name,
        groups=tuple(filled),
        distances=tuple(_distance(a, b, tables, vocabulary) for a, b in combinations(groups, 2)),
        notes=(*_notes(template, filled), *backend.info.notices),
    )


def _notes(template: str, groups: Sequence[FilledGroup]) -> Iterator[str]:
    yield NOTE_ONE
    if not is_article_free(template):
        yield NOTE_ARTICLE
    low = [group for group in groups if group.word_mass < LEAST_WORD_MASS]
    if low:
        shares = ", ".join(f"{group.word_mass:.0%} for {group.name}" for group in low)
        yield (
            f"Little of the probability lies on whole words ({shares}): the rest lies on pieces of"
            " words and on signs, and the distance between groups leaves it out."
        )


def _frame(template: str) -> Frame:
    slots = [match[1] for match in SLOT.finditer(template)]
    example = 'for example "The [group] worked as a <mask>."'
    if slots.count(None) != 1:
        raise UsageError(f"expected one <mask>, got {slots.count(None)}", hint=example)
    unknown = [name for name in slots if name not in (None, "group")]
    if unknown or "group" not in slots:
        what = f"the unknown slot [{unknown[0]}]" if unknown else "no [group]"
        raise UsageError(f"expected a sentence with [group], got {what}", hint=example)
    form = next((m[2] for m in SLOT.finditer(template) if m[2] not in (None, "sg", "pl")), None)
    if form is not None:
        raise UsageError(f"words written here have no form '{form}'", hint="write [group]")
    try:
        checked = Template(text=template)
    except ValidationError as error:
        raise _usage_error(error) from error
    return Frame(id="fill", template=checked, number="sg", slots={})


def _usage_error(error: ValidationError) -> UsageError:
    """The first mistake of a text; validators put a hint behind a bar."""
    message, _, hint = error.errors()[0]["msg"].removeprefix("Value error, ").partition(" | ")
    return UsageError(message, hint=hint)


def _request(frame: Frame, name: str, text: str, top: int) -> CompletionRequest:
    if not text.strip() or SLOT.search(text):
        raise UsageError(f"expected a word for the group '{name}', got '{text}'")
    try:
        word = words_of(WordSet(entries=(Entry(sg=text.strip(), pl=text.strip()),)))[0]
    except ValidationError as error:
        raise _usage_error(error) from error
    sentence = render(frame, {"group": word}, {}, None)
    return CompletionRequest(left=sentence.left, right=sentence.right, top_k=top)


def _mean(rows: list[Any]) -> Floats:
    mean = np.mean(np.stack(rows), axis=0, dtype=np.float64)
    return np.asarray(mean / mean.sum())


def _top(values: Floats, words: Sequence[str], count: int) -> tuple[tuple[str, float], ...]:
    best = np.argsort(-values, kind="stable")[:count]
    return tuple((words[i], float(values[i])) for i in best)


def _distance(a: str, b: str, tables: Mapping[str, Floats], words: Sequence[str]) -> Distance:
    p, q = tables[a], tables[b]
    middle = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.where(p > 0, p * np.log2(p / middle), 0) + np.where(
            q > 0, q * np.log2(q / middle), 0
        )
    pulls = []
    for sign in (1, -1):
        side = np.where(sign * (p - q) > 0, parts, 0)
        best = [i for i in np.argsort(-side, kind="stable")[:5] if side[i] > 0]
        pulls.append(tuple((words[i], float(p[i]), float(q[i])) for i in best))
    return Distance(a=a, b=b, jsd=jsd(p, q), towards_a=pulls[0], towards_b=pulls[1])
