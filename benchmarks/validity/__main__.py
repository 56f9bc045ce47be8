"""What the statistics promise, and what they did: all simulations, one table each.

    python -m benchmarks.validity [--data-sets N] [--run RUN] [--twins N] [--only NAME] [--write]

Without a folder of a stored run the null audits are left out, and without --twins the untrained
networks. Exits with 1 if a promise was not kept.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.validity import calibration, margin, null_audits, permutations, planned
from benchmarks.validity._table import Table, written

PAGE = Path(__file__).parents[2] / "docs" / "validity.md"
SEED = 20240601
QUICK, SLOW = 20_000, 4_000
"""Data sets: 20 000 where all are analysed at once, else 4 000. One standard error of a share of
5 % is 0.15 and 0.34 points."""
TIMES = 500
"""Labellings of each probe of a stored run."""

Check = Callable[[int, int], Table]


def checks(options: argparse.Namespace) -> dict[str, Callable[[], Table]]:
    """The checks that were asked for, by the name of their table."""
    each: dict[str, tuple[Check, int]] = {
        "intervals": (calibration.intervals, QUICK),
        "all-groups": (calibration.all_groups, SLOW),
        "families": (calibration.families, SLOW),
        "gates": (margin.sizes, QUICK),
        "rises": (margin.rises, SLOW),
        "permutations": (permutations.uniform, SLOW),
        "power": (planned.predicted, SLOW),
    }
    found: dict[str, Callable[[], Table]] = {
        name: lambda check=check, number=number: check(options.data_sets or number, options.seed)
        for name, (check, number) in each.items()
    }
    if options.run:
        found["null-audits"] = lambda: null_audits.audits(options.run, options.times, options.seed)
    if options.twins:
        found["random-twins"] = lambda: _twins(options.twins, options.seed)
    return {name: run for name, run in found.items() if options.only in (None, name)}


def _twins(number: int, seed: int) -> Table:
    from benchmarks.validity.random_twins import twins  # torch

    return twins(number, seed)


def main() -> int:
    """Run the checks and print their tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.validity", description=__doc__)
    parser.add_argument("--data-sets", type=int, help="data sets for each row; the default differs")
    parser.add_argument("--run", type=Path, help="folder that 'bias-audit run' wrote")
    parser.add_argument("--times", type=int, default=TIMES, help="labellings of each of its probes")
    parser.add_argument("--twins", type=int, default=0, help="untrained networks of each size")
    parser.add_argument("--only", help="name of one table")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--write", action="store_true", help="put the tables into docs/validity.md")
    options = parser.parse_args()
    chosen = checks(options)
    if not chosen:
        parser.error(f"there is no table {options.only!r} (null-audits needs --run)")
    broken = 0
    for name, run in chosen.items():
        start = time.perf_counter()
        table = run()
        print(f"\n{name}\n", *table.lines(), sep="\n", flush=True)
        print(f"{name}: {time.perf_counter() - start:.0f} s", file=sys.stderr)
        broken += table.broken
        if options.write:
            page = PAGE.read_text(encoding="utf-8")
            PAGE.write_text(written(page, table), encoding="utf-8")
    print(f"\npromises not kept: {broken}")
    return min(broken, 1)


if __name__ == "__main__":
    sys.exit(main())
