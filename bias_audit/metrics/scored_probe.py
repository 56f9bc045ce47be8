"""One probe with its scores and answers, and the settings of its analysis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_type_hints

import numpy as np

from bias_audit.errors import UsageError
from bias_audit.metrics.score_cube import ExtraGroup, ScoreCube
from bias_audit.probes.probe import Probe
from bias_audit.records import CompletionScore, FillScore, Prompt, Skip, WordPrior
from bias_audit.stats.seeds import stream
from bias_audit.utils.readings import READINGS, USUAL, Reading


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
    secondary_family: Literal["by", "bh"] = "by"
    """Adjusts everything exploratory about a probe."""
    target_family: Literal["by", "bh", "max-t"] = "by"
    """Adjusts the table of words of a comparison."""

    def __post_init__(self) -> None:
        """Refuse an unknown family: another one would be used silently."""
        hints = get_type_hints(Settings)
        for name in ("secondary_family", "target_family"):
            known, value = get_args(hints[name]), getattr(self, name)
            if value not in known:
                raise UsageError(f"{name} is one of {', '.join(known)}, not {value!r}")


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
class Responses:
    """Answers to the further questions of a metric, in the order of the questions."""

    requests: tuple[Any, ...]
    answers: tuple[Any, ...]
    follow_up: tuple[Any, ...] = ()
    """Answers to the questions that followed from the first answers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoredProbe:
    """A probe with its scores."""

    probe: Probe
    cube: ScoreCube
    word_prompts: tuple[Prompt, ...] = ()
    word_scores: tuple[FillScore, ...] = ()
    open_prompts: tuple[Prompt, ...] = ()
    open_scores: tuple[CompletionScore, ...] = ()
    words: tuple[str, ...] = ()
    """Vocabulary of the completion distributions."""
    skips: tuple[Skip, ...] = ()
    """What expansion left out; the cube adds its own."""
    prompts: int = 0
    """Number of prompts, without those of the extra groups."""
    prompts_extra: int = 0
    """Number of prompts of the extra groups."""
    extra_groups: tuple[ExtraGroup, ...] = ()
    """Groups that are scored and compared with none; no other field holds anything of them."""
    priors: Mapping[str, WordPrior] = field(default_factory=dict)
    """The model's own priors of group words, by their text; empty where they were not scored."""
    responses: Mapping[str, Responses] = field(default_factory=dict)
    """Answers to the further questions of metrics on request, by the id of the questions."""
    lists: WordLists = field(default_factory=WordLists)
    """Words that completions are looked up in."""
    reading: Reading = USUAL
    """What a score is."""

    @property
    def unit(self) -> str:
        """Unit of its gaps."""
        return READINGS[self.reading].scale.unit

    @property
    def margin(self) -> float:
        """The reference margin, in that unit."""
        return self.probe.spec.margins.of(self.reading)

    def rng(self, settings: Settings, *names: str) -> np.random.Generator:
        """Return the random stream of one purpose; no other purpose or probe moves its draws."""
        return stream(settings.seed, self.probe.spec.axis, self.probe.spec.id, *names)


def split_answers(
    prompts: Sequence[Prompt], answers: Sequence[FillScore | CompletionScore]
) -> tuple[tuple[list[Prompt], list[FillScore]], tuple[list[Prompt], list[CompletionScore]]]:
    """Separate scored words from open completions."""
    words: tuple[list[Prompt], list[FillScore]] = ([], [])
    opens: tuple[list[Prompt], list[CompletionScore]] = ([], [])
    for prompt, answer in zip(prompts, answers, strict=True):
        if isinstance(answer, FillScore):
            words[0].append(prompt)
            words[1].append(answer)
        else:
            opens[0].append(prompt)
            opens[1].append(answer)
    return words, opens
