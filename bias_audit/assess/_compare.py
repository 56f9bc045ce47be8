"""The primary measure of a probe: log-odds gaps between its groups, with their intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import cast

import numpy as np

from bias_audit.assess._input import OTHERS, Comparison, Scored, Settings
from bias_audit.metrics import diagonal, log_odds
from bias_audit.probes import Probe
from bias_audit.records import Floats
from bias_audit.stats.contrast import matched_pairs, target_part, two_groups, versus_rest
from bias_audit.stats.estimate import Contrast, Part, Scope
from bias_audit.stats.permutation import label_exchange, pair_flip, sign_flip
from bias_audit.stats.seeds import stream
from bias_audit.tables import Cube

MIN_LABELS = 4
"""Labels that each group needs before its words can stand for the group (``concept`` scope)."""
MIN_PAIRS = 5
"""Matched pairs that do the same."""
MIN_CONSTRUCT = 6
"""Scored targets that each pole needs before they can stand for a construct."""


def primary(scored: Scored, settings: Settings) -> list[Comparison]:
    """Compare the groups as the probe declares: one pair, or each group with the others."""
    groups = scored_groups(scored)
    if scored.probe.spec.targets.own:
        return [_diagonal(scored, settings)]
    compare = scored.probe.spec.compare or ("pairs" if len(groups) == 2 else "others")
    if compare == "others" and len(groups) > 2:
        return [_compare(scored, settings, a, OTHERS) for a in groups]
    return [_compare(scored, settings, a, b) for a, b in combinations(groups, 2)]


def all_pairs(scored: Scored, settings: Settings) -> list[Comparison]:
    """Compare every pair of groups where the primary comparison is with the others."""
    groups = scored_groups(scored)
    spec = scored.probe.spec
    if len(groups) < 3 or spec.compare == "pairs" or spec.targets.own:
        return []
    return [_compare(scored, settings, a, b, drill=False) for a, b in combinations(groups, 2)]


def scored_groups(scored: Scored) -> list[str]:
    """Ids of the groups that have a scored word, in the order of the probe."""
    there = {unit.group for unit in scored.cube.units}
    return [group.id for group in scored.probe.groups if group.id in there]


def target_scope(probe: Probe, cube: Cube) -> str:
    """``construct`` when the targets stand for more than themselves, else ``fixed``."""
    plus, minus = len(cube.pole("+")), len(cube.pole("-"))
    if probe.spec.targets.own:
        return "fixed"
    if probe.spec.target_scope != "auto":
        return probe.spec.target_scope if min(plus, minus) > 1 else "fixed"
    return "construct" if min(plus, minus) >= MIN_CONSTRUCT else "fixed"


def _compare(scored: Scored, settings: Settings, a: str, b: str, drill: bool = True) -> Comparison:
    if scored.probe.spec.mask == "group":
        return _by_group_word(scored, settings, a, b)
    design = _Design(scored, a, b)
    cube = scored.cube
    plus, minus = cube.pole("+"), cube.pole("-")
    response = log_odds.cell_response(cube.values, plus, minus)
    part = None
    scope_t = target_scope(scored.probe, cube)
    if scope_t == "construct":
        differences = design.target_differences(cube.values)
        part = target_part(differences[plus], differences[minus])
    contrast = design.contrast(response, part)
    rng = _stream(scored, settings, a, b)
    flip = sign_flip(np.array(contrast.delta), rng("sign-flip"), settings.resamples)
    exchange = design.exchange(response, rng("exchange"), settings.resamples)
    return Comparison(
        a=a,
        b=b,
        contrast=contrast,
        scope=design.scope,
        target_scope=scope_t,
        n_terms=design.n_terms,
        targets=_drill(cube, design) if drill else (),
        p_sign_flip=flip.p,
        p_exchange=exchange[0],
        exchange_method=exchange[1],
        mass_log_odds=_mass(cube, design),
    )


def _stream(
    scored: Scored, settings: Settings, a: str, b: str
) -> Callable[[str], np.random.Generator]:
    spec = scored.probe.spec
    return lambda test: stream(settings.seed, spec.axis, spec.id, "log_odds_gap", f"{a}:{b}", test)


class _Design:
    """How the columns of a probe's cube are compared."""

    def __init__(self, scored: Scored, a: str, b: str) -> None:
        cube = scored.cube
        self.groups = [cube.columns(group) for group in scored_groups(scored)]
        self.which = scored_groups(scored).index(a)
        self.in_a = cube.columns(a)
        self.rest = b == OTHERS
        self.in_b = (
            [i for k, cols in enumerate(self.groups) if k != self.which for i in cols]
            if self.rest
            else cube.columns(b)
        )
        self.pairs = [] if self.rest else _matched(cube, self.in_a, self.in_b)
        self.scope = self._scope(scored.probe)

    def _scope(self, probe: Probe) -> Scope:
        asked = probe.spec.scope
        sides = self.groups if self.rest else [self.in_a, self.in_b]
        fewest = min(len(side) for side in sides)
        if asked == "concept" and fewest < 2:
            return "terms"
        if asked != "auto":
            return cast(Scope, asked)
        many = len(self.pairs) >= MIN_PAIRS or fewest >= MIN_LABELS
        return "concept" if many else "terms"

    @property
    def n_terms(self) -> int:
        """Words (or matched pairs) behind the comparison."""
        return len(self.pairs) or len(self.in_a) + len(self.in_b)

    def contrast(self, y: Floats, part: tuple[Part, ...] | None) -> Contrast:
        """The crossed-factor contrast of a (templates, units) response."""
        if self.pairs:
            d = y[:, [a for a, _ in self.pairs]] - y[:, [b for _, b in self.pairs]]
            return matched_pairs(d, scope=self.scope, target_part=part)
        if self.rest:
            return versus_rest(y, self.groups, self.which, scope=self.scope, target_part=part)
        return two_groups(y, self.in_a, self.in_b, scope=self.scope, target_part=part)

    def difference(self, y: Floats) -> Floats:
        """A minus B along the unit axis (axis 1) of a response."""
        if not self.rest:
            return np.asarray(y[:, self.in_a].mean(axis=1) - y[:, self.in_b].mean(axis=1))
        others = [y[:, cols].mean(axis=1) for k, cols in enumerate(self.groups) if k != self.which]
        return np.asarray(y[:, self.in_a].mean(axis=1) - np.mean(others, axis=0))

    def target_differences(self, values: Floats) -> Floats:
        """d(a): A minus B for each target, averaged over templates; (targets,), nats."""
        return np.asarray(self.difference(values).mean(axis=0))

    def exchange(
        self, y: Floats, rng: np.random.Generator, resamples: int
    ) -> tuple[float | None, str]:
        """The fixed-templates answer: labels exchanged across words or inside pairs."""
        if self.pairs:
            d = y[:, [a for a, _ in self.pairs]] - y[:, [b for _, b in self.pairs]]
            flipped = pair_flip(d, rng, resamples)
            return flipped.p, flipped.method
        if min(len(self.in_a), len(self.in_b)) < 2:
            return None, "not possible with one word in a group"
        exchanged = label_exchange(y, self.in_a, self.in_b, rng, resamples)
        return exchanged.p, exchanged.method


def _matched(cube: Cube, in_a: list[int], in_b: list[int]) -> list[tuple[int, int]]:
    """Pair up the columns of two groups; empty unless every word has exactly one partner."""
    left = {cube.units[i].pair: i for i in in_a}
    right = {cube.units[i].pair: i for i in in_b}
    whole = len(left) == len(in_a) and len(right) == len(in_b)
    if None in left or not whole or set(left) != set(right):
        return []
    return [(left[key], right[key]) for key in sorted(key for key in left if key is not None)]


def _drill(cube: Cube, design: _Design) -> tuple[tuple[str, Contrast], ...]:
    """Per-target contrasts, each relative to the mean over all targets in the same cell."""
    centred = cube.values - cube.values.mean(axis=2, keepdims=True)
    return tuple(
        (name, design.contrast(centred[:, :, index], None))
        for index, name in enumerate(cube.targets)
    )


def _mass(cube: Cube, design: _Design) -> float | None:
    """Mass log-odds ratio (M1b) where the lengths inside each pole are equal."""
    plus, minus = cube.pole("+"), cube.pole("-")
    for pole in (plus, minus):
        if len({cube.pieces[i] for i in pole}) > 1:
            return None
    response = log_odds.mass_response(cube.values, plus, minus)
    return float(design.difference(response).mean())


def _by_group_word(scored: Scored, settings: Settings, a: str, b: str) -> Comparison:
    """Group-masked probes: rows are templates, columns are targets, groups of columns are poles."""
    cube = scored.cube
    design = _Design(scored, a, b)
    y = design.difference(cube.values)
    plus, minus = cube.pole("+"), cube.pole("-")
    scope_t = target_scope(scored.probe, cube)
    found = two_groups(y, plus, minus, scope="concept" if scope_t == "construct" else "terms")
    rng = _stream(scored, settings, a, b)
    flip = sign_flip(np.array(found.delta), rng("sign-flip"), settings.resamples)
    exchange = label_exchange(y, plus, minus, rng("exchange"), settings.resamples)
    centred = y - y.mean(axis=1, keepdims=True)
    targets = tuple(
        (name, two_groups(_against_zero(centred[:, i]), [0], [1], scope="terms"))
        for i, name in enumerate(cube.targets)
    )
    return Comparison(
        a=a,
        b=b,
        contrast=found,
        scope="terms",
        target_scope=scope_t,
        n_terms=design.n_terms,
        targets=targets,
        p_sign_flip=flip.p,
        p_exchange=exchange.p,
        exchange_method=exchange.method,
        mass_log_odds=None,
    )


def _against_zero(values: Floats) -> Floats:
    return np.column_stack([values, np.zeros_like(values)])


def _diagonal(scored: Scored, settings: Settings) -> Comparison:
    """Definitional controls: each group's own word against the others' (4.6)."""
    cube, groups = scored.cube, scored_groups(scored)
    order = [cube.poles.index(f"own:{g}") for g in groups if f"own:{g}" in cube.poles]
    kept = [g for g in groups if f"own:{g}" in cube.poles]
    by_group = np.stack([cube.values[:, cube.columns(g)].mean(axis=1) for g in kept], axis=1)
    deltas = diagonal.diagonal_contrast(by_group[:, :, order])
    contrast = matched_pairs(deltas[:, None], scope="terms")
    rng = stream(settings.seed, scored.probe.spec.axis, scored.probe.spec.id, "diagonal")
    return Comparison(
        a="own",
        b=OTHERS,
        contrast=contrast,
        scope="terms",
        target_scope="fixed",
        n_terms=len(cube.units),
        targets=(),
        p_sign_flip=sign_flip(deltas, rng, settings.resamples).p,
        p_exchange=None,
        exchange_method="",
        mass_log_odds=None,
    )


def primary_difference(scored: Scored) -> Iterator[tuple[str, str, Floats]]:
    """Per-target differences (templates, targets) of each primary comparison, nats."""
    for comparison in (
        [(g, OTHERS) for g in scored_groups(scored)]
        if len(scored_groups(scored)) > 2
        else [tuple(scored_groups(scored))]
    ):
        a, b = comparison
        yield a, b, _Design(scored, a, b).difference(scored.cube.values)
