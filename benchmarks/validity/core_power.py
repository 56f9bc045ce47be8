"""Do core audits decide? Drawn with the variances that a stored run of a real model shows.

Each comparison keeps its design: its sentences, group words and targets, and their clusters. What
sentences, words, targets and all that they share add is drawn anew, with the variances that the
comparison's own cells have, and the true gap is set.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.special import stdtr, stdtrit

from benchmarks.validity._table import Table, percent
from benchmarks.validity.calibration import beyond_p
from benchmarks.validity.null_audits import describe_run, read
from bias_audit.metrics.design import Design, pole_layout, scored_comparisons
from bias_audit.metrics.scored_probe import ScoredProbe
from bias_audit.stats._arrays import Ints
from bias_audit.stats.contrast import ContrastBatch
from bias_audit.stats.crossing import CrossedMeans, Factor, combine, cross, sign_of, sizes_of
from bias_audit.stats.estimate import USED, Scope
from bias_audit.stats.seeds import stream
from bias_audit.utils.arrays import Floats
from bias_audit.utils.scales import NATS

LEVEL, FAILS, SMALL = 0.05, 0.9, 0.8
"""Level of tests; shares of audits that are promised."""
CELLS = 4_000_000
"""Numbers drawn at a time."""


@dataclass(frozen=True, kw_only=True)
class StoredComparison:
    """One comparison of a stored run."""

    name: str
    factors: tuple[Factor, ...]
    shape: tuple[int, ...]
    scope: Scope
    crossed: CrossedMeans
    margin: float
    family: int
    """Comparisons of its probe."""

    @property
    def variances(self) -> dict[tuple[str, ...], float]:
        """What each source adds of its own to the variance of the estimate."""
        found = {(n,): sum(float(p.value) for p in ps) for n, ps in self.crossed.parts.items()}
        found |= {names: float(value) for names, value in self.crossed.shared.items()}
        return {
            names: max(_own(names, found), 0.0) for names in sorted(found, key=len, reverse=True)
        }


def _own(names: tuple[str, ...], found: dict[tuple[str, ...], float]) -> float:
    """A source's variance without what is shared with others."""
    larger = [other for other in found if set(names) <= set(other)]
    return sum(sign_of(names) * sign_of(other) * found[other] for other in larger)


def stored_comparisons(scored: ScoredProbe) -> Iterator[StoredComparison]:
    """The comparisons of a probe."""
    pairs, poles = scored_comparisons(scored), pole_layout(scored.cube).terms
    for a, b in pairs:
        design = Design(scored, a, b)
        rows = design.rows(len(scored.cube.templates))
        if scored.probe.spec.mask == "group":
            cells = design.difference(scored.cube.values)
            factors, scope = (rows, poles._replace(name="targets")), "terms"
        else:
            values = scored.cube.values
            cells = design.inside_pairs(values, 1) if design.pairs else values
            factors = (rows, design.terms, poles._replace(name="targets"))
            scope = design.scope
        yield StoredComparison(
            name=f"{scored.probe.spec.id}: {a}",
            factors=factors,
            shape=cells.shape,
            scope=scope,
            crossed=cross(cells, factors),
            margin=scored.margin,
            family=len(pairs),
        )


class Audits(NamedTuple):
    """Many audits of one comparison, without a gap of these words."""

    these: ContrastBatch
    kind: ContrastBatch


def draw(rng: np.random.Generator, comparison: StoredComparison, sets: int) -> Audits:
    """Draw so many audits and analyse them."""
    step = max(CELLS // math.prod(comparison.shape), 1)
    parts = [_few(rng, comparison, min(step, sets - at)) for at in range(0, sets, step)]
    each = [ContrastBatch(*map(np.concatenate, zip(*some, strict=True)))
            for some in zip(*parts, strict=True)]  # fmt: skip
    return Audits(*each)


def _few(rng: np.random.Generator, comparison: StoredComparison, sets: int) -> Audits:
    used = [*USED[comparison.scope]]
    used = [name for name in used if name in comparison.crossed.parts]
    factors = comparison.factors
    cells, truth = np.zeros((sets, *comparison.shape)), np.zeros(sets)
    for names, variance in comparison.variances.items():
        if variance == 0:
            continue
        effect, contrast = _effects(rng, comparison, names, variance, sets)
        cells += effect
        if not set(names) & set(used):
            truth += contrast
    crossed = cross(cells, factors)
    error = crossed.estimate - truth
    these = ContrastBatch(error, *combine(crossed.parts, crossed.shared, used))
    wide = [*used, "targets"] if "targets" in crossed.parts else used
    return Audits(these, ContrastBatch(error, *combine(crossed.parts, crossed.shared, wide)))


def _effects(
    rng: np.random.Generator,
    comparison: StoredComparison,
    names: Sequence[str],
    variance: float,
    sets: int,
) -> tuple[Floats, Floats]:
    """What one source adds to the cells, and to the contrast.

    Units of a cluster move together. Along the other factors only the first group has the effect.
    """
    spread = 1.0
    chosen = [factor.name in names for factor in comparison.factors]
    codes = [_clusters(f, n) for f, n in zip(comparison.factors, comparison.shape, strict=True)]
    shape = [int(c.max()) + 1 if c_in else 1 for c, c_in in zip(codes, chosen, strict=True)]
    effect = rng.standard_normal((sets, *shape))
    for axis, (factor, is_in, code) in enumerate(
        zip(comparison.factors, chosen, codes, strict=True), start=1
    ):
        if is_in:
            effect = np.take(effect, code, axis)
            spread *= sum(g.weight**2 * sizes_of(g).spread for g in factor.groups)
        else:
            first = np.zeros(comparison.shape[axis - 1])
            first[factor.groups[0].columns] = 1.0 / factor.groups[0].weight
            effect = effect * first.reshape([-1 if k == axis else 1 for k in range(effect.ndim)])
    effect *= math.sqrt(variance / spread)
    contrast = effect
    for factor in reversed(comparison.factors):
        weights = np.zeros(contrast.shape[-1])
        for group in factor.groups:
            weights[group.columns] += group.weight / group.columns.size
        contrast = contrast @ weights
    return effect, contrast


def _clusters(factor: Factor, size: int) -> Ints:
    """Number of the cluster of every unit; one that reaches into two groups is one in each."""
    codes, first = np.zeros(size, dtype=np.intp), 0
    for group in factor.groups:
        inside = np.zeros(group.columns.size, dtype=np.intp)
        inside[group.starts[1:]] = 1
        codes[group.columns] = first + np.cumsum(inside)
        first += group.starts.size
    return codes


def _association(found: Audits, gap: float, family: int) -> Floats:
    """Whether each audit is called an association; p times the comparisons of the probe."""
    size = np.abs(found.kind.estimate + gap)
    p = 2 * stdtr(found.kind.df, -size / found.kind.se)
    return np.asarray((family * p < LEVEL) | (_beyond(found.these, gap, NATS.value(NATS.rungs[0]))))


def _beyond(found: ContrastBatch, gap: float, limit: float) -> Floats:
    at = found._replace(estimate=found.estimate + gap)
    return np.asarray(beyond_p(at, limit) <= LEVEL)


def _inside(found: ContrastBatch, gap: float, margin: float) -> Floats:
    half = stdtrit(found.df, 0.95) * found.se
    return np.asarray(np.abs(found.estimate + gap) + half < margin)


def shares(
    comparison: StoredComparison, sets: int, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Twice the limit fails; 0 is small; the measured gap has an outcome again."""
    drawn, margin = draw(rng, comparison, sets), comparison.margin
    small, decided = (
        (_association(drawn, gap, comparison.family), _inside(drawn.these, gap, margin))
        for gap in (0.0, float(comparison.crossed.estimate))
    )
    return (
        float(_beyond(drawn.these, 2 * margin, margin).mean()),
        float((~small[0] & small[1]).mean()),
        float((decided[0] | decided[1]).mean()),
    )


def core_power(folder: Path, sets: int, seed: int) -> Table:
    """Audits with the variances of each comparison of a stored run."""
    head = ("comparison", "drawn", "twice the limit fails", "no gap is small",
            "the measured gap has an outcome")  # fmt: skip
    table, found = Table("core-power", head), []
    for scored in read(folder):
        for comparison in stored_comparisons(scored) if isinstance(scored, ScoredProbe) else ():
            rng = stream(seed, "core-power", comparison.name)
            found.append(shares(comparison, sets, rng))
            table.add(comparison.name, f"{sets}", *map(percent, found[-1]), holds=None)
    mean = np.mean(found, axis=0)
    held = bool(mean[0] >= FAILS and mean[1] >= SMALL)
    table.add("all", f"{len(found)} x {sets}", *map(percent, mean), holds=held)
    table.note = f"{describe_run(folder)} The promise is about all comparisons together."
    return table
