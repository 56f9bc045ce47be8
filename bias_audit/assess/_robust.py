"""Checks that reuse the cells: does a conclusion hang on one sentence, one word or one method?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bias_audit.assess._input import Comparison, Scored, Settings
from bias_audit.metrics.log_odds import pole_heterogeneous
from bias_audit.stats.contrast import trimmed
from bias_audit.stats.estimate import Contrast
from bias_audit.stats.seeds import stream
from bias_audit.stats.shape import bootstrap_t_interval

SKEWED = 1.0
ONE_UNIT = 0.5
MIXED_DIRECTION = 0.75
LOST_POLE = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Checks:
    """What the checks found for one comparison."""

    statuses: tuple[str, ...]
    sign_share: float | None
    """Share of templates whose difference has the sign of the estimate (R1a)."""


def check(scored: Scored, comparison: Comparison, settings: Settings) -> Checks:
    """Run the checks R1a, R1b, R3 and the assumption checks of the primary analysis."""
    contrast, margin = comparison.contrast, scored.probe.spec.margin
    delta = np.array(contrast.delta)
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
    elif _fragile(scored, comparison, settings, margin):
        statuses.append("fragile")
    mass = comparison.mass_log_odds
    if mass is not None and pole_heterogeneous(contrast.estimate, mass, margin):
        statuses.append("pole_heterogeneous")
    if _one_target(scored, comparison):
        statuses.append("one_target_dominates")
    return Checks(statuses=tuple(dict.fromkeys(statuses)), sign_share=share)


def verdict(estimate: float, low: float, high: float, margin: float) -> str:
    """Where an interval lies: ``inside`` or ``outside`` the margin (with its side), or ``open``."""
    if -margin < low and high < margin:
        return "inside"
    if low > margin or high < -margin:
        return "outside+" if estimate > 0 else "outside-"
    return "open"


def _fragile(scored: Scored, comparison: Comparison, settings: Settings, margin: float) -> bool:
    """A decided verdict flips without one template, or under another interval method (2.2, R1b)."""
    contrast = comparison.contrast
    limits = contrast.interval(settings.confidence)
    if limits is None:
        return False
    said = verdict(contrast.estimate, *limits, margin)
    if said == "open":
        return False
    if any(_contradicts(said, left, margin) for left in _leave_one_out(contrast, settings)):
        return True
    if abs(contrast.skew) <= SKEWED and contrast.largest_share <= ONE_UNIT:
        return False
    spec = scored.probe.spec
    rng = stream(settings.seed, spec.axis, spec.id, f"{comparison.a}:{comparison.b}", "bootstrap-t")
    other = bootstrap_t_interval(np.array(contrast.delta), settings.confidence, rng, se=contrast.se)
    cut = trimmed(contrast)
    cut_limits = cut.interval(settings.confidence)
    methods = [(contrast.estimate, other), (cut.estimate, cut_limits)]
    return any(
        found is None or verdict(middle, *found, margin) != said for middle, found in methods
    )


def _leave_one_out(contrast: Contrast, settings: Settings) -> list[tuple[float, float, float]]:
    """Estimate and interval without each template in turn.

    The interval keeps the full design's width, so that a flip is due to the template's value and
    not to the loss of one row.
    """
    delta, limits = np.array(contrast.delta), contrast.interval(settings.confidence)
    if limits is None or delta.size < 3:
        return []
    half = (limits[1] - limits[0]) / 2
    left = (delta.sum() - delta) / (delta.size - 1)
    return [(float(mean), float(mean) - half, float(mean) + half) for mean in left]


def _contradicts(said: str, left: tuple[float, float, float], margin: float) -> bool:
    return verdict(*left, margin) != said


def _one_target(scored: Scored, comparison: Comparison) -> bool:
    """R3: one word carries more than half of the gap."""
    if len(comparison.targets) < 4:
        return False
    cube = scored.cube
    plus, minus = cube.pole("+"), cube.pole("-")
    values = np.array([c.estimate for _, c in comparison.targets])
    parts = np.concatenate([values[plus] / max(len(plus), 1), -values[minus] / max(len(minus), 1)])
    return bool(np.abs(parts).max() > ONE_UNIT * abs(comparison.contrast.estimate))


def lost_poles(scored: Scored, settings: Settings) -> tuple[str, ...]:
    """``incomplete`` when a pole lost too many of its words to the vocabulary."""
    for sign in ("+", "-"):
        asked = sum(target.pole == sign for target in scored.probe.targets)
        there = len(scored.cube.pole(sign))
        if asked and there / asked < settings.min_coverage:
            return ("incomplete",)
    return ()
