"""Which results of two runs belong together, what stands against judging them, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from bias_audit.errors import UsageError
from bias_audit.records import OTHERS
from bias_audit.results import Change, MissingChange, ProbeRecord, Result, Results, unpaired
from bias_audit.results.codes import NO_CONTROLS, as_clause
from bias_audit.results.model_identity import other_family, same_model

METRIC = "log_odds_gap"
"""The measure that can be paired: its parts are in the evidence, cell by cell."""
MOST_LOST = 0.1
"""Share of lost cells above which a difference is not judged."""


INHERITED = ("instrument_failed", "no_card", "descriptive_only", "incomplete", "degenerate")
"""Statuses of either result that forbid a verdict on the change too, most important first."""
BLOCKING = ("partial_run", "model_family_changed", "cells_lost", *INHERITED)
"""All that forbids a verdict on a change."""
QUIET = ("descriptive_only", "incomplete", "degenerate")
"""What does not matter when both models give the same scores: there is nothing to estimate."""


class Pair(NamedTuple):
    """The same question in both runs."""

    probe: ProbeRecord
    old: Result
    new: Result


def _comparable(results: Results) -> dict[str, Result]:
    """Gaps that can be paired, by id; controls vouch for them and are not compared.

    Raises:
        UsageError: a result has no probe, or not two groups.
    """
    found = [r for r in results.results if r.metric == METRIC and r.role != "control"]
    probes = {probe.id for probe in results.probes}
    for result in found:
        if result.probe not in probes or len(result.groups) != 2:
            raise UsageError(
                f"the results are damaged: '{result.id}' has no probe record or not two groups",
                hint="run the audit again",
            )
    return {result.id: result for result in found}


def match(old: Results, new: Results) -> tuple[list[Pair], list[MissingChange]]:
    """Results that both runs have, and those that have no partner.

    Raises:
        UsageError: the results of a run are damaged.
    """
    before, after = _comparable(old), _comparable(new)
    probes = {probe.id: probe for probe in new.probes}
    versions = {probe.id: probe.version for probe in old.probes}
    pairs: list[Pair] = []
    missing: list[MissingChange] = []
    for key, mine in after.items():
        probe = probes[mine.probe]
        version = versions.get(mine.probe)
        if key not in before or version is None:
            missing.append(unpaired(mine, "not_in_baseline"))
        elif version != probe.version:
            said = f"the baseline asked version {version} of the probe, this run {probe.version}"
            missing.append(unpaired(mine, "probe_version_changed", said))
        else:
            pairs.append(Pair(probe, before[key], mine))
    for key, theirs in before.items():
        if key not in after:
            missing.append(unpaired(theirs, "no_result", "only the baseline has this result"))
    return pairs, missing


def unknown_pairs(pair: Pair) -> bool:
    """Words that were judged as pairs, in a file that does not say which belong together."""
    terms = {group.id: len(group.terms) for group in pair.probe.groups}
    words = sum(terms.get(group, 0) for group in pair.new.groups)
    masked = pair.probe.mask == "target" and OTHERS not in pair.new.groups
    return masked and not pair.new.pairs and pair.new.n_terms < words


def status_codes(pair: Pair, made: Change, *, partial: bool, family: bool) -> Iterator[str]:
    """Codes of the pairing, then those of both results."""
    if partial:
        yield "partial_run"
    if family:
        yield "model_family_changed"
    if made.cells_lost_share > MOST_LOST:
        yield "cells_lost"
    inherited = set(pair.old.statuses) | set(pair.new.statuses)
    if made.se is None:
        inherited.add("descriptive_only")
    yield from (code for code in (*INHERITED, NO_CONTROLS) if code in inherited)


def why_blocked(code: str, pair: Pair, made: Change) -> str:
    """Why the change is not judged, in words."""
    if code == "cells_lost":
        return f"{made.cells_lost_share:.0%} of the scored sentences are not in both runs"
    if code == "instrument_failed":
        for result, run in ((pair.new, "this run"), (pair.old, "the baseline")):
            if code in result.statuses and result.reason:
                return f"in {run}, {result.reason}"
    return as_clause(code)


def in_words(made: Change) -> str:
    """The change in words."""
    if made.identical:
        return "both models give every paired sentence the same scores"
    if made.rise is None or made.rise_low is None or made.rise_high is None:
        return "there is no interval to judge by"
    grown = "larger" if made.rise > 0 else "smaller"
    return (
        f"the gap is {abs(made.rise):.3g} {made.unit} {grown} than in the baseline (between"
        f" {made.rise_low:+.3g} and {made.rise_high:+.3g}, one-sided {made.bound_level:.1%} bounds)"
    )


def notices(old: Results, new: Results) -> Iterator[str]:
    """What a reader of the differences should know."""
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
