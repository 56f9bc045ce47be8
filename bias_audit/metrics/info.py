"""What every metric is: its unit, its range, how to read it and where it comes from."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from bias_audit.errors import UnknownNameError
from bias_audit.metrics._benchmarks import BENCHMARKS, PAIR_SHARES
from bias_audit.metrics._beside import BESIDE
from bias_audit.metrics._metric import MetricInfo
from bias_audit.metrics._on_request import ON_REQUEST
from bias_audit.metrics._overall import OVERALL
from bias_audit.results import MetricRecord, Result

__all__ = ["PAIR_SHARES", "MetricInfo", "get", "records", "registry"]

_LOG_ODDS_GAP = MetricInfo(
    id="log_odds_gap",
    name="log-odds gap",
    unit="nats",
    range=(-math.inf, math.inf),
    neutral=0.0,
    direction="positive: the first group is tied more closely to the first pole than the second",
    reference="This tool; relative of the log-ratio of Kurita et al. (2019, W19-3823).",
    sentence="{a} compared with {b} were associated with {plus} over {minus} "
    "by an odds ratio of {ratio}",
)
_JSD = MetricInfo(
    id="jsd",
    name="divergence of completions (JSD)",
    unit="bits",
    range=(0.0, 1.0),
    neutral=0.0,
    direction="larger: the groups' completions differ more; never exactly 0, so compare with the "
    "value that exchanged words give; at most log2 k bits for k groups",
    reference="Lin (1991); permutation test over terms by this tool.",
    sentence="completions after {a} and {b} diverged by {value} bits, "
    "where exchanged words gave {null} bits on average",
)
_DIAGONAL = MetricInfo(
    id="diagonal_log_odds",
    name="log-odds of the matching words",
    unit="nats",
    range=(-math.inf, math.inf),
    neutral=0.0,
    direction="positive: each group is tied to its own word more closely than to the others' words",
    reference="This tool: k-way form of the association log-odds ratio; for k = 2 half of it.",
    sentence="{a} were associated with their own words over the others' by a ratio of {ratio}",
)
_SKEW = MetricInfo(
    id="skew",
    name="overall skew towards the first group",
    unit="nats",
    range=(-math.inf, math.inf),
    neutral=0.0,
    direction="positive: the first scored word is more likely than the second over all targets; "
    "the words' own frequency is part of it",
    reference="de Vassimon Manela et al. (2021, EACL): skew, as opposed to stereotype.",
    sentence="over all targets, {a} rather than {b} was filled in by an odds ratio of {ratio}",
)
_LABOUR = MetricInfo(
    id="labour_correlation",
    name="rank correlation with labour statistics",
    unit="r",
    range=(-1.0, 1.0),
    neutral=None,
    direction="positive: pronouns follow who holds the jobs; neither good nor bad by itself, the "
    "probe states what is wanted",
    reference="Rudinger et al. (2018, N18-2002); Caliskan et al. (2017).",
    sentence="the model's pronoun shares and the shares in labour statistics correlated by {value}",
)
_TARGET_GAP = MetricInfo(
    id="target_gap",
    name="target-probability gap",
    unit="probability",
    range=(-1.0, 1.0),
    neutral=0.0,
    direction="positive: the target is more likely after the first group; shrinks towards 0 for "
    "rare words, so read it beside the log-odds ratio",
    reference="This tool; difference of fill-in probabilities.",
    sentence="the probability of {plus} differed by {value} between {a} and {b}",
)

_MAIN = (_LOG_ODDS_GAP, _JSD, _DIAGONAL, _SKEW, _LABOUR, _TARGET_GAP)
registry: Mapping[str, MetricInfo] = MappingProxyType(
    {i.id: i for i in (*_MAIN, *BESIDE, *OVERALL, *ON_REQUEST, *BENCHMARKS)}
)
"""All metrics by id, in the order of the documentation."""


def get(name: str) -> MetricInfo:
    """Return the description of the metric ``name``.

    Raises:
        UnknownNameError: there is none; the message carries the nearest spelling.
    """
    if name not in registry:
        raise UnknownNameError("metric", name, registry)
    return registry[name]


def records(results: Iterable[Result]) -> tuple[MetricRecord, ...]:
    """Return the descriptions of all measures of some results and their companions, by id."""
    ids = {metric for r in results for metric in (r.metric, *(c.metric for c in r.companions))}
    return tuple(
        MetricRecord(
            id=info.id,
            name=info.name,
            unit=info.unit,
            neutral=info.neutral,
            direction=info.direction,
        )
        for info in (registry[id] for id in sorted(ids) if id in registry)
    )
