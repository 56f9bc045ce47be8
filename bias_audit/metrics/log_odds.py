"""Association log-odds ratio: double differences of log-scores, groups by poles. It is judged.

Scores come as an array (J, T, A): templates, terms, targets; natural logs. ``plus`` and ``minus``
are targets of the poles, ``in_a`` and ``in_b`` terms of two groups. Every additive effect
of a template, a term or a target (its frequency, its length) cancels in the double difference.

Arrays that are not finite, or do not fit each other, raise ``ValueError``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp

from bias_audit.metrics.base import Metric, MetricInfo, companion, contrast_companion, needs_poles
from bias_audit.metrics.design import Comparison, Design, rounding
from bias_audit.metrics.scored_probe import ScoredProbe, Settings
from bias_audit.results import Companion
from bias_audit.stats._arrays import Indices, columns, finite
from bias_audit.stats.correlation import log_to_logit
from bias_audit.utils.arrays import Floats

LOG_ODDS_GAP = MetricInfo(
    id="log_odds_gap",
    name="log-odds gap",
    unit="nats",
    direction="positive: the first group is tied more closely to the first pole than the second",
    reference="This tool; relative of the log-ratio of Kurita et al. (2019, W19-3823).",
)
MASS_LOG_ODDS = MetricInfo(
    id="mass_log_odds",
    name="mass log-odds ratio",
    unit="nats",
    direction="as the association log-odds ratio, with the probabilities of a pole added up first: "
    "ruled by its likely words",
    reference="This tool; companion of the association log-odds ratio.",
)
AITCHISON = MetricInfo(
    id="aitchison",
    name="Aitchison distance",
    unit="nats",
    direction="larger: the groups differ more over all targets at once, rare ones included",
    reference="Aitchison (1986).",
)


def cell_response(scores: ArrayLike, plus: Indices, minus: Indices) -> Floats:
    """Return each cell's mean log-score over S+ minus its mean over S-, nats, shape (J, T).

    The mean of logs, not the log of summed mass: one frequent word cannot swamp the rare ones.

    >>> cell_response([[[2.0, 1.0, 0.5, 0.0]]], plus=[0, 1], minus=[2, 3]).tolist()
    [[1.25]]
    """
    cells = finite(scores, ndim=3, name="scores")
    up = columns(plus, cells.shape[2], name="plus")
    down = columns(minus, cells.shape[2], name="minus")
    return np.asarray(cells[:, :, up].mean(axis=2) - cells[:, :, down].mean(axis=2))


def _groups(scores: ArrayLike, in_a: Indices, in_b: Indices) -> tuple[Floats, Floats]:
    """Cells of the two groups, (J, n_A, A) and (J, n_B, A)."""
    cells = finite(scores, ndim=3, name="scores")
    a = columns(in_a, cells.shape[1], name="in_a")
    b = columns(in_b, cells.shape[1], name="in_b")
    return cells[:, a], cells[:, b]


def target_differences(scores: ArrayLike, in_a: Indices, in_b: Indices) -> Floats:
    """Return d(a), the group difference of each target's mean log-score, nats, shape (A,).

    Mean over S+ minus mean over S- of d(a) is the association log-odds ratio.
    """
    a, b = _groups(scores, in_a, in_b)
    return np.asarray(a.mean(axis=(0, 1)) - b.mean(axis=(0, 1)))


def mass_response(scores: ArrayLike, plus: Indices, minus: Indices) -> Floats:
    """Return each cell's log of summed mass over S+ minus that over S-, nats, shape (J, T).

    Only for targets of one token length: lengths are not on one scale. Arguments and errors as
    :func:`cell_response`.
    """
    cells = finite(scores, ndim=3, name="scores")
    up = columns(plus, cells.shape[2], name="plus")
    down = columns(minus, cells.shape[2], name="minus")
    return np.asarray(logsumexp(cells[:, :, up], axis=2) - logsumexp(cells[:, :, down], axis=2))


def mass_log_odds(
    scores: ArrayLike, plus: Indices, minus: Indices, in_a: Indices, in_b: Indices
) -> float:
    """Return the mass log-odds ratio, nats: a companion that likely words rule."""
    y = mass_response(scores, plus, minus)
    a = columns(in_a, y.shape[1], name="in_a")
    b = columns(in_b, y.shape[1], name="in_b")
    return float((y[:, a].mean(axis=1) - y[:, b].mean(axis=1)).mean())


def pole_heterogeneous(log_odds: float, mass: float, margin: float) -> bool:
    """Return whether a relevant log-odds ratio and its mass companion point in opposite directions.

    Then a few likely words of a pole behave unlike the others: show the targets one by one.

    Args:
        log_odds: association log-odds ratio, nats.
        mass: mass log-odds ratio, nats.
        margin: smallest ratio that matters, nats.
    """
    return abs(log_odds) > margin and log_odds * mass < 0


def aitchison_distance(differences: ArrayLike) -> float:
    """Return the root mean square of the centred log-ratios of a closed set of targets, nats.

    How far two groups are apart over all targets at once. Unlike a divergence it sees rare ones.

    Args:
        differences: (A,) group difference of each target (:func:`target_differences`).

    Source: Aitchison (1986).
    """
    d = finite(differences, ndim=1, name="differences")
    return float(np.sqrt(np.mean((d - d.mean()) ** 2)))


def group_levels(scores: ArrayLike, group: Indices) -> tuple[Floats, Floats]:
    """Return a group's mean probability and mean log-odds of each target, (A,) and (A,).

    The difference of two groups is the target's probability gap and its log-odds ratio. Log-scores
    are below 0.
    """
    cells = finite(scores, ndim=3, name="scores")
    mine = cells[:, columns(group, cells.shape[1], name="group")]
    return np.exp(mine).mean(axis=(0, 1)), log_to_logit(mine).mean(axis=(0, 1))


def pole_response(scored: ScoredProbe) -> Floats:
    """Return :func:`cell_response` of a probe's poles, nats, (templates, units)."""
    cube = scored.cube
    return cell_response(cube.values, cube.pole("+"), cube.pole("-"))


def _companions(
    scored: ScoredProbe, comparison: Comparison, settings: Settings
) -> tuple[Companion, ...]:
    """Summed masses (M1b), where words of a pole are equally long, and all targets at once (M3)."""
    if scored.probe.spec.targets.own or scored.cube.cosines is not None:
        return ()
    cube = scored.cube
    design = Design(scored, comparison.a, comparison.b)
    distance = aitchison_distance(design.target_differences(cube.values))
    apart = companion(AITCHISON, 0.0 if distance <= rounding(cube) else distance)
    if comparison.mass_log_odds is None:
        return (apart,)
    response = mass_response(cube.values, cube.pole("+"), cube.pole("-"))
    mass = design.contrast(response)
    return contrast_companion(MASS_LOG_ODDS, mass, settings.confidence), apart


METRICS = (
    Metric(
        info=LOG_ODDS_GAP,
        companions=(MASS_LOG_ODDS, AITCHISON),
        compare=_companions,
        unsupported=needs_poles,
    ),
)
