"""R7 and R8b: does the test stay quiet where nothing is, and would it find a planted gap?"""

from __future__ import annotations

import math

import numpy as np

from bias_audit.archive import Check
from bias_audit.assess._design import Design
from bias_audit.assess._input import Comparison, Scored, Settings
from bias_audit.assess.checks._record import judged
from bias_audit.metrics.log_odds import cell_response
from bias_audit.records import Floats
from bias_audit.stats.dealt import (
    Null,
    calibration,
    deal_columns,
    flip_pairs,
    flip_templates,
    found_share,
)
from bias_audit.stats.seeds import stream
from bias_audit.tables import Cube

POWER = 0.8


def null_checks(scored: Scored, comparison: Comparison, settings: Settings) -> tuple[Check, ...]:
    """R7 and R8b of a comparison; none where it has no interval."""
    contrast = comparison.contrast
    if contrast.status != "ok" or contrast.se is None or contrast.df is None:
        return ()
    null = _dealt(scored, comparison, settings)
    found = calibration(null)
    quiet = judged(
        "R7",
        found.share,
        found.limit,
        found.holds,
        "p_withheld",
        f"{found.draws} arrangements, KS distance {found.distance:.2f}",
    )
    gap, se, rows = scored.probe.spec.margin, contrast.se, contrast.n_templates
    share = found_share(null, gap, se, contrast.df)
    # Twice the gap in half of the sentences: as large on average, and the sentences differ by it.
    uneven = math.sqrt(se**2 + gap**2 / (rows - 1))
    half = found_share(null, gap, uneven, contrast.df)
    note = f"twice as large in half of the sentences: {half:.0%}"
    return quiet, judged("R8b", share, POWER, share >= POWER, "under_powered", note)


def _dealt(scored: Scored, comparison: Comparison, settings: Settings) -> Null:
    """The comparison without its gap, with what counts as a sample dealt out anew."""
    spec, cube, contrast = scored.probe.spec, scored.cube, comparison.contrast
    rng = stream(settings.seed, spec.axis, spec.id, f"{comparison.a}:{comparison.b}", "dealt")
    construct = comparison.target_scope == "construct"
    fixed = spec.mask == "group" or comparison.scope != "concept"
    if fixed and not (construct and not spec.targets.own):
        return flip_templates(np.sort(np.array(contrast.delta)), rng)
    design = Design(scored, comparison.a, comparison.b)
    plus, minus = _by_name(cube, "+"), _by_name(cube, "-")
    if fixed:
        return deal_columns(design.difference(cube.values), [plus, minus], [1.0, -1.0], rng)
    response = cell_response(cube.values, plus, minus)
    if design.pairs:
        inside = np.moveaxis(design.inside_pairs(np.moveaxis(cube.values, 2, 0)), 0, 2)
        cells = _poles(inside.mean(axis=0), plus, minus) if construct else None
        return flip_pairs(design.inside_pairs(response), rng, cells=cells)
    cells = _poles(cube.values.mean(axis=0), plus, minus) if construct else None
    weights = design.weights if design.rest else [1.0, -1.0]
    order = sorted(zip(weights, design.groups, strict=True), key=lambda each: _place(cube, each))
    return deal_columns(response, [g for _, g in order], [w for w, _ in order], rng, cells=cells)


def _place(cube: Cube, group: tuple[float, list[int]]) -> tuple[float, str]:
    """The compared group first, then by words: the order in a file changes no number."""
    return -group[0], cube.units[group[1][0]].label


def _by_name(cube: Cube, sign: str) -> list[int]:
    return sorted(cube.pole(sign), key=lambda column: cube.targets[column])


def _poles(cells: Floats, plus: list[int], minus: list[int]) -> tuple[Floats, Floats]:
    return cells[:, plus], cells[:, minus]
