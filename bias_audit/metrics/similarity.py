"""The gaps of sentence encoders: double differences of cosines, in standard deviations.

The arithmetic is that of :mod:`bias_audit.metrics.log_odds`; what differs is the number in a cell
(:func:`bias_audit.metrics.score_cube.standardise`) and what it may be called. Beside a gap stand
the raw cosines, and how often it holds in ranks.

Arrays that are not finite, or do not fit each other, raise ``ValueError``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from bias_audit.metrics.base import Metric, MetricInfo, companion, contrast_companion
from bias_audit.metrics.design import Comparison, Design
from bias_audit.metrics.log_odds import cell_response
from bias_audit.metrics.scored_probe import ScoredProbe, Settings
from bias_audit.probes.probe import Probe
from bias_audit.results import Companion
from bias_audit.stats._arrays import Indices, columns, finite

SIMILARITY_GAP = MetricInfo(
    id="similarity_gap",
    name="similarity gap",
    unit="sd",
    direction="positive: the first group lies closer to the first pole than the second",
    reference="This tool; double difference of cosines as in SEAT (May et al. 2019, N19-1063), "
    "crossed with sentences.",
)
SIMILARITY_DIAGONAL = MetricInfo(
    id="similarity_diagonal",
    name="similarity of the matching words",
    unit="sd",
    direction="positive: each group lies closer to its own word than to the others' words",
    reference="This tool: k-way form of the similarity gap; for k = 2 half of it.",
)
COSINE_GAP = MetricInfo(
    id="cosine_gap",
    name="similarity gap in raw cosines",
    unit="cosine",
    direction="as the similarity gap, with the cosines as the model gives them",
    reference="This tool; companion of the similarity gap.",
)
PAIRS_CLOSER = MetricInfo(
    id="pairs_closer",
    name="pairs of words that point the way of the gap",
    unit="share",
    direction="share of all pairs of a word of the first pole and one of the second, in all "
    "sentences, in which the first group lies closer to the word of the first pole; 0.5: as many "
    "one way as the other",
    neutral=0.5,
    reference="This tool; the probability of superiority (Grissom 1994).",
)


def pairs_closer(differences: ArrayLike, plus: Indices, minus: Indices) -> float:
    """Return the share of pairs whose word of S+ has the larger difference; ties count half.

    Args:
        differences: (J, A) difference of two groups in each template, for each target.
        plus: targets of the first pole.
        minus: targets of the second.

    >>> pairs_closer([[2.0, 1.0, 0.0], [2.0, 0.0, 1.0]], plus=[0, 1], minus=[2])
    0.75
    """
    from scipy.stats import rankdata  # costs a second, which a comparison of stored runs need not

    cells = finite(differences, ndim=2, name="differences")
    up = columns(plus, cells.shape[1], name="plus")
    down = columns(minus, cells.shape[1], name="minus")
    ranks = rankdata(np.concatenate([cells[:, up], cells[:, down]], axis=1), axis=1)
    above = ranks[:, : len(up)].sum(axis=1) - len(up) * (len(up) + 1) / 2
    return float((above / (len(up) * len(down))).mean())


def _companions(
    scored: ScoredProbe, comparison: Comparison, settings: Settings
) -> tuple[Companion, ...]:
    """The gap in raw cosines, and in pairs of words."""
    cube = scored.cube
    if cube.cosines is None or scored.probe.spec.targets.own:
        return ()
    design = Design(scored, comparison.a, comparison.b)
    raw = design.contrast(cell_response(cube.cosines, cube.pole("+"), cube.pole("-")))
    share = pairs_closer(design.difference(cube.values), cube.pole("+"), cube.pole("-"))
    return (
        contrast_companion(COSINE_GAP, raw, settings.confidence),
        companion(PAIRS_CLOSER, share),
    )


def _of_other_readings(_: Probe) -> str:
    return "it is read in the reading similarity"


METRICS = (
    Metric(
        info=SIMILARITY_GAP,
        companions=(SIMILARITY_DIAGONAL, COSINE_GAP, PAIRS_CLOSER),
        compare=_companions,
        unsupported=_of_other_readings,
    ),
)
