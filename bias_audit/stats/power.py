"""How often a gate of a given size would decide: data sets drawn from components of variance.

Sentence, word, target and cell effects are drawn as normal. The contrast of every data set and its
verdict are made as those of an audit, leave-one-out and the other interval methods included.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from bias_audit.stats import severity
from bias_audit.stats.draws import Components, Size, draw
from bias_audit.stats.equivalence import Outcome, outcome
from bias_audit.stats.estimate import Contrast
from bias_audit.stats.many import Design, Many
from bias_audit.stats.steady import Limits, Steadiness, hangs_on_one

ALPHA = 0.05
AT_ONCE = 1_000_000
"""Numbers drawn at a time: bounds the memory whatever the size."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A second model beside the one of the components: its baseline, for gates on a rise."""

    components: Components
    """Of the paired differences."""
    baseline: float
    """Size of the baseline's gap, nats."""


class Shares(NamedTuple):
    """Shares of the data sets by verdict, in [0, 1]."""

    passed: float
    unclear: float
    failed: float


def shares(
    design: Design,
    components: Components,
    size: Size,
    *,
    limit: float,
    truths: tuple[float, ...],
    runs: int,
    rng: np.random.Generator,
    change: Change | None = None,
) -> list[Shares]:
    """Return what a gate says of simulated audits, for each true value.

    Args:
        design: what is compared.
        components: of the audited model.
        size: how much is asked.
        limit: largest accepted gap, or rise.
        truths: true gaps, or true rises over the baseline; at least 0.
        runs: data sets; the same ones serve all true values.
        rng: source of the draws.
        change: given for a gate on the rise.
    """
    counts: list[Counter[Outcome]] = [Counter() for _ in truths]
    (checks,) = rng.spawn(1)  # so that how many checks were needed moves no data set
    for number in _batches(design, size, runs):
        drawn = draw(rng, number, size, design, components)
        step = None if change is None else draw(rng, number, size, design, change.components)
        single = Many(design, drawn)
        if step is None or change is None:
            for count, truth in zip(counts, truths, strict=True):
                count.update(_sizes(single, truth, limit, checks))
            continue
        moved, both = Many(design, step), Many(design, drawn.plus(step, 2.0))
        for count, truth in zip(counts, truths, strict=True):
            models = _Models(single, moved, both, change.baseline, truth)
            count.update(_rises(models, limit, checks))
    return [Shares(*(c[key] / runs for key in ("pass", "unclear", "fail"))) for c in counts]


def _batches(design: Design, size: Size, runs: int) -> Iterator[int]:
    """Numbers of data sets that fit into memory together."""
    numbers = 4 * (size.templates + size.columns(design) * design.groups + size.targets)
    most = max(AT_ONCE // numbers, 1)
    for start in range(0, runs, most):
        yield min(most, runs - start)


def _sizes(many: Many, truth: float, limit: float, rng: np.random.Generator) -> Iterator[Outcome]:
    """The verdicts of an absolute gate."""
    uneven = many.uneven(truth)
    without = zip((many.low + truth).tolist(), (many.high + truth).tolist(), strict=True)
    found = zip(many.contrasts(truth), without, strict=True)
    for number, (contrast, left) in enumerate(found):
        state = outcome(contrast, limit, p_beyond_adjusted=contrast.p_beyond(limit))
        wide, narrow = contrast.interval(0.95), contrast.interval(0.9)
        if state == "unclear" or wide is None or narrow is None:
            yield "unclear"
            continue
        steady = Steadiness(without=left, uneven=uneven[number])
        if steady.uneven:
            level = 0.9 if state == "pass" else 0.95
            other = many.other_limits(number, truth, level, rng)
            steady = replace(steady, other=other, other90=other)
        fragile = hangs_on_one(contrast.estimate, wide, narrow, steady, limit)
        yield "unclear" if fragile else state


@dataclass(kw_only=True, slots=True)
class _Bound:
    """One claim about a rise, as :mod:`bias_audit.stats.severity` reads it."""

    estimate: float
    se: float | None
    df: float | None
    loo_low: float | None
    loo_high: float | None
    skewed: bool
    alt_ci_low: float | None = None
    alt_ci_high: float | None = None


class _Claims:
    """One contrast of two models, as a claim with either sign."""

    def __init__(self, many: Many, truth: float) -> None:
        self.many, self.truth = many, truth
        self.contrasts: list[Contrast] = many.contrasts(truth)
        self.low: list[float] = (many.low + truth).tolist()
        self.high: list[float] = (many.high + truth).tolist()
        self.skewed = many.uneven(truth)

    def bound(self, number: int, sign: int) -> _Bound:
        """The claim of one data set, without the other interval methods."""
        contrast = self.contrasts[number]
        low, high = _turned((self.low[number], self.high[number]), sign)
        return _Bound(
            estimate=sign * contrast.estimate,
            se=contrast.se,
            df=contrast.df,
            loo_low=low,
            loo_high=high,
            skewed=self.skewed[number],
        )

    def check(
        self, bound: _Bound, number: int, sign: int, level: float, rng: np.random.Generator
    ) -> None:
        """Add what the other interval methods say, where they have to agree."""
        if not bound.skewed:
            return
        found = self.many.other_limits(number, self.truth, 2 * level - 1, rng)
        if found is not None:
            bound.alt_ci_low, bound.alt_ci_high = _turned(found, sign)


class _Models(NamedTuple):
    """A baseline, what changed, and the sum of both models."""

    old: Many
    step: Many
    both: Many
    gap: float
    """True gap of the baseline."""
    rise: float
    """True rise."""


def _rises(models: _Models, limit: float, rng: np.random.Generator) -> Iterator[Outcome]:
    """The verdicts of a gate on the rise."""
    step = _Claims(models.step, models.rise)
    both = _Claims(models.both, 2 * models.gap + models.rise)
    for number, old in enumerate(models.old.contrasts(models.gap)):
        sign, level = severity.direction(old)
        bounds = step.bound(number, sign), both.bound(number, -sign)
        held = severity.p_held(bounds, limit, level)
        risen = severity.p_risen(bounds, limit, level)
        if held is None or risen is None or (held > ALPHA and risen > ALPHA):
            yield "unclear"
            continue
        passes = held <= ALPHA
        step.check(bounds[0], number, sign, level, rng)
        both.check(bounds[1], number, -sign, level, rng)
        fragile = severity.hangs_on_one(bounds, limit, level, held=passes)
        yield "unclear" if fragile else ("pass" if passes else "fail")


def _turned(limits: Limits, sign: int) -> Limits:
    return limits if sign > 0 else (-limits[1], -limits[0])
