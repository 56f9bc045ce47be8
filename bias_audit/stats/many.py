"""The primary analysis of many data sets of one design at once, for simulations.

The same formulas as for one data set (:mod:`bias_audit.stats.contrast`), along leading axes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bias_audit.records import Floats
from bias_audit.stats._split import Split, Spread, of_means
from bias_audit.stats.contrast import USED
from bias_audit.stats.estimate import Scope, satterthwaite


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

    @property
    def weights(self) -> list[float]:
        """Weight of each group's mean."""
        return [1.0, *[-1.0 / (self.groups - 1)] * (self.groups - 1)] if self.groups > 1 else [1.0]


class Responses(NamedTuple):
    """Data sets of one design and size."""

    split: Split
    """Differences in (sets, templates) and means of (sets, words), nats."""
    targets: tuple[Floats, Floats] | None
    """(sets, words) group differences of each target of both poles, where they are a sample."""


class Many:
    """Contrasts of many data sets: estimate, standard error, degrees of freedom; (sets,) each."""

    def __init__(self, design: Design, responses: Responses) -> None:
        """Analyse data sets of one design."""
        split = responses.split
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
