"""Outcomes of completions: do they differ between groups, and what that means for comparisons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from bias_audit.metrics.base import join_reasons
from bias_audit.metrics.completions import COMPLETIONS, FEW, JSD
from bias_audit.metrics.hurtful_completions import HURTFUL_COMPLETIONS
from bias_audit.records import OTHERS
from bias_audit.results import Result
from bias_audit.results.codes import FAILED
from bias_audit.stats.ladder import ALPHA
from bias_audit.stats.multiplicity import holm

DIFFER, SAME, LOST = "completions_differ", "no_difference_shown", "not_measurable"
JUDGED = (JSD.id, COMPLETIONS.id, HURTFUL_COMPLETIONS.id)
"""Metrics of completions that have an outcome."""
CONTRARY = "completions_differ"
"""Notice of a comparison."""
FORBIDS = ("low_word_mass", "descriptive_only", FEW)
"""Statuses with which nothing can be concluded from completions."""


def judge_completions(
    results: Sequence[Result], primary: Sequence[Result], *, obstacle: str = ""
) -> list[Result]:
    """Return the results about completions of one probe with adjusted p and outcome.

    The test of all groups at once is adjusted like one more comparison of the probe; one group
    against the others by Holm over the groups, and never below that. Hurtful completions are
    adjusted by Holm over their comparisons. Nothing of this changes the p of a comparison.

    Args:
        results: those of :data:`JUDGED`, in any order.
        primary: the probe's comparisons.
        obstacle: why nothing of the probe can be measured: an untrained model, a run cut short.
    """
    overall = [result for result in results if result.metric == JSD.id]
    beside = [result.p_value for result in primary]
    adjusted: dict[str, tuple[float | None, str]] = {}
    least = 0.0
    for result in overall:
        p = _holm([result.p_value, *beside])[0]
        method = f"Holm over {len(beside) + 1} (with the comparisons of the probe)"
        adjusted[result.id] = p, method
        least = 1.0 if p is None else p
    for metric in (COMPLETIONS.id, HURTFUL_COMPLETIONS.id):
        family = [result for result in results if result.metric == metric]
        floor = least if metric == COMPLETIONS.id else 0.0
        for result, p in zip(family, _holm([r.p_value for r in family]), strict=True):
            method = f"Holm over {len(family)}"
            method += ", at least that of all groups" if floor else ""
            adjusted[result.id] = None if p is None else max(p, floor), method
    return [_with_outcome(result, *adjusted[result.id], obstacle) for result in results]


def _holm(raw: Sequence[float | None]) -> list[float | None]:
    values = holm(np.array([1.0 if p is None else p for p in raw]))
    return [None if p is None else float(q) for p, q in zip(raw, values, strict=True)]


def _with_outcome(result: Result, p: float | None, method: str, obstacle: str) -> Result:
    lost = obstacle or p is None or any(status in FORBIDS for status in result.statuses)
    statuses = (FAILED, *result.statuses) if obstacle else result.statuses
    update = {
        "statuses": statuses,
        "p_adjusted": p,
        "p_adjustment": method if p is not None else "",
        "outcome": LOST if lost else DIFFER if p is not None and p < ALPHA else SAME,
        "reason": join_reasons(obstacle, result.reason),
    }
    return result.model_copy(update=update)


def differing(results: Iterable[Result]) -> dict[frozenset[str], Result]:
    """Return the comparisons whose completions differ, by their groups.

    Where a group has too few words for a test by itself, but the completions of all groups differ,
    its interval over sentences decides: about exactly these words.
    """
    every = list(results)
    together = any(r.metric == JSD.id and r.outcome == DIFFER for r in every)
    return {
        frozenset(result.groups): result
        for result in every
        if result.metric == COMPLETIONS.id
        and (
            result.outcome == DIFFER
            or (together and result.statuses == (FEW,) and (result.ci_low or 0.0) > 0)
        )
    }


def find_contrary(comparison: Result, results: Iterable[Result]) -> Result | None:
    """Return the completions that differ where a comparison is small; None where none do.

    Those of the same groups; where they were not compared, of one of them with the others.
    """
    own = [result for result in results if result.probe == comparison.probe]
    groups, differ = frozenset(comparison.groups), differing(own)
    if any(frozenset(r.groups) == groups for r in own if r.metric == COMPLETIONS.id):
        return differ.get(groups)
    alone = (differ.get(frozenset((group, OTHERS))) for group in comparison.groups)
    return next((result for result in alone if result is not None), None)


def add_notices(primary: Sequence[Result], results: Sequence[Result]) -> list[Result]:
    """Return the comparisons of a probe; small ones whose completions differ say so."""
    noted = []
    for comparison in primary:
        other = find_contrary(comparison, results) if comparison.outcome == "small" else None
        if other is not None:
            statuses = (*comparison.statuses, CONTRARY)
            update = {"contrary": other.id, "statuses": statuses}
            comparison = comparison.model_copy(update=update)  # noqa: PLW2901
        noted.append(comparison)
    return noted
