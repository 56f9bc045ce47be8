"""How often is something found where nothing is, and how often do intervals hold the truth?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from benchmarks.validity._drawn import SETTINGS, Audits, Design, Setting, audits, batches
from benchmarks.validity._table import Table, percent
from bias_audit.stats.contrast import (
    ContrastBatch,
    analyse_many,
    one_group,
    several_groups,
)
from bias_audit.stats.estimate import Scope
from bias_audit.stats.multiplicity import holm, max_t_flips
from bias_audit.stats.omnibus import QuasiF, across_targets, quasi_f
from bias_audit.stats.seeds import stream
from bias_audit.utils.arrays import Floats
from bias_audit.utils.scales import NATS

LEVEL, MOST, LEAST = 0.05, 0.06, 0.94
GAP = 0.5
"""True gap behind the intervals, nats."""


def p_values(found: ContrastBatch) -> Floats:
    """Two-sided p of each audit."""
    return np.asarray(2 * stdtr(found.df, -np.abs(found.estimate) / found.se))


def covers(found: ContrastBatch, truth: float, level: float = 0.95) -> Floats:
    """Whether each interval holds the truth."""
    half = stdtrit(found.df, (1 + level) / 2) * found.se
    return np.asarray(np.abs(found.estimate - truth) <= half)


def intervals(sets: int, seed: int) -> Table:
    """Both claims' intervals, and what is called an association where nothing is.

    An association is wrong by words of this kind if there is none, and by these words if their own
    gap is not beyond the first rung.
    """
    head = ("audits", "drawn", "these words: 95 % covers", "of this kind: 95 % covers",
            "wrong association")  # fmt: skip
    table = Table("intervals", head)
    for setting in SETTINGS:
        drawn = audits(stream(seed, "intervals", setting.name), setting, sets)
        covered = [covers(claim.at(GAP), GAP).mean() if claim else None for claim in drawn[:2]]
        wrong = _wrong_associations(drawn).mean()
        known = [share for share in covered if share is not None]
        table.add(
            setting.name,
            f"{sets}",
            *("no targets" if share is None else percent(share) for share in covered),
            percent(wrong),
            holds=(min(known) >= LEAST and wrong <= MOST) if setting.promised else None,
        )
    table.note = _reasons()
    return table


def _wrong_associations(drawn: Audits) -> NDArray[np.bool_]:
    """Whether each audit is called an association and there is none."""
    by_kind = p_values(drawn.widest.at(0.0)) < LEVEL
    least = NATS.value(NATS.rungs[0])
    measured = drawn.these.at(0.0)._replace(estimate=drawn.these.error + drawn.list_gap)
    beyond = beyond_p(measured, least)
    return np.asarray(by_kind | ((beyond <= LEVEL) & (np.abs(drawn.list_gap) <= least)))


def _reasons() -> str:
    """Why no promise is made, once for each reason."""
    reasons = dict.fromkeys(s.why for s in SETTINGS if s.why)
    return f"No promise: {'; '.join(reasons)}."


def bounds(sets: int, seed: int) -> Table:
    """Bounds on the gap of these words where it lies on a rung: neither bound is right there."""
    head = ("audits", "drawn", 'false "at least", worst rung', 'false "at most", worst rung')
    table = Table("bounds", head)
    for setting in SETTINGS:
        drawn = audits(stream(seed, "bounds", setting.name), setting, sets).these
        false = [
            [np.mean(p(drawn.at(gap), gap) <= LEVEL) for p in (beyond_p, inside_p)]
            for gap in map(NATS.value, NATS.rungs)
        ]
        worst = [max(shares) for shares in zip(*false, strict=True)]
        held = max(worst) <= MOST if setting.promised else None
        table.add(setting.name, f"{sets}", *map(percent, worst), holds=held)
    table.note = _reasons()
    return table


def beyond_p(found: ContrastBatch, limit: float) -> Floats:
    """p for lying beyond a limit, of each audit."""
    size = np.abs(found.estimate)
    tails = [stdtr(found.df, -(size + sign * limit) / found.se) for sign in (-1, 1)]
    return np.asarray(tails[0] + tails[1])


def inside_p(found: ContrastBatch, limit: float) -> Floats:
    """p for lying inside a limit, of each audit."""
    return np.asarray(stdtr(found.df, -(limit - np.abs(found.estimate)) / found.se))


USUAL, WORDS_ONLY = (0.4, 0.55, 0.55), (0.05, 0.7, 0.3)
THESE = (0.4, 0.0, 0.5)
"""Standard deviations of sentences, words and cells."""


@dataclass(frozen=True)
class Groups:
    """Audits of k equal groups."""

    name: str
    words: tuple[int, ...]
    """Of each group."""
    sd: tuple[float, float, float] = USUAL
    first: float = 1.0
    """The first group varies so many times as much."""
    rows: int = 12
    targets: int = 0
    """Of each pole, where they are a sample."""
    target_sd: float = 0.5

    def draw(self, rng: np.random.Generator) -> QuasiF:
        """One audit, analysed; each group has its own effects of sentences and targets."""
        setting = Setting(name="", design=WIDE, words=self.words)
        group = np.repeat(np.arange(len(self.words)), self.words)
        scale = np.where(group == 0, self.first, 1.0)
        one, word, cell = self.sd
        y = rng.normal(0, one, (self.rows, len(self.words)))[:, group] * scale
        y = y + rng.normal(0, word, group.size) * scale
        if not self.targets:
            scope: Scope = "terms" if max(self.words) == 1 else "concept"
            y += rng.normal(0, cell, y.shape)
            return quasi_f(y, setting.groups, scope=scope)
        pole = np.repeat([1.0, 0.0], self.targets)
        scores = y[..., None] * pole + rng.normal(0, cell, (*y.shape, pole.size))
        scores += rng.normal(0, self.target_sd, (len(self.words), pole.size))[group]
        y = scores[..., : self.targets].mean(axis=2) - scores[..., self.targets :].mean(axis=2)
        means = scores.mean(axis=0)
        over = np.stack([means[columns].mean(axis=0) for columns in setting.groups], axis=1)
        sample = across_targets([over[: self.targets], over[self.targets :]])
        return quasi_f(y, setting.groups, scope="concept", targets=sample)


WIDE = Design(groups=2, scope="concept")
KINDS = (
    Groups("3 groups of 5 words, 12 sentences", (5, 5, 5)),
    Groups("7 groups of 4 words, 12 sentences", (4,) * 7),
    Groups("4, 4 and 12 words, one group varies twice as much", (4, 4, 12), first=2.0),
    Groups("2, 8 and 8 words, sentences hardly vary", (2, 8, 8), WORDS_ONLY),
    Groups("2, 2 and 12 words", (2, 2, 12)),
    Groups("targets a sample too: 3 groups of 6 words, 6 in each pole", (6, 6, 6), targets=6),
    Groups(
        "targets vary most: 5 groups of 6 words, 8 in each pole",
        (6,) * 5,
        (0.2, 0.2, 0.55),
        targets=8,
        target_sd=1.0,
    ),
    Groups("exactly these words, 6 groups of one, 8 sentences", (1,) * 6, THESE, rows=8),
    Groups("the same, one group varies three times as much", (1,) * 6, THESE, 3.0, rows=8),
)


def all_groups(sets: int, seed: int) -> Table:
    """The test of all groups at once."""
    table = Table("all-groups", ("groups", "drawn", "wrong finding at 5 %"))
    for kind in KINDS:
        rng = stream(seed, "all-groups", kind.name)
        wrong = sum((kind.draw(rng).p or 0.0) <= LEVEL for _ in range(sets)) / sets
        table.add(kind.name, f"{sets}", percent(wrong), holds=wrong <= MOST)
    return table


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
    for real, note in ((0, ""), (4, ", 4 gaps are real"), (11, ", 11 gaps are real")):
        name = f"max-T: 12 words of a table, 9 sentences, all signs{note}"
        wrong = _max_t(real, sets, stream(seed, "families", name)) / sets
        table.add(name, f"{sets}", percent(wrong), holds=wrong <= MOST)
    return table


def _max_t(real: int, sets: int, rng: np.random.Generator) -> int:
    """Tables of 12 words, the first ``real`` with a large gap, with a wrong claim about another."""
    gaps = np.where(np.arange(12) < real, 2.0, 0.0)
    return sum(
        min(
            max_t_flips(gaps + rng.normal(0, 0.5, (9, 1)) + rng.normal(0, 0.5, (9, 12)), rng)[real:]
        )
        <= LEVEL
        for _ in range(sets)
    )


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
        terms = several_groups("terms", order, setting.design.weights)
        factors = [one_group("templates", y.shape[1]), terms]
        found.append(p_values(analyse_many(y, factors, ("templates", "terms"))))
    return np.stack(found)
