"""Word lists and sentence lists: lexicons, template sets, sanity sentences."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from bias_audit.probes.schema.text import (
    ADJECTIVE,
    FormName,
    Language,
    Pattern,
    Sentence,
    TemplateText,
    Word,
)
from bias_audit.utils.file_model import FileModel, Id, Text, reject_copies, reject_duplicates
from bias_audit.utils.text import same_text
from bias_audit.utils.validation import KeyPath, MistakesError


def _slot_names(slots: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    mistakes: list[tuple[KeyPath, str]] = []
    for name, words in slots.items():
        message = "" if words else f"the slot '{name}' has no words | {name}: [here, there]"
        if name in ("group", "target", "mask"):
            message = f"the name '{name}' is taken | [{name}] is filled by the probe"
        elif not re.fullmatch(r"[a-z][a-z0-9_-]*", name):
            message = f"'{name}' cannot be a slot | use lower-case letters, digits, '-', '_'"
        if message:
            mistakes.append(((name,), message))
    if mistakes:
        raise MistakesError(mistakes)
    for name, words in slots.items():
        reject_copies(((name, i), same_text(w), f"the word '{w}'") for i, w in enumerate(words))
    return slots


SlotWords = Annotated[dict[str, tuple[Word, ...]], AfterValidator(_slot_names)]


class Entry(FileModel):
    """A word of a lexicon: group term or target. A bare string is short for ``{sg: string}``."""

    short_text = "sg"

    id: Id | None = None
    """A stable name; made from the word if absent."""
    sg: Word | None = None
    """Form in singular sentences; adjectives as targets have only this."""
    pl: Word | None = None
    """Form in plural sentences."""
    forms: dict[FormName, Word] = Field(default_factory=dict)
    """Further forms by name, for ``<mask:subject>``."""
    adjective: Word | None = None
    """Combined with each head: Muslim person, Muslim neighbor."""
    agree: FormName | None = None
    """The form that ``<mask:agree>`` takes beside this word, such as ``f``."""
    label: Text | None = None
    """The identity word; words that share one count once."""
    an: bool | None = None
    """``true``: "an"; ``false``: "a"; by pronunciation if absent."""
    article: Literal["the", "none"] = "the"
    """``the`` (any article) or ``none``, for given names."""
    cluster: Id | None = None
    """Words that share one behave alike (mother, father) and count as one unit; without it, targets
    with the same last word do, and group words that differ in a number only."""
    pair: str | None = None
    """The same key on one word of each group makes a matched pair (mother / father)."""
    tags: tuple[str, ...] = ()
    """Free words to select by."""
    facts: dict[str, float] = Field(default_factory=dict)
    """Numbers about the word, such as the share of women in a job."""
    status: Literal["preferred", "neutral", "disputed", "outdated"] = "neutral"
    """``preferred``, ``neutral``, ``disputed`` or ``outdated``; recorded."""
    provenance: str = ""
    """Where the word or its facts come from."""
    note: str = ""
    """For readers of the file."""

    @model_validator(mode="after")
    def _has_form(self) -> Entry:
        if not (self.sg or self.pl or self.forms or self.adjective):
            raise ValueError("an entry needs sg, pl, forms or adjective | for example {sg: nurse}")
        if self.adjective and (self.sg or self.pl or self.forms):
            raise ValueError(
                "'adjective' cannot stand beside sg, pl and forms"
                " | an adjective gets its forms from the heads; write two entries"
            )
        if self.adjective and self.agree:
            raise ValueError("'agree' cannot stand beside 'adjective' | write it at the heads")
        return self

    @property
    def key(self) -> str:
        """The id, or one made from the first form."""
        word = self.adjective or self.sg or self.pl or next(iter(self.forms.values()))
        return self.id or re.sub(r"[\W_]+", "-", word.lower()).strip("-") or "x"

    @property
    def content(self) -> tuple[str | None, ...]:
        """What sentences show of it, whatever its id and label are."""
        forms = {**self.forms, "sg": self.sg, "pl": self.pl, "adjective": self.adjective}
        shown = sorted((name, same_text(form)) for name, form in forms.items() if form)
        return (self.agree, *(text for pair in shown for text in pair))


class HeadNoun(FileModel):
    """A noun that adjectives are combined with."""

    short_text = "sg"

    id: Id | None = None
    """A stable name; made from the first form if absent."""
    sg: Pattern | None = None
    """Form in singular sentences; the adjective goes before it, or where it says
    ``[adjective]``."""
    pl: Pattern | None = None
    """Form in plural sentences, in the same way."""
    forms: dict[FormName, Pattern] = Field(default_factory=dict)
    """Further forms by name, as written: ``dat: "der [adjective]en Frau"``."""
    agree: FormName | None = None
    """The form that ``<mask:agree>`` takes beside this head."""

    @model_validator(mode="after")
    def _has_form(self) -> HeadNoun:
        if not (self.sg or self.pl or self.forms):
            raise ValueError("a head needs sg, pl or forms | for example {sg: person, pl: people}")
        if not (self.sg or self.pl or any(ADJECTIVE in form for form in self.forms.values())):
            raise ValueError(
                "no form of this head says where the adjective goes"
                f' | for example {{nom: "die {ADJECTIVE}e Frau"}}'
            )
        return self

    @property
    def key(self) -> str:
        """The id, or one made from the first form."""
        word = self.sg or self.pl or next(iter(self.forms.values()))
        return self.id or word.replace(" ", "-").lower()


class WordSet(FileModel):
    """A named set of entries: a group, or a pole. A bare list is short for ``{entries: list}``."""

    short_list = "entries"

    label: Text | None = None
    """How reports call it."""
    role: Literal["focal", "reference", "unmarked", "placebo"] = "focal"
    """``focal``, ``reference``, ``unmarked`` or ``placebo``; recorded."""
    heads: tuple[HeadNoun, ...] = ()
    """Nouns for this set's adjectives, instead of the file's."""
    population: int | None = Field(default=None, ge=1)
    """How many words of this kind there are, where the set holds a good part of them (all jobs of a
    table): the claim about words of their kind then leaves less to chance."""
    entries: tuple[Entry, ...] = Field(min_length=1)
    """The words."""

    @model_validator(mode="after")
    def _no_twins(self) -> WordSet:
        reject_duplicates(((("entries", i), e.key) for i, e in enumerate(self.entries)), "word id")
        if self.population is not None and self.population < len(self.entries):
            message = f"the set has {len(self.entries)} words, more than its 'population'"
            raise MistakesError([(("population",), f"{message} | it counts all words of the kind")])
        reject_copied_words("entries", self.entries)
        return self


def reject_copied_words(key: str, entries: Sequence[Entry]) -> None:
    """Refuse a word that is there twice under two ids.

    Raises:
        MistakesError: every copy.
    """
    reject_copies(((key, i), e.content, f"the word '{e.key}'") for i, e in enumerate(entries))


def _need_own(items: Any, key: str, extends: str | None, drop: Any) -> None:
    """Without ``extends`` a file needs words or sentences of its own, and has none to drop."""
    if extends is not None:
        return
    if not items:
        message = f"expected at least 1 item under '{key}', got none"
        raise MistakesError([((key,), f"{message} | add some, or name a file under 'extends'")])
    if drop:
        raise MistakesError([(("drop",), "'drop' needs 'extends' | remove the words themselves")])


def _need_company(clusters: Iterable[tuple[KeyPath, str | None]]) -> None:
    """A cluster of one groups nothing: a wrong name, or a member that is missing."""
    named = [(where, name) for where, name in clusters if name is not None]
    counts = Counter(name for _, name in named)
    message = "nothing else is in the cluster '{}' | name the same one at its other members"
    alone = [(where, message.format(name)) for where, name in named if counts[name] == 1]
    if alone:
        raise MistakesError(alone)


class Lexicon(FileModel):
    """A file of word sets: groups of an axis, or targets."""

    kind: Literal["lexicon"]
    id: Id
    """Its name, as the file is called."""
    version: int = Field(default=1, ge=1)
    """Raise it when words change."""
    language: Language = "en-US"
    """Language tag, such as ``de``; ``en-US`` if absent."""
    title: Text
    """In plain words."""
    extends: Id | None = None
    """Another lexicon that this one starts from."""
    drop: dict[Id, tuple[Text, ...]] = Field(default_factory=dict)
    """Words left out of it, by set: ``drop: {women: [lady]}``."""
    provenance: str = ""
    """Where the words come from."""
    heads: tuple[HeadNoun, ...] = ()
    """Nouns for all adjectives of the file."""
    sensitive: bool = False
    """True when the words may hurt: reports fold them away."""
    sets: dict[Id, WordSet] = Field(default_factory=dict)
    """The word sets, by id."""

    @model_validator(mode="after")
    def _has_sets(self) -> Lexicon:
        _need_own(self.sets, "sets", self.extends, self.drop)
        if self.extends is None:
            _need_company(
                (("sets", name, "entries", i, "cluster"), entry.cluster)
                for name, words in self.sets.items()
                for i, entry in enumerate(words.entries)
            )
        return self


class Template(FileModel):
    """One sentence with slots. A bare string is short for ``{text: string}``."""

    short_text = "text"

    id: Id | None = None
    """A name; its number if absent."""
    text: TemplateText
    """The sentence."""
    number: Literal["sg", "pl"] | None = None
    """``sg`` or ``pl`` for this sentence only."""
    negated_twin: Id | None = None
    """The negated sentence, as ``set.id`` (``trait-negated.seemed``); a probe with these sentences
    and the same groups and targets gets the slope of its gaps."""
    cluster: Id | None = None
    """Sentences that share one are of one situation (all quotations) and count as one unit; one for
    all, or for a single sentence, is refused; without it, sentences that share three quarters of
    their words are one unit, any number for any other."""
    note: str = ""
    """For readers of the file."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_colon(cls, value: Any) -> Any:
        for odd in (key for key in value if " " in str(key)) if isinstance(value, dict) else ():
            message = f"the sentence '{odd}: ...' has a colon, which made it a key"
            raise ValueError(f"{message} | put the whole sentence into quotes")
        return value

    def name(self, index: int) -> str:
        """The id, or one made from the place in the list (counted from 0)."""
        return self.id or f"{index + 1:02d}"


class TemplateSet(FileModel):
    """A family of paraphrases that ask the same thing."""

    kind: Literal["templates"]
    id: Id
    """Its name, as the file is called."""
    version: int = Field(default=1, ge=1)
    """Raise it when sentences change."""
    language: Language = "en-US"
    """Language tag, such as ``de``; ``en-US`` if absent."""
    title: Text
    """In plain words."""
    extends: Id | None = None
    """Another template set that this one starts from."""
    drop: tuple[Id, ...] = ()
    """Sentences left out of it, by id."""
    number: Literal["sg", "pl"] = "sg"
    """``sg`` or ``pl``: which form the slots take."""
    slots: SlotWords = Field(default_factory=dict)
    """Words of named slots; each sentence is scored with all of them and averaged."""
    provenance: str = ""
    """Who wrote the sentences."""
    templates: tuple[Template, ...] = ()
    """The sentences."""

    @model_validator(mode="after")
    def _no_twins(self) -> TemplateSet:
        _need_own(self.templates, "templates", self.extends, self.drop)
        names = ((("templates", i), t.name(i)) for i, t in enumerate(self.templates))
        reject_duplicates(names, "template id")
        if self.extends is None:
            places = enumerate(self.templates)
            _need_company((("templates", i, "cluster"), t.cluster) for i, t in places)
        reject_copies(
            (("templates", i), (same_text(t.text), t.number), f"the sentence '{t.name(i)}'")
            for i, t in enumerate(self.templates)
        )
        return self


class Cloze(FileModel):
    """A trivial gap for the model sanity check."""

    text: Sentence
    """A sentence with ``<mask>``."""
    answers: tuple[Word, ...] = Field(min_length=1)
    """One of these must be among the ten most likely completions."""


class Triplet(FileModel):
    """A sentence, one that says the same in other words, and one that says something else."""

    text: Text
    """A sentence."""
    same: Text
    """The same in other words."""
    other: Text
    """Another meaning in words of ``text``, so that words alone do not tell."""


class Sanity(FileModel):
    """Sentences that any trained model of the language handles (R11)."""

    kind: Literal["sanity"]
    id: Id
    version: int = Field(default=1, ge=1)
    language: Language = "en-US"
    title: Text
    provenance: str = ""
    sentences: tuple[Text, ...] = Field(min_length=1)
    """Plain sentences."""
    clozes: tuple[Cloze, ...] = Field(min_length=1)
    """Trivial gaps."""
    paraphrases: tuple[Triplet, ...] = ()
    """For sentence encoders, which have to find ``same`` nearer than ``other``."""

    @model_validator(mode="after")
    def _no_copies(self) -> Sanity:
        every = [
            (("paraphrases", i, key), same_text(text), f"'{text}'")
            for i, triplet in enumerate(self.paraphrases)
            for key, text in triplet
        ]
        reject_copies(every)
        gaps = [cloze.text for cloze in self.clozes]
        for key, texts in (("sentences", self.sentences), ("clozes", gaps)):
            reject_copies(((key, i), same_text(t), f"'{t}'") for i, t in enumerate(texts))
        return self
