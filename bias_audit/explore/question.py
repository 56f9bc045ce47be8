"""What a visitor asks: a sentence, groups, words; and the model that answers one after another."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

from bias_audit.backends import Backend
from bias_audit.errors import UsageError
from bias_audit.pipeline.fill import fill, read_groups
from bias_audit.pipeline.fill_result import FillResult
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.probe import Word, words_of
from bias_audit.probes.schema.lexicon import TemplateSet
from bias_audit.probes.schema.text import SLOT

MOST_LETTERS = 1_000
"""Characters of a sentence; no sentence of the catalogue has more than 100."""
MOST_WORDS = 100
"""Words of all groups together, and words to ask for."""
_KEPT = 2_000
"""Answers that are remembered: the page asks again whenever something on it changes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupChoice:
    """Groups of a lexicon, or words that were typed."""

    lexicon: str = ""
    """Its id; empty where words were typed."""
    use: tuple[str, ...] = ()
    """Sets of the lexicon."""
    typed: str = ""
    """As ``bias-audit fill --groups`` takes them."""

    def words(self, catalogue: ProbeCatalogue) -> dict[str, list[str | Word]]:
        """Return the words of each group by its name.

        Raises:
            UsageError: there are none, or too many.
        """
        words: dict[str, list[str | Word]] = {}
        if not self.lexicon:
            _require_short(self.typed, "groups")
            words = read_groups(self.typed)
        else:
            lexicon = catalogue.lexicon(self.lexicon)
            if not self.use:
                raise UsageError(f"no group of '{self.lexicon}' was chosen", hint="choose two")
            for name in self.use:
                label = lexicon.sets[name].label or name
                words[label if label not in words else name] = [
                    *words_of(lexicon.sets[name], lexicon.heads)
                ]
        if (count := sum(map(len, words.values()))) > MOST_WORDS:
            raise UsageError(f"the groups have {count} words, more than {MOST_WORDS}")
        return words

    def to_yaml(self, catalogue: ProbeCatalogue, *, plural: bool) -> str:
        """Return what a probe file says under ``groups``."""
        if self.lexicon:
            return f"{{lexicon: {self.lexicon}, use: [{', '.join(self.use)}]}}"
        sets: dict[str, str] = {}
        for number, (name, words) in enumerate(self.words(catalogue).items(), start=1):
            key = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or f"group-{number}"
            key = key if key not in sets else f"{key}-{number}"
            texts = [_quote(str(word)) for word in words]
            entries = [f"{{sg: {t}, pl: {t}}}" if plural else t for t in texts]
            sets[key] = f"{{label: {_quote(name)}, entries: [{', '.join(entries)}]}}"
        return "".join(f"\n  {key}: {content}" for key, content in sets.items())


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """One sentence about some groups."""

    sentence: str
    groups: GroupChoice
    words: tuple[str, ...] = ()
    """To ask for besides the likeliest ones."""
    language: str = "en-US"


class SharedModel:
    """A model that answers one visitor after another.

    Args:
        backend: the model.
        catalogue: where lexicons are looked up.
    """

    def __init__(self, backend: Backend, catalogue: ProbeCatalogue) -> None:
        self.info = backend.info
        self._backend = backend
        self._catalogue = catalogue
        self._lock = Lock()
        self._answer = lru_cache(maxsize=_KEPT)(self._fill)

    def ask(self, question: Question) -> FillResult:
        """Answer a question.

        Raises:
            UsageError: the sentence, a group or a word cannot be used.
            ScoringError: the model cannot score it.
        """
        return self._answer(question)

    def _fill(self, question: Question) -> FillResult:
        _require_short(question.sentence, "the sentence")
        if len(question.words) > MOST_WORDS:
            raise UsageError(f"expected at most {MOST_WORDS} words, got {len(question.words)}")
        groups = question.groups.words(self._catalogue)
        with self._lock:
            return fill(
                question.sentence,
                groups,
                self._backend,
                question.words or None,
                language=question.language,
            )


def split_words(text: str) -> tuple[str, ...]:
    """Return the words of a text with commas or line breaks between them, each once."""
    _require_short(text, "the words", MOST_WORDS * 40)
    words = (word.strip() for word in re.split(r"[,\n]", text))
    return tuple(dict.fromkeys(word for word in words if word))


def paraphrases(templates: TemplateSet, reading: str) -> list[str]:
    """Return the sentences of a set that have the group, the mask that a reading needs, no more.

    Where the set is about several people, the sentence says so: ``[group:pl]``.
    """
    texts = []
    for template in templates.templates:
        slots = {match[1] for match in SLOT.finditer(template.text)}
        if slots == ({"group"} if reading == "label" else {None, "group"}):
            plural = (template.number or templates.number) == "pl"
            texts.append(template.text.replace("[group]", "[group:pl]" if plural else "[group]"))
    return texts


def file_text(
    name: str,
    *,
    title: str,
    axis: str,
    question: Question,
    sentences: Sequence[str],
    poles: Sequence[tuple[str, Sequence[str]]],
    catalogue: ProbeCatalogue,
) -> str:
    """Return a file of what was collected.

    ``poles`` are two names with their words, for a probe; without them it is a set of sentences.
    """
    head = [
        f"id: {name}",
        "version: 1",
        f"language: {question.language}",
        f"title: {_quote(title)}",
    ]
    templates = ["templates:", *(f"  - {_quote(sentence)}" for sentence in sentences)]
    if not poles:
        lines = ["# Collected with 'bias-audit explore'.", "kind: templates", *head, *templates]
        return "".join(f"{line}\n" for line in lines)
    groups = question.groups.to_yaml(catalogue, plural=any("[group:pl]" in s for s in sentences))
    lines = [
        "# Collected with 'bias-audit explore'. It is measured and never judged: that would need",
        "# 8 sentences, controls and a card ('bias-audit probes new' shows them).",
        "kind: probe",
        *head,
        f"axis: {axis}",
        *templates,
        f"groups: {groups}",
        "targets:",
        *(
            f"  {pole}: {{name: {_quote(label)}, words: [{', '.join(map(_quote, words))}]}}"
            for pole, (label, words) in zip(("plus", "minus"), poles, strict=True)
        ),
    ]
    return "".join(f"{line}\n" for line in lines)


def _quote(text: str) -> str:
    """Write a text as YAML, whatever it holds."""
    return json.dumps(text, ensure_ascii=False)


def _require_short(text: str, what: str, most: int = MOST_LETTERS) -> None:
    if len(text) > most:
        raise UsageError(f"{what} may have {most:,} characters, and {len(text):,} came")
