"""What a metric is: its description, what it asks of a model, and how its results are recorded.

A metric is one file of this package: the formula on plain arrays, a :class:`Metric` that says which
probes it fits, and a function that reads a scored probe. :mod:`bias_audit.metrics.registry` lists
them all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bias_audit.metrics.design import Comparison
from bias_audit.metrics.scored_probe import ScoredProbe, Settings
from bias_audit.probes.probe import Probe
from bias_audit.records import OTHERS, Prompt, Skip, SkipReason
from bias_audit.results import Check, Companion, Result, Role, TargetEffect
from bias_audit.stats.estimate import Contrast
from bias_audit.utils.arrays import Floats
from bias_audit.utils.readings import READINGS, Reading, why_mute

T_TEST = "crossed factors, t with Satterthwaite df"
Kind = Literal["measure", "check"]
KINDS: tuple[Kind, ...] = ("measure", "check")


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricInfo:
    """Description of one number, for reports and documentation."""

    id: str
    """Name in probe files and results."""
    name: str
    """Name for people."""
    unit: str
    """``nats``, ``bits``, ``probability``, ``r``, ..."""
    direction: str
    """What a larger value means."""
    neutral: float | None = 0.0
    """Value that means no difference; None when no value is better than another."""
    reference: str = "This tool."
    """Where the metric comes from."""
    help: str = ""
    """Further words for ``bias-audit explain``, where the metric has no page of its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricOutput:
    """What a metric makes of one scored probe."""

    results: tuple[Result, ...] = ()
    checks: Mapping[str, Check] = field(default_factory=dict)
    """A check of each primary result, by the id of the result."""
    skips: tuple[Skip, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ExtraRequests:
    """Further questions to a model; metrics that need the same ones share them."""

    id: str
    """Where the answers are kept: ``scored.responses[id]``."""
    needs: type
    """The kind of request of :mod:`bias_audit.records` that a backend has to answer."""
    count: Callable[[Probe, Sequence[Prompt]], int]
    """How many prompts it costs, from the probe and its prompts."""
    requests: Callable[[ScoredProbe, Settings], Sequence[Any]]
    """The questions about a scored probe."""
    follow_up: Callable[[ScoredProbe, Sequence[Any]], Sequence[Any]] | None = None
    """Further questions, from the answers to the first ones."""


def unit_in(info: MetricInfo, reading: Reading) -> str:
    """Return the unit of a number in a reading: for nats, that of the reading's gaps."""
    return READINGS[reading].scale.unit if info.unit == "nats" else info.unit


def fits_all(_: Probe) -> str:
    """Say that a metric fits every probe."""
    return ""


def needs_completions(probe: Probe) -> str:
    """Say why a probe has no open completions; empty where it has."""
    if not any(READINGS[one].completes for one in probe.spec.readings):
        return why_mute(probe.spec.readings[0])
    return "" if probe.open_frames else "it needs sentences that any word may complete"


def needs_poles(probe: Probe) -> str:
    """Say why a probe has no two poles; empty where it has."""
    if probe.spec.targets.own:
        return "it needs two poles, and here each group has its own word"
    return ""


def needs_named_groups(probe: Probe) -> str:
    """Say why a probe does not compare named groups between two poles; empty where it does."""
    if probe.spec.mask != "target" or probe.spec.targets.own:
        return "it needs a probe whose sentences name the group, with two poles"
    return ""


def needs_dataset(_: Probe) -> str:
    """Say that a metric belongs to published data sets."""
    return "it is measured on published data sets"


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """One metric, or one check that is made on request."""

    info: MetricInfo
    measure: Callable[[ScoredProbe, Settings], MetricOutput] | None = None
    """Reads a scored probe; None where the analysis calls it by name (the primary gap, the plane of
    two probes) or a data set is measured."""
    companions: tuple[MetricInfo, ...] = ()
    """Numbers that are recorded with its own: further results, or companions of them."""
    compare: Callable[[ScoredProbe, Comparison, Settings], tuple[Companion, ...]] | None = None
    """Makes the companions of a primary comparison."""
    unsupported: Callable[[Probe], str] = fits_all
    """Why it cannot be asked of a probe; empty where it can."""
    needs_probabilities: bool = False
    """Whether scores have to be log-probabilities, which cosines are not."""
    default: bool = True
    """Whether every audit computes it; else ``--measure`` or ``--check`` names it."""
    kind: Kind = "measure"
    question: str = ""
    """What it asks, in a few words, for the lists of what can be requested."""
    extra: ExtraRequests | None = None
    """Further questions to the model; None where the scores of every audit are enough."""

    @property
    def id(self) -> str:
        """Id of its first number."""
        return self.info.id

    def misfit(self, reading: Reading) -> str:
        """Say why it cannot be asked in a reading; empty where it can."""
        if self.needs_probabilities and READINGS[reading].is_cosine:
            return f"read as {reading}, a model gives no word a probability"
        return ""


def make_result(
    info: MetricInfo,
    estimate: float | None,
    *,
    probe: str,
    axis: str,
    groups: Sequence[str],
    labels: Sequence[str],
    about: str = "",
    role: Role = "secondary",
    **more: Any,
) -> Result:
    """Build the record of one number. Every result of the program is made here.

    Args:
        info: the metric; it brings id, unit, direction and neutral value.
        estimate: the number; None beside a ``reason``.
        probe: id of the probe or data set.
        axis: its axis.
        groups: ids, the first group first.
        labels: the groups' names for people, in the same order.
        about: what follows the metric in the id of the result.
        role: ``primary`` only for what is judged.
        more: further fields of :class:`~bias_audit.results.Result`; counts are needed.
    """
    known = {"neutral": info.neutral, "unit": info.unit, "direction": info.direction}
    return Result(
        id=":".join(part for part in (probe, info.id, about) if part),
        probe=probe,
        axis=axis,
        metric=info.id,
        metric_name=info.name,
        role=role,
        groups=tuple(groups),
        group_labels=tuple(labels),
        estimate=estimate,
        **(known | more),
    )


def probe_result(
    scored: ScoredProbe,
    info: MetricInfo,
    groups: Sequence[str],
    estimate: float | None,
    *,
    about: str = "",
    **more: Any,
) -> Result:
    """Build the record of one number of a probe; its counts are those of the cube unless given.

    Args:
        scored: the probe.
        info: the metric.
        groups: ids of groups, the first group first; ``~others`` for the mean of the others.
        estimate: the number; None beside a ``reason``.
        about: what follows the metric in the id of the result.
        more: further fields of the result.
    """
    cube, spec = scored.cube, scored.probe.spec
    labels = group_labels(scored)
    counts: dict[str, Any] = {
        "n_templates": len(cube.templates),
        "n_terms": len(cube.units),
        "n_targets": len(cube.targets),
        "n_prompts": int(cube.values.size),
        "unit": unit_in(info, scored.reading),
    }
    return make_result(
        info,
        estimate,
        probe=spec.id,
        axis=spec.axis,
        groups=groups,
        labels=[labels.get(name, name) for name in groups],
        about=about,
        **(counts | more),
    )


def group_labels(scored: ScoredProbe) -> dict[str, str]:
    """Return the names of a probe's groups for people, and of what stands for several of them."""
    groups = (*scored.probe.groups, *scored.probe.extra_groups)
    return names_of_groups({group.id: group.label for group in groups})


def names_of_groups(labels: dict[str, str]) -> dict[str, str]:
    """Return the names of some groups for people, and of what stands for several of them."""
    names = {"own": "each group's own word", "half-1": "one half", "half-2": "the other half"}
    names[OTHERS] = "the other groups"
    return names | labels


def interval_fields(contrast: Contrast, confidence: float) -> dict[str, Any]:
    """Return the interval, standard error and degrees of freedom of a contrast, as fields."""
    limits = contrast.interval(confidence)
    return {
        "ci_low": limits[0] if limits else None,
        "ci_high": limits[1] if limits else None,
        "confidence": confidence,
        "se": contrast.se,
        "df": contrast.df,
        "n_templates": contrast.n_templates,
        "reason": "" if limits else f"no interval: {contrast.status.replace('_', ' ')}",
    }


def contrast_result(
    scored: ScoredProbe,
    info: MetricInfo,
    groups: Sequence[str],
    contrast: Contrast,
    settings: Settings,
    *,
    note: str = "",
    least: float = -math.inf,
    **more: Any,
) -> Result:
    """Build the record of a contrast: its estimate, interval and variance.

    Args:
        scored: the probe.
        info: the metric.
        groups: ids of groups, the first group first.
        contrast: the number.
        settings: choices of the analysis.
        note: follows the reason why there is no interval, if there is one.
        least: smallest value that the number can have.
        more: further fields of the result.
    """
    fields = {"variance": contrast.variance} | interval_fields(contrast, settings.confidence)
    if fields["ci_low"] is not None:
        fields["ci_low"] = max(least, fields["ci_low"])
    fields["reason"] = join_reasons(fields["reason"], note)
    return probe_result(scored, info, groups, estimate_of(contrast), **(fields | more))


def target_effect(
    scored: ScoredProbe, name: str, contrast: Contrast, confidence: float, **more: Any
) -> TargetEffect:
    """Build the row of one target in the table of words of a result.

    Args:
        scored: the probe.
        name: id of the target.
        contrast: its gap.
        confidence: level of its interval.
        more: further fields of the row.
    """
    target = next(target for target in scored.probe.targets if target.word.id == name)
    limits = contrast.interval(confidence) or (None, None)
    return TargetEffect(
        id=name,
        text=target.word.forms.get("sg") or target.word.label,
        pole=target.pole,
        ci_low=limits[0],
        ci_high=limits[1],
        facts=dict(target.facts),
        **({"value": estimate_of(contrast)} | more),
    )


def versus(a: str, b: str) -> str:
    """Return how a pair of groups is named in the id of a result."""
    return f"{a}-vs-{b.lstrip('~')}"


def estimate_of(contrast: Contrast) -> float:
    """Return the estimate; 0 where it is rounding, the same for every order of a sum."""
    return 0.0 if abs(contrast.estimate) <= contrast.resolution else contrast.estimate


def companion(
    info: MetricInfo,
    value: float,
    limits: tuple[float | None, float | None] | None = None,
    **more: Any,
) -> Companion:
    """Build a companion with six significant digits: there are many, and none is read further."""
    low, high = (None if x is None else brief(x) for x in limits or (None, None))
    return Companion(metric=info.id, value=brief(value), ci_low=low, ci_high=high, **more)


def contrast_companion(
    info: MetricInfo, contrast: Contrast, confidence: float, groups: Sequence[str] = ()
) -> Companion:
    """Build a companion from a contrast."""
    limits = contrast.interval(confidence)
    return companion(info, estimate_of(contrast), limits, groups=tuple(groups))


def brief(value: float) -> float:
    """Return a number with six significant digits."""
    return float(f"{value:.6g}")


def join_reasons(*reasons: str) -> str:
    """Return reasons as one text; empty ones are left out."""
    return "; ".join(reason for reason in reasons if reason)


def chosen_pair(groups: int) -> str:
    """Say of the two groups of a result that they were chosen among several; empty for two."""
    return f"the two of {groups} groups that differ most, chosen afterwards" if groups > 2 else ""


def count_skips(
    scored: ScoredProbe, what: str, skips: Iterable[tuple[SkipReason | None, str]]
) -> tuple[Skip, ...]:
    """Return one record for each reason why something could not be asked.

    Args:
        scored: the probe.
        what: id of the metric or check.
        skips: reason and detail of each answer; None where there is an answer.
    """
    counts: dict[tuple[SkipReason, str], int] = {}
    for reason, detail in skips:
        if reason is not None:
            counts[reason, detail] = counts.get((reason, detail), 0) + 1
    return tuple(
        Skip(
            probe=scored.probe.spec.id,
            kind="measure",
            what=what,
            reason=reason,
            detail=detail,
            count=count,
        )
        for (reason, detail), count in counts.items()
    )


def most_likely(words: Sequence[str], values: Floats, limit: int) -> list[int]:
    """Return the numbers of the words with the largest positive values, ties by the alphabet."""
    positive = [i for i, value in enumerate(values.tolist()) if value > 0]
    return sorted(positive, key=lambda i: (-values[i], words[i]))[:limit]


def spread_targets(probe: Probe, each: int) -> frozenset[str]:
    """Return ``each`` targets of every pole, evenly from their ids in order.

    No draw: the same probe gives the same words, whatever the seed and the order in its file.
    """
    poles: dict[str, list[str]] = {}
    for target in probe.targets:
        if target.pole != "0":
            poles.setdefault(target.pole, []).append(target.word.id)
    ordered = [sorted(names) for names in poles.values()]
    return frozenset(
        names[(2 * i + 1) * len(names) // (2 * each)] if len(names) > each else names[i]
        for names in ordered
        for i in range(min(each, len(names)))
    )
