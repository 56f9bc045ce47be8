"""Two stored runs, paired sentence by sentence: what changed between two models, and how surely.

Both runs asked the same sentences about the same words, so what a sentence or a word does to the
scores of both models cancels in the pairing, and the difference has a narrower interval than
either gap. The contrast and its variance are those of a single run
(:mod:`bias_audit.stats.contrast`), on the differences of the cells.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bias_audit.analysis.change import measure_change, summarised_change
from bias_audit.analysis.paired_cells import PairedCube, PairedTable
from bias_audit.errors import UsageError
from bias_audit.records import OTHERS
from bias_audit.results.codes import BLOCKING as NOT_MEASURABLE
from bias_audit.results.codes import DEAF, LOUD, as_clause
from bias_audit.results.decisions import Change, Comparison, MissingChange, missing_change
from bias_audit.results.evidence import EVIDENCE_FILE, INDEX, Cells, Key, read_cells, used_scores
from bias_audit.results.io import (
    Results,
    noise_floor,
    other_family,
    require_same_reading,
    same_model,
)
from bias_audit.results.run_folder import StoredRun
from bias_audit.results.schema import ProbeRecord, Result
from bias_audit.stats.multiplicity import by, holm

METRICS = ("log_odds_gap", "similarity_gap")
"""The measure that can be paired: its parts are in the evidence, cell by cell."""
SUMMARISED = ("completions", "hurtful_completions")
"""Measures that are compared by their estimates: full distributions are in no file."""
EVIDENCE_ERROR = 1e-4
"""Nats by which an estimate from the evidence may miss the stored one (six decimals a score)."""
MOST_LOST = 0.1
"""Share of lost cells above which a difference is not judged."""
BLOCKING = ("partial_run", "model_family_changed", "cells_lost", *NOT_MEASURABLE)
"""All that forbids a verdict on a change."""
QUIET = ("descriptive_only", "incomplete", "degenerate")
"""What does not matter when both models give the same scores: there is nothing to estimate."""
ALPHA = 0.05


def compare_runs(base: StoredRun, candidate: StoredRun, *, name: str) -> Comparison:
    """Return every gap of ``candidate`` compared with the same gap of ``base``.

    Args:
        base: the run to compare with.
        candidate: the run in question.
        name: how reports call the baseline.

    Raises:
        UsageError: evidence is damaged, or belongs to another run; the models were read in
            different ways.
    """
    old, new = base.results, candidate.results
    require_same_reading(old.model, new.model)
    pairs, missing = match_results(old, new)
    changes: list[Change] = []
    for record in _changes(base, candidate, pairs):
        if isinstance(record, Change):
            changes.append(record)
        else:
            missing.append(record)
    changes = _adjust_families(changes, noise_floor(old.model, new.model))
    identical = all(one.identical and one.cells_lost_share == 0 for one in changes)
    return Comparison(
        baseline=name,
        baseline_model=old.model,
        baseline_run=old.run,
        identical=bool(changes) and not missing and identical,
        changes=tuple(changes),
        missing=tuple(missing),
        notices=tuple(notices(old, new)),
    )


# Which results of two runs belong together.


class Pair(NamedTuple):
    """The same question in both runs."""

    probe: ProbeRecord
    old: Result
    new: Result


def is_same_run(one: Results, other: Results) -> bool:
    """Whether two results are copies of one run: the same moment, model and numbers."""
    same_start = (one.run, one.model) == (other.run, other.model)
    return same_start and one.results == other.results


def comparable_results(results: Results) -> dict[str, Result]:
    """Gaps that can be paired, by id; controls vouch for them and are not compared."""
    known = (*METRICS, *SUMMARISED)
    gaps = [r for r in results.results if r.metric in known and r.role != "control"]
    probes = {probe.id for probe in results.probes}
    for result in gaps:
        if result.probe not in probes or len(result.groups) != 2:
            raise UsageError(
                f"the results are damaged: '{result.id}' has no probe record or not two groups",
                hint="run the audit again",
            )
    return {result.id: result for result in gaps}


def match_results(old: Results, new: Results) -> tuple[list[Pair], list[MissingChange]]:
    """Return the results that both runs have, and those that have no partner.

    Raises:
        UsageError: the results of a run are damaged.
    """
    before, after = comparable_results(old), comparable_results(new)
    probes = {probe.id: probe for probe in new.probes}
    versions = {probe.id: probe.version for probe in old.probes}
    pairs: list[Pair] = []
    missing: list[MissingChange] = []
    for key, result in after.items():
        probe = probes[result.probe]
        version = versions.get(result.probe)
        if key not in before and result.metric in SUMMARISED and version is not None:
            continue  # a baseline of an older program has no such result; a gate on it says so
        if key not in before or version is None:
            held = ", ".join(versions) or "no probe"
            reason = f"the baseline has no such result: it holds {held}"
            missing.append(missing_change(result, "not_in_baseline", reason))
        elif version != probe.version:
            reason = f"the baseline asked version {version} of the probe, this run {probe.version}"
            missing.append(missing_change(result, "probe_version_changed", reason))
        else:
            pairs.append(Pair(probe, before[key], result))
    for key, result in before.items():
        if key not in after:
            missing.append(missing_change(result, "no_result", "only the baseline has this result"))
    return pairs, missing


# Their numbers.


def _changes(
    base: StoredRun, candidate: StoredRun, pairs: Sequence[Pair]
) -> Iterator[Change | MissingChange]:
    """One record for each pair: gaps in the order of the candidate's results, then completions."""
    gaps = [pair for pair in pairs if pair.new.metric in METRICS]
    if gaps and (base.evidence is None or candidate.evidence is None):
        side = "the baseline" if base.evidence is None else "this run"
        why = f"{side} has no {EVIDENCE_FILE}, so nothing can be paired"
        yield from (missing_change(pair.new, "no_evidence", why) for pair in gaps)
    elif gaps:
        run_pair = RunPair(base, candidate, {pair.probe.id for pair in gaps})
        yield from (run_pair.change(pair) for pair in gaps)
    partial = base.results.run.partial or candidate.results.run.partial
    family = other_family(base.results.model, candidate.results.model)
    for pair in pairs:
        if pair.new.metric in SUMMARISED:
            numbers = summarised_change(pair.old, pair.new)
            yield _conclude(pair, numbers, partial=partial, family=family)


class RunPair:
    """What the changes of two runs have in common; the tables of a probe are made once."""

    def __init__(self, base: StoredRun, candidate: StoredRun, probes: Collection[str]) -> None:
        self.base, self.candidate = base, candidate
        self.old = _cells(base, probes)
        self.new = self.old if candidate is base else _cells(candidate, probes)
        self.partial = base.results.run.partial or candidate.results.run.partial
        self.family = other_family(base.results.model, candidate.results.model)
        self._tables: dict[tuple[str, str, bool], PairedTable] = {}

    def change(self, pair: Pair) -> Change | MissingChange:
        """Compare one result."""
        numbers = self._numbers(pair.probe, pair.new, "both")
        self._require_evidence(pair, numbers)
        if numbers is None:
            reason = "no sentence with the same words is in both runs"
            return missing_change(pair.new, "cells_lost", reason)
        return _conclude(pair, numbers, partial=self.partial, family=self.family)

    def _numbers(self, probe: ProbeRecord, result: Result, which: str) -> Change | None:
        """The change on the cells of both runs, or of one run with itself; None without any."""
        cut = self.cut(probe, result, which)
        if cut is None:
            return None
        return measure_change(cut[0], result, probe, cut[1])

    def cut(
        self, probe: ProbeRecord, result: Result, which: str, *, only_poles: bool = True
    ) -> tuple[PairedCube, list[str]] | None:
        """Return the cells of a result and its groups; None without any.

        ``which``: those of ``both`` runs, or of the ``old`` or the ``new`` one with itself.
        """
        table = self._table(probe, which, only_poles)
        a, b = result.groups
        rest = b == OTHERS
        pairs = [((a, x), (b, y)) for x, y in result.pairs]
        cube = table.cube(
            table.groups if rest else (a, b), [] if rest or probe.mask == "group" else pairs
        )
        if cube is None or not (cube.pole("+") and cube.pole("-")):
            return None
        groups = [group for group in table.groups if cube.columns(group)]
        if a not in groups or (len(groups) < 2 if rest else b not in groups):
            return None
        return cube, groups

    def whole(self, probe: ProbeRecord) -> PairedCube | None:
        """Return all cells of a probe in the candidate, targets of neither pole too."""
        table = self._table(probe, "new", only_poles=False)
        return table.cube(table.groups, [])

    def _table(self, probe: ProbeRecord, which: str, only_poles: bool) -> PairedTable:
        key = probe.id, which, only_poles
        if key not in self._tables:
            old = _by_word(used_scores(self.old.get(probe.id, Cells()), probe.mask), probe)
            new = _by_word(used_scores(self.new.get(probe.id, Cells()), probe.mask), probe)
            sides = {"both": (old, new), "old": (old, old), "new": (new, new)}[which]
            self._tables[key] = PairedTable(*sides, probe.clusters, only_poles=only_poles)
        return self._tables[key]

    def _require_evidence(self, pair: Pair, numbers: Change | None) -> None:
        """Check that the scores are those that the results were made from."""
        complete_pair = numbers is not None and numbers.cells_lost_share == 0
        for run, stored, which in ((self.base, pair.old, "old"), (self.candidate, pair.new, "new")):
            own = numbers if complete_pair else self._numbers(pair.probe, stored, which)
            value = None
            if own is not None and own.cells_lost_share == 0:
                value = own.baseline if which == "old" else own.candidate
            if value is None or abs(value - (stored.estimate or 0.0)) > EVIDENCE_ERROR:
                raise mismatch_error(run, stored, value)


def _by_word(scores: Mapping[Key, float], probe: ProbeRecord) -> Mapping[Key, float]:
    """Return scores under the poles of the record, where a word's own group makes its pole."""
    own = {target.id: target.pole for target in probe.targets if target.pole.startswith("own:")}
    if not own:
        return scores
    at = INDEX.pole
    return {
        (*key[:at], own.get(key[INDEX.target], key[at]), *key[at + 1 :]): score
        for key, score in scores.items()
    }


def _conclude(pair: Pair, numbers: Change, *, partial: bool, family: bool) -> Change:
    """Return the change with what forbids to judge it."""
    codes = tuple(status_codes(pair, numbers, partial=partial, family=family))
    harmless = QUIET if numbers.identical else ()
    code = next((s for s in BLOCKING if s in codes and s not in harmless), "")
    reason = why_blocked(code, pair, numbers) if code else describe_change(numbers)
    return numbers.model_copy(update={"statuses": codes, "reason_code": code, "reason": reason})


def mismatch_error(
    run: StoredRun,
    stored: Result,
    value: float | None,
    number: tuple[str, float | None] | None = None,
) -> UsageError:
    """Return the error for scores that do not give a stored number, the estimate by default."""
    name = run.evidence if isinstance(run.evidence, Path) else "the evidence"
    actual = "cannot be computed from it" if value is None else f"is {value:.6g} by its scores"
    label, kept = number or ("estimate", stored.estimate)
    expected = "missing" if kept is None else f"{kept:.6g}"
    what = "" if label == "estimate" else f"the {label} of "
    return UsageError(
        f"{name} does not belong to its results.json: {what}'{stored.id}' is {expected} there and"
        f" {actual}",
        hint="one of the two was changed; run the audit again, or accept the baseline again",
    )


def _cells(run: StoredRun, probes: Collection[str]) -> dict[str, Cells]:
    """The cells of the groups that are compared, by probe."""
    if run.evidence is None:
        return {}
    cells = read_cells(run.evidence, probes)
    for probe in run.results.probes:
        if probe.extra_groups and probe.id in cells:
            cells[probe.id] = cells[probe.id].without({group.id for group in probe.extra_groups})
    return cells


def _adjust_families(changes: Sequence[Change], noise: float) -> list[Change]:
    """Holm over the primary changes of a probe, Benjamini-Yekutieli over its secondary ones."""
    families: dict[tuple[str, str], list[int]] = {}
    for number, record in enumerate(changes):
        if record.p_value is not None:
            families.setdefault((record.probe, record.role), []).append(number)
    adjusted_changes = list(changes)
    for (_, role), numbers in families.items():
        p_values = np.array([changes[number].p_value for number in numbers], dtype=np.float64)
        adjusted = holm(p_values) if role == "primary" else by(p_values)
        for number, p in zip(numbers, adjusted, strict=True):
            large = abs(changes[number].difference or 0.0) > noise
            update = {"p_adjusted": float(p), "differs": bool(p < ALPHA) and large}
            adjusted_changes[number] = changes[number].model_copy(update=update)
    return adjusted_changes


# What forbids judging them, in words.


def status_codes(pair: Pair, change: Change, *, partial: bool, family: bool) -> Iterator[str]:
    """Yield the codes of the pairing, then those of both results."""
    if partial:
        yield "partial_run"
    if family:
        yield "model_family_changed"
    if change.cells_lost_share > MOST_LOST:
        yield "cells_lost"
    inherited = set(pair.old.statuses) | set(pair.new.statuses)
    if change.se is None:
        inherited.add("descriptive_only")
    yield from (code for code in (*NOT_MEASURABLE, *DEAF, LOUD) if code in inherited)


def why_blocked(code: str, pair: Pair, change: Change) -> str:
    """Return why the change is not judged, in words."""
    if code == "cells_lost":
        return f"{change.cells_lost_share:.0%} of the scored sentences are not in both runs"
    if code == "instrument_failed":
        for result, run in ((pair.new, "this run"), (pair.old, "the baseline")):
            if code in result.statuses and result.reason:
                return f"in {run}, {result.reason}"
    return as_clause(code)


def describe_change(change: Change) -> str:
    """Return the change in words."""
    if change.identical:
        return "both models give every paired sentence the same scores"
    if change.rise is None or change.rise_low is None or change.rise_high is None:
        return "there is no interval to judge by"
    direction = "larger" if change.rise > 0 else "smaller"
    return (
        f"the gap is {abs(change.rise):.3g} {change.unit} {direction} than in the baseline"
        f" (between {change.rise_low:+.3g} and {change.rise_high:+.3g}, one-sided"
        f" {change.bound_level:.1%} bounds)"
    )


def notices(old: Results, new: Results) -> Iterator[str]:
    """Yield what a reader of the differences should know."""
    a, b = old.model, new.model
    if other_family(a, b):
        yield (
            f"other model family: {a.architecture or a.kind} with {a.vocabulary_size:,} pieces in"
            f" the baseline, {b.architecture or b.kind} with {b.vocabulary_size:,} here; gaps can"
            " be compared, and no gate judges the difference"
        )
    yield from same_model(old, new)
    for results, run in ((old, "the baseline"), (new, "this run")):
        if results.run.partial:
            yield f"{run} was cut short, so nothing is decided"
    if old.run.catalogue_digest != new.run.catalogue_digest:
        yield "the probe files of the two runs are not the same; the paired sentences are"
    if flat := _flattened_probes(old, new):
        yield (
            f"in {', '.join(flat)} the gap and its positive control both shrank by a third or more:"
            " flatter outputs alone would do that"
        )


def _flattened_probes(old: Results, new: Results) -> list[str]:
    """Probes whose gap shrank by a third or more together with one of their positive controls."""
    before = {r.id: abs(r.estimate) for r in old.results if r.estimate is not None}
    shrunk = {
        r.id: r
        for r in new.results
        if r.estimate is not None and abs(r.estimate) < before.get(r.id, 0.0) * 2 / 3
    }
    positive = {probe.id for probe in new.probes if probe.role == "positive_control"}
    controls = {r.id for r in shrunk.values() if r.probe in positive}
    gaps = {r.probe for r in shrunk.values() if r.role == "primary"}
    return [p.id for p in new.probes if p.id in gaps and controls.intersection(p.controls)]
