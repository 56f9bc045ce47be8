"""Do the groups of a probe differ at all? One result for three groups or more."""

from __future__ import annotations

from typing import Any

import numpy as np

from bias_audit.metrics.base import Metric, MetricInfo, MetricOutput, companion, probe_result
from bias_audit.metrics.design import Design, pole_layout, scored_groups, widest_claim
from bias_audit.metrics.scored_probe import ScoredProbe, Settings
from bias_audit.probes.probe import Probe
from bias_audit.records import OTHERS
from bias_audit.results import Companion
from bias_audit.stats._arrays import Ints
from bias_audit.stats.crossing import cluster_means
from bias_audit.stats.effect_sizes import concordance, rank_share
from bias_audit.stats.omnibus import QuasiF, across_targets, quasi_f
from bias_audit.stats.rank_tests import RankTest, friedman, kruskal
from bias_audit.utils.arrays import Floats

GROUP_SPREAD = MetricInfo(
    id="group_spread",
    name="spread of the groups",
    unit="nats",
    direction="larger: the groups lie further apart, whichever of them; never exactly 0, so "
    "compare with the spread that equal groups would show",
    reference="Clark (1973): quasi-F; Brunner, Dette and Munk (1997) for unequal variances.",
)
RANK_AGREEMENT = MetricInfo(
    id="rank_agreement",
    name="agreement of the sentences on the order of the groups (Kendall's W)",
    unit="share",
    neutral=None,
    direction="1: every sentence puts the groups in the same order; about 1 / sentences: none "
    "follows another",
    reference="Friedman (1937); Kendall and Babington Smith (1939).",
)
RANK_SHARE = MetricInfo(
    id="rank_share",
    name="share of the ranks' spread between groups (epsilon squared)",
    unit="share",
    neutral=None,
    direction="1: the words of a group stand together, far from those of other groups; about "
    "(groups - 1) / (words - 1): a word's place says nothing about its group",
    reference="Kruskal and Wallis (1952).",
)

FEWEST_GROUPS = 3
"""Two groups have their primary comparison."""
FEWEST_WORDS = 2
"""Words of each group before words can be exchanged."""


def group_spread(scored: ScoredProbe, settings: Settings) -> MetricOutput:
    """Return how far the groups' responses lie apart, with a p for each of three questions.

    The groups are put in the order of their ids first, so that the order in a file changes no draw.
    """
    groups = sorted(scored_groups(scored))
    if len(groups) < FEWEST_GROUPS:
        return MetricOutput()
    cube, design = scored.cube, Design(scored, groups[0], OTHERS)
    values, members, plus, minus = _units(scored, design, groups)
    by_group = np.stack([values[:, columns].mean(axis=1) for columns in members], axis=1)
    effects = by_group[:, :, plus].mean(axis=2) - by_group[:, :, minus].mean(axis=2)
    claim = widest_claim(cube)
    over = by_group.mean(axis=0).T
    targets = across_targets([over[plus], over[minus]]) if claim == "words_of_this_kind" else ()
    companions = [
        _agreement(effects, settings, scored.rng(settings, "group_spread", "rank_agreement"))
    ]
    exchange = None
    if scored.probe.spec.mask == "group":
        test = quasi_f(effects, [[i] for i in range(len(groups))], scope="terms", targets=targets)
    else:
        y = values[..., plus].mean(axis=2) - values[..., minus].mean(axis=2)
        test = quasi_f(y, members, scope=design.scope, targets=targets)
        exchange = _exchange(scored, settings, y, members)
        if exchange:
            rng = scored.rng(settings, "group_spread", "rank_share")
            companions.append(_rank_share(y, members, settings, rng))
    order = friedman(effects, scored.rng(settings, "group_spread", "friedman"), settings.resamples)
    result = probe_result(
        scored,
        GROUP_SPREAD,
        [group.id for group in scored.probe.groups if group.id in groups],
        test.spread,
        **_numbers(test, scored, settings),
        p_sign_flip=order.p,
        p_label_exchange=exchange.p if exchange else None,
        n_terms=sum(len(columns) for columns in design.groups),
        scope="terms" if scored.probe.spec.mask == "group" else design.scope,
        claim=claim,
        companions=tuple(companions),
    )
    return MetricOutput(results=(result,))


def _units(
    scored: ScoredProbe, design: Design, groups: list[str]
) -> tuple[Floats, list[Ints], list[int], list[int]]:
    """The cells with each cluster as one unit, the columns of each group, and of each pole."""
    cells, places, _ = design.collapse(scored.cube.values)
    order = [design.units[group.columns[0]].group for group in design.in_order]
    members = [np.array(places[order.index(group)], dtype=np.intp) for group in groups]
    poles = pole_layout(scored.cube).terms.groups
    values = [cluster_means(cells, pole, 2) for pole in poles]
    cut = values[0].shape[2]
    joined = np.concatenate(values, axis=2)
    return joined, members, list(range(cut)), list(range(cut, joined.shape[2]))


def _exchange(
    scored: ScoredProbe, settings: Settings, y: Floats, members: list[Ints]
) -> RankTest | None:
    """The fixed-sentences answer: labels of words exchanged; None with one word in a group."""
    if min(columns.size for columns in members) < FEWEST_WORDS:
        return None
    return kruskal(y, members, scored.rng(settings, "group_spread", "kruskal"), settings.resamples)


def _numbers(test: QuasiF, scored: ScoredProbe, settings: Settings) -> dict[str, Any]:
    """Fields of a result that come from the quasi-F."""
    cube = scored.cube
    few = len(cube.templates) < settings.min_templates
    statuses = []
    if few or test.status.startswith("too_few"):
        statuses.append("descriptive_only")
    if test.status in {"identical", "no_variance"}:
        statuses.append("degenerate")
    method = "no test"
    if test.f is not None:
        method = (
            f"quasi-F = {test.f:.4g} with {test.df_groups:.3g} and {test.df_error:.3g} "
            "degrees of freedom"
        )
    return {
        "df": test.df_error,
        "p_value": test.p,
        "p_method": method,
        "effect_size": test.f,
        "neutral": test.expected,
        "null_mean": test.expected,
        "null_p95": test.expected95,
        "excess": None if test.expected is None else test.spread - test.expected,
        "variance": test.variance,
        "n_targets": len(cube.pole("+")) + len(cube.pole("-")),
        "n_prompts": sum(cube.prompts.values()),
        "statuses": tuple(statuses),
        "reason": "" if test.status == "ok" else f"no test: {test.status.replace('_', ' ')}",
    }


def _agreement(effects: Floats, settings: Settings, rng: np.random.Generator) -> Companion:
    """Kendall's W, sentences resampled; in an order of their own, so that files move no draw."""
    rows = effects[np.lexsort(effects.T)]
    share = concordance(rows, rng, level=settings.confidence)
    return companion(RANK_AGREEMENT, share.value, (share.low, share.high))


def _rank_share(
    y: Floats, members: list[Ints], settings: Settings, rng: np.random.Generator
) -> Companion:
    """Epsilon squared of the words' means, words resampled inside their groups."""
    share = rank_share(y.mean(axis=0), members, rng, level=settings.confidence)
    return companion(RANK_SHARE, share.value, (share.low, share.high))


def _needs_three_groups(probe: Probe) -> str:
    if len(probe.groups) < FEWEST_GROUPS or probe.spec.targets.own:
        return "it needs three groups or more, with two poles"
    return ""


METRICS = (
    Metric(
        info=GROUP_SPREAD,
        companions=(RANK_AGREEMENT, RANK_SHARE),
        measure=group_spread,
        unsupported=_needs_three_groups,
    ),
)
