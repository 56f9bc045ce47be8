"""Every metric of the program, from which lists, help, options and documentation are made.

To add one, write its file: every module of this package that defines ``METRICS`` is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType, ModuleType

from bias_audit import metrics
from bias_audit.errors import UnknownNameError
from bias_audit.metrics.base import KINDS, Kind, Metric, MetricInfo, unit_in
from bias_audit.metrics.design import GAPS
from bias_audit.probes.probe import Probe
from bias_audit.results import MetricRecord, Result
from bias_audit.utils.readings import Reading

_ORDER = [
    "log_odds",
    "diagonal",
    "similarity",
    "effect_sizes",
    "completions",
    "skew",
    "labour",
    "extra_groups",
    "four_fifths",
    "hurtful_completions",
    "completion_lists",
    "interaction",
    "warmth_competence",
    "group_spread",
    "lpbs",
    "disco",
    "surface_form",
    "perplexity",
    "weat",
    "pair_preference",
    "stereoset",
    "likelihood_bias",
]
"""Files in the order of results and documentation; others follow by their names."""

PRIMARY = tuple(name for names in GAPS.values() for name in names)
"""Metrics that margins and gates judge; a probe has one of them."""


def register(metrics: Iterable[Metric]) -> Mapping[str, tuple[Metric, MetricInfo]]:
    """Return every number by its id, with the metric that owns it.

    Raises:
        ValueError: two metrics claim one id.
    """
    owners: dict[str, tuple[Metric, MetricInfo]] = {}
    for metric in metrics:
        for info in (metric.info, *metric.companions):
            if info.id in owners:
                raise ValueError(f"'{info.id}' belongs to '{owners[info.id][0].id}' already")
            owners[info.id] = metric, info
    return MappingProxyType(owners)


def _files() -> list[ModuleType]:
    names = {module.name for module in iter_modules(metrics.__path__)} - {"registry"}
    order = [name for name in _ORDER if name in names] + sorted(names.difference(_ORDER))
    return [import_module(f"{metrics.__name__}.{name}") for name in order]


METRICS: tuple[Metric, ...] = tuple(
    metric for file in _files() for metric in getattr(file, "METRICS", ())
)
_OWNERS = register(METRICS)
INFOS: Mapping[str, MetricInfo] = MappingProxyType(
    {name: info for name, (metric, info) in _OWNERS.items() if metric.kind == "measure"}
)
"""Descriptions of all numbers by id."""
OPTIONAL: Mapping[str, Metric] = MappingProxyType(
    {m.id: m for kind in KINDS for m in METRICS if not m.default and m.kind == kind}
)
"""Measures and checks that run when they are named, by id: measures first."""


def find_info(name: str) -> MetricInfo:
    """Return the description of a number.

    Raises:
        UnknownNameError: there is none; the message carries the nearest spelling.
    """
    if name not in INFOS:
        raise UnknownNameError("metric", name, INFOS)
    return INFOS[name]


def metric_records(results: Iterable[Result], reading: Reading) -> tuple[MetricRecord, ...]:
    """Return the descriptions of all numbers of some results and their companions, by id."""
    results = tuple(results)
    ids = {metric for r in results for metric in (r.metric, *(c.metric for c in r.companions))}
    return tuple(
        MetricRecord(
            id=info.id,
            name=info.name,
            unit=unit_in(info, reading),
            neutral=info.neutral,
            direction=info.direction,
        )
        for info in (INFOS[name] for name in sorted(ids & INFOS.keys()))
    )


def names(kind: Kind) -> list[str]:
    """Return the ids of all optional measures, or of all optional checks."""
    return [metric.id for metric in OPTIONAL.values() if metric.kind == kind]


def choose(measures: Iterable[str], checks: Iterable[str]) -> tuple[str, ...]:
    """Return the optional metrics that ids and globs name, each once, in the order of the registry.

    Raises:
        UnknownNameError: a name matches none.
    """
    chosen = {*_matches("measure", measures), *_matches("check", checks)}
    return tuple(name for name in OPTIONAL if name in chosen)


def _matches(kind: Kind, patterns: Iterable[str]) -> set[str]:
    known = names(kind)
    matches: set[str] = set()
    for pattern in patterns:
        fitting = {name for name in known if fnmatchcase(name, pattern)}
        if not fitting:
            raise UnknownNameError(f"{kind} on request", pattern, known)
        matches |= fitting
    return matches


def default_metrics(probe: Probe) -> list[Metric]:
    """Return the metrics whose results an audit of a probe holds; the first one is judged."""
    return [
        metric
        for metric in METRICS
        if (probe.spec.role == "probe" or metric.id in PRIMARY)
        and metric.default
        and not metric.unsupported(probe)
        and _has_results(metric)
    ]


def _has_results(metric: Metric) -> bool:
    return metric.compare is None or metric.id in PRIMARY
