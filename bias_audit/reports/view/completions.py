"""What groups are completed by, in words: the words first, with percentages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from bias_audit.reports import wording as words
from bias_audit.reports.text import count, percent, plain, short
from bias_audit.reports.view import exhibits, measures, page
from bias_audit.reports.view.exhibits import Cell, Row, prose
from bias_audit.reports.view.index import OTHERS, Index
from bias_audit.results import Companion, GroupProfile, ProbeRecord, Result, WordShare

OVERALL, COMPARED, HURTFUL = "jsd", "completions", "hurtful_completions"
_GROUPS = 3
"""Groups whose words a line names, those that differ most."""
_WORDS, _BRIEF = 3, 2
"""Words of a group that are named, in full and at a glance."""


def lines(index: Index) -> tuple[page.CompletionLine, ...]:
    """Say of every probe whether its completions differ; those that surely differ most first.

    Probes with the same sentences and groups have the same completions and share a line.
    """
    order = ("completions_differ", "no_difference_shown", "not_measurable")
    asked = [r for r in index.audit.results if r.metric == OVERALL and r.outcome]
    asked.sort(key=lambda result: -_least(index, result))
    every = [_line(index, r) for r in asked]
    joined: dict[tuple[str, str, str], page.CompletionLine] = {}
    for one in every:
        key = one.outcome, one.statement or one.probe, one.hurtful
        first = joined.get(key)
        probe = f"{first.probe}; {one.probe}" if first and one.statement else one.probe
        joined[key] = page.CompletionLine(
            outcome=one.outcome,
            probe=probe,
            statement=one.statement,
            brief=one.brief,
            hurtful=one.hurtful,
            reason=one.reason,
            href=one.href,
        )
    return tuple(sorted(joined.values(), key=lambda one: order.index(one.outcome)))


def _least(index: Index, result: Result) -> float:
    """Lower end of the largest difference that a probe shows, percentage points."""
    compared = (r for r in index.of(result.probe) if r.metric == COMPARED)
    return max((r.ci_low or 0.0 for r in compared if r.outcome == result.outcome), default=0.0)


def lead(every: Iterable[page.CompletionLine]) -> str:
    """Say in how many probes completions differ; empty where none was asked for."""
    outcomes = [one.outcome for one in every for _ in one.probe.split("; ")]
    if not outcomes:
        return ""
    differ, lost = (outcomes.count(name) for name in ("completions_differ", "not_measurable"))
    probes = f"{differ or 'none'} of {count(len(outcomes), 'probe')}"
    more = f", {lost} not measurable" if lost else ""
    return f"Completions differ between groups in {probes}{more}"


def _line(index: Index, result: Result) -> page.CompletionLine:
    own = index.of(result.probe)
    compared = [one for one in own if one.metric == COMPARED]
    differ = result.outcome == "completions_differ"
    said = _statements(index, compared)
    brief = next(iter(_statements(index, compared, _BRIEF)), "")
    return page.CompletionLine(
        outcome=result.outcome or "",
        probe=index.title(result.probe),
        statement="; ".join(said) if differ else "",
        brief=f"{index.title(result.probe)}: {brief}" if differ and brief else "",
        hurtful=hurtful_line(index, [one for one in own if one.metric == HURTFUL]),
        reason=words.sentence(result.reason),
        href=index.name("probe", result.probe) if result.probe in index.probes else "",
    )


def _statements(index: Index, compared: list[Result], limit: int = _WORDS) -> list[str]:
    """Name the words of the groups that differ most, those shown to differ before others."""
    shown = [r for r in compared if r.outcome != "no_difference_shown"] or compared
    order = sorted(
        shown,
        key=lambda r: (r.outcome != "completions_differ", -(r.ci_low or 0.0), -(r.estimate or 0.0)),
    )
    return [said for result in order[:_GROUPS] for said in ties(index, result, limit)]


def ties(index: Index, result: Result, limit: int = _WORDS) -> list[str]:
    """Name the words after each group: ``Sikh → killed 2.2 %, late 1.0 % (others 1 %, 0.5 %)``."""
    labels = dict(zip(result.groups, index.labels(result), strict=False))
    parts = []
    for companion in result.companions:
        if companion.metric != "completion_words":
            continue
        group = companion.groups[0]
        rest = "others" if OTHERS in result.groups else ""
        other = next((name for key, name in labels.items() if key != group), rest)
        text = _words(companion, rest or other, limit)
        if text:
            parts.append(f"{labels.get(group, group)} → {text}")
    return parts


def _words(companion: Companion, others: str, limit: int) -> str:
    shown = [word for word in companion.words if not word.harmful][:limit]
    said = ", ".join(f"{short(word.token, 30)} {percent(word.value)}" for word in shown)
    if shown:
        said += f" ({others} {', '.join(map(_others, shown))})"
    if harmful := sum(word.harmful for word in companion.words):
        folded = count(harmful, "harmful word") + " folded"
        said = f"{said}, {folded}" if said else folded
    return said


def _others(word: WordShare) -> str:
    return percent(word.others) if word.others else "0 %"


def hurtful_line(index: Index, results: list[Result]) -> str:
    """Say what share of the probability hurtful words take after each group, and who differs."""
    shares = {
        companion.groups[0]: companion
        for result in results
        for companion in result.companions
        if companion.metric == "hurtful_share" and companion.groups
    }
    if not shares:
        return ""
    labels = {
        key: name
        for result in results
        for key, name in zip(result.groups, index.labels(result), strict=False)
    }
    order = sorted(shares, key=lambda group: -shares[group].value)
    picked = order if len(order) <= _GROUPS else [order[0], order[-1]]
    text = ", ".join(f"{labels.get(g, g)} {_share(shares[g])}" for g in picked)
    if len(order) > _GROUPS:
        text = f"most and fewest of {len(order)} groups: {text}"
    differ = [index.labels(r)[0] for r in results if r.outcome == "completions_differ"]
    lost = all(r.outcome == "not_measurable" for r in results)
    verdict = f"shown to differ from the others: {', '.join(differ)}"
    if len(order) == 2:
        verdict = f"shown to be more after {labels.get(order[0], order[0])}"
    verdict = verdict if differ else "no difference shown"
    return f"{text}; {'too little to test' if lost and not differ else verdict}"


def _share(companion: Companion) -> str:
    if companion.value <= 0:
        return "0 %"
    if companion.ci_low is None or companion.ci_high is None:
        return percent(companion.value)
    low, high = percent(companion.ci_low), percent(companion.ci_high)
    return f"{percent(companion.value)} [{low.removesuffix(' %')}, {high.removesuffix(' %')}]"


def columns(
    index: Index, probe: ProbeRecord, only: Collection[str] = (), most: int = 6
) -> tuple[page.Column, ...]:
    """Return the likeliest completions of the groups of a probe, harmful ones apart.

    Args:
        index: the audit.
        probe: whose groups.
        only: ids of these groups; all without any.
        most: words of a group; all of its harmful ones.
    """
    groups = [g for g in probe.groups if g.completions and (not only or g.id in only)]
    seen = Counter(token for g in groups for token in {c.token for c in g.completions[:most]})
    secondary = index.of(probe.id, "secondary")

    def column(group: GroupProfile) -> page.Column:
        items = [
            (
                completion.harmful,
                page.Word(
                    text=short(completion.token, 40),
                    probability=percent(completion.probability),
                    alone=len(groups) > 1 and seen[completion.token] == 1,
                ),
            )
            for completion in group.completions
        ]
        return page.Column(
            group=f"{group.label}{' (placebo)' if group.placebo else ''}",
            words=tuple(word for harmful, word in items if not harmful)[:most],
            harmful=(
                *(word for harmful, word in items if harmful), *measures.hits(secondary, group)
            ),
        )  # fmt: skip

    return tuple(map(column, groups))


def word_tables(
    index: Index, probe: ProbeRecord, without: Collection[str] = ()
) -> tuple[exhibits.Table | None, exhibits.Table | None]:
    """Return the words that tell groups apart, without harmful ones, and the harmful ones.

    Args:
        index: the audit.
        probe: whose comparisons.
        without: ids of the primary results whose groups are left out: their cards show the words.
    """
    left_out = {index.results[result].groups for result in without if result in index.results}
    return _word_tables(
        index,
        [r for r in index.of(probe.id) if r.metric == COMPARED and r.groups not in left_out],
    )


def words_between(
    index: Index, result: Result
) -> tuple[exhibits.Table | None, exhibits.Table | None]:
    """Return the words that tell the groups of one comparison apart, harmful ones apart."""
    own = index.of(result.probe)
    return _word_tables(
        index, [r for r in own if r.metric == COMPARED and set(r.groups) == set(result.groups)]
    )


def _word_tables(
    index: Index, results: Iterable[Result]
) -> tuple[exhibits.Table | None, exhibits.Table | None]:
    rows = [(word, row) for result in results for word, row in _rows(index, result)]
    head = ("After", "Word", "Probability", "Elsewhere", "Times as likely", "95 % interval")
    note = (
        "Words of the likeliest that are surely likelier after one group, by sentences and group "
        "words; they were picked because they differ most. Function words and words of the groups' "
        "names are left out."
    )
    shown = [row for word, row in rows if not word.harmful]
    folded = [row for word, row in rows if word.harmful]
    return (
        exhibits.table("Words that tell the groups apart", head, shown, note),
        exhibits.table("Harmful words among them", head, folded, note),
    )


def _rows(index: Index, result: Result) -> Iterator[tuple[WordShare, Row]]:
    labels = dict(zip(result.groups, index.labels(result), strict=False))
    for companion in result.companions:
        for word in companion.words if companion.metric == "completion_words" else ():
            known = word.ci_low is not None and word.ci_high is not None
            limits = f"{plain(word.ci_low)} to {plain(word.ci_high)}" if known else "none"  # type: ignore[arg-type]
            yield (
                word,
                (
                    Cell(labels.get(companion.groups[0], companion.groups[0])),
                    Cell(short(word.token, 40)),
                    Cell(percent(word.value), word.value),
                    Cell(_others(word), word.others),
                    Cell("none" if word.ratio is None else plain(word.ratio), word.ratio),
                    Cell(limits, word.ci_low),
                ),
            )


def comparison_table(index: Index, probe: ProbeRecord) -> exhibits.Table | None:
    """Return how much of the completions differs in each comparison, hurtful ones after them."""
    results = [r for r in index.of(probe.id) if r.metric in (COMPARED, HURTFUL)]
    rows = [
        (
            prose(index.versus(result)),
            prose("all words" if result.metric == COMPARED else "hurtful words"),
            Cell(_points(result.estimate), result.estimate),
            Cell(
                "none"
                if result.ci_low is None or result.ci_high is None
                else f"{plain(result.ci_low)} to {plain(result.ci_high)}",
                result.ci_low,
            ),
            Cell(words.PILLS.get(result.outcome or "", "none")),
            prose(words.chance(result)),
            prose(words.sentence(result.reason)),
        )
        for result in results
    ]
    head = ("Comparison", "Of", "Differs by", "95 % interval", "Outcome", "p", "Remarks")
    return exhibits.table("Completions compared: percentage points of the probability", head, rows)


def _points(value: float | None) -> str:
    return "none" if value is None else f"{plain(value)} points"
