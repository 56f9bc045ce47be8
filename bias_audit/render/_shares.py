"""Two runs of published data sets in words: a row for each share of pairs."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence

from bias_audit.archive import Comparison, ShareChange
from bias_audit.metrics.registry import INFOS
from bias_audit.render._text import bounds, clean, count, plain, short, signed
from bias_audit.render.csv import cell

ALL = "all"
WORDS = {
    "higher": "higher",
    "lower": "lower",
    "open": "no difference found",
    "none": "no interval",
    "lost": "not judged",
    "same": "same scores",
}
"""What is said of a share."""
HEAD = ("Share of pairs", "Pairs", "Baseline", "Now", "Change", "95 %", "Only one", "In words")
"""Columns of the table."""
NUMBERS = (1, 2, 3, 4)
"""Those that hold one number."""
CLOSING = (
    "Shares are percent of the pairs that both runs scored, changes are percentage points, and"
    " intervals are over clusters: writers, target terms or templates. 'Only one' counts the pairs"
    " in which only the baseline, and in which only the later run, prefers the first sentence, with"
    " McNemar's exact p, which takes pairs as independent. Higher and lower hold at p below 0.05"
    " over clusters, for a category after Holm. A share is not judged when more than a tenth of its"
    " pairs are not in both runs. No difference found is not evidence that nothing"
    " changed. Published data sets are measured and never judged."
)


def verdict(share: ShareChange) -> str:
    """What is said of a share: a key of :data:`WORDS`."""
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
    """The counts in one line."""
    tally = Counter(verdict(share) for share in comparison.shares)
    parts = [f"{tally[key]:,} {word}" for key, word in WORDS.items() if tally[key]]
    if comparison.missing:
        parts.append(f"{len(comparison.missing):,} without a partner")
    whole = count(len(comparison.shares), "share")
    return f"{whole} of pairs compared with {clean(comparison.baseline)}: {', '.join(parts)}"


def shown(comparison: Comparison, categories: bool) -> list[ShareChange]:
    """The overall shares, and all categories or those that differ."""
    return [s for s in comparison.shares if categories or s.category == ALL or s.differs]


def row(share: ShareChange) -> tuple[str, ...]:
    """The columns of one share, as the tables print them."""
    which = "all pairs" if share.category == ALL else short(clean(share.category), 24)
    p = share.p_value if share.category == ALL else share.p_adjusted
    said = verdict(share)
    word = share.reason if said == "none" and share.reason else WORDS[said]
    if said == "lost":
        word = f"{word}: {share.lost_share:.0%} of the pairs are not in both runs"
    low, high = share.ci_low, share.ci_high
    return (
        f"{clean(share.dataset)}: {clean(share.measure)}, {which}",
        f"{share.pairs:,}",
        plain(share.baseline, 1),
        plain(share.candidate, 1),
        signed(share.difference, 1),
        "" if low is None or high is None else bounds(low, high),
        f"{share.only_baseline:,} : {share.only_candidate:,}, p {share.mcnemar:.2g}",
        word if p is None or said in ("same", "lost") else f"{word}, p {p:.2g}",
    )


def remarks(comparison: Comparison, rows: Sequence[ShareChange]) -> list[str]:
    """What the measures are, what is not shown, and what was lost."""
    lines = []
    left = len(comparison.shares) - len(rows)
    if left:
        lines.append(f"{left} more of single categories: --all shows them.")
    for share in {share.measure: share for share in comparison.shares}.values():
        info = INFOS.get(share.measure)
        neutral = "" if share.neutral is None else f"neutral {share.neutral:g}; "
        named = info.name if info is not None else clean(share.measure)
        lines.append(f"{clean(share.measure)}: {named}; {neutral}{clean(share.direction)}.")
    lines += [
        f"{clean(s.dataset)}, {clean(s.measure)}: {count(s.lost, 'pair')} not scored by both runs."
        for s in comparison.shares
        if s.lost and s.category == ALL
    ]
    return lines


def table(comparison: Comparison, categories: bool) -> str:
    """Everything about each share, as CSV."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow((*ShareChange.model_fields, "verdict"))
    for share in shown(comparison, categories):
        values = (*share.model_dump().values(), verdict(share))
        writer.writerow([cell(clean(v) if isinstance(v, str) else v) for v in values])
    return stream.getvalue()
