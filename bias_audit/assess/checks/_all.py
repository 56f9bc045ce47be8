"""All checks of a probe's primary results; what they share is computed once for the probe."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from bias_audit.archive import Check, Result
from bias_audit.assess import _robust
from bias_audit.assess._input import Comparison, Scored, Settings
from bias_audit.assess.checks import _halves, _null, _planted, _twins, _words
from bias_audit.assess.checks._record import described, impossible, judged
from bias_audit.stats.estimate import Contrast
from bias_audit.stats.fragility import decided_side, depends_on_one_unit

FOLLOWS = ("instrument_failed", "confounded", "p_withheld", "fragile")
"""Consequences that are statuses of the result from here on; the others are set elsewhere."""


class Examination:
    """The checks of one probe."""

    def __init__(
        self,
        scored: Scored,
        settings: Settings,
        *,
        gaps: tuple[float, ...] = (),
        pair: _twins.Twins | None = None,
    ) -> None:
        """Prepare.

        Args:
            scored: the probe.
            settings: choices of the analysis.
            gaps: sizes of single placebo gaps, nats.
            pair: the probe with its negated twin, if that was scored.
        """
        self.scored, self.settings = scored, settings
        self.gaps, self.pair = gaps, pair
        self._made: dict[tuple[str, str], tuple[Check, ...]] = {}

    @cached_property
    def _planted(self) -> _planted.Planted | str:
        return _planted.planted(self.scored)

    @cached_property
    def _properties(self) -> _words.Properties:
        return _words.properties(self.scored)

    def checks(self, comparison: Comparison, known: _robust.Checks) -> tuple[Check, ...]:
        """Every check that applies to a comparison, in the order of their codes."""
        scored = self.scored
        made = (
            *_sentences(scored, comparison, known),
            _halves.ranking(scored, comparison, self.settings),
            _halves.swapped_words(scored, comparison, known),
            *_target(comparison, known, scored),
            *self._firm(comparison),
        )
        return tuple(check for check in made if check is not None)

    def forbids(self, comparison: Comparison) -> tuple[str, ...]:
        """Statuses that follow from checks which ask about no verdict of a whole family."""
        return _follows(self._firm(comparison))

    def _firm(self, comparison: Comparison) -> tuple[Check, ...]:
        """The checks that do not depend on the level at which a family decides, made once."""
        key = comparison.a, comparison.b
        if key not in self._made:
            self._made[key] = self._make(comparison)
        return self._made[key]

    def _make(self, comparison: Comparison) -> tuple[Check, ...]:
        scored = self.scored
        dealt = _null.null_checks(scored, comparison, self.settings)
        made = (
            _words.adjustment(scored, comparison, self._properties),
            self._placebo(comparison),
            *dealt[:1],
            self._recovered(comparison),
            *dealt[1:],
            *_saturation(scored),
            _twins.negation(self.pair, comparison) if self.pair else None,
        )
        return tuple(check for check in made if check is not None)

    def _placebo(self, comparison: Comparison) -> Check:
        found = percentile(comparison.contrast.estimate, self.gaps)
        if found is None:
            return impossible("R5", "the probe has no placebo groups")
        return described("R5", found, f"among {len(self.gaps)} placebo gaps")

    def _recovered(self, comparison: Comparison) -> Check:
        pair = self._planted
        if isinstance(pair, str):
            return impossible("R8a", pair)
        return _planted.recovered(self.scored, pair, comparison)

    def adjusted(self, comparison: Comparison) -> float | None:
        """The gap at equal frequency and length of the words, nats (R4); None where it has none."""
        found = _words.at_equal(self.scored, comparison, self._properties)
        return found.estimate if found else None


def applied(result: Result, checks: tuple[Check, ...]) -> Result:
    """The result with its checks and with what follows from those that did not hold."""
    follows = _follows(checks)
    statuses = tuple(dict.fromkeys((*result.statuses, *follows)))
    update: dict[str, Any] = {"checks": checks, "statuses": statuses}
    if "p_withheld" in follows:
        update |= {"p_value": None, "p_method": f"withheld (R7): {result.p_method}"}
    return result.model_copy(update=update)


def _follows(checks: tuple[Check, ...]) -> tuple[str, ...]:
    return tuple(check.consequence for check in checks if check.consequence in FOLLOWS)


def percentile(estimate: float, gaps: tuple[float, ...]) -> float | None:
    """Share of placebo gaps that are smaller in size; None without any."""
    return sum(gap < abs(estimate) for gap in gaps) / len(gaps) if gaps else None


def _sentences(scored: Scored, comparison: Comparison, known: _robust.Checks) -> Iterator[Check]:
    """R1a and R1b: direction by sentence, and the estimate without one sentence or word."""
    contrast, margin = comparison.contrast, scored.probe.spec.margin
    if known.sign_share is not None:
        share, agree = known.sign_share, known.sign_share >= _robust.MIXED_DIRECTION
        loud = "direction_depends_on_phrasing"
        yield judged("R1a", share, _robust.MIXED_DIRECTION, agree, loud, _spread(contrast))
    low, high = known.bounds.without_low, known.bounds.without_high
    if low is None or high is None or contrast.se is None:
        yield impossible("R1b", "too few sentences, or no interval")
        return
    moved = max(abs(value - contrast.estimate) for value in (low, high))
    check = described("R1b", moved, "nats that one sentence or one word moves it at most")
    if decided_side(contrast, margin, known.level) is not None:
        alone = replace(known.bounds, uneven=False)
        flips = depends_on_one_unit(contrast, alone, margin, known.level)
        state = {"state": "not_held", "consequence": "fragile"} if flips else {"state": "held"}
        check = check.model_copy(update=state)
    yield check


def _spread(contrast: Contrast) -> str:
    """How far the sentences lie apart, and how much of it is more than the noise of cells."""
    delta = np.array(contrast.delta)
    said = f"gaps of the sentences from {delta.min():+.2f} to {delta.max():+.2f} nats"
    whole, noise = contrast.variance.get("templates", 0.0), contrast.variance.get("residual")
    if delta.size > 1:
        said += f", standard deviation {delta.std(ddof=1):.2f}"
    if whole > 0 and noise is not None:
        said += f"; {max(1 - noise / whole, 0.0):.0%} of their variance is the sentences' own"
    return said


def _target(comparison: Comparison, known: _robust.Checks, scored: Scored) -> Iterator[Check]:
    """R3: share of the gap that one target carries."""
    found = _robust.top_share(scored, comparison)
    if found is not None and not _robust.detected(comparison):
        yield described("R3", found, "the interval of the gap holds 0")
    elif found is not None:
        loud = "one_target_dominates"
        yield judged("R3", found, _robust.ONE_UNIT, loud not in known.statuses, loud)


def _saturation(scored: Scored) -> Iterator[Check]:
    """R13a and R13b: words, and whole poles, that have hardly any probability."""
    if scored.probe.spec.mask == "target" and not scored.probe.spec.targets.own:
        cube = scored.cube
        for name, share, limit in (
            ("R13a", _robust.saturated, _robust.MOST_SATURATED),
            ("R13b", _robust.thin, _robust.MOST_THIN),
        ):
            most = max(share(cube, cube.pole(sign)) for sign in "+-")
            yield judged(name, most, limit, most <= limit, "incomplete")
