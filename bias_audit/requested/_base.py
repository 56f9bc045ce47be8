"""What a measure or check on request is, and what its parts share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, TypeVar

from bias_audit import records
from bias_audit.archive import Check, Result
from bias_audit.assess import Design, Scored, Settings, scored_groups
from bias_audit.backends import Backend, score_stream
from bias_audit.metrics import info
from bias_audit.probes import Probe
from bias_audit.records import OTHERS, ProgressCallback, Prompt, Skip, SkipReason
from bias_audit.stats.estimate import Contrast

Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True)
class Asking:
    """A backend with somebody who watches it."""

    backend: Backend
    progress: ProgressCallback | None = None

    def score(self, requests: Sequence[records.Request[Answer]]) -> list[Answer]:
        """Return the backend's responses in the order of the requests.

        Raises:
            UsageError: it does not support one of them.
        """
        return [*score_stream(self.backend, requests, progress=self.progress)]


@dataclass(frozen=True, kw_only=True)
class Material:
    """Further questions to a model; measures that need the same ones share them."""

    id: str
    needs: type[records.Request[Any]]
    """The kind of request that it is made of."""
    count: Callable[[Probe, Sequence[Prompt]], int]
    """How many prompts it takes, from the probe and its prompts."""
    ask: Callable[[Scored, Asking, Settings], Any]
    """Puts the questions; what comes back goes to the measures."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a request brought to light about one probe."""

    results: tuple[Result, ...] = ()
    checks: Mapping[str, Check] = field(default_factory=dict)
    """A check of each primary result, by the id of the result; the consequence of one that did
    not hold is a status of the result."""
    skips: tuple[Skip, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Request:
    """A measure or check that runs when somebody names it; ``listing`` says what it is about."""

    id: str
    material: Material | None
    """Prompts that it costs; None where the scores of every audit are enough."""
    assess: Callable[[Scored, Any, Settings], Found]
    """From the scores, and what was asked in addition, to results."""


def compared(scored: Scored) -> list[tuple[str, str]]:
    """The comparisons that the probe declares: pairs of groups, or each with the others."""
    groups = scored_groups(scored)
    compare = scored.probe.spec.compare or ("pairs" if len(groups) == 2 else "others")
    if compare == "others" and len(groups) > 2:
        return [(group, OTHERS) for group in groups]
    return list(combinations(groups, 2))


def result(
    scored: Scored,
    metric: str,
    groups: Sequence[str],
    *,
    name: str = "",
    contrast: Contrast | None = None,
    level: float = 0.95,
    **more: Any,
) -> Result:
    """A secondary result with its names, its unit and, from a contrast, its interval and p.

    A reason among ``more`` stands after the reason why there is no interval.
    """
    spec, about = scored.probe.spec, info.get(metric)
    labels = {group.id: group.label for group in scored.probe.groups}
    labels[OTHERS] = "the other groups"
    versus = "-vs-".join(group.lstrip("~") for group in groups) if len(groups) == 2 else ""
    told = _told(contrast, level) if contrast else {"n_templates": len(scored.cube.templates)}
    reasons = [str(fields["reason"]) for fields in (told, more) if fields.get("reason")]
    return Result(
        **{
            "id": ":".join(part for part in (spec.id, metric, versus, name) if part),
            "probe": spec.id,
            "axis": spec.axis,
            "metric": metric,
            "role": "secondary",
            "groups": tuple(groups),
            "group_labels": tuple(labels[group] for group in groups),
            "confidence": level,
            "unit": about.unit,
            "neutral": about.neutral,
            "direction": about.direction,
            "n_terms": len(scored.cube.units),
            "n_targets": len(scored.cube.targets),
            "n_prompts": int(scored.cube.values.size),
        }
        | told
        | more
        | {"reason": "; ".join(reasons)}
    )


def _told(contrast: Contrast, level: float) -> dict[str, Any]:
    """What a contrast says, as fields of a result."""
    limits = contrast.interval(level)
    return {
        "estimate": contrast.estimate,
        "ci_low": limits[0] if limits else None,
        "ci_high": limits[1] if limits else None,
        "se": contrast.se,
        "df": contrast.df,
        "p_value": contrast.p_value(),
        "p_method": "crossed factors, t with Satterthwaite df",
        "variance": contrast.variance,
        "n_templates": contrast.n_templates,
        "reason": "" if limits else f"no interval: {contrast.status.replace('_', ' ')}",
    }


def design(scored: Scored, groups: tuple[str, str]) -> Design:
    """Which columns of the cube are compared with which."""
    return Design(scored, *groups)


def lost(
    scored: Scored, request: str, skips: Iterable[tuple[SkipReason | None, str]]
) -> tuple[Skip, ...]:
    """One record for each reason why something could not be asked."""
    counts: dict[tuple[SkipReason, str], int] = {}
    for reason, detail in skips:
        if reason is not None:
            counts[reason, detail] = counts.get((reason, detail), 0) + 1
    return tuple(
        Skip(
            probe=scored.probe.spec.id,
            kind="measure",
            what=request,
            reason=reason,
            detail=detail,
            count=count,
        )
        for (reason, detail), count in counts.items()
    )


def primaries(scored: Scored) -> dict[str, list[tuple[str, str]]]:
    """The comparisons behind each primary result, by its id.

    Where each group has its own word, one result joins all groups.
    """
    probe, pairs = scored.probe.spec.id, compared(scored)
    if scored.probe.spec.targets.own:
        return {f"{probe}:diagonal_log_odds:own-vs-others": pairs}
    return {f"{probe}:log_odds_gap:{a}-vs-{b.lstrip('~')}": [(a, b)] for a, b in pairs}
