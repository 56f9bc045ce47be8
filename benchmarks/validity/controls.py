"""What is meaningless in a stored run: how much of it would be called an association?

Negative controls, placebo groups and halves of lists, by the rules for comparisons of a probe.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benchmarks.validity._table import Table, percent
from benchmarks.validity.null_audits import describe_run
from bias_audit.analysis.multiple_testing import adjust_primary
from bias_audit.analysis.outcomes import outcome_of
from bias_audit.results import Outcome, Result, load_results

MOST = 0.05
OUTCOMES: tuple[Outcome, ...] = ("association", "small", "open", "not_measurable")
KINDS = {"~placebo": "placebo groups", "~split": "halves of a list", "": "negative controls"}


def outcomes(folder: Path) -> Iterator[tuple[str, Outcome]]:
    """Kind and outcome of every meaningless comparison, Holm within its control."""
    stored = load_results(folder)
    quiet = {probe.id for probe in stored.probes if probe.role == "negative_control"}
    families: dict[str, list[Result]] = {}
    for result in stored.results:
        if result.role == "control":
            families.setdefault(result.id.split(":")[0], []).append(result)
    for name, family in families.items():
        kind = next(text for end, text in KINDS.items() if name.endswith(end))
        if name not in quiet and not name.endswith("~split"):
            continue
        for result, p in zip(family, adjust_primary(family).adjusted, strict=True):
            told = result.model_copy(update={"p_adjusted": p})
            yield kind, outcome_of(told, result.margin or 0.0)


def controls(folder: Path) -> Table:
    """Count the outcomes of what must mean nothing."""
    head = ("meaningless comparisons", "number", *(name.replace("_", " ") for name in OUTCOMES),
            "wrong association")  # fmt: skip
    table = Table("controls", head)
    every = [*outcomes(folder)]
    for kind in (*dict.fromkeys(kind for kind, _ in every), "all"):
        counts = Counter(outcome for own, outcome in every if kind in (own, "all"))
        wrong = counts["association"] / max(counts.total(), 1)
        held = wrong <= MOST if kind == "all" and counts else None
        cells = (f"{counts[name]}" for name in OUTCOMES)
        table.add(kind, f"{counts.total()}", *cells, percent(wrong), holds=held)
    table.note = f"{describe_run(folder)} The promise is about all together."
    return table
