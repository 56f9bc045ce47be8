"""What each chart shows: numbers, words and the table beside it. Nothing is drawn here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bias_audit.reports import wording as words
from bias_audit.reports.text import bounds, count, plain, short, signed, times
from bias_audit.reports.view import page
from bias_audit.reports.view.index import OTHERS, Index, strength
from bias_audit.reports.view.page import odds
from bias_audit.reports.view.quality import unreliable
from bias_audit.results import ProbeRecord, Result, TargetEffect

_ROWS = 30
_WORDS = 24
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
    results, drawn = ranked(results), ranked(drawn)
    kept = {result.id for result in sorted(drawn, key=strength)[:_ROWS]}
    beside, names = named(index, drawn)
    rows = tuple(_row(index, r, names[r.id]) for r in drawn if r.id in kept)
    cut = f" The strongest {_ROWS} of {len(drawn)} are drawn." if len(drawn) > _ROWS else ""
    left, right = _poles(index, drawn)
    return page.Intervals(
        name=index.name("chart", f"gaps-{axis}"),
        title=f"How large are the gaps on the axis “{axis}”, and how sure are we?",
        question=_READ + beside + cut,
        summary=_say(rows, unit),
        answer=_found(index, drawn),
        table=interval_table(index, axis, results),
        rows=rows,
        left=f"towards {left}",
        right=f"towards {right}",
        unit=unit,
    )


def ranked(results: Sequence[Result]) -> list[Result]:
    """Probe by probe in their order, the highest gap first, what has no number last."""
    probes = {name: place for place, name in enumerate(dict.fromkeys(r.probe for r in results))}
    return sorted(
        results,
        key=lambda r: (probes[r.probe], r.estimate is None, -(r.estimate or 0.0)),
    )


def _found(index: Index, results: Sequence[Result]) -> str:
    """How the gaps were judged, and which lies furthest from no difference."""
    states = Counter(result.outcome for result in results if result.outcome)
    told = ", ".join(f"{states[s]} {words.STATE_WORDS[s][0]}" for s in words.STATES if states[s])
    most = min(results, key=strength)
    size = words.effect(most).partition(" (")[0]
    where = f"{index.title(most.probe)}, {index.versus(most)}: {size}"
    return f"{f'{told[:1].upper()}{told[1:]}. ' if told else ''}The widest gap: {where}."


def _poles(index: Index, results: Sequence[Result]) -> tuple[str, str]:
    """What the two sides of the chart stand for: named poles when all rows share them."""
    pairs = {
        (probe.minus, probe.plus)
        for probe in (index.probes.get(result.probe) for result in results)
        if probe is not None
    }
    shared = next(iter(pairs)) if len(pairs) == 1 else ("", "")
    return shared[0] or "the left pole", shared[1] or "the right pole"


def named(index: Index, results: Sequence[Result]) -> tuple[str, dict[str, str]]:
    """What rows are called: where every one is a group beside all others, this is said once."""
    if len(results) > 1 and all(len(r.groups) == 2 and r.groups[1] == OTHERS for r in results):
        return " Each row is a group beside the mean of the others.", {
            result.id: index.labels(result)[0] for result in results
        }
    return "", {result.id: index.versus(result) for result in results}


def _row(index: Index, result: Result, label: str) -> page.IntervalRow:
    probe = index.probes.get(result.probe)
    poles = f"   ← {probe.minus} · {probe.plus} →" if probe and probe.plus and probe.minus else ""
    return page.IntervalRow(
        label=label,
        estimate=result.estimate or 0.0,
        low=result.ci_low,
        high=result.ci_high,
        heading=f"{index.title(result.probe)}{poles}",
        part=result.probe,
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
    head = ("Comparison", "Probe", "State", "Odds", "Gap", "Interval", "Allowed", "p against 0")
    rows = [_interval_cells(index, result) for result in results]
    several = len({result.probe for result in results}) > 1
    return page.Table(
        caption=f"Gaps on the axis “{axis}”, with intervals and verdicts",
        head=head if several else (head[0], *head[2:]),
        rows=tuple(row if several else (row[0], *row[2:]) for row in rows),
        note="Gap in nats for log-odds gaps, else in the unit given; 0 is no difference. p is that "
        "of no gap at all, adjusted unless it says raw; it is not about the margin.",
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
        odds(value) if unit == "nats" else page.Cell(text="none"),
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
        f"{_drawn(len(effects), len(result.by_target))} "
        f"{unreliable(result)}".rstrip(),
        summary=f"From {effects[0].text} ({times(effects[0].value)} times) to "
        f"{effects[-1].text} ({times(effects[-1].value)} times).",
        answer="" if unreliable(result) else _extremes(effects, first, second),
        table=_word_table(result, probe),
        rows=rows,
        left=f"more with {second}",
        right=f"more with {first}",
        unit=result.unit,
    )


def _drawn(shown: int, whole: int) -> str:
    """How many words a chart has."""
    if shown == whole:
        return f"All {whole} words are drawn."
    return f"The {shown} words with the widest gaps, of {whole:,}, are drawn."


def _extremes(effects: Sequence[TargetEffect], first: str, second: str) -> str:
    """The two words at the ends, where they lean to different groups."""
    top, low = effects[0], effects[-1]
    if top.value <= 0 or low.value >= 0:
        one = low if low.value < 0 else top
        side = second if low.value < 0 else first
        return f"All lean to {side}, most of all {one.text} ({times(abs(one.value))} times)."
    return (
        f"Most with {first}: {top.text} ({times(top.value)} times). "
        f"Most with {second}: {low.text} ({times(-low.value)} times)."
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
            odds(item.value),
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


def probe_groups(probe: ProbeRecord) -> list[str]:
    """Ids of the groups that are compared, placebo groups left out."""
    return [group.id for group in probe.groups if not group.placebo]


def direct(results: Sequence[Result]) -> Result | None:
    """The comparison of two named groups, or the first one there is."""
    named = [result for result in results if OTHERS not in result.groups]
    return next(iter(named or results), None)
