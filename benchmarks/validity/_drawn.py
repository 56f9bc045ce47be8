"""Audits drawn cell by cell: sentence, word, target and cell effects, with a known true gap.

Nothing is shared with the program but the formulas under test.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from bias_audit.stats.contrast import ContrastBatch, one_group, several_groups
from bias_audit.stats.crossing import Factor, combine, cross
from bias_audit.stats.estimate import USED, Scope
from bias_audit.utils.arrays import Floats

CELLS = 4_000_000
"""Numbers drawn at a time."""


@dataclass(frozen=True, kw_only=True)
class Design:
    """What is compared with what, whatever the number of sentences and words."""

    groups: int
    """Groups whose means are compared, the first with the mean of the others; 1 for differences
    inside matched pairs."""
    scope: Scope

    @property
    def weights(self) -> list[float]:
        """Weight of each group's mean."""
        return [1.0, *[-1.0 / (self.groups - 1)] * (self.groups - 1)] if self.groups > 1 else [1.0]


class Kin(NamedTuple):
    """Units that resemble each other: what effects of one source share inside clusters."""

    sizes: tuple[int, ...]
    """Of the clusters, the first ones of the units; the others are alone."""
    rho: float
    """Correlation of two effects in a cluster."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One kind of audit. Standard deviations in nats."""

    name: str
    design: Design
    rows: int = 12
    """Sentences."""
    words: tuple[int, ...] = (8, 8)
    """Words of each group (or pairs, or targets of each pole where the group word is masked)."""
    targets: tuple[int, int] | None = None
    """Targets of each pole."""
    masked: bool = False
    """The group word is masked: ``words`` are targets of the two poles."""
    sd: tuple[float, float, float, float] = (0.4, 0.55, 0.0, 0.55)
    """Of what a sentence, a word and a target add to a group's gap, and of a cell."""
    first: float = 1.0
    """The first group's words vary so many times as much."""
    first_pole: float = 1.0
    """The first pole's targets vary so many times as much."""
    shape: str = "normal"
    """Distribution of all effects: ``normal``, ``heavy`` (t with 3 df), ``outliers`` (3 % are six
    times as large), ``skewed`` (lognormal)."""
    skewed_pole: bool = False
    """The targets of the first pole alone are lognormal."""
    both: float = 0.0
    """Of what every word and target, and every sentence and word, add together."""
    kin_rows: Kin | None = None
    kin_words: Kin | None = None
    kin_targets: Kin | None = None
    declared: bool = True
    """The clusters are known to the analysis."""
    lost: float = 0.0
    """A fifth of the first pole's targets is lost, a target whose effect is larger by one standard
    deviation so many times as often (in logs)."""
    promised: bool = True
    """False where the method makes no promise."""
    why: str = ""
    """Why it makes none."""

    @property
    def groups(self) -> list[list[int]]:
        """Columns of each group."""
        return _places(self.words)

    @property
    def poles(self) -> list[list[int]]:
        """Numbers of the targets of each pole."""
        return _places(self.targets or ())

    @property
    def cells(self) -> int:
        """Numbers in one audit."""
        return self.rows * sum(self.words) * max(sum(self.targets or ()), 1)

    @property
    def factors(self) -> list[Factor]:
        """The sources of variance, as the analysis takes them."""
        rows = one_group("templates", self.rows, self._clusters(self.kin_rows, self.rows))
        name = "targets" if self.masked else "terms"
        clusters = self._clusters(self.kin_words, sum(self.words))
        weights = (1.0, -1.0) if self.masked else self.design.weights
        factors = [rows, several_groups(name, self.groups, weights, clusters)]
        if self.targets:
            clusters = self._clusters(self.kin_targets, sum(self.targets))
            factors.append(several_groups("targets", self.poles, (1.0, -1.0), clusters))
        return factors

    def _clusters(self, kin: Kin | None, size: int) -> list[int]:
        return clusters_of(kin, size) if kin and self.declared else []


def _places(sizes: Sequence[int]) -> list[list[int]]:
    ends = np.cumsum(sizes).tolist()
    return [list(range(end - size, end)) for end, size in zip(ends, sizes, strict=True)]


def clusters_of(kin: Kin, size: int) -> list[int]:
    """Number of the cluster of each of so many units."""
    inside = [number for number, count in enumerate(kin.sizes) for _ in range(count)]
    return [*inside, *range(len(kin.sizes), len(kin.sizes) + size - len(inside))]


class Claim(NamedTuple):
    """One claim of many audits."""

    error: Floats
    """Estimate less what is true of it."""
    se: Floats
    df: Floats

    def at(self, gap: float) -> ContrastBatch:
        """The claim where ``gap`` is true: nothing but the estimate changes with it."""
        return ContrastBatch(self.error + gap, self.se, self.df)


class Audits(NamedTuple):
    """Many audits of one setting."""

    these: Claim
    kind: Claim | None
    """None where targets are not drawn."""
    list_gap: Floats
    """What is true of these very words where nothing is of their kind."""

    @property
    def widest(self) -> Claim:
        """The claim against zero."""
        return self.kind or self.these


def effects(rng: np.random.Generator, shape_name: str, sd: float, shape: tuple[int, ...]) -> Floats:
    """Independent effects with mean 0 and the given standard deviation."""
    if shape_name == "heavy":
        drawn = rng.standard_t(3, shape) / math.sqrt(3)
    elif shape_name == "skewed":
        drawn = rng.lognormal(0, 0.8, shape) - math.exp(0.32)
        drawn /= math.sqrt((math.exp(0.64) - 1) * math.exp(0.64))
    else:
        drawn = rng.standard_normal(shape)
        if shape_name == "outliers":
            drawn *= np.where(rng.random(shape) < 0.03, 6.0, 1.0) / math.sqrt(1 + 0.03 * 35)
    return np.asarray(sd * drawn)


def kin_effects(
    rng: np.random.Generator, setting: Setting, sd: float, shape: tuple[int, ...], kin: Kin | None
) -> Floats:
    """Effects along the second axis, those of a cluster correlated."""
    drawn = effects(rng, setting.shape, sd, shape)
    if kin is None:
        return drawn
    clusters = np.array(clusters_of(kin, shape[1]))
    alike = effects(rng, setting.shape, sd, (shape[0], int(clusters.max()) + 1, *shape[2:]))
    common = np.isin(clusters, np.arange(len(kin.sizes))).reshape(-1, *[1] * (len(shape) - 2))
    rho = np.where(common, kin.rho, 0.0)
    return np.asarray(np.sqrt(1 - rho) * drawn + np.sqrt(rho) * alike[:, clusters])


def batches(setting: Setting, sets: int) -> Iterator[int]:
    """Numbers of audits that fit into memory together."""
    most = max(CELLS // setting.cells, 1)
    for start in range(0, sets, most):
        yield min(most, sets - start)


def audits(rng: np.random.Generator, setting: Setting, sets: int) -> Audits:
    """Draw so many audits without a gap, and analyse them."""
    parts = [_few(rng, setting, number) for number in batches(setting, sets)]
    claims = []
    for claim in range(2):
        several = [part[claim] for part in parts]
        known = [one for one in several if isinstance(one, Claim)]
        joined = [np.concatenate(numbers) for numbers in zip(*known, strict=True)]
        claims.append(Claim(*joined) if known else None)
    these, kind = claims
    assert these is not None
    return Audits(these, kind, np.concatenate([part.list_gap for part in parts]))


def many(rng: np.random.Generator, setting: Setting, sets: int, gap: float = 0.0) -> ContrastBatch:
    """The widest claim of audits whose true gap is ``gap``."""
    return audits(rng, setting, sets).widest.at(gap)


def _few(rng: np.random.Generator, setting: Setting, sets: int) -> Audits:
    one, word, target, cell = setting.sd
    rows, columns, first = setting.rows, sum(setting.words), setting.groups[0]
    scale = np.ones(columns)
    scale[first] = setting.first
    sentence = kin_effects(rng, setting, one, (sets, rows), setting.kin_rows)
    if not setting.targets:
        by_word = kin_effects(rng, setting, word, (sets, columns), setting.kin_words) * scale
        y = effects(rng, setting.shape, cell, (sets, rows, columns))
        y += by_word[:, None]
        y += effects(rng, setting.shape, setting.both, (sets, rows, columns))
        y[:, :, first] += sentence[:, :, None]
        truth = np.zeros(sets)
        if setting.masked:  # the words are targets, and the list is what is claimed
            one_pole, other = (by_word[:, group].mean(axis=1) for group in setting.groups)
            truth = one_pole - other
        return _analyse(setting, y, truth)
    total, plus = sum(setting.targets), setting.poles[0]
    pole = np.repeat([0, 1], setting.targets)
    scores = effects(rng, setting.shape, cell, (sets, rows, columns, total))
    by_word = kin_effects(rng, setting, word, (sets, columns, 2), setting.kin_words)
    scores += (by_word * scale[:, None])[:, None, :, pole]
    if setting.both:
        scores += effects(rng, setting.shape, setting.both, (sets, 1, columns, total))
        scores += effects(rng, setting.shape, setting.both, (sets, rows, columns, 2))[..., pole]
    scores[:, :, first, : len(plus)] += sentence[:, :, None, None]
    by_target = kin_effects(rng, setting, target, (sets, total), setting.kin_targets)
    if setting.skewed_pole:
        by_target[:, plus] = effects(rng, "skewed", target, (sets, len(plus)))
    by_target[:, plus] *= setting.first_pole
    scores[:, :, first] += by_target[:, None, None]
    gaps = [by_target[:, p].mean(axis=1) for p in setting.poles]
    if not setting.lost:
        return _analyse(setting, scores, gaps[0] - gaps[1])
    return _with_losses(rng, setting, scores, by_target)


def _with_losses(
    rng: np.random.Generator, setting: Setting, scores: Floats, by_target: Floats
) -> Audits:
    """Lose a fifth of the first pole's targets; the list is what was asked for."""
    plus, minus = setting.poles
    weights = setting.lost * by_target[:, plus] / setting.sd[2]
    drawn = weights - np.log(-np.log(rng.random(weights.shape)))  # Gumbel: without replacement
    kept = np.sort(np.argsort(drawn, axis=1)[:, : len(plus) - len(plus) // 5], axis=1)
    columns = np.concatenate([kept, np.tile(minus, (len(kept), 1))], axis=1)
    left = np.take_along_axis(scores, columns[:, None, None, :], axis=3)
    smaller = replace(setting, targets=(kept.shape[1], len(minus)), lost=0.0)
    truth = by_target[:, plus].mean(axis=1) - by_target[:, minus].mean(axis=1)
    return _analyse(smaller, left, truth)


def _analyse(setting: Setting, values: Floats, truth: Floats) -> Audits:
    """Both claims; ``truth`` is what holds for these very words."""
    factors = setting.factors
    crossed, used = cross(values, factors), USED[setting.design.scope]
    if setting.masked:
        used = ("templates",)
    se, df = combine(crossed.parts, crossed.shared, used)
    these, kind = Claim(crossed.estimate - truth, se, df), None
    if factors[-1].name == "targets":
        kind = Claim(crossed.estimate, *combine(crossed.parts, crossed.shared, (*used, "targets")))
    return Audits(these, kind, truth)


TWO = Design(groups=2, scope="concept")
PAIRS = Design(groups=1, scope="concept")
USUAL = (0.1, 0.15, 0.3, 0.5)
"""Near what the bundled model shows: sentences, words, targets and cells."""
DEPENDENT = "units of a cluster that the analysis does not know count as several"
SETTINGS = (
    Setting(name="8 sentences, 4 words in each of two groups", design=TWO, rows=8, words=(4, 4)),
    Setting(name="12 sentences, 8 words in each of two groups", design=TWO),
    Setting(
        name="20 sentences, 20 words in each of two groups", design=TWO, rows=20, words=(20, 20)
    ),
    Setting(name="sentences hardly vary", design=TWO, sd=(0.05, 0.7, 0.0, 0.4)),
    Setting(name="words hardly vary", design=TWO, sd=(0.7, 0.05, 0.0, 0.4)),
    Setting(name="nothing varies but single cells", design=TWO, sd=(0.0, 0.0, 0.0, 1.0)),
    Setting(name="4 words against 12", design=TWO, words=(4, 12)),
    Setting(name="one group's words vary three times as much", design=TWO, first=3.0),
    Setting(name="8 matched pairs", design=PAIRS, words=(8,)),
    Setting(
        name="exactly these group words, 8 sentences",
        design=Design(groups=2, scope="terms"),
        rows=8,
        words=(3, 3),
        sd=(0.5, 0.0, 0.0, 0.5),
    ),
    Setting(
        name="one group against three others, 5 words each",
        design=Design(groups=4, scope="concept"),
        words=(5, 5, 5, 5),
    ),
    Setting(
        name="one group against six others, 8 words each",
        design=Design(groups=7, scope="concept"),
        words=(8,) * 7,
    ),
    Setting(
        name="one group against six others, 4 words each, sentences hardly vary",
        design=Design(groups=7, scope="concept"),
        words=(4,) * 7,
        sd=(0.05, 0.7, 0.0, 0.3),
    ),
    Setting(name="6 targets in each pole", design=TWO, words=(6, 6), targets=(6, 6), sd=(0.3,) * 4),
    Setting(name="20 targets in each pole", design=TWO, targets=(20, 20), sd=USUAL),
    Setting(
        name="targets vary most, 8 in each pole",
        design=TWO,
        words=(6, 6),
        targets=(8, 8),
        sd=(0.2, 0.2, 0.7, 0.55),
    ),
    Setting(
        name="2 targets in each pole, 4 words", design=TWO, words=(4, 4), targets=(2, 2), sd=USUAL
    ),
    Setting(
        name="exactly these group words, 15 targets in each pole",
        design=Design(groups=2, scope="terms"),
        words=(1, 1),
        targets=(15, 15),
        sd=(0.1, 0.0, 0.3, 0.4),
    ),
    Setting(
        name="group word masked, 25 targets in each pole",
        design=TWO,
        words=(25, 25),
        masked=True,
        sd=(0.2, 0.8, 0.0, 0.5),
    ),
    Setting(
        name="words by targets and by sentences vary most",
        design=TWO,
        targets=(9, 9),
        sd=(0.05, 0.05, 0.05, 0.3),
        both=0.5,
    ),
    Setting(name="heavy tails (t, 3 df) in words and sentences", design=TWO, shape="heavy"),
    Setting(
        name="heavy tails in everything, 9 targets in each pole",
        design=TWO,
        targets=(9, 9),
        sd=(0.2, 0.2, 0.5, 0.5),
        shape="heavy",
    ),
    Setting(
        name="3 % of all effects are six times as large, 20 targets in each pole",
        design=PAIRS,
        words=(8,),
        targets=(20, 20),
        sd=(0.1, 0.15, 0.5, 0.5),
        shape="outliers",
    ),
    Setting(
        name="one pole's targets are lognormal, 9 in each",
        design=PAIRS,
        words=(8,),
        targets=(9, 9),
        sd=(0.1, 0.15, 0.7, 0.5),
        skewed_pole=True,
    ),
    Setting(
        name="one pole's targets vary three times as much, 8 against 30",
        design=PAIRS,
        words=(8,),
        targets=(8, 30),
        sd=(0.1, 0.15, 0.3, 0.5),
        first_pole=3.0,
    ),
    Setting(
        name="the same, and lognormal",
        design=PAIRS,
        words=(8,),
        targets=(8, 30),
        sd=(0.1, 0.15, 0.3, 0.5),
        first_pole=3.0,
        skewed_pole=True,
        promised=False,
        why="eight targets of a skewed pole that varies most do not show their tail",
    ),
    Setting(
        name="8 matched pairs, all effects lognormal",
        design=PAIRS,
        rows=8,
        words=(8,),
        shape="skewed",
        promised=False,
        why="the mean of eight skewed values is not normal",
    ),
    *(
        Setting(
            name=f"8 blocks of {size} sentences, correlated by {rho}{known}",
            design=PAIRS,
            rows=8 * size,
            words=(8,),
            sd=(0.5, 0.1, 0.0, 0.3),
            kin_rows=Kin((size,) * 8, rho),
            declared=not known,
            promised=not known,
            why=DEPENDENT if known else "",
        )
        for size, rho, known in (
            (2, 0.5, ""),
            (3, 0.8, ""),
            (3, 0.8, ", not declared"),
        )
    ),
    Setting(
        name="14 sentences in blocks of 5, 2 and singles, correlated by 0.8",
        design=PAIRS,
        rows=14,
        words=(8,),
        sd=(0.5, 0.1, 0.0, 0.3),
        kin_rows=Kin((5, 2), 0.8),
    ),
    *(
        Setting(
            name=f"targets in families of {size}, correlated by {rho}{known}",
            design=PAIRS,
            words=(8,),
            targets=(18, 18),
            sd=(0.1, 0.15, 0.5, 0.4),
            kin_targets=Kin((size,) * (36 // size), rho),
            declared=not known,
            promised=not known,
            why=DEPENDENT if known else "",
        )
        for size, rho, known in ((2, 0.5, ""), (3, 0.6, ""), (3, 0.6, ", not declared"))
    ),
    *(
        Setting(
            name=f"5 of 8 pairs are kin and correlated by 0.5{known}",
            design=PAIRS,
            words=(8,),
            sd=(0.1, 0.3, 0.0, 0.3),
            kin_words=Kin((5,), 0.5),
            declared=not known,
            promised=not known,
            why=DEPENDENT if known else "",
        )
        for known in ("", ", not declared")
    ),
    Setting(
        name="4 of 20 targets of a pole are lost, large ones e times as often",
        design=PAIRS,
        words=(8,),
        targets=(20, 20),
        sd=(0.1, 0.15, 0.5, 0.4),
        lost=-1.0,
        promised=False,
        why="the words that are left are other words than those asked for",
    ),
)
"""The kinds of audits that are drawn."""
