"""A realistic audit with invented numbers, read from the golden runs, for all formats."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from bias_audit import results as a

GOLDEN = Path(__file__).parents[1] / "golden"
STATES = ("pass", "fail", "unclear", "error", "waived", "skipped")


@cache
def stored() -> a.Results:
    """The stored run: companions beside its results, gates in every state, waivers, a baseline."""
    return a.load_results(GOLDEN / "audit")


def model() -> a.Model:
    return stored().model


def frame(**changes: Any) -> a.Results:
    """An audit with nothing in it but what every audit has."""
    base = stored()
    empty = a.Results(tool=base.tool, model=base.model, run=base.run, metrics=base.metrics,
                      states=dict.fromkeys(STATES, 0))  # fmt: skip
    return empty.model_copy(update=changes)


def counted(results: a.Results) -> a.Results:
    """The same with its states counted."""
    states = {state: sum(gate.state == state for gate in results.gates) for state in STATES}
    return results.model_copy(update={"states": states})


def without_companions(results: a.Results) -> a.Results:
    """The same without further measures and the plane that is made of them."""
    plain = tuple(
        r.model_copy(update={"companions": ()})
        for r in results.results
        if r.metric != "warmth_competence"
    )
    return results.model_copy(update={"results": plain})


@cache
def with_companions() -> a.Results:
    """The audit without a configuration, with words of a divergence and groups in a plane."""
    base = stored()
    own = {"gates": (), "waivers": (), "comparison": None, "exit_code": 3}
    return counted(base.model_copy(update=own))


@cache
def example() -> a.Results:
    """The audit that most tests look at."""
    return without_companions(with_companions())
