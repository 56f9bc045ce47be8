"""R7 and R8b: does the test stay quiet where nothing is, and would it find a planted gap?"""

from __future__ import annotations

import math

import numpy as np

from bias_audit.analysis.robustness.check_record import passed_or_failed
from bias_audit.metrics.design import Comparison, Design
from bias_audit.metrics.log_odds import cell_response
from bias_audit.metrics.scored_probe import ScoredProbe, Settings
from bias_audit.results import Check
from bias_audit.stats.estimate import Contrast
from bias_audit.stats.null_calibration import (
    Null,
    calibration,
    detected_share,
    flip_pairs,
    flip_templates,
    permute_labels,
    simulate_null,
    unit_contributions,
)
from bias_audit.utils.arrays import Floats

POWER = 0.8


def check_null(
    scored: ScoredProbe, comparison: Comparison, settings: Settings
) -> tuple[Check, ...]:
    """R7 and R8b of a comparison; none where it has no interval."""
    contrast = _tested(comparison)
    if contrast.status != "ok" or contrast.se is None or contrast.df is None:
        return ()
    null, source = _null(scored, comparison, settings)
    test = calibration(null)
    quiet = passed_or_failed(
        "R7",
        test.share,
        test.limit,
        test.holds,
        "p_withheld",
        f"{test.draws} arrangements, KS distance {test.distance:.2f}",
    )
    further = _further(scored, comparison, source)
    rng = scored.rng(settings, comparison.key, "scattered")
    quiet_gaps = simulate_null(null.estimate, contrast.variance[source], further, rng)
    gap, se, rows = scored.probe.spec.margin, contrast.se, contrast.n_templates
    share = detected_share(quiet_gaps, gap, se, contrast.df)
    # In half of the sentences: half as large on average, and the sentences differ by it.
    uneven = math.sqrt(se**2 + (gap / 2) ** 2 / (rows - 1))
    half = detected_share(quiet_gaps, gap / 2, uneven, contrast.df)
    note = f"in half of the sentences only: {half:.0%}"
    return quiet, passed_or_failed("R8b", share, POWER, share >= POWER, "under_powered", note)


def _tested(comparison: Comparison) -> Contrast:
    """The claim that is tested against zero; these words where there is no other."""
    return comparison.words_of_this_kind or comparison.these_words


def _null(scored: ScoredProbe, comparison: Comparison, settings: Settings) -> tuple[Null, str]:
    """The comparison without its gap, with what counts as a sample dealt out anew; and its name."""
    spec, cube, contrast = scored.probe.spec, scored.cube, _tested(comparison)
    rng = scored.rng(settings, comparison.key, "dealt")
    construct = comparison.words_of_this_kind is not None
    fixed = spec.mask == "group" or comparison.scope != "concept"
    if fixed and not construct:
        return flip_templates(np.sort(np.array(contrast.delta)), rng), "templates"
    design = Design(scored, comparison.a, comparison.b)
    plus, minus = cube.pole_by_name("+"), cube.pole_by_name("-")
    if fixed:
        null = permute_labels(design.difference(cube.values), [plus, minus], [1.0, -1.0], rng)
        return null, "targets"
    response = cell_response(cube.values, plus, minus)
    if design.pairs:
        inside = np.moveaxis(design.inside_pairs(np.moveaxis(cube.values, 2, 0)), 0, 2)
        cells = _poles(inside.mean(axis=0), plus, minus) if construct else None
        return flip_pairs(design.inside_pairs(response), rng, cells=cells), "terms"
    cells = _poles(cube.values.mean(axis=0), plus, minus) if construct else None
    weights, columns = zip(*design.by_weight, strict=True)
    return permute_labels(response, columns, weights, rng, cells=cells), "terms"


def _further(scored: ScoredProbe, comparison: Comparison, source: str) -> list[Floats]:
    """What the units of the sources that are not dealt add to the estimate, by themselves."""
    contrast, cube = _tested(comparison), scored.cube
    if source == "templates":
        return []
    noise = contrast.variance.get("residual", 0.0)
    parts = [unit_contributions(np.sort(np.array(contrast.delta)), noise=noise)]
    if source == "terms" and "targets" in contrast.used:
        gaps = Design(scored, comparison.a, comparison.b).target_differences(cube.values)
        for sign, weight in (("+", 1.0), ("-", -1.0)):
            parts.append(unit_contributions(np.sort(gaps[cube.pole(sign)]), weight))
    return parts


def _poles(cells: Floats, plus: list[int], minus: list[int]) -> tuple[Floats, Floats]:
    return cells[:, plus], cells[:, minus]
