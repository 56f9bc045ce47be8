"""Plans as text and as JSON: tables of sizes, the cheapest that decides, what stands in its way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bias_audit._subjects import LeftOut
from bias_audit.reports.text import clean
from bias_audit.results import dump_json
from bias_audit.sizing import ENOUGH, MOST, RUNS, Alone, Plan, Point
from bias_audit.stats.draws import Components, Size
from bias_audit.stats.power import Shares

UNITS = {"templates": "sentences", "terms": "group words", "targets": "words of the poles"}
SPREADS = {
    "templates": "the difference between sentences",
    "terms": "the difference between group words",
    "targets": "the difference between words of the poles",
}
MARK = "*"


def text(plans: Sequence[Plan], left_out: Sequence[LeftOut] = ()) -> str:
    """Tables for people, one plan after the other."""
    lines = [line for plan in plans for line in _lines(plan)]
    lines += [f"not planned: {clean(name)}: {clean(reason)}" for name, reason in left_out]
    close = 100 * 2 * (0.25 / RUNS) ** 0.5
    lines.append(
        f"{RUNS:,} simulated audits for each size: shares are right to {close:.0f} points."
    )
    return "\n".join(lines) + "\n"


def _lines(plan: Plan) -> Iterator[str]:
    subject = plan.subject
    labels = " and ".join(clean(label) for label in subject.labels)
    yield f"{clean(subject.name)}   ({labels})"
    if subject.kind == "regression":
        name = clean(subject.baseline)
        yield f"  gate: the gap is at most {subject.limit:.3g} nats larger than in '{name}'"
    else:
        yield f"  gate: the gap stays within {subject.limit:.3g} nats of 0"
    yield from (f"  note: {clean(notice)}" for notice in subject.notices)
    yield f"  standard deviations (nats): {_deviations(plan)}"
    what = "rise" if subject.kind == "regression" else "gap"
    for targets in sorted({_block(plan, point) for point in plan.points}):
        inside = [point for point in plan.points if _block(plan, point) == targets]
        head = f"{targets} words in the poles; " if targets else ""
        yield ""
        yield f"  {head}pass / unclear / fail, %, if the true {what} is 0"
        yield from _table(plan, inside, [point.zero for point in inside])
        yield f"  ... and if it is {2 * subject.limit:.3g}, twice the limit"
        yield from _table(plan, inside, [point.double for point in inside])
    yield ""
    yield from _answer(plan)
    yield ""


def _block(plan: Plan, point: Point) -> int:
    return 0 if plan.axis == "targets" else point.size.targets


def _columns(plan: Plan, size: Size) -> int:
    return size.targets if plan.axis == "targets" else size.words


def _noun(plan: Plan) -> str:
    if plan.axis == "targets":
        return "words of the poles"
    return "pairs of words" if plan.subject.design.groups == 1 else "words in each group"


def _table(plan: Plan, points: Sequence[Point], values: Sequence[Shares]) -> Iterator[str]:
    rows = sorted({point.size.templates for point in points})
    columns = sorted({_columns(plan, point.size) for point in points})
    known = {
        (point.size.templates, _columns(plan, point.size)): _cell(value, point is plan.cheapest)
        for point, value in zip(points, values, strict=True)
    }
    yield f"    {'sentences':>9}" + "".join(f"{n:>15}" for n in columns) + f"   {_noun(plan)}"
    for row in rows:
        yield f"    {row:>9}" + "".join(f"{known[row, n]:>15}" for n in columns)


def _cell(value: Shares, marked: bool) -> str:
    return f"{'/'.join(f'{100 * share:.0f}' for share in value)}{MARK if marked else ' '}"


def _deviations(plan: Plan) -> str:
    subject = plan.subject
    there = subject.main.expected(subject.size, subject.design)
    known = deviations(subject.main)
    found = [f"{UNITS[name]} {known[name]:.3g}" for name in there]
    return ", ".join([*found, f"single cells {known['residual']:.3g}"])


def deviations(components: Components) -> dict[str, float]:
    """Standard deviation of single units by source, nats."""
    names = ("templates", "terms", "targets", "residual")
    return {name: float(getattr(components, name)) ** 0.5 for name in names}


def _size(plan: Plan, size: Size) -> str:
    more = "" if plan.axis == "targets" else f", {size.targets} words of the poles"
    return f"{size.templates} sentences, {_columns(plan, size)} {_noun(plan)}{more}"


def _answer(plan: Plan) -> Iterator[str]:
    own, best, percent = plan.own, plan.cheapest, f"{100 * ENOUGH:.0f} %"
    whose = "the assumed size" if plan.subject.name == "assumed" else "this run"
    yield (
        f"  {whose}: {_size(plan, own.size)} ({own.prompts:,} prompts):"
        f" {100 * own.zero.passed:.0f} % pass if the true value is 0"
    )
    if best is not None:
        yield (
            f"  {MARK} cheapest here with {percent} passes: {_size(plan, best.size)}"
            f" ({best.prompts:,} prompts): {100 * best.zero.passed:.0f} % pass,"
            f" {100 * best.double.failed:.0f} % fail at twice the limit"
        )
    else:
        yield f"  no size in the table has {percent} passes"
    if plan.alone and not any(found.decides for found in plan.alone):
        yield f"  no size of one factor alone can decide (up to {MOST}, the others as they are):"
    for found in plan.alone:
        yield f"    {_alone(found)}"
    if plan.together is not None:
        yield (
            f"  together they can: {_size(plan, plan.together.size)} ({plan.together.prompts:,}"
            f" prompts): {100 * plan.together.zero.passed:.0f} % pass"
        )


def _alone(found: Alone) -> str:
    passed = f"{100 * found.passed:.0f} %"
    if found.decides:
        return f"more {UNITS[found.source]} alone can decide ({passed} passes with {MOST})"
    if found.hindrance == found.source:
        return f"{MOST} {UNITS[found.source]} pass in {passed}: nothing else is a sample"
    return (
        f"{MOST} {UNITS[found.source]} pass in {passed}: in the way stands"
        f" {SPREADS[found.hindrance]} ({100 * found.share:.0f} % of the variance that is left)"
    )


def as_json(plans: Sequence[Plan], left_out: Sequence[LeftOut] = ()) -> str:
    """The same for programs."""
    return dump_json(
        {
            "runs": RUNS,
            "plans": [_plan(plan) for plan in plans],
            "left_out": [lost._asdict() for lost in left_out],
        }
    )


def _plan(plan: Plan) -> dict[str, Any]:
    subject = plan.subject
    return {
        "result": None if subject.name == "assumed" else subject.name,
        "kind": subject.kind,
        "limit": subject.limit,
        "baseline": subject.baseline or None,
        "columns": plan.axis,
        "components": {name: round(v, 8) for name, v in deviations(subject.main).items()},
        "assumed": subject.name == "assumed",
        "notices": list(subject.notices),
        "own": _point(plan.own),
        "points": [_point(point) for point in plan.points],
        "cheapest": None if plan.cheapest is None else _point(plan.cheapest),
        "alone": [
            {
                "source": found.source,
                "decides": found.decides,
                "passed": found.passed,
                "hindrance": found.hindrance,
                "share": round(found.share, 8),
            }
            for found in plan.alone
        ],
        "together": None if plan.together is None else _point(plan.together),
    }


def _point(point: Point) -> dict[str, Any]:
    return {
        **point.size._asdict(),
        "prompts": point.prompts,
        "zero": point.zero._asdict(),
        "double": point.double._asdict(),
    }
