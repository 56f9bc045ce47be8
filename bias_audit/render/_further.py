"""Measures beside the judged ones as a table: what they found, and what stands against them."""

from __future__ import annotations

from collections.abc import Sequence

from bias_audit.render import _published
from bias_audit.render import _shapes as page
from bias_audit.render import _words as words
from bias_audit.render._beside import with_companions
from bias_audit.render._index import Index
from bias_audit.render._text import bounds, plain, short
from bias_audit.results import ProbeRecord, Result
from bias_audit.results.codes import describe

_HEAD = ("Comparison", "Measure", "Value", "Interval", "Beside chance", "Remarks")
_MAY_MISS = (3, 4, 5)
"""Columns that are left out where no row has anything to say."""
_CHANCE = (
    "A divergence is never exactly zero: compare it with what relabelled words give by chance "
    "(their mean; 95 % of them stay below the second number)."
)
_FOUR_FIFTHS = (
    "Four fifths is a screening rule from US employment selection (29 CFR 1607.4(D)), made for "
    "selection rates of people: beside a ratio of shares it is a yardstick, and not a legal test "
    "of a language model."
)

BESIDE = "beside_share"
_SHARE = (
    "The share of a word that is compared with nobody is its probability out of its own and that "
    "of the compared words. No value of it is right: the frequency of the word and all of its "
    "meanings are part of it."
)


def table(index: Index, probe: ProbeRecord) -> page.Table | None:
    """The secondary measures of a probe, those beside its primary results included."""
    if probe.axis == _published.AXIS:
        return _published.table(index, probe)
    main = [r for r in index.of(probe.id, "primary") if r.companions]
    beside = [r for r in with_companions(main, index.metrics) if r.role == "secondary"]
    results = [*with_companions(index.of(probe.id, "secondary"), index.metrics), *beside]
    if not results:
        return None
    common = set.intersection(*(set(result.statuses) for result in results))
    rows = [_row(index, result, common) for result in results]
    kept = [
        place
        for place in range(len(_HEAD))
        if place not in _MAY_MISS or any(row[place].text not in ("none", "") for row in rows)
    ]
    return page.Table(
        caption="Further measures (exploratory, not judged)",
        head=tuple(_HEAD[place] for place in kept),
        rows=tuple(tuple(row[place] for place in kept) for row in rows),
        note=" ".join(_notes(results, common)),
    )


def _notes(results: Sequence[Result], common: set[str]) -> list[str]:
    """What each status means, said once, and how to read what needs words."""
    every = dict.fromkeys(code for result in results for code in result.statuses)
    lines = [f"All rows: {describe(code)}" for code in every if code in common]
    lines += [f"{_told(code)}: {describe(code)}" for code in every if code not in common]
    if any(result.null_mean is not None for result in results):
        lines.append(_CHANCE)
    if any(result.metric == "four_fifths" for result in results):
        lines.append(_FOUR_FIFTHS)
    if any(result.metric == BESIDE for result in results):
        lines.append(_SHARE)
    return lines


def _row(index: Index, result: Result, common: set[str]) -> tuple[page.Cell, ...]:
    return (
        page.Cell(text=short(_compared(index, result), 90), long=True),
        page.Cell(text=_measure(index, result), long=True),
        *_value(result),
        _chance(result),
        _remarks(result, common),
    )


def _compared(index: Index, result: Result) -> str:
    """What is compared, or what stands beside it."""
    probe = index.probes.get(result.probe)
    if result.metric != BESIDE or probe is None:
        return index.versus(result)
    return f"{index.versus(result)} beside {', '.join(group.label for group in probe.groups)}"


def _measure(index: Index, result: Result) -> str:
    """The name of the measure; a share of a word beside the compared ones names the word."""
    if result.metric == BESIDE:
        return " ".join(("share of", *(f"'{label}'" for label in index.labels(result))))
    return index.metric(result.metric)


def _value(result: Result) -> tuple[page.Cell, page.Cell]:
    """The value and its interval: probabilities as per cent, ratios without a unit."""
    value, low, high = result.estimate, result.ci_low, result.ci_high
    scale, unit = {"probability": (100.0, " %"), "ratio": (1.0, "")}.get(
        result.unit, (1.0, f" {result.unit}" if result.unit else "")
    )
    digits = 2 if result.unit == "probability" else 3
    inside = page.Cell(text="none")
    if low is not None and high is not None:
        inside = page.Cell(text=bounds(scale * low, scale * high), value=scale * low)
    if value is None:
        return page.Cell(text=words.missing(result.reason), long=True), inside
    shown = scale * value
    return page.Cell(text=f"{plain(shown, digits)}{unit}", value=shown), inside


def _chance(result: Result) -> page.Cell:
    parts = []
    if result.null_mean is not None:
        top = "" if result.null_p95 is None else f" (95 % below {plain(result.null_p95, 3)})"
        parts.append(f"{plain(result.null_mean, 3)} by chance{top}")
    if result.p_adjusted is not None or result.p_value is not None:
        parts.append(f"p {words.chance(result)}")
    return page.Cell(text=", ".join(parts) or "none", long=len(parts) > 1)


def _remarks(result: Result, common: set[str]) -> page.Cell:
    told = ", ".join(_told(code) for code in result.statuses if code not in common)
    why = words.sentence(result.reason) if result.estimate is not None else ""
    return page.Cell(text=". ".join(part for part in (told, why) if part), long=True)


def _told(code: str) -> str:
    return code.replace("_", " ")
