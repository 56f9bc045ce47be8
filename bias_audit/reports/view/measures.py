"""Measures that are not judged, companions included, as tables with their caveats."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from bias_audit.reports import wording as words
from bias_audit.reports.text import count, percent, plain, short
from bias_audit.reports.view import exhibits, page
from bias_audit.reports.view.exhibits import Cell, Row, interval, prose
from bias_audit.reports.view.index import Index
from bias_audit.reports.view.reference_values import beside_published
from bias_audit.results import Companion, GroupProfile, MetricRecord, ProbeRecord, Result
from bias_audit.results.codes import describe

BESIDE = "beside_share"
_ROWS = 8
"""Further measures of a probe on a page."""
AXIS = "benchmark"
"""The axis of a data set among the probes of a run."""
_CHANCE = (
    "A divergence is never exactly zero: compare it with what relabelled words give by chance "
    "(their mean; 95 % of them stay below the second number)."
)
_FOUR_FIFTHS = (
    "Four fifths is a screening rule from US employment selection (29 CFR 1607.4(D)), made for "
    "selection rates of people: beside a ratio of shares it is a yardstick, and not a legal test "
    "of a model."
)
_SHARE = (
    "The share of a word that is compared with nobody is its probability out of its own and that "
    "of the compared words. No value of it is right: the frequency of the word and all of its "
    "meanings are part of it."
)


def table(index: Index, probe: ProbeRecord) -> exhibits.Table | None:
    """Build the table of a probe's secondary measures, companions of primary results included."""
    if probe.axis == AXIS:
        return dataset_table(index, probe)
    main = [r for r in index.of(probe.id, "primary") if r.companions]
    beside = [r for r in with_companions(main, index.metrics) if r.role == "secondary"]
    results = [*with_companions(index.of(probe.id, "secondary"), index.metrics), *beside]
    if not results:
        return None
    common = set.intersection(*(set(result.statuses) for result in results))
    left = len(results) - _ROWS
    return exhibits.Table(
        caption="Further measures (exploratory, not judged)",
        head=("Comparison", "Measure", "Value", "Interval", "Beside chance", "Remarks"),
        rows=tuple(_row(index, result, common) for result in results[:_ROWS]),
        note=" ".join(_notes(results, common))
        + (f" {count(left, 'further row')}: results.csv or results.json." if left > 0 else ""),
    ).without_empty((3, 4, 5))


def _notes(results: Sequence[Result], common: set[str]) -> Iterator[str]:
    """What each status means, said once, and how to read what needs words."""
    every = dict.fromkeys(code for result in results for code in result.statuses)
    yield from (f"All rows: {describe(code)}" for code in every if code in common)
    yield from (f"{words.spaces(c)}: {describe(c)}" for c in every if c not in common)
    if any(result.null_mean is not None for result in results):
        yield _CHANCE
    if any(result.metric == "four_fifths" for result in results):
        yield _FOUR_FIFTHS
    if any(result.metric == BESIDE for result in results):
        yield _SHARE


def _row(index: Index, result: Result, common: set[str]) -> Row:
    groups, measure = index.versus(result), index.metric(result.metric)
    probe = index.probes.get(result.probe)
    if result.metric == BESIDE:
        measure = " ".join(("share of", *(f"'{label}'" for label in index.labels(result))))
        groups += f" beside {', '.join(g.label for g in probe.groups)}" if probe else ""
    statuses = ", ".join(words.spaces(code) for code in result.statuses if code not in common)
    why = words.sentence(result.reason) if result.estimate is not None else ""
    return (
        prose(short(groups, 90)),
        prose(measure),
        *_value(result),
        _chance(result),
        prose(". ".join(part for part in (statuses, why) if part)),
    )


def _value(result: Result) -> tuple[Cell, Cell]:
    """The value and its interval: probabilities as per cent, ratios without a unit."""
    value, scale, unit = result.estimate, 1.0, f" {result.unit}" if result.unit else ""
    if result.unit == "probability":
        scale, unit = 100.0, " %"
    elif result.unit == "ratio":
        unit = ""
    low, high = (None if end is None else scale * end for end in (result.ci_low, result.ci_high))
    if value is None:
        return prose(words.missing(result.reason)), interval(low, high)
    digits = 2 if result.unit == "probability" else 3
    return Cell(f"{plain(scale * value, digits)}{unit}", scale * value), interval(low, high)


def _chance(result: Result) -> Cell:
    parts = []
    if result.null_mean is not None:
        top = "" if result.null_p95 is None else f" (95 % below {plain(result.null_p95, 3)})"
        parts.append(f"{plain(result.null_mean, 3)} by chance{top}")
    if result.p_adjusted is not None or result.p_value is not None:
        parts.append(f"p {words.chance(result)}")
    return Cell(", ".join(parts) or "none", long=len(parts) > 1)


def with_companions(
    results: Iterable[Result], metrics: Mapping[str, MetricRecord]
) -> Iterator[Result]:
    """Yield each result, and after it one like it for every companion."""
    for result in results:
        yield result
        for companion in result.companions:
            yield _as_result(result, companion, metrics.get(companion.metric))


def _as_result(result: Result, companion: Companion, record: MetricRecord | None) -> Result:
    depth = "" if companion.top_k is None else str(companion.top_k)
    groups = "-vs-".join(name.lstrip("~") for name in companion.groups)
    alike = (
        "probe", "axis", "confidence", "n_templates", "n_terms", "n_targets", "n_prompts", "scope",
        "claim", "statuses",
    )  # fmt: skip
    return Result.model_validate(
        {
            **{name: getattr(result, name) for name in alike},
            **{name: getattr(companion, name) for name in ("ci_low", "ci_high", "p_value")},
            "id": ":".join(filter(None, (result.id, companion.metric, depth, groups))),
            "metric": companion.metric + (f"@{depth}" if depth else ""),
            "metric_name": record.name if record else "",
            "role": "secondary",
            "groups": companion.groups or result.groups,
            "group_labels": () if companion.groups else result.group_labels,
            "estimate": companion.value,
            "neutral": record.neutral if record else None,
            "unit": record.unit if record else "",
            "direction": record.direction if record else "",
        }
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
        page.Word(text=short(word.token, 40), probability=f"top 20 in {percent(word.value)}")
        for word in matches[:10]
        if word.token not in top
    )


def dataset_tables(index: Index) -> tuple[exhibits.Table, ...]:
    """One table for each data set of the run that gave a number."""
    tables = (dataset_table(index, probe) for probe in index.audit.probes if probe.axis == AXIS)
    return tuple(one for one in tables if one is not None)


def dataset_table(index: Index, probe: ProbeRecord) -> exhibits.Table | None:
    """The numbers of one data set, in the order of the run; no text of it."""
    results = index.of(probe.id)
    if not results:
        return None
    level = f"{100 * results[0].confidence:g} %"
    directions = {r.metric: r.direction.rstrip(".") for r in results if r.direction}
    return exhibits.Table(
        caption=f"{index.title(probe.id)}: a published benchmark, measured and never judged",
        head=("Measure", "Of", "Value", level, "Neutral", "p", "n", "Clusters", "Remarks"),
        rows=tuple(_dataset_row(index, result) for result in results),
        note=" ".join(
            (
                *(f"{index.metric(name)}: {text}." for name, text in directions.items()),
                beside_published(index, probe),
            )
        ).rstrip(),
    ).without_empty((4, 5, 7, 8))


def _dataset_row(index: Index, result: Result) -> Row:
    value = prose("not measured")
    if result.estimate is not None:
        unit = {"percent": " %", "share": ""}.get(result.unit, f" {result.unit}")
        digits = 2 if result.unit == "percent" else 3
        value = Cell(f"{plain(result.estimate, digits)}{unit}", result.estimate)
    chance = "" if result.p_value is None else f"{result.p_value:.2g}"
    if chance and result.p_adjusted is not None:
        chance += f", Holm {result.p_adjusted:.2g}"
    return (
        prose(index.metric(result.metric)),
        prose(short(index.versus(result), 60)),
        value,
        interval(result.ci_low, result.ci_high, none=""),
        Cell("" if result.neutral is None else f"{result.neutral:g}", result.neutral),
        Cell(chance, result.p_value),
        Cell(f"{result.n_templates:,}", result.n_templates),
        Cell(f"{result.n_terms:,}" if result.n_terms else "", result.n_terms),
        prose(words.sentence(result.reason)),
    )
