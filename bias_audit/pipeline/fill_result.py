"""What one sentence gives for two or more groups, and how it is shown."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from bias_audit.reports.text import clean, percent, times
from bias_audit.utils.readings import READINGS, USUAL, Reading

if TYPE_CHECKING:
    import pandas as pd

_NAMED = 3
"""Completions of a group that a result names when it is shown."""
_PAIRS = 3
"""Distances that are shown, the largest first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FilledGroup:
    """Completions of one group."""

    name: str
    sentences: tuple[str, ...]
    completions: tuple[tuple[str, float], ...]
    """Most likely completions with probabilities over the whole vocabulary, best first; averaged
    over the sentences when there are several. None where the model completes nothing here."""
    word_mass: float | None
    """Share of the probability that fell on whole words; None without completions."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FilledWord:
    """One word after every group."""

    word: str
    probabilities: tuple[float | None, ...]
    """Over the whole vocabulary, in the order of the groups; None where it cannot be scored. Where
    a model scores whole sentences, among the words that were asked for; of an encoder, cosines."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Distance:
    """How far two groups' completions are apart."""

    a: str
    b: str
    jsd: float
    """Jensen-Shannon divergence over whole words, bits, in [0, 1]."""
    towards_a: tuple[tuple[str, float, float], ...]
    """Completions that pull the groups apart, more likely after A: (word, probability after A,
    probability after B), over the whole vocabulary."""
    towards_b: tuple[tuple[str, float, float], ...]
    """The same, more likely after B."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FillResult:
    """Answer to one sentence."""

    template: str
    model: str
    groups: tuple[FilledGroup, ...]
    words: tuple[FilledWord, ...]
    """The words that were asked for; else the likeliest whole words of any group, best first, or
    the labels of a classifier."""
    targets: tuple[str, ...]
    """The words that were asked for."""
    distances: tuple[Distance, ...]
    """Of each pair of groups; none where the model completes nothing here."""
    notes: tuple[str, ...]
    reading: Reading = USUAL

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)

    def to_frame(self) -> pd.DataFrame:
        """Return the probabilities of ``words``, a row for each word, a column for each group."""
        import pandas as pd

        rows = [one.probabilities for one in self.words]
        index = pd.Index([one.word for one in self.words], name=READINGS[self.reading].columns[0])
        return pd.DataFrame(rows, index, [group.name for group in self.groups], dtype="float64")

    def table(self) -> list[list[str]]:
        """Return ``words`` after every group as texts, a head first.

        Where there are several groups, a last column compares the two that differ most.
        """
        head, last = READINGS[self.reading].columns
        ratio = [last] if len(self.groups) > 1 else []
        rows = [[head, *(group.name for group in self.groups), *ratio]]
        for one in self.words:
            cells = [self.number(p) for p in one.probabilities]
            rows.append([one.word, *cells, *([self._ratio(one)] if ratio else [])])
        return rows

    def number(self, value: float | None) -> str:
        """Say what the model gives a word: per cent, or a cosine."""
        if value is None:
            return "-"
        return f"{value:.3f}" if READINGS[self.reading].is_cosine else percent(value)

    def _ratio(self, word: FilledWord) -> str:
        """How many times as likely, or how much nearer, a word is after one group than another."""
        is_cosine = READINGS[self.reading].is_cosine
        known = [
            (p, group.name)
            for p, group in zip(word.probabilities, self.groups, strict=True)
            if p is not None and (p > 0 or is_cosine)
        ]
        if len(known) < len(self.groups):
            return "-"
        (least, other), (most, name) = min(known), max(known)
        if is_cosine and most > least:
            return f"{name} {most - least:.3f} nearer than {other}"
        return f"{name} {times(math.log(most / least))} × {other}" if most > least else "equal"

    def distance_lines(self, *, pulls: bool = False) -> Iterator[str]:
        """Say how far apart groups are, the furthest first; ``pulls``: and by which words."""
        for one in sorted(self.distances, key=lambda one: -one.jsd)[:_PAIRS]:
            yield (
                f"How far apart: {one.jsd:.4f} bits between {one.a} and {one.b}"
                " (Jensen-Shannon divergence over whole words; 0 = same, 1 = nothing in common)"
            )
            for name, words in ((one.a, one.towards_a), (one.b, one.towards_b)) if pulls else ():
                drawn = ", ".join(f"{w} {percent(p)} / {percent(q)}" for w, p, q in words)
                yield f"  towards {name}: {drawn or 'none'}   (after {one.a} / after {one.b})"
        if len(self.distances) > _PAIRS:
            yield f"{len(self.distances) - _PAIRS} more pairs of groups, less far apart: --json"

    def __repr__(self) -> str:
        """Return the words that were asked for after each group, else its likeliest ones."""
        lines = [f"{self.template}   ({self.model})"]
        if self.targets or not self.groups[0].completions:
            rows = self.table()
            wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
            lines += ["  ".join(map(str.ljust, row, wide)).rstrip() for row in rows]
            return "\n".join([*lines, *self.distance_lines()])
        for group in self.groups:
            named = ", ".join(f"{word} {percent(p)}" for word, p in group.completions[:_NAMED])
            lines.append(f"{group.name}: {named}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Return ``table`` with the distances and notes, for a notebook."""
        import pandas as pd

        head, *rows = ([clean(cell) for cell in row] for row in self.table())
        frame = pd.DataFrame(rows, columns=pd.Index(head))
        lines = (*self.distance_lines(), *self.notes)
        return "".join(
            (
                f"<p>{escape(clean(self.template))} ({escape(clean(self.model))})</p>",
                frame.to_html(index=False, escape=True, border=0),
                *(f"<p>{escape(clean(line))}</p>" for line in lines),
            )
        )
