"""Two audits compared: every format that ``compare`` writes, the page included."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

from bias_audit.errors import UnknownNameError
from bias_audit.reports.formats import markdown
from bias_audit.reports.formats.csv import csv_text
from bias_audit.reports.formats.html import fill
from bias_audit.reports.text import (
    bounds,
    clean,
    clip,
    count,
    middle,
    plain,
    short,
    size,
    times,
    with_sign,
)
from bias_audit.reports.view import exhibits
from bias_audit.reports.view.exhibits import Cell, prose
from bias_audit.reports.view.index import OTHERS
from bias_audit.results import Change, Comparison, Model, ShareChange, dump_json, round_floats
from bias_audit.results.codes import CODES, describe
from bias_audit.utils.scales import scale_of

COLUMNS = (
    "result", "probe", "axis", "role", "group_a", "group_b", "label_a", "label_b", "verdict",
    "baseline", "candidate", "difference", "ci_low", "ci_high", "se", "df", "p_value",
    "p_adjusted", "rise", "rise_low", "rise_high", "bound_level", "identical", "n_templates",
    "n_terms", "n_targets", "cells", "cells_lost_share", "unit", "reason_code", "reason",
    "statuses",
)  # fmt: skip
"""Columns of the table, in order; an empty cell is a missing value."""
WORDS = {
    "larger": "larger",
    "turned": "turned round",
    "smaller": "smaller",
    "blocked": "not judged",
    "open": "no difference found",
    "same": "same scores",
}
"""What is said of a change, in the order in which a reader should meet it."""
SHARE_WORDS = {
    "higher": "higher",
    "lower": "lower",
    "open": "no difference found",
    "none": "no interval",
    "lost": "not judged",
    "same": "same scores",
}
"""What is said of a share of pairs."""
ALL = "all"
"""The category of all pairs of a data set."""
SAID = {"completions": "completions", "hurtful_completions": "hurtful completions"}
"""Measures in percentage points, as their rows are named."""
_LINES, _ROWS = 16, 1000
_CLOSING = (
    "Gaps and differences are in nats, of completions in percentage points; intervals are at 95 %,"
    " for each gap alone; larger, smaller and turned round hold after adjusting for the number of"
    " gaps. No difference found is not evidence that nothing changed."
)
_SHARE_CLOSING = (
    "Shares are percent of the pairs that both runs scored, changes are percentage points, and"
    " intervals are over clusters: writers, target terms or templates. 'Only one' counts the pairs"
    " in which only the baseline, and in which only the later run, prefers the first sentence, with"
    " McNemar's exact p, which takes pairs as independent. Higher and lower hold at p below 0.05"
    " over clusters, for a category after Holm. A share is not judged when more than a tenth of its"
    " pairs are not in both runs. No difference found is not evidence that nothing"
    " changed. Published data sets are measured and never judged."
)
_READ = (
    "Each line is a gap: its left end in the baseline, its right end now. On the level line there "
    "is no difference between the groups, and a line that leaves it is a gap that grows. Thick "
    "lines are changes that hold after adjusting for the number of gaps: diamonds for larger, "
    "circles for smaller, dashes for turned round. Thin ones are not told apart from no change."
)


def render(comparison: Comparison, format: str, *, secondary: bool = True) -> str:
    """Return the comparison in the named format; the same one always gives the same text.

    Args:
        comparison: what changed.
        format: one of :func:`formats`.
        secondary: show every pair of groups, not only the comparison that each probe declares.

    Raises:
        UnknownNameError: no format has this name.
    """
    if format not in _FORMATS:
        raise UnknownNameError("format", format, formats())
    return _FORMATS[format](comparison, secondary)


def formats() -> tuple[str, ...]:
    """Names of the formats, in alphabetical order."""
    return tuple(sorted(_FORMATS))


def verdict(change: Change) -> str:
    """Return the verdict on a change: a key of :data:`WORDS`.

    ``larger`` and ``smaller`` speak of the size of a gap, ``turned`` of one that changed its side.
    No difference found is not evidence that nothing changed.
    """
    if change.identical:
        return "same"
    if change.reason_code:
        return "blocked"
    if not change.differs:
        return "open"
    if (change.baseline or 0.0) * (change.candidate or 0.0) < 0:
        return "turned"
    return "larger" if (change.rise or 0.0) > 0 else "smaller"


def share_verdict(share: ShareChange) -> str:
    """Return the verdict on a share: a key of :data:`SHARE_WORDS`."""
    if share.identical:
        return "same"
    if share.statuses:
        return "lost"
    if share.p_value is None and share.difference:
        return "none"
    if not share.differs:
        return "open"
    return "higher" if share.difference > 0 else "lower"


def headline(comparison: Comparison) -> str:
    """The counts in one line: the first line of every output."""
    missing = len(comparison.missing)
    if comparison.shares:
        counts = _counts(map(share_verdict, comparison.shares), SHARE_WORDS)
        counts += [f"{missing:,} without a partner"] if missing else []
        total = count(len(comparison.shares), "share")
        return f"{total} of pairs compared with {clean(comparison.baseline)}: {', '.join(counts)}"
    words = {**WORDS, "same": "with the same scores"}
    counts = _counts(map(verdict, comparison.changes), words)
    total = count(len(comparison.changes), "gap")
    lead = f"{total} compared with {run_name(comparison.baseline)}"
    return f"{lead}: {', '.join(counts) or 'none'}{_alone(missing)}"


def _counts(verdicts: Iterator[str], words: dict[str, str]) -> list[str]:
    tally = Counter(verdicts)
    return [f"{tally[key]:,} {word}" for key, word in words.items() if tally[key]]


def _alone(missing: int) -> str:
    verb = "has" if missing == 1 else "have"
    return f"; {count(missing, 'result')} of one run {verb} no partner" if missing else ""


def run_name(path_text: str) -> str:
    """A run as it was named; of a whole path its last two parts, which are enough to know it."""
    path = PurePath(path_text)
    if not path.is_absolute():
        return clean(path_text)
    parts = (path.parent if path.name == "results.json" else path).parts[1:]
    return clean("/".join(parts[-2:]) or path_text)


def gap_name(change: Change) -> str:
    """The gap of a change: its probe and its groups."""
    labels = [clean(label) for label in (change.group_labels or change.groups)]
    if OTHERS in change.groups:
        labels[-1] = "others"
    name = f"{clean(change.probe)}: {' - '.join(short(label, 24) for label in labels)}"
    return f"{name}, {SAID[change.metric]}" if change.metric in SAID else name


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sheet:
    """A comparison in the words that every output shows."""

    head: tuple[str, ...]
    rows: tuple[exhibits.Row, ...]
    numbers: tuple[int, ...]
    """Columns that hold one number."""
    lines: tuple[str, ...]
    """Text below the rows."""


def _changes(comparison: Comparison, secondary: bool) -> list[Change]:
    """The changes that are shown, the largest rise first."""
    rank = {key: place for place, key in enumerate(WORDS)}
    chosen = [
        c
        for c in comparison.changes
        if secondary or c.role == "primary" or (c.metric in SAID and c.differs)
    ]
    return sorted(chosen, key=lambda c: (rank[verdict(c)], -(c.rise or 0.0), c.result))


def _shares(comparison: Comparison, categories: bool) -> list[ShareChange]:
    """The overall shares, and all categories or those that differ."""
    return [s for s in comparison.shares if categories or s.category == ALL or s.differs]


def _sheet(comparison: Comparison, secondary: bool) -> _Sheet:
    head: tuple[str, ...]
    numbers: tuple[int, ...]
    if comparison.shares:
        shares = _shares(comparison, secondary)
        hidden = len(comparison.shares) - len(shares)
        head = ("Share of pairs", "Pairs", "Baseline", "Now", "Change", "95 %", "Only one")
        rows, numbers = tuple(map(_share_row, shares)), (1, 2, 3, 4)
        notes, kind = [*_share_remarks(comparison)], "of single categories"
    else:
        changes = _changes(comparison, secondary)
        hidden = len(comparison.changes) - len(changes)
        head = ("Gap", "Baseline", "Now", "Change", "95 %")
        rows, numbers = tuple(map(_row, changes)), (1, 2, 3)
        notes, kind = [], "between single groups, or of completions"
    more = [f"{hidden} more {kind}: --all shows them."] if hidden else []
    closing = _SHARE_CLOSING if comparison.shares else _CLOSING
    lines = (*more, *notes, *_remarks(comparison), closing)
    return _Sheet(head=(*head, "In words"), rows=rows, numbers=numbers, lines=lines)


def _row(change: Change) -> exhibits.Row:
    ends = (change.baseline, change.candidate, change.difference)
    word = WORDS[verdict(change)]
    return (
        prose(gap_name(change)),
        *(Cell("" if value is None else with_sign(value), value) for value in ends),
        Cell(bounds(change.ci_low, change.ci_high), change.ci_low),
        prose(
            f"{word}: {clean(change.reason_code)}" if verdict(change) == "blocked" else word
        ),
    )  # fmt: skip


def _share_row(share: ShareChange) -> exhibits.Row:
    which = "all pairs" if share.category == ALL else short(clean(share.category), 24)
    p = share.p_value if share.category == ALL else share.p_adjusted
    state = share_verdict(share)
    word = share.reason if state == "none" and share.reason else SHARE_WORDS[state]
    if state == "lost":
        word = f"{word}: {share.lost_share:.0%} of the pairs are not in both runs"
    elif p is not None and state != "same":
        word = f"{word}, p {p:.2g}"
    return (
        prose(f"{clean(share.dataset)}: {clean(share.measure)}, {which}"),
        Cell(f"{share.pairs:,}", share.pairs),
        Cell(plain(share.baseline, 1), share.baseline),
        Cell(plain(share.candidate, 1), share.candidate),
        Cell(with_sign(share.difference, 1), share.difference),
        Cell(bounds(share.ci_low, share.ci_high), share.ci_low),
        Cell(f"{share.only_baseline:,} : {share.only_candidate:,}, p {share.mcnemar_p:.2g}"),
        prose(word),
    )


def _remarks(comparison: Comparison) -> Iterator[str]:
    yield from (f"Note: {clean(notice)}." for notice in comparison.notices)
    alone = Counter((lost.probe, lost.reason) for lost in comparison.missing)
    for (probe, reason), number in alone.items():
        yield f"Without a partner: {clean(probe)}, {count(number, 'result')}: {clean(reason)}."
    codes = dict.fromkeys(c.reason_code for c in comparison.changes if c.reason_code)
    yield from (f"{code}: {describe(code)}" for code in codes if code in CODES)


def _share_remarks(comparison: Comparison) -> Iterator[str]:
    """What the measures are, and what was lost."""
    for share in {share.measure: share for share in comparison.shares}.values():
        neutral = "" if share.neutral is None else f"neutral {share.neutral:g}; "
        name = clean(share.measure_name or share.measure)
        yield f"{clean(share.measure)}: {name}; {neutral}{clean(share.direction)}."
    for s in comparison.shares:
        if s.lost_pairs and s.category == ALL:
            lost = count(s.lost_pairs, "pair")
            yield f"{clean(s.dataset)}, {clean(s.measure)}: {lost} not scored by both runs."


def _terminal(comparison: Comparison, secondary: bool) -> str:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    stream = io.StringIO()
    console = Console(file=stream, width=110, color_system=None, force_terminal=False, emoji=False)
    sheet = _sheet(comparison, secondary)
    console.print(Text(headline(comparison)), highlight=False)
    table = Table(box=None, pad_edge=False)
    for place, name in enumerate(sheet.head):
        side: Literal["left", "right"] = "right" if place in sheet.numbers else "left"
        fixed = bool(comparison.shares) and place < len(sheet.head) - 1
        table.add_column(Text(name.lower()), justify=side, overflow="fold", no_wrap=fixed)
    for row in sheet.rows:
        table.add_row(*(Text(cell.text) for cell in row))
    if sheet.rows:
        console.print(table)
    for line in sheet.lines:
        console.print(Text(line), highlight=False)
    return "\n".join(text.rstrip() for text in stream.getvalue().splitlines()) + "\n"


def _markdown(comparison: Comparison, secondary: bool) -> str:
    sheet = _sheet(comparison, secondary)
    *lines, closing = map(markdown.escape, sheet.lines)
    head = f"**{markdown.escape(headline(comparison))}**\n\n"
    tail = "\n".join([*lines, "", closing, ""])
    rows = [markdown.table_row(cell.text for cell in row) for row in sheet.rows]
    room = markdown.LIMIT - len(tail.encode())
    start = head + markdown.table_head(sheet.head, sheet.numbers)
    return markdown.within(start, rows, room, more=", which do not fit here.") + tail


def _csv(comparison: Comparison, secondary: bool) -> str:
    if comparison.shares:
        rows = [
            [*share.model_dump().values(), share_verdict(share)]
            for share in _shares(comparison, secondary)
        ]
        return csv_text((*ShareChange.model_fields, "verdict"), rows)
    changes = (c for c in comparison.changes if secondary or c.role == "primary")
    return csv_text(COLUMNS, map(_csv_row, changes))


def _csv_row(change: Change) -> list[object]:
    groups, labels = ((*some, "", "")[:2] for some in (change.groups, change.group_labels))
    words = {
        "group_a": groups[0],
        "group_b": groups[1],
        "label_a": labels[0],
        "label_b": labels[1],
        "verdict": verdict(change),
        "statuses": " ".join(change.statuses),
    }
    return [words.get(name, getattr(change, name, None)) for name in COLUMNS]


def _json(comparison: Comparison, _: bool) -> str:
    """Everything, also what other formats leave out."""
    return dump_json(round_floats(comparison.model_dump(mode="json")))


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparisonPage:
    """Two runs, ready to be read."""

    title: str
    lead: str
    facts: tuple[tuple[str, str], ...]
    picture: exhibits.Slopes | None
    table: exhibits.Table | None
    alone: str
    """Why there is no chart, or no table either."""
    remarks: tuple[str, ...]


def _html(comparison: Comparison, secondary: bool) -> str:
    return fill("compare.html.j2", build_page(comparison, secondary))


def build_page(comparison: Comparison, secondary: bool) -> ComparisonPage:
    """Turn a comparison into what its page shows."""
    changes = _changes(comparison, secondary)
    sheet = _sheet(comparison, secondary)
    caption, alone, rows = "Shares of pairs in both runs", "", sheet.rows[:_ROWS]
    if not comparison.shares:
        caption, alone = "Gaps in both runs", "The two runs have no gap in common."
        if changes:
            alone = "No gap was measured in both runs; the table gives the reasons."
        rows = tuple(
            (row[0], *_ends(change), *row[3:]) for row, change in zip(rows, changes, strict=False)
        )
    left = len(sheet.rows) - len(rows)
    table = exhibits.Table(
        caption=caption,
        head=sheet.head,
        rows=tuple(tuple(Cell(clip(c.text, 200), c.value, long=c.long) for c in r) for r in rows),
        note=f"{left:,} more are in the formats csv and json." if left else "",
    )
    return ComparisonPage(
        title="What changed between two models",
        lead=headline(comparison),
        facts=_facts(comparison),
        picture=_slopes(comparison, changes, table),
        table=table if rows else None,
        alone=alone,
        remarks=tuple(clip(line, 2000) for line in sheet.lines),
    )


def _ends(change: Change) -> Iterator[Cell]:
    """Both gaps in their own unit, and as the odds that the chart shows."""
    for value in (change.baseline, change.candidate):
        if value is None:
            yield Cell("not measured")
        else:
            odds = f" ({times(abs(value))}×)" if change.unit == "nats" else ""
            yield Cell(f"{with_sign(value)}{odds}", value)


def _facts(comparison: Comparison) -> tuple[tuple[str, str], ...]:
    runs = (
        ("Baseline", comparison.baseline, comparison.baseline_model),
        ("Now", comparison.candidate, comparison.candidate_model),
    )
    facts = []
    for name, run, model in runs:
        facts.append((name, clip(run_name(run) or "the audited run", 200)))
        if model is not None:
            revision = f" at {model.revision}" if model.revision else ""
            facts.append((f"{name}: model", clip(clean(f"{model.name}{revision}"), 300)))
            facts.append((f"{name}: fingerprint", clip(clean(model.fingerprint), 80)))
    return (*facts, ("Same scores", _same(comparison)))


def _same(comparison: Comparison) -> str:
    """Whether the scores are the same, where they could be paired."""
    pairs = comparison.shares or comparison.changes
    if not pairs:
        return "nothing could be paired"
    if not all(one.identical for one in pairs):
        return "no"
    where = f"in every {'pair' if comparison.shares else 'paired sentence'}"
    if comparison.identical:
        return f"yes, {where}"
    return f"{where} that both runs have{_alone(len(comparison.missing))}"


def _slopes(
    comparison: Comparison, changes: Sequence[Change], table: exhibits.Table
) -> exhibits.Slopes | None:
    """The first gaps of the table that both runs could measure, in the unit that most have."""
    both = [c for c in changes if c.baseline is not None and c.candidate is not None]
    if not both:
        return None
    unit = Counter(change.unit for change in both).most_common(1)[0][0]
    able = [change for change in both if change.unit == unit]
    rows = tuple(
        exhibits.Slope(
            label=middle(gap_name(change), 110),
            before=change.baseline or 0.0,
            after=change.candidate or 0.0,
            verdict=verdict(change),
        )
        for change in able[:_LINES]
    )
    cut = f" The first {len(rows)} of {len(able):,} are drawn." if len(able) > len(rows) else ""
    if left := len(changes) - len(able):
        cut += (
            f" {left:,} more, without a number in both runs or in another unit, "
            f"{'stands' if left == 1 else 'stand'} in the table only."
        )
    return exhibits.Slopes(
        name="chart-changes",
        title="Which gaps have changed, and to which side?",
        question=_READ + cut,
        summary=_summary(rows, unit),
        answer=f"Of {count(len(able), 'gap')}: {', '.join(_counts(map(verdict, able), WORDS))}.",
        table=table,
        rows=rows,
        before=_end_name(comparison.baseline, comparison.baseline_model, "baseline"),
        after=_end_name(comparison.candidate, comparison.candidate_model, "now"),
        unit=unit,
    )


def _end_name(run: str, model: Model | None, otherwise: str) -> str:
    """The label of an end of the lines: the name of the run, without its folders."""
    name = clean(run) or (clean(model.name) if model else "")
    return name.rstrip("/").rsplit("/", 1)[-1] or otherwise


def _summary(rows: Sequence[exhibits.Slope], unit: str) -> str:
    def number(value: float) -> str:
        return f"{value:.3g}" if scale_of(unit) is None else size(abs(value), unit)

    parts = [
        f"{row.label}: {number(row.before)} before, {number(row.after)} now, {WORDS[row.verdict]}"
        for row in rows[:12]
    ]
    return f"{count(len(rows), 'gap')} in both runs. {'; '.join(parts)}."


_FORMATS: dict[str, Callable[[Comparison, bool], str]] = {
    "terminal": _terminal,
    "html": _html,
    "md": _markdown,
    "csv": _csv,
    "json": _json,
}
