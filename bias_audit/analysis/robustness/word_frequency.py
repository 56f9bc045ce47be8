"""R4: does the gap remain when rare and frequent, long and short words are made equal?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bias_audit.analysis.robustness.check_record import (
    informational,
    not_computable,
    passed_or_failed,
)
from bias_audit.analysis.robustness.stability import is_detected
from bias_audit.metrics.design import Comparison, Design
from bias_audit.metrics.log_odds import pole_response
from bias_audit.metrics.scored_probe import ScoredProbe
from bias_audit.metrics.word_properties import Properties, weighted_groups
from bias_audit.results import Check
from bias_audit.stats.covariates import (
    AdjustedContrast,
    MatchedContrast,
    adjusted_contrast,
    matched_contrast,
    matched_pair_contrast,
)
from bias_audit.stats.fragility import LEAST_SHARE, decided_side, is_confounded
from bias_audit.utils.arrays import Floats


def check_adjustment(
    scored: ScoredProbe, comparison: Comparison, known: Properties
) -> Check | None:
    """Compare the gap with the one at equal properties; None where words are no sample.

    One that lies inside the margin must not leave it, and one outside must not come in; of one
    that was detected and does not pass, half must be left.
    """
    if scored.probe.spec.mask != "target" or comparison.scope != "concept":
        return None
    fit = gap_at_equal(scored, comparison, known)
    if fit is None:
        return not_computable("R4", "too few words, or words that are all alike")
    margin = scored.margin
    remaining = fit.estimate / fit.raw if fit.raw else 1.0
    note = _describe_fit(scored, comparison, known, fit)
    detected = is_detected(comparison)
    side = decided_side(comparison.these_words, margin)
    if not detected and side is None:
        return informational("R4", remaining, note)
    holds = not is_confounded(fit.raw, fit.estimate, side, margin, detected=detected)
    # A share of a gap is a threshold only where half of it has to be left.
    crossed = fit.raw != 0 and (side == 0 or (not holds and remaining >= LEAST_SHARE))
    threshold = margin / abs(fit.raw) if crossed else LEAST_SHARE
    return passed_or_failed("R4", remaining, threshold, holds, "confounded", note)


def gap_at_equal(
    scored: ScoredProbe, comparison: Comparison, known: Properties
) -> AdjustedContrast | None:
    """The gap at equal properties; None where words are no sample, too few, or all alike."""
    if scored.probe.spec.mask != "target" or comparison.scope != "concept":
        return None
    if comparison.these_words.status != "ok":
        return None
    return adjusted_contrast(_groups(scored, comparison, known.values))


def _describe_fit(
    scored: ScoredProbe, comparison: Comparison, known: Properties, fit: AdjustedContrast
) -> str:
    note = f"{fit.estimate:+.3f} {scored.unit} at equal {_join_names(known.names, fit.used)}"
    if fit.inseparable:
        note += f"; {_join_names(known.names, fit.inseparable)} cannot be told from the group"
    alike = _alike(scored, comparison, known.values)
    if alike is not None:
        kind = "pairs" if comparison.has_pairs else "words of each group"
        note += f"; {alike.estimate:+.3f} {scored.unit} between {alike.words} {kind} that are alike"
    return note


def _alike(scored: ScoredProbe, comparison: Comparison, values: Floats) -> MatchedContrast | None:
    """The gap between words that are matched in their properties; of two groups only."""
    design = Design(scored, comparison.a, comparison.b)
    if design.rest:
        return None
    means = _means(scored)
    if design.pairs:
        a, b = [i for i, _ in design.pairs], [j for _, j in design.pairs]
        return matched_pair_contrast(means[a] - means[b], (values[a], values[b]))
    a, b = design.in_a, design.in_b
    return matched_contrast((means[a], values[a]), (means[b], values[b]))


def _means(scored: ScoredProbe) -> Floats:
    return np.asarray(pole_response(scored).mean(axis=0))


def _groups(
    scored: ScoredProbe, comparison: Comparison, values: Floats
) -> list[tuple[float, Floats, Floats]]:
    return weighted_groups(Design(scored, comparison.a, comparison.b), _means(scored), values)


def _join_names(names: Sequence[str], chosen: Sequence[int]) -> str:
    return " and ".join(names[number] for number in chosen)
