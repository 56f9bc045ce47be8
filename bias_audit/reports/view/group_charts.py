"""What each chart of groups shows: words behind a divergence, groups in a plane, the heat map."""

from __future__ import annotations

from statistics import fmean

from bias_audit.reports.text import bounds, count, factor, percent, plain, short, signed
from bias_audit.reports.view import page
from bias_audit.reports.view.index import Index
from bias_audit.results.schema import Companion, ProbeRecord, Result

_DRIVERS = 24
"""Words of the chart, over all groups."""
_HEAT_ROWS = 24
_STEPS = (0.1, 0.25, 0.5, 1.0)


def drivers(index: Index, probe: ProbeRecord) -> page.Intervals | None:
    """Return the chart of the words that make the completions of the groups differ."""
    result = _with_companions(index, probe, "jsd")
    shares = [c for c in result.companions if c.metric == "jsd_share"] if result else []
    whole = sum(share.value for share in shares)
    if result is None or len(shares) < 2 or whole <= 0:
        return None
    labels = {group.id: group.label for group in probe.groups}
    two = len(shares) == 2
    labelled = [(labels.get(c.groups[0], c.groups[0]) if c.groups else "", c) for c in shares]
    limit = max(_DRIVERS // len(labelled), 3)
    rows = tuple(
        row
        for place, (label, share) in enumerate(labelled)
        for row in _driver_rows(share, label, whole, limit, sign=-1 if two and place else 1)
    )
    if not rows:
        return None
    harmful = sum(word.harmful for share in shares for word in share.words)
    covered = f" {count(harmful, 'harmful word is', 'harmful words are')} left to results.json."
    first, second = labelled[0][0], labelled[1][0]
    aim = f"Bars to the right: words said more after {first}; to the left: after {second}. "
    question = (
        f"{aim if two else 'Each group has the words that are said most after it. '}"
        "The length is the word's share of the whole difference between the completions, per cent."
    )
    return page.Intervals(
        name=index.name("chart", f"drivers-{probe.id}"),
        title="Which words make the completions differ?",
        question=question + (covered if harmful else ""),
        summary=_driver_summary(labelled, whole),
        answer=_first_words(labelled),
        table=_driver_table(labelled, whole),
        rows=rows,
        left=f"said more after {second}" if two else "",
        right=f"said more after {first}" if two else "share of the difference",
        unit="per cent of the divergence",
        bars=True,
        digits=1,
    )


def _with_companions(index: Index, probe: ProbeRecord, metric: str) -> Result | None:
    results = index.of(probe.id)
    return next((r for r in results if r.metric == metric and r.companions), None)


def _driver_rows(
    share: Companion, label: str, whole: float, limit: int, *, sign: int
) -> list[page.IntervalRow]:
    words = [word for word in share.words if not word.harmful and word.value > 0][:limit]
    return [
        page.IntervalRow(
            label=short(word.token, 40), estimate=sign * 100 * word.value / whole, low=None,
            high=None, heading=f"After {label}", part=share.groups[0] if share.groups else "",
        )
        for word in words
    ]  # fmt: skip


def _first_words(labelled: list[tuple[str, Companion]]) -> str:
    """Name the first word of each group."""
    tops = [(label, next((w.token for w in s.words if not w.harmful), "")) for label, s in labelled]
    told = [f"after {label} “{short(word, 24)}”" for label, word in tops[:8] if word]
    return f"Most of all: {', '.join(told)}."


def _driver_summary(labelled: list[tuple[str, Companion]], whole: float) -> str:
    sentences = []
    for label, share in labelled[:8]:
        words = [short(w.token, 24) for w in share.words if not w.harmful][:4]
        sentences.append(
            f"{label}: {percent(share.value / whole)}, first {', '.join(words) or 'none'}"
        )
    return f"{'; '.join(sentences)}."


def _driver_table(labelled: list[tuple[str, Companion]], whole: float) -> page.Table:
    rows = [
        (
            page.Cell(text=short(word.token, 60)),
            page.Cell(text=f"after {label}"),
            page.Cell(text=percent(word.value / whole), value=100 * word.value / whole),
            page.Cell(text=plain(word.value, 4), value=word.value),
        )
        for label, share in labelled
        for word in share.words
        if not word.harmful
    ]
    return page.Table(
        caption="Words behind the divergence",
        head=("Word", "Said more", "Share of the divergence", "Bits"),
        rows=tuple(rows[:300]),
        note="A description, without an interval: whether the completions differ at all is told by "
        "the divergence beside what relabelled words give by chance.",
    )


def plane(index: Index, probe: ProbeRecord) -> page.Plane | None:
    """Return the chart of the groups between cold and warm, incompetent and competent."""
    result = _with_companions(index, probe, "warmth_competence")
    if result is None:
        return None
    axes: dict[str, dict[str, Companion]] = {"warmth": {}, "competence": {}}
    for companion in result.companions:
        if companion.metric in axes and companion.groups:
            axes[companion.metric][companion.groups[0]] = companion
    labels = {group.id: group.label for group in probe.groups}
    placed = [(labels.get(g, g), warm, axes["competence"][g]) for g, warm in axes["warmth"].items()
            if g in axes["competence"]]  # fmt: skip
    if len(placed) < 2:
        return None
    sentences = [
        f"{label}: warmth {signed(warm.value)}, competence {signed(able.value)}"
        for label, warm, able in placed
    ]
    far = max(
        range(len(placed)),
        key=lambda i: abs(placed[i][1].value) + abs(placed[i][2].value),
    )
    return page.Plane(
        name=index.name("chart", f"plane-{probe.id}"),
        title="Warm or cold, competent or not: where does the model put each group?",
        question="Each dot is a group beside the mean of the others. Right: warm words are more "
        "likely after it; up: competent ones. Groups at the upper left and the lower right are the "
        "mixed stereotypes: cold and competent, or warm and incompetent.",
        summary=f"{'; '.join(sentences[:12])}.",
        answer=f"Furthest from the middle: {sentences[far]}.",
        table=_plane_table(placed),
        points=tuple((warm.value, able.value, label) for label, warm, able in placed),
        left="colder",
        right="warmer",
        above="more competent",
        below="less competent",
        unit=result.unit,
    )


def _plane_table(placed: list[tuple[str, Companion, Companion]]) -> page.Table:
    rows = tuple(
        (
            page.Cell(text=label),
            *(cell for companion in (warm, able) for cell in _interval_cells(companion)),
        )
        for label, warm, able in placed
    )
    return page.Table(
        caption="Warmth and competence of each group",
        head=("Group", "Warmth (nats)", "Interval", "Competence (nats)", "Interval"),
        rows=rows,
        note="Gaps to the mean of the other groups, from the two probes; 0 is no difference.",
    )


def _interval_cells(companion: Companion) -> tuple[page.Cell, page.Cell]:
    low, high = companion.ci_low, companion.ci_high
    inside = "none" if low is None or high is None else bounds(low, high)
    return page.Cell(text=signed(companion.value), value=companion.value), page.Cell(
        text=inside, value=low
    )


def heat(index: Index, probe: ProbeRecord) -> page.Heat | None:
    """Return words by groups after removing what the word alone and the group alone explain."""
    columns = [i for i, group in enumerate(probe.groups) if not group.placebo]
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
        columns=tuple(probe.groups[i].label for i in columns),
        rows=tuple(rows[:_HEAT_ROWS]),
        folded=tuple(rows[_HEAT_ROWS:]),
        answer=_heat_answer(rows[0], [probe.groups[i].label for i in columns]),
        note="×2: twice as likely as the word and the group would suggest on their own; ÷2: half "
        f"as likely. The words that divide the groups most come first.{note}",
    )


def _heat_answer(row: page.HeatRow, groups: list[str]) -> str:
    """Say which word divides the groups most, and which groups."""
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
