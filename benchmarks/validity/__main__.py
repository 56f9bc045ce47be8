"""What the statistics promise, and what they did: all simulations, one table each.

    python -m benchmarks.validity [--data-sets N] [--run RUN] [--times N] [--twins N]
                                  [--probes NAME ...] [--only NAME ...] [--max-time SECONDS]
                                  [--write]

Without a folder of a stored run the tables made from one are left out, and without --twins that of
untrained networks. With --write every table is put into its place as soon as it is made, so that a
run that is cut (by --max-time or by hand) has lost nothing; the tables that it did not reach are
named.
Exits with 1 if a promise was not kept, else with 3 if a table was not reached.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy

import bias_audit
from benchmarks.validity import (
    calibration,
    completions,
    controls,
    core_power,
    margin,
    null_audits,
    permutations,
    planned,
)
from benchmarks.validity._table import Table, written

PAGE = Path(__file__).parents[2] / "docs" / "validity.md"
SEED = 20240601
QUICK, SLOW, HEAVY = 10_000, 4_000, 2_000
"""Data sets: 10 000 where all are analysed at once, 4 000 where each is by itself, 2 000 where each
is a large table. One standard error of a share of 5 % is 0.22, 0.34 and 0.49 points."""
TIMES = 4_000
"""Labellings of each probe of a stored run."""
CUT = 3
"""Exit code where a table was not reached."""

Check = Callable[[int, int], Table]


def checks(
    options: argparse.Namespace, deadline: float | None = None
) -> dict[str, Callable[[], Table]]:
    """The checks that were asked for, by the name of their table."""
    each: dict[str, tuple[Check, int]] = {
        "intervals": (calibration.intervals, QUICK),
        "bounds": (calibration.bounds, QUICK),
        "all-groups": (calibration.all_groups, SLOW),
        "families": (calibration.families, SLOW),
        "gates": (margin.sizes, QUICK),
        "rises": (margin.rises, SLOW),
        "permutations": (permutations.uniform, SLOW),
        "completions": (completions.completions, HEAVY),
        "completions-several": (completions.several_groups, HEAVY),
        "completions-size": (completions.difference_sizes, HEAVY),
        "power": (planned.predicted, SLOW),
    }
    found: dict[str, Callable[[], Table]] = {
        name: lambda check=check, number=number: check(options.data_sets or number, options.seed)
        for name, (check, number) in each.items()
    }
    if options.run:
        found["core-power"] = lambda: core_power.core_power(
            options.run, options.data_sets or HEAVY, options.seed
        )
        found["controls"] = lambda: controls.controls(options.run)
        found["null-audits"] = lambda: null_audits.audits(options.run, options.times, options.seed)
    if options.twins:
        found["random-twins"] = lambda: _twins(options, deadline)
    return {name: run for name, run in found.items() if name in (options.only or found)}


def _twins(options: argparse.Namespace, deadline: float | None) -> Table:
    from benchmarks.validity.random_twins import twins  # torch

    return twins(options.twins, options.seed, deadline, options.probes)


def made_with(seed: int) -> str:
    """The last sentence under every table: what its numbers depend on beside its columns."""
    versions = f"numpy {np.__version__}, scipy {scipy.__version__}"
    return f"Made with bias-audit {bias_audit.__version__}, {versions}, seed {seed}."


def main(arguments: list[str] | None = None) -> int:
    """Run the checks and print their tables."""
    options = _options(arguments)
    deadline = None if options.max_time is None else time.monotonic() + options.max_time
    chosen = checks(options, deadline)
    broken = 0
    missing: list[str] = []
    for name, run in chosen.items():
        if missing or (deadline is not None and time.monotonic() > deadline):
            missing.append(name)
            continue
        start = time.perf_counter()
        try:
            table = run()
        except KeyboardInterrupt:
            missing.append(name)
            continue
        table.note = " ".join(filter(None, (table.note, made_with(options.seed))))
        print(f"\n{name}\n", *table.lines(), sep="\n", flush=True)
        print(f"{name}: {time.perf_counter() - start:.0f} s", file=sys.stderr)
        broken += table.broken
        if options.write:
            page = PAGE.read_text(encoding="utf-8")
            PAGE.write_text(written(page, table), encoding="utf-8")
    print(f"\npromises not kept: {broken}")
    if missing:
        print(f"not reached: {', '.join(missing)}")
    return 1 if broken else CUT * bool(missing)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.validity", description=__doc__)
    parser.add_argument("--data-sets", type=int, help="data sets for each row; the default differs")
    parser.add_argument("--run", type=Path, help="folder that 'bias-audit run' wrote")
    parser.add_argument("--times", type=int, default=TIMES, help="labellings of each of its probes")
    parser.add_argument("--twins", type=int, default=0, help="untrained networks of each size")
    parser.add_argument("--probes", nargs="+", default=["core"], help="for untrained networks")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="names of tables")
    parser.add_argument("--max-time", type=float, help="seconds after which no table is begun")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--write", action="store_true", help="put the tables into docs/validity.md")
    options = parser.parse_args(arguments)
    unknown = set(options.only or ()) - set(checks(options))
    if unknown:
        names = ", ".join(sorted(unknown))
        hint = "core-power, controls and null-audits need --run, random-twins --twins"
        parser.error(f"there is no table {names} ({hint})")
    return options


if __name__ == "__main__":
    sys.exit(main())
