"""Checks that reuse the cells: does a conclusion hang on one sentence, one word or one method?"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from bias_audit.analysis.robustness.check_record import (
    informational,
    not_computable,
    passed_or_failed,
)
from bias_audit.metrics.design import Comparison, Design
from bias_audit.metrics.log_odds import pole_heterogeneous, pole_response
from bias_audit.metrics.score_cube import ScoreCube
from bias_audit.metrics.scored_probe import ScoredProbe, Settings
from bias_audit.results import Check
from bias_audit.results.codes import FLAT
from bias_audit.stats.contrast import one_group, trim
from bias_audit.stats.distribution_shape import bootstrap_t_interval
from bias_audit.stats.estimate import Contrast
from bias_audit.stats.fragility import (
    LEVEL,
    Interval,
    StabilityBounds,
    decided_side,
    half_contradicts,
    is_fragile,
)
from bias_audit.stats.layout import without_one
from bias_audit.stats.split_half import analyse_halves, half_bounds, split_half
from bias_audit.utils.readings import READINGS

SKEWED = 1.0
ONE_UNIT = 0.5
MIXED_DIRECTION = 0.75
LEAST_LOG_PROB = math.log(1e-7)
"""Nats a piece below which a word is saturated (R13a)."""
MOST_SATURATED = 0.5
LEAST_MASS = math.log(1e-4)
"""Nats below which a pole as a whole has hardly any probability (R13b)."""
MOST_THIN = 0.5
RELIABLE = 0.7
"""Below this reliability the order of the targets is mostly chance."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StabilityChecks:
    """What the checks found for one comparison."""

    statuses: tuple[str, ...]
    sign_share: float | None
    """Share of templates whose difference has the sign of the estimate (R1a)."""
    bounds: StabilityBounds
    """What one unit, half of the words and other methods do to the estimate."""


def check_stability(
    scored: ScoredProbe, comparison: Comparison, settings: Settings
) -> StabilityChecks:
    """Run the checks R1a, R1b, R2, R3 and the assumption checks of the primary analysis."""
    contrast, margin = comparison.these_words, scored.margin
    delta = np.array(contrast.delta)
    bounds = _stability_bounds(scored, comparison, settings)
    statuses: list[str] = []
    share = None
    if contrast.estimate != 0 and delta.size:
        share = float(np.mean(np.sign(delta) == np.sign(contrast.estimate)))
        if share < MIXED_DIRECTION:
            statuses.append("direction_depends_on_phrasing")
    statuses += too_small_statuses(contrast, settings)
    if contrast.status == "ok" and is_fragile(contrast, bounds, margin):
        statuses.append("fragile")
    mass = comparison.mass_log_odds
    if mass is not None and pole_heterogeneous(contrast.estimate, mass, margin):
        statuses.append("pole_heterogeneous")
    if _one_target(scored, comparison):
        statuses.append("one_target_dominates")
    unique = tuple(dict.fromkeys(statuses))
    return StabilityChecks(statuses=unique, sign_share=share, bounds=bounds)


def too_small_statuses(contrast: Contrast, settings: Settings) -> list[str]:
    """Statuses of a comparison that is too small or too flat to be measurable."""
    statuses = ["descriptive_only"] if len(contrast.by_cluster) < settings.min_templates else []
    if contrast.status in {"identical", "no_variance"}:
        statuses.append(FLAT)
    elif contrast.status != "ok":
        statuses.append("descriptive_only")
    return statuses


def _stability_bounds(
    scored: ScoredProbe, comparison: Comparison, settings: Settings
) -> StabilityBounds:
    """What one unit less, half of the words, and other intervals do to a comparison (R1b, R2)."""
    contrast = comparison.these_words
    rows = one_group("templates", contrast.n_templates, scored.cube.row_clusters.templates).groups[
        0
    ]
    without = [*comparison.without_a_term, *without_one(np.array(contrast.delta), rows)]
    skewed = abs(contrast.skew) > SKEWED or contrast.largest_share > ONE_UNIT
    bounds = StabilityBounds()
    if contrast.status == "ok":
        bounds = _halves(scored, comparison, settings)
    bounds = replace(
        bounds,
        loo_low=min(without, default=None),
        loo_high=max(without, default=None),
        skewed=skewed,
    )
    if contrast.status != "ok" or not skewed:
        return bounds
    return replace(bounds, other=_outermost(_other_methods(scored, comparison, settings)))


def _halves(scored: ScoredProbe, comparison: Comparison, settings: Settings) -> StabilityBounds:
    """R2: what either half of the words says; nothing where words are no sample, or too few."""
    if scored.probe.spec.mask != "target" or comparison.scope != "concept":
        return StabilityBounds()
    design = Design(scored, comparison.a, comparison.b)
    response, groups, weights = design.collapse(pole_response(scored))
    rng = scored.rng(settings, comparison.key, "half-words")
    halves = analyse_halves(response, groups, weights, rng)
    return StabilityBounds() if halves is None else half_bounds(halves)


def _outermost(intervals: list[Interval | None]) -> Interval | None:
    known = [interval for interval in intervals if interval is not None]
    if len(known) < len(intervals):
        return None
    return min(low for low, _ in known), max(high for _, high in known)


def _other_methods(
    scored: ScoredProbe, comparison: Comparison, settings: Settings
) -> list[Interval | None]:
    """The bootstrap-t interval and the one of the trimmed mean."""
    contrast = comparison.these_words
    rng = scored.rng(settings, comparison.key, "bootstrap-t", f"{LEVEL:g}")
    drawn = bootstrap_t_interval(np.sort(np.array(contrast.by_cluster)), LEVEL, rng, se=contrast.se)
    return [drawn, trim(contrast).interval(LEVEL)]


def is_detected(comparison: Comparison) -> bool:
    """Return whether the 95 % interval of a comparison excludes 0."""
    limits = comparison.these_words.interval()
    return limits is not None and not limits[0] <= 0 <= limits[1]


def _one_target(scored: ScoredProbe, comparison: Comparison) -> bool:
    """R3: one word carries more than half of a gap whose interval excludes 0."""
    share = top_share(scored, comparison) if is_detected(comparison) else None
    return share is not None and share > ONE_UNIT


def top_share(scored: ScoredProbe, comparison: Comparison) -> float | None:
    """Share of a gap that the loudest target carries; None with fewer than four, or no gap."""
    these, cube = comparison.these_words, scored.cube
    gap = abs(these.estimate)
    if scored.probe.spec.targets.own or len(cube.targets) < 4 or gap <= these.resolution:
        return None
    plus, minus = cube.pole("+"), cube.pole("-")
    values = Design(scored, comparison.a, comparison.b).difference(cube.values).mean(axis=0)
    values -= values.mean()
    parts = np.concatenate([values[plus] / max(len(plus), 1), -values[minus] / max(len(minus), 1)])
    return float(np.abs(parts).max()) / gap


def lost_poles(scored: ScoredProbe, settings: Settings) -> tuple[str, ...]:
    """``incomplete`` when a pole lost too many of its words, or has hardly any probability."""
    cube = scored.cube
    for sign in ("+", "-"):
        requested = sum(target.pole == sign for target in scored.probe.targets)
        columns = cube.pole(sign)
        if requested and len(columns) / requested < settings.min_coverage:
            return ("incomplete",)
        levels = scored.probe.spec.mask == "target" and READINGS[scored.reading].of == "word"
        if levels and (
            saturated_share(cube, columns) > MOST_SATURATED or thin_share(cube, columns) > MOST_THIN
        ):
            return ("incomplete",)
    return ()


def saturated_share(cube: ScoreCube, pole: list[int]) -> float:
    """Share of a pole whose words are below the least probability a piece in every cell (R13a)."""
    most = cube.values.max(axis=(0, 1))
    low = [most[i] < LEAST_LOG_PROB * max(cube.pieces[i], 1) for i in pole]
    return float(np.mean(low)) if low else 0.0


def thin_share(cube: ScoreCube, pole: list[int]) -> float:
    """Share of cells (sentence by group word) where a pole's words together have hardly any
    probability (R13b).
    """
    if not pole:
        return 0.0
    return float(np.mean(np.logaddexp.reduce(cube.values[..., pole], axis=-1) < LEAST_MASS))


def check_ranking(scored: ScoredProbe, comparison: Comparison, settings: Settings) -> Check | None:
    """R1c: would other sentences put the targets in the same order? None without a table."""
    cube = scored.cube
    if not comparison.targets:
        return None
    rows = np.argsort(np.array(cube.templates), kind="stable")
    gaps = Design(scored, comparison.a, comparison.b).difference(cube.values)[rows]
    centred = gaps - gaps.mean(axis=1, keepdims=True)
    reliability = split_half(centred, scored.rng(settings, comparison.key, "split-half"))
    if reliability is None:
        return not_computable("R1c", "too few sentences or targets, or no variance")
    return passed_or_failed("R1c", reliability, RELIABLE, reliability >= RELIABLE, "unrankable")


def check_half_of_words(
    scored: ScoredProbe, comparison: Comparison, known: StabilityChecks
) -> Check | None:
    """R2: does a half of the words show the contrary? None where words are no sample."""
    if scored.probe.spec.mask != "target" or comparison.scope != "concept":
        return None
    low, high = known.bounds.split_half_low, known.bounds.split_half_high
    if low is None or high is None:
        return not_computable("R2", "fewer than four words in a group")
    contrast, margin = comparison.these_words, scored.margin
    furthest = max(contrast.estimate - low, high - contrast.estimate)
    note = f"halves range from {low:+.3f} to {high:+.3f} {scored.unit}"
    check = informational("R2", furthest, note)
    side = decided_side(contrast, margin)
    if side is None:
        return check
    flips = half_contradicts(known.bounds, side, margin)
    state = {"state": "not_held", "consequence": "fragile"} if flips else {"state": "held"}
    return check.model_copy(update=state)
