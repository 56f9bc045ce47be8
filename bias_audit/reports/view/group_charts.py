"""What each chart of groups shows: words behind a divergence, groups in a plane, the heat map."""

from __future__ import annotations

import math
from statistics import fmean

from bias_audit.reports.text import count, percent, short, with_sign
from bias_audit.reports.view import exhibits
from bias_audit.reports.view.exhibits import Cell, gap, interval, number
from bias_audit.reports.view.index import Index
from bias_audit.results.schema import Companion, ProbeRecord, Result, WordShare
from bias_audit.utils.scales import gap_scale

_DRIVERS = 16
"""Words of the chart, over all groups."""
_HEAT_WORDS = {
    "nats": "+100 %: twice as likely as the word and the group would suggest on their own; −50 %:"
    " half as likely.",
    "sd": "How many standard deviations closer than the word and the group would suggest on their"
    " own.",
}
_HEAT_ROWS = 24
_STEPS = (0.1, 0.25, 0.5, 1.0)


def drivers(index: Index, probe: ProbeRecord) -> exhibits.Intervals | None:
    """Return the chart of the words that make the completions of the groups differ."""
    result = _with_companions(index, probe, "jsd")
    shares = [c for c in result.companions if c.metric == "jsd_share"] if result else []
    whole = sum(share.value for share in shares)
    if len(shares) < 2 or whole <= 0:
        return None
    labels = {group.id: group.label for group in probe.groups}
    labelled = [(labels.get(c.groups[0], c.groups[0]) if c.groups else "", c) for c in shares]
    two, limit = len(shares) == 2, max(_DRIVERS // len(shares), 3)
    rows = tuple(
        exhibits.IntervalRow(
            label=short(word.token, 40),
            estimate=(-100 if two and place else 100) * word.value / whole,
            heading=f"After {label}",
            part=share.groups[0] if share.groups else "",
        )
        for place, (label, share) in enumerate(labelled)
        for word in [w for w in _harmless(share) if w.value > 0][:limit]
    )
    if not rows:
        return None
    harmful = sum(word.harmful for share in shares for word in share.words)
    covered = f" {count(harmful, 'harmful word is', 'harmful words are')} left to results.json."
    first, second = labelled[0][0], labelled[1][0]
    aim = "Each group has the words that are said most after it. "
    if two:
        aim = f"Bars to the right: words said more after {first}; to the left: after {second}. "
    tops = [(label, *[w.token for w in _harmless(share)[:1]]) for label, share in labelled[:8]]
    most = ", ".join(f"after {top[0]} “{short(top[1], 24)}”" for top in tops if top[1:])
    return exhibits.Intervals(
        name=index.name("chart", f"drivers-{probe.id}"),
        title="Which words make the completions differ?",
        question=f"{aim}The length is the word's share of the whole difference between the "
        f"completions, per cent.{covered if harmful else ''}",
        summary=_driver_summary(labelled, whole),
        answer=f"Most of all: {most}.",
        table=_driver_table(labelled, whole),
        rows=rows,
        left=f"said more after {second}" if two else "",
        right=f"said more after {first}" if two else "share of the difference",
        unit="per cent of the divergence",
        bars=True,
    )


def _with_companions(index: Index, probe: ProbeRecord, metric: str) -> Result | None:
    results = index.of(probe.id)
    return next((r for r in results if r.metric == metric and r.companions), None)


def _harmless(share: Companion) -> list[WordShare]:
    return [word for word in share.words if not word.harmful]


def _driver_summary(labelled: list[tuple[str, Companion]], whole: float) -> str:
    sentences = []
    for label, share in labelled[:8]:
        first = ", ".join(short(word.token, 24) for word in _harmless(share)[:4]) or "none"
        sentences.append(f"{label}: {percent(share.value / whole)}, first {first}")
    return f"{'; '.join(sentences)}."


def _driver_table(labelled: list[tuple[str, Companion]], whole: float) -> exhibits.Table:
    rows = [
        (
            Cell(short(word.token, 60)),
            Cell(f"after {label}"),
            Cell(percent(word.value / whole), 100 * word.value / whole),
            number(word.value, 4),
        )
        for label, share in labelled
        for word in _harmless(share)
    ]
    return exhibits.Table(
        caption="Words behind the divergence",
        head=("Word", "Said more", "Share of the divergence", "Bits"),
        rows=tuple(rows[:_DRIVERS]),
        note="A description, without an interval: whether the completions differ at all is told by "
        "the divergence beside what relabelled words give by chance.",
    )


def plane(index: Index, probe: ProbeRecord) -> exhibits.Plane | None:
    """Return the chart of the groups between cold and warm, incompetent and competent."""
    result = _with_companions(index, probe, "warmth_competence")
    if result is None:
        return None
    axes: dict[str, dict[str, Companion]] = {"warmth": {}, "competence": {}}
    for companion in result.companions:
        if companion.metric in axes and companion.groups:
            axes[companion.metric][companion.groups[0]] = companion
    labels = {group.id: group.label for group in probe.groups}
    both = [group for group in axes["warmth"] if group in axes["competence"]]
    if len(both) < 2:
        return None
    points = [(labels.get(g, g), axes["warmth"][g], axes["competence"][g]) for g in both]
    sentences = [
        f"{label}: warmth {with_sign(warm.value)}, competence {with_sign(able.value)}"
        for label, warm, able in points
    ]
    sizes = [abs(warm.value) + abs(able.value) for _, warm, able in points]
    return exhibits.Plane(
        name=index.name("chart", f"plane-{probe.id}"),
        title="Warm or cold, competent or not: where does the model put each group?",
        question="Each dot is a group beside the mean of the others. Right: warm words are more "
        "likely after it; up: competent ones. Groups at the upper left and the lower right are the "
        "mixed stereotypes: cold and competent, or warm and incompetent.",
        summary=f"{'; '.join(sentences[:12])}.",
        answer=f"Furthest from the middle: {sentences[sizes.index(max(sizes))]}.",
        table=exhibits.Table(
            caption="Warmth and competence of each group",
            head=(
                *("Group", f"Warmth ({index.unit})", "Interval"),
                *(f"Competence ({index.unit})", "Interval"),
            ),
            rows=tuple(
                (
                    Cell(label),
                    *(gap(warm.value), interval(warm.ci_low, warm.ci_high)),
                    *(gap(able.value), interval(able.ci_low, able.ci_high)),
                )
                for label, warm, able in points
            ),
            note="Gaps to the mean of the other groups, from the two probes; 0 is no difference.",
        ),
        points=tuple((warm.value, able.value, label) for label, warm, able in points),
        across="← colder  ·  warmer →",
        above="more competent",
        below="less competent",
        unit=result.unit,
    )


def heat(index: Index, probe: ProbeRecord) -> exhibits.Heat | None:
    """Return words by groups after removing what the word alone and the group alone explain."""
    columns = [i for i, group in enumerate(probe.groups) if not group.placebo]
    names = tuple(probe.groups[i].label for i in columns)
    full = [
        (target, [target.log_prob[i] for i in columns])
        for target in probe.targets
        if len(target.log_prob) == len(probe.groups)
    ]
    scored = [(t, [v for v in values if v is not None]) for t, values in full if None not in values]
    if len(columns) < 2 or len(scored) < 2:
        return None
    centred = double_centre([values for _, values in scored])
    order = sorted(
        range(len(scored)), key=lambda i: (min(centred[i]) - max(centred[i]), scored[i][0].id)
    )
    poles = {"+": probe.plus or "first", "-": probe.minus or "second"}
    rows = [
        _heat_row(
            scored[i][0].text, poles.get(scored[i][0].pole, "neither"), centred[i], index.unit
        )
        for i in order
    ]
    lost = len(probe.targets) - len(scored)
    note = f" {count(lost, 'word')} left out because a group has no score." if lost else ""
    first = rows[0]
    top, low = (first.values.index(pick(first.values)) for pick in (max, min))
    return exhibits.Heat(
        name=index.name("heat", probe.id),
        title="Which words stand out for which group?",
        columns=names,
        rows=tuple(rows[:_HEAT_ROWS]),
        folded=tuple(rows[_HEAT_ROWS:]),
        answer=f"“{first.word}” divides them most: {first.texts[top]} with {names[top]}, "
        f"{first.texts[low]} with {names[low]}.",
        unit=index.unit,
        question=f"{_HEAT_WORDS[index.unit]} The words that divide the groups most come first."
        f"{note}",
    )


def double_centre(values: list[list[float]]) -> list[list[float]]:
    """Remove row and column means, so that only the interaction is left.

    >>> double_centre([[1.0, 2.0], [3.0, 4.0]])
    [[0.0, 0.0], [0.0, 0.0]]
    """
    rows = [fmean(row) for row in values]
    columns = [fmean(column) for column in zip(*values, strict=True)]
    grand = fmean(rows)
    return [
        [value - row - column + grand for value, column in zip(line, columns, strict=True)]
        for line, row in zip(values, rows, strict=True)
    ]


def _departure(value: float, unit: str) -> str:
    """How much likelier in per cent: ``+100 %``, ``−50 %``; what is no ratio has its sign."""
    if not gap_scale(unit).is_ratio:
        return with_sign(value)
    return f"{with_sign(100 * math.expm1(min(value, 12.0)), 0)} %"


def _heat_row(word: str, pole: str, values: list[float], unit: str) -> exhibits.HeatRow:
    steps = [sum(abs(value) >= edge for edge in _STEPS) for value in values]
    return exhibits.HeatRow(
        word=short(word, 40),
        pole=pole,
        values=tuple(values),
        texts=tuple(_departure(value, unit) for value in values),
        steps=tuple(s if v > 0 else -s for s, v in zip(steps, values, strict=True)),
    )
