"""R7 and R8b: does the test stay quiet where nothing is, and would it find a planted gap?"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from bias_audit.analysis.robustness.check_record import passed_or_failed
from bias_audit.metrics.design import Comparison, Design, pole_layout
from bias_audit.metrics.scored_probe import ScoredProbe, Settings
from bias_audit.results import Check
from bias_audit.stats.crossing import cluster_means, cluster_values, sign_of
from bias_audit.stats.estimate import SMALLEST, Contrast
from bias_audit.stats.null_calibration import (
    Null,
    Targets,
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
    contrast = _test_claim(comparison)
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
    gap, se, rows = scored.margin, contrast.se, contrast.n_templates
    share = detected_share(quiet_gaps, gap, se, contrast.df)
    # In half of the sentences: half as large on average, and the sentences differ by it.
    uneven = math.sqrt(se**2 + (gap / 2) ** 2 / (rows - 1))
    half = detected_share(quiet_gaps, gap / 2, uneven, contrast.df)
    note = f"in half of the sentences only: {half:.0%}"
    return quiet, passed_or_failed("R8b", share, POWER, share >= POWER, "under_powered", note)


def _test_claim(comparison: Comparison) -> Contrast:
    """The claim that is tested against zero; these words where there is no other."""
    return comparison.words_of_this_kind or comparison.these_words


def _null(scored: ScoredProbe, comparison: Comparison, settings: Settings) -> tuple[Null, str]:
    """The comparison without its gap, with what counts as a sample dealt out anew; and its name.

    Each cluster is one unit here.
    """
    spec, contrast = scored.probe.spec, _test_claim(comparison)
    rng = scored.rng(settings, comparison.key, "dealt")
    sampled = "targets" in contrast.used
    fixed = spec.mask == "group" or comparison.scope != "concept"
    if fixed and not sampled:
        return flip_templates(np.sort(np.array(contrast.by_cluster)), rng), "templates"
    design = Design(scored, comparison.a, comparison.b)
    cells, places, weights = design.collapse(scored.cube.values)
    plus, minus = (cluster_means(cells, pole, 2) for pole in pole_layout(scored.cube).terms.groups)
    if fixed:
        y = _contrast_of(np.concatenate([plus, minus], axis=2), places, weights)
        poles = [range(plus.shape[2]), range(plus.shape[2], y.shape[1])]
        return permute_labels(y, poles, [1.0, -1.0], rng), "targets"
    shared = _shared_variance(contrast, ("templates", "terms"), "targets")
    targets = Targets(plus.mean(axis=0), minus.mean(axis=0), shared) if sampled else None
    response = plus.mean(axis=2) - minus.mean(axis=2)
    if design.pairs:
        return flip_pairs(response, rng, targets=targets), "terms"
    return permute_labels(response, places, weights, rng, targets=targets), "terms"


def _contrast_of(cells: Floats, places: list[list[int]], weights: list[float]) -> Floats:
    """The contrast along the second axis."""
    means = [w * cells[:, place].mean(axis=1) for place, w in zip(places, weights, strict=True)]
    return np.asarray(np.sum(means, axis=0))


def _shared_variance(contrast: Contrast, others: Sequence[str], source: str) -> float:
    """Variance that a source shares with others, each part once."""
    return math.fsum(
        -sign_of(names) * value
        for names, value in contrast.shared.items()
        if source in names and set(names) <= {source, *others}
    )


def _further(scored: ScoredProbe, comparison: Comparison, source: str) -> list[Floats]:
    """What the units of the sources that are not dealt add to the estimate, by themselves."""
    contrast, cube = _test_claim(comparison), scored.cube
    if source == "templates":
        return []
    noise = _shared_variance(contrast, (source,), "templates")
    parts = [unit_contributions(np.sort(np.array(contrast.by_cluster)), noise=noise)]
    if source == "terms" and "targets" in contrast.used:
        gaps = Design(scored, comparison.a, comparison.b).target_differences(cube.values)
        noise = _shared_variance(contrast, ("templates", "terms"), "targets")
        share = noise / max(contrast.variance["targets"], noise, SMALLEST)
        for pole in pole_layout(cube).terms.groups:
            values = np.sort(cluster_values(gaps, pole))
            spread = share * float(values.var(ddof=1)) / values.size
            parts.append(unit_contributions(values, pole.weight, spread))
    return parts
