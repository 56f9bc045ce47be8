"""``bias-audit run -p crows-pairs --data crows-pairs=FILE``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bias_audit.datasets import DATASETS, get, open_dataset
from bias_audit.datasets.run import select_measures
from bias_audit.errors import UsageError


def named_data(values: Sequence[str]) -> dict[str, Path]:
    """Read ``NAME=PATH`` values.

    Raises:
        UsageError: a value of another form, or a name given twice.
        UnknownNameError: no such data set.
    """
    found: dict[str, Path] = {}
    for value in values:
        name, equals, path = value.partition("=")
        if not equals or not path:
            raise UsageError(
                f"expected --data NAME=FILE, got '{value}'",
                hint="for example: --data crows-pairs=crows_pairs_anonymized.csv",
            )
        if name in found:
            raise UsageError(f"the data set '{name}' was given twice")
        found[get(name).id] = Path(path)
    return found


def check_selection(probes: Sequence[str], data: Sequence[str]) -> None:
    """Benchmarks run without probes, and every one needs the user's copy.

    Raises:
        UsageError: a data set without a file, or data sets and probes in one run.
    """
    for name in probes:
        if name in DATASETS and name not in data:
            raise UsageError(
                f"'{name}' is a published data set: name your own copy of it",
                hint=f"--data {name}=FILE, where FILE is {DATASETS[name].give}",
            )
    others = [name for name in probes if name not in DATASETS]
    if data and others:
        raise UsageError(
            f"data sets run without probes: leave out --probe {others[0]}",
            hint="run the probes on their own; both runs can be kept side by side",
        )
    unused = [name for name in data if probes and name not in probes]
    if unused:
        raise UsageError(f"--data names '{unused[0]}', which --probe does not")


def dry_run(data: dict[str, Path], measures: Sequence[str]) -> int:
    """Read every data set and say what would be measured; no model."""
    for name, path in sorted(data.items()):
        dataset = open_dataset(name, path)
        chosen = select_measures(dataset.info, measures)
        print(f"{name:40} {dataset.summary().rows:>8,} records; {', '.join(chosen)}")
    print("no model was loaded")
    return 0
