"""Frozen records that travel between the stages of the pipeline.

All scores are natural logarithms (nats). What could not be done is a :class:`Skip`, never a zero.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Pole = Literal["+", "-", "0", ""]
"""``+`` and ``-`` are the hypothesis's S+ and S-; ``0`` is in neither; empty: open prompt."""

SkipReason = Literal[
    "not_applicable", "unscorable", "too_long", "low_word_mass", "error", "limit", "excluded"
]

ProgressCallback = Callable[[int, int], None]
"""Called with (rows done, rows in all) while scoring."""

OTHERS = "~others"
"""Stands for the unweighted mean of the other groups."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """One sentence with one masked place, and the word to score there."""

    probe: str
    """Id of the probe that asked."""
    template: str
    """Id of the template, unique inside the probe."""
    variant: str
    """Which filler of further named slots; empty when the template has none."""
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
    beside: tuple[tuple[int, int], ...] = ()
    """Where the word of the sentence that is not scored stands in ``text``, as pairs of first
    character and character after the last: the group word, or the target where groups are scored;
    empty for an open prompt."""

    @property
    def text(self) -> str:
        """The sentence with the scored word in its place; ``<mask>`` for an open prompt."""
        return f"{self.left}{'<mask>' if self.filler is None else self.filler}{self.right}"


@dataclass(frozen=True, kw_only=True, slots=True)
class WordScore:
    """Answer to a prompt with a filler."""

    log_prob: float | None
    """Natural log, within-word left to right; None when not scored."""
    pieces: int
    """Number of vocabulary pieces of the word in this context; 0 when unknown."""
    rank: int | None = None
    """Rank of a one-piece word in the whole vocabulary (1 is the top, ties by id)."""
    skip: SkipReason | None = None
    """Why there is no score."""
    detail: str = ""
    """The reason in words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenScore:
    """Answer to an open prompt: the completion distribution."""

    top: tuple[tuple[str, float], ...]
    """Most likely completions, probabilities over the whole vocabulary, best first."""
    words: NDArray[np.float32]
    """Probabilities renormalised over ``Backend.words``; empty when skipped."""
    word_mass: float
    """Share of the probability that fell on those pieces, in [0, 1]."""
    skip: SkipReason | None = None
    detail: str = ""


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
    """``masked`` (or ``fake``)."""
    architecture: str
    vocabulary_size: int
    parameters: int
    max_length: int
    """Longest sequence in pieces, special ones included."""
    dtype: str
    device: str
    config_digest: str = ""
    """SHA-256 over ``config.json``, which says how the weights are used."""
    arithmetic: str = ""
    """How matrix products are rounded: torch's setting, and for less than full precision what
    they run on."""
    notices: tuple[str, ...] = ()
    """Things the reader should know, such as an unpinned revision."""


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
