"""A comparison of two runs in words: a row for each gap, or for each share of pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from bias_audit.reports.text import bounds, clean, count, plain, short, with_sign
from bias_audit.reports.view.index import OTHERS
from bias_audit.results import Change, Comparison, ShareChange
from bias_audit.results.codes import CODES, describe

WORDS = {
    "larger": "larger",
    "turned": "turned round",
    "smaller": "smaller",
    "blocked": "not judged",
    "open": "no difference found",
    "same": "same scores",
}
"""What is said of a change, in the order in which a reader should meet it."""
CLOSING = (
    "Gaps and differences are in nats; intervals are at 95 %, for each gap alone; larger, smaller"
    " and turned round hold after adjusting for the number of gaps. No difference found is not"
    " evidence that nothing changed."
)
ALL = "all"
SHARE_WORDS = {
    "higher": "higher",
    "lower": "lower",
    "open": "no difference found",
    "none": "no interval",
    "lost": "not judged",
    "same": "same scores",
}
"""The verdicts on a share of pairs, in words."""
SHARE_HEAD = (
    "Share of pairs",
    "Pairs",
    "Baseline",
    "Now",
    "Change",
    "95 %",
    "Only one",
    "In words",
)
"""Columns of the table."""
SHARE_NUMBERS = (1, 2, 3, 4)
"""Those that hold one number."""
SHARE_CLOSING = (
    "Shares are percent of the pairs that both runs scored, changes are percentage points, and"
    " intervals are over clusters: writers, target terms or templates. 'Only one' counts the pairs"
    " in which only the baseline, and in which only the later run, prefers the first sentence, with"
    " McNemar's exact p, which takes pairs as independent. Higher and lower hold at p below 0.05"
    " over clusters, for a category after Holm. A share is not judged when more than a tenth of its"
    " pairs are not in both runs. No difference found is not evidence that nothing"
    " changed. Published data sets are measured and never judged."
)


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


def headline(comparison: Comparison) -> str:
    """The counts in one line: the first line of every output."""
    tally = Counter(verdict(change) for change in comparison.changes)
    words = {**WORDS, "same": "with the same scores"}
    parts = [f"{tally[key]:,} {word}" for key, word in words.items() if tally[key]]
    missing, alone = len(comparison.missing), ""
    if missing:
        alone = f"; {missing:,} more {'has' if missing == 1 else 'have'} no partner"
    total = count(len(comparison.changes), "gap")
    lead = f"{total} compared with {run_name(comparison.baseline)}"
    return f"{lead}: {', '.join(parts) or 'none'}{alone}"


def run_name(path_text: str) -> str:
    """A run as it was named; of a whole path its last two parts, which are enough to know it."""
    path = PurePath(path_text)
    if not path.is_absolute():
        return clean(path_text)
    parts = (path.parent if path.name == "results.json" else path).parts[1:]
    return clean("/".join(parts[-2:]) or path_text)


def sorted_changes(changes: Iterable[Change], secondary: bool) -> list[Change]:
    """The changes that are shown, the largest rise first."""
    rank = {key: place for place, key in enumerate(WORDS)}
    chosen = [change for change in changes if secondary or change.role == "primary"]
    return sorted(chosen, key=lambda c: (rank[verdict(c)], -(c.rise or 0.0), c.result))


def gap_name(change: Change) -> str:
    """The gap of a change: its probe and its groups."""
    labels = [clean(label) for label in (change.group_labels or change.groups)]
    if OTHERS in change.groups:
        labels[-1] = "others"
    return f"{clean(change.probe)}: {' - '.join(short(label, 24) for label in labels)}"


def verdict_text(change: Change) -> str:
    """Return the verdict, with the code that forbids one."""
    word = WORDS[verdict(change)]
    return f"{word}: {clean(change.reason_code)}" if verdict(change) == "blocked" else word


def change_numbers(change: Change) -> tuple[str, str, str, str]:
    """Both gaps, the difference and its interval, as the tables print them."""
    columns = [
        "" if value is None else with_sign(value)
        for value in (change.baseline, change.candidate, change.difference)
    ]
    low, high = change.ci_low, change.ci_high
    return (
        columns[0],
        columns[1],
        columns[2],
        "" if low is None or high is None else bounds(low, high),
    )


def remarks(comparison: Comparison) -> list[str]:
    """Return the lines below the table."""
    lines = [f"Note: {clean(notice)}." for notice in comparison.notices]
    by_reason: dict[tuple[str, str], list[str]] = {}
    for lost in comparison.missing:
        by_reason.setdefault((lost.probe, lost.reason), []).append(lost.result)
    lines += [
        f"Without a partner: {clean(probe)}, {count(len(ids), 'result')}: {clean(reason)}."
        for (probe, reason), ids in by_reason.items()
    ]
    codes = dict.fromkeys(c.reason_code for c in comparison.changes if c.reason_code)
    lines += [f"{code}: {describe(code)}" for code in codes if code in CODES]
    return lines


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """A comparison as rows of words."""

    lead: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...]
    """Columns that hold one number."""
    lines: tuple[str, ...]
    """Text below the rows."""


def sheet(comparison: Comparison, secondary: bool) -> Sheet:
    """The words that every output shows."""
    if comparison.shares:
        rows = visible_shares(comparison, secondary)
        below = (*share_remarks(comparison, rows), *remarks(comparison), SHARE_CLOSING)
        return Sheet(
            lead=share_headline(comparison),
            head=SHARE_HEAD,
            rows=tuple(share_row(share) for share in rows),
            numbers=SHARE_NUMBERS,
            lines=below,
        )
    changes = sorted_changes(comparison.changes, secondary)
    return Sheet(
        lead=headline(comparison),
        head=("Gap", "Baseline", "Now", "Change", "95 %", ""),
        rows=tuple(
            (gap_name(change), *change_numbers(change), verdict_text(change)) for change in changes
        ),
        numbers=(1, 2, 3),
        lines=(*hidden_note(comparison, changes), *remarks(comparison), CLOSING),
    )


def hidden_note(comparison: Comparison, changes: Sequence[Change]) -> list[str]:
    """How many changes are not shown, if any."""
    left = len(comparison.changes) - len(changes)
    return [f"{left} more between single groups: --all shows them."] if left else []


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


def share_headline(comparison: Comparison) -> str:
    """The counts in one line."""
    tally = Counter(share_verdict(share) for share in comparison.shares)
    parts = [f"{tally[key]:,} {word}" for key, word in SHARE_WORDS.items() if tally[key]]
    if comparison.missing:
        parts.append(f"{len(comparison.missing):,} without a partner")
    total = count(len(comparison.shares), "share")
    return f"{total} of pairs compared with {clean(comparison.baseline)}: {', '.join(parts)}"


def visible_shares(comparison: Comparison, categories: bool) -> list[ShareChange]:
    """The overall shares, and all categories or those that differ."""
    return [s for s in comparison.shares if categories or s.category == ALL or s.differs]


def share_row(share: ShareChange) -> tuple[str, ...]:
    """The columns of one share, as the tables print them."""
    which = "all pairs" if share.category == ALL else short(clean(share.category), 24)
    p = share.p_value if share.category == ALL else share.p_adjusted
    state = share_verdict(share)
    word = share.reason if state == "none" and share.reason else SHARE_WORDS[state]
    if state == "lost":
        word = f"{word}: {share.lost_share:.0%} of the pairs are not in both runs"
    low, high = share.ci_low, share.ci_high
    return (
        f"{clean(share.dataset)}: {clean(share.measure)}, {which}",
        f"{share.pairs:,}",
        plain(share.baseline, 1),
        plain(share.candidate, 1),
        with_sign(share.difference, 1),
        "" if low is None or high is None else bounds(low, high),
        f"{share.only_baseline:,} : {share.only_candidate:,}, p {share.mcnemar_p:.2g}",
        word if p is None or state in ("same", "lost") else f"{word}, p {p:.2g}",
    )


def share_remarks(comparison: Comparison, rows: Sequence[ShareChange]) -> list[str]:
    """What the measures are, what is not shown, and what was lost."""
    lines = []
    left = len(comparison.shares) - len(rows)
    if left:
        lines.append(f"{left} more of single categories: --all shows them.")
    for share in {share.measure: share for share in comparison.shares}.values():
        neutral = "" if share.neutral is None else f"neutral {share.neutral:g}; "
        named = clean(share.measure_name or share.measure)
        lines.append(f"{clean(share.measure)}: {named}; {neutral}{clean(share.direction)}.")
    lines += [
        f"{clean(s.dataset)}, {clean(s.measure)}: {count(s.lost_pairs, 'pair')} not scored by both"
        " runs."
        for s in comparison.shares
        if s.lost_pairs and s.category == ALL
    ]
    return lines
