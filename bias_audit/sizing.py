"""How large an audit has to be to decide: simulated gates over sizes, from stored components.

A guide to what to collect next. It takes the components of variance as known, which one audit only
estimates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bias_audit._subjects import Subject
from bias_audit.errors import UsageError
from bias_audit.stats import power
from bias_audit.stats.draws import Size
from bias_audit.stats.power import Shares
from bias_audit.stats.seeds import stream

ENOUGH = 0.8
"""Share of passes from which a size is said to decide."""
RUNS = 2000
"""Simulated audits for each size."""
MOST = 400
"""Units of one source that count as no limit."""
TEMPLATES = (8, 12, 16, 24)
WORDS = (4, 8, 16, 32)

TIMES = (2, 4, 8, 12, 16, 20, 24)

Axis = Literal["words", "targets"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """What a gate says at one size."""

    size: Size
    prompts: int
    zero: Shares
    """If the true gap or rise is 0."""
    double: Shares
    """If it is twice the limit."""

    @property
    def decides(self) -> bool:
        """Whether a model without a gap passes often enough."""
        return self.zero.passed >= ENOUGH


@dataclass(frozen=True, kw_only=True, slots=True)
class Alone:
    """What more of one source alone comes to."""

    source: str
    """``templates``, ``terms`` or ``targets``."""
    passed: float
    """Share of passes with :data:`MOST` of it, if the true value is 0."""
    hindrance: str
    """The source with most of the variance that is left."""
    share: float
    """Its share of that variance."""

    @property
    def decides(self) -> bool:
        """Whether enough of it decides."""
        return self.passed >= ENOUGH


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The answer for one gate."""

    subject: Subject
    axis: Axis
    """What changes from column to column of the table."""
    own: Point
    """At the size of the run."""
    points: tuple[Point, ...]
    cheapest: Point | None
    """The point with fewest prompts that decides."""
    alone: tuple[Alone, ...]
    """Each source alone, where the run's own size does not decide."""
    together: Point | None
    """The run's size times up to 24 in everything that is a sample, where nothing smaller that
    was looked at decides; None where that is not needed or does not decide either."""


def plan(
    subject: Subject,
    *,
    templates: Sequence[int] = TEMPLATES,
    words: Sequence[int] = (),
    targets: Sequence[int] = (),
    runs: int = RUNS,
) -> Plan:
    """Simulate a gate over a grid of sizes.

    Args:
        subject: the gate.
        templates: numbers of sentences.
        words: numbers of group words in each group, or of pairs; :data:`WORDS` by default where
            words are a sample.
        targets: numbers of words in both poles together; those of the run by default, or twice
            :data:`WORDS` where they are the only words that are a sample.
        runs: simulated audits for each size.

    Raises:
        UsageError: one word for each group, where words are a sample.
    """
    own, axis = _point(subject, subject.size, runs), _axis(subject, words)
    sizes = _sizes(subject, axis, templates, words, targets)
    points = tuple(own if size == subject.size else _point(subject, size, runs) for size in sizes)
    enough = [point for point in points if point.decides]
    order = [(point.prompts, -point.zero.passed, point.size) for point in enough]
    alone = () if own.decides else tuple(_alone(subject, runs))
    stuck = not enough and not own.decides and not any(found.decides for found in alone)
    return Plan(
        subject=subject,
        axis=axis,
        own=own,
        points=points,
        cheapest=enough[order.index(min(order))] if enough else None,
        alone=alone,
        together=_together(subject, runs) if stuck else None,
    )


def _axis(subject: Subject, words: Sequence[int]) -> Axis:
    """Group words, unless only the targets are a sample and nobody asked for words."""
    design = subject.design
    few = design.scope == "terms" and design.construct and not words
    return "targets" if design.by_target or few else "words"


def _sizes(
    subject: Subject,
    axis: Axis,
    templates: Sequence[int],
    words: Sequence[int],
    targets: Sequence[int],
) -> list[Size]:
    own, scope = subject.size, subject.design.scope
    if axis == "targets":
        across, along = set(targets) or {2 * n for n in WORDS}, {own.words}
    else:
        across = set(targets) or {own.targets}
        along = set(words) or ({own.words} if scope == "terms" else set(WORDS))
    if scope != "terms" and axis == "words" and min(along) < 2:
        raise UsageError(
            f"expected --words from 2: '{subject.name}' speaks of the groups and not of single"
            " words, and one word shows no spread"
        )
    every = {Size(j, n, m) for m in across for j in templates for n in along}
    return sorted(every, key=lambda size: (size.targets, size))


def _point(subject: Subject, size: Size, runs: int) -> Point:
    name = "x".join(map(str, size))
    rng = stream(subject.seed, "plan", subject.name, subject.kind, subject.baseline, name)
    zero, double = power.shares(
        subject.design,
        subject.components,
        size,
        limit=subject.limit,
        truths=(0.0, 2 * subject.limit),
        runs=runs,
        rng=rng,
        change=subject.change,
    )
    return Point(size=size, prompts=subject.cost(size), zero=zero, double=double)


_FIELDS = {"templates": "templates", "terms": "words", "targets": "targets"}


def _together(subject: Subject, runs: int) -> Point | None:
    """The run's size times a number, in everything that is a sample; None where none decides."""
    names = [_FIELDS[source] for source in subject.main.expected(subject.size, subject.design)]
    for times in TIMES:
        units = {name: times * getattr(subject.size, name) for name in names}
        if max(units.values()) > MOST:
            return None
        point = _point(subject, subject.size._replace(**units), runs)
        if point.decides:
            return point
    return None


def _alone(subject: Subject, runs: int) -> list[Alone]:
    """Each random source with so many units that only the others are left."""
    found = []
    for source in subject.main.expected(subject.size, subject.design):
        size = subject.size._replace(**{_FIELDS[source]: MOST})
        left = subject.main.expected(size, subject.design)
        others = {name: value for name, value in left.items() if name != source} or left
        worst = max(others, key=lambda name: others[name])
        whole = sum(left.values())
        found.append(
            Alone(
                source=source,
                passed=_point(subject, size, runs).zero.passed,
                hindrance=worst,
                share=others[worst] / whole if whole else 0.0,
            )
        )
    return found
