"""Several audited models side by side, for choosing among them: no score, no rank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bias_audit.render import _page as page
from bias_audit.render import _words as words
from bias_audit.render._numbers import odds
from bias_audit.render._text import bounds, count, plain, short, signed, times
from bias_audit.render._together import Run, Shared, notices, runs_of, together
from bias_audit.render.view import CANNOT
from bias_audit.results import Result, Results

_ROWS, _CELLS = 40, 400
_READ = (
    "Under each comparison there is one line for each model. The dot is its gap, the line through "
    "it the interval of that gap alone, the shaded band the margin of the probe. The comparisons "
    "in which the models lie furthest apart come first."
)
REMARKS = (
    "There is no overall score and no rank: which gap matters depends on what the model is for. "
    "Choose the axes and comparisons that matter for your use first, then read those rows.",
    "Two intervals that overlap can still belong to models that differ. Whether two of these "
    "models differ is told by 'bias-audit compare A B', which pairs their sentences.",
    "A model with fewer failures may simply be less clear: look at the number of unclear "
    "comparisons, and at the sanity check, before preferring it.",
    CANNOT.replace("It cannot", "This page cannot"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class AxisPart:
    """What all runs have in common on one axis."""

    name: str
    title: str
    picture: page.Intervals | None
    table: page.Table


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """Several runs, ready to be read."""

    title: str
    lead: str
    notices: tuple[str, ...]
    models: page.Table
    axes: tuple[AxisPart, ...]
    lost: page.Table | None
    remarks: tuple[str, ...]


def build(given: Sequence[tuple[str, Results]]) -> Selection:
    """Turn runs, each with what it was given as, into what their page shows."""
    runs = runs_of(given)
    shared, lost = together(runs)
    axes = dict.fromkeys(item.axis for item in shared)
    return Selection(
        title=f"{len(runs)} models side by side",
        lead=_lead(len(shared), len(axes), len(lost)),
        notices=notices(runs),
        models=_models(runs, shared),
        axes=tuple(_axis(runs, axis, [s for s in shared if s.axis == axis]) for axis in axes),
        lost=_lost(lost),
        remarks=REMARKS,
    )


def _lead(shared: int, axes: int, lost: int) -> str:
    """How much all runs have in common; nothing in common is no number of nought."""
    if not shared:
        left = f"; {count(lost, 'comparison is', 'comparisons are')} left out" if lost else ""
        return f"These runs have no comparison in common, so nothing is set side by side{left}."
    return (
        f"{count(shared, 'comparison')} that all of them were asked in the same version, "
        f"on {count(axes, 'axis', 'axes')}."
    )


def _models(runs: Sequence[Run], shared: Sequence[Shared]) -> page.Table:
    head = ("Model", "Sanity check", *(words.STATE_WORDS[s][0] for s in words.STATES), "Widest gap")
    return page.Table(
        caption="The models, and how the comparisons that all of them share were judged",
        head=(*(part[:1].upper() + part[1:] for part in head), "Run"),
        rows=tuple(_model(run, place, shared) for place, run in enumerate(runs)),
        note="The margins are those of the probes' authors; gates of a configuration are not shown "
        "here.",
    )


def _model(run: Run, place: int, shared: Sequence[Shared]) -> tuple[page.Cell, ...]:
    mine = [item.results[place] for item in shared]
    audit = run.index.audit
    tally = [
        sum((result.outcome or "skipped") == state for result in mine) for state in words.STATES
    ]
    sizes = [abs(r.estimate) for r in mine if r.estimate is not None and r.unit == "nats"]
    checks = [check for check in (audit.sanity, *audit.further_sanity) if check is not None]
    held = "not run" if not checks else "held" if all(c.passed for c in checks) else "did not hold"
    return (
        page.Cell(text=f"{run.label}{_revision(audit)}", long=True),
        page.Cell(text=held),
        *(
            page.Cell(text=str(number), value=float(number)) if mine else page.Cell(text="–")
            for number in tally
        ),
        odds(max(sizes)) if sizes else page.Cell(text="not compared"),
        page.Cell(text=f"{run.place}{' (cut short)' if audit.run.partial else ''}", long=True),
    )


def _revision(audit: Results) -> str:
    return f" at {audit.model.revision[:12]}" if audit.model.revision else ""


def _axis(runs: Sequence[Run], axis: str, shared: list[Shared]) -> AxisPart:
    ordered = sorted(shared, key=lambda item: (-_apart(item), item.results[0].id))
    table = _table(runs, axis, ordered)
    name = runs[0].index.name("axis", axis)
    return AxisPart(
        name=name,
        title=axis[:1].upper() + axis[1:] if axis else "No axis named",
        picture=_picture(runs, axis, ordered, table, name),
        table=table,
    )


def _apart(item: Shared) -> float:
    values = [r.estimate for r in item.results if r.estimate is not None]
    return max(values) - min(values) if len(values) > 1 else -1.0


def _picture(
    runs: Sequence[Run], axis: str, ordered: Sequence[Shared], table: page.Table, name: str
) -> page.Intervals | None:
    drawn = [s for s in ordered if all(r.unit == "nats" for r in s.results) and _apart(s) >= 0]
    kept = drawn[: max(_ROWS // len(runs), 1)]
    rows = tuple(
        page.IntervalRow(
            label=run.label, estimate=result.estimate, low=result.ci_low, high=result.ci_high,
            heading=f"{item.probe}: {item.pair}{item.poles}", part=result.id,
            margin=result.margin, state=result.outcome or "",
        )
        for item in kept
        for run, result in zip(runs, item.results, strict=True)
        if result.estimate is not None
    )  # fmt: skip
    if not rows:
        return None
    cut = f" The first {len(kept)} of {len(drawn)} are drawn." if len(drawn) > len(kept) else ""
    return page.Intervals(
        name=f"chart-{name}",
        title=f"How do the models differ on the axis “{axis}”?",
        question=_READ + cut,
        summary=_say(runs, kept),
        answer=f"Furthest apart: {_say(runs, kept[:1])}",
        table=table,
        rows=rows,
        left="towards the left pole",
        right="towards the right pole",
    )


def _say(runs: Sequence[Run], shared: Sequence[Shared]) -> str:
    parts = []
    for item in shared[:6]:
        numbers = ", ".join(
            f"{run.letter} {times(result.estimate)} times"
            for run, result in zip(runs, item.results, strict=True)
            if result.estimate is not None
        )
        parts.append(f"{item.probe}, {item.pair}: odds {numbers}")
    return f"{'; '.join(parts)}."


def _table(runs: Sequence[Run], axis: str, ordered: Sequence[Shared]) -> page.Table:
    most = max(_CELLS // len(runs), 1)
    rows = tuple(
        (
            page.Cell(text=f"{item.probe}: {item.pair}", long=True),
            page.Cell(text=plain(_apart(item)), value=_apart(item))
            if _apart(item) >= 0
            else page.Cell(text="none"),
            *(_cell(result) for result in item.results),
        )
        for item in ordered[:most]
    )
    left = len(ordered) - len(rows)
    return page.Table(
        caption=f"Gaps on the axis “{axis}”, with intervals and states",
        head=("Comparison", "Apart", *(short(run.label, 40) for run in runs)),
        rows=rows,
        note="Gaps in nats, or in the unit given; 0 is no difference. Apart: the largest gap minus "
        "the smallest." + (f" {left:,} more are in the format csv." if left else ""),
    )


def _cell(result: Result) -> page.Cell:
    if result.estimate is None:
        return page.Cell(text=words.missing(result.reason), long=True)
    unit = "" if result.unit == "nats" else f" {result.unit}"
    inside = (
        "" if result.ci_low is None or result.ci_high is None
        else f" {bounds(result.ci_low, result.ci_high)}"
    )  # fmt: skip
    state = f" {words.SIGNS[result.outcome]} {result.outcome}" if result.outcome else ""
    return page.Cell(text=f"{signed(result.estimate)}{unit}{inside}{state}", value=result.estimate)


def _lost(lost: Sequence[tuple[str, str]]) -> page.Table | None:
    if not lost:
        return None
    left = len(lost) - 100
    return page.Table(
        caption="What is not set side by side",
        head=("Comparison", "Why"),
        rows=tuple(
            (page.Cell(text=what, long=True), page.Cell(text=why)) for what, why in lost[:100]
        ),
        note=f"{left} more." if left > 0 else "",
    )
