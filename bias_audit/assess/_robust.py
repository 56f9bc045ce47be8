"""Checks that reuse the cells: does a conclusion hang on one sentence, one word or one method?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bias_audit.assess._input import Comparison, Scored, Settings
from bias_audit.metrics.log_odds import pole_heterogeneous
from bias_audit.stats.contrast import trimmed
from bias_audit.stats.seeds import stream
from bias_audit.stats.shape import bootstrap_t_interval
from bias_audit.tables import Cube

SKEWED = 1.0
ONE_UNIT = 0.5
MIXED_DIRECTION = 0.75
MIN_ROWS = 3
LEAST_LOG_PROB = math.log(1e-7)
"""Nats a piece below which a word is saturated (R13)."""
MOST_SATURATED = 0.5

Limits = tuple[float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Checks:
    """What the checks found for one comparison."""

    statuses: tuple[str, ...]
    sign_share: float | None
    """Share of templates whose difference has the sign of the estimate (R1a)."""


def check(scored: Scored, comparison: Comparison, settings: Settings) -> Checks:
    """Run the checks R1a, R1b, R2, R3 and the assumption checks of the primary analysis."""
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
    if _one_target(scored, comparison, settings):
        statuses.append("one_target_dominates")
    return Checks(statuses=tuple(dict.fromkeys(statuses)), sign_share=share)


def _side(estimate: float, wide: Limits, narrow: Limits, margin: float) -> str:
    """Where a gap lies: ``inside`` or ``outside`` the margin (with its side), or ``open``.

    As in judging: inside by the 90 % interval (``narrow``), outside by the reported one.
    """
    if -margin < narrow[0] and narrow[1] < margin:
        return "inside"
    if wide[0] > margin or wide[1] < -margin:
        return "outside+" if estimate > 0 else "outside-"
    return "open"


def _fragile(scored: Scored, comparison: Comparison, settings: Settings, margin: float) -> bool:
    """A decided verdict flips without one template or word, or under another interval method."""
    contrast = comparison.contrast
    wide, narrow = contrast.interval(settings.confidence), contrast.interval(0.9)
    if wide is None or narrow is None:
        return False
    said = _side(contrast.estimate, wide, narrow, margin)
    if said == "open":
        return False
    if any(
        _side(mean, _shifted(wide, step), _shifted(narrow, step), margin) != said
        for mean, step in _leave_one_out(comparison)
    ):
        return True
    if abs(contrast.skew) <= SKEWED and contrast.largest_share <= ONE_UNIT:
        return False
    return any(
        other_wide is None
        or other_narrow is None
        or _side(middle, other_wide, other_narrow, margin) != said
        for middle, other_wide, other_narrow in _other_methods(scored, comparison, settings)
    )


def _leave_one_out(comparison: Comparison) -> list[tuple[float, float]]:
    """Estimate without each template and each word in turn, and how far that moves the interval.

    The interval keeps the full design's width, so that a flip is due to the unit's value and not
    to the loss of one row or column (R1b, R2).
    """
    contrast = comparison.contrast
    delta = np.array(contrast.delta)
    left = list(comparison.without_a_term)
    if delta.size >= MIN_ROWS:
        left += [float(mean) for mean in (delta.sum() - delta) / (delta.size - 1)]
    return [(mean, mean - contrast.estimate) for mean in left]


def _shifted(limits: Limits, step: float) -> Limits:
    return limits[0] + step, limits[1] + step


def _other_methods(
    scored: Scored, comparison: Comparison, settings: Settings
) -> list[tuple[float, Limits | None, Limits | None]]:
    """Bootstrap-t and trimmed versions of the estimate and its two intervals."""
    contrast, spec = comparison.contrast, scored.probe.spec
    delta = np.sort(np.array(contrast.delta))

    def bootstrap(level: float) -> Limits | None:
        keys = (spec.axis, spec.id, f"{comparison.a}:{comparison.b}", "bootstrap-t", f"{level:g}")
        rng = stream(settings.seed, *keys)
        return bootstrap_t_interval(delta, level, rng, se=contrast.se)

    cut = trimmed(contrast)
    return [
        (contrast.estimate, bootstrap(settings.confidence), bootstrap(0.9)),
        (cut.estimate, cut.interval(settings.confidence), cut.interval(0.9)),
    ]


def _one_target(scored: Scored, comparison: Comparison, settings: Settings) -> bool:
    """R3: one word carries more than half of a gap whose interval excludes 0."""
    limits = comparison.contrast.interval(settings.confidence)
    if len(comparison.targets) < 4 or limits is None or limits[0] <= 0 <= limits[1]:
        return False
    cube = scored.cube
    plus, minus = cube.pole("+"), cube.pole("-")
    values = np.array([c.estimate for _, c in comparison.targets])
    parts = np.concatenate([values[plus] / max(len(plus), 1), -values[minus] / max(len(minus), 1)])
    return bool(np.abs(parts).max() > ONE_UNIT * abs(comparison.contrast.estimate))


def lost_poles(scored: Scored, settings: Settings) -> tuple[str, ...]:
    """``incomplete`` when a pole lost too many of its words, or has hardly any probability."""
    cube = scored.cube
    for sign in ("+", "-"):
        asked = sum(target.pole == sign for target in scored.probe.targets)
        there = cube.pole(sign)
        if asked and len(there) / asked < settings.min_coverage:
            return ("incomplete",)
        if scored.probe.spec.mask == "target" and _saturated(cube, there) > MOST_SATURATED:
            return ("incomplete",)
    return ()


def _saturated(cube: Cube, pole: list[int]) -> float:
    """Share of a pole whose words are below the least probability a piece in every cell (R13)."""
    most = cube.values.max(axis=(0, 1))
    low = [most[i] < LEAST_LOG_PROB * max(cube.pieces[i], 1) for i in pole]
    return float(np.mean(low)) if low else 0.0
