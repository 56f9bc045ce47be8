"""Are permutation p-values uniform where nothing is to be found?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import stats

from benchmarks.validity._table import Table, percent
from bias_audit.metrics.divergence import jsd_permutation
from bias_audit.stats.permutation import label_exchange, pair_flip, sign_flip
from bias_audit.stats.rank_tests import friedman, kruskal
from bias_audit.stats.seeds import stream
from bias_audit.utils.arrays import Floats

LEVEL, MOST, LEAST_P = 0.05, 0.06, 0.01
DRAWS = 199
"""Relabellings in one test, so that thousands of tests take minutes."""
BOTH = 2.0
"""A flip and its mirror image have the same statistic, and so have two groups of one size."""

Draw = Callable[[np.random.Generator], tuple[float, float]]
"""Draws one data set without an effect; returns p and the step between attainable p-values."""


def _words(rng: np.random.Generator, words: int) -> Floats:
    """(8, words) responses: every word has its own level, no group has one."""
    return np.asarray(rng.normal(0, 0.6, words) + rng.normal(0, 0.5, (8, words)))


def _sign_flip(rng: np.random.Generator) -> tuple[float, float]:
    return sign_flip(rng.standard_t(3, 10), rng).p, BOTH / 2**10


def _pair_flip(rng: np.random.Generator) -> tuple[float, float]:
    return pair_flip(_words(rng, 9), rng).p, BOTH / 2**9


def _exchange(rng: np.random.Generator) -> tuple[float, float]:
    return label_exchange(_words(rng, 9), range(4), range(4, 9), rng).p, 1 / 126


def _many_words(rng: np.random.Generator) -> tuple[float, float]:
    p = label_exchange(_words(rng, 24), range(10), range(10, 24), rng, DRAWS).p
    return p, 1 / (DRAWS + 1)


def _kruskal(rng: np.random.Generator) -> tuple[float, float]:
    groups = [range(5), range(5, 10), range(10, 15)]
    return kruskal(_words(rng, 15), groups, rng, DRAWS).p, 0.0


def _friedman(rng: np.random.Generator) -> tuple[float, float]:
    return friedman(rng.normal(size=(12, 5)), rng, DRAWS).p, 0.0


def _divergence(rng: np.random.Generator) -> tuple[float, float]:
    words = rng.dirichlet(np.full(40, 0.5), 9)
    frames = [0.5 * words + 0.5 * rng.dirichlet(np.full(40, 0.5), 9) for _ in range(4)]
    return jsd_permutation(frames, [range(4), range(4, 9)], rng, DRAWS).p, 1 / (DRAWS + 1)


TESTS: tuple[tuple[str, Draw], ...] = (
    ("sign flip, 10 sentences, all patterns", _sign_flip),
    ("pair flip, 9 pairs, all patterns", _pair_flip),
    ("label exchange, 4 and 5 words, all relabellings", _exchange),
    ("label exchange, 10 and 14 words, drawn", _many_words),
    ("Kruskal-Wallis, three groups of 5 words, drawn", _kruskal),
    ("Friedman, 12 sentences, 5 groups, drawn", _friedman),
    ("divergence, 4 and 5 words, 4 sentences, drawn", _divergence),
)


def uniform(sets: int, seed: int) -> Table:
    """P-values of every permutation test, on data without an effect.

    P-values of a permutation test lie on a grid: each is spread over its step by a uniform draw,
    which makes them exactly uniform if the test is right. Statistics of ranks have ties, so their
    p-values are compared from one side: never too small.
    """
    head = ("test", "drawn", "wrong finding at 5 %", "Kolmogorov-Smirnov p")
    table = Table("permutations", head)
    for name, draw in TESTS:
        rng = stream(seed, "permutations", name)
        found = np.array([draw(rng) for _ in range(sets)])
        spread = found[:, 0] - rng.random(sets) * found[:, 1]
        sided = "two-sided" if found[0, 1] else "greater"
        ks = stats.kstest(spread, "uniform", alternative=sided).pvalue
        wrong = float(np.mean(found[:, 0] <= LEVEL))
        table.add(
            name,
            f"{sets}",
            percent(wrong),
            f"{ks:.2f}{'' if found[0, 1] else ' (one-sided)'}",
            holds=bool(wrong <= MOST and ks > LEAST_P),
        )
    return table
