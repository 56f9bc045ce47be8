"""Which words groups are completed by: what counts as a word, how much oftener, how surely.

Function words, and words that only repeat a group's name, are left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bias_audit.metrics.base import brief
from bias_audit.metrics.completion_overlap import pulls
from bias_audit.metrics.function_words import FUNCTION_WORDS
from bias_audit.metrics.scored_probe import ScoredProbe
from bias_audit.probes.schema.text import primary_language
from bias_audit.results import WordShare
from bias_audit.stats._arrays import Ints
from bias_audit.stats.crossing import Part, Units, satterthwaite
from bias_audit.stats.estimate import USED, Contrast
from bias_audit.stats.layout import Layout
from bias_audit.utils.arrays import Floats

MOST_WORDS = 2000
"""Likeliest words that are told apart; all others count as one word."""
WORDS_OF_SETS = 500
"""Likeliest words that the words of a group are picked from; all others count as one word."""
LEAST_REST = 1e-6
"""Probability of all other words below which it is rounding of the sum of the words."""
ROUNDING = 1e-6
"""Percentage points up to which a share or its error is rounding: models answer in single
precision."""
CANDIDATES = 12
"""Words that pull two groups apart most, of which those with a sure direction are named."""
NAMED = 5
"""Words that are named for each group."""


def group_word_parts(scored: ScoredProbe) -> set[str]:
    """Return the words that name the probe's groups, lower case, in every form."""
    forms = (f for g in scored.probe.groups for w in g.words for f in (w.label, *w.forms.values()))
    return {part for form in forms for part in form.lower().split()}


def content_words(scored: ScoredProbe) -> NDArray[np.bool_]:
    """Return which words of the vocabulary say something: no function words, no echoes.

    An echo is a word of a group's name, or that word with an s at its end.
    """
    grammar = FUNCTION_WORDS.get(primary_language(scored.probe.spec.language), frozenset())
    names = group_word_parts(scored)
    left_out = grammar | names | {f"{name}s" for name in names}
    return np.array([word.lower() not in left_out for word in scored.words], dtype=bool)


@dataclass(frozen=True, kw_only=True, slots=True)
class FoldedTable:
    """Completions by words that say something."""

    p: Floats
    """(templates, units, words + 1) shares among such words; the last column holds the rare ones.
    Rows sum to 1."""
    raw: Floats
    """(templates, units, words) probabilities among all whole words."""
    words: tuple[str, ...]


def fold(p: Floats, words: Sequence[str], counted: NDArray[np.bool_]) -> FoldedTable:
    """Leave out what does not count, keep the likeliest words, and join the rare ones.

    Which words are kept depends on the mean over all units, so that no label of a unit matters.

    Args:
        p: (templates, units, V) distributions.
        words: (V,) the vocabulary.
        counted: (V,) words that say something.
    """
    mean = np.where(counted, p.mean(axis=(0, 1), dtype=np.float64), -1.0)
    order = np.argsort(-mean, kind="stable")[:MOST_WORDS]
    keep = np.sort(order[mean[order] >= 0])
    raw = p[..., keep]
    left_out = p[..., ~counted].sum(axis=-1, keepdims=True, dtype=np.float64)
    whole = 1.0 - left_out
    rest = whole - raw.sum(axis=-1, keepdims=True, dtype=np.float64)
    rest = np.where(rest < LEAST_REST, 0.0, rest)
    shares = np.concatenate([raw, rest], axis=-1, dtype=np.float64)
    sums = shares.sum(axis=-1, keepdims=True)
    nothing = np.zeros(shares.shape[-1])
    nothing[-1] = 1.0  # where no word says anything
    shares = np.divide(
        shares, sums, out=np.broadcast_to(nothing, shares.shape).copy(), where=sums > 0
    )
    return FoldedTable(p=shares.astype(p.dtype), raw=raw, words=tuple(words[i] for i in keep))


def group_means(y: Floats, design: Layout) -> tuple[Floats, Floats]:
    """Return the mean of (templates, units, ...) in the first group, and in the other or others."""
    means = [y[:, cols].mean(axis=(0, 1), dtype=np.float64) for cols in design.groups]
    others = [mean for k, mean in enumerate(means) if k != design.which]
    return means[design.which], np.asarray(np.mean(others, axis=0))


def lift(p: Floats, design: Layout, confidence: float) -> tuple[float | None, float | None, float]:
    """Return how many times as likely a word is after the first group, with its interval.

    The interval is a t interval of the log-ratio of mean probabilities over templates and units:
    each cell enters as its probability over its group's mean (the delta method).

    Args:
        p: (templates, units) probabilities of the word.
        design: which units are compared.
        confidence: level of the interval.

    Returns:
        Lower limit, upper limit (None where there is no interval), ratio; 0 or infinite where the
        word never follows one of the groups.
    """
    first, second = (float(mean) for mean in group_means(p, design))
    if first <= 0 or second <= 0:
        return None, None, (math.inf if first > 0 else 0.0 if second > 0 else 1.0)
    ratio, shares = first / second, np.array(p, dtype=np.float64)
    shares[:, design.in_a] /= first
    shares[:, design.in_b] /= second
    limits = replace(design.contrast(shares), estimate=math.log(ratio)).interval(confidence)
    low, high = (math.exp(min(end, 700.0)) for end in limits) if limits else (None, None)
    return low, high, ratio


def telling_words(
    table: FoldedTable, design: Layout, confidence: float, harmful: frozenset[str]
) -> tuple[WordShare, ...]:
    """Return the words that are surely likelier after the first group, those that tell most first.

    Of the :data:`CANDIDATES` that add most to the divergence those whose interval lies above 1; all
    of them where there is no interval.

    Args:
        table: completions.
        design: which units are compared.
        confidence: level of the intervals.
        harmful: lower-case words that reports fold away.
    """
    both = np.stack(group_means(table.p, design))
    both /= both.sum(axis=1, keepdims=True)
    first, second = group_means(table.raw, design)
    pull = np.where(first > second, pulls(both)[:-1], 0.0)
    order = sorted(np.flatnonzero(pull > 0), key=lambda i: (-pull[i], table.words[i]))
    named: list[WordShare] = []
    for i in order[:CANDIDATES]:
        low, high, ratio = lift(table.raw[..., i], design, confidence)
        if (low is None or low > 1) and len(named) < NAMED:
            word = WordShare(
                token=table.words[i],
                value=brief(float(first[i])),
                harmful=table.words[i].lower() in harmful,
                others=brief(float(second[i])),
                ratio=brief(ratio) if math.isfinite(ratio) else None,
                ci_low=None if low is None else brief(low),
                ci_high=None if high is None else brief(high),
            )
            named.append(word)
    return tuple(named)


def shifted_share(table: FoldedTable, design: Layout) -> Contrast | None:
    """Return how much more probability the first group's own words have after the first group.

    Own words are those that are likelier after the first group by the *other* units: one unit of
    each side (or a pair) is left out, and its completions are looked up. This is 0 on average where
    labels mean nothing, and at most the total variation. The standard error is the jackknife's over
    templates and, where words are a sample, over units: the sets of words vary with both.

    Args:
        table: completions.
        design: which units are compared.

    Returns:
        Percentage points; None where a side has one unit only.
    """
    p = _likeliest(table.p)
    sides = design.groups[design.which], design.in_b
    if min(map(len, sides)) < 2:
        return None
    indexes = [np.array(cols, dtype=np.intp) for cols in design.groups]
    pairs = np.array(design.pairs, dtype=np.intp)

    def shift(means: Floats, lost: Ints | Sequence[int] = ()) -> float:
        if pairs.size:
            kept = pairs[~np.isin(pairs[:, 0], lost)]
            return 100 * _shift_of_pairs(means[kept[:, 0]] - means[kept[:, 1]])
        groups = [means[cols[~np.isin(cols, lost)]] for cols in indexes]
        return 100 * _shift(groups.pop(design.which), groups)

    whole = p.mean(axis=0)
    parts: dict[str, list[Part]] = {}
    rows = _clusters(design.rows(len(p)).groups[0])
    if len(rows) > 1:
        left = [np.delete(p, lost, axis=0).mean(axis=0) for lost in rows]
        parts["templates"] = [_spread([shift(means) for means in left])]
    if "terms" in USED[design.scope]:
        sides_of = [_clusters(group) for group in design.terms.groups]
        if pairs.size:
            sides_of = [[pairs[lost].ravel() for lost in side] for side in sides_of]
        parts["terms"] = [
            _spread([shift(whole, lost) for lost in side]) for side in sides_of if len(side) > 2
        ]
    return _assemble(shift(whole), parts, design, len(p))


def _clusters(group: Units) -> list[Ints]:
    """The columns of each cluster."""
    return [np.asarray(part, dtype=np.intp) for part in np.split(group.columns, group.starts[1:])]


def _likeliest(p: Floats) -> Floats:
    """The distributions with all but the likeliest words joined in the last column."""
    rows = np.asarray(p, dtype=np.float64)
    order = np.argsort(-rows[..., :-1].mean(axis=(0, 1)), kind="stable")[:WORDS_OF_SETS]
    kept = rows[..., np.sort(order)]
    whole = rows.sum(axis=-1, keepdims=True)
    rest = whole - kept.sum(axis=-1, keepdims=True)
    return np.asarray(np.concatenate([kept, rest], axis=-1) / whole)


def _shift_of_pairs(difference: Floats) -> float:
    """Mean over pairs of what the words of the other pairs add, (pairs, words) differences."""
    own = difference.sum(axis=0) - difference > 0
    return float(np.sum(difference * own)) / len(difference)


def _shift(first: Floats, others: Sequence[Floats]) -> float:
    """The same for unmatched units: (units, words) of the first group and of each other."""
    weights, without = [], []
    groups = np.array([rows.mean(axis=0) for rows in others])
    everything = groups.mean(axis=0)
    for mean, rows in zip(groups, others, strict=True):
        left = (mean * len(rows) - rows) / max(len(rows) - 1, 1)
        alone = (everything * len(others) - mean) / max(len(others) - 1, 1)
        without.append(everything + (left - mean) / len(others) if len(rows) > 1 else alone[None])
        weights += [1 / (len(others) * len(rows))] * len(rows)
    rest, units, shares = np.concatenate(without), np.concatenate(others), np.array(weights)
    total, value = first.sum(axis=0), 0.0
    for row in first:
        own = (total - row) / (len(first) - 1) > rest
        value += float(np.einsum("s,sw->", shares, np.where(own, row - units, 0.0)))
    return value / len(first)


def _spread(without: Sequence[float]) -> Part:
    """Jackknife variance from the estimates without one unit each."""
    values, n = np.array(without), len(without)
    variance = float(np.sum((values - values.mean()) ** 2)) * (n - 1) / n
    return Part(variance, n - 1, variance)


def _assemble(
    estimate: float, parts: Mapping[str, Sequence[Part]], design: Layout, templates: int
) -> Contrast:
    every = [part for source in parts.values() for part in source]
    error: float | None = None
    df: float | None = None
    if sum(part.value for part in every) > 0:
        columns = (np.array(column, dtype=np.float64) for column in zip(*every, strict=True))
        variance, effective = satterthwaite(*columns)
        if variance > ROUNDING**2:
            error, df = math.sqrt(variance), float(effective)
    estimate = estimate if abs(estimate) > ROUNDING else 0.0
    return Contrast(
        estimate=estimate,
        se=error,
        df=df,
        n_templates=templates,
        n_terms=design.n_terms,
        parts={name: tuple(source) for name, source in parts.items()},
        status="ok" if error else "no_variance" if estimate else "identical",
    )
