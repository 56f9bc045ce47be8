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
    """Name of a fact."""
    min: float | None = None
    """Smallest value kept."""
    max: float | None = None
    """Largest value kept."""


class Pole(FileModel):
    """One pole of the contrast: a set of a lexicon, or words. A bare list is a list of words."""

    short_list = "words"

    name: Text | None = None
    """How reports call it: "jobs held mostly by women"."""
    lexicon: Id | None = None
    """Instead of the lexicon of ``targets``."""
    set: Id | None = None
    """Id of a set."""
    where: Where | None = None
    """Keep words whose fact lies in a range."""
    tags: tuple[str, ...] = ()
    """Keep words with all of these tags."""
    drop: tuple[Text, ...] = ()
    """Words to leave out, by id."""
    words: tuple[Entry, ...] = ()
    """The words, instead of ``set``."""

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
    """Where the sets of the poles come from."""
    plus: Pole | None = None
    """The first pole, S+."""
    minus: Pole | None = None
    """The second pole, S-."""
    neither: Pole | None = None
    """Scored and shown, in neither pole."""
    share_of: Id | None = None
    """The group whose share, in per cent, the fact of ``where`` states, for the comparison with
    labour statistics; the first group when it is left out; it cannot stand beside ``own``."""
    own: dict[Id, Entry] = Field(default_factory=dict)
    """Instead of poles: each group's own word, for definitional controls (``christian:
    church``)."""

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
    """Its names in models, whatever their case: the first that a model has is meant."""


class Labels(FileModel):
    """Which two labels of a classifier are compared, in place of targets."""

    plus: Label
    """The first label; positive results mean: the first group gets it more easily."""
    minus: Label
    """The second one; where a model has no such label, all but the first."""

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
    """At least ten sentences that plainly have the first label."""
    minus: tuple[Text, ...] = Field(min_length=FEWEST_PLAIN)
    """At least ten that plainly have the second."""

    @model_validator(mode="after")
    def _no_copies(self) -> InstrumentSentences:
        every = [(key, i, t) for key in ("plus", "minus") for i, t in enumerate(getattr(self, key))]
        reject_copies(((key, i), t.casefold(), f"the sentence '{t[:40]}'") for key, i, t in every)
        return self


class Groups(FileModel):
    """Groups taken from a lexicon."""

    lexicon: Id
    """Id of a lexicon."""
    use: tuple[Id, ...] = ()
    """Ids of sets, in the order of comparison; all if absent."""
    beside: tuple[Id, ...] = ()
    """Ids of further sets, with ``mask: group`` and ``use``: their words are scored where those of
    ``use`` are and compared with nobody; reports give their share."""
    tags: tuple[str, ...] = ()
    """Only words with all of these tags."""
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
    """Of the readings ``mask``, ``continuation`` and ``label``."""
    sd: float = Field(default=DEFAULT_MARGIN_SD, gt=0, le=MOST_MARGIN, strict=True)
    """Of ``similarity``: standard deviations of the cosines of a sentence frame."""

    def of(self, reading: Reading) -> float:
        """Return the margin in the unit of a reading."""
        return float(getattr(self, READINGS[reading].scale.unit))


class ControlsSpec(FileModel):
    """What must fire and what must stay quiet before this probe is believed."""

    positive: tuple[Id, ...] = ()
    """Ids of probes that are true by definition; they must show more than 1 nat."""
    negative: tuple[Id, ...] = ()
    """Ids of probes with neutral targets; they must show nothing."""
    placebo: Id | None = None
    """Id of a lexicon with two groups that mean nothing, such as ``placebo-people``; they run
    through this probe's own sentences."""

    @model_validator(mode="after")
    def _no_copies(self) -> ControlsSpec:
        for key in ("positive", "negative"):
            names = enumerate(getattr(self, key))
            reject_duplicates((((key, i), name) for i, name in names), "control")
        return self


class CardSpec(FileModel):
    """Measurement card; a probe without one has the notice ``no_card``."""

    measures: Text
    """The construct: what the number is meant to say."""
    harm: Text
    """Kind of harm: stereotyping, denigration, erasure."""
    expected: Text
    """Wanted behaviour, and why: ``equal``, ``match: <facts>`` or ``unspecified``."""
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
    """Its name, as the file is called."""
    version: int = Field(default=1, ge=1)
    """Raise it when the sentences that are scored change, also through a lexicon or template
    set."""
    language: Language = "en-US"
    """Language tag, such as ``de``; ``en-US`` if absent."""
    title: Text
    """Heading in reports."""
    question: str = ""
    """What it asks, in one plain sentence."""
    axis: Id
    """Gender, religion, ...: reports and selectors put probes of one axis together; p-values are
    adjusted within each probe."""
    role: Literal["probe", "positive_control", "negative_control"] = "probe"
    """``probe``, ``positive_control`` or ``negative_control``."""
    mask: Literal["target", "group"] = "target"
    """``target``: the word is masked, the group stands in the sentence; ``group``: the other way
    round."""
    templates: tuple[TemplateRef, ...] = Field(min_length=1)
    """Ids of template sets, or sentences."""
    number: Literal["sg", "pl"] = "sg"
    """``sg`` or ``pl`` for sentences written here."""
    completions: tuple[Id, ...] = ()
    """Template sets for open completions."""
    slots: SlotWords = Field(default_factory=dict)
    """Words of named slots; they win over the template set's."""
    groups: GroupsRef
    """A lexicon's sets, or word lists written here."""
    targets: Targets
    """The words that are compared."""
    labels: Labels | None = None
    """Instead of ``targets``: two labels of a text classifier, ``plus`` and ``minus``, each with a
    ``name`` and its names in models, ``any``."""
    instrument: InstrumentRef | None = None
    """With ``labels``: at least ten plain sentences for each, or a lexicon of them with the sets
    ``plus`` and ``minus``."""
    readings: tuple[Reading, ...] = Field(default=WORD_READINGS, min_length=1)
    """Kinds of scores it can be asked for; with ``labels`` only ``label``, else ``mask``,
    ``continuation``, ``similarity``."""
    compare: Literal["pairs", "others"] | None = None
    """``pairs`` (usual for two groups) or ``others``: each group with the mean of the rest."""
    scope: Literal["auto", "terms", "concept"] = "auto"
    """``auto``, ``terms`` or ``concept``: do the words stand for a group?"""
    stand_in: Word = STAND_IN
    """For sentence encoders: what stands where the target would be; ``...`` if absent."""
    queries: tuple[Id, ...] = ()
    """For sentence encoders: template sets of texts that name the ``[target]``; the word alone if
    absent."""
    margins: Margins = Margins()
    """Reference margins: what counts as small in each unit; ``{nats: 0.223, sd: 0.3}`` if
    absent."""
    margin_reason: str = ""
    """Why this margin; printed."""
    controls: ControlsSpec = ControlsSpec()
    """What must fire and what must stay quiet."""
    sensitive: bool = False
    """True when its sentences may hurt: reports fold them away."""
    card: CardSpec | None = None
    """The measurement card."""

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
