"""The primary measure of a probe: log-odds gaps between its groups, with their intervals."""

from __future__ import annotations

from functools import partial
from itertools import combinations

import numpy as np

from bias_audit.metrics import diagonal, log_odds
from bias_audit.metrics.design import (
    Comparison,
    Design,
    cluster_counts,
    exchange,
    pole_layout,
    rounding,
    sampled_shares,
    scored_comparisons,
    scored_groups,
    smaller_pole,
)
from bias_audit.metrics.score_cube import ScoreCube
from bias_audit.metrics.scored_probe import ScoredProbe, Settings
from bias_audit.records import OTHERS
from bias_audit.stats.contrast import matched_pairs
from bias_audit.stats.estimate import Contrast
from bias_audit.stats.layout import zero_rounding
from bias_audit.stats.permutation import repeat_if_close, sign_flip

OWN = "own"
"""Stands for each group's own word in the one comparison of a definitional control."""


def compare_groups(scored: ScoredProbe, settings: Settings) -> list[Comparison]:
    """Compare the groups as the probe declares: one pair, or each group with the others."""
    if scored.probe.spec.targets.own:
        return [_diagonal(scored, settings)]
    return [_compare(scored, settings, a, b) for a, b in scored_comparisons(scored)]


def compare_all_pairs(scored: ScoredProbe, settings: Settings) -> list[Comparison]:
    """Compare every pair of groups where the primary comparison is with the others."""
    groups = scored_groups(scored)
    if scored.probe.spec.targets.own or scored_comparisons(scored)[0][1] != OTHERS:
        return []
    return [_compare(scored, settings, a, b, drill=False) for a, b in combinations(groups, 2)]


def _compare(
    scored: ScoredProbe, settings: Settings, a: str, b: str, drill: bool = True
) -> Comparison:
    if scored.probe.spec.mask == "group":
        return _by_group_word(scored, settings, a, b)
    design = Design(scored, a, b)
    cube = scored.cube
    plus, minus = cube.pole("+"), cube.pole("-")
    response = log_odds.pole_response(scored)
    these, kind = design.claims(cube.values, (plus, minus), sampled_shares(scored))
    rng = partial(scored.rng, settings, "log_odds_gap", f"{a}:{b}")
    return Comparison(
        a=a,
        b=b,
        these_words=these,
        words_of_this_kind=kind,
        scope=design.scope,
        n_terms=design.n_terms,
        clusters=cluster_counts(cube, design),
        pairs=design.pair_labels,
        n_targets=smaller_pole(cube),
        targets=_drill(cube, design) if drill else (),
        p_sign_flip=_sign_flip(these.by_cluster, rng("sign-flip"), settings),
        p_exchange=design.exchange(response, rng("exchange"), settings.resamples),
        mass_log_odds=None if cube.cosines is not None else _mass(cube, design),
        without_a_term=design.without_a_term(response),
    )


def _sign_flip(delta: tuple[float, ...], rng: np.random.Generator, settings: Settings) -> float:
    """The fixed-words answer; sorted, so that the order of sentences does not move the draws."""
    values = np.sort(np.array(delta))
    return repeat_if_close(lambda draws: sign_flip(values, rng, draws), settings.resamples).p


def _drill(cube: ScoreCube, design: Design) -> tuple[tuple[str, Contrast], ...]:
    """Per-target contrasts, each relative to the mean over all targets in the same cell."""
    centred = cube.values - cube.values.mean(axis=2, keepdims=True)
    return tuple(
        (name, design.contrast(centred[:, :, index])) for index, name in enumerate(cube.targets)
    )


def _mass(cube: ScoreCube, design: Design) -> float | None:
    """Mass log-odds ratio (M1b) where the lengths inside each pole are equal."""
    plus, minus = cube.pole("+"), cube.pole("-")
    for pole in (plus, minus):
        if len({cube.pieces[i] for i in pole}) > 1:
            return None
    response = log_odds.mass_response(cube.values, plus, minus)
    return float(design.difference(response).mean())


def _by_group_word(scored: ScoredProbe, settings: Settings, a: str, b: str) -> Comparison:
    """Group-masked probes: rows are templates, columns are targets, groups of columns are poles."""
    cube = scored.cube
    design = Design(scored, a, b)
    y = design.difference(cube.values)
    poles = cube.pole("+"), cube.pole("-")
    these, kind = design.pole_claims(y, poles, sampled_shares(scored))
    rng = partial(scored.rng, settings, "log_odds_gap", f"{a}:{b}")
    centred = y - y.mean(axis=1, keepdims=True)
    rows = cube.row_clusters
    return Comparison(
        a=a,
        b=b,
        these_words=these,
        words_of_this_kind=kind,
        scope="terms",
        n_terms=design.n_terms,
        clusters=cluster_counts(cube, design),
        pairs=design.pair_labels,
        n_targets=smaller_pole(cube),
        targets=tuple(
            (name, matched_pairs(centred[:, [i]], scope="terms", clusters=rows))
            for i, name in enumerate(cube.targets)
        ),
        p_sign_flip=_sign_flip(these.by_cluster, rng("sign-flip"), settings),
        p_exchange=exchange(pole_layout(cube), y, rng("exchange"), settings.resamples),
        mass_log_odds=None,
    )


def _diagonal(scored: ScoredProbe, settings: Settings) -> Comparison:
    """Definitional controls: each group's own word against the others' (4.6)."""
    cube, groups = scored.cube, scored_groups(scored)
    usable = [g for g in groups if f"own:{g}" in cube.poles]
    order = [cube.poles.index(f"own:{g}") for g in usable]
    by_group = np.stack([cube.values[:, cube.columns(g)].mean(axis=1) for g in usable], axis=1)
    deltas = zero_rounding(diagonal.diagonal_contrast(by_group[:, :, order]), rounding(cube))
    rows = cube.row_clusters
    contrast = matched_pairs(deltas[:, None], scope="terms", clusters=rows)
    rng = scored.rng(settings, "diagonal")
    return Comparison(
        a=OWN,
        b=OTHERS,
        these_words=contrast,
        words_of_this_kind=None,
        scope="terms",
        n_terms=sum(len(cube.columns(g)) for g in usable),
        clusters={"templates": len(contrast.by_cluster)},
        targets=(),
        p_sign_flip=_sign_flip(contrast.by_cluster, rng, settings),
        p_exchange=None,
        mass_log_odds=None,
    )
