"""How often does a gate say pass or fail at the margin itself, where neither is right?"""

from __future__ import annotations

from itertools import product

import numpy as np

from benchmarks.validity import regression_gate
from benchmarks.validity._drawn import SETTINGS, audits
from benchmarks.validity._table import Table, percent
from benchmarks.validity.calibration import beyond_p, inside_p
from bias_audit.probes.schema.probe import DEFAULT_MARGIN
from bias_audit.stats.seeds import stream

LEVEL, MOST = 0.05, 0.06
MARGINS = (DEFAULT_MARGIN, 0.5)
"""Small ones often cannot be decided; a larger one shows the errors themselves."""

DOUBTFUL = (0.1, 0.3)
"""Baselines so small that their direction is often measured wrongly: a model that ends on the other
side has then moved by more than the limit, and no rule can tell it from one that grew."""


def sizes(sets: int, seed: int) -> Table:
    """Gates on the size of a gap of these words that is as large as the limit."""
    table = Table("gates", ("audits", "limit, nats", "drawn", "wrong pass", "wrong fail"))
    for setting in SETTINGS:
        drawn = audits(stream(seed, "gates", setting.name), setting, sets).these
        for margin in MARGINS:
            found = drawn.at(margin)
            shares = [np.mean(p(found, margin) <= LEVEL) for p in (inside_p, beyond_p)]
            cells = (setting.name, f"{margin:.3f}", f"{sets}", *map(percent, shares))
            table.add(*cells, holds=max(shares) <= MOST if setting.promised else None)
    return table


def rises(sets: int, seed: int) -> Table:
    """Gates on a rise that is as large as the limit.

    With the direction declared only the first bound is tried: no gate is judged by it alone.
    """
    table = Table("rises", ("two models", "drawn", "wrong pass", "wrong fail"))
    limit = regression_gate.MARGIN
    for rows, pairs in regression_gate.DESIGNS:
        name = f"{rows} sentences, {pairs} pairs, direction declared"
        found = regression_gate.declared(stream(seed, name), rows, pairs, limit, sets)
        shares = found["pass"] / sets, found["fail"] / sets
        table.add(name, f"{sets}", *map(percent, shares), holds=max(shares) <= MOST)
    for turned, gap in product((False, True), regression_gate.GAPS):
        way = "turned over" if turned else "further"
        name = f"12 sentences, 8 pairs, direction measured, baseline {gap:g} nats, {way}"
        found = regression_gate.signed(stream(seed, name), 12, 8, gap, limit, turned, sets)
        shares = found["pass"] / sets, found["fail"] / sets
        promised = not (turned and gap in DOUBTFUL)
        kept = max(shares) <= MOST if promised else None
        table.add(name, f"{sets}", *map(percent, shares), holds=kept)
    return table
