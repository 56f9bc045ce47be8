"""What each chart shows: numbers, words and the table beside it. Nothing is drawn here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bias_audit.archive import ProbeRecord, Result, TargetEffect
from bias_audit.render import _page as page
from bias_audit.render import _words as words
from bias_audit.render._checks import unreliable
from bias_audit.render._index import OTHERS, Index, strength
from bias_audit.render._text import bounds, count, plain, share, short, signed, times

_ROWS = 30
_WORDS = 24
_LEAST_GAPS = 3
"""Placebo gaps that make a row of their own."""
_READ = (
    "Each dot is a measured gap, the line through it its interval. On the upright line there is no "
    "difference; right of it the first group leans to the pole on the right. The shaded band is "
    "the allowed margin. An interval wholly outside fails; one wholly inside (by the narrower 90 % "
    "interval) passes if the controls and the checks hold too; anything else is unclear."
)


def intervals(index: Index, axis: str, results: Sequence[Result]) -> page.Intervals | None:
    """The chart of an axis: every primary gap with its interval and the allowed band."""
    drawn = [result for result in results if result.estimate is not None]
    unit = Counter(result.unit for result in drawn).most_common(1)[0][0] if drawn else ""
    drawn = [result for result in drawn if result.unit == unit]
    if not drawn:
        return None
    kept = {result.id for result in sorted(drawn, key=strength)[:_ROWS]}
    rows = tuple(_row(index, result) for result in drawn if result.id in kept)
    cut = f" The strongest {_ROWS} of {len(drawn)} are drawn." if len(drawn) > _ROWS else ""
    left, right = _poles(index, drawn)
    return page.Intervals(
        name=index.name("chart", f"gaps-{axis}"),
        title=f"How large are the gaps on the axis “{axis}”, and how sure are we?",
        question=_READ + cut,
        summary=_say(rows, unit),
        table=interval_table(index, axis, results),
        rows=rows,
        left=f"towards {left}",
        right=f"towards {right}",
        unit=unit,
    )


def _poles(index: Index, results: Sequence[Result]) -> tuple[str, str]:
    """What the two sides of the chart stand for: named poles when all rows share them."""
    pairs = {
        (probe.minus, probe.plus)
        for probe in (index.probes.get(result.probe) for result in results)
        if probe is not None
    }
    shared = next(iter(pairs)) if len(pairs) == 1 else ("", "")
    return shared[0] or "the left pole", shared[1] or "the right pole"


def _row(index: Index, result: Result) -> page.IntervalRow:
    probe = index.probes.get(result.probe)
    poles = f"   ← {probe.minus} · {probe.plus} →" if probe and probe.plus and probe.minus else ""
    return page.IntervalRow(
        label=index.versus(result),
        estimate=result.estimate or 0.0,
        low=result.ci_low,
        high=result.ci_high,
        heading=f"{index.title(result.probe)}{poles}",
        margin=result.margin,
        state=result.outcome or "",
    )


def _say(rows: Sequence[page.IntervalRow], unit: str) -> str:
    parts = []
    for row in rows[:12]:
        number = f"odds {times(row.estimate)} times" if unit == "nats" else plain(row.estimate, 3)
        parts.append(f"{row.label}: {number}{', ' + row.state if row.state else ''}")
    more = f"; and {len(rows) - 12} more" if len(rows) > 12 else ""
    return f"{count(len(rows), 'gap')} with intervals. {'; '.join(parts)}{more}."


def interval_table(index: Index, axis: str, results: Sequence[Result]) -> page.Table:
    """The numbers of the interval chart, and the gaps that have none, with the reason."""
    return page.Table(
        caption=f"Gaps on the axis “{axis}”, with intervals and verdicts",
        head=("Comparison", "Probe", "State", "Odds", "Gap", "Interval", "Allowed", "Adjusted p"),
        rows=tuple(_interval_cells(index, result) for result in results),
        note="Gap in nats for log-odds gaps, else in the unit given; 0 is no difference.",
    )


def _interval_cells(index: Index, result: Result) -> tuple[page.Cell, ...]:
    value, unit = result.estimate, result.unit
    first = (
        page.Cell(text=index.versus(result)),
        page.Cell(text=index.title(result.probe), href=index.name("probe", result.probe)),
        page.Cell(text=result.outcome or "not judged", state=result.outcome or ""),
    )
    allowed = "not set" if result.margin is None else f"±{plain(result.margin)}"
    last = (
        page.Cell(text=allowed, value=result.margin),
        page.Cell(text=words.chance(result), value=result.p_adjusted),
    )
    if value is None:
        gone = page.Cell(text=words.missing(result.reason), long=True)
        return (*first, gone, page.Cell(text="none"), page.Cell(text="none"), *last)
    low, high = result.ci_low, result.ci_high
    return (
        *first,
        page.Cell(text=f"{times(value)} times" if unit == "nats" else "none", value=value),
        page.Cell(text=signed(value) + ("" if unit == "nats" else f" {unit}"), value=value),
        page.Cell(text="none" if low is None or high is None else bounds(low, high), value=low),
        *last,
    )


def target_words(index: Index, probe: ProbeRecord, result: Result) -> page.Intervals | None:
    """The words with the widest gaps between two groups."""
    effects = sorted(result.by_target, key=lambda item: (-abs(item.value), item.id))[:_WORDS]
    if len(probe_groups(probe)) != 2 or len(effects) < 2:
        return None
    effects.sort(key=lambda item: (-item.value, item.id))
    first, second = index.labels(result)[:2]
    rows = tuple(_word_row(item) for item in effects)
    return page.Intervals(
        name=index.name("chart", f"words-{result.id}"),
        title=f"Which words does the model expect more after {first}, which after {second}?",
        question=f"Right of the middle: more likely with {first}; left: more likely with {second}. "
        f"The {len(effects)} widest gaps of {count(len(result.by_target), 'word')} are drawn. "
        f"{unreliable(result)}".rstrip(),
        summary=f"From {effects[0].text} ({times(effects[0].value)} times) to "
        f"{effects[-1].text} ({times(effects[-1].value)} times).",
        table=_word_table(result, probe),
        rows=rows,
        left=f"more with {second}",
        right=f"more with {first}",
        unit=result.unit,
    )


def _word_row(item: TargetEffect) -> page.IntervalRow:
    return page.IntervalRow(
        label=item.text, estimate=item.value, low=item.ci_low, high=item.ci_high
    )


def _word_table(result: Result, probe: ProbeRecord) -> page.Table:
    poles = {"+": probe.plus or "first", "-": probe.minus or "second"}
    chance = unreliable(result)
    ordered = sorted(
        result.by_target,
        key=lambda item: (0.0 if chance else -item.value, item.text if chance else item.id),
    )[:300]
    rows = tuple(
        (
            page.Cell(text=short(item.text, 60)),
            page.Cell(text=poles.get(item.pole, "neither")),
            page.Cell(text=f"{times(item.value)} times", value=item.value),
            page.Cell(text=signed(item.value), value=item.value),
            page.Cell(
                text="none"
                if item.ci_low is None or item.ci_high is None
                else bounds(item.ci_low, item.ci_high)
            ),
        )
        for item in ordered
    )
    return page.Table(
        caption="Gap of every scored word",
        head=("Word", "Pole", "Odds", "Gap (nats)", "Interval"),
        rows=rows,
        note=chance,
        pale=bool(chance),
    )


def paraphrases(index: Index, probe: ProbeRecord, results: Sequence[Result]) -> page.Dots | None:
    """The same gap in each paraphrase: does the direction depend on the phrasing?"""
    shown = sorted((r for r in results if len(r.by_template) > 1), key=strength)[:8]
    if not shown:
        return None
    shown.sort(key=lambda result: (-(result.estimate or 0.0), result.id))
    alone = len(shown) == 1
    rows: tuple[tuple[str, tuple[float, ...]], ...]
    if alone:
        effects = sorted(shown[0].by_template, key=lambda item: (-item.value, item.id))[:40]
        rows = tuple((item.text or item.id, (item.value,)) for item in effects)
    else:
        rows = tuple((index.versus(r), tuple(t.value for t in r.by_template)) for r in shown)
    same = [(sum(t.value > 0 for t in r.by_template), len(r.by_template)) for r in shown]
    summary = "; ".join(
        f"{index.versus(r)}: {up} of {n} paraphrases above the middle"
        for r, (up, n) in zip(shown, same, strict=True)
    )
    return page.Dots(
        name=index.name("chart", f"paraphrases-{probe.id}"),
        title="Does the gap depend on how the sentence is phrased?",
        question=f"Each dot is one sentence frame; the {'dashed line' if alone else 'bar'} marks "
        "the mean. Dots on both sides of the middle mean that the direction changes with the "
        "phrasing.",
        summary=f"{summary}.",
        table=_template_table(index, shown),
        rows=rows,
        left=f"towards {probe.minus}" if probe.minus else "below the middle",
        right=f"towards {probe.plus}" if probe.plus else "above the middle",
        unit=shown[0].unit,
    )


def _template_table(index: Index, results: Sequence[Result]) -> page.Table:
    texts = {item.id: item.text or item.id for result in results for item in result.by_template}
    values = [{item.id: item.value for item in result.by_template} for result in results]
    rows = tuple(
        (
            page.Cell(text=short(text, 120), long=True),
            *(
                page.Cell(text=signed(column[key]), value=column[key])
                if key in column
                else page.Cell(text="not asked")
                for column in values
            ),
        )
        for key, text in texts.items()
    )
    return page.Table(
        caption="Gap in each sentence frame",
        head=("Sentence frame", *(index.versus(result) for result in results)),
        rows=rows,
        note="In the unit of the measure (nats for log-odds gaps).",
    )


def placebo(index: Index, probe: ProbeRecord, results: Sequence[Result]) -> page.Dots | None:
    """The sizes of placebo gaps, and the size of each gap on the same scale."""
    gaps = probe.placebo_gaps
    shown = sorted((r for r in results if r.unit == "nats"), key=strength)[:12]
    if len(gaps) < _LEAST_GAPS or not shown:
        return None
    sizes = [(index.versus(result), abs(result.estimate or 0.0)) for result in shown]
    beyond = sum(size > gaps[-1] for _, size in sizes)
    name = f"placebo groups ({len(gaps)})"
    return page.Dots(
        name=index.name("chart", f"placebo-{probe.id}"),
        title="Are the gaps larger than those of groups that should not differ?",
        question="The first row has the gaps of placebo groups, which differ in nothing that "
        "should matter, with a bar at their mean; each row below is a gap of this probe, its size "
        "without its direction. A gap that lies among the placebo gaps does not stand out from "
        "accidents.",
        summary=f"Placebo gaps reach odds {times(gaps[-1])} times; {beyond} of "
        f"{count(len(sizes), 'gap')} {'is' if beyond == 1 else 'are'} larger than all of them.",
        table=_placebo_table(sizes, gaps),
        rows=((name, gaps), *((label, (size,)) for label, size in sizes)),
        right="larger gap, in either direction",
        unit="nats",
    )


def _placebo_table(sizes: Sequence[tuple[str, float]], gaps: Sequence[float]) -> page.Table:
    cells = [(f"placebo {number}", gap) for number, gap in enumerate(gaps, start=1)]
    return page.Table(
        caption="Sizes of the gaps beside placebo gaps",
        head=("Groups", "Odds", "Size (nats)", "Larger than this share of the placebo gaps drawn"),
        rows=tuple(
            (
                page.Cell(text=label),
                page.Cell(text=f"{times(size)} times", value=size),
                page.Cell(text=plain(size), value=size),
                page.Cell(text=share(sum(gap < size for gap in gaps) / len(gaps))),
            )
            for label, size in [*sizes, *cells]
        ),
    )


def probe_groups(probe: ProbeRecord) -> list[str]:
    """Ids of the groups that are compared, placebo groups left out."""
    return [group.id for group in probe.groups if not group.placebo]


def direct(results: Sequence[Result]) -> Result | None:
    """The comparison of two named groups, or the first one there is."""
    named = [result for result in results if OTHERS not in result.groups]
    return next(iter(named or results), None)
