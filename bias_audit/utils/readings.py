"""How a model can be read, and all that follows from a reading alone: what is named by one is here.

A reading says what a model's number for a sentence is. ``mask``: how likely the scored word is at
its place, with both sides of the sentence in sight; ``continuation``: how likely the whole sentence
is, read from left to right. Differences of differences mean the same in both. ``label``: how likely
a label is for a whole sentence; ``similarity``: how near a sentence lies to a query, by their
cosine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bias_audit.utils.scales import LABELS, NATS, SD, Scale, gap_scale

Reading = Literal["mask", "continuation", "similarity", "label"]
USUAL: Reading = "mask"
"""The reading that goes without saying."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadingFacts:
    """What is so of every model that is read in one way."""

    of: Literal["word", "sentence", "label"]
    """What a score belongs to: a word at its place, a sentence as a whole, or one of its labels."""
    form: Literal["percent", "log", "cosine"]
    """How people are told a score. Logarithms of whole sentences say something by their differences
    only, cosines by their place among those of their sentence frame."""
    scale: Scale
    """How gaps are told, and their unit: margins and limits are in it."""
    completes: bool = False
    """Whether the model gives a distribution over words; else measures that need one are
    ``not_applicable``."""
    names_words: bool = False
    """Whether each answer names the words that it tells apart, so that the sentences with all group
    words are asked for together."""
    kind: str
    """What such a model is called in ``ModelInfo.kind``."""
    wanted: str
    """The same for people, in a message."""
    heads: tuple[str, ...]
    """Endings of the architectures that are read so when nothing else is said."""
    auto_class: str
    """The class of transformers that loads it."""
    why: str
    """What of its files has a model read so."""
    answers: str
    """What it can be asked."""
    notice: str = ""
    """What stands in the notices of every such model."""
    task: str
    """The hub's word for what it does."""
    score: str
    """Names a score, at the head of a column."""
    columns: tuple[str, str] = ("word", "ratio")
    """Head the words that are asked for and what compares them, of a single sentence."""
    shows: str
    """What a report of it can show."""
    hint: str = "see 'bias-audit probes list' for others"
    """What to do where no probe fits."""

    @property
    def is_cosine(self) -> bool:
        """Whether scores are cosines, and no probabilities of anything."""
        return self.form == "cosine"


_OF_WORDS = (
    "which associations the named checkpoint's own word probabilities carry between words for "
    "social groups and other words"
)
READINGS: Mapping[str, ReadingFacts] = {
    "mask": ReadingFacts(
        of="word",
        form="percent",
        scale=NATS,
        completes=True,
        kind="masked",
        wanted="a masked language model with its vocabulary head, such as distilroberta-base",
        heads=("ForMaskedLM",),
        auto_class="AutoModelForMaskedLM",
        why="its head gives a probability to every word at a masked place",
        answers="the log-probability of a word at its place, both sides in sight; completions",
        task="fill-mask",
        score="probability",
        shows=_OF_WORDS,
    ),
    "continuation": ReadingFacts(
        of="sentence",
        form="log",
        scale=NATS,
        completes=True,
        names_words=True,
        kind="causal",
        wanted="a causal language model with its head",
        heads=("ForCausalLM", "LMHeadModel"),
        auto_class="AutoModelForCausalLM",
        why="its architecture ends in ForCausalLM or LMHeadModel: the next word",
        answers="the log-probability of a whole sentence; completions after it",
        notice="read as continuation: a score is the log-probability of the whole sentence from"
        " left to right; completions are whole words where the mask is the last word, whatever sign"
        " is behind it",
        task="text-generation",
        score="log-probability of the sentence",
        shows=_OF_WORDS,
    ),
    "similarity": ReadingFacts(
        of="sentence",
        form="cosine",
        scale=SD,
        kind="encoder",
        wanted="a sentence encoder",
        heads=(),
        auto_class="AutoModel",
        why="its modules.json, or --pooling, says how a text becomes a vector",
        answers="how near a sentence lies to a query",
        notice="read as similarity: a score is the cosine of a sentence, with a stand-in in place"
        " of the target, and a query that names the target",
        task="sentence-similarity",
        score="cosine",
        columns=("compared with", "difference"),
        shows="which associations the vectors of the named encoder carry between words for "
        "social groups and other words",
    ),
    "label": ReadingFacts(
        of="label",
        form="percent",
        scale=LABELS,
        kind="classifier",
        wanted="a text classifier with its head",
        heads=("ForSequenceClassification",),
        auto_class="AutoModelForSequenceClassification",
        why="its architecture ends in ForSequenceClassification: labels of whole texts",
        answers="the log-probability of a label for a whole sentence; nothing about single words",
        notice="read as label: a score is the log-probability of a label for a whole sentence, and"
        " a gap is the difference between the groups in the log-odds of the label",
        task="text-classification",
        score="probability",
        columns=("label", "ratio"),
        shows="how the named classifier's labels of whole sentences differ between social groups",
        hint="name probes for classifiers, -p labels; or copy one and write the model's own label"
        " under 'any': bias-audit probes new NAME --like toxicity-religion",
    ),
}


def reading_scale(unit: str, reading: str) -> Scale:
    """Return how gaps in a unit are told, in the words that fit what was read."""
    scale = READINGS[reading].scale
    return scale if scale.unit == unit else gap_scale(unit)


def why_mute(reading: str) -> str:
    """Say why a model that is read so gives no distribution over words; empty where it does."""
    return "" if READINGS[reading].completes else f"read as {reading}, a model completes nothing"
