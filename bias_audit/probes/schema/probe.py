"""The files that people write: lexicons, template sets, probes. Unknown keys are refused.

Messages of validators may carry a hint after " | ".
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from bias_audit.errors import nearest
from bias_audit.probes.schema.lexicon import (
    Entry,
    HeadNoun,
    SlotWords,
    Template,
    WordSet,
    reject_copied_words,
)
from bias_audit.probes.schema.text import Language
from bias_audit.utils.file_model import FileModel, Id, Text, reject_copies, reject_duplicates
from bias_audit.utils.validation import MistakesError

MOST_MARGIN = 3.0
"""Larger limits (an odds ratio of 20) would pass anything."""
DEFAULT_MARGIN = 0.22314355131420976
"""ln 1.25: an odds ratio between 0.80 and 1.25, after the four-fifths rule; a convention."""


class Where(FileModel):
    """A filter: the entries of a set whose fact is in a range (limits included)."""

    fact: str
    min: float | None = None
    max: float | None = None


class Pole(FileModel):
    """One pole of the contrast: a set of a lexicon, or words. A bare list is a list of words."""

    short_list = "words"

    name: Text | None = None
    """How reports call it, such as "jobs held mostly by women"."""
    lexicon: Id | None = None
    """Overrides the lexicon of ``targets``."""
    set: Id | None = None
    where: Where | None = None
    tags: tuple[str, ...] = ()
    """Keep only entries with all of these tags."""
    drop: tuple[Text, ...] = ()
    """Entries left out, such as words with a second meaning on this axis."""
    words: tuple[Entry, ...] = ()

    @model_validator(mode="after")
    def _one_source(self) -> Pole:
        if bool(self.set) == bool(self.words):
            raise ValueError("a pole needs either 'set' or 'words' | plus: [nurse, teacher]")
        reject_duplicates(((("words", i), w.key) for i, w in enumerate(self.words)), "word id")
        reject_copied_words("words", self.words)
        return self


class Targets(FileModel):
    """What is compared: two poles, or each group's own word (a diagonal contrast)."""

    lexicon: Id | None = None
    plus: Pole | None = None
    minus: Pole | None = None
    neither: Pole | None = None
    """Scored and shown, but in neither pole."""
    share_of: Id | None = None
    """The group whose share, in per cent, the fact of ``where`` states; the first group by
    default."""
    own: dict[Id, Entry] = Field(default_factory=dict)
    """For definitional controls: each group's own word (christian: church)."""

    @model_validator(mode="after")
    def _poles_or_own(self) -> Targets:
        if self.own and (self.plus or self.minus or self.neither):
            raise ValueError("'own' cannot stand beside 'plus' and 'minus' | choose one")
        if self.own and self.share_of is not None:
            raise ValueError(
                "'share_of' belongs to poles with 'where', not to 'own' | leave it out"
            )
        if not self.own and not (self.plus and self.minus):
            raise ValueError("targets need 'plus' and 'minus' (or 'own') | plus: [nurse]")
        if self.own and len(self.own) < 2:
            raise ValueError("'own' needs at least two groups")
        words = ((("own", name), word.key) for name, word in self.own.items())
        reject_duplicates(words, "word", "give each group a word that no other group shares")
        reject_copies((("own", n), w.content, f"the word of '{n}'") for n, w in self.own.items())
        adjectives = [name for name, word in self.own.items() if word.adjective]
        if adjectives:
            message = "a word of a group's own cannot be an 'adjective' | write it with 'sg'"
            raise MistakesError([(("own", name), message) for name in adjectives])
        return self


class Groups(FileModel):
    """Groups taken from a lexicon."""

    lexicon: Id
    use: tuple[Id, ...] = ()
    """Set ids in the order of comparison; all sets when empty."""
    beside: tuple[Id, ...] = ()
    """Sets whose words are scored at the same mask and not compared."""
    tags: tuple[str, ...] = ()
    heads: tuple[HeadNoun, ...] = ()
    """Nouns for adjectives, instead of the lexicon's."""

    @model_validator(mode="after")
    def _enough(self) -> Groups:
        for key in ("use", "beside"):
            reject_duplicates((((key, i), n) for i, n in enumerate(getattr(self, key))), "group")
        if "use" in self.model_fields_set and len(self.use) < 2:
            raise MistakesError([(("use",), "a probe compares at least two groups")])
        if "beside" not in self.model_fields_set:
            return self
        if not self.beside:
            message = "'beside' names no group | leave it out, or write for example beside: [they]"
            raise MistakesError([(("beside",), message)])
        if not self.use:
            message = "'beside' needs 'use': without it every set is compared | use: [she, he]"
            raise MistakesError([(("beside",), message)])
        both = [(i, name) for i, name in enumerate(self.beside) if name in self.use]
        if both:
            message = "'{}' is compared already | leave it out here, or in 'use'"
            raise MistakesError([(("beside", i), message.format(name)) for i, name in both])
        return self


class ControlsSpec(FileModel):
    """What must fire and what must stay quiet before this probe is believed."""

    positive: tuple[Id, ...] = ()
    """Probes with a definitional contrast that any speaker must show."""
    negative: tuple[Id, ...] = ()
    """Probes with neutral targets."""
    placebo: Id | None = None
    """Lexicon of two neutral groups that run through this probe's own sentences and targets."""

    @model_validator(mode="after")
    def _no_copies(self) -> ControlsSpec:
        for key in ("positive", "negative"):
            names = enumerate(getattr(self, key))
            reject_duplicates((((key, i), name) for i, name in names), "control")
        return self


class CardSpec(FileModel):
    """Measurement card; a probe without one has the notice ``no_card``."""

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
    named = isinstance(value, str) and not re.search(r"[\s\[\]<>]", value)
    return "id" if named else "sentence"


def _groups_kind(value: Any) -> str:
    if isinstance(value, dict):
        texts = [key for key, item in value.items() if isinstance(item, str)]
        named = "lexicon" in value or "use" in value or bool(nearest("lexicon", texts))
    else:
        named = isinstance(value, Groups)
    return "lexicon" if named else "here"


TemplateRef = Annotated[
    Annotated[Id, Tag("id")] | Annotated[Template, Tag("sentence")], Discriminator(_template_kind)
]
GroupsRef = Annotated[
    Annotated[Groups, Tag("lexicon")] | Annotated[dict[Id, WordSet], Tag("here")],
    Discriminator(_groups_kind),
]


class ProbeSpec(FileModel):
    """A probe: templates x groups x targets, and what it cannot show."""

    kind: Literal["probe"]
    id: Id
    version: int = Field(default=1, ge=1)
    language: Language = "en-US"
    title: Text
    question: str = ""
    axis: Id
    role: Literal["probe", "positive_control", "negative_control"] = "probe"
    mask: Literal["target", "group"] = "target"
    """Which word is masked: the target (group in the context) or the group word."""
    templates: tuple[TemplateRef, ...] = Field(min_length=1)
    """Ids of template sets, or sentences."""
    number: Literal["sg", "pl"] = "sg"
    """Number of the sentences written here."""
    completions: tuple[Id, ...] = ()
    """Template sets for open completions; this probe's own article-free sentences when empty."""
    slots: SlotWords = Field(default_factory=dict)
    groups: GroupsRef
    """A lexicon's sets, or word lists written here."""
    targets: Targets
    compare: Literal["pairs", "others"] | None = None
    """``pairs`` for two groups, ``others`` (each against the mean of the rest) for more."""
    scope: Literal["auto", "terms", "concept"] = "auto"
    margin: float = Field(default=DEFAULT_MARGIN, gt=0, le=MOST_MARGIN, strict=True)
    margin_reason: str = ""
    controls: ControlsSpec = ControlsSpec()
    sensitive: bool = False
    card: CardSpec | None = None

    @model_validator(mode="before")
    @classmethod
    def _refuse_target_scope(cls, value: Any) -> Any:
        if isinstance(value, dict) and "target_scope" in value:
            message = "'target_scope' is gone: every comparison makes both claims, about these"
            message += " words and about words of this kind"
            hint = "leave it out; a gate may ask for one with 'claim: words_of_this_kind'"
            raise MistakesError([(("target_scope",), f"{message} | {hint}")])
        return value

    @model_validator(mode="after")
    def _enough_groups(self) -> ProbeSpec:
        if isinstance(self.groups, dict) and len(self.groups) < 2:
            raise ValueError("a probe compares at least two groups")
        message = ""
        if self.mask == "target":
            message = "'beside' needs 'mask: group': here the targets are scored | leave it out"
        elif self.role != "probe":
            message = "'beside' is for probes: a control only vouches for a comparison"
            message += " | leave it out"
        if message and isinstance(self.groups, Groups) and self.groups.beside:
            raise MistakesError([(("groups", "beside"), message)])
        return self
