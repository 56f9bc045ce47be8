"""R15: does the gap remain between target words that the model finds equally likely anyway?"""

from __future__ import annotations

import numpy as np

from bias_audit.analysis.robustness.check_record import (
    informational,
    not_computable,
    passed_or_failed,
)
from bias_audit.analysis.robustness.stability import is_detected
from bias_audit.metrics.design import Comparison, Design
from bias_audit.metrics.score_cube import ScoreCube
from bias_audit.metrics.scored_probe import ScoredProbe
from bias_audit.results import Check
from bias_audit.stats.covariates import AdjustedContrast, adjusted_contrast
from bias_audit.utils.arrays import Floats

MOST_MOVED = 0.5
"""Share of a detected gap by which it may move."""


def check_target_frequency(scored: ScoredProbe, comparison: Comparison) -> Check | None:
    """Compare the gap with the one at equal frequency of the targets; None where none is scored.

    A group whose answers are spread flatter favours rare words, whatever they mean: where the poles
    differ in frequency, that looks like a gap.
    """
    spec, cube = scored.probe.spec, scored.cube
    if spec.mask != "target" or spec.targets.own:
        return None
    fit = gap_at_equal_targets(scored, comparison)
    apart = mean_apart(cube)
    level = "likely" if cube.cosines is None else "near"
    note = f"the poles differ by {apart:+.2f} {scored.unit} in how {level} their words are anyway"
    if fit is None:
        return not_computable("R15", f"too few targets; {note}")
    note = f"{fit.estimate:+.3f} {scored.unit} at equal frequency of the targets; {note}"
    moved, size = abs(fit.estimate - fit.raw), abs(fit.raw)
    detected = is_detected(comparison)
    if _side(fit.raw, scored.margin) != _side(fit.estimate, scored.margin):
        return _loud_check(moved, abs(size - scored.margin), note, fit.estimate)
    if not detected:
        return informational("R15", moved, note)
    if moved > MOST_MOVED * size:
        return _loud_check(moved, MOST_MOVED * size, note, fit.estimate)
    return passed_or_failed("R15", moved, MOST_MOVED * size, True, "", note)


def gap_at_equal_targets(scored: ScoredProbe, comparison: Comparison) -> AdjustedContrast | None:
    """The gap with the slope on frequency inside the poles taken out; None with too few targets."""
    cube = scored.cube
    gaps = Design(scored, comparison.a, comparison.b).target_differences(cube.values)
    known = frequencies(cube)
    poles = [(weight, cube.pole(sign)) for sign, weight in (("+", 1.0), ("-", -1.0))]
    return adjusted_contrast([(w, gaps[pole], known[pole][:, None]) for w, pole in poles])


def frequencies(cube: ScoreCube) -> Floats:
    """How likely each target is anyway: its mean log-score over sentences and groups, nats."""
    groups = sorted({unit.group for unit in cube.units})
    by_group = [cube.values[:, cube.columns(group)].mean(axis=(0, 1)) for group in groups]
    return np.asarray(np.mean(by_group, axis=0))


def mean_apart(cube: ScoreCube) -> float:
    """How much likelier the first pole's targets are anyway, nats."""
    known = frequencies(cube)
    return float(known[cube.pole("+")].mean() - known[cube.pole("-")].mean())


def _side(gap: float, margin: float) -> int:
    return int(gap >= margin) - int(gap <= -margin)


def _loud_check(moved: float, threshold: float, note: str, estimate: float) -> Check:
    check = passed_or_failed("R15", moved, threshold, False, "target_frequency", note)
    return check.model_copy(update={"estimate": estimate})
