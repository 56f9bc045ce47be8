"""How often is something found where nothing is, and how often do intervals hold the truth?"""

from __future__ import annotations

import numpy as np
from scipy.special import stdtr, stdtrit

from benchmarks.validity._drawn import SETTINGS, Setting, batches, many
from benchmarks.validity._table import Table, percent
from bias_audit.records import Floats
from bias_audit.stats._split import by_groups
from bias_audit.stats.many import Design, Many, Responses
from bias_audit.stats.max_t import max_t_flips
from bias_audit.stats.multiplicity import holm
from bias_audit.stats.omnibus import quasi_f
from bias_audit.stats.seeds import stream

LEVEL, MOST, LEAST = 0.05, 0.06, 0.94
GAP = 0.5
"""True gap behind the intervals, nats."""


def p_values(found: Many) -> Floats:
    """Two-sided p of each audit."""
    return np.asarray(2 * stdtr(found.df, -np.abs(found.estimate) / found.se))


def covers(found: Many, truth: float, level: float = 0.95) -> Floats:
    """Whether each interval holds the truth."""
    half = stdtrit(found.df, (1 + level) / 2) * found.se
    return np.asarray(np.abs(found.estimate - truth) <= half)


def intervals(sets: int, seed: int) -> Table:
    """The primary test and its interval."""
    table = Table("intervals", ("audits", "drawn", "wrong finding at 5 %", "95 % interval covers"))
    for setting in SETTINGS:
        rng = stream(seed, "intervals", setting.name)
        wrong = covered = 0.0
        for number in batches(setting, sets):
            wrong += np.count_nonzero(p_values(many(rng, setting, number)) <= LEVEL)
            covered += np.count_nonzero(covers(many(rng, setting, number, GAP), GAP))
        kept = wrong / sets <= MOST and covered / sets >= LEAST
        table.add(
            setting.name,
            f"2 x {sets}",
            percent(wrong / sets),
            percent(covered / sets),
            holds=kept if setting.promised else None,
        )
    return table


KINDS = (
    ("3 groups of 5 words, 12 sentences", 12, (5, 5, 5), (0.4, 0.55, 0.55), 1.0),
    ("7 groups of 4 words, 12 sentences", 12, (4,) * 7, (0.4, 0.55, 0.55), 1.0),
    ("4, 4 and 12 words, one group varies twice as much", 12, (4, 4, 12), (0.4, 0.55, 0.55), 2.0),
    ("exactly these words, 6 groups of one, 8 sentences", 8, (1,) * 6, (0.4, 0.0, 0.5), 1.0),
    ("the same, one group varies three times as much", 8, (1,) * 6, (0.4, 0.0, 0.5), 3.0),
)
"""Name, sentences, words of each group, standard deviations of sentences, words and cells, and how
much more the first group varies."""


def _groups(
    rng: np.random.Generator, rows: int, words: tuple[int, ...], sd: tuple[float, ...], first: float
) -> tuple[Floats, list[list[int]]]:
    """Responses of k equal groups, each with its own sentence effects."""
    setting = Setting(name="", design=Design(groups=len(words), scope="concept"), words=words)
    group = np.repeat(np.arange(len(words)), words)
    scale = np.where(group == 0, first, 1.0)
    y = rng.normal(0, sd[0], (rows, len(words)))[:, group] * scale
    y = y + rng.normal(0, sd[1], group.size) * scale + rng.normal(0, sd[2], (rows, group.size))
    return y, setting.groups


def all_groups(sets: int, seed: int) -> Table:
    """The test of all groups at once."""
    table = Table("all-groups", ("groups", "drawn", "wrong finding at 5 %"))
    for name, rows, words, sd, first in KINDS:
        rng = stream(seed, "all-groups", name)
        scope = "terms" if max(words) == 1 else "concept"
        wrong = 0
        for _ in range(sets):
            y, groups = _groups(rng, rows, words, sd, first)
            p = quasi_f(y, groups, scope=scope).p
            wrong += p is not None and p <= LEVEL
        table.add(name, f"{sets}", percent(wrong / sets), holds=wrong / sets <= MOST)
    return table


USUAL, WORDS_ONLY = (0.4, 0.55, 0.55), (0.05, 0.7, 0.3)
FAMILIES = (
    (3, 8, USUAL, ""),
    (7, 8, USUAL, ""),
    (7, 4, USUAL, ""),
    (7, 8, WORDS_ONLY, "; sentences hardly vary"),
    (7, 4, WORDS_ONLY, "; sentences hardly vary"),
)
"""Groups, words of each, standard deviations of sentences, words and cells, and what to say."""


def families(sets: int, seed: int) -> Table:
    """Is any claim of a whole family wrong?"""
    table = Table("families", ("family", "drawn", "one wrong claim or more at 5 %"))
    for k, words, sd, note in FAMILIES:
        name = f"Holm: {k} groups of {words} words, each with the others{note}"
        wrong = _holm(k, words, sd, sets, stream(seed, "families", name)) / sets
        table.add(name, f"{sets}", percent(wrong), holds=wrong <= MOST)
    rng, false = stream(seed, "families", "max-t"), 0
    for _ in range(sets):
        deltas = rng.normal(0, 0.5, (9, 1)) + rng.normal(0, 0.5, (9, 12))
        false += min(max_t_flips(deltas, rng)) <= LEVEL
    name = "max-T: 12 words of a table, 9 sentences, all signs"
    table.add(name, f"{sets}", percent(false / sets), holds=false / sets <= MOST)
    return table


def _holm(k: int, words: int, sd: tuple[float, ...], sets: int, rng: np.random.Generator) -> int:
    """Families of k equal groups with a wrong claim."""
    setting = Setting(name="", design=Design(groups=k, scope="concept"), words=(words,) * k)
    one, word, cell = sd
    group, wrong = np.repeat(np.arange(k), words), 0
    for number in batches(setting, sets):
        y = rng.normal(0, one, (number, setting.rows, k))[:, :, group]
        y += rng.normal(0, word, (number, 1, group.size))
        y += rng.normal(0, cell, y.shape)
        wrong += sum(min(holm(p)) <= LEVEL for p in _against_the_rest(y, setting).T)
    return wrong


def _against_the_rest(y: Floats, setting: Setting) -> Floats:
    """(k, sets) p-values of each group with the mean of the others."""
    groups, found = setting.groups, []
    for which in range(len(groups)):
        order = [groups[which], *(g for i, g in enumerate(groups) if i != which)]
        split = by_groups(y, order, setting.design.weights)
        found.append(p_values(Many(setting.design, Responses(split, None))))
    return np.stack(found)
