"""Make a lexicon of given names from a table of counts that you supply.

    python examples/make_name_lexicon.py births.csv --groups women=F,men=M > names.yaml

The table is a CSV file with the columns name, group and count (files of the US Social Security
Administration, which have no headings, work too). A name stays out if fewer than 95 % of its
bearers are in one group. Names are matched in rows: similar counts and, with --model, equally many
tokens in that model's vocabulary, since both move scores by themselves. What is left out is said on
standard error. A name is no identity: results are about names.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

COLUMNS = ["name", "group", "count"]
RATIO = 1.5
"""Largest ratio of the counts of two matched names."""
FEWEST = 20
"""Names that a group should have before a result speaks of names in general."""


def read_counts(path: Path) -> pd.DataFrame:
    """Return bearers by name (rows) and group (columns); several rows of a name are added up."""
    table = pd.read_csv(path, keep_default_na=False, skipinitialspace=True)
    if not set(COLUMNS) <= set(table.columns):
        table = pd.read_csv(path, header=None, names=COLUMNS, keep_default_na=False)
    counts = pd.to_numeric(table["count"], errors="coerce")
    bad = table[counts.isna() | (counts < 0) | (table["name"] == "") | (table["group"] == "")]
    if len(bad):
        raise SystemExit(
            f"{path}: expected a name, a group and a count, got {bad.iloc[0].tolist()}"
        )
    name = table["name"].map(lambda text: text.capitalize() if text.isupper() else text)
    return counts.groupby([name, table["group"]]).sum().unstack(fill_value=0)


def typical_names(counts: pd.DataFrame, group: str, share: float) -> pd.Series:
    """Return the counts of the names that stand for ``group``, the most frequent first."""
    if group not in counts:
        raise SystemExit(f"the table has no group '{group}'; its groups are {list(counts)}")
    own = counts[group][(counts[group] > 0) & (counts[group] >= share * counts.sum(axis=1))]
    return own.sort_index().sort_values(ascending=False, kind="stable")


def match(groups: Sequence[pd.Series], lengths: dict[str, int], limit: int) -> list[list[str]]:
    """Give each name of the first group its nearest unused partner in every other group."""
    leading, *others = ({n: c for n, c in group.items() if lengths[n]} for group in groups)
    rows: list[list[str]] = []
    for name, count in leading.items():
        partners = []
        for other in others:
            near = {
                abs(math.log(count / c)): n for n, c in other.items() if lengths[n] == lengths[name]
            }
            if near and min(near) <= math.log(RATIO):
                partners.append(near[min(near)])
        if len(partners) == len(others) and len(rows) < limit:
            rows.append([name, *partners])
            for other, partner in zip(others, partners, strict=True):
                del other[partner]
    return rows


def token_counts(names: Sequence[str], model: str) -> dict[str, int]:
    """Return how many tokens a model's vocabulary cuts each name into; 0 if it lacks one."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    tokens = {name: tokenizer.tokenize(f" {name}") for name in names}
    unknown = tokenizer.unk_token
    return {name: 0 if unknown in cut else len(cut) for name, cut in tokens.items()}


def lexicon(
    rows: Sequence[Sequence[str]], sets: dict[str, pd.Series], args: argparse.Namespace
) -> str:
    """Return the text of the lexicon file; JSON strings are YAML strings."""
    provenance = (
        f"Counts: {args.source or args.table.name}. At least {args.share:.0%} of the bearers of a"
        " name are in its group; rows are matched in count."
    )
    lines = [
        "# Given names in matched rows; complete the provenance and the labels of the sets.",
        f"kind: lexicon\nid: {args.id}\nversion: 1\ntitle: Given names",
        f"provenance: {json.dumps(provenance, ensure_ascii=False)}",
        "sets:",
    ]
    for column, (name, counts) in enumerate(sets.items()):
        lines.append(f"  {name}:\n    label: names of {name.replace('-', ' ')}\n    entries:")
        for number, row in enumerate(rows, 1):
            word = json.dumps(row[column], ensure_ascii=False)
            lines.append(
                f"      - {{sg: {word}, article: none, pair: row-{number:02d},"
                f" facts: {{count: {int(counts[row[column]])}}}}}"
            )
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str] | None = None) -> None:
    """Read the table, match the names and print the lexicon."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("--groups", required=True, help="sets and groups, such as women=F,men=M")
    parser.add_argument("--id", default="names", help="id of the lexicon: its file is called so")
    parser.add_argument("--count", type=int, default=25, help="names of each group at most")
    parser.add_argument("--share", type=float, default=0.95, help="of the bearers in one group")
    parser.add_argument("--source", default="", help="where the counts come from")
    parser.add_argument("--model", help="match the number of tokens in this model's vocabulary too")
    args = parser.parse_args(argv)
    counts = read_counts(args.table)
    groups = dict(part.split("=", 1) for part in args.groups.split(","))
    sets = {name: typical_names(counts, group, args.share) for name, group in groups.items()}
    names = [name for group in sets.values() for name in group.index]
    lengths = token_counts(names, args.model) if args.model else dict.fromkeys(names, 1)
    rows = match(list(sets.values()), lengths, args.count)
    if not rows:
        raise SystemExit("no names match: give more names, of similar counts")
    print(lexicon(rows, sets, args), end="")
    candidates = ", ".join(f"{len(group)} of {name}" for name, group in sets.items())
    print(f"{len(rows)} matched rows from the names: {candidates}", file=sys.stderr)
    if len(rows) < FEWEST:
        print(f"fewer than {FEWEST}: a claim about names in general is weak", file=sys.stderr)


if __name__ == "__main__":
    main()
