"""Open completions as a complete table: every unit in every sentence.

Arrays that are not finite, or do not fit each other, raise ``ValueError``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from bias_audit.metrics.scored_probe import ScoredProbe, Unit
from bias_audit.records import CompletionScore, Prompt
from bias_audit.stats._arrays import finite
from bias_audit.utils.arrays import Floats

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
class CompletionTable:
    """Answers to open prompts, arranged; what is not complete is left out."""

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
        pairs = {(g.id, w.label): w.pair for g in scored.probe.groups for w in g.words}
        return tuple(
            Unit(group=group, label=label, pair=pairs.get((group, label)))
            for group, label in self.columns
        )

    def level(self, y: Floats, group: str) -> float:
        """Return the mean of a (templates, columns) table over the columns of one group."""
        return float(y[:, [i for i, name in enumerate(self.groups) if name == group]].mean())


def completion_table(scored: ScoredProbe, unit: Literal["label", "term"]) -> CompletionTable | None:
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
    return CompletionTable(templates=templates, columns=columns, cells=cells, answers=answers)
