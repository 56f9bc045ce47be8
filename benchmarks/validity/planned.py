"""Is `plan` right about what a size decides? Its closed form, and audits drawn cell by cell."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
from scipy.special import stdtrit

from benchmarks.validity._drawn import TWO, Design, Setting, many
from benchmarks.validity._table import Table, percent
from bias_audit.gates.power import FAILS, PASSES
from bias_audit.probes.schema.probe import DEFAULT_MARGIN
from bias_audit.stats.crossing import names_of
from bias_audit.stats.power import VarianceComponents
from bias_audit.stats.seeds import stream

OFF = 0.06
"""Largest difference from the 80 % that are promised: six points."""
SHARE = 0.8
QUIET = (0.12, 0.15, 0.0, 0.3)
"""Standard deviations with which a usual audit can decide, nats."""
PLANNED = (
    Setting(name="12 sentences, 8 words", design=TWO, sd=QUIET),
    Setting(name="20 sentences, 20 words", design=TWO, rows=20, words=(20, 20), sd=QUIET),
    Setting(
        name="12 sentences, 8 pairs",
        design=Design(groups=1, scope="concept"),
        words=(8,),
        sd=QUIET,
    ),
    Setting(
        name="8 sentences, 4 groups of 5 words",
        design=Design(groups=4, scope="concept"),
        rows=8,
        words=(5,) * 4,
        sd=QUIET,
    ),
    Setting(
        name="12 sentences, 6 words, 8 targets a sample",
        design=Design(groups=2, scope="concept"),
        words=(6, 6),
        targets=(8, 8),
        sd=(0.1, 0.15, 0.15, 0.5),
    ),
)


def components(setting: Setting) -> VarianceComponents:
    """Return what an audit would store if it knew the true variances."""
    one, word, target, cell = (sd**2 for sd in setting.sd)
    each = setting.targets[0] if setting.targets else 1
    if setting.targets:  # a response is a difference of two means over targets
        word, cell = 2 * word, 2 * cell / each
    weights = np.array(setting.design.weights) ** 2
    counts = np.array(setting.words)
    noise = float(np.sum(weights * cell / (setting.rows * counts)))
    parts = {"templates": [(one / setting.rows + noise, setting.rows - 1)]}
    parts["terms"] = [
        (w * (word / n + cell / (setting.rows * n)), n - 1)
        for w, n in zip(weights, counts, strict=True)
    ]
    units = {"templates": setting.rows, "terms": int(counts.sum())}
    if setting.targets:
        parts["targets"] = [(target / each + noise / 2, each - 1)] * 2
        units["targets"] = 2 * each
    variance = {name: sum(v for v, _ in rows) for name, rows in parts.items()}
    whole = sum(variance.values())
    df = whole**2 / sum(v * v / k for rows in parts.values() for v, k in rows)
    names = [*parts]
    sizes = range(2, len(names) + 1)
    shared = {names_of(some): noise for size in sizes for some in combinations(names, size)}
    known = VarianceComponents(variance=variance | shared, units=units, df=df)  # type: ignore[arg-type]
    return replace(known, df=df * known.total / whole)


def predicted(sets: int, seed: int) -> Table:
    """Return the shares that pass where nothing is, and that fail where much is, at 80 % each."""
    table = Table("power", ("audits", "limit, nats", "true gap, nats", "drawn", "verdict", "found"))
    for setting in PLANNED:
        rng = stream(seed, "power", setting.name)
        known = components(setting)
        passing = known.reach({}, tail=0.05, quantile=PASSES)
        failing = DEFAULT_MARGIN + known.reach({}, tail=0.05, quantile=FAILS)
        for limit, gap, verdict in (
            (passing, 0.0, "pass"),
            (DEFAULT_MARGIN, failing, "fail"),
        ):
            share = _share(setting, limit, gap, sets, rng, passes=verdict == "pass")
            cells = (f"{limit:.3f}", f"{gap:.3f}", f"{sets}", verdict, percent(share))
            table.add(setting.name, *cells, holds=abs(share - SHARE) <= OFF)
    return table


def _share(
    setting: Setting, limit: float, gap: float, sets: int, rng: np.random.Generator, *, passes: bool
) -> float:
    """The share of drawn audits whose interval lies inside, or outside, of a limit."""
    drawn = many(rng, setting, sets, gap)
    half = stdtrit(drawn.df, 0.95) * drawn.se
    size = np.abs(drawn.estimate)
    return float(np.mean(size + half < limit if passes else size - half > limit))
