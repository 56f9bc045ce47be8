"""``bias-audit plan``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from bias_audit.cli.options import Place, baselines_option, json_option
from bias_audit.cli.output import say, say_json

if TYPE_CHECKING:
    from bias_audit.gates.power import Plan, PlannedGate, Point, Unplannable
    from bias_audit.results.decisions import Comparison


HELP = """How many sentences and words would decide a gate.

RUN is a run folder, a results.json, or latest: its components of variance are used.
RESULT is a result, a probe or a glob of them; without it, the result with the widest interval.
Without RUN, assumed components are used, and named. Needs no model; the exit code is 0.

\b
Examples:
  bias-audit plan
  bias-audit plan audit-runs/latest
  bias-audit plan audit 'occupation-*' --margin 0.3 --templates 12,24,48
  bias-audit plan audit --baseline main --json
"""
LEAST_TEMPLATES, MOST_UNITS = 6, 400


class Numbers(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """Whole numbers, comma-separated."""

    name = "N,N"

    def __init__(self, least: int) -> None:
        self.least = least

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """Read the value of a flag.

        Raises:
            UsageError: it holds anything else.
        """
        from bias_audit.errors import UsageError

        try:
            numbers = tuple(int(part) for part in str(value).split(","))
        except ValueError:
            numbers = ()
        if not numbers or not all(self.least <= number <= MOST_UNITS for number in numbers):
            flag = param.opts[0] if param is not None else "the option"
            raise UsageError(
                f"expected {flag} as numbers from {self.least} to {MOST_UNITS}, got '{value}'",
                hint=f"{flag} 8,12,16",
            )
        return numbers


@click.command(help=HELP)
@click.argument("run", type=Place(), required=False)
@click.argument("result", nargs=-1)
@click.option(
    "--margin",
    type=click.FloatRange(min=0, min_open=True, max=100),
    help="Largest accepted gap and rise, nats.  [default: of the run's gates, else the margin]",
)
@click.option(
    "--templates",
    type=Numbers(LEAST_TEMPLATES),
    help="Sentences.  [default: 1, 2 and 4 times the run's]",
)
@click.option(
    "--words",
    type=Numbers(2),
    help="Group words in all, or pairs.  [default: likewise, where they are a sample]",
)
@click.option(
    "--targets",
    type=Numbers(2),
    help="Words in both poles.  [default: those of the run]",
)
@click.option("--baseline", help="Also plan for the rise over this baseline or run.")
@baselines_option
@json_option
def plan(
    run: Path | None,
    result: tuple[str, ...],
    margin: float | None,
    templates: tuple[int, ...] | None,
    words: tuple[int, ...] | None,
    targets: tuple[int, ...] | None,
    baseline: str | None,
    baselines: Path | None,
    json: bool,
) -> int:
    """Plan the size of an audit."""
    from bias_audit.errors import UsageError
    from bias_audit.gates.power import default_design, plan_gate, planned_gates
    from bias_audit.results.io import load_results, locate

    if margin is not None and not math.isfinite(margin):
        raise UsageError(f"--margin: expected a number, got '{margin}'", hint="--margin 0.3")
    lost: list[Unplannable] = []
    if run is None:
        if baseline is not None:
            raise UsageError("--baseline needs a RUN to pair with", hint="bias-audit plan RUN")
        gates = [default_design(margin)]
    else:
        comparison = None if baseline is None else _compare_with(run, baseline, baselines)
        stored = load_results(locate(run))
        gates, lost = planned_gates(stored, result, limit=margin, comparison=comparison)
    plans = [
        plan_gate(gate, templates=templates or (), terms=words or (), targets=targets or ())
        for gate in gates
    ]
    if json:
        rows = [_record(one) for one in plans]
        say_json({"plans": rows, "left_out": [r._asdict() for r in lost]})
        return 0
    for line in (line for one in plans for line in _lines(one)):
        say(line)
    for name, reason in lost:
        say(f"not planned: {name}: {reason}")
    return 0


def _compare_with(run: Path, baseline: str, folder: Path | None) -> Comparison:
    """The run compared with a baseline by its name, or with another run."""
    from bias_audit.gates.schema import BASELINE
    from bias_audit.pipeline.compare import compare
    from bias_audit.results import is_run

    has_place = is_run(baseline) or Path(baseline).exists()
    name = baseline if has_place else BASELINE + baseline.removeprefix(BASELINE)
    return compare(name, run, folder=folder).record


def _lines(plan: Plan) -> Iterator[str]:
    gate = plan.gate
    value = "gap" if gate.kind == "absolute" else "rise"
    yield f"{gate.name}   ({' and '.join(gate.labels)})"
    if gate.kind == "absolute":
        yield f"  gate: the gap stays within {gate.limit:.3g} nats of 0"
    else:
        yield f"  gate: the gap is at most {gate.limit:.3g} nats larger than in '{gate.baseline}'"
    yield from (f"  note: {notice}" for notice in gate.notices)
    yield f"  variance: {_sources(gate)}"
    yield ""
    yield f"  smallest limit, nats, that 80 % of audits pass if the true {value} is 0"
    for targets in sorted({point.size.targets for point in plan.points}):
        points = [point for point in plan.points if point.size.targets == targets]
        if plan.columns == "terms":
            yield f"    with {targets} words of the poles"
            yield from _table(plan, points)
    if plan.columns == "targets":
        yield from _table(plan, plan.points)
    yield ""
    yield from _answer(plan)
    yield ""


def _sources(gate: PlannedGate) -> str:
    """Shares of the random sources in the variance of the estimate."""
    from bias_audit.gates.power import UNITS

    variance = {name: gate.components.variance.get(name, 0.0) for name in gate.components.units}
    total = sum(variance.values()) or 1.0
    return ", ".join(f"{value / total:.0%} {UNITS[name]}" for name, value in variance.items())


def _table(plan: Plan, points: Sequence[Point]) -> Iterator[str]:
    from bias_audit.gates.power import UNITS

    rows = sorted({point.size.templates for point in points})
    columns = sorted({getattr(point.size, plan.columns) for point in points})
    cells = {
        (point.size.templates, getattr(point.size, plan.columns)): f"{point.passing:.3f}"
        + ("*" if point is plan.cheapest else " ")
        for point in points
    }
    yield (
        f"    {'sentences':>9}" + "".join(f"{n:>10} " for n in columns) + f" {UNITS[plan.columns]}"
    )
    for row in rows:
        yield f"    {row:>9}" + "".join(f"{cells[row, n]:>11}" for n in columns)


def _answer(plan: Plan) -> Iterator[str]:
    gate, own, best = plan.gate, plan.own, plan.cheapest
    run = "the assumed size" if gate.name == "assumed" else "this run"
    yield (
        f"  {run}: {_size(own)}: 80 % pass limits from {own.passing:.3f} nats if the true value is"
        f" 0, 80 % fail {gate.limit:.3g} nats if it is {own.failing:.3f}"
    )
    if best is not None:
        yield f"  * cheapest here with 80 % passes of {gate.limit:.3g} nats: {_size(best)}"
    else:
        yield f"  no size in the table has 80 % passes of {gate.limit:.3g} nats"
    if not own.decides:
        yield f"  {_alone(plan)}"
        if plan.together is not None:
            yield f"  more of everything would: {_size(plan.together)}"


def _alone(plan: Plan) -> str:
    """What more of one source alone would do."""
    from bias_audit.gates.power import SOURCES, UNITS

    names = [name for name in SOURCES if name in plan.gate.components.units]
    counts = {name: getattr(plan.required, name) for name in names}
    enough = [f"{count} {UNITS[name]}" for name, count in counts.items() if count is not None]
    never = " or ".join(UNITS[name] for name, count in counts.items() if count is None)
    text = f"{' or '.join(enough)} alone would do; " if enough else ""
    return text + (f"up to {MOST_UNITS} {never} alone would not" if never else "")


def _size(point: Point) -> str:
    size = point.size
    return (
        f"{size.templates} sentences, {size.terms} group words, {size.targets} words of the poles"
        f" ({point.prompts:,} prompts)"
    )


def _record(plan: Plan) -> dict[str, Any]:
    gate = plan.gate
    return {
        "result": None if gate.name == "assumed" else gate.name,
        "kind": gate.kind,
        "limit": gate.limit,
        "baseline": gate.baseline or None,
        "assumed": gate.name == "assumed",
        "notices": list(gate.notices),
        "variance": dict(gate.components.variance),
        "own": _point(plan.own),
        "points": [_point(point) for point in plan.points],
        "cheapest": None if plan.cheapest is None else _point(plan.cheapest),
        "required": plan.required._asdict(),
        "together": None if plan.together is None else _point(plan.together),
    }


def _point(point: Point) -> dict[str, Any]:
    return {**point._asdict(), "size": point.size._asdict()}
