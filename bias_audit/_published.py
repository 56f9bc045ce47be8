"""Two stored runs of published data sets to a ``Comparison``: the same pairs, in both models."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bias_audit._decided import unpaired
from bias_audit.archive import Comparison, MissingChange, Result, Results
from bias_audit.benchmarking.comparing import ALL, Shares, foreign, paired, shares
from bias_audit.errors import UsageError
from bias_audit.evidence import PAIR_SCORES
from bias_audit.metrics.info import PAIR_SHARES
from bias_audit.results.model_identity import same_model
from bias_audit.results.stored_run import StoredRun

AXIS = "benchmark"
_DIGEST = re.compile(r"\b[0-9a-f]{64}\b")


def compare_published(
    base: StoredRun, candidate: StoredRun, *, names: tuple[str, str]
) -> Comparison:
    """Return every share of pairs of ``candidate`` beside that of ``base``.

    Args:
        base: the run to compare with.
        candidate: the run in question.
        names: how they were given, for messages and reports.

    Raises:
        UsageError: one of them is no run of data sets, its scores are damaged or belong to another
            run, or no pair is in both.
    """
    one, two = (_read(run, name) for run, name in zip((base, candidate), names, strict=True))
    old, new = base.results, candidate.results
    others = _other_copies(old, new)
    found = [share for share in paired(one, two) if share.dataset not in others]
    if not found:
        why = "; ".join(_why_none(old, new, others))
        raise UsageError(
            f"{names[0]} and {names[1]} have no scored pair in common{f': {why}' if why else ''}",
            hint="compare runs of the same files of data sets, by the same measures",
        )
    compared = {(share.dataset, share.measure) for share in found}
    missing = tuple(_missing(old, new, others, compared))
    whole = all(share.identical and not share.lost for share in found)
    return Comparison(
        baseline=names[0],
        baseline_model=old.model,
        baseline_run=old.run,
        identical=whole and not missing,
        shares=tuple(found),
        missing=missing,
        notices=tuple(_notices(old, new)),
    )


def _read(run: StoredRun, name: str) -> Shares:
    if run.pair_scores is None:
        published = any(probe.axis == AXIS for probe in run.results.probes)
        why = f"has no {PAIR_SCORES}" if published else "asked probes, and the other one data sets"
        raise UsageError(
            f"{name} {why}, so nothing can be paired",
            hint="give two whole folders of runs of the same kind",
        )
    found = shares(run.pair_scores)
    if wrong := foreign(run.results, found):
        raise UsageError(
            f"{PAIR_SCORES} of {name} does not belong to its results.json: '{wrong}' is another"
            " number by its scores, or has none",
            hint="one of the two was changed; run the data sets again",
        )
    return found


def _other_copies(old: Results, new: Results) -> set[str]:
    """Data sets whose files are not the same, so that an id of a pair may be another pair."""
    before, after = _digests(old), _digests(new)
    return {name for name in before if name in after and before[name] != after[name]}


def _digests(results: Results) -> dict[str, str]:
    """Digest of each data set's copy, which its card states as the source."""
    found = {probe.id: probe.card.source for probe in results.probes if probe.card is not None}
    return {name: match[0] for name, text in found.items() if (match := _DIGEST.search(text))}


def _measures(results: Results) -> dict[tuple[str, str], Result]:
    """A result of each measure of a data set: the overall one, else the first."""
    found: dict[tuple[str, str], Result] = {}
    for result in results.results:
        key = result.probe, result.metric
        if result.axis == AXIS and (result.groups == (ALL,) or key not in found):
            found[key] = result
    return found


def _pairless(old: Results, new: Results) -> list[str]:
    """Measures of both runs that are no shares of pairs."""
    both = _measures(old).keys() & _measures(new).keys()
    return sorted({measure for _, measure in both} - PAIR_SHARES)


def _why_none(old: Results, new: Results, others: set[str]) -> Iterator[str]:
    """Why two runs have nothing to compare."""
    if others:
        yield f"their copies of {', '.join(sorted(others))} differ"
    if rest := _pairless(old, new):
        yield f"these measures have no pairs: {', '.join(rest)}"


def _missing(
    old: Results, new: Results, others: set[str], compared: set[tuple[str, str]]
) -> Iterator[MissingChange]:
    """Measures of one run only, shares without a pair in both, and other copies of data sets."""
    before, after = _measures(old), _measures(new)
    for key, result in after.items():
        if key[0] in others:
            said = "the two runs read different copies of the data set"
            yield unpaired(result, "probe_version_changed", said)
        elif key not in before:
            yield unpaired(result, "not_in_baseline")
        elif key[1] in PAIR_SHARES and key not in compared:
            yield unpaired(result, "cells_lost", "no pair is scored in both runs")
    for key, result in before.items():
        if key not in after and key[0] not in others:
            yield unpaired(result, "no_result", "only the baseline has this result")


def _notices(old: Results, new: Results) -> Iterator[str]:
    """What a reader should know."""
    yield from same_model(old, new)
    for results, run in ((old, "the baseline"), (new, "this run")):
        if results.run.partial:
            yield f"{run} was cut short: only pairs that both runs scored are compared"
    if rest := _pairless(old, new):
        yield f"only shares of pairs are compared, and these are none: {', '.join(rest)}"
