"""One sentence, two or more groups: top completions side by side and how far apart they are."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from bias_audit.backends import Backend, require_options, score_all
from bias_audit.backends.cache import open_model
from bias_audit.errors import UsageError
from bias_audit.metrics.divergence import jsd
from bias_audit.pipeline.model_checks import check_name
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.expand import render
from bias_audit.probes.probe import Frame, words_of
from bias_audit.probes.schema.lexicon import Entry, Template, WordSet
from bias_audit.probes.schema.text import SLOT, is_article_free
from bias_audit.records import (
    LEAST_WORD_MASS,
    CompletionRequest,
    CompletionScore,
    FillRequest,
    FillScore,
)
from bias_audit.reports.text import clean, percent, times
from bias_audit.utils.arrays import Floats

if TYPE_CHECKING:
    import pandas as pd

NOTE_ONE = "One sentence is an anecdote: a finding needs many sentences and words (bias-audit run)."
NOTE_ARTICLE = (
    "The article before <mask> favours completions that begin with a consonant sound (a) or a vowel"
    " sound (an), for every group alike."
)
_EXAMPLE = "for example --groups man,woman"
_MASK = re.compile(r"\[mask\]", re.IGNORECASE)
"""The mask as other tools write it."""
_NAMED = 3
"""Completions of a group that a result names when it is shown."""
_PAIRS = 3
"""Distances that are shown, the largest first."""
_LIST = re.compile(r"[;|=,\n]")
"""What stands between words in lists that other tools read."""


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
class FilledWord:
    """One word after every group."""

    word: str
    probabilities: tuple[float | None, ...]
    """Over the whole vocabulary, in the order of the groups; None where it cannot be scored."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Distance:
    """How far two groups' completions are apart."""

    a: str
    b: str
    jsd: float
    """Jensen-Shannon divergence over whole words, bits, in [0, 1]."""
    towards_a: tuple[tuple[str, float, float], ...]
    """Completions that pull the groups apart, more likely after A: (word, probability after A,
    probability after B), over the whole vocabulary."""
    towards_b: tuple[tuple[str, float, float], ...]
    """The same, more likely after B."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FillResult:
    """Answer to one sentence."""

    template: str
    model: str
    groups: tuple[FilledGroup, ...]
    words: tuple[FilledWord, ...]
    """The words that were asked for; else the likeliest whole words of any group, best first."""
    targets: tuple[str, ...]
    """The words that were asked for."""
    distances: tuple[Distance, ...]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)

    def to_frame(self) -> pd.DataFrame:
        """Return the probabilities of ``words``, a row for each word, a column for each group."""
        import pandas as pd

        rows = [one.probabilities for one in self.words]
        index = pd.Index([one.word for one in self.words], name="word")
        return pd.DataFrame(rows, index, [group.name for group in self.groups], dtype="float64")

    def table(self) -> list[list[str]]:
        """Return ``words`` after every group as texts, a head first.

        Where there are several groups, a last column compares the two that differ most.
        """
        ratio = ["ratio"] if len(self.groups) > 1 else []
        rows = [["word", *(group.name for group in self.groups), *ratio]]
        for one in self.words:
            cells = ["-" if p is None else percent(p) for p in one.probabilities]
            rows.append([one.word, *cells, *([self._ratio(one)] if ratio else [])])
        return rows

    def _ratio(self, word: FilledWord) -> str:
        """How many times as likely a word is after one group as after another."""
        known = [
            (p, group.name)
            for p, group in zip(word.probabilities, self.groups, strict=True)
            if p is not None and p > 0
        ]
        if len(known) < len(self.groups):
            return "-"
        (least, other), (most, name) = min(known), max(known)
        return f"{name} {times(math.log(most / least))} × {other}" if most > least else "equal"

    def distance_lines(self, *, pulls: bool = False) -> Iterator[str]:
        """Say how far apart groups are, the furthest first; ``pulls``: and by which words."""
        for one in sorted(self.distances, key=lambda one: -one.jsd)[:_PAIRS]:
            yield (
                f"How far apart: {one.jsd:.4f} bits between {one.a} and {one.b}"
                " (Jensen-Shannon divergence over whole words; 0 = same, 1 = nothing in common)"
            )
            for name, words in ((one.a, one.towards_a), (one.b, one.towards_b)) if pulls else ():
                drawn = ", ".join(f"{w} {percent(p)} / {percent(q)}" for w, p, q in words)
                yield f"  towards {name}: {drawn or 'none'}   (after {one.a} / after {one.b})"
        if len(self.distances) > _PAIRS:
            yield f"{len(self.distances) - _PAIRS} more pairs of groups, less far apart: --json"

    def __repr__(self) -> str:
        """Return the words that were asked for after each group, else its likeliest ones."""
        lines = [f"{self.template}   ({self.model})"]
        if self.targets:
            rows = self.table()
            wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
            lines += ["  ".join(map(str.ljust, row, wide)).rstrip() for row in rows]
            return "\n".join([*lines, *self.distance_lines()])
        for group in self.groups:
            named = ", ".join(f"{word} {percent(p)}" for word, p in group.completions[:_NAMED])
            lines.append(f"{group.name}: {named}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Return ``table`` with the distances and notes, for a notebook."""
        import pandas as pd

        head, *rows = ([clean(cell) for cell in row] for row in self.table())
        frame = pd.DataFrame(rows, columns=pd.Index(head))
        lines = (*self.distance_lines(), *self.notes)
        return "".join(
            (
                f"<p>{escape(clean(self.template))} ({escape(clean(self.model))})</p>",
                frame.to_html(index=False, escape=True, border=0),
                *(f"<p>{escape(clean(line))}</p>" for line in lines),
            )
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _GroupAnswers:
    """One group with the answers to its sentences."""

    name: str
    requests: tuple[CompletionRequest, ...]
    answers: tuple[CompletionScore, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        return tuple(f"{request.left}<mask>{request.right}" for request in self.requests)

    @property
    def shares(self) -> Floats:
        """Mean probability of every whole word, over the whole vocabulary."""
        rows = [answer.words * np.float64(answer.word_mass) for answer in self.answers]
        return np.asarray(np.mean(rows, axis=0))

    @property
    def conditional(self) -> Floats:
        """The same over whole words only."""
        rows = np.stack([answer.words for answer in self.answers])
        mean = np.mean(rows, axis=0, dtype=np.float64)
        return np.asarray(mean / mean.sum())

    def to_group(self, vocabulary: Sequence[str], top: int) -> FilledGroup:
        several = len(self.answers) > 1
        return FilledGroup(
            name=self.name,
            sentences=self.sentences,
            completions=_top(self.shares, vocabulary, top) if several else self.answers[0].top,
            word_mass=float(np.mean([answer.word_mass for answer in self.answers])),
        )


def fill(
    template: str,
    groups: str | Sequence[str] | Mapping[str, str | Sequence[str]],
    model: str | Backend = "reference",
    targets: str | Sequence[str] | None = None,
    *,
    top: int = 10,
    **options: Any,
) -> FillResult:
    """Fill one template with each group's words and compare the completions.

    >>> from bias_audit import fill                      # doctest: +SKIP
    >>> fill("The [group] worked as a <mask>.", groups=["man", "woman"])

    Args:
        template: a sentence with ``[group]`` and ``<mask>``, or ``[MASK]``.
        groups: words, or words of each group by its name, or both as the command takes them:
            ``"women=woman|lady,men=man"``.
        model: ``reference``, a local folder, a hub id, or a backend.
        targets: words to ask for; the likeliest of all when None.
        top: number of completions for each group.
        options: of :func:`bias_audit.open_backend`: revision, device, dtype, offline, ...

    Raises:
        UsageError: the template, a group or a target cannot be used.
        ModelLoadError: the model cannot be loaded.
    """
    require_options(options, inspect.signature(fill).parameters)
    template = _MASK.sub("<mask>", template)
    frame, words = _frame(template), read_groups(groups)
    if top < 1:
        raise UsageError(f"expected at least one completion to show, got {top}")
    asked = {
        name: tuple(_request(frame, name, word, top) for word in mine)
        for name, mine in words.items()
    }
    wanted = _read_targets(targets)
    if isinstance(model, str):
        check_name(model, ProbeCatalogue(), **options)
    with open_model(model, False, **options) as opened:
        backend = opened.plain
        filled = _complete(backend, asked)
        rows, lost = _ask(backend, filled, wanted)
        info = backend.info
    found = [one.to_group(info.words, top) for one in filled]
    return FillResult(
        template=template,
        model=info.name,
        groups=tuple(found),
        words=rows if wanted else _likeliest(filled, info.words, top),
        targets=wanted,
        distances=tuple(_distance(a, b, info.words) for a, b in combinations(filled, 2)),
        notes=(*_notes(template, found), *lost, *info.notices),
    )


def read_groups(
    groups: str | Sequence[str] | Mapping[str, str | Sequence[str]],
) -> dict[str, list[str]]:
    """Return the words of each group, from a text, a list of words or a mapping.

    Raises:
        UsageError: none came, one is empty, or a name is there twice.
    """
    if isinstance(groups, Mapping):
        pairs = [(k, [v] if isinstance(v, str) else [*v]) for k, v in groups.items()]
    elif isinstance(groups, str):
        pairs = [_read_group(part) for part in groups.split(",")]
    else:
        pairs = [(word, [word]) for word in groups]
    if not pairs:
        raise UsageError("no group came", hint=_EXAMPLE)
    read: dict[str, list[str]] = {}
    for name, words in pairs:
        if not words:
            raise UsageError(f"the group '{name}' has no words", hint=_EXAMPLE)
        if name in read:
            raise UsageError(f"the group '{name}' is there twice")
        read[name] = words
    return read


def _read_group(text: str) -> tuple[str, list[str]]:
    name, equals, words = text.strip().partition("=")
    entries = [word.strip() for word in (words if equals else name).split("|")]
    if not (name.strip() and all(entries)):
        raise UsageError(f"expected words of groups, got '{text}'", hint=_EXAMPLE)
    return name.strip(), entries


def _read_targets(targets: str | Sequence[str] | None) -> tuple[str, ...]:
    if targets is None:
        return ()
    words = [word.strip() for word in (targets.split(",") if isinstance(targets, str) else targets)]
    if not (words and all(words)):
        raise UsageError(
            f"expected words to ask for, got '{targets}'", hint="for example --targets nurse,doctor"
        )
    for word in words:
        _require_word("targets", word)
        if _LIST.search(word) or not re.search(r"\w", word):
            raise UsageError(
                f"expected one word or phrase for each target, got '{word}'",
                hint="commas stand between targets: --targets kind,friendly,violent",
            )
    return tuple(dict.fromkeys(words))


def _complete(
    backend: Backend, asked: Mapping[str, tuple[CompletionRequest, ...]]
) -> list[_GroupAnswers]:
    """Ask for the completions of every sentence of every group."""
    answers = iter(score_all(backend, [r for mine in asked.values() for r in mine]))
    filled = []
    for name, mine in asked.items():
        one = _GroupAnswers(name=name, requests=mine, answers=tuple(next(answers) for _ in mine))
        for sentence, answer in zip(one.sentences, one.answers, strict=True):
            if answer.skip is not None:
                raise UsageError(f'"{sentence}" cannot be scored: {answer.detail}')
        filled.append(one)
    return filled


def _ask(
    backend: Backend, filled: Sequence[_GroupAnswers], targets: Sequence[str]
) -> tuple[tuple[FilledWord, ...], list[str]]:
    """Ask for words after every group, and say which of them cannot be scored."""
    requests = [
        FillRequest(left=request.left, filler=word, right=request.right)
        for word in targets
        for one in filled
        for request in one.requests
    ]
    answers: Iterator[FillScore] = iter(score_all(backend, requests))
    rows, lost = [], []
    for word in targets:
        values: list[float | None] = []
        reasons: list[str] = []
        for one in filled:
            scores = [next(answers) for _ in one.requests]
            known = [float(np.exp(s.log_prob)) for s in scores if s.log_prob is not None]
            values.append(float(np.mean(known)) if len(known) == len(scores) else None)
            reasons += [s.detail or str(s.skip) for s in scores if s.log_prob is None]
        rows.append(FilledWord(word=word, probabilities=tuple(values)))
        lost += [f"'{word}' cannot be scored: {reasons[0]}"] if reasons else []
    return tuple(rows), lost


def _likeliest(
    filled: Sequence[_GroupAnswers], vocabulary: Sequence[str], top: int
) -> tuple[FilledWord, ...]:
    """The whole words that are likeliest after any group, with what they get after each."""
    shares = np.stack([one.shares for one in filled])
    best = np.argsort(-shares.max(axis=0), kind="stable")[:top]
    return tuple(
        FilledWord(word=vocabulary[i], probabilities=tuple(map(float, shares[:, i]))) for i in best
    )


def _notes(template: str, groups: Sequence[FilledGroup]) -> Iterator[str]:
    low = [group for group in groups if group.word_mass < LEAST_WORD_MASS]
    if low:
        shares = ", ".join(f"{percent(group.word_mass)} for {group.name}" for group in low)
        yield (
            f"Warning: little of the probability lies on whole words ({shares}): the rest lies on"
            " pieces of words and on signs, and the distance between groups leaves it out."
        )
    yield NOTE_ONE
    if not is_article_free(template):
        yield NOTE_ARTICLE


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
    word = words_of(WordSet(entries=(_require_word(f"the group '{name}'", text),)))[0]
    sentence = render(frame, {"group": word}, {}, None)
    return CompletionRequest(left=sentence.left, right=sentence.right, top_k=top)


def _require_word(place: str, text: str) -> Entry:
    """Return the entry of a word as word lists have it.

    Raises:
        UsageError: it is none.
    """
    if not text.strip() or SLOT.search(text):
        raise UsageError(f"expected a word for {place}, got '{text}'")
    try:
        return Entry(sg=text.strip(), pl=text.strip())
    except ValidationError as error:
        raise _usage_error(error) from error


def _top(values: Floats, words: Sequence[str], count: int) -> tuple[tuple[str, float], ...]:
    best = np.argsort(-values, kind="stable")[:count]
    return tuple((words[i], float(values[i])) for i in best)


def _distance(a: _GroupAnswers, b: _GroupAnswers, words: Sequence[str]) -> Distance:
    p, q = a.conditional, b.conditional
    after_a, after_b = a.shares, b.shares
    middle = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.where(p > 0, p * np.log2(p / middle), 0) + np.where(
            q > 0, q * np.log2(q / middle), 0
        )
    pulls = []
    for sign in (1, -1):
        side = np.where(sign * (p - q) > 0, parts, 0)
        best = [i for i in np.argsort(-side, kind="stable")[:5] if side[i] > 0]
        pulls.append(tuple((words[i], float(after_a[i]), float(after_b[i])) for i in best))
    return Distance(a=a.name, b=b.name, jsd=jsd(p, q), towards_a=pulls[0], towards_b=pulls[1])
