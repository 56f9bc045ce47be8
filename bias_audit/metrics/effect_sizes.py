"""Sizes of a primary gap without a unit, and what ranks say of it, which no outlier decides."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bias_audit.metrics.base import Metric, MetricInfo, brief, companion
from bias_audit.metrics.design import Comparison, Design, scored_groups
from bias_audit.metrics.log_odds import pole_response
from bias_audit.metrics.scored_probe import ScoredProbe, Settings
from bias_audit.records import OTHERS
from bias_audit.results import Companion
from bias_audit.stats._arrays import Indices
from bias_audit.stats.effect_sizes import (
    EffectSize,
    cliffs_delta,
    consistency,
    rank_biserial,
    standardise,
)
from bias_audit.stats.permutation import repeat_if_close
from bias_audit.stats.rank_tests import kruskal, wilcoxon
from bias_audit.utils.arrays import Floats

FEWEST = 4
"""Words of a group (or pairs) from which on their order says something."""
RESAMPLES = 1999
CELLS = 499
"""Draws of the two-way bootstrap, which are made one by one."""

CONSISTENCY = MetricInfo(
    id="consistency",
    name="consistency over sentences (d_z)",
    unit="standard deviations",
    direction="larger in size: the sentences agree more closely; says how consistent a gap is, not "
    "how large",
    reference="Cohen (1988): d_z; interval of Cumming and Finch (2001).",
)
CLIFFS_DELTA = MetricInfo(
    id="cliffs_delta",
    name="how often a word of one group exceeds one of the other (Cliff's delta)",
    unit="share",
    direction="1: every word of the first group lies above every word of the second; 0: as often "
    "above as below",
    reference="Cliff (1993); two-way bootstrap of Owen (2007); p of Mann and Whitney (1947).",
)
RANK_BISERIAL = MetricInfo(
    id="rank_biserial",
    name="how far the matched pairs agree on the direction (rank-biserial)",
    unit="share",
    direction="1: all pairs point the same way; 0: as much one way as the other, large differences "
    "counting more",
    reference="Kerby (2014); p of Wilcoxon (1945).",
)
SENTENCE_RANKS = MetricInfo(
    id="sentence_ranks",
    name="how far the sentences agree on the direction (rank-biserial)",
    unit="share",
    direction="1: all sentences point the same way; 0: as much one way as the other, large "
    "differences counting more, but none by its size",
    reference="Kerby (2014); p of Wilcoxon (1945).",
)
STANDARDISED_GAP = MetricInfo(
    id="standardised_gap",
    name="gap in standard deviations of single cells",
    unit="standard deviations",
    direction="larger in size: the gap stands out further from what one word in one sentence "
    "differs from another of its group",
    reference="Owen (2007) for the two-way bootstrap.",
)


def effect_sizes(
    scored: ScoredProbe, comparison: Comparison, settings: Settings
) -> tuple[Companion, ...]:
    """Return d_z, Cliff's delta or the rank-biserial of pairs, and sizes of sentences and cells."""
    tested = comparison.these_words.status == "ok"
    rng = scored.rng(settings, comparison.key, "ranks")
    sentences = _sentences(comparison, settings, rng) if tested else None
    sizes: list[Companion | None] = [_consistency(comparison, settings)]
    if not scored.probe.spec.targets.own:
        sides = _Sides(scored, comparison)
        sizes.append(sides.words(settings, rng if tested else None))
    sizes.append(sentences)
    if tested and not scored.probe.spec.targets.own:
        sizes.append(sides.cells(settings))
    return tuple(size for size in sizes if size is not None)


def _consistency(comparison: Comparison, settings: Settings) -> Companion | None:
    size = consistency(comparison.these_words.by_cluster, settings.confidence)
    if size is None or comparison.these_words.status != "ok":
        return None
    return _size(CONSISTENCY, size)


def _sentences(comparison: Comparison, settings: Settings, rng: np.random.Generator) -> Companion:
    """The ranks of the sentences' gaps, with Wilcoxon's test."""
    delta = np.sort(np.array(comparison.these_words.by_cluster))
    size = rank_biserial(delta, rng, RESAMPLES, settings.confidence)
    return _size(SENTENCE_RANKS, size, _wilcoxon(delta, settings, rng))


def _wilcoxon(differences: Floats, settings: Settings, rng: np.random.Generator) -> float:
    return repeat_if_close(lambda draws: wilcoxon(differences, rng, draws), settings.resamples).p


def _size(info: MetricInfo, size: EffectSize, p: float | None = None) -> Companion:
    p_value = None if p is None else brief(p)
    return companion(info, size.value, (size.low, size.high), p_value=p_value)


class _Sides:
    """The responses of a comparison and the columns of its two sides, in an order of their own."""

    def __init__(self, scored: ScoredProbe, comparison: Comparison) -> None:
        cube, design = scored.cube, Design(scored, comparison.a, comparison.b)
        self.scored, self.comparison = scored, comparison
        self.pairs: Floats | None = None
        self.matched: list[list[int]] = []
        if scored.probe.spec.mask == "group":
            self.sample = comparison.scope == "concept" or comparison.words_of_this_kind is not None
            self.y = design.difference(cube.values)
            plus, minus = cube.pole_by_name("+"), cube.pole_by_name("-")
            self.groups: list[list[int]] = [plus, minus]
            self.weights = [1.0, -1.0]
            self.a, self.b, self.others = plus, minus, [minus]
            return
        self.sample = comparison.scope == "concept"
        self.y = pole_response(scored)
        self.a, self.b, self.groups = design.in_a, design.in_b, design.groups
        self.weights = design.weights
        rest = sorted(g for g in scored_groups(scored) if g != comparison.a)
        names = rest if comparison.b == OTHERS else [comparison.b]
        self.others = [cube.columns(name) for name in names]
        if design.pairs:
            self.pairs = design.inside_pairs(self.y)
            self.matched = [list(side) for side in zip(*design.pairs, strict=True)]

    def words(self, settings: Settings, ranks: np.random.Generator | None) -> Companion | None:
        """Cliff's delta, or the rank-biserial of matched pairs; None with too few words.

        Args:
            settings: choices of the analysis.
            ranks: draws of the rank tests; None where the gap has no test.
        """
        rng = self.scored.rng(settings, self.comparison.key, "sizes")
        level = settings.confidence
        if self.pairs is not None:
            if self.pairs.shape[1] < FEWEST:
                return None
            d = np.sort(self.pairs.mean(axis=0))
            p = None if ranks is None else _wilcoxon(d, settings, ranks)
            return _size(RANK_BISERIAL, rank_biserial(d, rng, RESAMPLES, level), p)
        if min(len(self.a), *map(len, self.others)) < FEWEST:
            return None
        rows, in_a, in_b, parts = self._in_order()
        size = cliffs_delta(rows, in_a, in_b, rng, RESAMPLES, level, parts=parts)
        sides: Sequence[Indices] = [self.a, self.b]
        p = None if ranks is None else kruskal(self.y, sides, ranks, settings.resamples).p
        return _size(CLIFFS_DELTA, size, p)

    def _in_order(self) -> tuple[Floats, Indices, Indices, list[int]]:
        """The responses by size: the order of sentences and words in a file moves no draw."""
        sides = [self.y[:, list(side)] for side in (self.a, *self.others)]
        words = [side[:, np.argsort(side.mean(axis=0), kind="stable")] for side in sides]
        join_reasons = np.concatenate(words, axis=1)
        rows = join_reasons[np.argsort(join_reasons.mean(axis=1), kind="stable")]
        in_a, in_b = range(len(self.a)), range(len(self.a), join_reasons.shape[1])
        return rows, in_a, in_b, [len(side) for side in self.others]

    def cells(self, settings: Settings) -> Companion | None:
        """The gap in standard deviations of single cells, where words or targets are a sample."""
        if not self.sample:
            return None
        rng = self.scored.rng(settings, self.comparison.key, "cells")
        groups, weights, paired = self.groups, self.weights, self.pairs is not None
        y = self.y if self.pairs is None else self.pairs
        rows = self.y[np.argsort(y.mean(axis=1), kind="stable")]
        if paired:
            groups, weights = self.matched, [1.0, -1.0]
        size = standardise(rows, groups, weights, rng, CELLS, settings.confidence, paired=paired)
        return None if size is None else _size(STANDARDISED_GAP, size)


METRICS = (
    Metric(
        info=CONSISTENCY,
        companions=(CLIFFS_DELTA, RANK_BISERIAL, SENTENCE_RANKS, STANDARDISED_GAP),
        compare=effect_sizes,
    ),
)
