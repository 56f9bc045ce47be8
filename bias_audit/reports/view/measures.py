"""Measures that are not judged, companions included, as tables with their caveats."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from bias_audit.reports import wording as words
from bias_audit.reports.text import bounds, percent, plain, short
from bias_audit.reports.view import page
from bias_audit.reports.view.index import Index
from bias_audit.results import Companion, GroupProfile, MetricRecord, ProbeRecord, Result
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
    """Build the table of a probe's secondary measures, companions of primary results included."""
    if probe.axis == AXIS:
        return dataset_table(index, probe)
    main = [r for r in index.of(probe.id, "primary") if r.companions]
    beside = [r for r in with_companions(main, index.metrics) if r.role == "secondary"]
    results = [*with_companions(index.of(probe.id, "secondary"), index.metrics), *beside]
    if not results:
        return None
    common = set.intersection(*(set(result.statuses) for result in results))
    rows = [_row(index, result, common) for result in results]
    columns = [
        place
        for place in range(len(_HEAD))
        if place not in _MAY_MISS or any(row[place].text not in ("none", "") for row in rows)
    ]
    return page.Table(
        caption="Further measures (exploratory, not judged)",
        head=tuple(_HEAD[place] for place in columns),
        rows=tuple(tuple(row[place] for place in columns) for row in rows),
        note=" ".join(_notes(results, common)),
    )


def _notes(results: Sequence[Result], common: set[str]) -> list[str]:
    """What each status means, said once, and how to read what needs words."""
    every = dict.fromkeys(code for result in results for code in result.statuses)
    lines = [f"All rows: {describe(code)}" for code in every if code in common]
    lines += [f"{_spaced(code)}: {describe(code)}" for code in every if code not in common]
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
    """Name what is compared."""
    probe = index.probes.get(result.probe)
    if result.metric != BESIDE or probe is None:
        return index.versus(result)
    return f"{index.versus(result)} beside {', '.join(group.label for group in probe.groups)}"


def _measure(index: Index, result: Result) -> str:
    """Name the measure; the share of an extra group names its word."""
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
    scaled = scale * value
    return page.Cell(text=f"{plain(scaled, digits)}{unit}", value=scaled), inside


def _chance(result: Result) -> page.Cell:
    parts = []
    if result.null_mean is not None:
        top = "" if result.null_p95 is None else f" (95 % below {plain(result.null_p95, 3)})"
        parts.append(f"{plain(result.null_mean, 3)} by chance{top}")
    if result.p_adjusted is not None or result.p_value is not None:
        parts.append(f"p {words.chance(result)}")
    return page.Cell(text=", ".join(parts) or "none", long=len(parts) > 1)


def _remarks(result: Result, common: set[str]) -> page.Cell:
    told = ", ".join(_spaced(code) for code in result.statuses if code not in common)
    why = words.sentence(result.reason) if result.estimate is not None else ""
    return page.Cell(text=". ".join(part for part in (told, why) if part), long=True)


def _spaced(code: str) -> str:
    return code.replace("_", " ")


_MOST_HITS = 10


def with_companions(
    results: Iterable[Result], metrics: Mapping[str, MetricRecord]
) -> Iterator[Result]:
    """Yield each result, and after it one like it for every companion."""
    for result in results:
        yield result
        for companion in result.companions:
            yield _as_result(result, companion, metrics.get(companion.metric))


def _as_result(result: Result, companion: Companion, known: MetricRecord | None) -> Result:
    at = "" if companion.top_k is None else str(companion.top_k)
    groups = companion.groups or result.groups
    told = "-vs-".join(name.lstrip("~") for name in companion.groups)
    return Result(
        id=":".join(part for part in (result.id, companion.metric, at, told) if part),
        probe=result.probe,
        axis=result.axis,
        metric=companion.metric + (f"@{at}" if at else ""),
        metric_name=known.name if known else "",
        role="secondary",
        groups=groups,
        group_labels=() if companion.groups else result.group_labels,
        estimate=companion.value,
        ci_low=companion.ci_low,
        ci_high=companion.ci_high,
        p_value=companion.p_value,
        confidence=result.confidence,
        neutral=known.neutral if known else None,
        unit=known.unit if known else "",
        direction=known.direction if known else "",
        n_templates=result.n_templates,
        n_terms=result.n_terms,
        n_targets=result.n_targets,
        n_prompts=result.n_prompts,
        scope=result.scope,
        target_scope=result.target_scope,
        statuses=result.statuses,
    )


def hits(results: Iterable[Result], group: GroupProfile) -> tuple[page.Word, ...]:
    """Hurtful words among the twenty likeliest of a group, with the share of its sentences."""
    matches = [
        word
        for result in results
        if result.metric == "hurtful_rate"
        for companion in result.companions
        if companion.groups == (group.id,)
        for word in companion.words
    ]
    top = {completion.token for completion in group.completions}
    return tuple(
        page.Word(
            text=short(word.token, 40),
            probability=f"top 20 in {percent(word.value)}",
            width=0,
            alone=False,
        )
        for word in matches[:_MOST_HITS]
        if word.token not in top
    )


AXIS = "benchmark"
"""The axis of a data set among the probes of a run."""
_DATA_REST = ("Neutral", "p", "n", "Clusters", "Remarks")
_DATA_MAY_MISS = (4, 5, 7, 8)
"""Columns that are left out where no row has anything to say."""


def dataset_tables(index: Index) -> tuple[page.Table, ...]:
    """One dataset_table for each data set of the run that gave a number."""
    tables = (dataset_table(index, probe) for probe in index.audit.probes if probe.axis == AXIS)
    return tuple(one for one in tables if one is not None)


def dataset_table(index: Index, probe: ProbeRecord) -> page.Table | None:
    """The numbers of one data set, in the order of the run; no text of it."""
    results = index.of(probe.id)
    if not results:
        return None
    rows = [_data_row(index, result) for result in results]
    columns = [
        place
        for place in range(9)
        if place not in _DATA_MAY_MISS or any(r[place].text for r in rows)
    ]
    head = ("Measure", "Of", "Value", f"{100 * results[0].confidence:g} %", *_DATA_REST)
    return page.Table(
        caption=f"{index.title(probe.id)}: a published benchmark, measured and never judged",
        head=tuple(head[place] for place in columns),
        rows=tuple(tuple(row[place] for place in columns) for row in rows),
        note=" ".join(_directions(index, results)),
    )


def _directions(index: Index, results: list[Result]) -> list[str]:
    """What a larger number of each measure means."""
    directions = {result.metric: result.direction for result in results if result.direction}
    return [f"{index.metric(name)}: {text.rstrip('.')}." for name, text in directions.items()]


def _data_row(index: Index, result: Result) -> tuple[page.Cell, ...]:
    low, high, value = result.ci_low, result.ci_high, result.estimate
    neutral = "" if result.neutral is None else f"{result.neutral:g}"
    inside = "" if low is None or high is None else bounds(low, high)
    return (
        page.Cell(text=index.metric(result.metric), long=True),
        page.Cell(text=short(index.versus(result), 60), long=True),
        page.Cell(text="not measured", long=True) if value is None else _data_value(result, value),
        page.Cell(text=inside, value=low),
        page.Cell(text=neutral, value=result.neutral),
        page.Cell(text=_data_chance(result), value=result.p_value),
        page.Cell(text=f"{result.n_templates:,}", value=result.n_templates),
        page.Cell(text=f"{result.n_terms:,}" if result.n_terms else "", value=result.n_terms),
        page.Cell(text=words.sentence(result.reason), long=True),
    )


def _data_value(result: Result, value: float) -> page.Cell:
    unit = {"percent": " %", "share": ""}.get(result.unit, f" {result.unit}")
    digits = 2 if result.unit == "percent" else 3
    return page.Cell(text=f"{plain(value, digits)}{unit}", value=value)


def _data_chance(result: Result) -> str:
    if result.p_value is None:
        return ""
    adjusted = "" if result.p_adjusted is None else f", Holm {result.p_adjusted:.2g}"
    return f"{result.p_value:.2g}{adjusted}"
