"""Open completions as a complete table: every unit in every sentence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from bias_audit.assess._input import Scored
from bias_audit.records import OpenScore, Prompt
from bias_audit.tables import Unit
from bias_audit.utils.arrays import Floats

Answer = tuple[Prompt, OpenScore]


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """Answers to open prompts, arranged; what is not complete is left out."""

    templates: list[str]
    columns: list[tuple[str, str]]
    """Group and unit of each column."""
    cells: dict[tuple[str, str, str], list[Answer]]
    """By template, group and unit; several where a unit has several heads or fillers."""
    kept: list[Answer]
    """Every answer of a sentence that could be scored throughout."""

    @property
    def groups(self) -> list[str]:
        """Group of each column."""
        return [group for group, _ in self.columns]

    @property
    def mass(self) -> float:
        """Mean share of the probability that fell on whole words."""
        return float(np.mean([answer.word_mass for _, answer in self.kept]))

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

    def units(self, scored: Scored) -> tuple[Unit, ...]:
        """The columns as units, with their pairs."""
        pairs = {(g.id, w.label): w.pair for g in scored.probe.groups for w in g.words}
        return tuple(
            Unit(group=group, label=label, pair=pairs.get((group, label)))
            for group, label in self.columns
        )

    def level(self, y: Floats, group: str) -> float:
        """Mean of a (templates, columns) table over the columns of one group."""
        return float(y[:, [i for i, name in enumerate(self.groups) if name == group]].mean())


def opened(scored: Scored, unit: Literal["label", "term"]) -> Opened | None:
    """Arrange the completions of a probe; None with fewer than two groups left."""
    answered = list(zip(scored.open_prompts, scored.open_scores, strict=True))
    lost = {prompt.template for prompt, answer in answered if answer.skip is not None}
    kept = [(prompt, answer) for prompt, answer in answered if prompt.template not in lost]
    cells: dict[tuple[str, str, str], list[Answer]] = {}
    for prompt, answer in kept:
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
    return Opened(templates=templates, columns=columns, cells=cells, kept=kept)


def top(words: Sequence[str], values: Floats, many: int) -> list[int]:
    """Numbers of the words with the largest positive values, equal ones in alphabetical order."""
    there = [int(i) for i in np.flatnonzero(values > 0)]
    return sorted(there, key=lambda i: (-values[i], words[i]))[:many]
