"""Shares of a closed set of words, and their ratio between groups (M4).

Arrays that are not finite, or do not fit each other, raise ``ValueError``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp

from bias_audit.metrics.base import (
    Metric,
    MetricInfo,
    MetricOutput,
    chosen_pair,
    companion,
    interval_fields,
    join_reasons,
    needs_named_groups,
    probe_result,
)
from bias_audit.metrics.design import Design, scored_groups
from bias_audit.metrics.score_cube import ScoreCube
from bias_audit.metrics.scored_probe import ScoredProbe, Settings
from bias_audit.results import Companion
from bias_audit.stats._arrays import Indices, columns, finite
from bias_audit.stats.estimate import Contrast
from bias_audit.utils.arrays import Floats

FOUR_FIFTHS_RATIO = MetricInfo(
    id="four_fifths",
    name="ratio of closed-set shares (four fifths)",
    unit="ratio",
    neutral=1.0,
    direction="smaller: the pole's share differs more between the groups; the rule of four fifths "
    "is borrowed from selection rates of people and has no legal meaning for probabilities",
    reference="29 CFR 1607.4(D) (1978), Uniform Guidelines on Employee Selection Procedures.",
)
CLOSED_SHARE = MetricInfo(
    id="closed_share",
    name="share of the first pole",
    unit="probability",
    neutral=None,
    direction="larger: more of the probability of both poles falls on the first",
    reference="This tool; softmax over the targets, geometric mean over sentences and words.",
)
NEITHER_SHARE = MetricInfo(
    id="neither_share",
    name="share of the words in neither pole",
    unit="probability",
    neutral=None,
    direction="larger: more of the probability of all targets falls on words of neither pole, such "
    "as 'they' next to 'she' and 'he'",
    reference="This tool; softmax over the targets, geometric mean over sentences and words.",
)

LEAST = 1e-6
"""Below this share in every group a ratio says nothing."""


def closed_log_share(scores: ArrayLike, some: Indices, all_: Indices) -> Floats:
    """Return the log of the probability of some words within a closed set, (J, T), at most 0.

    Words of several pieces are on no common scale with words of one: then the share is for
    looking only.

    Args:
        scores: (J, T, A) log-scores, templates by terms by targets.
        some: targets whose share is wanted.
        all_: targets of the closed set, ``some`` among them.
    """
    cells = finite(scores, ndim=3, name="scores")
    part = columns(some, cells.shape[2], name="some")
    whole = columns(all_, cells.shape[2], name="all_")
    if not set(part.tolist()) <= set(whole.tolist()):
        raise ValueError("the closed set lacks some of the words whose share is wanted")
    share = logsumexp(cells[:, :, part], axis=2) - logsumexp(cells[:, :, whole], axis=2)
    return np.asarray(np.minimum(share, 0.0))


def impact_ratio(log_shares: ArrayLike) -> float | None:
    """Return the smallest share over the largest, in [0, 1]; 1 is parity.

    With several groups the largest is the noisiest, so the ratio describes and decides nothing.

    Args:
        log_shares: (k,) log of each group's share.

    Returns:
        None where no group's share reaches 1e-6.

    Source: 29 CFR 1607.4(D) (1978), a rule of thumb for selection rates of people.

    >>> impact_ratio(np.log([0.4, 0.5]))
    0.8
    """
    shares = finite(log_shares, ndim=1, name="log_shares")
    fewest = 2
    if shares.size < fewest:
        raise ValueError(f"expected the shares of two groups or more, got {shares.size}")
    if float(shares.max()) < math.log(LEAST):
        return None
    return math.exp(-float(np.ptp(shares)))


def ratio_limits(low: float, high: float) -> tuple[float, float]:
    """Return the limits of a ratio of the smaller to the larger share, from those of its log.

    Args:
        low: lower limit of the difference of two log shares, in either direction.
        high: upper limit.
    """
    nearest = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
    return math.exp(-max(abs(low), abs(high))), math.exp(-nearest)


def four_fifths(scored: ScoredProbe, settings: Settings) -> MetricOutput:
    """Return the ratio of the groups' shares of the first pole within both poles."""
    cube, groups = scored.cube, scored_groups(scored)
    poles = [*cube.pole("+"), *cube.pole("-")]
    y = closed_log_share(cube.values, cube.pole("+"), poles)
    levels = np.array([y[:, cube.columns(group)].mean() for group in groups])
    high, low = int(levels.argmax()), len(levels) - 1 - int(levels[::-1].argmin())
    a, b = (groups[0], groups[1]) if len(groups) == 2 else (groups[high], groups[low])
    design = Design(scored, a, b)
    contrast, ratio = design.contrast(y), impact_ratio(levels)
    mixed = len({cube.pieces[i] for i in poles}) > 1
    codes = (("mixed_length", mixed), ("degenerate", ratio is None))
    result = probe_result(
        scored,
        FOUR_FIFTHS_RATIO,
        (a, b),
        ratio,
        n_terms=design.n_terms,
        n_targets=len(poles),
        n_prompts=sum(cube.prompts.values()),
        scope=design.scope,
        statuses=tuple(code for code, holds in codes if holds),
        companions=(
            *(_share(CLOSED_SHARE, g, y, cube) for g in groups),
            *_neither(cube, groups),
        ),
        **_ratio_fields(contrast, settings, len(groups), known=ratio is not None),
    )
    return MetricOutput(results=(result,))


def _ratio_fields(
    contrast: Contrast, settings: Settings, groups: int, *, known: bool
) -> dict[str, Any]:
    """Limits of a ratio, from those of its log; why there is none, and what was chosen."""
    fields = interval_fields(contrast, settings.confidence) | {"se": None, "df": None}
    chosen = chosen_pair(groups)
    if not known:
        none = join_reasons("the pole has hardly any probability", chosen)
        return fields | {"ci_low": None, "ci_high": None, "reason": none}
    if fields["ci_low"] is not None:
        edges = ratio_limits(fields["ci_low"], fields["ci_high"])
        fields |= {"ci_low": edges[0], "ci_high": edges[1]}
    return fields | {"reason": join_reasons(fields["reason"], chosen)}


def _share(info: MetricInfo, group: str, log_shares: Floats, cube: ScoreCube) -> Companion:
    """A group's share: the geometric mean over sentences and words."""
    level = float(log_shares[:, cube.columns(group)].mean())
    return companion(info, math.exp(level), groups=(group,))


def _neither(cube: ScoreCube, groups: list[str]) -> tuple[Companion, ...]:
    """The share of words in neither pole, such as 'they', where all words are equally long."""
    neither = cube.pole("0")
    if not neither or len(set(cube.pieces)) > 1:
        return ()
    y = closed_log_share(cube.values, neither, list(range(len(cube.targets))))
    return tuple(_share(NEITHER_SHARE, group, y, cube) for group in groups)


METRICS = (
    Metric(
        info=FOUR_FIFTHS_RATIO,
        companions=(CLOSED_SHARE, NEITHER_SHARE),
        measure=four_fifths,
        unsupported=needs_named_groups,
        needs_probabilities=True,
    ),
)
