"""Checks that reuse the cells: does a conclusion hang on one sentence, one word or one method?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bias_audit.assess._input import Comparison, Scored, Settings
from bias_audit.metrics.log_odds import pole_heterogeneous
from bias_audit.stats.contrast import trimmed
from bias_audit.stats.layout import without_one
from bias_audit.stats.seeds import stream
from bias_audit.stats.shape import bootstrap_t_interval
from bias_audit.stats.steady import Limits, Steadiness, hangs_on_one
from bias_audit.tables import Cube

SKEWED = 1.0
ONE_UNIT = 0.5
MIXED_DIRECTION = 0.75
LEAST_LOG_PROB = math.log(1e-7)
"""Nats a piece below which a word is saturated (R13)."""
MOST_SATURATED = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Checks:
    """What the checks found for one comparison."""

    statuses: tuple[str, ...]
    sign_share: float | None
    """Share of templates whose difference has the sign of the estimate (R1a)."""
    steady: Steadiness
    """Whether one unit or one method carries a verdict, at any limit."""


def check(scored: Scored, comparison: Comparison, settings: Settings) -> Checks:
    """Run the checks R1a, R1b, R2, R3 and the assumption checks of the primary analysis."""
    contrast, margin = comparison.contrast, scored.probe.spec.margin
    delta = np.array(contrast.delta)
    steady = _steadiness(scored, comparison, settings)
    statuses: list[str] = []
    share = None
    if contrast.estimate != 0 and delta.size:
        share = float(np.mean(np.sign(delta) == np.sign(contrast.estimate)))
        if share < MIXED_DIRECTION:
            statuses.append("direction_depends_on_phrasing")
    if delta.size < settings.min_templates:
        statuses.append("descriptive_only")
    if contrast.status in {"identical", "no_variance"}:
        statuses.append("degenerate")
    elif contrast.status != "ok":
        statuses.append("descriptive_only")
    elif _fragile(comparison, steady, settings, margin):
        statuses.append("fragile")
    mass = comparison.mass_log_odds
    if mass is not None and pole_heterogeneous(contrast.estimate, mass, margin):
        statuses.append("pole_heterogeneous")
    if _one_target(scored, comparison, settings):
        statuses.append("one_target_dominates")
    return Checks(statuses=tuple(dict.fromkeys(statuses)), sign_share=share, steady=steady)


def _fragile(comparison: Comparison, steady: Steadiness, settings: Settings, margin: float) -> bool:
    """A decided verdict flips without one template or word, or under another interval method."""
    contrast = comparison.contrast
    wide, narrow = contrast.interval(settings.confidence), contrast.interval(0.9)
    if wide is None or narrow is None:
        return False
    return hangs_on_one(contrast.estimate, wide, narrow, steady, margin)


def _steadiness(scored: Scored, comparison: Comparison, settings: Settings) -> Steadiness:
    """What one unit less, and other interval methods, do to a comparison (R1b, R2)."""
    contrast = comparison.contrast
    left = [*comparison.without_a_term, *without_one(np.array(contrast.delta))]
    without = (min(left), max(left)) if left else None
    uneven = abs(contrast.skew) > SKEWED or contrast.largest_share > ONE_UNIT
    if not uneven or contrast.status != "ok":
        return Steadiness(without=without, uneven=uneven)
    other, other90 = (
        _outermost(_other_methods(scored, comparison, settings, level))
        for level in (settings.confidence, 0.9)
    )
    return Steadiness(without=without, uneven=uneven, other=other, other90=other90)


def _outermost(found: list[Limits | None]) -> Limits | None:
    known = [limits for limits in found if limits is not None]
    if len(known) < len(found):
        return None
    return min(low for low, _ in known), max(high for _, high in known)


def _other_methods(
    scored: Scored, comparison: Comparison, settings: Settings, level: float
) -> list[Limits | None]:
    """The bootstrap-t interval and the one of the trimmed mean."""
    contrast, spec = comparison.contrast, scored.probe.spec
    keys = (spec.axis, spec.id, f"{comparison.a}:{comparison.b}", "bootstrap-t", f"{level:g}")
    rng = stream(settings.seed, *keys)
    drawn = bootstrap_t_interval(np.sort(np.array(contrast.delta)), level, rng, se=contrast.se)
    return [drawn, trimmed(contrast).interval(level)]


def _one_target(scored: Scored, comparison: Comparison, settings: Settings) -> bool:
    """R3: one word carries more than half of a gap whose interval excludes 0."""
    limits = comparison.contrast.interval(settings.confidence)
    if limits is None or limits[0] <= 0 <= limits[1]:
        return False
    share = top_share(scored, comparison)
    return share is not None and share > ONE_UNIT


def top_share(scored: Scored, comparison: Comparison) -> float | None:
    """Share of a gap that the loudest target carries; None with fewer than four, or no gap."""
    gap = abs(comparison.contrast.estimate)
    if len(comparison.targets) < 4 or gap == 0:
        return None
    cube = scored.cube
    plus, minus = cube.pole("+"), cube.pole("-")
    values = np.array([c.estimate for _, c in comparison.targets])
    parts = np.concatenate([values[plus] / max(len(plus), 1), -values[minus] / max(len(minus), 1)])
    return float(np.abs(parts).max()) / gap


def lost_poles(scored: Scored, settings: Settings) -> tuple[str, ...]:
    """``incomplete`` when a pole lost too many of its words, or has hardly any probability."""
    cube = scored.cube
    for sign in ("+", "-"):
        asked = sum(target.pole == sign for target in scored.probe.targets)
        there = cube.pole(sign)
        if asked and len(there) / asked < settings.min_coverage:
            return ("incomplete",)
        if scored.probe.spec.mask == "target" and saturated(cube, there) > MOST_SATURATED:
            return ("incomplete",)
    return ()


def saturated(cube: Cube, pole: list[int]) -> float:
    """Share of a pole whose words are below the least probability a piece in every cell (R13)."""
    most = cube.values.max(axis=(0, 1))
    low = [most[i] < LEAST_LOG_PROB * max(cube.pieces[i], 1) for i in pole]
    return float(np.mean(low)) if low else 0.0
