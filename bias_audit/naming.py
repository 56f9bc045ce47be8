"""Lists of given names from counts: one gender or group each, matched in frequency and length.

A name is no identity. What can be made from public records is a list of names that most bearers
have in common with a group, which is why ambiguous names are left out and counts are kept.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bias_audit.errors import FileError, Problem, UsageError

if TYPE_CHECKING:
    from _csv import Reader

COLUMNS = ("name", "group", "count")
"""Columns of a table of counts; one without headings has them in this order."""
SHARE = 0.95
"""Share of its bearers that must be in one group before a name stands for the group."""
RATIO = 1.5
"""Largest ratio of the counts of two matched names."""

ENOUGH = 20
"""Names that a group should have before a result speaks of names in general."""

Counts = Mapping[str, Mapping[str, int]]
"""Bearers by name and group."""
Pieces = Callable[[Sequence[str]], Sequence[int]]
"""The number of pieces that a vocabulary cuts each name into; 0 where it cannot express it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Matched:
    """Names in matched rows, one of each group, and what became of the others."""

    groups: tuple[str, ...]
    """The groups, as the table calls them."""
    rows: tuple[tuple[str, ...], ...]
    """One name of each group, of similar count and equal length."""
    counts: Counts
    ambiguous: int
    """Names left out because too many bearers are in other groups."""
    unscorable: int
    """Names left out because the vocabulary cannot express them."""
    alone: int
    """Names of the first group that were tried and have no partner in every other."""


def read_counts(path: Path) -> dict[str, dict[str, int]]:
    """Read a table of names, groups and counts; the same name and group twice is added up.

    Raises:
        UsageError: the file cannot be read.
        FileError: every row that is no name, group and whole number.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        hint = "expected a CSV file in UTF-8 with the columns name, group and count"
        raise UsageError(f"cannot read {path}: {error}", hint=hint) from error
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        return _read(reader, str(path))
    except csv.Error as error:
        message = f"this is no table of comma-separated values: {error}"
        hint = "look for a quote that is not closed"
        at = Problem(
            file=str(path), line=max(reader.line_num, 1), column=1, message=message, hint=hint
        )
        raise FileError([at]) from error


def _read(reader: Reader, path: str) -> dict[str, dict[str, int]]:
    """Add up the rows of a table; raises FileError with all that are wrong."""
    order: tuple[int, ...] | None = None
    counts: dict[str, dict[str, int]] = {}
    problems: list[Problem] = []
    for row in reader:
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        if order is None:
            order = _order(cells, path, reader.line_num)
            if [cells[i].lower() for i in order] == list(COLUMNS):
                continue
        wrong = _wrong(cells, order)
        if wrong:
            hint = "expected a name, a group and a whole number, such as Mary,F,11475"
            line = reader.line_num
            problems.append(Problem(file=path, line=line, column=1, message=wrong, hint=hint))
            continue
        name, group, count = (cells[i] for i in order)
        bearers = counts.setdefault(name.capitalize() if name.isupper() else name, {})
        bearers[group] = bearers.get(group, 0) + int(count)
    if problems:
        raise FileError(problems)
    return counts


def _order(first: Sequence[str], path: str, line: int) -> tuple[int, ...]:
    """Where the columns stand: by the headings, else in the usual order."""
    heads = [cell.lower() for cell in first]
    if all(name in heads for name in COLUMNS):
        return tuple(heads.index(name) for name in COLUMNS)
    if len(first) == len(COLUMNS) and first[2].isdecimal():
        return (0, 1, 2)
    message = f"expected the columns name, group and count, got {', '.join(first)[:80]}"
    hint = "write them into the first line, separated by commas"
    raise FileError([Problem(file=path, line=line, column=1, message=message, hint=hint)])


def _wrong(cells: Sequence[str], order: Sequence[int]) -> str:
    """What is wrong with a row; empty when nothing is."""
    if len(cells) <= max(order):
        return f"the row has {len(cells)} cells"
    name, group, count = (cells[i] for i in order)
    if not (name and group):
        return "the row lacks a name or a group"
    if not name[0].isalpha() or not all(c.isalpha() or c in " '-.\u2019" for c in name):
        return f"'{name[:40]}' is no name"
    if not (count.isascii() and count.isdecimal()):
        return f"'{count[:40]}' is no whole number"
    return ""


def match(
    counts: Counts,
    groups: Sequence[str],
    *,
    most: int,
    share: float = SHARE,
    pieces: Pieces | None = None,
) -> Matched:
    """Match the names of several groups, the most frequent first.

    Args:
        counts: bearers by name and group.
        groups: the groups to match, as ``counts`` calls them, the first leading.
        most: rows to make at most.
        share: least share of its bearers (0.5 to 1) that a name must have in its group.
        pieces: the length of names for a model; lengths are not matched without it.

    Raises:
        UsageError: a group that no name has, or no row that matches.
    """
    known = sorted({group for bearers in counts.values() for group in bearers})
    for group in groups:
        if group not in known:
            hint = f"its groups are {', '.join(known)}"
            raise UsageError(f"the table has no group '{group}'", hint=hint)
    clear, ambiguous = _clear(counts, groups, share)
    names = [name for members in clear.values() for name in members]
    length = dict.fromkeys(names, 1)
    if pieces is not None:
        length = dict(zip(names, pieces(names), strict=True))
    usable = {group: [n for n in clear[group] if length[n]] for group in groups}
    rows, alone = _rows(counts, usable, length, most)
    if not rows:
        hint = "give more names; matched names need similar counts, and equal lengths with --model"
        raise UsageError(f"no names of {', '.join(groups)} match", hint=hint)
    return Matched(
        groups=tuple(groups),
        rows=tuple(rows),
        counts=counts,
        ambiguous=ambiguous,
        unscorable=sum(not length[name] for name in names),
        alone=alone,
    )


def _clear(counts: Counts, groups: Sequence[str], share: float) -> tuple[dict[str, list[str]], int]:
    """Names that stand for one group, most frequent first, and the number of those that do not."""
    clear: dict[str, list[str]] = {group: [] for group in groups}
    ambiguous = 0
    for name, bearers in counts.items():
        group, most = max(bearers.items(), key=lambda item: item[1])
        if group not in clear or not most:
            continue
        if most >= share * sum(bearers.values()):
            clear[group].append(name)
        else:
            ambiguous += 1
    for group, names in clear.items():
        names.sort(key=lambda name: (-counts[name][group], name))
    return clear, ambiguous


def _rows(
    counts: Counts, usable: Mapping[str, list[str]], length: Mapping[str, int], most: int
) -> tuple[list[tuple[str, ...]], int]:
    """Give each name of the first group its nearest partners; those without any are counted."""
    (first, leading), *others = usable.items()
    left = {group: list(names) for group, names in others}
    rows: list[tuple[str, ...]] = []
    alone = 0
    for name in leading:
        if len(rows) == most:
            break
        count = counts[name][first]
        found = [
            _nearest(count, {n: counts[n][group] for n in names if length[n] == length[name]})
            for group, names in left.items()
        ]
        if not all(found):
            alone += 1
            continue
        for names, partner in zip(left.values(), found, strict=True):
            names.remove(partner)
        rows.append((name, *found))
    return rows, alone


def _nearest(count: int, partners: Mapping[str, int]) -> str:
    """The name whose count is nearest to ``count``; empty when none is near enough."""
    near = {name: _far(count, its) for name, its in partners.items()}
    best = min(near, key=near.__getitem__, default="")
    return best if best and near[best] <= math.log(RATIO) else ""


def _far(one: int, other: int) -> float:
    return abs(math.log(one) - math.log(other))


def lexicon_text(
    matched: Matched, *, name: str, sets: Sequence[str], source: str, share: float = SHARE
) -> str:
    """Write matched names as a lexicon file.

    Args:
        matched: the names.
        name: id of the lexicon, as its file is called.
        sets: ids of the word sets, one for each group.
        source: where the counts come from, for the provenance.
        share: the share that :func:`match` was given.
    """
    lines = [
        "# Given names in matched rows, made by 'bias-audit probes names'; no name is an identity.",
        "# Complete the provenance, and give the sets labels that say what the table counted.",
        "kind: lexicon",
        f"id: {name}",
        "version: 1",
        "title: Given names",
        "provenance: >-",
        f"  Counts: {' '.join(source.split())}.",
        f"  Each name has at least {share:.0%} of its bearers in its group; rows are matched in",
        "  count (and in length for one model, if one was given).",
        "sets:",
    ]
    for column, (group, member) in enumerate(zip(matched.groups, sets, strict=True)):
        lines += [f"  {member}:", f"    label: names of {member.replace('-', ' ')}", "    entries:"]
        for row, names in enumerate(matched.rows, 1):
            count = matched.counts[names[column]][group]
            lines.append(
                f"      - {{sg: {_quoted(names[column])}, article: none, pair: row-{row:02d},"
                f" facts: {{count: {count}}}}}"
            )
    return "\n".join(lines) + "\n"


def _quoted(name: str) -> str:
    plain = name.isalpha() and name.lower() not in ("null", "true", "false")
    return name if plain else '"' + name + '"'


def summary(matched: Matched, asked: int) -> list[str]:
    """Say in plain words how many names are left and why the others are not."""
    kept = len(matched.rows)
    said = [f"{kept} matched names for each of {', '.join(matched.groups)} (asked for {asked})"]
    for number, why in (
        (matched.ambiguous, "bearers in several groups"),
        (matched.unscorable, "the vocabulary cannot express them"),
        (matched.alone, "no partner of similar count and length"),
    ):
        if number:
            said.append(f"left out: {number:,} ({why})")
    if kept < ENOUGH:
        said.append(f"fewer than {ENOUGH} in a group: a claim about names in general is weak")
    return said
