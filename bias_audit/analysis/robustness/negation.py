"""R14: does the model read "not"? Gaps in negated sentences beside those in plain ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from bias_audit.analysis.robustness.check_record import informational, not_computable
from bias_audit.metrics.design import Comparison, Design, scored_groups
from bias_audit.metrics.scored_probe import ScoredProbe
from bias_audit.probes.scope import negated_sets
from bias_audit.results import Check


class Twins(NamedTuple):
    """A probe and the one that says "not"."""

    plain: ScoredProbe
    negated: ScoredProbe


def find_twins(scored: Mapping[str, ScoredProbe]) -> dict[str, Twins]:
    """Find probes that ask about the same words in plain and in negated sentences, by id."""
    by_probe: dict[str, Twins] = {}
    for plain in scored.values():
        sets = negated_sets(plain.probe)
        for other in scored.values() if sets else ():
            if sets & set(map(str, other.probe.spec.templates)) and _same(plain, other):
                pair = Twins(plain, other)
                by_probe[plain.probe.spec.id] = by_probe[other.probe.spec.id] = pair
    return by_probe


def _same(plain: ScoredProbe, other: ScoredProbe) -> bool:
    """The same mask, groups, words and poles."""
    one, two = plain.cube, other.cube
    return (
        plain.probe.spec.mask == other.probe.spec.mask
        and plain.probe.spec.role == other.probe.spec.role
        and set(zip(one.targets, one.poles, strict=True))
        == set(zip(two.targets, two.poles, strict=True))
        and scored_groups(plain) == scored_groups(other)
        and set(one.units) == set(two.units)
    )


def check_negation(pair: Twins, comparison: Comparison) -> Check | None:
    """Slope of the negated gaps on the plain ones, over targets; None without two poles."""
    if not comparison.targets:
        return None
    plain, negated = (_gaps(scored, comparison) for scored in pair)
    names = sorted(plain)
    x, y = (np.array([gaps[name] for name in names]) for gaps in (plain, negated))
    x, y = x - x.mean(), y - y.mean()
    if not float(x @ x) > 0:
        return not_computable("R14", "the plain sentences show no differences between the targets")
    twin = pair.negated.probe.spec.id
    return informational("R14", float(x @ y) / float(x @ x), f"slope of '{twin}' on the plain gaps")


def _gaps(scored: ScoredProbe, comparison: Comparison) -> dict[str, float]:
    gaps = Design(scored, comparison.a, comparison.b).target_differences(scored.cube.values)
    return dict(zip(scored.cube.targets, gaps.tolist(), strict=True))
