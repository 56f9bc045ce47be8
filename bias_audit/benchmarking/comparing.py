"""Two runs of the same data sets, pair by pair."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bias_audit.errors import UsageError
from bias_audit.metrics.pairs import PairedShares, Ties, adjust, compare_shares, outcomes

ALL = "all"
_Key = tuple[str, str, str]
"""Data set, measure, pair."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparedShare:
    """One share of pairs in two runs."""

    dataset: str
    measure: str
    category: str
    """``all`` for all pairs."""
    paired: PairedShares
    """Second run minus first, in percentage points, over clusters."""
    pairs: int
    """Pairs that both runs scored."""
    lost: int
    """Pairs that only one run scored, or none."""
    p_value: float | None
    p_adjusted: float | None
    """After Holm over the categories of one measure; the overall share is no member."""


@dataclass(frozen=True, slots=True)
class _Row:
    category: str
    cluster: str
    more: float
    less: float


def compare_benchmarks(first: str | Path, second: str | Path) -> list[ComparedShare]:
    """Compare two runs that measured the same data sets.

    Only pairs that both runs scored count. Means such as ``crows_pairs_gap`` depend on the
    vocabulary and are left out.

    Args:
        first: ``benchmarks.csv.gz`` of the baseline.
        second: that of the candidate.

    Raises:
        UsageError: a file cannot be read, or the runs share no measure of a data set.
    """
    one, two = _read(Path(first)), _read(Path(second))
    groups: dict[tuple[str, str], list[_Key]] = defaultdict(list)
    for key in one.keys() | two.keys():
        if not key[1].endswith("_gap"):
            groups[key[:2]].append(key)
    shared = {name: sorted(keys) for name, keys in sorted(groups.items())}
    found = [row for name, keys in shared.items() for row in _compared(name, keys, one, two)]
    if not found:
        raise UsageError(f"{first} and {second} have no scored pair in common")
    return found


def _compared(
    name: tuple[str, str],
    keys: list[_Key],
    one: dict[_Key, _Row | None],
    two: dict[_Key, _Row | None],
) -> Iterator[ComparedShare]:
    both = [(a, b) for key in keys if (a := one.get(key)) and (b := two.get(key))]
    if not both:
        return
    ties: Ties = "lost" if name[1].endswith("_published") else "half"
    categories = sorted({a.category for a, _ in both})
    parts = {ALL: both}
    if len(categories) > 1:
        parts |= {c: [pair for pair in both if pair[0].category == c] for c in categories}
    results = {}
    for category, rows in parts.items():
        clusters = [a.cluster or (n,) for n, (a, _) in enumerate(rows)]
        results[category] = compare_shares(
            outcomes([a.more for a, _ in rows], [a.less for a, _ in rows], ties=ties),
            outcomes([b.more for _, b in rows], [b.less for _, b in rows], ties=ties),
            clusters,
        )
    raw = {category: result.difference.p_value() for category, result in results.items()}
    adjusted = adjust({category: p for category, p in raw.items() if category != ALL})
    for category, result in results.items():
        yield ComparedShare(
            dataset=name[0],
            measure=name[1],
            category=category,
            paired=result,
            pairs=len(parts[category]),
            lost=len(keys) - len(both) if category == ALL else 0,
            p_value=raw[category],
            p_adjusted=adjusted.get(category),
        )


def _read(path: Path) -> dict[_Key, _Row | None]:
    try:
        text = gzip.decompress(path.read_bytes()).decode("utf-8")
        rows = list(csv.DictReader(io.StringIO(text)))
        return {
            (row["dataset"], row["measure"], row["pair"]): None
            if row["skip"]
            else _Row(row["category"], row["cluster"], float(row["more"]), float(row["less"]))
            for row in rows
        }
    except (OSError, EOFError, zlib.error, ValueError, KeyError) as error:
        raise UsageError(
            f"{path} is no file of benchmark scores: {error}",
            hint="expected benchmarks.csv.gz from the folder of a run of data sets",
        ) from error
