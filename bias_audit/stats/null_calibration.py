"""Calibrate the primary test under the null by permuting the scores.

The measured gap is taken out first. Then what counts as a sample is permuted: words among the
groups, targets between the poles, or the signs of sentences where nothing else is a sample.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import bdtr, stdtr, stdtrit

from bias_audit.stats._arrays import Ints
from bias_audit.stats.contrast import one_group, several_groups
from bias_audit.stats.crossing import Factor, combine, cross, spreads
from bias_audit.stats.relabel import relabellings
from bias_audit.utils.arrays import Floats

DRAWS = 200
"""Arrangements that are tried where there are more."""
LEVEL = 0.05
SURE = 0.995
"""A test that holds its level exceeds the band with a probability of half a per cent."""


class Null(NamedTuple):
    """The primary analysis of arrangements without a gap."""

    estimate: Floats
    """Contrast of each, nats."""
    p: Floats
    """Two-sided p-value of each; 1 where nothing varies."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """How often the test rejects under the null."""

    share: float
    """Share of arrangements with p below 0.05."""
    limit: float
    """Upper end of the 99 % band of that share, for a test of exactly 5 %."""
    distance: float
    """Largest distance of the p-values' distribution from the uniform one."""
    draws: int
    """Arrangements that were analysed."""

    @property
    def holds(self) -> bool:
        """Whether the test holds its level; a share below the band is merely conservative."""
        return self.share <= self.limit


def calibration(null: Null) -> Calibration:
    """Return how the p-values of arrangements without a gap are distributed."""
    ordered = np.sort(null.p)
    size = ordered.size
    steps = np.arange(size + 1) / size
    below, above = ordered - steps[:-1], steps[1:] - ordered
    return Calibration(
        share=float(np.mean(null.p < LEVEL)),
        limit=max_rejections_under_null(size) / size,
        distance=float(max(below.max(), above.max())),
        draws=size,
    )


def max_rejections_under_null(draws: int) -> int:
    """Return the most rejections that a test of 5 % has in ``draws``, but for 0.5 %: 19 of 200."""
    counts = np.arange(draws + 1)
    return int(np.argmax(bdtr(counts, draws, LEVEL) >= SURE))


def simulate_null(
    estimates: Floats, variance: float, further: Sequence[Floats], rng: np.random.Generator
) -> Floats:
    """Simulate what other samples would measure under the null, (draws,) nats.

    The arrangements show how one source moves the estimate. The others move it too: the signs of
    their units' deviations are flipped and added.

    Args:
        estimates: contrasts of the arrangements.
        variance: of the estimate, by the source that was dealt; the arrangements of few units vary
            less than it.
        further: of each other source the (units,) parts of the estimate that are its units' own.
    """
    wide = float(estimates.std())
    simulated = estimates * (math.sqrt(variance) / wide if wide > 0 else 0.0)
    simulated = np.tile(simulated, -(-DRAWS // simulated.size))
    for contributions in further:
        simulated = (
            simulated
            + (1.0 - 2.0 * rng.integers(2, size=(simulated.size, contributions.size)))
            @ contributions
        )
    return np.asarray(simulated)


def unit_contributions(values: Floats, weight: float = 1.0, noise: float = 0.0) -> Floats:
    """Return what each unit adds to ``weight`` times the mean of (units,) values, by itself.

    Their flipped signs give the mean's variance, less ``noise``: its part that is due to single
    cells, and counted elsewhere.
    """
    size = values.size
    spread = float(values.var(ddof=1)) / size
    share = max(1 - noise / spread, 0.0) if spread > 0 else 0.0
    return np.asarray(weight * (values - values.mean()) * math.sqrt(share / (size * (size - 1))))


def detected_share(estimates: Floats, gap: float, se: float, df: float) -> float:
    """Return how often a planted gap is found, with the standard error of the audit itself.

    It is the share of ``estimates``, contrasts under the null, whose 95 % interval with the gap
    excludes 0 on the gap's side; ``se`` and ``df`` are those of the measured contrast.
    """
    limit = float(stdtrit(df, 1 - LEVEL / 2)) * se
    return float(np.mean(estimates + abs(gap) > limit))


class Targets(NamedTuple):
    """What targets add where they are a sample too."""

    plus: Floats
    """(columns, targets) mean scores of the words, or differences of the pairs, on one pole."""
    minus: Floats
    """The same on the other pole."""
    shared: float = 0.0
    """Variance of the contrast that targets share with sentences and words, as it was measured:
    dealing out words does not move it."""


def _analyse(
    values: Floats,
    factors: Sequence[Factor],
    targets: Targets | None = None,
    shares: Floats | None = None,
) -> Null:
    """Contrast and p of each data set, by the formulas of the primary analysis.

    ``shares`` are the (sets, columns) weights of the words, for what ``targets`` add.
    """
    crossed = cross(values, factors)
    parts, shared = dict(crossed.parts), dict(crossed.shared)
    if targets is not None and shares is not None:
        gaps = [shares @ targets.plus, shares @ targets.minus]
        ends = np.cumsum([gap.shape[1] for gap in gaps])
        places = [range(ends[0]), range(ends[0], ends[1])]
        poles = several_groups("targets", places, (1.0, -1.0)).groups
        parts["targets"] = spreads(np.concatenate(gaps, axis=1), poles)
        shared["templates", "targets"] = np.full(len(values), targets.shared)
    se, df = combine(parts, shared, tuple(parts))
    varies = se > 0
    t = np.abs(crossed.estimate) / np.where(varies, se, 1.0)
    p = 2 * stdtr(np.where(varies, df, 1.0), -t)
    return Null(crossed.estimate, np.where(varies, p, 1.0))


def _codes(sizes: Sequence[int], rng: np.random.Generator) -> Ints:
    """Order of the columns in each arrangement, (draws, columns), the groups one after another."""
    codes = np.repeat(np.arange(len(sizes)), sizes)
    blocks = np.zeros(codes.size, dtype=np.intp)
    table, exact = relabellings(codes, blocks, rng, resamples=DRAWS, limit=DRAWS)
    return np.asarray(np.argsort(table if exact else table[1:], axis=1, kind="stable"))


def _signs(units: int, rng: np.random.Generator) -> Floats:
    """Patterns of signs, (draws, units): all of them if there are no more."""
    if 2**units <= DRAWS:
        bits = np.arange(2**units)[:, None] >> np.arange(units) & 1
    else:
        bits = rng.integers(2, size=(DRAWS, units))
    return np.asarray(1.0 - 2.0 * bits)


def permute_labels(
    y: Floats,
    groups: Sequence[Sequence[int]],
    weights: Sequence[float],
    rng: np.random.Generator,
    *,
    targets: Targets | None = None,
) -> Null:
    """Permute the group labels of the columns of a (templates, columns) response.

    Args:
        y: responses; columns are words, or the targets of a probe whose words are fixed.
        groups: columns of each group.
        weights: of each group's mean in the contrast.
        targets: where targets are a sample too.
    """
    order = np.concatenate([np.asarray(g, dtype=np.intp) for g in groups])
    sizes = [len(g) for g in groups]
    quiet = y[:, order].copy()
    ends = np.cumsum(sizes)
    places = [np.arange(end - n, end) for end, n in zip(ends, sizes, strict=True)]
    for place in places:
        quiet[:, place] -= quiet[:, place].mean()
    table = _codes(sizes, rng)
    permuted = np.moveaxis(quiet[:, table], 1, 0)
    factors = one_group("templates", len(y)), several_groups("terms", places, weights)
    if targets is None:
        return _analyse(permuted, factors)
    share = np.concatenate([np.full(n, w / n) for n, w in zip(sizes, weights, strict=True)])
    mixed = np.zeros(table.shape)
    np.put_along_axis(mixed, table, np.broadcast_to(share, table.shape), axis=1)
    in_order = targets._replace(plus=targets.plus[order], minus=targets.minus[order])
    return _analyse(permuted, factors, in_order, mixed)


def flip_pairs(
    d: Floats,
    rng: np.random.Generator,
    *,
    targets: Targets | None = None,
) -> Null:
    """Flip matched pairs of (templates, pairs) differences, a pair in all templates at once.

    ``targets`` as in :func:`permute_labels`, of differences inside the pairs.
    """
    signs = _signs(d.shape[1], rng)
    factors = one_group("templates", len(d)), one_group("terms", d.shape[1])
    flipped = (d - d.mean())[None] * signs[:, None, :]
    return _analyse(flipped, factors, targets, signs / d.shape[1])


def flip_templates(delta: Floats, rng: np.random.Generator) -> Null:
    """Flip the signs of template differences (templates,), for exactly these words and targets."""
    signs = _signs(delta.size, rng)
    return _analyse(signs * (delta - delta.mean()), [one_group("templates", delta.size)])
