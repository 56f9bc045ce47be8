"""What assessment starts from: one scored probe and the settings of the analysis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args, get_type_hints

from bias_audit._uncompared import Uncompared
from bias_audit.errors import UsageError
from bias_audit.probes.probe import Probe
from bias_audit.records import OpenScore, Prompt, Skip, WordPrior, WordScore
from bias_audit.stats.estimate import Contrast
from bias_audit.tables import Cube


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Choices of the analysis; all of them are recorded."""

    seed: int = 20240601
    """Root of all random streams."""
    confidence: float = 0.95
    resamples: int = 9999
    """Draws of the sign-flip and exchange tests where exact enumeration is too long."""
    divergence_resamples: int = 999
    """Draws of the divergence test, whose statistic costs more."""
    min_templates: int = 8
    """Sentences needed before a probe is judged."""
    min_coverage: float = 0.8
    """Share of each pole's words that must be scored before a probe is judged."""
    primary_family: Literal["holm", "max-t"] = "holm"
    """Adjusts the primary comparisons of an axis."""
    secondary_family: Literal["by", "bh"] = "by"
    """Adjusts everything exploratory on an axis."""
    target_family: Literal["by", "bh", "max-t"] = "by"
    """Adjusts the table of words of a comparison."""

    def __post_init__(self) -> None:
        """Refuse a family that there is not: another one would stand in silently."""
        hints = get_type_hints(Settings)
        for name in ("primary_family", "secondary_family", "target_family"):
            known, found = get_args(hints[name]), getattr(self, name)
            if found not in known:
                raise UsageError(f"{name} is one of {', '.join(known)}, not {found!r}")


@dataclass(frozen=True, kw_only=True, slots=True)
class WordLists:
    """Words that are looked for among completions."""

    hurtful: frozenset[str] = frozenset()
    """Lower-case words that are counted, and that reports fold away."""
    hurtful_language: str = "en"
    """A list says nothing about completions in another language."""
    valence: Mapping[str, float] = field(default_factory=dict)
    """1 for a pleasant word, -1 for an unpleasant one; lower case."""
    valence_language: str = "en"


@dataclass(frozen=True, kw_only=True, slots=True)
class Scored:
    """A probe with its scores."""

    probe: Probe
    cube: Cube
    word_prompts: tuple[Prompt, ...] = ()
    word_scores: tuple[WordScore, ...] = ()
    open_prompts: tuple[Prompt, ...] = ()
    open_scores: tuple[OpenScore, ...] = ()
    words: tuple[str, ...] = ()
    """Vocabulary of the completion distributions."""
    skips: tuple[Skip, ...] = ()
    """What expansion left out; the cube adds its own."""
    prompts: int = 0
    """How much was asked, the groups beside left out."""
    prompts_beside: int = 0
    """How much was asked about them."""
    uncompared: tuple[Uncompared, ...] = ()
    """Groups that are scored beside the compared ones; no other field holds anything of them."""
    priors: Mapping[str, WordPrior] = field(default_factory=dict)
    """The model's own priors of group words, by their text; empty where nobody asked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """One group against another, or against the mean of the others."""

    a: str
    """Id of the first group."""
    b: str
    """Id of the second, or ``~others``."""
    contrast: Contrast
    scope: str
    target_scope: str
    n_terms: int
    """Labels of the groups compared, or matched pairs of them."""
    pairs: tuple[tuple[str, str], ...] = ()
    """Labels of the matched pairs, A first; empty where words are not paired."""
    n_targets: int = 0
    """Targets of the smaller pole; 0 where the targets are no sample."""
    targets: tuple[tuple[str, Contrast], ...]
    """Per target, relative to the mean over the targets (centred log-ratio)."""
    p_sign_flip: float | None
    p_exchange: float | None
    exchange_method: str
    mass_log_odds: float | None
    """Companion M1b; None where lengths differ inside a pole."""
    without_a_term: tuple[float, ...] = ()
    """Estimate without each label (or pair) in turn, where labels are a sample (R2)."""

    @property
    def paired(self) -> bool:
        """True when ``n_terms`` counts pairs."""
        return bool(self.pairs)
