"""What a probe compares, and how the columns of its cube are arranged for that.

Words are put in the order of their labels first, so that the order in a file changes no number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import cast

import numpy as np

from bias_audit.metrics.score_cube import ScoreCube, Unit
from bias_audit.metrics.scored_probe import ScoredProbe
from bias_audit.probes.clusters import template_clusters
from bias_audit.probes.probe import Probe
from bias_audit.probes.scope import MIN_LABELS, MIN_PAIRS, MIN_TARGETS
from bias_audit.records import OTHERS
from bias_audit.results.schema import ClaimName
from bias_audit.stats.contrast import Clusters
from bias_audit.stats.crossing import Units, cluster_values
from bias_audit.stats.estimate import Contrast, Scope
from bias_audit.stats.layout import Layout
from bias_audit.stats.permutation import label_exchange, pair_flip, repeat_if_close
from bias_audit.utils.arrays import Floats

GAPS = {
    "nats": ("log_odds_gap", "diagonal_log_odds"),
    "sd": ("similarity_gap", "similarity_diagonal"),
}
"""Ids of the measures that are judged, by unit: of two poles, and where each group has a word."""
DIAGONALS = tuple(diagonal for _, diagonal in GAPS.values())
"""Those in which each group has a word of its own."""
ROUNDING = 1e-12
"""Share of the largest score below which a difference of scores is rounding."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """One group against another, or against the mean of the others."""

    a: str
    """Id of the first group."""
    b: str
    """Id of the second, or ``~others``."""
    these_words: Contrast
    """The claim about exactly these targets: sentences are a sample, and group words as the scope
    says."""
    words_of_this_kind: Contrast | None
    """The claim about all targets of their kind: the targets are a sample too. None where a pole
    has fewer than two, or each group has its own word."""
    scope: str
    n_terms: int
    """Labels of the groups compared, or matched pairs of them."""
    pairs: tuple[tuple[str, str], ...] = ()
    """Labels of the matched pairs, A first; empty where words are not paired."""
    clusters: Mapping[str, int] = field(default_factory=dict)
    """Number of independent units of each source."""
    n_targets: int = 0
    """Targets of the smaller pole; 0 where there are no poles."""
    targets: tuple[tuple[str, Contrast], ...]
    """Per target, relative to the mean over the targets (centred log-ratio)."""
    p_sign_flip: float | None
    p_exchange: float | None
    mass_log_odds: float | None
    """Companion M1b; None where lengths differ inside a pole."""
    without_a_term: tuple[float, ...] = ()
    """Estimate without each label (or pair) in turn, where labels are a sample (R2)."""

    @property
    def key(self) -> str:
        """Return its name in random streams."""
        return f"{self.a}:{self.b}"

    @property
    def has_pairs(self) -> bool:
        """True when ``n_terms`` counts pairs."""
        return bool(self.pairs)


def comparisons(probe: Probe, groups: Sequence[str] | None = None) -> list[tuple[str, str]]:
    """Return the pairs of groups that a probe compares, in their order.

    Two groups with each other; more of them each with the mean of the others, unless the probe asks
    for pairs.

    Args:
        probe: the probe.
        groups: ids of the groups that have a scored word; all groups of the probe when None.
    """
    names = [group.id for group in probe.groups] if groups is None else groups
    if len(names) > 2 and probe.spec.compare != "pairs":
        return [(name, OTHERS) for name in names]
    return list(combinations(names, 2))


def scored_comparisons(scored: ScoredProbe) -> list[tuple[str, str]]:
    """Return :func:`comparisons` between the groups that have a scored word."""
    return comparisons(scored.probe, scored_groups(scored))


def primary_results(scored: ScoredProbe) -> dict[str, list[tuple[str, str]]]:
    """Return the comparisons behind each primary result, by its id.

    Where each group has its own word, one result joins all groups.
    """
    probe, pairs = scored.probe.spec.id, scored_comparisons(scored)
    gap, diagonal = GAPS[scored.unit]
    if scored.probe.spec.targets.own:
        return {f"{probe}:{diagonal}:own-vs-others": pairs}
    return {f"{probe}:{gap}:{a}-vs-{b.lstrip('~')}": [(a, b)] for a, b in pairs}


def scored_groups(scored: ScoredProbe) -> list[str]:
    """Ids of the groups that have a scored word, in the order of the probe."""
    there = {unit.group for unit in scored.cube.units}
    return [group.id for group in scored.probe.groups if group.id in there]


def widest_claim(cube: ScoreCube) -> ClaimName:
    """Return the claim that is evidence against zero: words of this kind, where poles have some."""
    if smaller_pole(cube) < MIN_TARGETS or not pole_layout(cube).terms.is_sample:
        return "these_words"
    return "words_of_this_kind"


def smaller_pole(cube: ScoreCube) -> int:
    """Return the number of scored targets of the pole that has fewer."""
    return min(len(cube.pole("+")), len(cube.pole("-")))


def sampled_shares(scored: ScoredProbe) -> tuple[float, float]:
    """Return the share of all words of its kind that each pole has, the first pole's first."""
    known = {target.word.id: target.sampled for target in scored.probe.targets}
    requested = Counter(target.pole for target in scored.probe.targets)

    def share(sign: str) -> float:
        listed = [known[scored.cube.targets[i]] for i in scored.cube.pole(sign)]
        return sum(listed) / requested[sign]

    return share("+"), share("-")


def rounding(cube: ScoreCube) -> float:
    """Differences of scores below this are rounding, in their unit."""
    return ROUNDING * float(np.abs(cube.values).max())


class Design(Layout):
    """One comparison of a probe: group ``a`` with group ``b``, or with all others."""

    def __init__(
        self,
        scored: ScoredProbe,
        a: str,
        b: str,
        units: Sequence[Unit] | None = None,
        templates: Sequence[str] = (),
    ) -> None:
        """Arrange the columns of the scores, or of another table with the same kind of units.

        Args:
            scored: the probe.
            a: id of the first group.
            b: id of the second, or ``~others``.
            units: columns of another table.
            templates: ids of its sentences.
        """
        cube = scored.cube
        self.units = cube.units if units is None else tuple(units)
        clusters = cube.clusters
        if units is not None:
            alike = template_clusters((*scored.probe.frames, *scored.probe.open_frames))
            terms = [unit.cluster or unit.label for unit in units]
            clusters = Clusters([alike[name] for name in templates], terms)
        there = {unit.group for unit in self.units}
        ids = [group.id for group in scored.probe.groups if group.id in there]
        columns = [_by_label(self.units, group) for group in ids]
        sides = columns if b == OTHERS else [columns[ids.index(a)], columns[ids.index(b)]]
        pairs = [] if b == OTHERS else _match(self.units, sides[0], sides[1])
        super().__init__(
            groups=sides,
            which=ids.index(a) if b == OTHERS else 0,
            rest=b == OTHERS,
            pairs=pairs,
            scope=_scope(scored.probe, sides, pairs),
            floor=rounding(cube),
            clusters=clusters,
        )

    @property
    def pair_labels(self) -> tuple[tuple[str, str], ...]:
        """Labels of the matched pairs, the first group's first."""
        return tuple((self.units[i].label, self.units[j].label) for i, j in self.pairs)

    @property
    def in_order(self) -> Sequence[Units]:
        """The groups for draws: the compared one first, then by words.

        The order of the groups in a file changes no number.
        """
        groups = self.terms.groups
        if self.pairs:
            return groups
        return sorted(groups, key=lambda g: (-g.weight, self.units[g.columns[0]].label))

    def exchange(self, y: Floats, rng: np.random.Generator, resamples: int) -> float | None:
        """Return the p of labels exchanged across words or in pairs; None with one word a group.

        Clusters of words are exchanged as a whole.
        """
        if self.pairs:
            d = cluster_values(self.inside_pairs(y), self.terms.groups[0])
            return repeat_if_close(lambda draws: pair_flip(d, rng, draws), resamples).p
        return exchange(self, y, rng, resamples)


def exchange(layout: Layout, y: Floats, rng: np.random.Generator, resamples: int) -> float | None:
    """Return the p of the labels of clusters exchanged; None with one of them on a side."""
    means, places, weights = layout.collapse(y)
    a, b = (
        [i for place, w in zip(places, weights, strict=True) if w * sign > 0 for i in place]
        for sign in (1, -1)
    )
    if min(len(a), len(b)) < 2:
        return None
    return repeat_if_close(lambda draws: label_exchange(means, a, b, rng, draws), resamples).p


def cluster_counts(cube: ScoreCube, layout: Layout) -> dict[str, int]:
    """Return how many independent sentences, words (or pairs of them) and targets there are."""
    rows = layout.rows(len(cube.templates))
    poles = pole_layout(cube).terms if cube.pole("+") and cube.pole("-") else None
    factors = {"templates": rows, "terms": layout.terms} | ({"targets": poles} if poles else {})
    return {name: sum(g.starts.size for g in f.groups) for name, f in factors.items()}


def pole_layout(cube: ScoreCube) -> Layout:
    """Return the targets of both poles as two groups of columns, where group words are scored."""
    poles = [cube.pole_by_name("+"), cube.pole_by_name("-")]
    clusters = cube.target_columns()
    return Layout(groups=poles, which=0, rest=False, scope="concept", clusters=clusters)


def _scope(probe: Probe, sides: list[list[int]], pairs: list[tuple[int, int]]) -> Scope:
    declared = probe.spec.scope
    fewest = min(len(side) for side in sides)
    if declared == "concept" and fewest < 2:
        return "terms"
    if declared != "auto":
        return cast(Scope, declared)
    return "concept" if len(pairs) >= MIN_PAIRS or fewest >= MIN_LABELS else "terms"


def _by_label(units: Sequence[Unit], group: str) -> list[int]:
    """Columns of a group in the order of their labels."""
    mine = [i for i, unit in enumerate(units) if unit.group == group]
    return sorted(mine, key=lambda i: units[i].label)


def _match(units: Sequence[Unit], in_a: list[int], in_b: list[int]) -> list[tuple[int, int]]:
    """Pair up the columns of two groups; empty unless every word has exactly one partner."""
    left = {units[i].pair: i for i in in_a}
    right = {units[i].pair: i for i in in_b}
    whole = len(left) == len(in_a) and len(right) == len(in_b)
    if None in left or not whole or set(left) != set(right):
        return []
    return [(left[key], right[key]) for key in sorted(key for key in left if key is not None)]
