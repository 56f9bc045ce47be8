"""Two stored runs, paired sentence by sentence: what changed between two models, and how surely.

Both runs asked the same sentences about the same words, so what a sentence or a word does to the
scores of both models cancels in the pairing, and the difference has a narrower interval than
either gap. The contrast and its variance are those of a single run
(:mod:`bias_audit.stats.contrast`), on the differences of the cells.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np

from bias_audit._change import change
from bias_audit._paired import Table
from bias_audit._partners import (
    BLOCKING,
    QUIET,
    Pair,
    in_words,
    match,
    notices,
    status_codes,
    unknown_pairs,
    why_blocked,
)
from bias_audit.errors import UsageError
from bias_audit.records import OTHERS
from bias_audit.results import (
    EVIDENCE_FILE,
    Change,
    Comparison,
    MissingChange,
    ProbeRecord,
    Result,
    StoredRun,
    unpaired,
)
from bias_audit.results.evidence import Cells, read_cells, used_scores
from bias_audit.results.model_identity import noise_floor, other_family
from bias_audit.stats.multiplicity import by, holm

EVIDENCE_ERROR = 1e-4
"""Nats by which an estimate from the evidence may miss the stored one (six decimals a score)."""
ALPHA = 0.05


def compare_runs(base: StoredRun, candidate: StoredRun, *, name: str) -> Comparison:
    """Return every gap of ``candidate`` beside the same gap of ``base``.

    Args:
        base: the run to compare with.
        candidate: the run in question.
        name: how reports call the baseline.

    Raises:
        UsageError: evidence is damaged, or belongs to another run.
    """
    old, new = base.results, candidate.results
    pairs, missing = match(old, new)
    changes: list[Change] = []
    for made in _changes(base, candidate, pairs):
        if isinstance(made, Change):
            changes.append(made)
        else:
            missing.append(made)
    changes = _adjusted(changes, noise_floor(old.model, new.model))
    whole = all(change.identical and change.cells_lost_share == 0 for change in changes)
    return Comparison(
        baseline=name,
        baseline_model=old.model,
        baseline_run=old.run,
        identical=bool(changes) and not missing and whole,
        changes=tuple(changes),
        missing=tuple(missing),
        notices=tuple(notices(old, new)),
    )


def _changes(
    base: StoredRun, candidate: StoredRun, pairs: Sequence[Pair]
) -> Iterator[Change | MissingChange]:
    """One record for each pair, in the order of the candidate's results."""
    if not pairs:
        return
    if base.evidence is None or candidate.evidence is None:
        side = "the baseline" if base.evidence is None else "this run"
        yield from (
            unpaired(
                pair.new, "no_evidence", f"{side} has no {EVIDENCE_FILE}, so nothing can be paired"
            )
            for pair in pairs
        )
        return
    wanted = {pair.probe.id for pair in pairs}
    shared = _Shared(base, candidate, wanted)
    for pair in pairs:
        yield shared.change(pair)


class _Shared:
    """What the changes of two runs have in common; the tables of a probe are made once."""

    def __init__(self, base: StoredRun, candidate: StoredRun, probes: Collection[str]) -> None:
        self.base, self.candidate = base, candidate
        self.old, self.new = _cells(base, probes), _cells(candidate, probes)
        self.partial = base.results.run.partial or candidate.results.run.partial
        self.family = other_family(base.results.model, candidate.results.model)
        self._tables: dict[tuple[str, str], Table] = {}

    def change(self, pair: Pair) -> Change | MissingChange:
        """Compare one result."""
        if unknown_pairs(pair):
            said = "it was stored before results kept which words are pairs; run the audit again"
            return unpaired(pair.new, "no_evidence", said)
        made = self._numbers(pair.probe, pair.new, "both")
        self._require(pair, made)
        if made is None:
            return unpaired(
                pair.new, "cells_lost", "no sentence with the same words is in both runs"
            )
        codes = tuple(status_codes(pair, made, partial=self.partial, family=self.family))
        harmless = QUIET if made.identical else ()
        code = next((s for s in BLOCKING if s in codes and s not in harmless), "")
        reason = why_blocked(code, pair, made) if code else in_words(made)
        return made.model_copy(update={"statuses": codes, "reason_code": code, "reason": reason})

    def _numbers(self, probe: ProbeRecord, result: Result, which: str) -> Change | None:
        """The change on the cells of both runs, or of one run with itself; None without any."""
        table = self._table(probe, which)
        a, b = result.groups
        rest = b == OTHERS
        pairs = [((a, x), (b, y)) for x, y in result.pairs]
        block = table.block(
            table.groups if rest else (a, b), [] if rest or probe.mask == "group" else pairs
        )
        if block is None or not (block.pole("+") and block.pole("-")):
            return None
        left = [group for group in table.groups if block.columns(group)]
        if a not in left or (len(left) < 2 if rest else b not in left):
            return None
        return change(block, result, probe.mask, left, seed=self.candidate.results.run.seed)

    def _table(self, probe: ProbeRecord, which: str) -> Table:
        key = probe.id, which
        if key not in self._tables:
            old = used_scores(self.old.get(probe.id, Cells()), probe.mask)
            new = used_scores(self.new.get(probe.id, Cells()), probe.mask)
            sides = {"both": (old, new), "old": (old, old), "new": (new, new)}[which]
            self._tables[key] = Table(*sides)
        return self._tables[key]

    def _require(self, pair: Pair, made: Change | None) -> None:
        """Check that the scores are those that the results were made from.

        Raises:
            UsageError: evidence was changed, cut or taken from another run.
        """
        for run, stored, which in ((self.base, pair.old, "old"), (self.candidate, pair.new, "new")):
            whole = made is not None and made.cells_lost_share == 0
            found = made if whole else self._numbers(pair.probe, stored, which)
            value = None
            if found is not None and found.cells_lost_share == 0:
                value = found.baseline if which == "old" else found.candidate
            if value is None or abs(value - (stored.estimate or 0.0)) > EVIDENCE_ERROR:
                raise _foreign(run, stored, value)


def _foreign(run: StoredRun, stored: Result, value: float | None) -> UsageError:
    name = run.evidence if isinstance(run.evidence, Path) else "the evidence"
    came = "cannot be computed from it" if value is None else f"is {value:.6g} by its scores"
    told = "missing" if stored.estimate is None else f"{stored.estimate:.6g}"
    return UsageError(
        f"{name} does not belong to its results.json: '{stored.id}' is {told} there and {came}",
        hint="one of the two was changed; run the audit again, or accept the baseline again",
    )


def _cells(run: StoredRun, probes: Collection[str]) -> dict[str, Cells]:
    """The cells of the groups that are compared, by probe."""
    if run.evidence is None:
        return {}
    found = read_cells(run.evidence, probes)
    for probe in run.results.probes:
        if probe.extra_groups and probe.id in found:
            found[probe.id] = found[probe.id].without({group.id for group in probe.extra_groups})
    return found


def _adjusted(changes: Sequence[Change], noise: float) -> list[Change]:
    """Holm over the primary changes of an axis, Benjamini-Yekutieli over its secondary ones."""
    families: dict[tuple[str, str], list[int]] = {}
    for number, made in enumerate(changes):
        if made.p_value is not None:
            families.setdefault((made.axis, made.role), []).append(number)
    done = list(changes)
    for (_, role), numbers in families.items():
        p_values = np.array([changes[number].p_value for number in numbers], dtype=np.float64)
        adjusted = holm(p_values) if role == "primary" else by(p_values)
        for number, p in zip(numbers, adjusted, strict=True):
            large = abs(changes[number].difference or 0.0) > noise
            update = {"p_adjusted": float(p), "differs": bool(p < ALPHA) and large}
            done[number] = changes[number].model_copy(update=update)
    return done
