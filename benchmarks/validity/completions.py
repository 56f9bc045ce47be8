"""Completions drawn word by word: does the program see differences where none are, and those there?

A sentence, a group word and both together add to the log-odds of every word that may fill the gap.
Nothing is shared with the program but the tests and intervals under test.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from benchmarks.validity._drawn import Kin, clusters_of
from benchmarks.validity._table import Table, percent
from bias_audit.metrics.completion_table import ExchangeUnits
from bias_audit.metrics.completion_words import FoldedTable, fold, shifted_share
from bias_audit.metrics.completions import few_exchanges
from bias_audit.metrics.divergence import jsd_permutation, others_permutation
from bias_audit.probes.scope import MIN_LABELS, MIN_PAIRS
from bias_audit.stats.contrast import Clusters
from bias_audit.stats.estimate import Contrast
from bias_audit.stats.ladder import ALPHA
from bias_audit.stats.layout import Layout
from bias_audit.stats.permutation import exchange_in_blocks
from bias_audit.stats.seeds import stream
from bias_audit.utils.arrays import Floats

LEVEL, MOST, LEAST = 0.05, 0.06, 0.94
WORDS = 60
"""Words that may fill the gap; the last ones stand for a list of hurtful words."""
HURTFUL = slice(WORDS - 5, WORDS)
PLANTED = 0.7
"""Added to the log-odds of every tenth word after the first group: twice as likely."""
DRAWS = 199
"""Relabellings in one test, so that thousands of tests take minutes."""
SERIES = 25
"""Audits of the same group words, where the claim is about exactly these."""
BY_SENTENCE, BY_WORD, BY_BOTH = 0.8, 0.6, 0.4
"""Standard deviations of what sentences, group words and both add, log-odds."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One kind of audit."""

    name: str
    rows: int = 12
    words: tuple[int, ...] = (8, 8)
    """Of each group."""
    pairs: bool = False
    """The words of two groups are matched."""
    kin_rows: Kin | None = None
    """Sentences that resemble each other."""
    kin_words: Kin | None = None
    """The same of the words of each group."""
    first: float = 1.0
    """The first group's words vary so many times as much."""
    often: int = 1
    """Drawn so many times as often as the others."""
    promised: bool = True
    why: str = ""
    """Why no promise is made."""

    @property
    def columns(self) -> list[list[int]]:
        """Columns of each group."""
        ends = np.cumsum(self.words).tolist()
        return [list(range(end - n, end)) for end, n in zip(ends, self.words, strict=True)]

    @property
    def clusters(self) -> Clusters:
        """Clusters of sentences and of group words."""
        rows = clusters_of(self.kin_rows, self.rows) if self.kin_rows else ()
        if self.kin_words is None:
            return Clusters(rows)
        each = [clusters_of(self.kin_words, n) for n in self.words]
        return Clusters(rows, [(g, c) for g, some in enumerate(each) for c in some])

    @property
    def layout(self) -> Layout:
        """The first group compared with the other, or with all others."""
        pairs = list(zip(*self.columns, strict=True)) if self.pairs else []
        enough = len(pairs) >= MIN_PAIRS or min(self.words) >= MIN_LABELS
        return Layout(
            groups=self.columns,
            which=0,
            rest=len(self.words) > 2,
            pairs=pairs,
            scope="concept" if enough else "terms",
            clusters=self.clusters,
        )

    @property
    def exchanged(self) -> ExchangeUnits:
        """What changes places: clusters of words, matched ones inside their pair."""
        kin = clusters_of(self.kin_words, max(self.words)) if self.kin_words else None
        columns: dict[tuple[int, int], list[int]] = {}
        for group, mine in enumerate(self.columns):
            for number, column in enumerate(mine):
                columns.setdefault((group, kin[number] if kin else number), []).append(column)
        return ExchangeUnits(
            groups=[f"{group}" for group, _ in columns],
            columns=[*columns.values()],
            blocks=[number if self.pairs else 0 for _, number in columns],
        )


class Drawn(NamedTuple):
    """What group words add to the log-odds, (columns, words)."""

    base: Floats
    by_word: Floats


def draw_words(rng: np.random.Generator, setting: Setting, base: Floats) -> Drawn:
    """Draw what the group words of an audit add."""
    by_word = rng.normal(0, BY_WORD, (sum(setting.words), WORDS))
    first = setting.columns[0]
    if setting.kin_words:
        kin = setting.kin_words
        for columns in setting.columns:
            clusters = np.array(clusters_of(kin, len(columns)))
            alike = rng.normal(0, BY_WORD, (clusters.max() + 1, WORDS))[clusters]
            own = math.sqrt(1 - kin.rho) * by_word[columns] + math.sqrt(kin.rho) * alike
            inside = clusters < len(kin.sizes)
            by_word[columns] = np.where(inside[:, None], own, by_word[columns])
    if setting.pairs:
        shared = rng.normal(0, BY_WORD, (len(first), WORDS))
        for columns in setting.columns:
            by_word[columns] = math.sqrt(0.5) * (by_word[columns] + shared)
    by_word[first] *= setting.first
    return Drawn(base, by_word)


def draw(rng: np.random.Generator, setting: Setting, words: Drawn, effect: float) -> Floats:
    """Draw the completions of one audit, (sentences, group words, words)."""
    rows = rng.normal(0, BY_SENTENCE, (setting.rows, 1, WORDS))
    both = rng.normal(0, BY_BOTH, (setting.rows, sum(setting.words), WORDS))
    if setting.kin_rows:
        clusters, rho = clusters_of(setting.kin_rows, setting.rows), setting.kin_rows.rho
        alike = rng.normal(0, BY_BOTH, (max(clusters) + 1, sum(setting.words), WORDS))
        both = math.sqrt(1 - rho) * both + math.sqrt(rho) * alike[clusters]
    log_odds = words.base + rows + words.by_word + both
    log_odds[:, setting.columns[0], ::10] += effect
    log_odds[:, setting.columns[0], HURTFUL] += effect
    p = np.exp(log_odds)
    return np.asarray(p / p.sum(axis=-1, keepdims=True))


def fold_words(p: Floats) -> FoldedTable:
    """The completions as the program reads them."""
    names = [f"{number}" for number in range(WORDS)]
    return fold(p.astype(np.float32), names, np.ones(WORDS, dtype=bool))


class Findings(NamedTuple):
    """Shares of audits in which something was found; None where too few words make p useless."""

    together: float | None
    alone: float | None
    """The first of several groups with the others."""
    hurtful: float | None


def find(setting: Setting, effect: float, sets: int, rng: np.random.Generator) -> Findings:
    """Try the permutation tests of all groups, of the first, and of hurtful words."""
    exchanged = setting.exchanged
    names = list(dict.fromkeys(exchanged.groups))
    groups, blocks = exchanged.of_groups(names), exchanged.blocks
    several = len(groups) > 2
    found, few, few_hurtful = np.ones((sets, 3)), False, False
    for number in range(sets):
        words = draw_words(rng, setting, rng.normal(0, 1.5, WORDS))
        p = draw(rng, setting, words, effect)
        units = exchanged.means(fold_words(p).p)
        every = jsd_permutation(units, groups, rng, DRAWS, blocks)
        few = every.exact and every.distinct * ALPHA < 1
        if several:
            found[number, 1] = others_permutation(units, groups, rng, DRAWS, blocks)[0].p
        shares = exchanged.means(p[..., HURTFUL].sum(axis=-1))
        hurtful = exchange_in_blocks(shares, groups, blocks, rng, DRAWS)
        few_hurtful = hurtful.exact and hurtful.draws * ALPHA < 2
        found[number, ::2] = every.p, hurtful.p
    together, alone, hurt = (found <= LEVEL).mean(axis=0).tolist()
    lost = several and bool(few_exchanges(exchanged, names, names[0]).statuses)
    return Findings(
        None if few else together,
        None if lost or not several else alone,
        None if (lost if several else few_hurtful) else hurt,
    )


def sizes(setting: Setting, effect: float, sets: int, rng: np.random.Generator) -> Iterator[bool]:
    """Whether each interval of the share that differs holds what audits show on average.

    Where labels mean nothing and words are a sample, that is 0.
    """
    base, layout = rng.normal(0, 1.5, WORDS), setting.layout
    sample = layout.scope == "concept"
    step = sets if sample else SERIES
    for start in range(0, sets, step):
        words = draw_words(rng, setting, base)
        many: list[Contrast] = []
        for _ in range(min(step, sets - start)):
            words = draw_words(rng, setting, base) if sample else words
            size = shifted_share(fold_words(draw(rng, setting, words, effect)), layout)
            if size is not None:
                many.append(size)
        known = sample and not effect
        truth = 0.0 if known else float(np.mean([size.estimate for size in many]))
        for size in many:
            low, high = size.interval(0.95) or (-math.inf, math.inf)
            yield low <= truth <= high


LOST = "not measurable"
"""What the program says of too few words, whatever p is."""
UNEQUAL = "words that vary more are completed differently, and exchanged labels show it"
TWO = (
    Setting(name="16 sentences, 5 words in each of two groups", rows=16, words=(5, 5)),
    Setting(name="12 sentences, 5 against 12 words", words=(5, 12), often=2),
    Setting(name="12 sentences, 3 against 8 words", words=(3, 8)),
    Setting(name="12 sentences, 8 matched pairs", pairs=True),
    Setting(
        name="16 sentences, 8 matched pairs, three of them kin",
        rows=16,
        pairs=True,
        kin_words=Kin((3,), 0.7),
    ),
    Setting(name="12 sentences, 8 words, three of each group kin", kin_words=Kin((3,), 0.7)),
    Setting(
        name="16 sentences in 10 clusters, 5 against 6 words",
        rows=16,
        words=(5, 6),
        kin_rows=Kin((4, 3, 2), 0.8),
    ),
    Setting(name="12 sentences, 2 words in each of two groups", words=(2, 2)),
    Setting(
        name="12 sentences, 3 against 8 words, the three vary twice as much",
        words=(3, 8),
        first=2.0,
        promised=False,
        why=UNEQUAL,
    ),
)
SEVERAL = (
    Setting(name="12 sentences, 2, 8 and 8 words", words=(2, 8, 8)),
    Setting(name="12 sentences, 7 groups of 4 words", words=(4,) * 7),
    Setting(name="12 sentences, 7 groups of 2 words", words=(2,) * 7),
)


def completions(sets: int, seed: int) -> Table:
    """Two groups: do their completions differ, and their hurtful ones?"""
    return _tests("completions", TWO, sets, seed)


def several_groups(sets: int, seed: int) -> Table:
    """Three groups and more: all at once, and the first with the others."""
    return _tests("completions-several", SEVERAL, sets, seed)


def _tests(name: str, settings: Sequence[Setting], sets: int, seed: int) -> Table:
    """What is found where nothing is, and, in an eighth as many audits, where something is."""
    several = settings is SEVERAL
    head = ("audits", "drawn", "completions: wrong",
            *(["one group with the others: wrong"] if several else []),
            "hurtful words: wrong", "planted: found")  # fmt: skip
    table = Table(name, head)
    for setting in settings:
        rng, drawn = stream(seed, name, setting.name), sets * setting.often
        null = find(setting, 0.0, drawn, rng)
        there = find(setting, PLANTED, max(sets // 8, 1), rng)
        wrong = [null.together, *([null.alone] if several else []), null.hurtful]
        known = [share for share in wrong if share is not None]
        table.add(
            setting.name,
            f"{drawn}",
            *(LOST if share is None else percent(share) for share in (*wrong, there.together)),
            holds=max(known, default=0.0) <= MOST if setting.promised else None,
        )
    table.note = _reasons(settings)
    return table


def difference_sizes(sets: int, seed: int) -> Table:
    """Does the interval of the share that differs hold the truth?"""
    head = ("audits", "drawn", "nothing differs: 95 % covers", "planted: 95 % covers")
    table = Table("completions-size", head)
    for setting in (*TWO, *SEVERAL):
        rng = stream(seed, "completions-size", setting.name)
        covers = [float(np.mean([*sizes(setting, e, sets, rng)])) for e in (0.0, PLANTED)]
        held = min(covers) >= LEAST if setting.promised else None
        table.add(setting.name, f"2 x {sets}", *map(percent, covers), holds=held)
    table.note = _reasons((*TWO, *SEVERAL))
    return table


def _reasons(settings: Sequence[Setting]) -> str:
    reasons = dict.fromkeys(setting.why for setting in settings if setting.why)
    return f"No promise: {'; '.join(reasons)}." if reasons else ""
