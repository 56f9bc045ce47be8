"""The primary analysis of many data sets of one design at once, for simulations.

The same formulas as for one data set (:mod:`bias_audit.stats.contrast`), along leading axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bias_audit.stats.contrast import USED, trimmed
from bias_audit.stats.distribution_shape import bootstrap_t_interval, largest_shares, skews
from bias_audit.stats.estimate import Contrast, Part, Scope, satterthwaite
from bias_audit.stats.layout import MIN_LEFT_OUT, without_a_unit
from bias_audit.stats.steady import Limits
from bias_audit.stats.variance_parts import Split, Spread, left_out, of_means
from bias_audit.utils.arrays import Floats

SKEWED, ONE_UNIT = 1.0, 0.5
"""Beyond this skewness, or share of one unit, other interval methods have to agree."""
RESAMPLES = 499
"""Draws of the bootstrap-t inside a simulation."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Design:
    """What is compared with what, whatever the number of sentences and words."""

    groups: int
    """Groups whose means are compared, the first with the mean of the others; 1 for differences
    inside matched pairs."""
    scope: Scope
    """Which of sentences and words are random."""
    construct: bool = False
    """Targets are a sample too, beside the words."""
    by_target: bool = False
    """The columns are targets and the two groups are the poles, as in group-masked probes."""

    @property
    def weights(self) -> list[float]:
        """Weight of each group's mean."""
        return [1.0, *[-1.0 / (self.groups - 1)] * (self.groups - 1)] if self.groups > 1 else [1.0]

    @property
    def factor(self) -> float:
        """Sum of the squared weights: variance of the contrast per variance of a group's mean."""
        return sum(w * w for w in self.weights)


class Responses(NamedTuple):
    """Data sets of one design and size."""

    split: Split
    """Differences in (sets, templates) and means of (sets, words), nats."""
    targets: tuple[Floats, Floats] | None
    """(sets, words) group differences of each target of both poles, where they are a sample."""

    def plus(self, other: Responses, times: float) -> Responses:
        """These responses, ``times`` over, and those of another model."""
        pairs = zip(self.targets or (), other.targets or (), strict=True)
        both = [times * mine + theirs for mine, theirs in pairs]
        split = Split(
            times * self.split.delta + other.split.delta,
            tuple(
                (weight, times * mine + theirs)
                for (weight, mine), (_, theirs) in zip(
                    self.split.terms, other.split.terms, strict=True
                )
            ),
        )
        return Responses(split, (both[0], both[1]) if both else None)


class Many:
    """Contrasts of many data sets, whose true value is added afterwards."""

    def __init__(self, design: Design, responses: Responses) -> None:
        """Analyse data sets whose true contrast is 0."""
        split = responses.split
        self.design, self.split = design, split
        self.parts: dict[str, tuple[Spread, ...]] = split.parts()
        self.used: tuple[str, ...] = USED[design.scope]
        if responses.targets is not None:
            plus, minus = responses.targets
            self.parts["targets"] = of_means((1.0, plus), (-1.0, minus))
            self.used = (*self.used, "targets")
        chosen = [part for source in self.used for part in self.parts[source]]
        self.estimate: Floats = split.delta.mean(axis=-1)
        self.se, self.df = satterthwaite(
            np.stack([part.value for part in chosen]),
            np.array([float(part.df) for part in chosen])[:, None],
            np.stack([part.pooled for part in chosen]),
        )
        self.low, self.high = self._without()
        self._skewed = np.abs(skews(split.delta)) > SKEWED

    def _without(self) -> tuple[Floats, Floats]:
        """Smallest and largest estimate without one sentence or one word of a sample."""
        found: list[Floats] = [self.estimate[:, None]]
        if self.split.delta.shape[-1] >= MIN_LEFT_OUT:
            found.append(left_out(self.split.delta))
        if self.design.scope == "concept" and not self.design.by_target:
            found.append(without_a_unit(self.split))
        every = np.concatenate(found, axis=-1)
        return every.min(axis=-1), every.max(axis=-1)

    def uneven(self, truth: float) -> Sequence[bool]:
        """Whether other interval methods have to agree, for each data set."""
        found = self._skewed | (largest_shares(self.split.delta + truth) > ONE_UNIT)
        if self.design.groups == 1 and self.design.scope != "terms":
            found = found | (largest_shares(self.split.terms[0][1] + truth) > ONE_UNIT)
        listed: list[bool] = found.tolist()
        return listed

    def contrasts(self, truth: float) -> list[Contrast]:
        """What judging needs of each data set, with ``truth`` for the true contrast."""
        numbers = zip(
            (self.estimate + truth).tolist(), self.se.tolist(), self.df.tolist(), strict=True
        )
        return [self._contrast(*row) for row in numbers]

    def _contrast(self, estimate: float, se: float, df: float) -> Contrast:
        return Contrast(
            estimate=estimate,
            parts={},
            used=self.used,
            variance={},
            se=se,
            df=df,
            delta=(),
            n_templates=self.split.delta.shape[-1],
            n_terms=0,
            skew=0.0,
            largest_share=0.0,
            resolution=0.0,
            status="ok",
        )

    def other_limits(
        self, number: int, truth: float, level: float, rng: np.random.Generator
    ) -> Limits | None:
        """Outermost limits by the other interval methods of one data set; None without them."""
        delta = np.sort(self.split.delta[number] + truth)
        parts = {
            source: tuple(
                Part(float(part.value[number]), part.df, float(part.pooled[number]))
                for part in found
            )
            for source, found in self.parts.items()
        }
        bare = self._contrast(float(delta.mean()), float(self.se[number]), float(self.df[number]))
        whole = {name: getattr(bare, name) for name in bare.__slots__}
        contrast = Contrast(**(whole | {"parts": parts, "delta": tuple(delta.tolist())}))
        drawn = bootstrap_t_interval(delta, level, rng, RESAMPLES, se=contrast.se)
        cut = trimmed(contrast).interval(level)
        if drawn is None or cut is None:
            return None
        return min(drawn[0], cut[0]), max(drawn[1], cut[1])
