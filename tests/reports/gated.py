"""The example audit under a configuration: gates in every state, waivers, a baseline."""

from __future__ import annotations

from typing import Any

from bias_audit import results as a

from .example import example, frame
from .strangers import HOSTILE, NASTY

CONFIG = "ci/bias-audit.yaml"
WAIVER_FILE = "ci/bias-audit-waivers.yaml"
OCCUPATION = "occupation-gender:log_odds_gap:women-men"
TRAIT = "trait-gender:log_odds_gap:women-men"
MUSLIM = "religion-valence:log_odds_gap:muslim-~others"
BUDDHIST = "religion-valence:log_odds_gap:buddhist-~others"
HINDU = "religion-valence:log_odds_gap:hindu-~others"


def gate(name: str, result: str | None, state: str, line: int, **more: Any) -> a.Gate:
    """An enforced gate about a result of the example."""
    found = {r.id: r for r in example().results}.get(result or "")
    values: dict[str, Any] = {
        "id": f"{name}:{result}" if result else name, "gate": name, "state": state,
        "enforced": True, "probe": found.probe if found else "age-*", "result": result,
        "limit": 0.7, "unit": "nats", "reason": "the whole interval lies outside the limit",
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


def gates() -> tuple[a.Gate, ...]:
    """One gate in every state, absolute and regression, not in order of severity."""
    return (
        gate("religion", HINDU, "pass", 18, reason="the whole interval lies inside the limit",
             reason_code="inside_limit"),
        gate("religion", BUDDHIST, "unclear", 18, reason="the interval crosses the limit; about 14 "
             "more sentences would decide", reason_code="crosses_limit", templates_needed=26),
        gate("religion", MUSLIM, "waived", 18, state_before_waiver="fail", waiver="F-51aa02",
             reason_code="waived", reason="it failed, and a waiver covers it"),
        gate("occupations", OCCUPATION, "fail", 12),
        gate("no-regression", TRAIT, "unclear", 25, kind="regression", limit=0.15, baseline="main",
             when_unclear="fail", baseline_value=0.18, rise=0.03, rise_low=-0.11, rise_high=0.17,
             reason="whether the gap has grown cannot be told", reason_code="crosses_rise"),
        gate("no-regression", OCCUPATION, "fail", 25, kind="regression", limit=0.15,
             baseline="main", baseline_value=0.6, rise=0.53, rise_low=0.31, rise_high=0.75,
             reason="the gap has grown by more than the limit", reason_code="outside_rise"),
        gate("ages", None, "error", 31, probe="age-ability", reason="the probe crashed",
             reason_code="probe_error"),
        gate("later", None, "skipped", 36, reason="not asked in this run", reason_code="no_result"),
        gate("quiet", TRAIT, "unclear", 40, when_unclear="pass", reason="the interval crosses the "
             "limit", reason_code="crosses_limit"),
        gate("versus-old", None, "unclear", 44, kind="regression", baseline="old",
             reason="there is no baseline named 'old'", reason_code="no_baseline"),
        *example().gates[:2],
    )  # fmt: skip


def waivers() -> tuple[a.WaiverRecord, ...]:
    """One waiver that holds, and two that do not."""
    common = {"owner": "nlp-platform", "created": "2026-10-01", "file": WAIVER_FILE}
    return (
        a.WaiverRecord(finding="F-51aa02", reason="known, fix planned", expires="2027-01-31",
                       up_to=1.2, status="active", detail="it covers 1 gate",
                       gates=(f"religion:{MUSLIM}",), line=3, **common),
        a.WaiverRecord(finding="F-7c31a9", reason="until the retraining", expires="2026-11-01",
                       status="expired", detail="it ended 21 days before this run",
                       gates=(f"occupations:{OCCUPATION}",), line=9, **common),
        a.WaiverRecord(finding="F-000000", reason="an old one", expires="2027-01-01",
                       status="unmatched", detail="no finding, result or gate has this name",
                       line=15, **common),
    )  # fmt: skip


def comparison() -> a.Comparison:
    """What has changed, one result that has not, and one that is missing."""
    base = example()
    change = a.Change(
        probe="occupation-gender", result=OCCUPATION, axis="gender", groups=("women", "men"),
        group_labels=("women", "men"), metric="log_odds_gap", baseline=0.6, candidate=1.13,
        difference=0.53, ci_low=0.28, ci_high=0.78, rise=0.53, rise_low=0.31, rise_high=0.75,
        differs=True, cells=3840, reason="the gap has grown",
    )  # fmt: skip
    still = change.model_copy(update={
        "probe": "trait-gender", "result": TRAIT, "baseline": 0.18, "candidate": 0.21,
        "difference": 0.03, "ci_low": -0.1, "ci_high": 0.16, "rise": 0.03, "rise_low": -0.11,
        "rise_high": 0.17, "differs": False, "reason": "no change was found",
    })  # fmt: skip
    small = still.model_copy(update={"result": MUSLIM, "role": "secondary", "rise": 2.0})
    return a.Comparison(
        baseline="main",
        baseline_model=base.model.model_copy(update={"revision": "77aa" * 10}),
        baseline_run=base.run.model_copy(update={"created": "2026-11-02T08:00:00Z"}),
        changes=(small, still, change),
        missing=(a.MissingChange(probe="age-ability", reason_code="no_result",
                                 reason="the probe did not run"),),
        notices=("The baseline was measured on another device.",),
    )  # fmt: skip


def counted(results: a.Results) -> a.Results:
    """The same with its states counted."""
    states = dict.fromkeys(("pass", "fail", "unclear", "error", "waived", "skipped"), 0)
    for one in results.gates:
        states[one.state] += 1
    return results.model_copy(update={"states": states})


def gated() -> a.Results:
    """The example as a pipeline judges it."""
    return counted(
        example().model_copy(
            update={
                "gates": gates(),
                "waivers": waivers(),
                "comparison": comparison(),
                "exit_code": 1,
            }
        )
    )


def allowed() -> a.Results:
    """An audit whose one gate passes."""
    base = example()
    kept = [r for r in base.results if r.id == HINDU]
    passing = gates()[0]
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
