"""Which comparisons several runs have in common, and what stands against reading them together."""

from __future__ import annotations

import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bias_audit.render._index import Index
from bias_audit.render._text import clean, clip, tidy
from bias_audit.results import ProbeRecord, Result, Results

MOST = 26
"""Runs that one page can hold: each has a letter."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One of the runs, with its letter."""

    letter: str
    place: str
    """What the run was given as."""
    index: Index

    @property
    def label(self) -> str:
        """Letter and model."""
        return f"{self.letter} · {self.index.audit.model.name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Shared:
    """A comparison that every run has, asked in the same version of its probe."""

    probe: str
    """Title."""
    pair: str
    axis: str
    poles: str
    results: tuple[Result, ...]
    """One for each run."""


def runs_of(given: Sequence[tuple[str, Results]]) -> tuple[Run, ...]:
    """Give each run its letter; strings are cleaned on the way."""
    return tuple(
        Run(letter=letter, place=clip(clean(place), 200), index=Index(tidy(results)))
        for letter, (place, results) in zip(string.ascii_uppercase, given, strict=False)
    )


def together(runs: Sequence[Run]) -> tuple[list[Shared], list[tuple[str, str]]]:
    """The comparisons that all runs have; (what is left out, why) for the others."""
    found, lost = [], []
    every = dict.fromkeys(
        result.id for run in runs for result in run.index.audit.results if _is_asked(run, result)
    )
    for name in every:
        results = [run.index.results.get(name) for run in runs]
        there = [result for result in results if result is not None]
        missing = [run.letter for run, result in zip(runs, results, strict=True) if result is None]
        probes = [run.index.probes.get(there[0].probe) for run in runs]
        if missing:
            lost.append((_full(runs, there[0]), f"not asked of {', '.join(missing)}"))
        elif len({(p.version, p.language) if p else None for p in probes}) > 1:
            lost.append((_full(runs, there[0]), "asked in different versions of its probe"))
        else:
            found.append(_shared(runs[0], there, probes[0]))
    return found, lost


def _is_asked(run: Run, result: Result) -> bool:
    probe = run.index.probes.get(result.probe)
    return result.role == "primary" and probe is not None and probe.role == "probe"


def _full(runs: Sequence[Run], result: Result) -> str:
    home = next(run.index for run in runs if result.id in run.index.results)
    return f"{home.title(result.probe)}: {home.versus(result)}"


def _shared(first: Run, results: Sequence[Result], probe: ProbeRecord | None) -> Shared:
    poles = f"   ← {probe.minus} · {probe.plus} →" if probe and probe.plus and probe.minus else ""
    return Shared(
        probe=first.index.title(results[0].probe),
        pair=first.index.versus(results[0]),
        axis=results[0].axis,
        poles=poles,
        results=tuple(results),
    )


def notices(runs: Sequence[Run]) -> tuple[str, ...]:
    """What a reader should know about all of the runs before the first number."""
    return (*_same_weights(runs), *_narrow(runs), *_other_files(runs))


def _same_weights(runs: Sequence[Run]) -> Iterator[str]:
    """Runs of the same weights, which differ in what was asked and not in the model."""
    by_weights: dict[str, list[str]] = {}
    for run in runs:
        by_weights.setdefault(run.index.audit.model.fingerprint, []).append(run.letter)
    for weights, letters in by_weights.items():
        if weights and len(letters) > 1:
            who = "All of these runs" if len(letters) == len(runs) else ", ".join(letters)
            yield f"{who} have the same weights: what differs between them is not the model."


def _narrow(runs: Sequence[Run]) -> Iterator[str]:
    """Runs that alone keep others' comparisons off the page."""
    asked = [{r.id for r in run.index.audit.results if _is_asked(run, r)} for run in runs]
    for place, run in enumerate(runs):
        others = [names for at, names in enumerate(asked) if at != place]
        lost = len(set.intersection(*others) - asked[place]) if len(others) > 1 else 0
        if lost:
            yield (
                f"{run.letter} was not asked {lost:,} of the comparisons that all the other runs "
                f"share: leave {run.letter} out to see them side by side."
            )


def _other_files(runs: Sequence[Run]) -> tuple[str, ...]:
    """Runs of other probe files."""
    by_digest: dict[str, list[str]] = {}
    for run in runs:
        by_digest.setdefault(run.index.audit.run.catalogue_digest, []).append(run.letter)
    if len(by_digest) < 2:
        return ()
    told = "; ".join(
        f"{', '.join(letters)}: {digest[:12] or 'not recorded'}"
        for digest, letters in by_digest.items()
    )
    return (
        f"These runs did not read the same probe files (digests: {told}). Comparisons stand side "
        "by side when their probe has the same version and language in every run: a sentence or a "
        "word that was changed without a new version goes unnoticed here. 'bias-audit compare A B' "
        "pairs the sentences themselves.",
    )
