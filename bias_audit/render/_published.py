"""Numbers of published data sets as tables: each beside its neutral value, and what it means."""

from __future__ import annotations

from bias_audit.render import _shapes as page
from bias_audit.render import _words as words
from bias_audit.render._index import Index
from bias_audit.render._text import bounds, plain, short
from bias_audit.results import ProbeRecord, Result

AXIS = "benchmark"
"""The axis of a data set among the probes of a run."""
_REST = ("Neutral", "p", "n", "Clusters", "Remarks")
_MAY_MISS = (4, 5, 7, 8)
"""Columns that are left out where no row has anything to say."""


def tables(index: Index) -> tuple[page.Table, ...]:
    """One table for each data set of the run that gave a number."""
    found = (table(index, probe) for probe in index.audit.probes if probe.axis == AXIS)
    return tuple(one for one in found if one is not None)


def table(index: Index, probe: ProbeRecord) -> page.Table | None:
    """The numbers of one data set, in the order of the run; no text of it."""
    results = index.of(probe.id)
    if not results:
        return None
    rows = [_row(index, result) for result in results]
    kept = [
        place for place in range(9) if place not in _MAY_MISS or any(r[place].text for r in rows)
    ]
    head = ("Measure", "Of", "Value", f"{100 * results[0].confidence:g} %", *_REST)
    return page.Table(
        caption=f"{index.title(probe.id)}: a published benchmark, measured and never judged",
        head=tuple(head[place] for place in kept),
        rows=tuple(tuple(row[place] for place in kept) for row in rows),
        note=" ".join(_directions(index, results)),
    )


def _directions(index: Index, results: list[Result]) -> list[str]:
    """What a larger number of each measure means."""
    said = {result.metric: result.direction for result in results if result.direction}
    return [f"{index.metric(name)}: {text.rstrip('.')}." for name, text in said.items()]


def _row(index: Index, result: Result) -> tuple[page.Cell, ...]:
    low, high, value = result.ci_low, result.ci_high, result.estimate
    neutral = "" if result.neutral is None else f"{result.neutral:g}"
    inside = "" if low is None or high is None else bounds(low, high)
    return (
        page.Cell(text=index.metric(result.metric), long=True),
        page.Cell(text=short(index.versus(result), 60), long=True),
        page.Cell(text="not measured", long=True) if value is None else _value(result, value),
        page.Cell(text=inside, value=low),
        page.Cell(text=neutral, value=result.neutral),
        page.Cell(text=_chance(result), value=result.p_value),
        page.Cell(text=f"{result.n_templates:,}", value=result.n_templates),
        page.Cell(text=f"{result.n_terms:,}" if result.n_terms else "", value=result.n_terms),
        page.Cell(text=words.sentence(result.reason), long=True),
    )


def _value(result: Result, value: float) -> page.Cell:
    unit = {"percent": " %", "share": ""}.get(result.unit, f" {result.unit}")
    digits = 2 if result.unit == "percent" else 3
    return page.Cell(text=f"{plain(value, digits)}{unit}", value=value)


def _chance(result: Result) -> str:
    if result.p_value is None:
        return ""
    adjusted = "" if result.p_adjusted is None else f", Holm {result.p_adjusted:.2g}"
    return f"{result.p_value:.2g}{adjusted}"
