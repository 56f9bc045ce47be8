"""Measures beside a result as rows of their own, for tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bias_audit.archive import Companion, GroupProfile, Result
from bias_audit.metrics.registry import INFOS
from bias_audit.render import _page as page
from bias_audit.render._text import percent, short

_MOST_HITS = 10


def with_companions(results: Iterable[Result]) -> Iterator[Result]:
    """Each result, and after it one like it for every number that stands beside it."""
    for result in results:
        yield result
        for companion in result.companions:
            yield _alone(result, companion)


def _alone(result: Result, companion: Companion) -> Result:
    known = INFOS.get(companion.metric)
    at = "" if companion.at is None else str(companion.at)
    groups = companion.groups or result.groups
    told = "-vs-".join(name.lstrip("~") for name in companion.groups)
    return Result(
        id=":".join(part for part in (result.id, companion.metric, at, told) if part),
        probe=result.probe,
        axis=result.axis,
        metric=companion.metric + (f"@{at}" if at else ""),
        role="secondary",
        groups=groups,
        group_labels=() if companion.groups else result.group_labels,
        estimate=companion.value,
        ci_low=companion.ci_low,
        ci_high=companion.ci_high,
        p_value=companion.p_value,
        confidence=result.confidence,
        neutral=known.neutral if known else None,
        unit=known.unit if known else "",
        direction=known.direction if known else "",
        n_templates=result.n_templates,
        n_terms=result.n_terms,
        n_targets=result.n_targets,
        n_prompts=result.n_prompts,
        scope=result.scope,
        target_scope=result.target_scope,
        statuses=result.statuses,
    )


def hits(results: Iterable[Result], group: GroupProfile) -> tuple[page.Word, ...]:
    """Hurtful words among the twenty likeliest of a group, with the share of its sentences."""
    found = [
        word
        for result in results
        if result.metric == "hurtful_rate"
        for companion in result.companions
        if companion.groups == (group.id,)
        for word in companion.words
    ]
    top = {completion.token for completion in group.completions}
    return tuple(
        page.Word(
            text=short(word.token, 40),
            probability=f"top 20 in {percent(word.value)}",
            width=0,
            alone=False,
        )
        for word in found[:_MOST_HITS]
        if word.token not in top
    )
