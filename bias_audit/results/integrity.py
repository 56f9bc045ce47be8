"""Check that the numbers of a stored audit agree with each other, whenever it is read.

This detects inconsistent edits, not tampering: baselines are protected by digests, and ``compare``
computes from the scores.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from bias_audit.results.schema import Result

AROUND = frozenset({"log_odds_gap", "diagonal_log_odds"})
"""Measures whose intervals are built around the estimate, and whose effect size is its odds ratio.

Other intervals come from draws or have bounds of their own, and need not hold the estimate."""
LARGEST = 200.0
"""Odds ratios of larger gaps are cut off, so they are not compared."""
CLOSE = 1e-5
"""Numbers are stored with 8 digits, so equal ones differ by less than this share."""


def contradiction(results: Iterable[Result]) -> str:
    """Return the first contradiction, with the id of its result; empty when there is none."""
    problems = (f"the result '{r.id}' {text}" for r in results for text in _contradictions(r))
    return next(problems, "")


def _contradictions(result: Result) -> Iterator[str]:
    """Yield what is wrong with one result, as the end of a sentence about it."""
    intervals = (
        ("confidence", result.ci_low, result.ci_high),
        ("90 %", result.ci90_low, result.ci90_high),
    )
    for name, low, high in intervals:
        if low is None and high is None:
            continue
        if low is None or high is None:
            yield f"has one end of its {name} interval only"
        elif low > high:
            yield f"has a {name} interval that ends ({high:g}) before it begins ({low:g})"
        elif result.metric in AROUND and not _inside(low, result.estimate, high):
            value = _as_text(result.estimate)
            yield f"is {value}, outside of its {name} interval [{low:g}, {high:g}]"
    gap, odds = result.estimate, result.effect_size
    if result.metric not in AROUND or gap is None or odds is None or abs(gap) > LARGEST:
        return
    if not math.isclose(math.exp(gap), odds, rel_tol=CLOSE):
        yield f"is {gap:g} nats, which is not an odds ratio of {odds:g}"


def _inside(low: float, estimate: float | None, high: float) -> bool:
    return estimate is not None and low <= estimate <= high


def _as_text(estimate: float | None) -> str:
    return "missing" if estimate is None else f"{estimate:g}"
