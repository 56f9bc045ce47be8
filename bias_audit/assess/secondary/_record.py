"""One secondary result with the fields that all of them have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from bias_audit.archive import Companion, Result
from bias_audit.assess._input import Scored, Settings
from bias_audit.metrics import info
from bias_audit.records import OTHERS
from bias_audit.stats.estimate import Contrast

FAILED = "instrument_failed"
"""Status of a result whose number is no evidence in either direction."""


def build(
    scored: Scored,
    metric: str,
    groups: Sequence[str],
    estimate: float | None,
    *,
    about: str = "",
    **more: Any,
) -> Result:
    """Make a record.

    Args:
        scored: the probe.
        metric: name of the measure; it brings unit and direction.
        groups: ids, the first group first.
        estimate: the number; None beside a ``reason``.
        about: what stands behind the metric in the result's id.
        more: further fields.
    """
    spec, described = scored.probe.spec, info.get(metric)
    probe = scored.probe
    labels = {group.id: group.label for group in (*probe.groups, *probe.extra_groups)}
    labels[OTHERS] = "the other groups"
    return Result(
        id=":".join(part for part in (spec.id, metric, about) if part),
        probe=spec.id,
        axis=spec.axis,
        metric=metric,
        role="secondary",
        groups=tuple(groups),
        group_labels=tuple(labels[name] for name in groups),
        estimate=estimate,
        unit=described.unit,
        direction=described.direction,
        **more,
    )


def limits(contrast: Contrast, settings: Settings) -> dict[str, Any]:
    """Interval, standard error and degrees of freedom of a contrast, as fields of a result."""
    found = contrast.interval(settings.confidence)
    return {
        "ci_low": found[0] if found else None,
        "ci_high": found[1] if found else None,
        "confidence": settings.confidence,
        "se": contrast.se,
        "df": contrast.df,
        "reason": "" if found else f"no interval: {contrast.status.replace('_', ' ')}",
    }


def beside(
    metric: str, contrast: Contrast, settings: Settings, groups: Sequence[str] = ()
) -> Companion:
    """A contrast as a companion."""
    found = contrast.interval(settings.confidence)
    return Companion(
        metric=metric,
        groups=tuple(groups),
        value=brief(settled(contrast)),
        ci_low=brief(found[0]) if found else None,
        ci_high=brief(found[1]) if found else None,
    )


def joined(*reasons: str) -> str:
    """Reasons as one text; empty ones are left out."""
    return "; ".join(reason for reason in reasons if reason)


def chosen_pair(groups: int) -> str:
    """What to say of the two groups of a result that shows the largest difference of several."""
    return f"the two of {groups} groups that differ most, chosen afterwards" if groups > 2 else ""


def marked(results: Iterable[Result], primary: Iterable[Result]) -> list[Result]:
    """Results of a probe whose instrument failed say so, and give its reason first."""
    failed = [result for result in primary if FAILED in result.statuses]
    if not failed:
        return list(results)
    return [
        result.model_copy(
            update={
                "statuses": tuple(dict.fromkeys((*result.statuses, FAILED))),
                "reason": joined(failed[0].reason, result.reason),
            }
        )
        for result in results
    ]


def settled(contrast: Contrast) -> float:
    """The estimate; 0 where it is rounding, the same for every order of a sum."""
    return 0.0 if abs(contrast.estimate) <= contrast.resolution else contrast.estimate


def brief(value: float) -> float:
    """Six significant digits: companions are many, and nobody reads more."""
    return float(f"{value:.6g}")


def ids(scored: Scored, there: Sequence[str]) -> list[str]:
    """Groups of the probe among those named, in the order of the probe."""
    return [group.id for group in scored.probe.groups if group.id in set(there)]
