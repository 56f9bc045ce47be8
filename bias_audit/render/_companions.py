"""Charts of measures beside a result: words behind a divergence, groups in a plane."""

from __future__ import annotations

from bias_audit.reports.text import bounds, count, percent, plain, short, signed
from bias_audit.reports.view import page
from bias_audit.reports.view.index import Index
from bias_audit.results import Companion, ProbeRecord, Result

_WORDS = 24
"""Words of the chart, over all groups."""


def drivers(index: Index, probe: ProbeRecord) -> page.Intervals | None:
    """Which words make the completions of the groups differ, and after which group they stand."""
    result = _of(index, probe, "jsd")
    shares = [c for c in result.companions if c.metric == "jsd_share"] if result else []
    whole = sum(share.value for share in shares)
    if result is None or len(shares) < 2 or whole <= 0:
        return None
    labels = {group.id: group.label for group in probe.groups}
    two = len(shares) == 2
    named = [(labels.get(c.groups[0], c.groups[0]) if c.groups else "", c) for c in shares]
    most = max(_WORDS // len(named), 3)
    rows = tuple(
        row
        for place, (label, share) in enumerate(named)
        for row in _pulls(share, label, whole, most, sign=-1 if two and place else 1)
    )
    if not rows:
        return None
    harmful = sum(word.harmful for share in shares for word in share.words)
    covered = f" {count(harmful, 'harmful word is', 'harmful words are')} left to results.json."
    first, second = named[0][0], named[1][0]
    aim = f"Bars to the right: words said more after {first}; to the left: after {second}. "
    question = (
        f"{aim if two else 'Each group has the words that are said most after it. '}"
        "The length is the word's share of the whole difference between the completions, per cent."
    )
    return page.Intervals(
        name=index.name("chart", f"drivers-{probe.id}"),
        title="Which words make the completions differ?",
        question=question + (covered if harmful else ""),
        summary=_say(named, whole),
        answer=_leaders(named),
        table=_table(named, whole),
        rows=rows,
        left=f"said more after {second}" if two else "",
        right=f"said more after {first}" if two else "share of the difference",
        unit="per cent of the divergence",
        bars=True,
        digits=1,
    )


def _of(index: Index, probe: ProbeRecord, metric: str) -> Result | None:
    found = [r for r in index.of(probe.id) if r.metric == metric and r.companions]
    return found[0] if found else None


def _pulls(
    share: Companion, label: str, whole: float, most: int, *, sign: int
) -> list[page.IntervalRow]:
    words = [word for word in share.words if not word.harmful and word.value > 0][:most]
    return [
        page.IntervalRow(
            label=short(word.token, 40), estimate=sign * 100 * word.value / whole, low=None,
            high=None, heading=f"After {label}", part=share.groups[0] if share.groups else "",
        )
        for word in words
    ]  # fmt: skip


def _leaders(named: list[tuple[str, Companion]]) -> str:
    """The first word of each group."""
    tops = [(label, next((w.token for w in s.words if not w.harmful), "")) for label, s in named]
    told = [f"after {label} “{short(word, 24)}”" for label, word in tops[:8] if word]
    return f"Most of all: {', '.join(told)}."


def _say(named: list[tuple[str, Companion]], whole: float) -> str:
    parts = []
    for label, share in named[:8]:
        words = [short(w.token, 24) for w in share.words if not w.harmful][:4]
        parts.append(f"{label}: {percent(share.value / whole)}, first {', '.join(words) or 'none'}")
    return f"{'; '.join(parts)}."


def _table(named: list[tuple[str, Companion]], whole: float) -> page.Table:
    rows = [
        (
            page.Cell(text=short(word.token, 60)),
            page.Cell(text=f"after {label}"),
            page.Cell(text=percent(word.value / whole), value=100 * word.value / whole),
            page.Cell(text=plain(word.value, 4), value=word.value),
        )
        for label, share in named
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
    """Where each group stands between cold and warm, and between incompetent and competent."""
    result = _of(index, probe, "warmth_competence")
    if result is None:
        return None
    axes: dict[str, dict[str, Companion]] = {"warmth": {}, "competence": {}}
    for found in result.companions:
        if found.metric in axes and found.groups:
            axes[found.metric][found.groups[0]] = found
    labels = {group.id: group.label for group in probe.groups}
    both = [(labels.get(g, g), warm, axes["competence"][g]) for g, warm in axes["warmth"].items()
            if g in axes["competence"]]  # fmt: skip
    if len(both) < 2:
        return None
    parts = [
        f"{label}: warmth {signed(warm.value)}, competence {signed(able.value)}"
        for label, warm, able in both
    ]
    far = max(range(len(both)), key=lambda i: abs(both[i][1].value) + abs(both[i][2].value))
    return page.Plane(
        name=index.name("chart", f"plane-{probe.id}"),
        title="Warm or cold, competent or not: where does the model put each group?",
        question="Each dot is a group beside the mean of the others. Right: warm words are more "
        "likely after it; up: competent ones. Groups at the upper left and the lower right are the "
        "mixed stereotypes: cold and competent, or warm and incompetent.",
        summary=f"{'; '.join(parts[:12])}.",
        answer=f"Furthest from the middle: {parts[far]}.",
        table=_plane_table(both),
        points=tuple((warm.value, able.value, label) for label, warm, able in both),
        left="colder",
        right="warmer",
        above="more competent",
        below="less competent",
        unit=result.unit,
    )


def _plane_table(both: list[tuple[str, Companion, Companion]]) -> page.Table:
    rows = tuple(
        (
            page.Cell(text=label),
            *(cell for found in (warm, able) for cell in _placed(found)),
        )
        for label, warm, able in both
    )
    return page.Table(
        caption="Warmth and competence of each group",
        head=("Group", "Warmth (nats)", "Interval", "Competence (nats)", "Interval"),
        rows=rows,
        note="Gaps to the mean of the other groups, from the two probes; 0 is no difference.",
    )


def _placed(found: Companion) -> tuple[page.Cell, page.Cell]:
    low, high = found.ci_low, found.ci_high
    inside = "none" if low is None or high is None else bounds(low, high)
    return page.Cell(text=signed(found.value), value=found.value), page.Cell(text=inside, value=low)
