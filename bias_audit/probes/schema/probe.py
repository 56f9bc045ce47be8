"""The files that people write: lexicons, template sets, probes. Unknown keys are refused.

Messages of validators may carry a hint after " | ".
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, get_args

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator

from bias_audit.errors import nearest
from bias_audit.probes.schema.lexicon import (
    Entry,
    HeadNoun,
    SlotWords,
    Template,
    WordSet,
    reject_copied_words,
)
from bias_audit.probes.schema.text import Language, Word
from bias_audit.utils.file_model import FileModel, Id, Text, reject_copies, reject_duplicates
from bias_audit.utils.readings import READINGS, Reading
from bias_audit.utils.validation import KeyPath, MistakesError

WORD_READINGS = tuple(one for one in get_args(Reading) if READINGS[one].of != "label")
"""The readings of a probe that compares words."""
MOST_MARGIN = 3.0
"""Larger limits (an odds ratio of 20, three standard deviations) would pass anything."""
DEFAULT_MARGIN = 0.22314355131420976
"""ln 1.25: an odds ratio between 0.80 and 1.25, after the four-fifths rule; a convention."""
DEFAULT_MARGIN_SD = 0.3
"""A convention too; negative controls and placebo groups of a real encoder stay below 0.12."""
STAND_IN = "..."
"""What stands in place of the target where a probe names nothing."""


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


class Label(FileModel):
    """One label of a text classifier."""

    name: Text
    """How reports call it."""
    any: tuple[Text, ...] = Field(min_length=1)
    """Names that models have for it, whatever their case: the first that a model knows is meant."""


class Labels(FileModel):
    """Which two labels of a classifier are compared, in place of targets."""

    plus: Label
    minus: Label
    """Where a model has no such label: all but that of ``plus``."""

    @model_validator(mode="after")
    def _apart(self) -> Labels:
        named = [(("plus", "name"), self.plus.name), (("minus", "name"), self.minus.name)]
        reject_duplicates(named, "label", "give the two labels different names")
        every = [
            ((key, "any", i), name.casefold())
            for key in ("plus", "minus")
            for i, name in enumerate(getattr(self, key).any)
        ]
        reject_duplicates(every, "name of a label", "a name can stand for one label only")
        return self


FEWEST_PLAIN = 10
"""Plain sentences that an instrument check needs for each label."""


class InstrumentSentences(FileModel):
    """Plain sentences of which nobody doubts the label."""

    plus: tuple[Text, ...] = Field(min_length=FEWEST_PLAIN)
    minus: tuple[Text, ...] = Field(min_length=FEWEST_PLAIN)

    @model_validator(mode="after")
    def _no_copies(self) -> InstrumentSentences:
        every = [(key, i, t) for key in ("plus", "minus") for i, t in enumerate(getattr(self, key))]
        reject_copies(((key, i), t.casefold(), f"the sentence '{t[:40]}'") for key, i, t in every)
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


class Margins(FileModel):
    """What a small gap is, in the unit of each reading."""

    nats: float = Field(default=DEFAULT_MARGIN, gt=0, le=MOST_MARGIN, strict=True)
    """In the readings ``mask``, ``continuation`` and ``label``."""
    sd: float = Field(default=DEFAULT_MARGIN_SD, gt=0, le=MOST_MARGIN, strict=True)
    """Standard deviations within a sentence frame, in the reading ``similarity``."""

    def of(self, reading: Reading) -> float:
        """Return the margin in the unit of a reading."""
        return float(getattr(self, READINGS[reading].scale.unit))


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


def _instrument_kind(value: Any) -> str:
    return "id" if isinstance(value, str) else "here"


def _fill_in_targets(value: dict[str, Any]) -> dict[str, Any]:
    """The words that stand for two labels where words are compared elsewhere."""
    labels = value["labels"] if isinstance(value["labels"], dict) else {}
    poles = {}
    for key in ("plus", "minus"):
        label = labels.get(key)
        name = label.get("name") if isinstance(label, dict) else None
        poles[key] = {"name": name, "words": [name]} if isinstance(name, str) else {"words": [key]}
    return {"readings": ["label"], **value, "targets": poles}


def _allow_labels(schema: dict[str, Any]) -> None:
    """A probe has targets or labels."""
    schema["required"].remove("targets")
    schema["anyOf"] = [{"required": ["targets"]}, {"required": ["labels"]}]


TemplateRef = Annotated[
    Annotated[Id, Tag("id")] | Annotated[Template, Tag("sentence")], Discriminator(_template_kind)
]
InstrumentRef = Annotated[
    Annotated[Id, Tag("id")] | Annotated[InstrumentSentences, Tag("here")],
    Discriminator(_instrument_kind),
]
GroupsRef = Annotated[
    Annotated[Groups, Tag("lexicon")] | Annotated[dict[Id, WordSet], Tag("here")],
    Discriminator(_groups_kind),
]


class ProbeSpec(FileModel):
    """A probe: templates x groups x targets, and what it cannot show."""

    model_config = ConfigDict(json_schema_extra=_allow_labels)

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
    labels: Labels | None = None
    """In place of targets: whole sentences are read by a text classifier."""
    instrument: InstrumentRef | None = None
    """Plain sentences that a classifier has to label rightly, or a lexicon of them with the sets
    ``plus`` and ``minus``."""
    readings: tuple[Reading, ...] = Field(default=WORD_READINGS, min_length=1)
    """What kinds of scores it can be asked for; ``label`` for a probe with labels."""
    compare: Literal["pairs", "others"] | None = None
    """``pairs`` for two groups, ``others`` (each against the mean of the rest) for more."""
    scope: Literal["auto", "terms", "concept"] = "auto"
    stand_in: Word = STAND_IN
    """What stands in place of the target in the sentences of the reading ``similarity``."""
    queries: tuple[Id, ...] = ()
    """Template sets of texts that name the ``[target]``, for the same reading; the word alone when
    empty."""
    margins: Margins = Margins()
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

    @model_validator(mode="before")
    @classmethod
    def _refuse_one_margin(cls, value: Any) -> Any:
        if isinstance(value, dict) and "margin" in value:
            message = "'margin' is gone: each unit has its own"
            hint = f"margins: {{nats: {value['margin']}, sd: {DEFAULT_MARGIN_SD}}}"
            raise MistakesError([(("margin",), f"{message} | {hint}")])
        return value

    @model_validator(mode="before")
    @classmethod
    def _labels_or_targets(cls, value: Any) -> Any:
        if not isinstance(value, dict) or value.get("labels") is None:
            return value
        if value.get("targets") is not None:
            message = "'targets' cannot stand beside 'labels' | a probe compares words or labels"
            raise MistakesError([(("targets",), message)])
        return _fill_in_targets(value)

    @model_validator(mode="after")
    def _fits_reading(self) -> ProbeSpec:
        mistakes: list[tuple[KeyPath, str]] = []
        if self.labels is None:
            if "label" in self.readings:
                message = "the reading 'label' needs 'labels' | labels: {plus: ..., minus: ...}"
                mistakes.append((("readings",), message))
            if self.instrument is not None:
                message = "'instrument' belongs to 'labels' | leave it out"
                mistakes.append((("instrument",), message))
        else:
            if self.readings != ("label",):
                message = "a probe with 'labels' has the reading 'label' only | leave it out"
                mistakes.append((("readings",), message))
            if self.instrument is None and self.role == "probe":
                message = "a probe with 'labels' needs an 'instrument': plain sentences for each"
                message += " label | instrument: {plus: [...], minus: [...]}"
                mistakes.append((("labels",), message))
            if self.mask != "target" or self.completions:
                key = "mask" if self.mask != "target" else "completions"
                message = f"'{key}' cannot stand beside 'labels': nothing is masked | leave it out"
                mistakes.append(((key,), message))
        if "similarity" not in self.readings:
            message = "'{}' is for the reading 'similarity', which 'readings' leaves out"
            mistakes += [
                ((key,), f"{message.format(key)} | leave it out, or add the reading")
                for key in ("stand_in", "queries")
                if key in self.model_fields_set
            ]
        if mistakes:
            raise MistakesError(mistakes)
        return self

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
