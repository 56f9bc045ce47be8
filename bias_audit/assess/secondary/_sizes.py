"""Sizes of a primary gap without a unit: how consistent it is over sentences and over words."""

from __future__ import annotations

import numpy as np

from bias_audit.assess._design import Design, scored_groups
from bias_audit.assess._input import Comparison, Scored, Settings
from bias_audit.assess.secondary import _record
from bias_audit.metrics import log_odds
from bias_audit.records import OTHERS
from bias_audit.results import Companion
from bias_audit.stats._arrays import Indices
from bias_audit.stats.effect_sizes import EffectSize, cliffs_delta, consistency, rank_biserial
from bias_audit.stats.seeds import stream
from bias_audit.utils.arrays import Floats

FEWEST = 4
"""Words of a group (or pairs) from which on their order says something."""
RESAMPLES = 1999


def sizes(scored: Scored, comparison: Comparison, settings: Settings) -> tuple[Companion, ...]:
    """Companions of a primary comparison: d_z, and Cliff's delta or the rank-biserial of pairs."""
    found = []
    over_templates = consistency(comparison.contrast.delta, settings.confidence)
    if over_templates is not None and comparison.contrast.status == "ok":
        found.append(_companion("consistency", over_templates))
    if scored.probe.spec.targets.own:
        return tuple(found)
    spec = scored.probe.spec
    rng = stream(settings.seed, spec.axis, spec.id, f"{comparison.a}:{comparison.b}", "sizes")
    design = Design(scored, comparison.a, comparison.b)
    level = settings.confidence
    if spec.mask != "group" and design.pairs:
        if len(design.pairs) >= FEWEST:
            d = np.sort(design.inside_pairs(_responses(scored)).mean(axis=0))
            found.append(_companion("rank_biserial", rank_biserial(d, rng, RESAMPLES, level)))
        return tuple(found)
    y, a, others = _sides(scored, comparison, design)
    if min(len(a), *map(len, others)) >= FEWEST:
        rows, in_a, in_b, parts = _ordered(y, a, others)
        size = cliffs_delta(rows, in_a, in_b, rng, RESAMPLES, level, parts=parts)
        found.append(_companion("cliffs_delta", size))
    return tuple(found)


def _responses(scored: Scored) -> Floats:
    cube = scored.cube
    return log_odds.cell_response(cube.values, cube.pole("+"), cube.pole("-"))


def _sides(
    scored: Scored, comparison: Comparison, design: Design
) -> tuple[Floats, Indices, list[list[int]]]:
    """Responses, the columns of the first side, and those of each group of the other side.

    Words of groups; or targets of poles, where the group word is masked.
    """
    cube = scored.cube
    if scored.probe.spec.mask == "group":
        plus, minus = (sorted(cube.pole(s), key=lambda i: cube.targets[i]) for s in "+-")
        return design.difference(cube.values), plus, [minus]
    rest = sorted(g for g in scored_groups(scored) if g != comparison.a)
    names = rest if comparison.b == OTHERS else [comparison.b]
    return _responses(scored), design.in_a, [cube.columns(name) for name in names]


def _ordered(
    y: Floats, a: Indices, others: list[list[int]]
) -> tuple[Floats, Indices, Indices, list[int]]:
    """The same responses by size: the order of sentences and words in a file moves no draw."""
    sides = [y[:, list(side)] for side in (a, *others)]
    words = [side[:, np.argsort(side.mean(axis=0), kind="stable")] for side in sides]
    joined = np.concatenate(words, axis=1)
    rows = joined[np.argsort(joined.mean(axis=1), kind="stable")]
    return rows, range(len(a)), range(len(a), joined.shape[1]), [len(side) for side in others]


def _companion(metric: str, found: EffectSize) -> Companion:
    return Companion(
        metric=metric,
        value=_record.brief(found.value),
        ci_low=None if found.low is None else _record.brief(found.low),
        ci_high=None if found.high is None else _record.brief(found.high),
    )
