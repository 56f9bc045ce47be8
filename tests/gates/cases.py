"""Hand-made runs, comparisons and waivers for tests of judging."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from scipy import stats

from bias_audit.gates.schema import GateConfig
from bias_audit.gates.waivers import Waiver, WaiverEntry
from bias_audit.results import (
    Change,
    Claim,
    Comparison,
    Model,
    ProbeRecord,
    Result,
    Results,
    RiseBound,
    Run,
    Tool,
)

TODAY = date(2026, 3, 1)
LIMIT = 0.5


def result(
    estimate: float | None = 0.0, half: float = 0.1, df: float = 20.0, **more: Any
) -> Result:
    """A stored result whose 95 % interval is ``estimate`` plus and minus ``half``."""
    known = estimate is not None
    values = {
        "id": "p:log_odds_gap:a-vs-b",
        "probe": "p",
        "axis": "x",
        "metric": "log_odds_gap",
        "groups": ("a", "b"),
        "group_labels": ("A", "B"),
        "estimate": estimate,
        "ci_low": estimate - half if known else None,
        "ci_high": estimate + half if known else None,
        "se": (se := half / stats.t.ppf(0.975, df)) if known else None,
        "ci90_low": estimate - se * stats.t.ppf(0.95, df) if known else None,
        "ci90_high": estimate + se * stats.t.ppf(0.95, df) if known else None,
        "df": df if known else None,
        "unit": "nats",
        "direction": "",
        "n_templates": 12,
        "n_terms": 12,
        "n_prompts": 100,
        "margin": 0.2,
        "outcome": "open",
        "reason": "",
    }
    return Result(**(values | more))


def claim(half: float, df: float = 20.0, p_value: float = 1.0, estimate: float = 0.0) -> Claim:
    """The claim about words of this kind, whose 95 % interval is ``half`` to each side."""
    se = half / stats.t.ppf(0.975, df)
    narrow = se * stats.t.ppf(0.95, df)
    return Claim(
        se=se,
        df=df,
        ci_low=estimate - half,
        ci_high=estimate + half,
        ci90_low=estimate - narrow,
        ci90_high=estimate + narrow,
        p_value=p_value,
    )


def gate(**more: Any) -> GateConfig:
    """A gate on everything; absolute unless ``against`` is given."""
    limit = {} if "against" in more or "max" in more else {"max": LIMIT}
    return GateConfig(**({"id": "g", "probe": "*"} | limit | more))


def rising(**more: Any) -> GateConfig:
    """A regression gate."""
    return gate(**({"against": "baseline:main", "max_rise": LIMIT} | more))


def model(**more: Any) -> Model:
    """The model of a hand-made run."""
    values = {
        "name": "m",
        "fingerprint": "f" * 64,
        "kind": "fake",
        "vocabulary_size": 9,
        "parameters": 0,
        "dtype": "float32",
        "device": "cpu",
    }
    return Model(**(values | more))


def probe(name: str = "p", **more: Any) -> ProbeRecord:
    """A probe that was scored."""
    values = {"id": name, "version": 1, "axis": "x", "title": name, "state": "measured"}
    return ProbeRecord(**(values | more))


def run(*results: Result, partial: bool = False, **more: Any) -> Results:
    """A stored run, before it is judged."""
    names = dict.fromkeys(found.probe for found in results)
    values = {
        "tool": Tool(name="bias-audit", version="0"),
        "model": model(),
        "run": Run(seed=1, partial=partial),
        "states": {},
        "probes": tuple(probe(name) for name in names),
        "results": results,
    }
    return Results(**(values | more))


def change(rise: float | None = 0.0, half: float = 0.1, df: float = 20.0, **more: Any) -> Change:
    """A change whose two-sided 90 % interval of the rise is ``rise`` plus and minus ``half``."""
    se = None if rise is None else half / float(stats.t.ppf(0.95, df))
    bounds = (
        RiseBound(claim="further", estimate=rise or 0.0, se=se, df=df),
        RiseBound(claim="reversed", estimate=(rise or 0.0) - 2, se=se, df=df),
    )
    values = {
        "probe": "p",
        "result": "p:log_odds_gap:a-vs-b",
        "axis": "x",
        "groups": ("a", "b"),
        "metric": "log_odds_gap",
        "baseline": 1.0,
        "candidate": 1.0 + (rise or 0.0),
        "rise": rise,
        "rise_low": None if rise is None else rise - half,
        "rise_high": None if rise is None else rise + half,
        "bounds": bounds,
    }
    return Change(**(values | more))


def comparison(*changes: Change, partial: bool = False, **more: Any) -> Comparison:
    """The run beside a baseline called main."""
    values = {
        "baseline": "main",
        "baseline_model": model(),
        "baseline_run": Run(seed=1, partial=partial),
        "changes": changes,
    }
    return Comparison(**(values | more))


def waiver(finding: str = "g:*", days: int = 30, line: int = 3, **more: Any) -> WaiverEntry:
    """A waiver that was made ten days ago and has ``days`` left."""
    values = {
        "finding": finding,
        "reason": "known",
        "owner": "ana",
        "model": "any",
        "up_to": 9.0,
        "created": TODAY - timedelta(days=10),
        "expires": TODAY + timedelta(days=days),
    }
    return WaiverEntry(waiver=Waiver(**(values | more)), file="bias-audit-waivers.yaml", line=line)
