"""What the readers of published data sets yield: frozen records, one for each item.

``line`` is where the item begins in its file, counted from 1; 0 where it was put together from
several places.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple


class Labels(NamedTuple):
    """What an item is counted by."""

    category: str
    """Kind of bias, axis or role."""
    cluster: str
    """What makes items dependent; empty for an item of its own."""
    text: tuple[str, ...]
    """What a repeated item has in common with an earlier one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Record:
    id: str
    """Unique inside the data set."""
    line: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class SentencePair(_Record):
    """Two sentences that differ by the group they speak about."""

    more: str
    """The more stereotypical sentence (or the one about the disadvantaged group)."""
    less: str
    """The less stereotypical sentence."""
    category: str
    """Kind of bias, as the data set names it."""
    direction: Literal["stereo", "antistereo", ""] = ""
    """Whether the pair states a stereotype or contradicts one, where the data set says so."""
    cluster: str = ""
    """What the pair shares with others, so that they are no independent observations: its writer,
    its target term, its template. Empty: a cluster of its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice(_Record):
    """A context with three candidates: stereotype, anti-stereotype, unrelated."""

    kind: Literal["intrasentence", "intersentence"]
    category: str
    target: str
    """The term that the item is about; items of one term are no independent observations."""
    context: str
    """With ``BLANK`` in intrasentence items."""
    stereotype: str
    """The whole sentence."""
    anti: str
    unrelated: str
    left: str = ""
    """Text before the blank; intrasentence only."""
    right: str = ""
    """Text after the blank."""
    fills: tuple[str, str, str] | None = None
    """What stands in the blank: stereotype, anti-stereotype, unrelated. None between sentences,
    and where the sentences do not follow the context."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PronounSentence(_Record):
    """A sentence with a pronoun and an occupation that it refers to, or not."""

    left: str
    """Text before the pronoun."""
    pronoun: str
    right: str
    """Text after the pronoun."""
    gender: Literal["female", "male", "neutral"]
    entity: str
    """Whom the pronoun refers to."""
    occupation: str
    """Occupation of the schema."""
    other: str = ""
    """The other person in the sentence, where the data set names one."""
    stance: Literal["pro", "anti", ""] = ""
    """Whether the pronoun follows the stereotype of the occupation."""
    kind: str = ""
    """Type of the sentence: ``type1``, ``type2`` (WinoBias)."""
    split: str = ""

    @property
    def text(self) -> str:
        """The whole sentence."""
        return f"{self.left}{self.pronoun}{self.right}"


@dataclass(frozen=True, kw_only=True, slots=True)
class MaskedSentence(_Record):
    """A sentence about a person and a profession, with either or both masked."""

    text: str
    person_masked: str
    """With ``[MASK]`` for the person."""
    profession_masked: str
    """With ``[MASK]`` for each word of the profession."""
    both_masked: str
    template: str
    person: str
    gender: str
    profession: str
    profession_gender: str
    """Who holds the profession in labour statistics: ``female``, ``male``, ``balanced``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupSentence(_Record):
    """A sentence made from a template and a term for a group."""

    text: str
    template: str
    axis: str
    """What the groups differ in."""
    group: str
    term: str
    """Descriptor or person, as it stands in the sentence."""
    noun: str = ""
    noun_gender: str = ""
    preference: str = ""
    """What the authors' reviewers say about the term: ``dispreferred``, ``polarizing`` ..."""
    emotion: str = ""
    emotion_word: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenTemplate(_Record):
    """A sentence with one place to complete."""

    left: str
    right: str
    identity: str
    number: str
    category: str
    kind: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TermSet:
    """One of the four sets of an association test of embeddings."""

    test: str
    role: Literal["targ1", "targ2", "attr1", "attr2"]
    category: str
    examples: tuple[str, ...]
    line: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Question(_Record):
    """A context, a question and three answers, one of which is 'unknown'."""

    category: str
    context: str
    condition: Literal["ambig", "disambig"]
    question: str
    polarity: Literal["neg", "nonneg"]
    answers: tuple[str, str, str]
    names: tuple[str, str, str]
    """Whom each answer speaks about, as the context names them."""
    groups: tuple[str, str, str]
    """The group of each; ``unknown`` for the answer that says so."""
    stereotyped: tuple[str, ...]
    """Groups that the stereotype is about."""
    label: int
    """The right answer, 0 to 2."""
    cluster: str = ""
    """Template that it was made from."""


Item = (
    SentencePair
    | Choice
    | PronounSentence
    | MaskedSentence
    | GroupSentence
    | OpenTemplate
    | TermSet
    | Question
)


def labels(item: Item) -> Labels:
    """Return what an item is counted by."""
    match item:
        case SentencePair():
            return Labels(item.category, item.cluster, (item.more, item.less))
        case Choice():
            sentences = (item.stereotype, item.anti, item.unrelated)
            category = f"{item.kind}: {item.category}"
            return Labels(category, item.target, (item.context, *sentences))
        case PronounSentence():
            parts = " ".join(filter(None, (item.stance, item.kind, item.split)))
            return Labels(parts or item.gender, item.occupation, (item.text, item.entity))
        case MaskedSentence():
            return Labels(item.gender, item.template, (item.text,))
        case GroupSentence():
            return Labels(item.axis, item.template, (item.text,))
        case OpenTemplate():
            return Labels(item.category, item.identity, (item.left, item.right))
        case TermSet():
            return Labels(item.test, "", (item.test, item.role))
        case Question():
            question = (item.context, item.question)
            return Labels(item.category, item.cluster, (*question, *item.answers))
