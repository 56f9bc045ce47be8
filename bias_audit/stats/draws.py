"""Data sets drawn from components of variance: sentence, word, target and cell effects, normal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bias_audit.stats.many import Design, Responses
from bias_audit.stats.variance_parts import Split
from bias_audit.utils.arrays import Floats


class Size(NamedTuple):
    """How much an audit asks."""

    templates: int
    """Sentences."""
    words: int
    """Group words of each group, or matched pairs."""
    targets: int
    """Words of both poles together."""

    def columns(self, design: Design) -> int:
        """Columns of each group of the design."""
        return max(self.targets // 2, 1) if design.by_target else self.words


@dataclass(frozen=True, kw_only=True, slots=True)
class Components:
    """Variances of single units, nats squared."""

    templates: float
    """Of what a sentence adds to the gap."""
    terms: float
    """Of a group word, or of a matched pair."""
    targets: float
    """Of a word of the poles: of the groups' difference on it."""
    residual: float
    """Of a cell, with ``at_targets`` words in the poles."""
    at_targets: int

    @classmethod
    def of(cls, variance: Mapping[str, float], size: Size, design: Design) -> Components:
        """Take the variance of an estimate by source, measured at ``size``, apart.

        Each source contains the cell noise once; what is left below 0 without it is 0.
        """
        noise = variance.get("residual", 0.0)
        each = size.columns(design) / design.factor

        def alone(source: str) -> float:
            return max(variance.get(source, 0.0) - noise, 0.0)

        per_target = each if design.by_target else size.targets / 4
        return cls(
            templates=alone("templates") * size.templates,
            terms=0.0 if design.by_target else alone("terms") * each,
            targets=alone("targets") * per_target,
            residual=noise * size.templates * each,
            at_targets=size.targets,
        )

    def noise(self, size: Size, design: Design) -> float:
        """Variance of a cell at another number of targets: a cell is a mean over them."""
        return self.residual * (1.0 if design.by_target else self.at_targets / size.targets)

    def expected(self, size: Size, design: Design) -> dict[str, float]:
        """Expected variance of the estimate by random source, at ``size``."""
        each = size.columns(design) / design.factor
        cells = self.noise(size, design) / (size.templates * each)
        terms = self.targets if design.by_target else self.terms
        found = {}
        if design.scope != "templates":
            found["templates"] = self.templates / size.templates + cells
        if design.scope != "terms":
            found["targets" if design.by_target else "terms"] = terms / each + cells
        if design.construct:
            found["targets"] = self.targets * 4 / size.targets + cells
        return found


def draw(
    rng: np.random.Generator, sets: int, size: Size, design: Design, components: Components
) -> Responses:
    """Data sets whose true contrast is 0.

    What is no sample is the same in every audit: its effects belong to the true contrast, and are
    not drawn.
    """
    each, rows = size.columns(design), size.templates
    per_cell = components.noise(size, design)
    per_column = components.targets if design.by_target else components.terms
    per_column *= design.scope != "terms"
    per_row = components.templates * (design.scope != "templates")
    delta = rng.normal(0, math.sqrt(per_row), (sets, rows))
    first = delta.mean(axis=1, keepdims=True)  # what sentences add, they add to the first group
    terms: list[tuple[float, Floats]] = []
    targets = None
    if design.construct:
        m = (size.targets + 1) // 2, size.targets // 2
        plus, minus = (rng.normal(0, math.sqrt(components.targets), (sets, n)) for n in m)
        shift = (plus.mean(axis=1) - minus.mean(axis=1))[:, None]
        delta, first = delta + shift, first + shift
        # Cell noise inside a pole cancels in the contrast, but the variance over targets sees it.
        inside = math.sqrt(per_cell * design.factor / (each * rows) * size.targets / 4)
        targets = (
            plus + rng.normal(0, inside, plus.shape),
            minus + rng.normal(0, inside, minus.shape),
        )
    for weight in design.weights:
        words = rng.normal(0, math.sqrt(per_column), (sets, each))
        by_row, by_word = _cell_noise(rng, sets, rows, each, per_cell)
        delta = delta + weight * (words.mean(axis=1, keepdims=True) + by_row)
        terms.append((weight, words + by_word + first))
        first = np.zeros_like(first)
    return Responses(Split(delta, tuple(terms)), targets)


def _cell_noise(
    rng: np.random.Generator, sets: int, rows: int, words: int, variance: float
) -> tuple[Floats, Floats]:
    """Means of (rows, words) cells of normal noise by row and by word, without the cells.

    Deviations of rows, deviations of words and the grand mean are independent of each other.
    """
    by_row = rng.normal(0, math.sqrt(variance / words), (sets, rows))
    by_word = rng.normal(0, math.sqrt(variance / rows), (sets, words))
    grand = rng.normal(0, math.sqrt(variance / (rows * words)), (sets, 1))
    by_row += grand - by_row.mean(axis=1, keepdims=True)
    by_word += grand - by_word.mean(axis=1, keepdims=True)
    return by_row, by_word
