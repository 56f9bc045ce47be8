"""Sample size: how many sentences and words would decide a gate, from stored variance components.

One closed form (:mod:`bias_audit.stats.power`) serves the sentence of an unclear verdict and
``bias-audit plan``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import product
from typing import Literal, NamedTuple

from bias_audit.errors import UnknownNameError, UsageError
from bias_audit.probes.schema.probe import DEFAULT_MARGIN
from bias_audit.results.decisions import Comparison
from bias_audit.results.io import Results
from bias_audit.results.schema import Result
from bias_audit.stats.ladder import ALPHA
from bias_audit.stats.power import MOST_UNITS, Source, VarianceComponents, required_units

METRICS = ("log_odds_gap", "similarity_gap")
SOURCES: tuple[Source, ...] = ("templates", "terms", "targets")
UNITS: dict[Source, str] = {
    "templates": "sentences",
    "terms": "group words",
    "targets": "words of the poles",
}
MOST_SIZES = 10_000
"""Sizes of one plan, which is a table that somebody reads."""
PASSES = 0.9
"""Quantile of an estimate below which 80 % lie in size where the true value is 0."""
FAILS = 0.8
"""Quantile of an estimate above whose mirror image 80 % lie."""


class RequiredSize(NamedTuple):
    """How many units of each source would decide, if only their number changed; None: no number."""

    templates: int | None = None
    terms: int | None = None
    targets: int | None = None


def random_units(result: Result) -> dict[Source, int]:
    """Return the sources that count as random, and how many units a result has of each."""
    counts = {"templates": result.n_templates, "terms": result.n_terms, "targets": result.n_targets}
    counts |= result.clusters
    fixed: dict[str, tuple[Source, ...]] = {"terms": ("templates",), "templates": ("terms",)}
    names = fixed.get(result.scope, ("templates", "terms"))
    names += ("targets",) if result.claim == "words_of_this_kind" else ()
    return {name: counts[name] for name in names}


def required_sample_size(
    result: Result, variance: Mapping[str, float], df: float, *, gap: float, tail: float
) -> RequiredSize:
    """Return for each source how many units would decide if the estimate stayed where it is.

    ``variance`` and ``df`` are those of the number that is judged, ``gap`` is its distance from the
    limit; ``tail`` as in :func:`bias_audit.stats.power.required_units`.
    """
    units = random_units(result)
    if not any(variance.get(name) for name in units):
        return RequiredSize()
    components = VarianceComponents(variance=variance, units=units, df=df)
    return RequiredSize(
        *(required_units(components, source, gap=gap, tail=tail) for source in SOURCES)
    )


def largest_of(sizes: Sequence[RequiredSize]) -> RequiredSize:
    """Return what is enough for each of several claims, all of which have to be decided."""

    def largest(counts: Sequence[int | None]) -> int | None:
        known = [count for count in counts if count is not None]
        return max(known) if known and len(known) == len(counts) else None

    return RequiredSize(*(largest(counts) for counts in zip(*sizes, strict=True)))


def describe_required(result: Result, variance: Mapping[str, float], required: RequiredSize) -> str:
    """Return in words what more would decide, and what more of would not."""
    units = random_units(result)
    if not any(variance.get(name) for name in units):
        return "what would decide is not known"
    counts = {name: getattr(required, name) for name in SOURCES if name in units}
    known = {"templates": result.n_templates, "terms": result.n_terms, "targets": result.n_targets}
    enough = [
        f"about {count} {UNITS[name]} ({units[name]} now)"
        if units[name] == known[name]
        else f"about {count} unrelated {UNITS[name]} ({units[name]} among {known[name]} now)"
        for name, count in counts.items()
        if count is not None
    ]
    never = " or ".join(UNITS[name] for name, count in counts.items() if count is None)
    if not enough:
        return f"more {never} alone would not decide"
    text = f"{' or '.join(enough)} would decide if the estimate stayed"
    return f"{text}; more {never} alone would not" if never else text


# Planning.


class Size(NamedTuple):
    """How much an audit asks."""

    templates: int
    """Sentences."""
    terms: int
    """Group words of all groups together, or matched pairs."""
    targets: int
    """Words of both poles together."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedGate:
    """One gate that is planned for."""

    name: str
    """Id of the result, or ``assumed``."""
    labels: tuple[str, ...]
    """Names of the groups."""
    kind: Literal["absolute", "regression"]
    limit: float
    """Largest accepted gap or rise, nats."""
    components: VarianceComponents
    """Of the gap, or of the change."""
    size: Size
    """The size of the run, or the assumed one."""
    prompts: float
    """Prompts at that size."""
    group_masked: bool = False
    """The group words are filled in, so that more of them are no further units."""
    tail: float = ALPHA
    """Share of the t distribution beyond the end of the interval that must lie inside."""
    baseline: str = ""
    """Name of the baseline, for a gate on the rise."""
    notices: tuple[str, ...] = ()
    """What a reader must know."""

    def point(self, size: Size) -> Point:
        """Return what this gate could decide at another size."""
        factors = {name: getattr(size, name) / getattr(self.size, name) for name in SOURCES}
        if self.group_masked:
            factors["terms"] = 1.0
        passing = self.components.reach(factors, tail=self.tail, quantile=PASSES)
        failing = self.components.reach(factors, tail=ALPHA, quantile=FAILS)
        return Point(
            size=size,
            prompts=round(self.prompts * math.prod(factors.values())),
            passing=passing,
            failing=self.limit + failing,
            decides=passing < self.limit,
        )


class Point(NamedTuple):
    """What a gate can decide at one size."""

    size: Size
    prompts: int
    passing: float
    """Smallest limit that 80 % of audits pass where the true value is 0, nats."""
    failing: float
    """Smallest true value that fails the gate's own limit in 80 % of audits, nats."""
    decides: bool
    """The gate's own limit is passed so often."""


class Unplannable(NamedTuple):
    """A result that was asked for and cannot be planned."""

    name: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The answer for one gate."""

    gate: PlannedGate
    columns: Literal["terms", "targets"]
    """What changes from column to column of the table."""
    own: Point
    """At the size of the run."""
    points: tuple[Point, ...]
    cheapest: Point | None
    """The point with fewest prompts that decides."""
    required: RequiredSize
    """Units of one source alone with which the gate would decide."""
    together: Point | None
    """The smallest multiple of the run in all that is random that decides."""


def default_design(limit: float | None) -> PlannedGate:
    """Return two groups of 8 words, 12 sentences and 16 targets, by placeholder components."""
    template, word, cell = 0.4**2, 0.55**2, 0.55**2
    noise = 2 * cell / (12 * 8)
    rows, words = template / 12 + noise, word / 8 + noise / 2
    df = (rows + 2 * words) ** 2 / (rows**2 / 11 + 2 * words**2 / 7)
    return PlannedGate(
        name="assumed",
        labels=("one group", "another"),
        kind="absolute",
        limit=limit or DEFAULT_MARGIN,
        components=VarianceComponents(
            variance={"templates": rows, "terms": 2 * words, "templates x terms": noise},
            units={"templates": 12, "terms": 16},
            df=df,
        ),
        size=Size(12, 16, 16),
        prompts=12 * 16 * 16,
        notices=(
            "no run was given: standard deviations are assumptions (nats: sentences 0.4, group"
            " words 0.55, cells 0.55); give a run to use its own",
        ),
    )


def planned_gates(
    results: Results,
    names: Sequence[str] = (),
    *,
    limit: float | None = None,
    comparison: Comparison | None = None,
) -> tuple[list[PlannedGate], list[Unplannable]]:
    """Return what to plan for, and what cannot be planned and why.

    Args:
        results: a stored run.
        names: ids of results, or of probes for their primary results, or globs of either; without
            any, the result with the widest interval, of the gaps and of the rises.
        limit: largest accepted gap and rise; by default that of the run's gates, then the margin.
        comparison: of the run with a baseline; by default the one that the run holds.

    Raises:
        UnknownNameError: no result has this name.
        UsageError: nothing in the run can be planned from.
    """
    selected = _select(results, names)
    lost: list[Unplannable] = []
    gaps: list[PlannedGate] = []
    rises: list[PlannedGate] = []
    compared = comparison or results.comparison
    for result in selected:
        if not result.se or not result.df:
            lost.append(Unplannable(result.id, f"it has no interval: {result.reason}"))
            continue
        gap = _gap(result, results, limit)
        gaps.append(gap)
        if compared is not None:
            rise = _rise(gap, result, results, compared, limit)
            if isinstance(rise, Unplannable):
                lost.append(rise)
            else:
                rises.append(rise)
    if not gaps:
        raise UsageError(
            "no result of this run has components of variance to plan from",
            hint="plan from a run whose results have intervals, or without a run",
        )
    if names:
        return [*gaps, *rises], lost
    return [_widest(kind) for kind in (gaps, rises) if kind], lost


def _select(results: Results, names: Sequence[str]) -> list[Result]:
    pool = [r for r in results.results if r.metric in METRICS and r.role != "control"]
    if not names:
        return [result for result in pool if result.role == "primary"]
    matches: dict[str, Result] = {}
    for name in names:
        by_probe = ":" not in name  # a glob of probes does not mean every pair of their groups
        hits = {
            r.id: r
            for r in pool
            if fnmatchcase(r.probe if by_probe else r.id, name)
            if r.role == "primary" or not by_probe
        }
        if not hits:
            known = [r.id for r in pool] + [r.probe for r in pool]
            raise UnknownNameError("result or probe in this run", name, set(known))
        matches |= hits
    return list(matches.values())


def _widest(gates: Sequence[PlannedGate]) -> PlannedGate:
    """The gate whose standard error is largest for its limit: what decides it decides the others
    of the same size."""
    widest = max(gates, key=lambda gate: gate.components.scale({})[0] / gate.limit)
    if len(gates) == 1:
        return widest
    text = f"of {len(gates)} results, the one with the widest interval; name others to plan for"
    return replace(widest, notices=(*widest.notices, text))


def _gap(result: Result, results: Results, limit: float | None) -> PlannedGate:
    """The size of a gap."""
    probe = next((p for p in results.probes if p.id == result.probe), None)
    stored = _stored_limit(results, result.id, "absolute")
    return PlannedGate(
        name=result.id,
        labels=result.group_labels or result.groups,
        kind="absolute",
        limit=limit or stored or result.margin or DEFAULT_MARGIN,
        components=VarianceComponents(
            variance=result.variance, units=random_units(result), df=result.df or 1.0
        ),
        size=Size(result.n_templates, max(result.n_terms, 1), max(result.n_targets, 2)),
        prompts=result.n_prompts,
        group_masked=probe is not None and probe.mask == "group",
    )


def _rise(
    gap: PlannedGate, result: Result, results: Results, comparison: Comparison, limit: float | None
) -> PlannedGate | Unplannable:
    """The rise of a gap over the baseline, from the paired differences.

    A gap that moved by no more than the limit has not risen by more, on either side: the interval
    of the difference decides.
    """
    change = next((c for c in comparison.changes if c.result == gap.name), None)
    if change is None:
        return Unplannable(gap.name, "the baseline has no such result")
    if change.identical:
        return Unplannable(gap.name, "the baseline gives the same scores; that passes at any size")
    if not change.se or not change.df:
        return Unplannable(gap.name, f"its change has no interval: {change.reason}")
    units = random_units(result)
    if "templates" in units:
        units["templates"] = change.n_templates
    return replace(
        gap,
        kind="regression",
        limit=limit or _stored_limit(results, gap.name, "regression") or gap.limit,
        components=VarianceComponents(variance=change.variance, units=units, df=change.df),
        size=gap.size._replace(templates=change.n_templates),
        tail=1 - change.bound_level,
        baseline=comparison.baseline,
        notices=(change.reason,) if change.reason_code and change.reason else (),
    )


def _stored_limit(results: Results, name: str, kind: str) -> float | None:
    """The limit of the run's own gate of this kind on a result."""
    gates = (g for g in results.gates if g.kind == kind and g.result == name)
    return next((gate.limit for gate in gates), None)


def plan_gate(
    gate: PlannedGate,
    *,
    templates: Sequence[int] = (),
    terms: Sequence[int] = (),
    targets: Sequence[int] = (),
) -> Plan:
    """Return what a gate could decide at a grid of sizes, and the cheapest that decides.

    Args:
        gate: what is planned for.
        templates: numbers of sentences; once, twice and four times the run's when empty.
        terms: numbers of group words, or pairs; likewise where they are a sample.
        targets: numbers of words in both poles; likewise where they are the only such words.

    Raises:
        UsageError: the grid has more than :data:`MOST_SIZES` sizes.
    """
    own, units = gate.point(gate.size), gate.components.units
    by_target = gate.group_masked or ("terms" not in units and "targets" in units and not terms)
    axes = [
        set(templates) or _multiples(gate.size.templates),
        {gate.size.terms}
        if by_target
        else set(terms) or (_multiples(gate.size.terms) if "terms" in units else {gate.size.terms}),
        set(targets) or (_multiples(gate.size.targets) if by_target else {gate.size.targets}),
    ]
    if (count := math.prod(map(len, axes))) > MOST_SIZES:
        raise UsageError(
            f"{count:,} sizes would be planned, more than {MOST_SIZES:,}",
            hint="name fewer numbers of sentences and words",
        )
    sizes = sorted({Size(*counts) for counts in product(*axes)}, key=lambda s: (s.targets, s))
    points = tuple(gate.point(size) for size in sizes)
    deciding = [point for point in points if point.decides]
    required = (
        required_units(gate.components, source, gap=gate.limit, tail=gate.tail, quantile=PASSES)
        for source in SOURCES
    )
    return Plan(
        gate=gate,
        columns="targets" if by_target else "terms",
        own=own,
        points=points,
        cheapest=min(deciding, key=lambda p: (p.prompts, p.passing), default=None),
        required=RequiredSize() if own.decides else RequiredSize(*required),
        together=None if own.decides else _together(gate),
    )


def _multiples(count: int) -> set[int]:
    return {min(times * count, max(count, MOST_UNITS)) for times in (1, 2, 4)}


def _together(gate: PlannedGate) -> Point | None:
    """The run's size times a number, in everything that is a sample; None where none decides."""
    most = MOST_UNITS // max(getattr(gate.size, name) for name in gate.components.units)
    for times in range(2, most + 1):
        counts = {name: times * getattr(gate.size, name) for name in gate.components.units}
        point = gate.point(gate.size._replace(**counts))
        if point.decides:
            return point
    return None
