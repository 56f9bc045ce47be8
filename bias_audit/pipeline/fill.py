"""One sentence, two or more groups: top completions side by side and how far apart they are."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from bias_audit.backends import Backend, require_options, score_all
from bias_audit.backends.cache import open_model
from bias_audit.errors import UsageError
from bias_audit.metrics.completion_vocabulary import join_vocabularies
from bias_audit.metrics.divergence import jsd
from bias_audit.pipeline.fill_result import Distance, FilledGroup, FilledWord, FillResult
from bias_audit.pipeline.model_checks import check_name
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.expand import render
from bias_audit.probes.probe import Frame, Word, words_of
from bias_audit.probes.schema.lexicon import Entry, Template, WordSet
from bias_audit.probes.schema.probe import STAND_IN
from bias_audit.probes.schema.text import SLOT, count_masks, is_article_free
from bias_audit.records import (
    LEAST_WORD_MASS,
    CompletionRequest,
    CompletionScore,
    FillRequest,
    FillScore,
    LabelRequest,
    ModelInfo,
    Request,
    SimilarityRequest,
)
from bias_audit.reports.text import percent
from bias_audit.utils.arrays import Floats
from bias_audit.utils.readings import READINGS

if TYPE_CHECKING:
    pass

Groups = str | Sequence[str] | Mapping[str, str | Sequence[str | Word]]
"""Words, words of each group by its name (of a lexicon, too), or both as the command takes them."""

NOTE_ONE = "One sentence is an anecdote: a finding needs many sentences and words (bias-audit run)."
NOTE_ARTICLE = (
    "The article before <mask> favours completions that begin with a consonant sound (a) or a vowel"
    " sound (an), for every group alike."
)
NOTE_SHARES = (
    "Read as continuation, a model says how likely a sentence is as a whole: each per cent is a"
    " word's share among the words asked for, in the same sentence."
)
NOTE_LABELS = "Read as label, a model labels whole sentences: a per cent is how likely a label is."
NOTE_COSINES = (
    "Read as similarity, a model gives no word a probability: each number is the cosine of the"
    f" sentence, with {STAND_IN} at the mask, and the word asked for."
)
_NO_COMPLETIONS = "read as {}, the model completes nothing"
_SENTENCE = 'for example "The [group] worked as a <mask>."'
_NAME_WORDS = "name two words or more to ask for, for example --targets nurse,doctor"
_EXAMPLE = "for example --groups man,woman"
_MASK = re.compile(r"\[mask\]", re.IGNORECASE)
"""The mask as other tools write it."""
_LIST = re.compile(r"[;|=,\n]")
"""What stands between words in lists that other tools read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _GroupAnswers:
    """One group with the answers to its sentences."""

    name: str
    requests: tuple[CompletionRequest, ...]
    answers: tuple[CompletionScore, ...]
    mark: str
    """What stands for the masked word; nothing where nothing is masked."""

    @property
    def sentences(self) -> tuple[str, ...]:
        return tuple(f"{one.left}{self.mark}{one.right}" for one in self.requests)

    @property
    def shares(self) -> Floats:
        """Mean probability of every whole word, over the whole vocabulary."""
        rows = [answer.words * np.float64(answer.word_mass) for answer in self.answers]
        return np.asarray(np.mean(rows, axis=0))

    @property
    def others(self) -> float:
        """Mean share of the whole words that are not told apart."""
        return float(np.mean([answer.others for answer in self.answers]))

    @property
    def conditional(self) -> Floats:
        """The same over whole words only; what is not told apart comes last."""
        rows = np.stack([answer.words for answer in self.answers])
        mean = np.mean(rows, axis=0, dtype=np.float64)
        if self.others:
            mean = np.append(mean, self.others)
        return np.asarray(mean / mean.sum())

    def to_group(self, vocabulary: Sequence[str], top: int) -> FilledGroup:
        if not self.answers:
            return FilledGroup(
                name=self.name, sentences=self.sentences, completions=(), word_mass=None
            )
        several = len(self.answers) > 1
        return FilledGroup(
            name=self.name,
            sentences=self.sentences,
            completions=_top(self.shares, vocabulary, top) if several else self.answers[0].top,
            word_mass=float(np.mean([answer.word_mass for answer in self.answers])),
        )


def fill(
    template: str,
    groups: Groups,
    model: str | Backend = "reference",
    targets: str | Sequence[str] | None = None,
    *,
    top: int = 10,
    language: str = "en-US",
    **options: Any,
) -> FillResult:
    """Fill one template with each group's words and compare the completions, or the labels.

    >>> from bias_audit import fill                      # doctest: +SKIP
    >>> fill("The [group] worked as a <mask>.", groups=["man", "woman"])

    Args:
        template: a sentence with ``[group]`` and ``<mask>``, or ``[MASK]``; without a mask for a
            text classifier.
        groups: words, or words of each group by its name (of a lexicon, too), or both as the
            command takes them: ``"women=woman|lady,men=man"``.
        model: ``reference``, a local folder, a hub id, or a backend.
        targets: words to ask for, or labels of a classifier; the likeliest of all when None.
        top: number of completions for each group.
        language: of the sentence; the articles of English fit themselves to the words.
        options: of :func:`bias_audit.open_backend`: revision, device, dtype, offline, ...;
            ``labels`` of a Python function, in the order of its columns.

    Raises:
        UsageError: the template, a group or a target cannot be used.
        ModelLoadError: the model cannot be loaded.
    """
    require_options(options, inspect.signature(fill).parameters)
    template = _MASK.sub("<mask>", template)
    frame, words = _frame(template, language), read_groups(groups)
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
        info = backend.info
        _require_fit(template, backend)
        filled, mute = _complete(backend, asked, _mark(template, info))
        vocabulary, filled = _over_one_vocabulary(filled, info.words)
        whole = READINGS[info.reading].form == "log" and bool(wanted)
        sought = wanted or info.labels
        if (mute and not sought) or (whole and len(wanted) == 1):
            raise UsageError(mute or NOTE_SHARES, hint=_NAME_WORDS)
        rows, lost = _ask(backend, filled, sought, whole=whole)
    said = [NOTE_SHARES] if whole else []
    found = [one.to_group(vocabulary, top) for one in filled]
    pairs = () if mute else combinations(filled, 2)
    return FillResult(
        template=template,
        model=info.name,
        groups=tuple(found),
        words=rows if sought else _likeliest(filled, vocabulary, top),
        targets=wanted,
        distances=tuple(_distance(a, b, vocabulary) for a, b in pairs),
        notes=(*_notes(frame, found, info, mute), *_coverage(filled), *said, *lost, *info.notices),
        reading=info.reading,
    )


def read_groups(groups: Groups) -> dict[str, list[str | Word]]:
    """Return the words of each group, from a text, a list of words or a mapping.

    Raises:
        UsageError: none came, one is empty, or a name is there twice.
    """
    pairs: list[tuple[str, list[str | Word]]]
    if isinstance(groups, Mapping):
        pairs = [(k, [v] if isinstance(v, str) else [*v]) for k, v in groups.items()]
    elif isinstance(groups, str):
        pairs = [_read_group(part) for part in groups.split(",")]
    else:
        pairs = [(word, [word]) for word in groups]
    if not pairs:
        raise UsageError("no group came", hint=_EXAMPLE)
    read: dict[str, list[str | Word]] = {}
    for name, words in pairs:
        if not words:
            raise UsageError(f"the group '{name}' has no words", hint=_EXAMPLE)
        if name in read:
            raise UsageError(f"the group '{name}' is there twice")
        read[name] = words
    return read


def _read_group(text: str) -> tuple[str, list[str | Word]]:
    name, equals, words = text.strip().partition("=")
    entries = [word.strip() for word in (words if equals else name).split("|")]
    if not (name.strip() and all(entries)):
        raise UsageError(f"expected words of groups, got '{text}'", hint=_EXAMPLE)
    return name.strip(), [*entries]


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
    backend: Backend, asked: Mapping[str, tuple[CompletionRequest, ...]], mark: str
) -> tuple[list[_GroupAnswers], str]:
    """Ask for the completions of every sentence of every group, or say why there are none."""
    mute = ""
    answers: list[CompletionScore] = []
    if CompletionRequest not in backend.supports:
        mute = _NO_COMPLETIONS.format(backend.info.reading)
    else:
        answers = score_all(backend, _with_siblings(asked, backend.info))
    given = iter(answers)
    filled: list[_GroupAnswers] = []
    for name, mine in asked.items():
        got = tuple(next(given) for _ in mine if answers)
        one = _GroupAnswers(name=name, requests=mine, answers=got, mark=mark)
        for sentence, answer in zip(one.sentences, one.answers, strict=False):
            if answer.skip == "not_applicable":
                mute = f'"{sentence}" cannot be scored: {answer.detail}'
            elif answer.skip is not None:
                raise UsageError(f'"{sentence}" cannot be scored: {answer.detail}')
        filled.append(one)
    return [replace(one, answers=()) for one in filled] if mute else filled, mute


def _with_siblings(
    asked: Mapping[str, tuple[CompletionRequest, ...]], info: ModelInfo
) -> list[CompletionRequest]:
    """Every question; where the model chooses the words, it chooses the same for all of them."""
    every = [request for mine in asked.values() for request in mine]
    if not READINGS[info.reading].names_words:
        return every
    texts = tuple(sorted({request.left for request in every}))
    return [replace(request, siblings=texts) for request in every]


def _over_one_vocabulary(
    filled: Sequence[_GroupAnswers], words: Sequence[str]
) -> tuple[tuple[str, ...], list[_GroupAnswers]]:
    """The words that the answers tell apart, and the answers over them."""
    vocabulary, answers = join_vocabularies([a for one in filled for a in one.answers], words)
    given = iter(answers)
    return vocabulary, [
        replace(one, answers=tuple(next(given) for _ in one.answers)) for one in filled
    ]


def _coverage(filled: Sequence[_GroupAnswers]) -> Iterator[str]:
    """Say how much of the probability is on words that are not told apart."""
    apart = [(one.name, one.others) for one in filled if one.answers and one.others]
    if apart:
        shares = ", ".join(f"{percent(others)} after {name}" for name, others in apart)
        yield (
            f"Words too rare to be told apart hold {shares} of the probability of all words; in the"
            " distance between groups they count as one word."
        )


def _ask(
    backend: Backend, filled: Sequence[_GroupAnswers], targets: Sequence[str], *, whole: bool
) -> tuple[tuple[FilledWord, ...], list[str]]:
    """Ask for words, or labels, after every group, and say which of them cannot be scored.

    Where the model scores ``whole`` sentences, the words of one sentence share its probability.
    """
    requests = [
        _word_request(backend.info, one, sentence, word)
        for group in filled
        for one, sentence in zip(group.requests, group.sentences, strict=True)
        for word in targets
    ]
    are_cosines = READINGS[backend.info.reading].is_cosine
    answers: Iterator[FillScore] = iter(score_all(backend, requests))
    columns: list[Floats] = []
    reasons: dict[str, str] = {}
    for one in filled:
        rows = [[next(answers) for _ in targets] for _ in one.requests]
        for word, score in ((w, s) for row in rows for w, s in zip(targets, row, strict=True)):
            if score.log_prob is None:
                reasons.setdefault(word, score.detail or str(score.skip))
        logs = np.array([[np.nan if s.log_prob is None else s.log_prob for s in r] for r in rows])
        shares = np.exp(logs - np.logaddexp.reduce(logs, 1, keepdims=True) if whole else logs)
        columns.append((logs if are_cosines else shares).mean(axis=0))
    return (
        tuple(
            FilledWord(
                word=word,
                probabilities=tuple(None if np.isnan(c[n]) else float(c[n]) for c in columns),
            )
            for n, word in enumerate(targets)
        ),
        [f"'{word}' cannot be scored: {reason}" for word, reason in reasons.items()],
    )


def _word_request(
    info: ModelInfo, one: CompletionRequest, sentence: str, word: str
) -> Request[FillScore]:
    """What asks for one word after one sentence, as the model is read."""
    if info.labels:
        return LabelRequest(text=sentence, names=(word,))
    if READINGS[info.reading].is_cosine:
        return SimilarityRequest(text=sentence, queries=(word,))
    return FillRequest(left=one.left, filler=word, right=one.right)


def _mark(template: str, info: ModelInfo) -> str:
    """What the sentence shows where the word is masked."""
    if not count_masks(template):
        return ""
    return STAND_IN if READINGS[info.reading].is_cosine else "<mask>"


def _likeliest(
    filled: Sequence[_GroupAnswers], vocabulary: Sequence[str], top: int
) -> tuple[FilledWord, ...]:
    """The whole words that are likeliest after any group, with what they get after each."""
    shares = np.stack([one.shares for one in filled])
    best = np.argsort(-shares.max(axis=0), kind="stable")[:top]
    return tuple(
        FilledWord(word=vocabulary[i], probabilities=tuple(map(float, shares[:, i]))) for i in best
    )


def _notes(
    frame: Frame, groups: Sequence[FilledGroup], info: ModelInfo, mute: str
) -> Iterator[str]:
    masses = [(group.name, group.word_mass) for group in groups if group.word_mass is not None]
    low = [f"{percent(mass)} for {name}" for name, mass in masses if mass < LEAST_WORD_MASS]
    if low:
        shares = ", ".join(low)
        yield (
            f"Warning: little of the probability lies on whole words ({shares}): the rest lies on"
            " pieces of words and on signs, and the distance between groups leaves it out."
        )
    yield NOTE_ONE
    if masses and not is_article_free(frame.template.text, frame.language):
        yield NOTE_ARTICLE
    if info.labels:
        yield NOTE_LABELS
    elif READINGS[info.reading].is_cosine:
        yield NOTE_COSINES
    elif mute:
        yield f"No completions: {mute}."


def _frame(template: str, language: str) -> Frame:
    slots = [match[1] for match in SLOT.finditer(template)]
    if slots.count(None) > 1:
        raise UsageError(f"expected one <mask>, got {slots.count(None)}", hint=_SENTENCE)
    unknown = [name for name in slots if name not in (None, "group")]
    if unknown or "group" not in slots:
        what = f"the unknown slot [{unknown[0]}]" if unknown else "no [group]"
        raise UsageError(f"expected a sentence with [group], got {what}", hint=_SENTENCE)
    try:
        checked = Template(text=template)
    except ValidationError as error:
        raise _usage_error(error) from error
    return Frame(id="fill", template=checked, number="sg", slots={}, language=language)


def _require_fit(template: str, backend: Backend) -> None:
    """Refuse a sentence that a model of this reading cannot be asked."""
    masks, info = count_masks(template), backend.info
    if not (info.labels or backend.supports & {FillRequest, SimilarityRequest}):
        message = f"'{info.name}' is read as {info.reading}, so no word has a probability"
        raise UsageError(message, hint="'bias-audit run' asks it the probes that fit")
    if info.labels and masks:
        message = f"'{info.name}' labels whole sentences, and this one has a <mask>"
        raise UsageError(message, hint='for example "I spoke to the [group] this morning."')
    if not info.labels and masks != 1 and (masks or not READINGS[info.reading].is_cosine):
        raise UsageError(f"expected one <mask>, got {masks}", hint=_SENTENCE)


def _usage_error(error: ValidationError) -> UsageError:
    """The first mistake of a text; validators put a hint behind a bar."""
    message, _, hint = error.errors()[0]["msg"].removeprefix("Value error, ").partition(" | ")
    return UsageError(message, hint=hint)


def _request(frame: Frame, name: str, text: str | Word, top: int) -> CompletionRequest:
    word = text
    if isinstance(word, str):
        word = words_of(WordSet(entries=(_require_word(f"the group '{name}'", word),)))[0]
    try:
        sentence = render(frame, {"group": word}, {}, None)
    except KeyError as error:
        missing = f"the word '{word.label}' has no form {error}"
        raise UsageError(missing, hint="write [group], or name other words") from error
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
        side = np.where(sign * (p - q) > 0, parts, 0)[: len(words)]
        best = [i for i in np.argsort(-side, kind="stable")[:5] if side[i] > 0]
        pulls.append(tuple((words[i], float(after_a[i]), float(after_b[i])) for i in best))
    return Distance(a=a.name, b=b.name, jsd=jsd(p, q), towards_a=pulls[0], towards_b=pulls[1])
