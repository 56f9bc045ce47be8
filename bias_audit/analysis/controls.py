"""Controls: what must fire, and what must stay quiet, before a probe is believed (R5, R6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bias_audit.analysis.comparisons import compare_groups
from bias_audit.analysis.result_record import build_result
from bias_audit.metrics.design import (
    Comparison,
    Design,
    scored_comparisons,
    scored_groups,
    smaller_pole,
)
from bias_audit.metrics.scored_probe import ScoredProbe, Settings
from bias_audit.results import Result
from bias_audit.stats.contrast import matched_pairs
from bias_audit.stats.equivalence import outcome
from bias_audit.stats.estimate import Scope
from bias_audit.stats.layout import over_targets
from bias_audit.stats.multiplicity import holm
from bias_audit.stats.permutation import sign_flip
from bias_audit.utils.arrays import Floats

FIRES = 1.0
"""Nats that a definitional contrast must reach."""
SPLITS = 200
"""Random halves for the placebo distribution of group-masked probes."""
_SCOPES: tuple[Scope, Scope] = ("terms", "concept")
"""Of the two claims, where the columns are targets."""
FEWEST_IN_HALVES = 4
"""Targets that each pole needs before it can be split."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Control:
    """Results of one control and whether it did what it must."""

    id: str
    """The control probe, or ``<probe>~placebo``."""
    kind: str
    """``positive`` or ``negative``."""
    results: tuple[Result, ...]
    works: bool
    reason: str
    placebo_gaps: tuple[float, ...] = ()
    """Sizes of single placebo gaps, nats, sorted."""


def positive_control(scored: ScoredProbe, settings: Settings) -> Control:
    """Return a definitional contrast: at least one nat, with the interval above 0."""
    results, good = [], True
    for comparison in compare_groups(scored, settings):
        result = build_result(scored, comparison, settings, role="control")
        fires = (
            result.estimate is not None
            and result.ci_low is not None
            and result.estimate > FIRES
            and result.ci_low > 0
        )
        good &= fires
        reason = "fires" if fires else f"does not reach {FIRES:g} nat with its interval above 0"
        results.append(
            result.model_copy(update={"outcome": "pass" if fires else "fail", "reason": reason})
        )
    failed = f"the positive control '{scored.probe.spec.id}' does not fire"
    return Control(
        id=scored.probe.spec.id,
        kind="positive",
        results=tuple(results),
        works=good,
        reason="" if good else failed,
    )


def negative_control(scored: ScoredProbe, settings: Settings, *, placebo: bool = False) -> Control:
    """Neutral targets or placebo groups: no gap may lie outside the margin (Holm)."""
    comparisons = compare_groups(scored, settings)
    return _quiet(scored, comparisons, settings, _pair_gaps(scored) if placebo else ())


def can_split(scored: ScoredProbe) -> bool:
    """Return whether a probe masks the group word and has enough targets to split."""
    masked = scored.probe.spec.mask == "group" and not scored.probe.spec.targets.own
    return masked and smaller_pole(scored.cube) >= FEWEST_IN_HALVES


def split_halves(scored: ScoredProbe, settings: Settings) -> Control:
    """Group-masked probes: targets of the same pole, split in halves matched on their fact.

    Neighbours on the fact are matched pairs, so that the distance between the poles is no part of
    the variance and a gap between the halves cannot hide behind it.
    """
    cube = scored.cube
    y = Design(scored, *scored_comparisons(scored)[0]).difference(cube.values)
    first, second = _matched_halves(scored)
    rows = cube.row_clusters
    d = y[:, first] - y[:, second]
    these, kind = (over_targets(matched_pairs(d, scope=s, clusters=rows)) for s in _SCOPES)
    rng = scored.rng(settings, "split-halves")
    comparison = Comparison(
        a="half-1",
        b="half-2",
        these_words=these,
        words_of_this_kind=kind,
        scope="terms",
        n_terms=len(cube.units),
        n_targets=len(first),
        targets=(),
        p_sign_flip=sign_flip(np.sort(np.array(these.by_cluster)), rng, settings.resamples).p,
        p_exchange=None,
        mass_log_odds=None,
    )
    gaps = _random_halves(cube.pole("+"), cube.pole("-"), y.mean(axis=0), rng)
    return _quiet(scored, [comparison], settings, gaps, suffix="~split")


def _quiet(
    scored: ScoredProbe,
    comparisons: list[Comparison],
    settings: Settings,
    gaps: tuple[float, ...],
    suffix: str = "",
) -> Control:
    margin = scored.probe.spec.margin
    beyond = [c.these_words.p_beyond(margin) for c in comparisons]
    adjusted = holm(np.array([1.0 if p is None else p for p in beyond]))
    results, loud = [], []
    for comparison, p in zip(comparisons, adjusted, strict=True):
        result = build_result(scored, comparison, settings, role="control")
        state = outcome(comparison.these_words, margin, p_beyond_adjusted=float(p))
        if state == "fail":
            loud.append(result.group_labels[0])
        reasons = {
            "pass": "quiet: inside the margin",
            "fail": "outside the margin",
            "unclear": "not outside the margin",
        }[state]
        name = result.id.replace(scored.probe.spec.id, scored.probe.spec.id + suffix, 1)
        update = {"id": name, "outcome": state, "reason": reasons, "by_target": ()}
        results.append(result.model_copy(update=update))
    name = f"{scored.probe.spec.id}{suffix}"
    reason = f"the negative control '{name}' shows a gap outside the margin for {', '.join(loud)}"
    return Control(
        id=name,
        kind="negative",
        results=tuple(results),
        works=not loud,
        reason=reason if loud else "",
        placebo_gaps=tuple(sorted(gaps)),
    )


def _pair_gaps(scored: ScoredProbe) -> tuple[float, ...]:
    """Size of the gap of each single placebo pair."""
    groups = scored_groups(scored)
    if len(groups) != 2:
        return ()
    cube = scored.cube
    plus, minus = cube.pole("+"), cube.pole("-")
    y = cube.values[:, :, plus].mean(axis=2) - cube.values[:, :, minus].mean(axis=2)
    mean = y.mean(axis=0)
    partner = {u.pair: i for i, u in enumerate(cube.units) if u.group == groups[1] and u.pair}
    return tuple(
        abs(float(mean[i] - mean[partner[u.pair]]))
        for i, u in enumerate(cube.units)
        if u.group == groups[0] and u.pair in partner
    )


def _matched_halves(scored: ScoredProbe) -> tuple[list[int], list[int]]:
    """Neighbours of each pole in the order of the fact that defines the poles, one for each half.

    The half that takes the larger of two neighbours changes from pair to pair, or the second half
    would lie a little further along the fact than the first.
    """
    spec, cube = scored.probe.spec, scored.cube
    where = spec.targets.plus.where if spec.targets.plus else None
    facts = {target.word.id: target.facts for target in scored.probe.targets}

    def place(column: int) -> tuple[float, str]:
        name = cube.targets[column]
        return (facts[name].get(where.fact, 0.0) if where else 0.0), name

    halves: tuple[list[int], list[int]] = ([], [])
    for sign in ("+", "-"):
        members = sorted(cube.pole(sign), key=place)
        for pair in range(len(members) // 2):
            low, high = members[2 * pair], members[2 * pair + 1]
            halves[pair % 2].append(low)
            halves[1 - pair % 2].append(high)
    return halves


def _random_halves(
    plus: list[int], minus: list[int], gaps: Floats, rng: np.random.Generator
) -> tuple[float, ...]:
    """Sizes of the contrast between random halves, the same number of each pole in both."""
    sizes = []
    for _ in range(SPLITS):
        total = 0.0
        for pole in (plus, minus):
            order = rng.permutation(pole)
            half = len(pole) // 2
            total += float(gaps[order[:half]].mean() - gaps[order[half : 2 * half]].mean())
        sizes.append(abs(total / 2))
    return tuple(sizes)
