"""Does each group go with its own word? The k-way form of the log-odds ratio, for controls.

Arrays that are not finite, or do not fit each other, raise ``ValueError``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from bias_audit.metrics.base import Metric, MetricInfo
from bias_audit.probes.probe import Probe
from bias_audit.stats._arrays import finite
from bias_audit.utils.arrays import Floats

DIAGONAL_LOG_ODDS = MetricInfo(
    id="diagonal_log_odds",
    name="log-odds of the matching words",
    unit="nats",
    direction="positive: each group is tied to its own word more closely than to the others' words",
    reference="This tool: k-way form of the association log-odds ratio; for k = 2 half of it.",
)


def double_centred(scores: ArrayLike) -> Floats:
    """Take row means and column means off a square table, or off each of a stack of them.

    Returns:
        The same shape; every row and every column sums to 0.
    """
    table = np.asarray(scores, dtype=np.float64)
    fewest = 2
    if table.ndim < 2 or table.shape[-1] != table.shape[-2] or table.shape[-1] < fewest:
        raise ValueError(f"expected square tables of two or more groups, got shape {table.shape}")
    finite(table, ndim=table.ndim, name="scores")
    rows = table.mean(axis=-1, keepdims=True)
    cols = table.mean(axis=-2, keepdims=True)
    whole = table.mean(axis=(-2, -1), keepdims=True)
    return np.asarray(table - rows - cols + whole)


def diagonal_contrast(scores: ArrayLike) -> Floats:
    """Return, per template, the mean own-pair score minus the mean of all other pairs.

    Row effects (a group's sentences) and column effects (a word's frequency) cancel. For k = 2 it
    is half the association log-odds ratio. Analyse it as a matrix of one pair,
    ``matched_pairs(delta[:, None], scope="terms")``.

    Returns:
        (J,) contrasts, nats.

    >>> diagonal_contrast([[[2.0, 0.0], [0.0, 2.0]]]).tolist()
    [2.0]
    """
    centred = double_centred(finite(scores, ndim=3, name="scores"))
    k = centred.shape[-1]
    own = np.trace(centred, axis1=-2, axis2=-1)
    rest = centred.sum(axis=(-2, -1)) - own
    return np.asarray(own / k - rest / (k * (k - 1)))


def _needs_own_words(probe: Probe) -> str:
    return "" if probe.spec.targets.own else "it needs a word of its own for each group"


METRICS = (Metric(info=DIAGONAL_LOG_ODDS, unsupported=_needs_own_words),)
