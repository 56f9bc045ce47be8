"""One question put to two models, such as an encoder and the classifier made from it.

Each number stays in its own unit, and none is made of both. What can be compared is the order: do
the words, or the groups, that stand out in the one stand out in the other?
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from bias_audit.errors import UsageError
from bias_audit.records import OTHERS
from bias_audit.results.codes import FAILED
from bias_audit.results.evidence import EVIDENCE_FILE, INDEX, Cells, Key, read_cells, used_scores
from bias_audit.results.run_folder import StoredRun
from bias_audit.results.schema import ProbeRecord, Result
from bias_audit.results.trace import (
    Over,
    Trace,
    TracedComparison,
    TracedGap,
    TracedOrder,
    TracedRun,
)
from bias_audit.stats.correlation import rank_correlation
from bias_audit.stats.seeds import stream
from bias_audit.utils.readings import READINGS

CONFIDENCE = 0.95
FEWEST = 4
"""Words or groups that an order needs."""


class Word(NamedTuple):
    """A group word as both runs know it."""

    group: str
    label: str
    """In lower case."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """One run, ready to be matched."""

    name: str
    run: StoredRun
    probes: Mapping[str, ProbeRecord]
    """What was measured, by id."""
    cells: Mapping[str, Cells] = field(repr=False)

    @classmethod
    def read(cls, run: StoredRun, name: str) -> Side:
        """Take what can be matched out of a run.

        Raises:
            UsageError: it has no scores, or no probe was measured.
        """
        probes = {
            probe.id: probe
            for probe in run.results.probes
            if probe.role == "probe" and probe.state == "measured"
        }
        if run.evidence is None or not probes:
            lacks = EVIDENCE_FILE if run.evidence is None else "probe that was measured"
            raise UsageError(
                f"{name} has no {lacks}, so there is nothing to trace",
                hint="give the whole folder that 'bias-audit run' wrote",
            )
        return cls(name=name, run=run, probes=probes, cells=read_cells(run.evidence, probes))

    def primary(self, probe: str) -> dict[tuple[str, ...], Result]:
        """The comparisons of a probe, by their groups."""
        results = self.run.results.results
        return {r.groups: r for r in results if r.probe == probe and r.role == "primary"}

    def group_words(self, probe: str) -> dict[Word, float]:
        """How far each group word leans to the first pole: mean score of S+ less that of S-."""
        record = self.probes[probe]
        compared = {group.id for group in record.groups if not group.placebo}
        scores = used_scores(self.cells.get(probe, Cells()), record.mask)
        return {word: v for word, v in leanings(scores).items() if word.group in compared}

    @property
    def record(self) -> TracedRun:
        """What the trace says of the run."""
        results = self.run.results
        return TracedRun(
            name=self.name,
            model=results.model,
            unit=READINGS[results.model.reading].scale.unit,
            partial=results.run.partial,
        )


def leanings(scores: Mapping[Key, float]) -> dict[Word, float]:
    """Return for each group word the mean score of the first pole less that of the second.

    Forms that share an identity word, and fillers of further slots, are averaged within their
    sentence frame and target first.
    """
    cells: dict[tuple[Word, str], dict[tuple[str, str], list[float]]] = defaultdict(dict)
    for key, score in scores.items():
        pole = key[INDEX.pole]
        if pole in ("+", "-"):
            word = Word(key[INDEX.group], key[INDEX.label].casefold())
            place = key[INDEX.template], key[INDEX.target]
            cells[word, pole].setdefault(place, []).append(score)
    means = {
        at: math.fsum(math.fsum(some) / len(some) for some in places.values()) / len(places)
        for at, places in cells.items()
    }
    words = dict.fromkeys(word for word, _ in means)
    return {
        word: means[word, "+"] - means[word, "-"]
        for word in words
        if (word, "+") in means and (word, "-") in means
    }


class Match(NamedTuple):
    """A probe of the one run, and the probe of the other that is set beside it."""

    one: Side
    two: Side
    base: str
    deployed: str

    @property
    def records(self) -> tuple[ProbeRecord, ProbeRecord]:
        """What the runs say of the probes."""
        return self.one.probes[self.base], self.two.probes[self.deployed]

    @property
    def mute(self) -> str:
        """Why nothing that they measured is evidence; empty where it is."""
        sides = zip((self.one, self.two), self.records, strict=True)
        return "; ".join(
            f"the instrument failed on {record.id} in {side.name}"
            for side, record in sides
            if FAILED in record.statuses
        )


def trace(base: StoredRun, deployed: StoredRun, *, names: tuple[str, str]) -> Trace:
    """Set two runs side by side.

    Probes that both runs have are paired with themselves, what is left of an axis with what is left
    of it in the other run.

    Args:
        base: the run of the model that the other was made from.
        deployed: the run of the other.
        names: how reports call them.

    Raises:
        UsageError: a run has no scores, or the two have neither a probe nor groups in common.
    """
    one, two = Side.read(base, names[0]), Side.read(deployed, names[1])
    notices = [*_of_runs(one, two)]
    matches = [*_matches(one, two, notices)]
    comparisons = [row for match in matches for row in _comparisons(match)]
    orders = [row for match in matches for row in (*_of_targets(match), *_of_groups(match))]
    if not comparisons and not any(order.n for order in orders):
        axes = [", ".join(sorted({p.axis for p in side.probes.values()})) for side in (one, two)]
        raise UsageError(
            f"{one.name} and {two.name} have no probe and no group words in common: the one asks"
            f" about {axes[0]}, the other about {axes[1]}",
            hint="audit both by probes of one axis, for example -p axis:religion",
        )
    return Trace(
        base=one.record,
        deployed=two.record,
        confidence=CONFIDENCE,
        comparisons=tuple(comparisons),
        orders=tuple(orders),
        notices=tuple(notices),
    )


def _matches(one: Side, two: Side, notices: list[str]) -> Iterator[Match]:
    """Which probe of the one belongs to which of the other; what has no partner is named."""
    shared = [name for name in one.probes if name in two.probes]
    for name in shared:
        versions = one.probes[name].version, two.probes[name].version
        if versions[0] == versions[1]:
            yield Match(one, two, name, name)
        else:
            say = f"version {versions[0]} in {one.name}, {versions[1]} in {two.name}"
            notices.append(f"{name} is left out: {say}")
    rest = [[name for name in side.probes if name not in shared] for side in (one, two)]
    matches = [
        Match(one, two, name, other)
        for name in rest[0]
        for other in rest[1]
        if one.probes[name].axis == two.probes[other].axis
    ]
    for match in matches:
        poles = [record.plus for record in match.records]
        notices.append(
            f"in the order of {match.base} and {match.deployed}, 1 means that what the one ties to"
            f" '{poles[0]}' the other ties to '{poles[1]}'"
        )
    yield from matches
    paired = {name for match in matches for name in (match.base, match.deployed)}
    for side, names in zip((one, two), rest, strict=True):
        if alone := [name for name in names if name not in paired]:
            notices.append(f"only in {side.name}: {', '.join(alone)}")


def _of_runs(one: Side, two: Side) -> Iterator[str]:
    """What a reader has to know before any number."""
    readings = [side.run.results.model.reading for side in (one, two)]
    if readings[0] != readings[1]:
        yield (
            f"{one.name} is read as {readings[0]}, {two.name} as {readings[1]}: no number of the"
            " one is a number of the other, and only their order is compared"
        )
    else:
        yield "both are read in one way: 'bias-audit compare' pairs them sentence by sentence"
    for side in (one, two):
        if side.run.results.run.partial:
            yield f"{side.name} was cut short: take its numbers as a first look"


def _comparisons(match: Match) -> Iterator[TracedComparison]:
    """Comparisons of the same groups; one with all others only where these are the same."""
    left, right = match.one.primary(match.base), match.two.primary(match.deployed)
    groups = [{g.id for g in record.groups if not g.placebo} for record in match.records]
    for names, result in left.items():
        other = right.get(names)
        if other is None or (OTHERS in names and groups[0] != groups[1]):
            continue
        yield TracedComparison(
            axis=match.records[0].axis,
            groups=names,
            group_labels=result.group_labels,
            base=_gap(result, match.records[0]),
            deployed=_gap(other, match.records[1]),
        )


def _gap(result: Result, probe: ProbeRecord) -> TracedGap:
    names = ("estimate", "ci_low", "ci_high", "unit", "outcome", "probe")
    fields = {name: getattr(result, name) for name in names}
    return TracedGap(result=result.id, plus=probe.plus, minus=probe.minus, **fields)


def _of_targets(match: Match) -> Iterator[TracedOrder]:
    """The order of the target words by their gaps, for each comparison that both have."""
    if match.base != match.deployed:
        return
    right = match.two.primary(match.deployed)
    for groups, result in match.one.primary(match.base).items():
        if groups not in right:
            continue
        others = {target.id: target.value for target in right[groups].by_target}
        values = [(t.value, others[t.id]) for t in result.by_target if t.id in others]
        yield _order(match, "target words", values, groups, result.group_labels)


def _of_groups(match: Match) -> Iterator[TracedOrder]:
    """The order of the group words, and of the groups by the means of their common words."""
    one, two = match.one.group_words(match.base), match.two.group_words(match.deployed)
    both = [(word, one[word], two[word]) for word in one if word in two]
    yield _order(match, "group words", [(a, b) for _, a, b in both])
    by_group: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for word, a, b in both:
        by_group[word.group].append((a, b))
    if 2 < len(by_group) < len(both):  # two always have an order, and single words stand above
        means = [np.mean(values, axis=0) for values in by_group.values()]
        yield _order(match, "groups", [(float(a), float(b)) for a, b in means])


def _order(
    match: Match,
    over: Over,
    values: Sequence[tuple[float, float]],
    groups: tuple[str, ...] = (),
    labels: tuple[str, ...] = (),
) -> TracedOrder:
    """Spearman's correlation of two lists, where there is enough to order and it is evidence."""
    axis, seed = match.records[0].axis, match.one.run.results.run.seed
    fields: dict[str, Any] = {}
    if match.mute:
        fields["reason"] = match.mute
    elif len(values) < FEWEST:
        fields["reason"] = f"{len(values)} {over} in common, at least {FEWEST} are needed"
    else:
        rng = stream(seed, "trace", axis, match.base, match.deployed, over, *groups)
        left, right = np.array(values).T
        found = rank_correlation(left, right, rng, level=CONFIDENCE)
        if found is None:
            fields["reason"] = f"one of the models gives all {over} one number"
        else:
            best = found.spearman
            fields = {"spearman": best.r, "low": best.low, "high": best.high, "p": best.p}
    return TracedOrder(
        axis=axis,
        base_probe=match.base,
        deployed_probe=match.deployed,
        over=over,
        groups=groups,
        group_labels=labels,
        n=len(values),
        **fields,
    )
