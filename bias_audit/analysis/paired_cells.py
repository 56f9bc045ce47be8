"""Two runs of one probe as arrays: the cells that both have, and what was lost on the way."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bias_audit.results.evidence import INDEX, Key
from bias_audit.stats.contrast import ALONE, Clusters
from bias_audit.utils.arrays import Floats

Counts = NDArray[np.int64]
POLES = ("+", "-")
Unit = tuple[str, str]
"""Group and label: one column of the responses."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PairedCube:
    """A complete block of paired cells: every word and every target in every sentence."""

    units: tuple[Unit, ...]
    targets: tuple[str, ...]
    poles: tuple[str, ...]
    """Pole of each target."""
    baseline: Floats
    """(templates, units, targets) mean log-scores of the baseline, nats."""
    candidate: Floats
    """The same of the candidate."""
    cells: int
    """ScoredProbe sentences in each run that were paired and kept."""
    lost: float
    """Share of both runs' scored sentences that were not, in [0, 1]."""
    identical: bool
    """Every pair has the same score."""
    clusters: Clusters = ALONE
    """Sentences, units and targets that count as one."""
    templates: tuple[str, ...] = ()
    """Ids of the sentences."""

    def columns(self, group: str) -> list[int]:
        """Numbers of the units of one group."""
        return [i for i, unit in enumerate(self.units) if unit[0] == group]

    def pole(self, sign: str) -> list[int]:
        """Numbers of the targets of one pole."""
        return [i for i, pole in enumerate(self.poles) if pole == sign]


class PairedTable:
    """All cells of one probe in two runs; :meth:`cube` cuts out what a comparison needs."""

    def __init__(
        self,
        baseline: Mapping[Key, float],
        candidate: Mapping[Key, float],
        clusters: Mapping[str, Mapping[str, str]] | None = None,
        *,
        only_poles: bool = True,
    ) -> None:
        """Line up both runs by key.

        Args:
            baseline: scores of the one run.
            candidate: scores of the other.
            clusters: those of the probe's record.
            only_poles: leave out targets of neither pole.
        """
        self._clusters = clusters or {}
        every = baseline.keys() | candidate.keys()
        keys = sorted(k for k in every if not only_poles or k[INDEX.pole] in POLES)
        self.templates = sorted({key[INDEX.template] for key in keys})
        self.units: list[Unit] = sorted({(key[INDEX.group], key[INDEX.label]) for key in keys})
        words = sorted({(key[INDEX.target], key[INDEX.pole]) for key in keys})
        self.targets = [name for name, _ in words]
        self.poles = [pole for _, pole in words]
        self._shape = len(self.templates), len(self.units), len(words)
        at = (
            {name: i for i, name in enumerate(self.templates)},
            {name: i for i, name in enumerate(self.units)},
            {name: i for i, name in enumerate(words)},
        )
        _, n_units, n_words = self._shape
        flat = [
            (at[0][k[INDEX.template]] * n_units + at[1][k[INDEX.group], k[INDEX.label]]) * n_words
            + at[2][k[INDEX.target], k[INDEX.pole]]
            for k in keys
        ]
        self._flat = np.array(flat, dtype=np.intp)
        old = np.array([baseline.get(key, np.nan) for key in keys], dtype=np.float64)
        new = np.array([candidate.get(key, np.nan) for key in keys], dtype=np.float64)
        both = np.isfinite(old) & np.isfinite(new)
        self._scored = self._count(np.ones(len(keys), dtype=bool))
        self._both = self._count(both)
        self._differ = self._count(both & (old != new))
        self._baseline = self._mean(old, both)
        self._candidate = self._mean(new, both)

    @property
    def groups(self) -> tuple[str, ...]:
        """Groups with a word in either run."""
        return tuple(dict.fromkeys(group for group, _ in self.units))

    def _count(self, mask: NDArray[np.bool_]) -> Counts:
        size = int(np.prod(self._shape))
        counts = np.bincount(self._flat[mask], minlength=size)
        return np.asarray(counts.reshape(self._shape), dtype=np.int64)

    def _mean(self, values: Floats, mask: NDArray[np.bool_]) -> Floats:
        """Mean of the rows of each cell; 0 in a hole, which `cube` never uses."""
        size = int(np.prod(self._shape))
        sums = np.bincount(self._flat[mask], weights=values[mask], minlength=size)
        return np.asarray(sums.reshape(self._shape) / np.maximum(self._both, 1), dtype=np.float64)

    def cube(
        self, groups: Collection[str], pairs: Sequence[tuple[Unit, Unit]]
    ) -> PairedCube | None:
        """Return the complete block of some groups; None when nothing is left of it.

        A sentence or word with a hole is dropped as a whole, the emptiest first. A matched word
        goes with its partner.

        Args:
            groups: the groups that are compared.
            pairs: matched units; empty where words are not paired.
        """
        all_units = [i for i, unit in enumerate(self.units) if unit[0] in groups]
        bundles = self._partners(all_units, pairs)
        rows, columns, words = _complete_cells(self._both[:, all_units], bundles)
        cols = [all_units[i] for i in columns]
        if not (rows and cols and words):
            return None
        cut = np.ix_(rows, cols, words)
        cells = int(self._both[cut].sum())
        total = int(self._scored[:, all_units].sum())
        return PairedCube(
            units=tuple(self.units[i] for i in cols),
            targets=tuple(self.targets[i] for i in words),
            templates=tuple(self.templates[i] for i in rows),
            poles=tuple(self.poles[i] for i in words),
            baseline=self._baseline[cut],
            candidate=self._candidate[cut],
            cells=cells,
            lost=1 - cells / total,
            identical=not self._differ[cut].any(),
            clusters=Clusters(
                self._clusters_of("templates", [self.templates[i] for i in rows]),
                self._clusters_of("terms", [":".join(self.units[i]) for i in cols]),
                self._clusters_of("targets", [self.targets[i] for i in words]),
            ),
        )

    def _clusters_of(self, source: str, names: Sequence[str]) -> list[str]:
        known = self._clusters.get(source, {})
        return [known.get(name, name) for name in names]

    def _partners(self, units: Sequence[int], pairs: Sequence[tuple[Unit, Unit]]) -> list[set[int]]:
        """Units that stay or go together, as positions in ``units``; one without partner goes."""
        if not pairs:
            return [{i} for i in range(len(units))]
        at = {self.units[column]: i for i, column in enumerate(units)}
        return [{at[a], at[b]} for a, b in pairs if a in at and b in at]


def _complete_cells(
    counts: Counts, bundles: Sequence[set[int]]
) -> tuple[list[int], list[int], list[int]]:
    """Templates, units and targets that remain when no cell is missing."""
    present = counts > 0
    rows, words = list(range(present.shape[0])), list(range(present.shape[2]))
    remaining = [sorted(bundle) for bundle in bundles]
    while rows and words and remaining:
        cols = [i for bundle in remaining for i in bundle]
        holes = ~present[np.ix_(rows, cols, words)]
        if not holes.any():
            return rows, sorted(cols), words
        by_row, by_word = holes.mean(axis=(1, 2)), holes.mean(axis=(0, 1))
        by_bundle = np.array([(~present[np.ix_(rows, b, words)]).mean() for b in remaining])
        worst = max(by_row.max(), by_bundle.max(), by_word.max())
        if by_row.max() == worst:
            rows.pop(int(by_row.argmax()))
        elif by_bundle.max() == worst:
            remaining.pop(int(by_bundle.argmax()))
        else:
            words.pop(int(by_word.argmax()))
    return [], [], []
