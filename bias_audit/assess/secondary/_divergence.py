"""How far completions of the groups are apart: the tested divergence, and its relatives (M3)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Literal

import numpy as np

from bias_audit.archive import Companion, Result, WordShare
from bias_audit.assess._input import Scored, Settings
from bias_audit.assess.secondary import _record
from bias_audit.assess.secondary._opened import Opened, opened, top
from bias_audit.metrics import distances, rankings
from bias_audit.metrics.divergence import DivergenceTest, jsd, jsd_permutation
from bias_audit.probes.scope import MIN_LABELS
from bias_audit.stats.seeds import stream
from bias_audit.utils.arrays import Floats

MAX_LOST_MASS = 0.2
"""Share of the probability outside whole words above which a divergence is not read."""
DEPTHS = (10, 50)
"""Most likely words that two groups are compared by; the deepest is the depth of rankings."""
DRIVERS = 5
"""Words of each group that are named as driving the divergence."""


def divergence(
    scored: Scored, settings: Settings, harmful: frozenset[str] = frozenset()
) -> Result | None:
    """Between-group divergence of the completions, tested by exchanging words."""
    unit = _unit(scored)
    kept = opened(scored, unit)
    if kept is None:
        return None
    scored_units = {unit.group for unit in scored.cube.units}
    groups = _record.ids(scored, [g for g in kept.groups if g in scored_units])
    if len(groups) < 2:
        return None
    table = kept.table(lambda answer: answer[1].words, np.float32)
    columns = [[i for i, name in enumerate(kept.groups) if name == g] for g in groups]
    found = _tested(scored, settings, table, columns, _blocks(scored, kept, unit))
    fewest = min(len(mine) for mine in columns)
    low = kept.mass < 1 - MAX_LOST_MASS
    return _record.build(
        scored,
        "jsd",
        groups,
        found.value,
        p_value=found.p,
        p_method=found.method,
        effect_size=found.r2,
        neutral=found.null_mean,
        null_mean=found.null_mean,
        null_p95=found.null_p95,
        excess=found.excess,
        n_templates=table.shape[0],
        n_terms=table.shape[1],
        n_prompts=sum(answer.skip is None for answer in scored.open_scores),
        scope="concept" if unit == "label" and fewest >= MIN_LABELS else "terms",
        statuses=("low_word_mass",) if low else (),
        reason=f"whole words hold {kept.mass:.0%} of the probability" if low else "",
        companions=(
            _number("jsd_total", found.total),
            _number("jsd_within", found.within),
            *_relatives(table, groups, columns, scored.words, harmful),
        ),
    )


def _tested(
    scored: Scored,
    settings: Settings,
    table: Floats,
    columns: Sequence[list[int]],
    blocks: list[int],
) -> DivergenceTest:
    spec = scored.probe.spec
    rng = stream(settings.seed, spec.axis, spec.id, "jsd", "exchange")
    resamples = settings.divergence_resamples
    return jsd_permutation(table, columns, rng, resamples=resamples, blocks=blocks)


def _unit(scored: Scored) -> Literal["label", "term"]:
    """What is exchanged: labels, heads averaged; the words of a label where groups have just one.

    Words that share a label are no independent units, so a group that has several labels is
    represented by these (4.1).
    """
    labels = {(prompt.group, prompt.label) for prompt in scored.open_prompts}
    groups = {group for group, _ in labels}
    return "label" if len(labels) > len(groups) else "term"


def _blocks(scored: Scored, kept: Opened, unit: str) -> list[int]:
    """Matched words change places inside their pair; words of one label inside their head."""
    words = {
        (group.id, getattr(word, "label" if unit == "label" else "id")): word
        for group in scored.probe.groups
        for word in group.words
    }
    found = [words[column] for column in kept.columns]
    keys = [word.pair or "" for word in found]
    if not all(keys):
        keys = [word.head for word in found] if unit == "term" else [""] * len(found)
    names = sorted(set(keys))
    return [names.index(key) for key in keys]


def _relatives(
    table: Floats,
    groups: Sequence[str],
    columns: Sequence[list[int]],
    words: Sequence[str],
    harmful: frozenset[str],
) -> tuple[Companion, ...]:
    """Other distances between the groups' mean completions, each averaged over sentences."""
    means = np.stack([[t[mine].mean(axis=0) for mine in columns] for t in table]).astype(float)
    means /= means.sum(axis=-1, keepdims=True)
    found = []
    pairs = list(combinations(range(len(groups)), 2))
    for name, distance in (
        ("total_variation", distances.total_variation),
        ("hellinger", distances.hellinger),
    ):
        values = [[distance(t[a], t[b]) for a, b in pairs] for t in means]
        found.append(_number(name, np.mean(values)))
    found += _shared(means, pairs)
    if len(groups) > 2:
        by_pair = [float(np.mean([jsd(t[a], t[b]) for t in means])) for a, b in pairs]
        far = int(np.argmax(by_pair))
        apart = tuple(groups[i] for i in pairs[far])
        found.append(_number("jsd", by_pair[far], groups=apart))
    return (*found, *_drivers(means, groups, words, harmful))


def _number(
    name: str, value: float | np.floating, at: int | None = None, groups: tuple[str, ...] = ()
) -> Companion:
    return Companion(metric=name, value=_record.brief(float(value)), at=at, groups=groups)


def _shared(means: Floats, pairs: Sequence[tuple[int, int]]) -> list[Companion]:
    """What the rankings of two groups share, averaged over sentences and pairs of groups."""
    ranked = [[rankings.ranking(group, max(DEPTHS)) for group in t] for t in means]
    both = [(t[a], t[b]) for t in ranked for a, b in pairs]
    found = []
    for depth in DEPTHS:
        for name, share in (("top_overlap", rankings.top_overlap), ("jaccard", rankings.jaccard)):
            found.append(_number(name, np.mean([share(a, b, depth) for a, b in both]), depth))
    whole = np.mean([rankings.rank_overlap(a, b) for a, b in both])
    return [*found, _number("rank_overlap", whole, max(DEPTHS))]


def _drivers(
    means: Floats, groups: Sequence[str], words: Sequence[str], harmful: frozenset[str]
) -> list[Companion]:
    """The words behind the divergence, each with the group after which it is most likely."""
    pulls = np.mean([distances.pulls(template) for template in means], axis=0)
    owner = means.mean(axis=0).argmax(axis=0)
    found = []
    for number, group in enumerate(groups):
        mine = np.where(owner == number, pulls, 0.0)
        named = tuple(
            WordShare(
                token=words[i],
                value=_record.brief(float(mine[i])),
                harmful=words[i].lower() in harmful,
            )
            for i in top(words, mine, DRIVERS)
        )
        total = _record.brief(float(mine.sum()))
        found.append(Companion(metric="jsd_share", groups=(group,), value=total, words=named))
    return found
