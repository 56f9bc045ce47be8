"""Charts that set the model's gaps beside something else: labour statistics, the other groups."""

from __future__ import annotations

from collections import Counter
from statistics import fmean

from bias_audit.reports import wording as words
from bias_audit.reports.text import count, factor, plain, short, signed, times
from bias_audit.reports.view import page
from bias_audit.reports.view.index import Index
from bias_audit.reports.view.page import odds
from bias_audit.results import ProbeRecord, Result, TargetEffect

_LEAST = 5
_WORDS = 24
_STEPS = (0.1, 0.25, 0.5, 1.0)


def scatter(index: Index, probe: ProbeRecord, result: Result) -> page.Scatter | None:
    """The gap of each word over an outside figure, such as the share of women in a job."""
    name = _fact(index, probe, result)
    if name is None:
        return None
    known = [item for item in result.by_target if name in item.facts]
    xs = [item.facts[name] for item in known]
    if len(known) < _LEAST or max(xs) == min(xs):
        return None
    scale = 100.0 if name.startswith("women") and max(xs) <= 1 else 1.0
    xs = [x * scale for x in xs]
    turned = _turned(index, probe, result)
    if turned:
        known = [item.model_copy(update={"value": -item.value}) for item in known]
    ys = [item.value for item in known]
    intercept, slope, r = fit(xs, ys)
    first, second = index.labels(result)[1::-1] if turned else index.labels(result)[:2]
    per_cent = name.startswith("women")
    label = f"{words.fact(name)}{', per cent' if per_cent else ''}"
    return page.Scatter(
        name=index.name("chart", f"facts-{result.id}"),
        title=f"Do the gaps follow {words.fact(name)}?",
        question=_say(probe, len(known)),
        answer=f"The correlation of the dots is {signed(r)}; for each 10 points more, the odds "
        f"with {first} are multiplied by {times(10 * slope)}.",
        summary=f"{count(len(known), 'word')}; correlation {signed(r)}; the fitted line rises by "
        f"{signed(10 * slope)} nats for each 10 points.",
        table=_fact_table(known, name, scale, label),
        points=tuple((x, y, item.text) for x, y, item in zip(xs, ys, known, strict=True)),
        intercept=intercept,
        slope=slope,
        x_label=label,
        above=f"more with {first}",
        below=f"more with {second}",
        unit=result.unit,
    )


def _fact(index: Index, probe: ProbeRecord, result: Result) -> str | None:
    """The figure to compare with: the one the audit tested, else a share of women, else any."""
    names = Counter(name for item in result.by_target for name in item.facts)
    tested = [other.target for other in index.of(probe.id, "secondary") if other.target in names]
    if tested:
        return tested[0]
    ranked = sorted(names, key=lambda key: (not key.startswith("women"), -names[key], key))
    return ranked[0] if ranked else None


def _turned(index: Index, probe: ProbeRecord, result: Result) -> bool:
    """Whether the figure states the share of the second group: its gaps are the audit's, too."""
    backwards = tuple(reversed(result.groups))
    return any(
        other.metric == "labour_correlation" and other.groups == backwards
        for other in index.of(probe.id, "secondary")
    )


def fit(xs: list[float], ys: list[float]) -> tuple[float, float, float]:
    """Least-squares intercept and slope, and Pearson's correlation.

    >>> fit([0.0, 1.0, 2.0], [1.0, 3.0, 5.0])
    (1.0, 2.0, 1.0)
    """
    mx, my = fmean(xs), fmean(ys)
    sxx = sum((x - mx) ** 2 for x in xs)
    syy = sum((y - my) ** 2 for y in ys)
    sxy = sum((x - mx) * (y - my) for x, y in zip(xs, ys, strict=True))
    slope = sxy / sxx
    r = sxy / (sxx * syy) ** 0.5 if syy > 0 else 0.0
    return my - slope * mx, slope, r


def _say(probe: ProbeRecord, n: int) -> str:
    wanted = (
        f" Wanted by this probe's card: {words.wish(probe.card.expected)}." if probe.card else ""
    )
    return (
        f"Each dot is one of {n} words. A flat line means that the model pays no heed to the "
        f"figures. Following the figures is neither good nor bad in itself.{wanted}"
    )


def _fact_table(items: list[TargetEffect], name: str, scale: float, label: str) -> page.Table:
    known = sorted(items, key=lambda item: (-item.facts[name], item.id))
    return page.Table(
        caption=f"Gap of each word and {words.fact(name)}",
        head=("Word", label[:1].upper() + label[1:], "Odds", "Gap (nats)"),
        rows=tuple(
            (
                page.Cell(text=short(item.text, 60)),
                page.Cell(text=plain(item.facts[name] * scale, 1), value=item.facts[name] * scale),
                odds(item.value),
                page.Cell(text=signed(item.value), value=item.value),
            )
            for item in known[:300]
        ),
    )


def heat(index: Index, probe: ProbeRecord) -> page.Heat | None:
    """Words by groups after removing what the word alone and the group alone explain."""
    kept = [i for i, group in enumerate(probe.groups) if not group.placebo]
    full = [
        (target, [target.log_prob[i] for i in kept])
        for target in probe.targets
        if len(target.log_prob) == len(probe.groups)
    ]
    scored = [(t, [v for v in values if v is not None]) for t, values in full if None not in values]
    if len(kept) < 2 or len(scored) < 2:
        return None
    centred = double_centre([values for _, values in scored])
    order = sorted(
        range(len(scored)),
        key=lambda i: (min(centred[i]) - max(centred[i]), scored[i][0].id),
    )
    poles = {"+": probe.plus or "first", "-": probe.minus or "second"}
    rows = [
        _heat_row(scored[i][0].text, poles.get(scored[i][0].pole, "neither"), centred[i])
        for i in order
    ]
    lost = len(probe.targets) - len(scored)
    note = f" {count(lost, 'word')} left out because a group has no score." if lost else ""
    return page.Heat(
        name=index.name("heat", probe.id),
        title="Which words stand out for which group?",
        columns=tuple(probe.groups[i].label for i in kept),
        rows=tuple(rows[:_WORDS]),
        folded=tuple(rows[_WORDS:]),
        answer=_divides(rows[0], [probe.groups[i].label for i in kept]),
        note="×2: twice as likely as the word and the group would suggest on their own; ÷2: half "
        f"as likely. The words that divide the groups most come first.{note}",
    )


def _divides(row: page.HeatRow, groups: list[str]) -> str:
    """Which word divides the groups most, and which groups."""
    places = range(len(groups))
    top, low = (pick(places, key=lambda i: row.values[i]) for pick in (max, min))
    return (
        f"“{row.word}” divides them most: {row.texts[top]} with {groups[top]}, {row.texts[low]} "
        f"with {groups[low]}."
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


def _heat_row(word: str, pole: str, values: list[float]) -> page.HeatRow:
    steps = [sum(abs(value) >= edge for edge in _STEPS) for value in values]
    return page.HeatRow(
        word=short(word, 40),
        pole=pole,
        values=tuple(values),
        texts=tuple(factor(value) for value in values),
        steps=tuple(s if v > 0 else -s for s, v in zip(steps, values, strict=True)),
    )
