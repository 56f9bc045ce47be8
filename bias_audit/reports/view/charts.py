"""What each chart of gaps shows: numbers, words and the table that goes with it.

Gaps with intervals, words, words by outside figures, sentence frames, placebo groups. Nothing is
drawn here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from bias_audit.reports import wording as words
from bias_audit.reports.text import count, short, size, times, with_sign
from bias_audit.reports.view import exhibits
from bias_audit.reports.view.cautions import find_control, marks
from bias_audit.reports.view.exhibits import Cell, interval, number, prose, ratios
from bias_audit.reports.view.index import OTHERS, Index, strength
from bias_audit.reports.view.quality import unreliable
from bias_audit.results.schema import ProbeRecord, Result, TargetEffect
from bias_audit.utils.scales import gap_scale

_INTERVAL_ROWS = 20
_WORDS = 16
_MIN_WORDS = 5


def overview(index: Index, results: Sequence[Result]) -> exhibits.Intervals | None:
    """Return the chart of all comparisons by size, each turned so that its label comes true."""
    known = [r for r in results if r.estimate is not None and r.unit == index.unit]
    if not known:
        return None
    known.sort(key=strength)
    drawn = known[:_INTERVAL_ROWS]
    rows = tuple(_turned_row(index, result) for result in drawn)
    cut = len(known) > len(drawn)
    more = f" The strongest {len(drawn)} of {len(known)} are drawn." if cut else ""
    said = f"Each mark says how many {index.scale.more} the words are for that group"
    if index.facts.of == "label":
        said = "Each mark says how many times as high the odds of the label are for that group"
    return exhibits.Intervals(
        name=index.name("chart", "overview"),
        title="Who is tied to what, and how closely?",
        question=f"{said}; on the upright line there is no difference.{more}",
        summary=_interval_summary(rows, index.unit),
        answer=words.sentence(words.tally_outcomes(Counter(r.outcome for r in known if r.outcome))),
        table=_overview_table(index, drawn),
        rows=rows,
        right="more closely tied",
        axis=index.scale.axis,
        unit=index.unit,
        compact=True,
    )


def categories(index: Index, title: str, results: Sequence[Result]) -> exhibits.Intervals | None:
    """Return the chart of one measure of a data set by category, around its neutral value."""
    known = [r for r in results if r.estimate is not None and r.neutral is not None]
    if len(known) < 2:
        return None
    neutral, unit = known[0].neutral or 0.0, known[0].unit
    known.sort(key=lambda r: (-(r.estimate or 0.0), r.id))
    rows = tuple(
        exhibits.IntervalRow(
            label=index.labels(r)[0],
            estimate=(r.estimate or 0.0) - neutral,
            low=None if r.ci_low is None else r.ci_low - neutral,
            high=None if r.ci_high is None else r.ci_high - neutral,
        )
        for r in known[:_INTERVAL_ROWS]
    )
    measure = index.metric(known[0].metric)
    return exhibits.Intervals(
        name=index.name("chart", f"categories-{known[0].probe}"),
        title=f"{title}: {measure} by category",
        question=f"On the upright line: the neutral value, {neutral:g} {unit}. "
        f"{words.sentence(known[0].direction)}".rstrip(),
        summary="; ".join(f"{row.label} {with_sign(row.estimate)}" for row in rows[:12]) + ".",
        answer=f"Furthest above: {rows[0].label}; furthest below: {rows[-1].label}.",
        table=exhibits.Table(
            caption=f"{measure} by category",
            head=("Category", "Value", "Interval"),
            rows=tuple(
                (
                    Cell(index.labels(r)[0]),
                    number(r.estimate),
                    interval(r.ci_low, r.ci_high),
                )
                for r in known
            ),
        ),
        rows=rows,
        unit=f"{unit} from the neutral {neutral:g}",
        compact=True,
    )


def _turned_row(index: Index, result: Result) -> exhibits.IntervalRow:
    control = find_control(index, result) if result.outcome == "association" else None
    row = replace(
        interval_row(result, index.tie(result), "", result.id),
        href=index.place(result),
        marks="".join(marks(index, result)),
        inside="‡" in marks(index, result),
        control=abs(control.own.estimate or 0.0) if control else None,
    )
    if row.estimate >= 0:
        return row
    low, high = (None if end is None else -end for end in (row.high, row.low))
    return replace(row, estimate=-row.estimate, low=low, high=high)


def _overview_table(index: Index, results: Sequence[Result]) -> exhibits.Table:
    return exhibits.Table(
        caption="All comparisons by size",
        head=("Comparison", "Axis", "Outcome", words.capital(index.scale.head), "Bounds"),
        rows=tuple(
            (
                prose(index.tie(result)),
                Cell(result.axis),
                Cell(words.PILLS[result.outcome or "open"], state=result.outcome or "open"),
                Cell(words.size_of(result), abs(result.estimate or 0.0)),
                Cell(words.rungs(result) or "none"),
            )
            for result in results
        ),
    )


def row_labels(index: Index, results: Sequence[Result]) -> tuple[str, dict[str, str]]:
    """Return a note and the label of each row; one-versus-rest is explained once, in the note."""
    if len(results) > 1 and all(len(r.groups) == 2 and r.groups[1] == OTHERS for r in results):
        return " Each row is a group beside the mean of the others.", {
            result.id: index.labels(result)[0] for result in results
        }
    return "", {result.id: index.versus(result) for result in results}


def interval_row(result: Result, label: str, heading: str, part: str) -> exhibits.IntervalRow:
    """Return a result as a row below a heading; ``part`` is the id of what the heading names."""
    return exhibits.IntervalRow(
        label=label,
        estimate=result.estimate or 0.0,
        low=result.ci_low,
        high=result.ci_high,
        heading=heading,
        part=part,
        margin=result.margin,
        state=result.outcome or "",
    )


def _interval_summary(rows: Sequence[exhibits.IntervalRow], unit: str) -> str:
    parts = []
    for row in rows[:12]:
        state = f", {words.PILLS[row.state]}" if row.state else ""
        parts.append(f"{row.label}: {size(row.estimate, unit)}{state}")
    more = f"; and {len(rows) - 12} more" if len(rows) > 12 else ""
    return f"{count(len(rows), 'gap')} with intervals. {'; '.join(parts)}{more}."


def target_words(
    index: Index, probe: ProbeRecord, result: Result, most: int = _WORDS
) -> exhibits.Intervals | None:
    """Return the chart of the words with the widest gaps; two labels have one gap."""
    if index.facts.of == "label":
        return None
    effects = sorted(result.by_target, key=lambda item: (-abs(item.value), item.id))[:most]
    if len(result.groups) != 2 or len(effects) < 2:
        return None
    effects.sort(key=lambda item: (-item.value, item.id))
    first, second = index.labels(result)[:2]
    every, warning = len(result.by_target), unreliable(result)
    drawn = f"All {every} words are drawn."
    if every > len(effects):
        drawn = f"The {len(effects)} words with the widest gaps, of {every:,}, are drawn."
    return exhibits.Intervals(
        name=index.name("chart", f"words-{result.id}"),
        title=f"Words that are {index.scale.likelier} with {first}, and with {second}",
        question=f"{drawn} Sizes are beside the average word of the probe. {warning}".rstrip(),
        summary=_word_answer(effects, (first, second), result.unit),
        answer="" if warning else _word_answer(effects, (first, second), result.unit),
        table=_word_table(effects, probe, (first, second), warning, result.unit),
        rows=tuple(
            exhibits.IntervalRow(
                label=e.text,
                estimate=e.value,
                low=e.ci_low,
                high=e.ci_high,
                rows=(probe.id, "", e.id),
            )
            for e in effects
        ),
        left=f"more with {second}",
        right=f"more with {first}",
        unit=result.unit,
    )


def _with_noun(value: float, unit: str) -> str:
    return f"{times(value, unit)} {gap_scale(unit).noun}"


def _word_answer(effects: Sequence[TargetEffect], groups: tuple[str, str], unit: str) -> str:
    """Name the two words at the ends, where they lean to different groups."""
    first, second = groups
    top, low = effects[0], effects[-1]
    if top.value <= 0 or low.value >= 0:
        one, side = (low, second) if low.value < 0 else (top, first)
        return f"All lean to {side}, most of all {one.text} ({_with_noun(abs(one.value), unit)})."
    return (
        f"Most with {first}: {top.text} ({_with_noun(top.value, unit)}). "
        f"Most with {second}: {low.text} ({_with_noun(-low.value, unit)})."
    )


def _word_table(
    effects: Sequence[TargetEffect],
    probe: ProbeRecord,
    groups: tuple[str, str],
    warning: str,
    unit: str,
) -> exhibits.Table:
    poles = {"+": probe.plus or "first", "-": probe.minus or "second"}
    order = sorted(effects, key=lambda item: item.text) if warning else effects
    return exhibits.Table(
        caption="Each word beside the average word of the probe",
        head=("Word", "Pole", words.capital(gap_scale(unit).head), "95 % interval"),
        rows=tuple(
            (
                Cell(short(item.text, 60)),
                Cell(poles.get(item.pole, "neither")),
                _towards(item.value, unit),
                ratios(item.ci_low, item.ci_high, unit, turned=item.value < 0),
            )
            for item in order
        ),
        note=f"→ with {groups[0]}, ← with {groups[1]}. {warning}".rstrip(),
        pale=bool(warning),
    )


def _sizes(unit: str) -> tuple[str, ...]:
    """Heads of the columns of a size: odds too where it is a ratio."""
    return ("Odds", f"Gap ({unit})") if gap_scale(unit).is_ratio else (f"Gap ({unit})",)


def main_comparison(results: Sequence[Result]) -> Result | None:
    """Return the comparison of two named groups, or the first one there is."""
    pairs = [result for result in results if OTHERS not in result.groups]
    return next(iter(pairs or results), None)


def scatter(index: Index, probe: ProbeRecord, result: Result) -> exhibits.Scatter | None:
    """Return the chart of words by an outside figure, such as the share of women in a job."""
    name = _fact(index, probe, result)
    items = [item for item in result.by_target if name in item.facts]
    xs = [item.facts[name] for item in items]
    if len(items) < _MIN_WORDS or max(xs) == min(xs):
        return None
    first, second = index.labels(result)[:2]
    if _is_reversed(index, probe, result):
        first, second = second, first
        items = [item.model_copy(update={"value": -item.value}) for item in items]
    per_cent = name.startswith("women")
    scale = 100.0 if per_cent and max(xs) <= 1 else 1.0
    xs, ys = [x * scale for x in xs], [item.value for item in items]
    intercept, slope, r = least_squares(xs, ys)
    label = f"{words.fact(name)}{', per cent' if per_cent else ''}"
    wish = f" Wanted by this probe's card: {words.wish(probe.card.expected)}." if probe.card else ""
    return exhibits.Scatter(
        name=index.name("chart", f"facts-{result.id}"),
        title=f"Do the gaps follow {words.fact(name)}?",
        question=f"Each dot is one of {len(items)} words. A flat line means that the model pays no "
        f"heed to the figures. Following the figures is neither good nor bad in itself.{wish}",
        answer=f"The correlation of the dots is {with_sign(r)}; for each 10 points more, "
        + (
            f"the odds with {first} are {'multiplied' if slope >= 0 else 'divided'} by "
            f"{times(abs(10 * slope))}."
            if gap_scale(result.unit).is_ratio
            else f"the gap towards {first} grows by {with_sign(10 * slope)} {result.unit}."
        ),
        summary=f"{count(len(items), 'word')}; correlation {with_sign(r)}; the fitted line rises "
        f"by {with_sign(10 * slope)} {result.unit} for each 10 points.",
        table=_fact_table(items, name, scale, label, (first, second), result.unit),
        points=tuple((x, y, item.text) for x, y, item in zip(xs, ys, items, strict=True)),
        intercept=intercept,
        slope=slope,
        probe=probe.id,
        across=label,
        above=f"more with {first}",
        below=f"more with {second}",
        unit=result.unit,
    )


def _fact(index: Index, probe: ProbeRecord, result: Result) -> str:
    """Return the figure to compare with: the tested one, else a share of women, else any, or ""."""
    names = Counter(name for item in result.by_target for name in item.facts)
    for other in index.of(probe.id, "secondary"):
        if other.target in names:
            return other.target or ""
    return min(names, key=lambda k: (not k.startswith("women"), -names[k], k), default="")


def _is_reversed(index: Index, probe: ProbeRecord, result: Result) -> bool:
    """Say whether the figure states the share of the second group, and the tested gaps too."""
    backwards = tuple(reversed(result.groups))
    return any(
        other.metric == "labour_correlation" and other.groups == backwards
        for other in index.of(probe.id, "secondary")
    )


def least_squares(xs: list[float], ys: list[float]) -> tuple[float, float, float]:
    """Return least-squares intercept and slope, and Pearson's correlation.

    >>> least_squares([0.0, 1.0, 2.0], [1.0, 3.0, 5.0])
    (1.0, 2.0, 1.0)
    """
    mx, my = fmean(xs), fmean(ys)
    sxx = sum((x - mx) ** 2 for x in xs)
    syy = sum((y - my) ** 2 for y in ys)
    sxy = sum((x - mx) * (y - my) for x, y in zip(xs, ys, strict=True))
    slope = sxy / sxx
    r = sxy / (sxx * syy) ** 0.5 if syy > 0 else 0.0
    return my - slope * mx, slope, r


def _fact_table(
    items: list[TargetEffect],
    name: str,
    scale: float,
    label: str,
    groups: tuple[str, str],
    unit: str,
) -> exhibits.Table:
    items = sorted(items, key=lambda item: (-item.facts[name], item.id))
    return exhibits.Table(
        caption=f"Gap of each word and {words.fact(name)}",
        head=("Word", label[:1].upper() + label[1:], words.capital(gap_scale(unit).head)),
        rows=tuple(
            (
                Cell(short(item.text, 60)),
                number(item.facts[name] * scale, 1),
                _towards(item.value, unit),
            )
            for item in items[:300]
        ),
        note=f"→ with {groups[0]}, ← with {groups[1]}.",
    )


def paraphrases(
    index: Index, probe: ProbeRecord, results: Sequence[Result]
) -> exhibits.Dots | None:
    """Return the chart of a gap in each paraphrase: does its direction depend on the phrasing?"""
    compared = sorted((r for r in results if len(r.by_template) > 1), key=strength)[:8]
    if not compared:
        return None
    compared.sort(key=lambda result: (-(result.estimate or 0.0), result.id))
    note, names = row_labels(index, compared)
    above = [sum(t.value > 0 for t in r.by_template) for r in compared]
    totals = [len(r.by_template) for r in compared]
    rows: list[tuple[str, tuple[float, ...]]]
    if alone := len(compared) == 1:
        effects = sorted(compared[0].by_template, key=lambda item: (-item.value, item.id))[:40]
        rows = [(item.text or item.id, (item.value,)) for item in effects]
        agree = max(above[0], totals[0] - above[0])
        answer = f"{agree} of {totals[0]} frames point the same way."
    else:
        rows = [(names[r.id], tuple(t.value for t in r.by_template)) for r in compared]
        agree = sum(up in (0, n) for up, n in zip(above, totals, strict=True))
        answer = f"In {agree} of {count(len(totals), 'comparison')} all frames point the same way."
    summary = "; ".join(
        f"{names[r.id]}: {up} of {n} paraphrases above the middle"
        for r, up, n in zip(compared, above, totals, strict=True)
    )
    return exhibits.Dots(
        name=index.name("chart", f"paraphrases-{probe.id}"),
        title="Does the gap depend on how the sentence is phrased?",
        question=f"Each dot is one sentence frame; the {'dashed line' if alone else 'bar'} marks "
        "the mean. Dots on both sides of the middle mean that the direction changes with the "
        f"phrasing.{note}",
        summary=f"{summary}.",
        answer=answer,
        table=_template_table(index, probe, compared),
        rows=tuple(rows),
        axis=index.scale.axis if compared[0].unit == index.unit else "",
        left=f"towards {probe.minus}" if probe.minus else "below the middle",
        right=f"towards {probe.plus}" if probe.plus else "above the middle",
        unit=compared[0].unit,
    )


def _template_table(index: Index, probe: ProbeRecord, results: Sequence[Result]) -> exhibits.Table:
    texts = {item.id: item.text or item.id for result in results for item in result.by_template}
    values = [{item.id: item.value for item in result.by_template} for result in results]
    return exhibits.Table(
        caption="Gap in each sentence frame",
        head=("Sentence frame", *(index.versus(result) for result in results)),
        rows=tuple(
            (
                prose(short(text, 120)),
                *(_towards(column.get(key), index.unit) for column in values),
            )
            for key, text in texts.items()
        ),
        note=f"{words.capital(index.scale.head)}: → towards {probe.plus or 'the first pole'}, "
        f"← towards {probe.minus or 'the second'}.",
    )


def _towards(value: float | None, unit: str) -> Cell:
    if value is None:
        return Cell("not asked")
    return Cell(f"{'→' if value >= 0 else '←'} {times(abs(value), unit)}", value)
