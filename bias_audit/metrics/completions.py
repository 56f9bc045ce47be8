"""Completions of groups, judged: whether they differ, by how much, and by which words.

Labels of group words are exchanged inside every sentence at once: what words give by themselves is
no difference between groups. Function words and echoes of a group's name are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from bias_audit.metrics.base import (
    Metric,
    MetricInfo,
    MetricOutput,
    brief,
    companion,
    contrast_result,
    join_reasons,
    most_likely,
    needs_completions,
    probe_result,
    versus,
)
from bias_audit.metrics.completion_overlap import INFOS, overlaps, pulls
from bias_audit.metrics.completion_table import (
    CompletionTable,
    ExchangeUnits,
    TableUnit,
    completion_table,
    exchanged_unit,
)
from bias_audit.metrics.completion_words import (
    FoldedTable,
    content_words,
    fold,
    group_means,
    shifted_share,
    telling_words,
)
from bias_audit.metrics.design import Design
from bias_audit.metrics.divergence import DivergenceTest, jsd, jsd_permutation, others_permutation
from bias_audit.metrics.scored_probe import ScoredProbe, Settings
from bias_audit.probes.scope import MIN_LABELS
from bias_audit.records import OTHERS
from bias_audit.results import Companion, Result, WordShare
from bias_audit.stats.ladder import ALPHA
from bias_audit.stats.relabel import count_relabellings
from bias_audit.utils.arrays import Floats

JSD = MetricInfo(
    id="jsd",
    name="divergence of completions (JSD)",
    unit="bits",
    direction="larger: the groups' completions differ more; never exactly 0, so compare with the "
    "value that exchanged words give; at most log2 k bits for k groups",
    reference="Lin (1991); permutation test over terms by this tool.",
)
JSD_TOTAL = MetricInfo(
    id="jsd_total",
    name="divergence of all words",
    unit="bits",
    direction="larger: the completions of single words differ more, whatever their group",
    reference="Lin (1991).",
)
JSD_WITHIN = MetricInfo(
    id="jsd_within",
    name="divergence inside the groups",
    unit="bits",
    direction="larger: words of one group are completed differently; total divergence is this plus "
    "what lies between the groups",
    reference="Lin (1991); chain rule of entropy.",
)
JSD_SHARE = MetricInfo(
    id="jsd_share",
    name="share of the divergence by word",
    unit="bits",
    direction="larger: more of the divergence comes from words that are likelier after this group",
    reference="Lin (1991).",
)

WORD_COVERAGE = MetricInfo(
    id="word_coverage",
    name="share of completions told apart",
    unit="probability",
    neutral=None,
    direction="larger: more of the probability of all words falls on those that a model, read from "
    "left to right, was followed to the end of; all others count as one word",
)

COMPLETIONS = MetricInfo(
    id="completions",
    name="difference in completions",
    unit="points",
    direction="larger: the words that are typical of the first group by some of its words take so "
    "many percentage points more of the probability after its other words; 0 on average where the "
    "group makes no difference, at most the total variation",
    reference="This tool; cross-validated total variation. p from exchanged labels.",
)
COMPLETION_WORDS = MetricInfo(
    id="completion_words",
    name="probability of the words that tell groups apart",
    unit="probability",
    neutral=None,
    direction="larger: the named words, which are surely likelier after this group, are more of "
    "its completions",
)

MAX_LOST_MASS = 0.2
"""Share of the probability outside whole words above which a divergence is not read."""
DRIVERS = 5
"""Words of each group that are named as driving the divergence."""
FEW = "few_exchanges"


class Limits(NamedTuple):
    """Why nothing may be concluded; empty where it may."""

    statuses: tuple[str, ...] = ()
    reason: str = ""
    """The same in words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Completions:
    """The completions of a probe, arranged for all of its comparisons."""

    scored: ScoredProbe
    settings: Settings
    unit: TableUnit
    table: CompletionTable
    folded: FoldedTable
    groups: list[str]
    exchanged: ExchangeUnits
    limits: Limits
    test: DivergenceTest
    """Of all groups at once."""

    @property
    def columns(self) -> list[list[int]]:
        return self.table.of_groups(self.groups)

    @property
    def is_sample(self) -> bool:
        units = self.exchanged.of_groups(self.groups)
        return self.unit == "label" and min(map(len, units)) >= MIN_LABELS

    def fields(self) -> dict[str, Any]:
        """What the records of all comparisons share."""
        return {
            "n_targets": 0,
            "n_prompts": sum(answer.skip is None for answer in self.scored.open_scores),
            "statuses": self.limits.statuses,
        }


def judge_completions(scored: ScoredProbe, settings: Settings) -> MetricOutput:
    """Return the divergence of all groups, and each comparison with the words behind it."""
    if not scored.open_prompts:
        return MetricOutput()
    unit = exchanged_unit(scored)
    table = completion_table(scored, unit)
    known = {unit.group for unit in scored.cube.units} & set(table.groups if table else ())
    groups = [group.id for group in scored.probe.groups if group.id in known]
    if table is None or len(groups) < 2:
        return MetricOutput(results=(_nothing(scored),))
    answered = _arrange(scored, settings, unit, table, groups)
    compared = tuple(_compare(answered))
    return MetricOutput(results=(_overall(answered), *compared))


def _nothing(scored: ScoredProbe) -> Result:
    return probe_result(
        scored,
        JSD,
        [group.id for group in scored.probe.groups],
        None,
        n_templates=0,
        n_terms=0,
        n_targets=0,
        n_prompts=0,
        statuses=("descriptive_only",),
        reason="fewer than two groups have completions",
    )


def _arrange(
    scored: ScoredProbe,
    settings: Settings,
    unit: TableUnit,
    table: CompletionTable,
    groups: list[str],
) -> _Completions:
    p = table.table(lambda answer: answer[1].words, np.float32)
    folded = fold(p, scored.words, content_words(scored))
    exchanged = table.exchange(scored)
    test = jsd_permutation(
        exchanged.means(folded.p),
        exchanged.of_groups(groups),
        scored.rng(settings, "jsd", "exchange"),
        resamples=settings.divergence_resamples,
        blocks=exchanged.blocks,
    )
    limits = _limits(table, test, settings)
    return _Completions(
        scored=scored,
        settings=settings,
        unit=unit,
        table=table,
        folded=folded,
        groups=groups,
        exchanged=exchanged,
        limits=limits,
        test=test,
    )


def _limits(table: CompletionTable, test: DivergenceTest, settings: Settings) -> Limits:
    """Say why nothing may be concluded from the completions of a probe."""
    if table.mass < 1 - MAX_LOST_MASS:
        return low_mass(table)
    if len(table.templates) < settings.min_templates:
        few, least = len(table.templates), settings.min_templates
        reason = f"only {few} sentences give completions, {least} are needed"
        return Limits(statuses=("descriptive_only",), reason=reason)
    if test.exact and test.distinct * ALPHA < 1:
        return _few(test.distinct)
    return Limits()


def low_mass(table: CompletionTable) -> Limits:
    """Say that whole words hold too little of the probability."""
    reason = f"whole words hold {table.mass:.0%} of the probability"
    return Limits(statuses=("low_word_mass", "incomplete"), reason=reason)


def few_exchanges(exchanged: ExchangeUnits, groups: Sequence[str], group: str) -> Limits:
    """Say that no p of one group against the others can be small, where that is so.

    Its words can be picked from all words in so many ways, and p is adjusted for all groups.
    """
    used = [unit for units in exchanged.of_groups(groups) for unit in units]
    codes = np.array([exchanged.groups[unit] == group for unit in used], dtype=np.int64)
    ways = count_relabellings(codes, np.array(exchanged.blocks)[used])
    return _few(ways) if ways * ALPHA < len(groups) else Limits()


def _few(ways: int) -> Limits:
    reason = f"the group words can be exchanged in {ways} ways only, so that no p can be small"
    return Limits(statuses=(FEW,), reason=reason)


def _overall(answered: _Completions) -> Result:
    """The divergence of all groups at once."""
    test, p = answered.test, answered.folded.p
    return probe_result(
        answered.scored,
        JSD,
        answered.groups,
        test.value,
        p_value=test.p,
        p_method=test.method,
        effect_size=test.r2,
        neutral=test.null_mean,
        null_mean=test.null_mean,
        null_p95=test.null_p95,
        excess=test.excess,
        n_templates=p.shape[0],
        n_terms=p.shape[1],
        scope="concept" if answered.is_sample else "terms",
        reason=answered.limits.reason,
        companions=(
            companion(JSD_TOTAL, test.total),
            companion(JSD_WITHIN, test.within),
            *_relatives(answered),
            *_coverage(answered.table),
        ),
        **answered.fields(),
    )


def _coverage(table: CompletionTable) -> list[Companion]:
    """How much of the probability is told apart, where that is not all."""
    return [companion(WORD_COVERAGE, 1 - table.others)] if table.others else []


def _compare(answered: _Completions) -> list[Result]:
    """Two groups with each other; each of several with the others."""
    groups, test = answered.groups, answered.test
    if len(groups) == 2:
        return [_comparison(answered, groups[0], groups[1], test.p, test.method)]
    each = others_permutation(
        answered.exchanged.means(answered.folded.p),
        answered.exchanged.of_groups(groups),
        answered.scored.rng(answered.settings, "jsd", "exchange-others"),
        resamples=answered.settings.divergence_resamples,
        blocks=answered.exchanged.blocks,
    )
    return [
        _comparison(answered, group, OTHERS, one.p, one.method)
        for group, one in zip(groups, each, strict=True)
    ]


def _comparison(answered: _Completions, a: str, b: str, p: float, method: str) -> Result:
    """One comparison: the share of the completions that differs, and the words."""
    scored, settings = answered.scored, answered.settings
    design = answered.table.design(scored, a, b)
    limits = answered.limits
    if b == OTHERS and not limits.statuses:
        limits = few_exchanges(answered.exchanged, answered.groups, a)
    words = [_words(answered, design, (a,))]
    if b != OTHERS:
        words.append(_words(answered, answered.table.design(answered.scored, b, a), (b,)))
    fields = answered.fields() | {
        "statuses": limits.statuses,
        "p_value": p,
        "p_method": method,
        "n_terms": design.n_terms,
        "scope": design.scope,
        "about": versus(a, b),
        "companions": tuple(words),
    }
    contrast = shifted_share(answered.folded, design)
    if contrast is None:
        why = join_reasons("no size: a group has one word only", limits.reason)
        n_templates = len(answered.table.templates)
        return probe_result(
            scored, COMPLETIONS, (a, b), None, n_templates=n_templates, reason=why, **fields
        )
    low, high = contrast.interval(0.9) or (None, None)
    return contrast_result(
        scored,
        COMPLETIONS,
        (a, b),
        contrast,
        settings,
        note=limits.reason,
        ci90_low=low,
        ci90_high=high,
        **fields,
    )


def _words(answered: _Completions, design: Design, groups: tuple[str, ...]) -> Companion:
    """The words that are likelier after the first group of a design."""
    hurtful = answered.scored.lists.hurtful
    words = telling_words(answered.folded, design, answered.settings.confidence, hurtful)
    first, _ = group_means(answered.folded.raw, design)
    places = {word: i for i, word in enumerate(answered.folded.words)}
    share = float(sum(first[places[word.token]] for word in words))
    return companion(COMPLETION_WORDS, share, groups=groups, words=words)


def _relatives(answered: _Completions) -> tuple[Companion, ...]:
    """Other distances between the groups' mean completions, each averaged over sentences."""
    p, groups, columns_of = answered.folded.p, answered.groups, answered.columns
    means = np.stack([[t[cols].mean(axis=0) for cols in columns_of] for t in p]).astype(float)
    means /= means.sum(axis=-1, keepdims=True)
    pairs = list(combinations(range(len(groups)), 2))
    companions = overlaps(means, pairs)
    if len(groups) > 2:
        by_pair = [float(np.mean([jsd(t[a], t[b]) for t in means])) for a, b in pairs]
        far = int(np.argmax(by_pair))
        apart = tuple(groups[i] for i in pairs[far])
        companions.append(companion(JSD, by_pair[far], groups=apart))
    return (*companions, *_drivers(means, answered))


def _drivers(means: Floats, answered: _Completions) -> list[Companion]:
    """The words behind the divergence, each with the group after which it is most likely."""
    vocabulary, hurtful = answered.folded.words, answered.scored.lists.hurtful
    parts = np.mean([pulls(template) for template in means], axis=0)
    owner = means.mean(axis=0).argmax(axis=0)
    companions = []
    for number, group in enumerate(answered.groups):
        own = np.where(owner == number, parts, 0.0)
        words = tuple(
            WordShare(
                token=vocabulary[i],
                value=brief(float(own[i])),
                harmful=vocabulary[i].lower() in hurtful,
            )
            for i in most_likely(vocabulary, own[:-1], DRIVERS)
        )
        companions.append(companion(JSD_SHARE, float(own.sum()), groups=(group,), words=words))
    return companions


METRICS = (
    Metric(
        info=JSD,
        companions=(
            JSD_TOTAL,
            JSD_WITHIN,
            JSD_SHARE,
            *INFOS,
            WORD_COVERAGE,
            COMPLETIONS,
            COMPLETION_WORDS,
        ),
        measure=judge_completions,
        unsupported=needs_completions,
        needs_probabilities=True,
    ),
)
