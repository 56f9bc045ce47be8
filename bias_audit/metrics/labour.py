"""The model's shares and those of labour statistics: correlation, calibration, distance (M16).

Arrays that are not finite, or do not fit each other, raise ``ValueError``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from bias_audit.metrics.base import (
    Metric,
    MetricInfo,
    MetricOutput,
    companion,
    join_reasons,
    probe_result,
)
from bias_audit.metrics.design import Design, scored_comparisons
from bias_audit.metrics.scored_probe import ScoredProbe, Settings
from bias_audit.probes.probe import Probe
from bias_audit.results import Companion
from bias_audit.stats._arrays import finite
from bias_audit.stats.correlation import calibration_line, logit, rank_correlation
from bias_audit.utils.arrays import Floats

LABOUR_CORRELATION = MetricInfo(
    id="labour_correlation",
    name="rank correlation with labour statistics",
    unit="r",
    neutral=None,
    direction="positive: pronouns follow who holds the jobs; neither good nor bad by itself, the "
    "probe states what is wanted",
    reference="Rudinger et al. (2018, N18-2002); Caliskan et al. (2017).",
)
LABOUR_PEARSON = MetricInfo(
    id="labour_pearson",
    name="linear correlation with labour statistics",
    unit="r",
    neutral=None,
    direction="positive: gaps follow who holds the jobs; neither good nor bad by itself",
    reference="Rudinger et al. (2018, N18-2002).",
)
LABOUR_SLOPE = MetricInfo(
    id="labour_slope",
    name="calibration slope",
    unit="nats per nat",
    neutral=None,
    direction="1: the model spreads the jobs as far as the statistics do; larger: further; error "
    "in the statistics or in the sample of sentences pulls it towards 0",
    reference="This tool; least squares on the logit scale.",
)
LABOUR_INTERCEPT = MetricInfo(
    id="labour_intercept",
    name="calibration intercept",
    unit="nats",
    neutral=None,
    direction="positive: the first word is preferred in a job that is held by both alike",
    reference="This tool; least squares on the logit scale.",
)
LABOUR_DISTANCE = MetricInfo(
    id="labour_distance",
    name="mean distance from labour statistics",
    unit="probability",
    neutral=None,
    direction="larger: the model's shares are further from those of the statistics, job by job",
)


def mean_distance(logits: ArrayLike, shares: ArrayLike) -> float:
    """Return the mean absolute difference of the model's shares and those of the statistics.

    Args:
        logits: (n,) logit of the model's share of the first word for each job, nats: the log of
            P(she) / P(he), averaged over sentences.
        shares: (n,) shares of the statistics, in [0, 1].

    Returns:
        A value in [0, 1]; times 100 it is percentage points.

    >>> mean_distance([0.0, 0.0], [0.5, 0.3])
    0.1
    """
    model, known = finite(logits, ndim=1, name="logits"), finite(shares, ndim=1, name="shares")
    if model.shape != known.shape:
        raise ValueError(f"expected one share for each job, got {known.size} for {model.size}")
    return float(np.mean(np.abs(expit(model) - known)))


def labour(scored: ScoredProbe, settings: Settings) -> MetricOutput:
    """Return the rank correlation of per-target gaps with the fact that defines the poles.

    A gap is that of the group whose share the fact states to the other group, whichever of them
    the probe names first.
    """
    spec = scored.probe.spec
    where = spec.targets.plus.where if spec.targets.plus else None
    pairs = scored_comparisons(scored)
    if where is None or len(pairs) != 1:
        return MetricOutput()
    share = _shares(scored, where.fact)
    usable = np.isfinite(share) & (share > 0) & (share < 1)
    a, b = pairs[0]
    gaps = Design(scored, a, b).difference(scored.cube.values).mean(axis=0)
    whose = spec.targets.share_of
    if whose == b:
        a, b, gaps = b, a, -gaps
    elif whose not in (None, a):
        why = f"the fact states the share of '{whose}', of which no word was scored"
        return _output(scored, (a, b), None, where.fact, n_targets=0, reason=why)
    rng = scored.rng(settings, "labour_correlation")
    fit = rank_correlation(logit(share[usable]), gaps[usable], rng, level=settings.confidence)
    if fit is None:
        return MetricOutput()
    pearson = companion(LABOUR_PEARSON, fit.pearson.r, (fit.pearson.low, fit.pearson.high))
    calibrated = spec.mask == "group" and scored.unit == "nats"
    return _output(
        scored,
        (a, b),
        fit.spearman.r,
        where.fact,
        ci_low=fit.spearman.low,
        ci_high=fit.spearman.high,
        confidence=settings.confidence,
        p_value=fit.spearman.p,
        p_method=f"Spearman, {fit.draws} permutations; percentile bootstrap over targets",
        n_targets=fit.n,
        reason=_left_out(share),
        companions=(
            pearson,
            *(_calibration(share[usable], gaps[usable], settings) if calibrated else ()),
        ),
    )


def _output(
    scored: ScoredProbe,
    groups: tuple[str, str],
    estimate: float | None,
    fact: str,
    **more: Any,
) -> MetricOutput:
    """The record of the correlation with a fact."""
    result = probe_result(
        scored, LABOUR_CORRELATION, groups, estimate, about=fact, target=fact, **more
    )
    return MetricOutput(results=(result,))


def _shares(scored: ScoredProbe, fact: str) -> Floats:
    """The fact of each scored target as a share; not a number where it has none."""
    facts = {target.word.id: target.facts.get(fact) for target in scored.probe.targets}
    known = [np.nan if (f := facts[n]) is None else f for n in scored.cube.targets]
    return np.array(known, dtype=float) / 100


def _left_out(share: Floats) -> str:
    """Which targets have no logit, in words; empty where all have one."""
    unknown = int(np.count_nonzero(~np.isfinite(share)))
    ends = int(np.count_nonzero((share <= 0) | (share >= 1)))
    return join_reasons(
        f"{unknown} scored words without the fact are left out" if unknown else "",
        f"{ends} scored words at 0 or 100 % have no logit and are left out" if ends else "",
    )


def _calibration(share: Floats, gaps: Floats, settings: Settings) -> tuple[Companion, ...]:
    """How the model's shares follow those of the statistics; a gap is the logit of a share."""
    line = calibration_line(logit(share), gaps, settings.confidence)
    apart = companion(LABOUR_DISTANCE, mean_distance(gaps, share))
    if line is None:
        return (apart,)
    return (
        companion(LABOUR_SLOPE, line.slope, (line.slope_low, line.slope_high)),
        companion(LABOUR_INTERCEPT, line.intercept, (line.intercept_low, line.intercept_high)),
        apart,
    )


def _needs_fact(probe: Probe) -> str:
    plus = probe.spec.targets.plus
    if len(probe.groups) != 2 or plus is None or plus.where is None:
        return "it needs two groups, and poles that are defined by a fact"
    return ""


METRICS = (
    Metric(
        info=LABOUR_CORRELATION,
        companions=(LABOUR_PEARSON, LABOUR_SLOPE, LABOUR_INTERCEPT, LABOUR_DISTANCE),
        measure=labour,
        unsupported=_needs_fact,
    ),
)
