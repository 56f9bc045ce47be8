"""``bias-audit run -p crows-pairs --data crows-pairs=FILE``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bias_audit.archive import Result, Results
from bias_audit.benchmarking.running import chosen_measures
from bias_audit.datasets import DATASETS, get, open_dataset
from bias_audit.errors import UsageError, visible
from bias_audit.metrics.benchmark_info import get as get_measure


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
        chosen = chosen_measures(dataset.info, measures)
        print(f"{name:40} {dataset.facts().rows:>8,} records; {', '.join(chosen)}")
    print("no model was loaded")
    return 0


def table(results: Results) -> str:
    """Every number with its interval, neutral value and direction, as plain text."""
    lines = []
    for probe in results.probes:
        own = [result for result in results.results if result.probe == probe.id]
        for measure in dict.fromkeys(result.metric for result in own):
            info = get_measure(measure)
            neutral = "" if info.neutral is None else f", neutral {info.neutral:g}"
            lines += ["", f"{probe.title}: {info.name} ({info.unit}{neutral})"]
            lines.append(f"  {info.direction}")
            lines += [_row(result) for result in own if result.metric == measure]
        lines += [f"  left out: {skip.count:,} {skip.what}: {skip.detail}" for skip in probe.skips]
    return visible_lines(lines[1:])


def _row(result: Result) -> str:
    label = result.group_labels[0]
    if result.estimate is None:
        return f"  {label:34} not measured: {result.reason}"
    inside = ""
    if result.ci_low is not None and result.ci_high is not None:
        inside = f"{result.ci_low:.2f} to {result.ci_high:.2f}"
    p = ""
    if result.p_value is not None:
        adjusted = result.p_adjusted
        p = f"p {result.p_value:.3g}" + ("" if adjusted is None else f", Holm {adjusted:.3g}")
    size = f"n {result.n_templates:,}, clusters {result.n_terms:,}" if result.n_terms else ""
    size = size or f"n {result.n_templates:,}"
    note = f"  ({result.reason})" if result.reason else ""
    return f"  {label:34} {result.estimate:8.2f}  {inside:18}  {size}  {p}{note}".rstrip()


def visible_lines(lines: Sequence[str]) -> str:
    """Lines without characters that a terminal would obey."""
    return "\n".join(visible(line) for line in lines)
