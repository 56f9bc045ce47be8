"""Open completions as a complete table: every unit in every sentence.

Arrays that are not finite, or do not fit each other, raise ``ValueError``.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from bias_audit.metrics.design import Design
from bias_audit.metrics.score_cube import Unit
from bias_audit.metrics.scored_probe import ScoredProbe
from bias_audit.probes.clusters import term_cluster
from bias_audit.probes.probe import Word
from bias_audit.records import CompletionScore, Prompt
from bias_audit.stats._arrays import finite
from bias_audit.stats.layout import join
from bias_audit.utils.arrays import Floats

TableUnit = Literal["label", "term"]
Answer = tuple[Prompt, CompletionScore]
SUM_TOLERANCE = 1e-3
"""How far a distribution's sum may be from 1: float32 over a large vocabulary loses a little."""


def distributions(p: ArrayLike, *, ndim: int = 2) -> Floats:
    """Return distributions as float64 rows that sum to exactly 1."""
    rows = finite(p, ndim=ndim, name="distributions")
    if rows.min() < 0:
        raise ValueError("probabilities must not be negative")
    sums = rows.sum(axis=-1, keepdims=True)
    if np.abs(sums - 1).max() > SUM_TOLERANCE:
        raise ValueError(f"distributions must sum to 1, got {float(sums.flat[0]):.4g} first")
    return np.asarray(rows / sums)


def pair(p: ArrayLike, q: ArrayLike) -> Floats:
    """Return two distributions over the same words as rows (2, V)."""
    one, other = distributions(p, ndim=1), distributions(q, ndim=1)
    if one.shape != other.shape:
        raise ValueError(f"expected the same words, got {one.size} and {other.size}")
    return np.stack([one, other])


@dataclass(frozen=True, kw_only=True, slots=True)
class ExchangeUnits:
    """What changes places when labels are exchanged."""

    groups: list[str]
    """Group of each unit."""
    columns: list[list[int]]
    """Columns of each unit: one word, or the words of a cluster."""
    blocks: list[int]
    """Number of each unit; labels change places where it is the same."""

    def means(self, y: Any) -> Any:
        """Mean over the columns of each unit, of (templates, columns, ...)."""
        if all(len(cols) == 1 for cols in self.columns):
            return y[:, [cols[0] for cols in self.columns]]
        return np.stack([y[:, cols].mean(axis=1) for cols in self.columns], axis=1)

    def of_groups(self, groups: Sequence[str]) -> list[list[int]]:
        """Numbers of the units of each of some groups."""
        return [[i for i, name in enumerate(self.groups) if name == group] for group in groups]


@dataclass(frozen=True, kw_only=True, slots=True)
class CompletionTable:
    """Answers to open prompts, arranged; what is not complete is left out."""

    unit: TableUnit
    """What a column is: all words of a label, or one word."""
    templates: list[str]
    columns: list[tuple[str, str]]
    """Group and unit of each column."""
    cells: dict[tuple[str, str, str], list[Answer]]
    """By template, group and unit; several where a unit has several heads or fillers."""
    answers: list[Answer]
    """Every answer of a sentence that could be scored throughout."""

    @property
    def groups(self) -> list[str]:
        """Return the group of each column."""
        return [group for group, _ in self.columns]

    @property
    def mass(self) -> float:
        """Return the mean share of the probability that fell on whole words."""
        return float(np.mean([answer.word_mass for _, answer in self.answers]))

    @property
    def others(self) -> float:
        """Return the mean share of whole words that the model does not tell apart."""
        return float(np.mean([answer.others for _, answer in self.answers]))

    def table(self, what: Callable[[Answer], Any], dtype: Any = np.float64) -> Any:
        """An array (templates, columns, ...) of something of each answer, averaged inside cells."""
        return np.stack(
            [
                [
                    np.mean([what(a) for a in self.cells[(name, *column)]], axis=0, dtype=dtype)
                    for column in self.columns
                ]
                for name in self.templates
            ]
        )

    def units(self, scored: ScoredProbe) -> tuple[Unit, ...]:
        """Return the columns as units, with their pairs."""
        words = self._words(scored)
        return tuple(
            Unit(
                group=group,
                label=label,
                pair=words[group, label].pair,
                cluster=term_cluster(words[group, label]) if self.unit == "label" else "",
            )
            for group, label in self.columns
        )

    def of_groups(self, groups: Sequence[str]) -> list[list[int]]:
        """Return the columns of each of some groups."""
        return [[i for i, name in enumerate(self.groups) if name == group] for group in groups]

    def design(self, scored: ScoredProbe, a: str, b: str) -> Design:
        """Arrange the columns for one comparison; words of one label are no sample."""
        design = Design(scored, a, b, self.units(scored), self.templates)
        if self.unit == "term":
            design.scope = "terms"
        return design

    def exchange(self, scored: ScoredProbe) -> ExchangeUnits:
        """Say what changes places in a test: clusters of words, matched ones inside their pair.

        Words of one label change places inside their head.
        """
        units, words = self.units(scored), self._words(scored)
        heads = [words[column].head if self.unit == "term" else "" for column in self.columns]
        keys: list[Hashable] = [unit.cluster or unit.label for unit in units]
        blocks: list[Hashable] = [*heads]
        if all(unit.pair for unit in units):
            pairs = sorted({unit.pair or "" for unit in units})
            shared = join(
                [
                    [(u.group, u.cluster or u.label) for u in units if u.pair == pair]
                    for pair in pairs
                ]
            )
            keys = blocks = [shared[pairs.index(unit.pair or "")] for unit in units]
        columns: dict[tuple[str, Hashable], list[int]] = {}
        for column, (unit, key) in enumerate(zip(units, keys, strict=True)):
            columns.setdefault((unit.group, key), []).append(column)
        names = list(dict.fromkeys(blocks))
        return ExchangeUnits(
            groups=[group for group, _ in columns],
            columns=[*columns.values()],
            blocks=[names.index(blocks[cols[0]]) for cols in columns.values()],
        )

    def _words(self, scored: ScoredProbe) -> dict[tuple[str, str], Word]:
        name = "label" if self.unit == "label" else "id"
        return {(g.id, getattr(word, name)): word for g in scored.probe.groups for word in g.words}

    def level(self, y: Floats, group: str) -> float:
        """Return the mean of a (templates, columns) table over the columns of one group."""
        return float(y[:, [i for i, name in enumerate(self.groups) if name == group]].mean())


def exchanged_unit(scored: ScoredProbe) -> TableUnit:
    """Return what is exchanged between groups: labels; single words where a group has one label."""
    labels = {(prompt.group, prompt.label) for prompt in scored.open_prompts}
    groups = {group for group, _ in labels}
    return "label" if len(labels) > len(groups) else "term"


def completion_table(scored: ScoredProbe, unit: TableUnit) -> CompletionTable | None:
    """Arrange the completions of a probe; None with fewer than two groups left."""
    answered = list(zip(scored.open_prompts, scored.open_scores, strict=True))
    lost = {prompt.template for prompt, answer in answered if answer.skip is not None}
    answers = [(prompt, answer) for prompt, answer in answered if prompt.template not in lost]
    cells: dict[tuple[str, str, str], list[Answer]] = {}
    for prompt, answer in answers:
        key = (prompt.template, prompt.group, getattr(prompt, unit))
        cells.setdefault(key, []).append((prompt, answer))
    templates = list(dict.fromkeys(key[0] for key in cells))
    columns = [
        column
        for column in dict.fromkeys(key[1:] for key in cells)
        if all((template, *column) in cells for template in templates)
    ]
    if len({group for group, _ in columns}) < 2:
        return None
    return CompletionTable(
        unit=unit, templates=templates, columns=columns, cells=cells, answers=answers
    )
