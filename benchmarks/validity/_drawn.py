"""Audits drawn cell by cell: sentence, word, target and cell effects, with a known true gap.

Nothing is shared with the program but the formulas under test.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bias_audit.stats.contrast import ContrastBatch
from bias_audit.stats.estimate import Scope, Split, by_groups, by_pairs
from bias_audit.utils.arrays import Floats

_Drawn = tuple[Split, tuple[Floats, Floats] | None]
"""Responses, and group differences of each target of both poles where targets are a sample."""
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


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One kind of audit. Standard deviations in nats."""

    name: str
    design: Design
    rows: int = 12
    """Sentences."""
    words: tuple[int, ...] = (8, 8)
    """Words of each group (or pairs, or targets of each pole)."""
    targets: int = 0
    """Targets of each pole, where they are a sample."""
    sd: tuple[float, float, float, float] = (0.4, 0.55, 0.0, 0.55)
    """Of what a sentence, a word and a target add to a group's gap, and of a cell."""
    first: float = 1.0
    """The first group's words vary so many times as much."""
    shape: str = "normal"
    """Distribution of all effects: ``normal``, ``heavy`` (t with 3 df) or ``skewed``."""
    promised: bool = True
    """False where the method makes no promise."""

    @property
    def groups(self) -> list[list[int]]:
        """Columns of each group."""
        ends = np.cumsum(self.words).tolist()
        return [list(range(end - size, end)) for end, size in zip(ends, self.words, strict=True)]

    @property
    def cells(self) -> int:
        """Numbers in one audit."""
        return self.rows * sum(self.words) * max(2 * self.targets, 1)


def effects(
    rng: np.random.Generator, setting: Setting, sd: float, shape: tuple[int, ...]
) -> Floats:
    """Independent effects with mean 0 and the given standard deviation."""
    if setting.shape == "heavy":
        drawn = rng.standard_t(3, shape) / math.sqrt(3)
    elif setting.shape == "skewed":
        drawn = rng.lognormal(0, 0.8, shape) - math.exp(0.32)
        drawn /= math.sqrt((math.exp(0.64) - 1) * math.exp(0.64))
    else:
        drawn = rng.standard_normal(shape)
    return np.asarray(sd * drawn)


def batches(setting: Setting, sets: int) -> Iterator[int]:
    """Numbers of audits that fit into memory together."""
    most = max(CELLS // setting.cells, 1)
    for start in range(0, sets, most):
        yield min(most, sets - start)


def many(rng: np.random.Generator, setting: Setting, sets: int, gap: float = 0.0) -> ContrastBatch:
    """Draw audits whose true gap is ``gap``, and analyse them."""
    draw = _with_targets if setting.targets else _without_targets
    split, targets = draw(rng, setting, sets, gap)
    return ContrastBatch(split, setting.design.scope, targets)


def responses(rng: np.random.Generator, setting: Setting, sets: int, gap: float = 0.0) -> Floats:
    """(sets, rows, columns) responses; ``gap`` is added to the first group (or to all pairs)."""
    rows, columns = setting.rows, sum(setting.words)
    one, word, _, cell = setting.sd
    y = effects(rng, setting, cell, (sets, rows, columns))
    scale = np.ones(columns)
    scale[setting.groups[0]] = setting.first
    y += effects(rng, setting, word, (sets, 1, columns)) * scale
    shift = effects(rng, setting, one, (sets, rows, 1)) + gap
    y[:, :, setting.groups[0]] += shift
    return y


def _without_targets(rng: np.random.Generator, setting: Setting, sets: int, gap: float) -> _Drawn:
    y = responses(rng, setting, sets, gap)
    if setting.design.groups == 1:
        return by_pairs(y), None
    return by_groups(y, setting.groups, setting.design.weights), None


def _with_targets(rng: np.random.Generator, setting: Setting, sets: int, gap: float) -> _Drawn:
    """Scores of every target: what it adds to a group's gap is another sample."""
    rows, columns, each = setting.rows, sum(setting.words), setting.targets
    first = setting.groups[0]
    pole = np.repeat([0, 1], each)
    scores = effects(rng, setting, setting.sd[3], (sets, rows, columns, 2 * each))
    scores += effects(rng, setting, setting.sd[1], (sets, 1, columns, 2))[..., pole]
    shift = effects(rng, setting, setting.sd[0], (sets, rows, 1, 1)) + gap
    scores[:, :, first, :each] += shift
    scores[:, :, first] += effects(rng, setting, setting.sd[2], (sets, 1, 1, 2 * each))
    y = scores[..., :each].mean(axis=3) - scores[..., each:].mean(axis=3)
    by_target = scores.mean(axis=1)
    gaps = np.sum(
        [
            weight * by_target[:, group].mean(axis=1)
            for weight, group in zip(setting.design.weights, setting.groups, strict=True)
        ],
        axis=0,
    )
    split = by_groups(y, setting.groups, setting.design.weights)
    return split, (gaps[:, :each], gaps[:, each:])


TWO = Design(groups=2, scope="concept")
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
    Setting(name="effects with heavy tails (t, 3 df)", design=TWO, shape="heavy"),
    Setting(name="8 matched pairs", design=Design(groups=1, scope="concept"), words=(8,)),
    Setting(
        name="exactly these words, 8 sentences",
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
    Setting(
        name="targets a sample too, 6 in each pole",
        design=Design(groups=2, scope="concept"),
        words=(6, 6),
        targets=6,
        sd=(0.3, 0.3, 0.3, 0.55),
    ),
    Setting(
        name="targets vary most, 8 in each pole",
        design=Design(groups=2, scope="concept"),
        words=(6, 6),
        targets=8,
        sd=(0.2, 0.2, 0.7, 0.55),
    ),
    Setting(
        name="group word masked, 25 targets in each pole",
        design=Design(groups=2, scope="concept"),
        words=(25, 25),
        sd=(0.2, 0.8, 0.0, 0.5),
    ),
    Setting(
        name="8 matched pairs, skewed effects (lognormal)",
        design=Design(groups=1, scope="concept"),
        rows=8,
        words=(8,),
        shape="skewed",
        promised=False,
    ),
)
"""The kinds of audits that are drawn."""
