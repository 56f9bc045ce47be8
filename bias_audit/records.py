"""Define what is asked of a model, what it answers, and what analysis calls both.

Scores are natural logarithms (nats), or cosines of sentence encoders. What could not be done
carries a reason, never a zero.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from bias_audit.utils.arrays import Floats
from bias_audit.utils.readings import USUAL, Reading

Pole = Literal["+", "-", "0", ""]
"""``+`` and ``-`` are the hypothesis's S+ and S-; ``0`` is in neither; empty: open prompt."""
SkipReason = Literal[
    "not_applicable", "unscorable", "too_long", "low_word_mass", "error", "limit", "excluded"
]
ProgressCallback = Callable[[int, int], None]
"""Called with (done, in all) while scoring."""
OTHERS = "~others"
"""Stands for the unweighted mean of the other groups."""
LEAST_WORD_MASS = 0.8
"""Share of the probability that should fall on whole words in an open completion."""
Span = tuple[int, int]
"""First character of a part of a text, and the character after its last."""
Variant = Literal["original", "word_l2r", "unmasked"]
"""How the tokens of a sentence are scored. ``original``: one masked at a time; ``word_l2r``: with
the later tokens of its word masked too; ``unmasked``: all in sight, in one pass."""
Pooling = Literal["first", "mean", "word"]
"""``first``: the state at the first position ([CLS]); ``mean``: the mean over all positions,
special ones included; ``word``: the mean over the tokens of one word."""
Answer_co = TypeVar("Answer_co", covariant=True)
Ids = NDArray[np.int64]


class Request(Generic[Answer_co]):
    """One question to a model, in terms of text; equal requests have equal responses."""

    __slots__ = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class FillRequest(Request["FillScore"]):
    """Ask how likely a word is between two parts of a sentence."""

    left: str
    """Text before the word, its last space included."""
    filler: str
    right: str
    prompt: Prompt | None = field(default=None, compare=False, repr=False)
    """Who asks; only stand-ins that plant associations look at it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelRequest(Request["FillScore"]):
    """Ask a text classifier how likely a label is for a text."""

    text: str
    names: tuple[str, ...]
    """Names that the label may have; the first that the model knows is meant."""
    instead_of: tuple[str, ...] = ()
    """Where the model knows none of them: all labels but the first one that it knows of these."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SimilarityRequest(Request["FillScore"]):
    """Ask a sentence encoder how near a text lies to others: the mean of the cosines."""

    text: str
    queries: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CompletionRequest(Request["CompletionScore"]):
    """Ask for the distribution over the words between two parts of a sentence."""

    left: str
    right: str
    top_k: int = 10
    """Completions to name."""
    siblings: tuple[str, ...] = ()
    """Texts before the mask of the same sentence with other group words, where the model itself
    chooses the words that it tells apart: it tells the same ones apart after all of them."""
    prompt: Prompt | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class SentenceRequest(Request["SentenceScore"]):
    """Ask for the scores of all tokens of a sentence: the summands of its log-likelihood.

    Source: Salazar et al. (2020); ``word_l2r``: Kauf and Ivanova (2023); ``unmasked``: Kaneko and
    Bollegala (2022).
    """

    text: str
    variant: Variant = "word_l2r"
    ranks: bool = False
    """Whether ranks and the best log-probabilities are asked for too."""
    attention: bool = False
    """Whether received attention is asked for too, which takes a slower pass."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PairRequest(Request["PairScore"]):
    """Ask for both sentences of a pair, scored on the tokens that they share.

    Source: Nangia et al. (2020).
    """

    first: str
    second: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ModifiedRequest(Request["ModifiedPair"]):
    """Ask for the tokens of a pair of sentences that they do not share.

    Source: Nadeem et al. (2021) as a sentence-pair score, after Kaneko and Bollegala (2022).
    """

    first: str
    second: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BlankRequest(Request["BlankScore"]):
    """Ask for a word in the blank of a sentence, as published benchmarks do.

    Source: within-word left to right, Kauf and Ivanova (2023); ``published``: Nadeem et al. (2021).
    """

    left: str
    word: str
    right: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SpanRequest(Request["SpanScore"]):
    """Ask for a word in its sentence, with other words hidden meanwhile: its prior.

    Source: Kurita et al. (2019); within-word left to right, Kauf and Ivanova (2023).
    """

    text: str
    word: Span
    hidden: tuple[Span, ...] = ()
    """Words that are masked too, by as many masks as they have tokens."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EmbeddingRequest(Request["Embedding"]):
    """Ask for the vector of a sentence, or of a word in it."""

    text: str
    pooling: Pooling
    word: Span = (0, 0)
    """The word, for the pooling ``word``."""


def _no_shares() -> NDArray[np.float32]:
    return np.zeros(0, dtype=np.float32)


def _no_floats() -> Floats:
    return np.zeros(0)


def _no_ids() -> Ids:
    return np.zeros(0, dtype=np.int64)


def _no_spans() -> Ids:
    return np.zeros((0, 2), dtype=np.int64)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """Say why there is no score, where there is none."""

    skip: SkipReason | None = None
    detail: str = ""
    """The reason in words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FillScore(Answer):
    """Answer a :class:`FillRequest`."""

    log_prob: float | None = None
    """Natural log of the word, within-word left to right, of the whole sentence or of the label; of
    an encoder no logarithm, but a cosine. None when not scored."""
    pieces: int = 0
    """Number of the word's tokens in this context; 0 when unknown."""
    rank: int | None = None
    """Rank of a word of one token in the whole vocabulary (1 is the top, ties by id)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CompletionScore(Answer):
    """Answer a :class:`CompletionRequest`."""

    top: tuple[tuple[str, float], ...] = ()
    """Most likely completions, probabilities over the whole vocabulary, best first."""
    words: NDArray[np.float32] = field(default_factory=_no_shares)
    """Probabilities of words, divided by ``word_mass``; with ``others`` they sum to 1. Empty when
    skipped."""
    word_mass: float = 0.0
    """Share of the probability that fell on words, in [0, 1]."""
    vocabulary: tuple[str, ...] = ()
    """The words of ``words``; empty where they are ``ModelInfo.words``."""
    others: float = 0.0
    """What all words that are not told apart have together, as ``words``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SentenceScore(Answer):
    """Answer a :class:`SentenceRequest`; the special tokens around the sentence are left out."""

    log_probs: Floats = field(default_factory=_no_floats)
    """Log-probability of each token."""
    words: Ids = field(default_factory=_no_ids)
    """Number of the word that each token belongs to, as the tokenizer splits words."""
    spans: Ids = field(default_factory=_no_spans)
    """The :data:`Span` of each token; some tokenizers count the space before a word in."""
    ranks: Ids = field(default_factory=_no_ids)
    """Rank of each token in the vocabulary (1 is the top, ties by id); empty unless asked for."""
    best: Floats = field(default_factory=_no_floats)
    """Log-probability of the likeliest token at each position; empty without ranks."""
    attention: Floats = field(default_factory=_no_floats)
    """Attention that each token receives, mean over layers, heads and readers (special tokens read
    too); empty unless asked for."""
    unknown: int = 0
    """Tokens for text outside the vocabulary."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PairScore(Answer):
    """Answer a :class:`PairRequest`: sums over shared tokens, one masked at a time, nats."""

    more: float = 0.0
    """Of the first sentence; words aligned before tokens."""
    less: float = 0.0
    """Of the second sentence."""
    published_more: float = 0.0
    """Over the tokens that the published script takes as shared."""
    published_less: float = 0.0
    shared: int = 0
    """Shared tokens; 0 when the sentences have none, and then both sums are 0."""
    ambiguous: bool = False
    """Whether the shared tokens depend on which sentence comes first (reordered words)."""
    unknown: int = 0
    """Tokens of both sentences for text outside the vocabulary."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModifiedScore(Answer):
    """Score the tokens of one sentence that its partner does not share: mean log-probabilities."""

    together: float = 0.0
    """All masked at once, each at its own position."""
    together_block: float = 0.0
    """As published code has it: mean over every modified position and every modified token."""
    one_by_one: float = 0.0
    """One masked at a time."""
    pieces: int = 0
    """Number of modified tokens."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModifiedPair:
    """Answer a :class:`ModifiedRequest`."""

    first: ModifiedScore
    second: ModifiedScore


@dataclass(frozen=True, kw_only=True, slots=True)
class BlankScore(Answer):
    """Answer a :class:`BlankRequest`."""

    log_prob: float = 0.0
    """Log-probability of the word, within the word from left to right."""
    pieces: int = 0
    """Number of tokens of the word in this context."""
    published: float = 0.0
    """Mean probability of its tokens, each predicted by one mask after the earlier ones with the
    later ones absent, as the published script has it; in [0, 1]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SpanScore(Answer):
    """Answer a :class:`SpanRequest`."""

    log_prob: float = 0.0
    """Log-probability of the word, within the word from left to right."""
    outer: float = 0.0
    """As published code has it: sum over every token at every position of the word, all masked; the
    same as ``log_prob`` for a word of one token."""
    pieces: int = 0
    """Number of tokens of the word in this context."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Embedding(Answer):
    """Answer an :class:`EmbeddingRequest` from the states of the last layer."""

    values: Floats = field(default_factory=_no_floats)


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """Label a request for the analysis: which probe, sentence, group and target it is about."""

    probe: str
    """Id of the probe that asked."""
    template: str
    """Id of the template, unique inside the probe."""
    variant: str
    """Fillers of further named slots; empty when the template has none."""
    group: str
    """Id of the group the sentence or the scored word speaks about."""
    term: str
    """Id of the group's term."""
    label: str
    """The identity word; terms that share one are averaged before inference."""
    target: str
    """Id of the target; empty for an open completion."""
    pole: Pole
    left: str
    """Text before the masked place, its last space included."""
    filler: str | None
    """The word to score at the masked place; None asks for the whole distribution."""
    right: str
    """Text after the masked place."""
    label_names: tuple[str, ...] = ()
    """Where a label of the whole sentence is scored: its names. The sentence is in ``left``."""
    instead_of: tuple[str, ...] = ()
    """Names of the label that it is the opposite of, as of :class:`LabelRequest`."""
    queries: tuple[str, ...] = ()
    """Texts that name the target, where the sentence is compared with them. It is in ``left``."""
    siblings: tuple[str, ...] = ()
    """Of an open prompt of a model that reads from left to right: ``left`` of the same sentence
    with every group word."""
    context_spans: tuple[Span, ...] = ()
    """In ``text``, the word of the sentence that is not scored: the group word, or the target where
    groups are scored; empty for an open prompt."""

    @property
    def text(self) -> str:
        """The sentence with the scored word in its place; ``<mask>`` for an open prompt."""
        if self.label_names or self.queries:
            return self.left
        return f"{self.left}{'<mask>' if self.filler is None else self.filler}{self.right}"

    @property
    def request(self) -> FillRequest | CompletionRequest | LabelRequest | SimilarityRequest:
        """What the prompt asks of a model."""
        if self.queries:
            return SimilarityRequest(text=self.left, queries=self.queries)
        if self.label_names:
            return LabelRequest(text=self.left, names=self.label_names, instead_of=self.instead_of)
        if self.filler is None:
            return CompletionRequest(
                left=self.left, right=self.right, siblings=self.siblings, prompt=self
            )
        return FillRequest(left=self.left, filler=self.filler, right=self.right, prompt=self)


@dataclass(frozen=True, kw_only=True, slots=True)
class WordPrior:
    """What a model thinks of a word where nothing is said about it."""

    log_prob: float | None
    """Mean log-probability, nats; None when it cannot be scored."""
    pieces: int
    """Number of vocabulary pieces; 0 when unknown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelInfo:
    """What is known about the audited model."""

    name: str
    """As the user named it."""
    revision: str | None
    """Commit of the hub repository, if it came from there."""
    fingerprint: str
    """SHA-256 over the weight files."""
    tokenizer_digest: str
    """SHA-256 over the tokenizer's files."""
    kind: str
    """``masked``, ``causal``, ``encoder``, ``classifier``, ``python``, or ``fake``, a stand-in."""
    architecture: str
    vocabulary_size: int
    parameters: int
    max_length: int
    """Longest sequence in pieces, special ones included."""
    dtype: str
    device: str
    config_digest: str = ""
    """SHA-256 over ``config.json``, which says how the weights are used."""
    files: tuple[tuple[str, str], ...] = ()
    """Name and SHA-256 of each of its files: config, weights, tokenizer."""
    reading: Reading = USUAL
    """What a score of the model is."""
    labels: tuple[str, ...] = ()
    """Names of a text classifier's labels, in the order of its scores; empty for others."""
    arithmetic: str = ""
    """How matrix products are rounded: torch's setting, and for less than full precision what
    they run on."""
    notices: tuple[str, ...] = ()
    """Things the reader should know, such as an unpinned revision."""
    words: tuple[str, ...] = field(default=(), repr=False)
    """The alphabetic tokens that start a word, in id order: the axis of ``CompletionScore.words``.
    Empty for a model that gives no distribution, or whose answers name their own words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Skip:
    """Something that could not be scored, and why; every report shows it."""

    probe: str
    kind: Literal["target", "term", "template", "cell", "probe", "measure"]
    what: str
    """The id of the word or sentence that was lost."""
    pole: Pole = ""
    reason: SkipReason
    detail: str = ""
    count: int = 1
    """How many cells were lost for this reason."""
