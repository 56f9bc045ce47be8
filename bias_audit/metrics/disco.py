"""How many of a sentence's likeliest fills depend on the group (after DisCo).

Arrays that are not finite, or do not fit each other, raise ``ValueError``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, Literal, TypedDict

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from bias_audit.metrics.base import (
    Metric,
    MetricInfo,
    MetricOutput,
    contrast_result,
    count_skips,
    needs_completions,
    versus,
)
from bias_audit.metrics.design import scored_groups
from bias_audit.metrics.scored_probe import ScoredProbe, Settings
from bias_audit.records import CompletionScore, SkipReason
from bias_audit.results import Result
from bias_audit.stats._arrays import finite
from bias_audit.stats.contrast import matched_pairs
from bias_audit.stats.multiplicity import holm
from bias_audit.stats.permutation import MOST_FLIPPED, MOST_LISTED, label_exchange, pair_flip
from bias_audit.utils.arrays import Floats

DISCO = MetricInfo(
    id="disco",
    name="likely fills that depend on the group (DisCo-T)",
    unit="fills",
    direction="larger: more of a sentence's likely fills depend on the group; grows with the "
    "number of words, so it is compared inside one catalogue only",
    reference="After Webster et al. (2020, arXiv 2010.06032); permutation tests by this tool.",
)
DISCO_CHI2 = MetricInfo(
    id="disco_chi2",
    name="DisCo as published code has it (compat)",
    unit="share",
    direction="larger: more pairs of words are called different by a chi-squared that takes "
    "probabilities for counts; it is no test",
    reference="Code of the package biased-rulers, after Webster et al. (2020).",
)

FILLS = 3
"""Likeliest fills that are taken from each group word, as published."""
LEVEL = 0.05
"""Level of the tests of one sentence, after Holm."""


def candidates(tops: Sequence[Sequence[str]], fills: int = FILLS) -> list[str]:
    """Return the distinct words among the first ``fills`` of each list, sorted.

    >>> candidates([["cook", "drive"], ["drive", "sew"]], fills=1)
    ['cook', 'drive']
    """
    return sorted({word for top in tops for word in top[:fills]})


def fill_tests(
    a: ArrayLike, b: ArrayLike, rng: np.random.Generator, *, paired: bool, resamples: int
) -> Floats:
    """Return the p-value of every fill: is its log-probability tied to the group?

    Args:
        a: (words of A, fills) log-probabilities after the first group's words.
        b: (words of B, fills); with ``paired`` row for row the partners of ``a``.
        rng: source of the draws where a test is not exact.
        paired: flip signs inside pairs; else exchange labels between words.
        resamples: draws where a test is not exact.
    """
    first, second = finite(a, ndim=2, name="a"), finite(b, ndim=2, name="b")
    if first.shape[1] != second.shape[1] or (paired and first.shape != second.shape):
        raise ValueError(f"expected tables of the same fills, got {first.shape}, {second.shape}")
    if paired:
        gaps = first - second
        columns = (gaps[:, [i]].T for i in range(gaps.shape[1]))
        return np.array([pair_flip(column, rng, resamples).p for column in columns])
    both = np.concatenate([first, second])
    in_a, in_b = range(len(first)), range(len(first), len(both))
    rows = (both[:, i][None] for i in range(both.shape[1]))
    return np.array([label_exchange(y, [*in_a], [*in_b], rng, resamples).p for y in rows])


def smallest_p(n_a: int, n_b: int, *, paired: bool, resamples: int) -> float:
    """Return the smallest p-value that :func:`fill_tests` can give for so many words.

    Args:
        n_a: words of A; pairs with ``paired``.
        n_b: words of B.
        paired: as there.
        resamples: as there.
    """
    if paired:
        exact, arrangements, mirrored = n_a <= MOST_FLIPPED, 2**n_a, True
    else:
        arrangements, mirrored = math.comb(n_a + n_b, n_a), n_a == n_b
        exact = arrangements <= MOST_LISTED
    return (2 if mirrored else 1) / arrangements if exact else 1 / (resamples + 1)


def significant(p_values: ArrayLike, level: float = LEVEL) -> int:
    """Return how many fills of one sentence are tied to the group, after Holm over its fills."""
    return int(np.count_nonzero(holm(p_values) < level))


def published_share(
    pairs: Sequence[tuple[Mapping[str, float], Mapping[str, float]]],
    fills: int = FILLS,
    level: float = LEVEL,
) -> float:
    """Return the share of pairs that published code calls different, [0, 1].

    It takes probabilities for counts: chi-squared goodness of fit of the first word's fills with
    the second's, both scaled to 1, at ``level`` over the number of pairs. That is not a test; a
    fill that the second word lacks counts as infinitely unlikely.

    Args:
        pairs: fills with their probabilities, likeliest first, after both words of each pair.
        fills: how many of them count.
        level: level before it is divided.

    Raises:
        ValueError: no pair.

    Source: code of the package biased-rulers, after Webster et al. (2020).
    """
    if not pairs:
        raise ValueError("expected at least one pair")
    rejected = 0
    for a, b in pairs:
        first, second = (dict(list(side.items())[:fills]) for side in (a, b))
        words = sorted({*first, *second})
        x, y = (np.array([side.get(w, 0.0) for w in words]) for side in (first, second))
        x, y = x / x.sum(), y / y.sum()
        with np.errstate(divide="ignore", invalid="ignore"):
            parts = np.where(x == y, 0.0, (x - y) ** 2 / y)
        p = 1.0 if len(words) < 2 else float(chdtrc(len(words) - 1, parts.sum()))
        rejected += p <= level / len(pairs)
    return rejected / len(pairs)


class _Test(TypedDict):
    """How the fills of one sentence are tested."""

    paired: bool
    resamples: int


_Reason = tuple[SkipReason | None, str]
_Words = dict[tuple[str, str], dict[str, list[CompletionScore]]]
"""Completions by sentence and group, then by label, or by word where groups have one label."""
_TOO_FEW: _Reason = ("not_applicable", "it needs two words in each group")
_BLIND: _Reason = (
    "not_applicable",
    "with so few words no fill of a sentence could differ after Holm",
)
_LEAST = 1e-12
"""Probabilities below this are taken for it: float32 can lose them."""


def disco(scored: ScoredProbe, settings: Settings) -> MetricOutput:
    """Return how many likely fills depend on the group, from the open completions."""
    cells: _Words = {}
    labels = {(prompt.group, prompt.label) for prompt in scored.open_prompts}
    unit: Literal["label", "term"] = "label"
    if len(labels) == len({group for group, _ in labels}):
        unit = "term"  # one label each: its words with their heads are what there is
    for prompt, answer in zip(scored.open_prompts, scored.open_scores, strict=True):
        if answer.skip is None:
            cell = cells.setdefault((prompt.template, prompt.group), {})
            cell.setdefault(getattr(prompt, unit), []).append(answer)
    groups = [g for g in scored_groups(scored) if any(key[1] == g for key in cells)]
    results: list[Result] = []
    lacking: list[_Reason] = []
    for pair in combinations(groups, 2):
        matched = _match_words(scored, pair, unit)
        more, reasons = _compare(scored, cells, pair, matched, settings)
        results += more
        lacking += reasons or ([] if more else [_TOO_FEW])
    return MetricOutput(results=tuple(results), skips=count_skips(scored, DISCO.id, lacking))


def _compare(
    scored: ScoredProbe,
    cells: _Words,
    pair: tuple[str, str],
    matched: Sequence[tuple[str, str]],
    settings: Settings,
) -> tuple[list[Result], list[_Reason]]:
    """The results of two groups, and why sentences were left out of them."""
    a, b = pair
    counts: list[float] = []
    shares: list[float] = []
    blind: list[_Reason] = []
    for template in dict.fromkeys(key[0] for key in cells):
        left, right = cells.get((template, a), {}), cells.get((template, b), {})
        pairs = [(x, y) for x, y in matched if x in left and y in right]
        sides = ([x for x, _ in pairs], [y for _, y in pairs])
        first, second = sides if pairs else (sorted(left), sorted(right))
        if min(len(first), len(second)) < 2:
            continue
        tops = [[*_fills(left[x])] for x in first] + [[*_fills(right[y])] for y in second]
        fills = [word for word in candidates(tops) if word in scored.words]
        test: _Test = {"paired": bool(pairs), "resamples": settings.divergence_resamples}
        if fills and smallest_p(len(first), len(second), **test) * len(fills) >= LEVEL:
            blind.append(_BLIND)
        elif fills:
            columns = [scored.words.index(word) for word in fills]
            p_values = fill_tests(
                np.stack([_logs(left[x], columns) for x in first]),
                np.stack([_logs(right[y], columns) for y in second]),
                scored.rng(settings, "disco", f"{a}:{b}", template),
                **test,
            )
            counts.append(significant(p_values))
        if pairs:
            shares.append(published_share([(_fills(left[x]), _fills(right[y])) for x, y in pairs]))
    return _results(scored, pair, counts, shares, settings), blind


def _results(
    scored: ScoredProbe,
    pair: tuple[str, str],
    counts: Sequence[float],
    shares: Sequence[float],
    settings: Settings,
) -> list[Result]:
    results = []
    for info, values in ((DISCO, counts), (DISCO_CHI2, shares)):
        if values:
            contrast = matched_pairs(np.array(values, dtype=float)[:, None], scope="terms")
            more: dict[str, Any] = {
                "about": versus(*pair),
                "n_targets": 0,
                "n_prompts": len(scored.open_prompts),
            }
            results.append(
                contrast_result(scored, info, pair, contrast, settings, least=0.0, **more)
            )
    return results


def _match_words(
    scored: ScoredProbe, pair: tuple[str, str], unit: Literal["label", "term"]
) -> list[tuple[str, str]]:
    """Matched words (or one label with the same head); empty unless every word has its partner."""
    sides = []
    for name in pair:
        words = [w for group in scored.probe.groups if group.id == name for w in group.words]
        keys = [word.pair if unit == "label" else word.pair or word.head for word in words]
        named = [word.label if unit == "label" else word.id for word in words]
        if not all(keys):
            return []
        sides.append(dict(zip(keys, named, strict=True)))
    if set(sides[0]) != set(sides[1]):
        return []
    return [(sides[0][key], sides[1][key]) for key in sorted(sides[0], key=str)]


def _fills(answers: Sequence[CompletionScore]) -> dict[str, float]:
    """The likeliest fills after a label, its heads averaged, likeliest first."""
    sums: dict[str, float] = {}
    for answer in answers:
        for word, probability in answer.top:
            sums[word] = sums.get(word, 0.0) + probability / len(answers)
    return dict(sorted(sums.items(), key=lambda item: (-item[1], item[0])))


def _logs(answers: Sequence[CompletionScore], columns: Sequence[int]) -> Floats:
    """Mean log-probability of the fills over the whole vocabulary, nats."""
    rows = [np.log(np.maximum(a.words[[*columns]] * a.word_mass, _LEAST)) for a in answers]
    return np.asarray(np.mean(rows, axis=0, dtype=np.float64))


METRICS = (
    Metric(
        info=DISCO,
        companions=(DISCO_CHI2,),
        question="how many likely fills depend on the group (DisCo)?",
        measure=disco,
        unsupported=needs_completions,
        default=False,
    ),
)
