"""Beside a primary gap: what ranks say, which no outlier makes or breaks, and its size in cells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bias_audit.assess._design import Design
from bias_audit.assess._input import Comparison, Scored, Settings
from bias_audit.assess.secondary import _record
from bias_audit.metrics import log_odds
from bias_audit.results import Companion
from bias_audit.stats._arrays import Indices
from bias_audit.stats.effect_sizes import EffectSize, rank_biserial, standardised
from bias_audit.stats.permutation import decided
from bias_audit.stats.rank_tests import kruskal, wilcoxon
from bias_audit.stats.seeds import stream
from bias_audit.utils.arrays import Floats

RESAMPLES = 1999
CELLS = 499
"""Draws of the two-way bootstrap, which are made one by one."""


def rank_tests(
    scored: Scored, comparison: Comparison, settings: Settings, sizes: Sequence[Companion]
) -> tuple[Companion, ...]:
    """The sizes of a comparison with the p of their rank tests, and two further ones.

    Args:
        scored: the probe.
        comparison: one of its primary comparisons.
        settings: choices of the analysis.
        sizes: companions of the comparison: Cliff's delta gets the p of Mann and Whitney's test,
            the rank-biserial of pairs that of Wilcoxon's.
    """
    if comparison.contrast.status != "ok":
        return tuple(sizes)
    spec = scored.probe.spec
    name = f"{comparison.a}:{comparison.b}"
    rng, again = (stream(settings.seed, spec.axis, spec.id, name, k) for k in ("ranks", "cells"))
    delta = np.sort(np.array(comparison.contrast.delta))
    found = [_sentences(delta, settings, rng)]
    if spec.targets.own:
        return (*sizes, *found)
    sides = _Sides(scored, comparison)
    for companion in sizes:
        p = None
        if companion.metric == "rank_biserial":
            p = sides.wilcoxon(settings, rng)
        elif companion.metric == "cliffs_delta":
            p = sides.mann_whitney(settings, rng)
        found.append(companion if p is None else companion.model_copy(update={"p_value": p}))
    cells = sides.cells(settings, again)
    return (*found[1:], found[0], *(() if cells is None else (cells,)))


def _sentences(delta: Floats, settings: Settings, rng: np.random.Generator) -> Companion:
    """The ranks of the sentences' gaps, with Wilcoxon's test."""
    size = rank_biserial(delta, rng, RESAMPLES, settings.confidence)
    p = decided(lambda draws: wilcoxon(delta, rng, draws), settings.resamples).p
    return _companion("sentence_ranks", size).model_copy(update={"p_value": _record.brief(p)})


def _companion(metric: str, found: EffectSize) -> Companion:
    return Companion(
        metric=metric,
        value=_record.brief(found.value),
        ci_low=None if found.low is None else _record.brief(found.low),
        ci_high=None if found.high is None else _record.brief(found.high),
    )


class _Sides:
    """The responses of a comparison and the columns of its two sides, in an order of their own.

    Words of groups; or targets of poles, where the group word is masked.
    """

    def __init__(self, scored: Scored, comparison: Comparison) -> None:
        cube, design = scored.cube, Design(scored, comparison.a, comparison.b)
        self.sample = comparison.scope == "concept" or comparison.target_scope == "construct"
        self.pairs: Floats | None = None
        self.matched: list[list[int]] = []
        self.weights = [1.0, -1.0]
        if scored.probe.spec.mask == "group":
            self.y = design.difference(cube.values)
            plus, minus = (sorted(cube.pole(s), key=lambda i: cube.targets[i]) for s in "+-")
            self.groups: list[list[int]] = [plus, minus]
            self.a, self.b = plus, minus
            return
        self.y = log_odds.cell_response(cube.values, cube.pole("+"), cube.pole("-"))
        self.a, self.b, self.groups = design.in_a, design.in_b, design.groups
        self.weights = design.weights
        self.sample = comparison.scope == "concept"
        if design.pairs:
            self.pairs = design.inside_pairs(self.y)
            self.matched = [list(side) for side in zip(*design.pairs, strict=True)]

    def wilcoxon(self, settings: Settings, rng: np.random.Generator) -> float | None:
        """P of the signed ranks of the matched pairs."""
        if self.pairs is None:
            return None
        d = np.sort(self.pairs.mean(axis=0))
        return _record.brief(decided(lambda n: wilcoxon(d, rng, n), settings.resamples).p)

    def mann_whitney(self, settings: Settings, rng: np.random.Generator) -> float:
        """P of the ranks of all words of both sides; with two sides Kruskal and Wallis' test."""
        groups: list[Indices] = [self.a, self.b]
        return _record.brief(kruskal(self.y, groups, rng, settings.resamples).p)

    def cells(self, settings: Settings, rng: np.random.Generator) -> Companion | None:
        """The gap in standard deviations of single cells, where words or targets are a sample."""
        if not self.sample:
            return None
        groups, weights, paired = self.groups, self.weights, self.pairs is not None
        y = self.y if self.pairs is None else self.pairs
        rows = self.y[np.argsort(y.mean(axis=1), kind="stable")]
        if paired:
            groups, weights = self.matched, [1.0, -1.0]
        level = settings.confidence
        found = standardised(rows, groups, weights, rng, CELLS, level, paired=paired)
        return None if found is None else _companion("standardised_gap", found)
