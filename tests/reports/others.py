"""Pages beside the report: two runs compared, three models side by side."""

from __future__ import annotations

import hashlib
from typing import Any

from bias_audit.results import Change, Comparison, Results, Run

from .example import model
from .strangers import NASTY


def change(**more: Any) -> Change:
    values: dict[str, Any] = {
        "probe": "jobs", "result": "r", "axis": "x", "groups": ("a", "b"),
        "group_labels": ("women", "men"), "metric": "log_odds_gap", "baseline": 0.1,
        "candidate": 0.5, "difference": 0.4, "ci_low": 0.2, "ci_high": 0.6, "rise": 0.4,
        "p_adjusted": 0.01, "differs": True,
    }  # fmt: skip
    return Change(**(values | more))


def comparison(*changes: Change, **more: Any) -> Comparison:
    values = {"baseline": "main", "baseline_model": model(), "baseline_run": Run(seed=1)}
    return Comparison(**(values | {"changes": changes} | more))


def several() -> Comparison:
    return comparison(
        change(result="a", group_labels=("nurses", "x")),
        change(result="b", group_labels=("cooks", "x"), candidate=-0.5),
        change(result="c", group_labels=("clerks", "x"), rise=-0.4, candidate=0.05),
        change(result="d", group_labels=("guards", "x"), differs=False),
        change(result="e", group_labels=("maids", "x"), candidate=None, reason_code="no_result"),
        change(result="f", role="secondary", group_labels=("second", "x")),
        notices=("other arithmetic",),
        candidate="runs/new",
    )


def hostile() -> Comparison:
    """A comparison of strangers' probes, groups and runs."""
    return comparison(
        *(change(result=str(i), probe=t, group_labels=(t, "x")) for i, t in enumerate(NASTY)),
        notices=NASTY,
        candidate=NASTY[1],
    )


def other(audit: Results, name: str, shift: float) -> Results:
    """The same questions to another model."""
    results = tuple(
        r.model_copy(update={"estimate": None if r.estimate is None else r.estimate + shift})
        for r in audit.results
    )
    weights = hashlib.sha256(name.encode()).hexdigest()
    model = audit.model.model_copy(update={"name": name, "fingerprint": weights})
    return audit.model_copy(update={"model": model, "results": results})
