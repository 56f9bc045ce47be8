"""The example audit under a configuration: gates in every state, waivers, a baseline."""

from __future__ import annotations

from typing import Any

from bias_audit import results as a

from .example import counted, example, frame, stored, without_companions
from .strangers import HOSTILE, NASTY

CONFIG = "ci/bias-audit.yaml"
WAIVER_FILE = "ci/bias-audit-waivers.yaml"
OCCUPATION = "occupation-gender:log_odds_gap:women-men"
TRAIT = "trait-gender:log_odds_gap:women-men"
MUSLIM = "religion-valence:log_odds_gap:muslim-~others"
BUDDHIST = "religion-valence:log_odds_gap:buddhist-~others"
HINDU = "religion-valence:log_odds_gap:hindu-~others"


def gate(name: str, result: str | None, state: str, line: int, **more: Any) -> a.Gate:
    """A gate about a result of the example."""
    found = {r.id: r for r in example().results}.get(result or "")
    values: dict[str, Any] = {
        "id": f"{name}:{result}" if result else name, "gate": name, "state": state,
        "probe": found.probe if found else "age-*", "result": result,
        "limit": 0.7, "unit": "nats", "reason": "the gap is shown to lie beyond the limit",
        "reason_code": "outside_limit", "condition": "the gap stays within 0.7 nats of 0",
        "file": CONFIG, "line": line, "column": 5,
    }  # fmt: skip
    if found:
        values |= {
            "estimate": found.estimate,
            "ci_low": found.ci_low,
            "ci_high": found.ci_high,
        }
    return a.Gate(**{**values, **more})


def gated() -> a.Results:
    """The example as a pipeline judges it."""
    return without_companions(stored())


def allowed() -> a.Results:
    """An audit whose one gate passes."""
    base = example()
    kept = [r for r in base.results if r.id == HINDU]
    passing = stored().gates[0]
    return counted(
        frame(probes=base.probes[2:3], results=tuple(kept), gates=(passing,), exit_code=0)
    )


def many(number: int) -> a.Results:
    """More failures than a page of GitHub shows; the worst stands last."""
    base = gated()
    one = base.gates[3]
    failing = tuple(
        one.model_copy(update={"id": f"occupations:r{i:04d}", "estimate": 0.8 + i / 100})
        for i in range(number)
    )
    ran = tuple(probe for probe in base.probes if probe.state != "error")
    return counted(
        base.model_copy(update={"gates": failing, "waivers": (), "errors": (), "probes": ran})
    )


def hostile() -> a.Results:
    """Strangers' strings in every field of gates, waivers and changes that is a string."""
    base = gated()
    long = "y" * 9_000
    bad = tuple(
        one.model_copy(update={
            "id": f"{NASTY[i % 6]}{i}", "gate": NASTY[i % 6], "reason": NASTY[(i + 1) % 6] + long,
            "condition": NASTY[(i + 2) % 6], "unit": NASTY[0], "file": f"a b/{NASTY[(i + 3) % 4]}",
            "baseline": NASTY[(i + 4) % 6], "waiver": NASTY[2], "probe": NASTY[(i + 5) % 6],
            "reason_code": "]]> --> %0A::error::x",
        })
        for i, one in enumerate(base.gates)
    )  # fmt: skip
    given = tuple(
        w.model_copy(update={
            "finding": NASTY[i], "reason": f"{{0}} [x](javascript:alert(1)) {NASTY[5]}{long}",
            "owner": f"{HOSTILE}\n::error::owned", "expires": NASTY[3], "detail": NASTY[2],
            "gates": tuple(one.id for one in bad), "file": NASTY[1],
        })
        for i, w in enumerate(base.waivers)
    )  # fmt: skip
    compared = base.comparison
    assert compared is not None
    changes = tuple(
        c.model_copy(update={"reason": NASTY[3] + long, "probe": NASTY[5], "unit": "|"})
        for c in compared.changes
    )
    return base.model_copy(
        update={
            "gates": bad,
            "waivers": given,
            "comparison": compared.model_copy(
                update={"baseline": NASTY[5], "changes": changes, "notices": (NASTY[0],)}
            ),
            "model": base.model.model_copy(
                update={"name": f"{NASTY[1]}\n---\n", "revision": HOSTILE}
            ),
            "errors": (a.ErrorRecord(probe=NASTY[2], type="E", message=NASTY[3] + long),),
        }
    )
