"""The results as one table, and the gates as another."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from bias_audit.reports.ci import FACTS, WAIVERS, entries, fact_text, facts
from bias_audit.reports.formats import Format
from bias_audit.reports.text import clean, tidy
from bias_audit.reports.view.index import Index
from bias_audit.reports.view.measures import with_companions
from bias_audit.results import Result, Results
from bias_audit.utils.text import csv_cell

_NUMBERS = (
    "estimate", "ci_low", "ci_high", "ci90_low", "ci90_high", "confidence", "se", "df", "p_value",
    "p_adjusted", "p_sign_flip", "p_label_exchange", "effect_size", "neutral", "mde80", "null_mean",
    "null_p95", "excess", "margin", "at_least", "at_most", "sign_share", "n_templates", "n_terms",
    "n_targets", "n_prompts",
)  # fmt: skip
_WORDS = ("unit", "direction", "scope", "claim", "p_method",
    "p_adjustment", "targets_adjustment", "reason",
)  # fmt: skip
KIND = ("kind_se", "kind_df", "kind_ci_low", "kind_ci_high", "kind_ci90_low", "kind_ci90_high")
"""Of the claim about words of this kind, whose estimate and p are those of the result."""
CLUSTERS = ("n_template_clusters", "n_term_clusters", "n_target_clusters")
"""How many independent units there are, as in ``clusters`` of a result."""
COLUMNS = (
    "id", "axis", "probe", "probe_state", "metric", "role", "group_a", "group_b", "label_a",
    "label_b", "target", "outcome", "size", "leans", "pole", "statement", *_NUMBERS,
    *CLUSTERS, *KIND, *_WORDS, "statuses",
)  # fmt: skip
"""Names of the columns, in order; an empty cell is a missing value."""


def render(results: Results) -> str:
    """Return the table as CSV with a header; texts that a spreadsheet would run are defused."""
    return csv_text(COLUMNS, rows(results))


def rows(results: Results) -> Iterator[list[object]]:
    """Yield the cells of each result and companion, in the order of the columns."""
    audit = tidy(results)
    index = Index(audit)
    for result in with_companions(audit.results, index.metrics):
        yield _row(index, result)


def _row(index: Index, result: Result) -> list[object]:
    probe = index.probes.get(result.probe)
    groups = (*result.groups, "", "")[:2]
    labels = (*index.labels(result), "", "")[:2]
    return [
        result.id, result.axis, result.probe, probe.state if probe else "", result.metric,
        result.role, *groups, *labels, result.target, result.outcome, result.size, result.leans,
        result.pole, result.statement,
        *(value_of(result, name) for name in (*_NUMBERS, *CLUSTERS, *KIND, *_WORDS)),
        " ".join(result.statuses),
    ]  # fmt: skip


def value_of(result: Result, name: str) -> Any:
    """Return what stands in a column that has the name of a field, or is nested in one."""
    if name in KIND:
        return getattr(result.words_of_this_kind, name.removeprefix("kind_"), None)
    if name in CLUSTERS:
        return result.clusters.get(name.removeprefix("n_").removesuffix("_clusters") + "s")
    return getattr(result, name)


def csv_text(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Write a table as CSV: None is an empty cell, and a text is neither obeyed nor a formula."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(map(_cell, row) for row in rows)
    return stream.getvalue()


def _cell(value: object) -> str:
    text = fact_text(value)
    return csv_cell(clean(text)) if isinstance(value, str) else text


GATE_COLUMNS = FACTS
"""Names of the columns, in order; an empty cell is a missing value."""


def render_gates(results: Results) -> str:
    """Return the table as CSV with a header, in the order of the audit."""
    rows = (facts(entry) for entry in entries(results) if entry.rule != WAIVERS)
    return csv_text(GATE_COLUMNS, ([row[name] for name in GATE_COLUMNS] for row in rows))


FORMATS = (
    Format("csv", render, "results.csv"),
    Format("gates-csv", render_gates, "gates.csv"),
)
