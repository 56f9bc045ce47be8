"""The files that people write: lexicons, template sets, probes. Unknown keys are refused.

Messages of validators may carry a hint after " | ".
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    model_validator,
)

DEFAULT_MARGIN = 0.22314355131420976
"""ln 1.25: an odds ratio between 0.80 and 1.25, after the four-fifths rule; a convention."""

SLOT = re.compile(r"\[([a-z][a-z0-9_-]*)(?::([a-z]+))?\]|<mask(?::([a-z]+))?>")
"""``[group]``, ``[group:pl]``, ``[place]``, ``<mask>``, ``<mask:subject>``."""

ARTICLE = re.compile(r"(?:^|(?<=[\s\"'\u201c\u2018(\[]))(a|an|the)\s$", re.IGNORECASE)
"""An article right before a slot: it belongs to the word that fills the slot."""


def is_article_free(text: str) -> bool:
    """Say whether no a/an stands right before the mask, so that any word may complete it."""
    mask = next(found for found in SLOT.finditer(text) if found[1] is None)
    article = ARTICLE.search(text[: mask.start()])
    return article is None or article[1].lower() == "the"


Id = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$", min_length=1, max_length=80)
]


def _one_line(text: str) -> str:
    if not text.strip():
        raise ValueError("expected text, got nothing")
    if text != text.strip() or re.search(r"[\r\n\t]|  ", text):
        raise ValueError(
            f"'{text[:40]}' has a line break, tab, double space, or space at its ends"
            " | write it on one line with single spaces"
        )
    return text


def _word(text: str) -> str:
    if SLOT.search(text):
        raise ValueError(f"'{text[:40]}' holds a slot | slots belong into templates")
    return _one_line(text)


def _sentence(text: str) -> str:
    masks = [found for found in SLOT.finditer(text) if found[1] is None]
    if len(masks) != 1:
        what = "no <mask>" if not masks else f"{len(masks)} masks"
        raise ValueError(
            f"'{text[:60]}' has {what}; a template has exactly one"
            ' | for example "The [group] worked as a <mask>."'
        )
    return _one_line(text)


Text = Annotated[str, AfterValidator(_one_line)]
Word = Annotated[str, AfterValidator(_word), StringConstraints(max_length=20_000)]
Sentence = Annotated[str, AfterValidator(_sentence)]


class Spec(BaseModel):
    """Base of everything read from a file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Entry(Spec):
    """A word of a lexicon: group term or target. A bare string is short for ``{sg: string}``."""

    id: Id | None = None
    """Stable name; made from the first form when absent."""
    sg: Word | None = None
    """Form in singular sentences (for adjectives: the only form)."""
    pl: Word | None = None
    """Form in plural sentences."""
    forms: dict[str, Word] = Field(default_factory=dict)
    """Further forms that templates may ask for, such as ``subject: she``."""
    adjective: Word | None = None
    """An adjective that is combined with the set's heads: Muslim person, Muslim people."""
    label: str | None = None
    """The identity word; entries that share one count as one unit of inference."""
    an: bool | None = None
    """True for "an" (an honest), false for "a"; by pronunciation rules when absent."""
    article: Literal["the", "none"] = "the"
    """``none``: no article before it (given names); the template's article is left out."""
    pair: str | None = None
    """Key that matches this entry with one entry of each other group (mother / father)."""
    tags: tuple[str, ...] = ()
    facts: dict[str, float] = Field(default_factory=dict)
    """Numbers about the word, such as the share of women in a job (per cent)."""
    status: Literal["preferred", "neutral", "disputed", "outdated"] = "neutral"
    provenance: str = ""
    note: str = ""

    @model_validator(mode="before")
    @classmethod
    def _from_string(cls, value: Any) -> Any:
        return {"sg": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _has_form(self) -> Entry:
        if not (self.sg or self.pl or self.forms or self.adjective):
            raise ValueError("an entry needs sg, pl, forms or adjective | for example {sg: nurse}")
        return self

    @property
    def key(self) -> str:
        """The id, or one made from the first form."""
        word = self.adjective or self.sg or self.pl or next(iter(self.forms.values()))
        return self.id or re.sub(r"[^a-z0-9]+", "-", word.lower()).strip("-") or "x"


class Head(Spec):
    """A noun that adjectives are combined with."""

    sg: Word
    pl: Word | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_string(cls, value: Any) -> Any:
        return {"sg": value} if isinstance(value, str) else value


class WordSet(Spec):
    """A named set of entries: a group, or a pole. A bare list is short for ``{entries: list}``."""

    label: str | None = None
    """How reports call it."""
    role: Literal["focal", "reference", "unmarked", "placebo"] = "focal"
    heads: tuple[Head, ...] = ()
    """Nouns for this set's adjectives; the lexicon's heads when absent."""
    entries: tuple[Entry, ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _from_list(cls, value: Any) -> Any:
        return {"entries": value} if isinstance(value, list) else value


class Lexicon(Spec):
    """A file of word sets: groups of an axis, or targets."""

    kind: Literal["lexicon"]
    id: Id
    version: int = Field(default=1, ge=1)
    language: str = "en-US"
    title: Text
    provenance: str = ""
    heads: tuple[Head, ...] = ()
    sensitive: bool = False
    """True when the words may hurt: reports fold them away."""
    sets: dict[Id, WordSet] = Field(min_length=1)


class Template(Spec):
    """One sentence with slots. A bare string is short for ``{text: string}``."""

    id: Id | None = None
    text: Sentence
    number: Literal["sg", "pl"] | None = None
    """Which form the slots take; the set's number when absent."""
    negated_twin: Id | None = None
    note: str = ""

    @model_validator(mode="before")
    @classmethod
    def _from_string(cls, value: Any) -> Any:
        return {"text": value} if isinstance(value, str) else value


class TemplateSet(Spec):
    """A family of paraphrases that ask the same thing."""

    kind: Literal["templates"]
    id: Id
    version: int = Field(default=1, ge=1)
    language: str = "en-US"
    title: Text
    number: Literal["sg", "pl"] = "sg"
    slots: dict[str, tuple[Word, ...]] = Field(default_factory=dict)
    """Fillers of further named slots; a cell is averaged over them."""
    provenance: str = ""
    templates: tuple[Template, ...] = Field(min_length=1)


class Where(Spec):
    """Keeps the entries of a set whose fact lies in a range (limits included)."""

    fact: str
    min: float | None = None
    max: float | None = None


class Pole(Spec):
    """One pole of the contrast: a set of a lexicon, or words. A bare list is a list of words."""

    name: str | None = None
    """How reports call it, such as "jobs held mostly by women"."""
    lexicon: Id | None = None
    """Overrides the lexicon of ``targets``."""
    set: Id | None = None
    where: Where | None = None
    tags: tuple[str, ...] = ()
    """Keep only entries with all of these tags."""
    drop: tuple[Id, ...] = ()
    """Entries left out, such as words with a second meaning on this axis."""
    words: tuple[Entry, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _from_list(cls, value: Any) -> Any:
        return {"words": value} if isinstance(value, list) else value

    @model_validator(mode="after")
    def _one_source(self) -> Pole:
        if bool(self.set) == bool(self.words):
            raise ValueError("a pole needs either 'set' or 'words' | plus: [nurse, teacher]")
        return self


class Targets(Spec):
    """What is compared: two poles, or each group's own word (a diagonal contrast)."""

    lexicon: Id | None = None
    plus: Pole | None = None
    minus: Pole | None = None
    neither: Pole | None = None
    """Scored and shown, but in neither pole."""
    own: dict[Id, Entry] = Field(default_factory=dict)
    """For definitional controls: each group's own word (christian: church)."""

    @model_validator(mode="after")
    def _poles_or_own(self) -> Targets:
        if self.own and (self.plus or self.minus):
            raise ValueError("'own' cannot stand beside 'plus' and 'minus' | choose one")
        if not self.own and not (self.plus and self.minus):
            raise ValueError("targets need 'plus' and 'minus' (or 'own') | plus: [nurse]")
        if self.own and len(self.own) < 2:
            raise ValueError("'own' needs at least two groups")
        return self


class Groups(Spec):
    """Groups taken from a lexicon."""

    lexicon: Id
    use: tuple[Id, ...] = ()
    """Set ids in the order of comparison; all sets when empty."""
    tags: tuple[str, ...] = ()
    heads: tuple[Head, ...] = ()
    """Nouns for adjectives, instead of the lexicon's."""


class ControlsSpec(Spec):
    """What must fire and what must stay quiet before this probe is believed."""

    positive: tuple[Id, ...] = ()
    """Probes with a definitional contrast that any speaker must show."""
    negative: tuple[Id, ...] = ()
    """Probes with neutral targets."""
    placebo: Id | None = None
    """Lexicon of two neutral groups that run through this probe's own sentences and targets."""


class CardSpec(Spec):
    """Measurement card; a probe without one is never judged."""

    measures: Text
    """The construct: what the probe is meant to measure."""
    harm: Text
    """Kind of representational harm: stereotyping, denigration, erasure."""
    expected: Text
    """Wanted behaviour: ``equal``, ``match: <facts>`` or ``unspecified``, and why."""
    source: Text
    """Where the stereotype is documented."""
    power: Text
    """Who is affected, and how power is spread between the groups."""
    limits: Text
    """What the probe cannot show."""


def _template_kind(value: Any) -> str:
    return "id" if isinstance(value, str) and re.fullmatch(r"[a-z0-9._-]+", value) else "sentence"


def _groups_kind(value: Any) -> str:
    named = isinstance(value, Groups) or (isinstance(value, dict) and "lexicon" in value)
    return "lexicon" if named else "here"


TemplateRef = Annotated[
    Annotated[Id, Tag("id")] | Annotated[Template, Tag("sentence")], Discriminator(_template_kind)
]
GroupsRef = Annotated[
    Annotated[Groups, Tag("lexicon")] | Annotated[dict[Id, WordSet], Tag("here")],
    Discriminator(_groups_kind),
]


class ProbeSpec(Spec):
    """A probe: templates x groups x targets, and what it cannot show."""

    kind: Literal["probe"]
    id: Id
    version: int = Field(default=1, ge=1)
    language: str = "en-US"
    title: Text
    question: str = ""
    axis: Id
    role: Literal["probe", "positive_control", "negative_control"] = "probe"
    suites: tuple[Id, ...] = ()
    """``core`` is what runs when nothing is asked for."""
    mask: Literal["target", "group"] = "target"
    """Which word stands at ``<mask>``: the target (group in the context) or the group word."""
    templates: tuple[TemplateRef, ...] = Field(min_length=1)
    """Ids of template sets, or sentences."""
    number: Literal["sg", "pl"] = "sg"
    """Number of the sentences written here."""
    completions: tuple[Id, ...] = ()
    """Template sets for open completions; this probe's own article-free sentences when empty."""
    slots: dict[str, tuple[Word, ...]] = Field(default_factory=dict)
    groups: GroupsRef
    """A lexicon's sets, or word lists written here."""
    targets: Targets
    compare: Literal["pairs", "others"] | None = None
    """``pairs`` for two groups, ``others`` (each against the mean of the rest) for more."""
    scope: Literal["auto", "terms", "concept"] = "auto"
    target_scope: Literal["auto", "fixed", "construct"] = "auto"
    margin: float = Field(default=DEFAULT_MARGIN, gt=0)
    margin_reason: str = ""
    controls: ControlsSpec = ControlsSpec()
    sensitive: bool = False
    card: CardSpec | None = None

    @model_validator(mode="after")
    def _enough_groups(self) -> ProbeSpec:
        if isinstance(self.groups, dict) and len(self.groups) < 2:
            raise ValueError("a probe compares at least two groups")
        return self


class Cloze(Spec):
    """A trivial gap for the model sanity check."""

    text: Sentence
    answers: tuple[Word, ...] = Field(min_length=1)
    """One of these must be among the ten most likely completions."""


class Sanity(Spec):
    """Sentences that any trained model of the language handles (R11)."""

    kind: Literal["sanity"]
    id: Id
    version: int = Field(default=1, ge=1)
    language: str = "en-US"
    title: Text
    provenance: str = ""
    sentences: tuple[Text, ...] = Field(min_length=1)
    clozes: tuple[Cloze, ...] = Field(min_length=1)
