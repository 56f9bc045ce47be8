"""Do the groups of a probe differ at all? One result for three groups or more."""

from __future__ import annotations

from typing import Any

import numpy as np

from bias_audit.assess._design import Design, scored_groups, target_scope
from bias_audit.assess._input import Scored, Settings
from bias_audit.assess.secondary import _record
from bias_audit.records import OTHERS
from bias_audit.results import Companion, Result
from bias_audit.stats._arrays import Ints
from bias_audit.stats.effect_sizes import EffectSize, concordance, rank_share
from bias_audit.stats.omnibus import QuasiF, across_targets, quasi_f
from bias_audit.stats.rank_tests import RankTest, friedman, kruskal
from bias_audit.stats.seeds import stream
from bias_audit.utils.arrays import Floats

FEWEST_GROUPS = 3
"""Two groups have their primary comparison."""
FEWEST_WORDS = 2
"""Words of each group before words can be exchanged."""


def spread(scored: Scored, settings: Settings) -> Result | None:
    """How far the groups' responses lie apart, with a p for each of three questions.

    The groups are put in the order of their ids first, so that the order in a file changes no draw.
    """
    groups = sorted(scored_groups(scored))
    if len(groups) < FEWEST_GROUPS or scored.probe.spec.targets.own:
        return None
    cube, design = scored.cube, Design(scored, groups[0], OTHERS)
    sides = dict(zip(scored_groups(scored), design.groups, strict=True))
    members = [np.array(sides[group], dtype=np.intp) for group in groups]
    by_group = np.stack([cube.values[:, columns].mean(axis=1) for columns in members], axis=1)
    plus, minus = cube.pole("+"), cube.pole("-")
    effects = by_group[:, :, plus].mean(axis=2) - by_group[:, :, minus].mean(axis=2)
    scope_t = target_scope(scored.probe, cube)
    over = by_group.mean(axis=0).T
    targets = across_targets([over[plus], over[minus]]) if scope_t == "construct" else ()
    y, exchange = effects, None
    if scored.probe.spec.mask == "group":
        found = quasi_f(effects, [[i] for i in range(len(groups))], scope="terms", targets=targets)
    else:
        y = cube.values[:, :, plus].mean(axis=2) - cube.values[:, :, minus].mean(axis=2)
        found = quasi_f(y, members, scope=design.scope, targets=targets)
        exchange = _exchange(scored, settings, y, members)
    spec = scored.probe.spec
    order = friedman(effects, _rng(scored, settings, "friedman"), settings.resamples)
    return _record.build(
        scored,
        "group_spread",
        _record.ids(scored, groups),
        found.spread,
        **_numbers(found, scored, settings),
        p_sign_flip=order.p,
        p_label_exchange=exchange.p if exchange else None,
        n_terms=sum(columns.size for columns in members),
        scope="terms" if spec.mask == "group" else design.scope,
        target_scope=scope_t,
        companions=(
            _agreement(effects, settings, _rng(scored, settings, "rank_agreement")),
            *(
                [_ranked(y, members, settings, _rng(scored, settings, "rank_share"))]
                if exchange
                else []
            ),
        ),
    )


def _exchange(
    scored: Scored, settings: Settings, y: Floats, members: list[Ints]
) -> RankTest | None:
    """The fixed-sentences answer: labels of words exchanged; None with one word in a group."""
    if min(columns.size for columns in members) < FEWEST_WORDS:
        return None
    return kruskal(y, members, _rng(scored, settings, "kruskal"), settings.resamples)


def _rng(scored: Scored, settings: Settings, test: str) -> np.random.Generator:
    spec = scored.probe.spec
    return stream(settings.seed, spec.axis, spec.id, "group_spread", test)


def _numbers(found: QuasiF, scored: Scored, settings: Settings) -> dict[str, Any]:
    """Fields of a result that come from the quasi-F."""
    cube = scored.cube
    few = len(cube.templates) < settings.min_templates
    statuses = []
    if few or found.status.startswith("too_few"):
        statuses.append("descriptive_only")
    if found.status in {"identical", "no_variance"}:
        statuses.append("degenerate")
    method = "no test"
    if found.f is not None:
        method = (
            f"quasi-F = {found.f:.4g} with {found.df_groups:.3g} and {found.df_error:.3g} "
            "degrees of freedom"
        )
    return {
        "df": found.df_error,
        "p_value": found.p,
        "p_method": method,
        "effect_size": found.f,
        "neutral": found.expected,
        "null_mean": found.expected,
        "null_p95": found.expected95,
        "excess": None if found.expected is None else found.spread - found.expected,
        "variance": found.variance,
        "n_templates": len(cube.templates),
        "n_targets": len(cube.pole("+")) + len(cube.pole("-")),
        "n_prompts": sum(cube.prompts.values()),
        "statuses": tuple(statuses),
        "reason": "" if found.status == "ok" else f"no test: {found.status.replace('_', ' ')}",
    }


def _agreement(effects: Floats, settings: Settings, rng: np.random.Generator) -> Companion:
    """Kendall's W, sentences drawn anew; in an order of their own, so that files move no draw."""
    rows = effects[np.lexsort(effects.T)]
    return _share("rank_agreement", concordance(rows, rng, level=settings.confidence))


def _ranked(
    y: Floats, members: list[Ints], settings: Settings, rng: np.random.Generator
) -> Companion:
    """Epsilon squared of the words' means, words drawn anew inside their groups."""
    found = rank_share(y.mean(axis=0), members, rng, level=settings.confidence)
    return _share("rank_share", found)


def _share(metric: str, found: EffectSize) -> Companion:
    low, high = (None if x is None else _record.brief(x) for x in (found.low, found.high))
    return Companion(metric=metric, value=_record.brief(found.value), ci_low=low, ci_high=high)
