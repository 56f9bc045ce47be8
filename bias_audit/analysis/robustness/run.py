"""All checks of a probe's primary results; what they share is computed once for the probe."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np

from bias_audit.analysis.robustness.check_record import (
    informational,
    not_computable,
    passed_or_failed,
)
from bias_audit.analysis.robustness.negation import Twins, check_negation
from bias_audit.analysis.robustness.null_calibration import check_null
from bias_audit.analysis.robustness.planted_effect import PlantedProbe, check_recovered, plant_gaps
from bias_audit.analysis.robustness.stability import (
    MIXED_DIRECTION,
    MOST_SATURATED,
    MOST_THIN,
    ONE_UNIT,
    StabilityChecks,
    check_half_of_words,
    check_ranking,
    is_detected,
    saturated_share,
    thin_share,
    top_share,
)
from bias_audit.analysis.robustness.target_frequency import check_target_frequency
from bias_audit.analysis.robustness.word_frequency import check_adjustment, gap_at_equal
from bias_audit.metrics.design import Comparison
from bias_audit.metrics.scored_probe import ScoredProbe, Settings
from bias_audit.metrics.word_properties import Properties, properties
from bias_audit.results import Check, Result
from bias_audit.stats.estimate import Contrast
from bias_audit.stats.fragility import decided_side, depends_on_one_unit
from bias_audit.utils.readings import READINGS

FOLLOWS = ("instrument_failed", "confounded", "p_withheld", "fragile", "target_frequency")
"""Consequences that are statuses of the result from here on; the others are set elsewhere."""


class Examination:
    """The checks of one probe."""

    def __init__(
        self, scored: ScoredProbe, settings: Settings, *, pair: Twins | None = None
    ) -> None:
        """Prepare.

        Args:
            scored: the probe.
            settings: choices of the analysis.
            pair: the probe with its negated twin, if that was scored.
        """
        self.scored, self.settings = scored, settings
        self.pair = pair

    @cached_property
    def _plant(self) -> PlantedProbe | str:
        return plant_gaps(self.scored)

    @cached_property
    def _properties(self) -> Properties:
        return properties(self.scored)

    def checks(self, comparison: Comparison, known: StabilityChecks) -> tuple[Check, ...]:
        """Return every check that applies to a comparison, in the order of their codes."""
        scored = self.scored
        dealt = check_null(scored, comparison, self.settings)
        checks = (
            *_sentences(scored, comparison, known),
            check_ranking(scored, comparison, self.settings),
            check_half_of_words(scored, comparison, known),
            *_target(comparison, known, scored),
            check_adjustment(scored, comparison, self._properties),
            *dealt[:1],
            self._check_recovery(comparison),
            *dealt[1:],
            *_saturation(scored),
            check_negation(self.pair, comparison) if self.pair else None,
            check_target_frequency(scored, comparison),
        )
        return tuple(check for check in checks if check is not None)

    def _check_recovery(self, comparison: Comparison) -> Check:
        pair = self._plant
        if isinstance(pair, str):
            return not_computable("R8a", pair)
        return check_recovered(self.scored, pair, comparison)

    def adjusted_gap(self, comparison: Comparison) -> float | None:
        """The gap at equal frequency and length of the words, nats (R4); None where it has none."""
        fit = gap_at_equal(self.scored, comparison, self._properties)
        return fit.estimate if fit else None


def with_checks(result: Result, checks: tuple[Check, ...]) -> Result:
    """Return the result with its checks and with what follows from those that did not hold."""
    follows = _follows(checks)
    statuses = tuple(dict.fromkeys((*result.statuses, *follows)))
    update: dict[str, Any] = {"checks": checks, "statuses": statuses}
    if "p_withheld" in follows:
        update |= {"p_value": None, "p_method": f"withheld (R7): {result.p_method}"}
    return result.model_copy(update=update)


def _follows(checks: tuple[Check, ...]) -> tuple[str, ...]:
    return tuple(check.consequence for check in checks if check.consequence in FOLLOWS)


def _sentences(
    scored: ScoredProbe, comparison: Comparison, known: StabilityChecks
) -> Iterator[Check]:
    """R1a and R1b: direction by sentence, and the estimate without one sentence or word."""
    contrast, margin = comparison.these_words, scored.margin
    if known.sign_share is not None:
        share, agree = known.sign_share, known.sign_share >= MIXED_DIRECTION
        loud = "direction_depends_on_phrasing"
        yield passed_or_failed(
            "R1a", share, MIXED_DIRECTION, agree, loud, _spread(contrast, scored.unit)
        )
    low, high = known.bounds.loo_low, known.bounds.loo_high
    if low is None or high is None or contrast.se is None:
        yield not_computable("R1b", "too few sentences, or no interval")
        return
    moved = max(abs(value - contrast.estimate) for value in (low, high))
    note = f"{scored.unit} that one sentence or one word moves it at most"
    check = informational("R1b", moved, note)
    side = decided_side(contrast, margin)
    if side is not None:
        flips = depends_on_one_unit(known.bounds, side, margin)
        state = {"state": "not_held", "consequence": "fragile"} if flips else {"state": "held"}
        check = check.model_copy(update=state)
    yield check


def _spread(contrast: Contrast, unit: str) -> str:
    """How far the sentences lie apart, and how much of it is more than the noise of cells."""
    delta = np.array(contrast.delta)
    text = f"gaps of the sentences from {delta.min():+.2f} to {delta.max():+.2f} {unit}"
    whole, noise = (
        contrast.variance.get("templates", 0.0),
        contrast.shared.get(("templates", "terms")),
    )
    if delta.size > 1:
        text += f", standard deviation {delta.std(ddof=1):.2f}"
    if whole > 0 and noise is not None:
        text += f"; {max(1 - noise / whole, 0.0):.0%} of their variance is the sentences' own"
    return text


def _target(comparison: Comparison, known: StabilityChecks, scored: ScoredProbe) -> Iterator[Check]:
    """R3: share of the gap that one target carries."""
    share = top_share(scored, comparison)
    if share is not None and not is_detected(comparison):
        yield informational("R3", share, "the interval of the gap holds 0")
    elif share is not None:
        loud = "one_target_dominates"
        yield passed_or_failed("R3", share, ONE_UNIT, loud not in known.statuses, loud)


def _saturation(scored: ScoredProbe) -> Iterator[Check]:
    """R13a and R13b: words, and whole poles, that have hardly any probability."""
    spec = scored.probe.spec
    if spec.mask == "target" and not spec.targets.own and READINGS[scored.reading].of == "word":
        cube = scored.cube
        for name, share, limit in (
            ("R13a", saturated_share, MOST_SATURATED),
            ("R13b", thin_share, MOST_THIN),
        ):
            most = max(share(cube, cube.pole(sign)) for sign in "+-")
            yield passed_or_failed(name, most, limit, most <= limit, "incomplete")
