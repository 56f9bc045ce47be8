"""How far apart distributions of completions are, and how much of it is due to the group.

Distributions over the same words, one per row, non-negative and summing to 1. Logs are base 2.

Arrays that are not finite, or do not fit each other, raise ``ValueError``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bias_audit.metrics.base import (
    Metric,
    MetricInfo,
    MetricOutput,
    brief,
    companion,
    most_likely,
    needs_completions,
    probe_result,
)
from bias_audit.metrics.completion_overlap import INFOS, overlaps, pulls
from bias_audit.metrics.completion_table import (
    CompletionTable,
    completion_table,
    distributions,
    pair,
)
from bias_audit.metrics.scored_probe import ScoredProbe, Settings
from bias_audit.probes.scope import MIN_LABELS
from bias_audit.results import Companion, WordShare
from bias_audit.stats._arrays import Indices, Ints, block_codes, columns, finite
from bias_audit.stats.permutation import MOST_LISTED
from bias_audit.stats.relabel import Codes, relabellings
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

MAX_LOST_MASS = 0.2
"""Share of the probability outside whole words above which a divergence is not read."""
DRIVERS = 5
"""Words of each group that are named as driving the divergence."""
TIE_BITS = 1e-6
TIE_SHARE = 1e-5
"""Divergences closer than this, absolute plus relative, count as equal: they are computed in
single precision."""

Singles = NDArray[np.float32]

ROWS = 256
WORDS = 512
"""Tile of relabellings by words: small enough to stay in a core's cache."""
SMALL_PRODUCT = 2**18
"""Multiplications up to which the common BLAS stays on one thread. Larger products of this shape
gain little from threads on an idle machine and take ten times as long on a busy one."""
TINY = np.float32(1e-30)
"""Stands for 0 inside the logarithm, where it is multiplied by 0."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decomposition:
    """Divergence of all terms, split by group. ``total`` is ``between`` plus ``within``."""

    total: float
    """Generalised divergence of all terms, equal weights, bits."""
    between: float
    """Divergence of the groups' mean distributions, weighted by their number of terms, bits."""
    within: float
    """Mean divergence of the terms inside a group, weighted likewise, bits."""
    r2: float
    """Share between groups, in [0, 1]; 0 when all terms agree."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DivergenceTest:
    """Divergence of the groups, and what exchanged labels give."""

    value: float
    """Divergence of the groups' mean distributions, equal weights, mean over templates, bits."""
    by_template: tuple[float, ...]
    """The same in each template, bits."""
    null_mean: float
    """Mean over relabellings, bits: what words alone give."""
    null_p95: float
    """95th percentile over relabellings, bits."""
    excess: float
    """``value`` minus ``null_mean``, bits."""
    total: float
    """Divergence of all terms, mean over templates, bits."""
    within: float
    """Divergence of the terms inside a group, mean over templates, bits."""
    r2: float
    """Share of the divergence of all terms that lies between groups, over all templates, [0, 1]."""
    p: float
    """Share of relabellings with at least this divergence, in (0, 1]."""
    method: str
    """How p was found, in words."""
    exact: bool
    """True when every relabelling was tried."""
    draws: int
    """Relabellings tried: all of them, or the random ones."""


def generalised_jsd(p: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Return the generalised Jensen-Shannon divergence of k distributions, bits.

    It is the mutual information between group and completion.

    Args:
        p: (k, V) distributions.
        weights: (k,) non-negative group weights with a positive sum; equal when None.

    Returns:
        A value in [0, log2 k]; 0 when all are equal.

    Source: Lin (1991).
    """
    rows = distributions(p)
    shares = np.ones(len(rows)) if weights is None else finite(weights, ndim=1, name="weights")
    if shares.shape != (len(rows),) or shares.min() < 0 or shares.sum() <= 0:
        raise ValueError("weights: expected one non-negative number per distribution")
    rows, shares = rows[shares > 0], shares[shares > 0] / shares.sum()
    mixture = np.einsum("k,kv->v", shares, rows)
    # Sum of p log(p / mixture), not a difference of entropies: exact for nearly equal rows.
    ratio = np.divide(rows, mixture, out=np.ones_like(rows), where=rows > 0)
    value = float(shares @ np.sum(rows * np.log2(ratio), axis=1))
    return min(max(0.0, value), float(np.log2(len(rows))))


def jsd(p: ArrayLike, q: ArrayLike) -> float:
    """Return the Jensen-Shannon divergence of two distributions (V,), bits, in [0, 1].

    Its square root is a metric (Endres and Schindelin 2003).

    >>> jsd([1.0, 0.0], [0.0, 1.0])
    1.0
    """
    return generalised_jsd(pair(p, q))


def group_means(rows: Floats, groups: Sequence[Indices]) -> Floats:
    """Return the mean distribution of each group, (k, V)."""
    fewest = 2
    if len(groups) < fewest:
        raise ValueError(f"expected two groups or more, got {len(groups)}")
    size = rows.shape[0]
    cols = [columns(g, size, name=f"group {i}") for i, g in enumerate(groups)]
    return np.stack([rows[c].mean(axis=0) for c in cols])


def decompose(p: ArrayLike, groups: Sequence[Indices]) -> Decomposition:
    """Split the divergence of all terms of one template into between and within groups.

    Exact by the chain rule of entropy. Terms weigh the same, so groups weigh by their size.

    Args:
        p: (T, V) distributions, one per term.
        groups: terms of each group, disjoint; terms in no group are left out.
    """
    rows = distributions(p)
    means = group_means(rows, groups)
    used = np.concatenate([np.asarray(g, dtype=np.intp) for g in groups])
    if np.unique(used).size != used.size:
        raise ValueError("groups must not share terms")
    sizes = np.array([len(g) for g in groups], dtype=np.float64)
    total = generalised_jsd(rows[used])
    between = generalised_jsd(means, sizes)
    inside = [generalised_jsd(rows[np.asarray(g, dtype=np.intp)]) for g in groups]
    within = float(sizes @ np.array(inside) / sizes.sum())
    share = between / total if total > 0 else 0.0
    return Decomposition(total=total, between=between, within=within, r2=min(1.0, share))


def _exchanges(
    codes: Ints, blocks: Ints, rng: np.random.Generator, resamples: int
) -> tuple[Codes, Ints, bool]:
    """Distinct relabellings, which of them each draw is (the observed first), and exactness."""
    for limit in (MOST_LISTED, 0):
        table, exact = relabellings(codes, blocks, rng, resamples=resamples, limit=limit)
        distinct, which = np.unique(canonical(table), axis=0, return_inverse=True)
        if not exact or len(distinct) <= resamples + 1:
            break
    return distinct, which.reshape(-1), exact


def _share_between(splits: Sequence[Decomposition]) -> float:
    total = sum(split.total for split in splits)
    return min(1.0, sum(split.between for split in splits) / total) if total > 0 else 0.0


def jsd_permutation(
    p: Sequence[ArrayLike] | ArrayLike,
    groups: Sequence[Indices],
    rng: np.random.Generator,
    resamples: int = 999,
    blocks: Indices | None = None,
) -> DivergenceTest:
    """Test whether completions depend on the group, by exchanging the labels of terms.

    The divergence of two groups is never 0, so only the comparison with exchanged words tells
    group from word. A relabelling holds in every template at once.

    Args:
        p: J templates of (T, V) distributions each, single precision is enough; V may differ
            between templates.
        groups: terms of each of the k groups.
        rng: source of the draws.
        resamples: draws when there are more distinct relabellings than that.
        blocks: (T,) numbers; labels change places only between terms with the same number.

    Returns:
        Divergence, its null distribution, r2 and p. Time is about one logarithm per word,
        distinct relabelling, group and template; memory a few times one template.
    """
    templates = list(p)  # type: ignore[arg-type]
    if not templates:
        raise ValueError("expected at least one template")
    width = np.shape(templates[0])[0]
    cols = [columns(g, width, name=f"group {i}") for i, g in enumerate(groups)]
    used = np.concatenate(cols)
    codes = np.repeat(np.arange(len(cols)), [c.size for c in cols])
    inside = block_codes(blocks, width)[used]
    distinct, which, exact = _exchanges(codes, inside, rng, resamples)
    weights = group_weights(distinct)
    values, splits, null = [], [], np.zeros(len(distinct))
    for template in templates:
        rows = distributions(template)
        values.append(generalised_jsd(group_means(rows, cols)))
        splits.append(decompose(rows, cols))
        null += relabelled_divergences(rows[used], weights) / len(templates)
    drawn = null[which]
    hits = np.count_nonzero(drawn >= drawn[0] * (1 - TIE_SHARE) - TIE_BITS)
    others = drawn if exact else drawn[1:]
    value, mean = float(np.mean(values)), float(others.mean())
    return DivergenceTest(
        value=value,
        by_template=tuple(values),
        null_mean=mean,
        null_p95=float(np.quantile(others, 0.95)),
        excess=value - mean,
        total=float(np.mean([split.total for split in splits])),
        within=float(np.mean([split.within for split in splits])),
        r2=_share_between(splits),
        p=hits / drawn.size,
        method=f"{'exact' if exact else 'Monte Carlo'}, {others.size} relabellings of terms",
        exact=exact,
        draws=others.size,
    )


def group_weights(table: Codes) -> Singles:
    """Return weights (k, N, n) that turn term distributions into group means."""
    k = int(table[0].max()) + 1
    member = (table[None] == np.arange(k, dtype=np.int8)[:, None, None]).astype(np.float32)
    return np.asarray(member / member.sum(axis=2, keepdims=True))


def canonical(table: Codes) -> Codes:
    """Number groups of equal size by first appearance: their names change no divergence."""
    sizes = np.bincount(table[0])
    renamed = table.copy()
    for size in np.unique(sizes):
        alike = np.flatnonzero(sizes == size)
        first = np.stack([np.argmax(table == g, axis=1) for g in alike], axis=1)
        rank = np.argsort(np.argsort(first, axis=1), axis=1)
        for i, g in enumerate(alike):
            new = np.broadcast_to(alike[rank[:, i]][:, None].astype(np.int8), table.shape)
            np.copyto(renamed, new, where=table == g)
    return renamed


def _x_log_x(x: Singles, work: Singles, *, positive: bool) -> Singles:
    np.log(x if positive else np.maximum(x, TINY, out=work), out=work)
    return np.multiply(work, x, out=work)


def _tile(weights: Singles, ratios: Singles, mass: Singles, *, balanced: bool) -> Singles:
    """Mass-weighted sum over the words of a tile, nats."""
    positive = bool(ratios.min() > 0)  # then so is each mean of them
    groups: Singles = weights @ ratios
    work = np.empty_like(groups[0])
    total = np.zeros(work.shape[:2], dtype=np.float32)
    for group in groups:
        total += _x_log_x(group, work, positive=positive) @ mass
    total /= len(groups)
    if not balanced:
        mean = np.asarray(groups.mean(axis=0))
        total -= _x_log_x(mean, work, positive=positive) @ mass
    return total


def _batches(weights: Singles) -> Singles:
    """Cut (k, N, n) into (k, B, r, n), so that each product stays small; padded with the last."""
    k, many, terms = weights.shape
    rows = max(1, min(ROWS, many, SMALL_PRODUCT // (WORDS * terms)))
    padded = np.pad(weights, ((0, 0), (0, -many % rows), (0, 0)), mode="edge")
    return padded.reshape(k, -1, rows, terms)


def relabelled_divergences(rows: Floats, weights: Singles) -> Floats:
    """Return the generalised divergence of one template under each relabelling, bits.

    Args:
        rows: (n, V) distributions of the terms.
        weights: (k, N, n) from :func:`group_weights`.

    Returns:
        (N,) divergences with equal group weights, accurate to about 1e-7 bits: with m the mean of
        all terms, p = m r, the divergence is sum m [mean of r_g log r_g - r log r], where r is the
        mean of the r_g. Working with r, near 1, keeps single precision from losing digits in a
        difference of two large entropies. With groups of one size r is 1 and its term vanishes.
    """
    mean = rows.mean(axis=0)
    seen = mean > 0
    ratios = (rows[:, seen] / mean[seen]).astype(np.float32)
    mass = mean[seen].astype(np.float32)
    shares = weights.max(axis=(1, 2))
    balanced = bool(shares.min() == shares.max())
    batches = _batches(weights)
    values = np.zeros(batches.shape[1:3])
    step = max(1, ROWS // batches.shape[2])
    for start in range(0, mass.size, WORDS):
        words = slice(start, start + WORDS)
        part, part_mass = np.ascontiguousarray(ratios[:, words]), mass[words]
        for batch in range(0, len(values), step):
            some = slice(batch, batch + step)
            values[some] += _tile(batches[:, some], part, part_mass, balanced=balanced)
    return np.asarray(np.maximum(values.reshape(-1)[: weights.shape[1]] / np.log(2), 0.0))


def divergence(scored: ScoredProbe, settings: Settings) -> MetricOutput:
    """Return the between-group divergence of the completions, tested by exchanging words."""
    unit = _unit(scored)
    table = completion_table(scored, unit)
    if table is None:
        return MetricOutput()
    complete = {unit.group for unit in scored.cube.units} & set(table.groups)
    groups = [group.id for group in scored.probe.groups if group.id in complete]
    if len(groups) < 2:
        return MetricOutput()
    p = table.table(lambda answer: answer[1].words, np.float32)
    columns_of = [[i for i, name in enumerate(table.groups) if name == g] for g in groups]
    test = jsd_permutation(
        p,
        columns_of,
        scored.rng(settings, "jsd", "exchange"),
        resamples=settings.divergence_resamples,
        blocks=_blocks(scored, table, unit),
    )
    fewest = min(map(len, columns_of))
    low = table.mass < 1 - MAX_LOST_MASS
    result = probe_result(
        scored,
        JSD,
        groups,
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
        n_targets=0,
        n_prompts=sum(answer.skip is None for answer in scored.open_scores),
        scope="concept" if unit == "label" and fewest >= MIN_LABELS else "terms",
        statuses=("low_word_mass",) if low else (),
        reason=f"whole words hold {table.mass:.0%} of the probability" if low else "",
        companions=(
            companion(JSD_TOTAL, test.total),
            companion(JSD_WITHIN, test.within),
            *_relatives(p, groups, columns_of, scored),
        ),
    )
    return MetricOutput(results=(result,))


def _unit(scored: ScoredProbe) -> Literal["label", "term"]:
    """What is exchanged."""
    labels = {(prompt.group, prompt.label) for prompt in scored.open_prompts}
    groups = {group for group, _ in labels}
    return "label" if len(labels) > len(groups) else "term"


def _blocks(scored: ScoredProbe, table: CompletionTable, unit: str) -> list[int]:
    """Matched words change places inside their pair; words of one label inside their head."""
    words = {
        (group.id, getattr(word, "label" if unit == "label" else "id")): word
        for group in scored.probe.groups
        for word in group.words
    }
    used = [words[column] for column in table.columns]
    keys = [word.pair or "" for word in used]
    if not all(keys):
        keys = [word.head for word in used] if unit == "term" else [""] * len(used)
    names = sorted(set(keys))
    return [names.index(key) for key in keys]


def _relatives(
    p: Floats, groups: Sequence[str], columns_of: Sequence[list[int]], scored: ScoredProbe
) -> tuple[Companion, ...]:
    """Other distances between the groups' mean completions, each averaged over sentences."""
    means = np.stack([[t[cols].mean(axis=0) for cols in columns_of] for t in p]).astype(float)
    means /= means.sum(axis=-1, keepdims=True)
    pairs = list(combinations(range(len(groups)), 2))
    companions = overlaps(means, pairs)
    if len(groups) > 2:
        by_pair = [float(np.mean([jsd(t[a], t[b]) for t in means])) for a, b in pairs]
        far = int(np.argmax(by_pair))
        apart = tuple(groups[i] for i in pairs[far])
        companions.append(companion(JSD, by_pair[far], groups=apart))
    return (*companions, *_drivers(means, groups, scored))


def _drivers(means: Floats, groups: Sequence[str], scored: ScoredProbe) -> list[Companion]:
    """The words behind the divergence, each with the group after which it is most likely."""
    parts = np.mean([pulls(template) for template in means], axis=0)
    owner = means.mean(axis=0).argmax(axis=0)
    companions = []
    for number, group in enumerate(groups):
        own = np.where(owner == number, parts, 0.0)
        words = tuple(
            WordShare(
                token=scored.words[i],
                value=brief(float(own[i])),
                harmful=scored.words[i].lower() in scored.lists.hurtful,
            )
            for i in most_likely(scored.words, own, DRIVERS)
        )
        companions.append(companion(JSD_SHARE, float(own.sum()), groups=(group,), words=words))
    return companions


METRICS = (
    Metric(
        info=JSD,
        companions=(JSD_TOTAL, JSD_WITHIN, JSD_SHARE, *INFOS),
        measure=divergence,
        unsupported=needs_completions,
    ),
)
