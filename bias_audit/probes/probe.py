"""Resolved probes: with the templates, groups and targets they refer to.

A resolved probe is complete: its references exist, and every word has the forms that its sentences
ask for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bias_audit.probes.schema.lexicon import Entry, HeadNoun, Template, WordSet
from bias_audit.probes.schema.probe import ProbeSpec
from bias_audit.probes.schema.text import ADJECTIVE, AGREE, parse_slots


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """A word ready for sentences: an entry, combined with a head where it is an adjective."""

    id: str
    label: str
    """The identity word; words that share it count as one unit of inference."""
    forms: dict[str, str]
    """``sg``, ``pl`` and further forms."""
    an: bool | None
    article: bool
    """False: the template's article is left out."""
    agree: str | None
    """The form that a masked word takes in its sentence, where the sentence asks for agreement."""
    pair: str | None
    head: str
    """The head noun it was combined with; exchange tests relabel inside a block."""
    entry: Entry


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """A group of a probe with its words."""

    id: str
    label: str
    role: str
    words: tuple[Word, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A target of a probe: a word and its pole (``own:<group>`` in diagonal controls)."""

    word: Word
    pole: str
    facts: dict[str, float]
    sampled: float = 0.0
    """Share of all words of its kind that its set holds, in [0, 1]; 0 where that is not known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """A template of a probe."""

    id: str
    template: Template
    number: str
    slots: dict[str, tuple[str, ...]]
    language: str = "en-US"


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """A probe with everything it refers to, ready to be expanded."""

    spec: ProbeSpec
    file: str
    frames: tuple[Frame, ...]
    open_frames: tuple[Frame, ...]
    """Frames for open completions."""
    groups: tuple[Group, ...]
    targets: tuple[Target, ...]
    plus_name: str
    minus_name: str
    digest: str
    """SHA-256 over what the probe and all files that it uses say, comments left out."""
    instrument: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    """Plain sentences for the first label and for the second, where labels are compared."""
    queries: tuple[Frame, ...] = ()
    """Texts that name the target, for sentence encoders; the word alone when empty."""
    extra_groups: tuple[Group, ...] = ()
    """Groups whose words are scored where those of ``groups`` are, and not compared."""


def needs(frame: Frame, masked: str, partners: Sequence[Word] = ()) -> tuple[tuple[str, str], ...]:
    """Return the forms that a sentence asks of its words, as pairs of kind and form.

    Args:
        frame: the sentence.
        masked: which word is masked, ``target`` or ``group``.
        partners: the words around the mask; ``agree`` asks for every form that they name.
    """
    pieces, _ = parse_slots(frame.template.text)
    slots = [(masked if p.name is None else p.name, p.form or frame.number) for p in pieces]
    named = dict.fromkeys(word.agree for word in partners if word.agree)
    return tuple(
        (kind, form)
        for kind, form in slots
        if kind in ("group", "target")
        for form in (named if form == AGREE else (form,))
    )


def agrees(frame: Frame) -> bool:
    """Return whether the masked word takes its form from the word in the sentence."""
    pieces, _ = parse_slots(frame.template.text)
    return any(piece.form == AGREE for piece in pieces)


def words_of(wordset: WordSet, heads: Sequence[HeadNoun] = ()) -> tuple[Word, ...]:
    """Turn the entries of a set into words, adjectives combined with each head."""
    words: list[Word] = []
    for entry in wordset.entries:
        if entry.adjective is None:
            words.append(_word(entry, entry.key, _plain_forms(entry), ""))
            continue
        for head in wordset.heads or heads or (HeadNoun(sg="person", pl="people"),):
            forms = _joined_forms(entry.adjective, head)
            block = head.id or head.sg or head.key
            words.append(_word(entry, f"{entry.key}.{head.key}", forms, block, head.agree))
    return tuple(words)


def _joined_forms(adjective: str, head: HeadNoun) -> dict[str, str]:
    """The forms of a head with an adjective: at the place for it, else before ``sg`` and ``pl``."""
    forms = {}
    for name, noun in _plain_forms(head).items():
        before = name in ("sg", "pl") and ADJECTIVE not in noun
        forms[name] = f"{adjective} {noun}" if before else noun.replace(ADJECTIVE, adjective)
    return forms


def _plain_forms(entry: Entry | HeadNoun) -> dict[str, str]:
    plain = (("sg", entry.sg), ("pl", entry.pl))
    return entry.forms | {name: form for name, form in plain if form}


def _word(
    entry: Entry, key: str, forms: dict[str, str], head: str, agree: str | None = None
) -> Word:
    label = entry.label or entry.adjective or entry.sg or entry.pl or key
    return Word(
        id=key,
        label=label,
        forms=forms,
        an=entry.an,
        article=entry.article == "the",
        agree=agree or entry.agree,
        pair=entry.pair,
        head=head,
        entry=entry,
    )
