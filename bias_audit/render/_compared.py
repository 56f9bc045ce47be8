"""The page of a comparison: what changed between two runs, with a line for each gap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bias_audit.render import _page as page
from bias_audit.render import comparison as told
from bias_audit.render._text import clean, clip, count, middle, signed, times
from bias_audit.render.html import fill
from bias_audit.results import Change, Comparison, Model

_LINES, _ROWS = 16, 1000
_READ = (
    "Each line is a gap: its left end in the baseline, its right end now. On the level line there "
    "is no difference between the groups, and a line that leaves it is a gap that grows. Thick "
    "lines are changes that hold after adjusting for the number of gaps: diamonds for larger, "
    "circles for smaller, dashes for turned round. Thin ones are not told apart from no change."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """Two runs, ready to be read."""

    title: str
    lead: str
    facts: tuple[tuple[str, str], ...]
    picture: page.Slopes | None
    table: page.Table | None
    alone: str
    """Why there is no chart, or no table either."""
    remarks: tuple[str, ...]


def render(comparison: Comparison, secondary: bool) -> str:
    """Return the comparison as one page, with the words of its other formats."""
    return fill("compare.html.j2", build(comparison, secondary))


def build(comparison: Comparison, secondary: bool) -> Compared:
    """Turn a comparison into what its page shows."""
    shown = told.ordered(comparison.changes, secondary)
    sheet = told.sheet(comparison, secondary)
    table, alone = None, "The two runs have no gap in common."
    if comparison.shares:
        table, alone = _shares(sheet), ""
    elif shown:
        table = _table(shown)
        alone = "No gap was measured in both runs; the table gives the reasons."
    return Compared(
        title="What changed between two models",
        lead=sheet.lead,
        facts=_facts(comparison),
        picture=_slopes(comparison, shown, table) if table and shown else None,
        table=table,
        alone=alone,
        remarks=tuple(clip(line, 2000) for line in sheet.lines),
    )


def _facts(comparison: Comparison) -> tuple[tuple[str, str], ...]:
    runs = [
        ("Baseline", comparison.baseline, comparison.baseline_model),
        ("Now", comparison.candidate, comparison.candidate_model),
    ]
    facts = []
    for name, given, model in runs:
        facts.append((name, clip(told.called(given) or "the audited run", 200)))
        if model is not None:
            facts.append((f"{name}: model", clip(clean(_model(model)), 300)))
            facts.append((f"{name}: weights", clip(clean(model.fingerprint), 80)))
    return (*facts, ("Same scores", _same(comparison)))


def _same(comparison: Comparison) -> str:
    """Whether the scores are the same, where they could be paired."""
    found = comparison.shares or comparison.changes
    if not found:
        return "nothing could be paired"
    if not all(one.identical for one in found):
        return "no"
    where = f"in every {'pair' if comparison.shares else 'paired sentence'}"
    if comparison.identical:
        return f"yes, {where}"
    left = len(comparison.missing)
    alone = f"; {left:,} more {'has' if left == 1 else 'have'} no partner" if left else ""
    return f"{where} that both runs have{alone}"


def _model(model: Model) -> str:
    return f"{model.name} at {model.revision}" if model.revision else model.name


def _shares(sheet: told.Sheet) -> page.Table:
    """Shares of pairs of published data sets."""
    rows = tuple(
        tuple(
            page.Cell(text=clip(text, 200), long=place in (0, 7)) for place, text in enumerate(row)
        )
        for row in sheet.rows[:_ROWS]
    )
    left = len(sheet.rows) - len(rows)
    return page.Table(
        caption="Shares of pairs in both runs",
        head=sheet.head,
        rows=rows,
        note=f"{left:,} more are in the formats csv and json." if left else "",
    )


def _table(shown: Sequence[Change]) -> page.Table:
    rows = []
    for change in shown[:_ROWS]:
        _, _, difference, interval = told.numbers(change)
        ends = (_gap(change.baseline, change.unit), _gap(change.candidate, change.unit))
        texts = (told.names(change), *ends, difference, interval, told.said(change))
        values = (None, change.baseline, change.candidate, change.difference, change.ci_low, None)
        rows.append(
            tuple(
                page.Cell(text=clip(text, 200), value=value, long=place in (0, 5))
                for place, (text, value) in enumerate(zip(texts, values, strict=True))
            )
        )
    left = len(shown) - len(rows)
    return page.Table(
        caption="Gaps in both runs",
        head=("Gap", "Baseline", "Now", "Change", "95 %", "In words"),
        rows=tuple(rows),
        note=f"{left:,} more are in the formats csv and json." if left else "",
    )


def _gap(value: float | None, unit: str) -> str:
    """A gap in its own unit, and as the odds that the chart shows."""
    if value is None:
        return "not measured"
    return f"{signed(value)} ({times(value)}×)" if unit == "nats" else signed(value)


def _slopes(
    comparison: Comparison, shown: Sequence[Change], table: page.Table
) -> page.Slopes | None:
    """The first gaps of the table that both runs could measure, in the unit that most have."""
    both = [c for c in shown if c.baseline is not None and c.candidate is not None]
    if not both:
        return None
    unit = Counter(change.unit for change in both).most_common(1)[0][0]
    able = [change for change in both if change.unit == unit]
    drawn = able[:_LINES]
    rows = tuple(
        page.Slope(
            label=middle(told.names(change), 110),
            before=change.baseline or 0.0,
            after=change.candidate or 0.0,
            verdict=told.verdict(change),
        )
        for change in drawn
    )
    cut = f" The first {len(rows)} of {len(able):,} are drawn." if len(able) > len(rows) else ""
    if left := len(shown) - len(able):
        stand = "stands" if left == 1 else "stand"
        cut += (
            f" {left:,} more, without a number in both runs or in another unit, {stand} in the"
            " table only."
        )
    return page.Slopes(
        name="chart-changes",
        title="Which gaps have changed, and to which side?",
        question=_READ + cut,
        summary=_say(rows, unit),
        answer=_count(able),
        table=table,
        rows=rows,
        before=_end(comparison.baseline, comparison.baseline_model, "baseline"),
        after=_end(comparison.candidate, comparison.candidate_model, "now"),
        unit=unit,
    )


def _end(given: str, model: Model | None, otherwise: str) -> str:
    """What stands above an end of the lines: the name of the run, without its folders."""
    name = clean(given) or (clean(model.name) if model else "")
    return name.rstrip("/").rsplit("/", 1)[-1] or otherwise


def _count(changes: Sequence[Change]) -> str:
    """How many gaps changed, and which way."""
    tally = Counter(told.verdict(change) for change in changes)
    parts = [f"{tally[key]:,} {word}" for key, word in told.WORDS.items() if tally[key]]
    return f"Of {count(len(changes), 'gap')}: {', '.join(parts)}."


def _say(rows: Sequence[page.Slope], unit: str) -> str:
    def number(value: float) -> str:
        return f"odds {times(value)} times" if unit == "nats" else f"{value:.3g}"

    parts = [
        f"{row.label}: {number(row.before)} before, {number(row.after)} now,"
        f" {told.WORDS[row.verdict]}"
        for row in rows[:12]
    ]
    return f"{count(len(rows), 'gap')} in both runs. {'; '.join(parts)}."
