"""Frozen records of scored sentences and sentence pairs, for published benchmarks.

All scores are natural logarithms (nats). What could not be scored carries a reason, never a zero.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bias_audit.records import SkipReason
from bias_audit.utils.arrays import Floats

Variant = Literal["original", "word_l2r"]
"""``original`` masks one piece at a time; ``word_l2r`` also the later pieces of its word."""


def _none() -> Floats:
    return np.zeros(0)


def _no_ids() -> NDArray[np.int64]:
    return np.zeros(0, dtype=np.int64)


def _no_spans() -> NDArray[np.int64]:
    return np.zeros((0, 2), dtype=np.int64)


@dataclass(frozen=True, kw_only=True, slots=True)
class PieceScores:
    """One sentence, scored piece by piece; the special pieces around it are left out."""

    log_probs: Floats = field(default_factory=_none)
    """Log-probability of each piece."""
    words: NDArray[np.int64] = field(default_factory=_no_ids)
    """Number of the word that each piece belongs to, as the tokenizer splits words."""
    spans: NDArray[np.int64] = field(default_factory=_no_spans)
    """First character of each piece in the sentence, and the character after its last; some
    tokenizers count the space before a word in."""
    ranks: NDArray[np.int64] = field(default_factory=_no_ids)
    """Rank of each piece in the vocabulary (1 is the top, ties by id); empty unless asked for."""
    best: Floats = field(default_factory=_none)
    """Log-probability of the likeliest piece at each place; empty unless ranks were asked for."""
    attention: Floats = field(default_factory=_none)
    """Attention that each piece receives, mean over layers, heads and readers (special pieces read
    too); empty unless asked for."""
    unknown: int = 0
    """Pieces that stand for text outside the vocabulary."""
    skip: SkipReason | None = None
    """Why there is no score."""
    detail: str = ""
    """The reason in words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PairScore:
    """Two sentences, each scored on the pieces that both share, one masked at a time."""

    more: float = 0.0
    """Sum over the shared pieces of the first sentence, nats; words aligned before pieces."""
    less: float = 0.0
    """The same for the second sentence."""
    published_more: float = 0.0
    """Sum over the first sentence's pieces that the published script takes as shared."""
    published_less: float = 0.0
    shared: int = 0
    """Shared pieces; 0 when the sentences have none, and then both sums are 0."""
    ambiguous: bool = False
    """Whether the shared pieces depend on which sentence comes first (reordered words)."""
    unknown: int = 0
    """Pieces of both sentences that stand for text outside the vocabulary."""
    skip: SkipReason | None = None
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModifiedScore:
    """The pieces of one sentence that its partner does not share."""

    together: float = 0.0
    """Mean log-probability of the modified pieces, all masked at once, each at its own place."""
    together_block: float = 0.0
    """As published code has it: mean over every modified place and every modified piece."""
    one_by_one: float = 0.0
    """Mean log-probability of the modified pieces, one masked at a time."""
    pieces: int = 0
    """Number of modified pieces."""
    skip: SkipReason | None = None
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class FillScore:
    """A word in the blank of a sentence."""

    log_prob: float = 0.0
    """Log-probability of the word, within the word from left to right."""
    pieces: int = 0
    """Number of vocabulary pieces of the word in this context."""
    published: float = 0.0
    """Mean probability of its pieces, each predicted by one mask after the earlier ones with the
    later ones absent, as the published script has it; in [0, 1]."""
    skip: SkipReason | None = None
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SlotQuestion:
    """A word to score in its sentence, with other words hidden from the model meanwhile."""

    text: str
    word: tuple[int, int]
    """Where the word stands: its first character, and the character after its last."""
    hidden: tuple[tuple[int, int], ...] = ()
    """Where the words stand that are masked too, by as many masks as they have pieces."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SlotScore:
    """A word in its sentence."""

    log_prob: float = 0.0
    """Log-probability of the word, within the word from left to right."""
    outer: float = 0.0
    """As published code has it: sum over every piece at every place of the word, all masked; the
    same as ``log_prob`` for a word of one piece."""
    pieces: int = 0
    """Number of vocabulary pieces of the word in this context."""
    skip: SkipReason | None = None
    detail: str = ""


Pooling = Literal["first", "mean", "word"]
"""``first``: the state at the first place ([CLS]); ``mean``: the mean over all places, special ones
included; ``word``: the mean over the pieces of one word."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VectorQuestion:
    """A sentence to turn into a vector, or a word in it."""

    text: str
    pooling: Pooling
    word: tuple[int, int] = (0, 0)
    """Where the word stands, for the pooling ``word``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Vector:
    """The model's own representation, of its last layer."""

    values: Floats = field(default_factory=_none)
    skip: SkipReason | None = None
    detail: str = ""
