"""Every combination of evidence, controls, waivers, cuts and baselines against a table of rules."""

from __future__ import annotations

from itertools import product

import pytest

from bias_audit.gates.judge import judge
from bias_audit.gates.policy import Policy
from bias_audit.reports.formats import junit
from bias_audit.results.codes import BLOCKING, REASONS, UNASKED
from bias_audit.results.decisions import MissingChange
from tests.gates.cases import TODAY, change, comparison, gate, result, rising, run, waiver

POSITIONS = {
    "inside": (0.1, 0.1),
    "crosses": (0.5, 0.2),
    "outside": (1.0, 0.1),
    "none": (None, 0.1),
}
CONTROLS = {
    "work": (),
    "failed": ("instrument_failed",),
    "absent": ("no_controls",),
    "silent": ("silent_control",),
    "loud": ("loud_control",),
}
CODE = {"absent": "no_controls", "silent": "silent_control", "loud": "loud_control"}
"""Reason of a control that forbids one of the answers, where the other one is not given."""
WAIVERS = {
    "none": (),
    "active": (waiver(),),
    "expired": (waiver(days=-1),),
    "exceeded": (waiver(up_to=0.01),),
    "elsewhere": (waiver("h:*"),),
    "of another model": (waiver(model="n"),),
}
BASELINES = (
    "there",
    "identical",
    "cut short",
    "absent",
    "without evidence",
    "of another version",
    "of another family",
    "lost cells",
    "without this result",
)

ABSOLUTE = [
    (lambda c: c["partial"], "unclear", "partial_run"),
    (lambda c: c["control"] == "failed", "unclear", "instrument_failed"),
    (lambda c: c["position"] == "none", "unclear", "no_interval"),
    (lambda c: c["position"] == "outside" and c["control"] != "loud", "fail", "outside_limit"),
    (
        lambda c: c["position"] == "inside" and c["control"] in ("work", "loud"),
        "pass",
        "inside_limit",
    ),
    (lambda c: c["control"] in CODE, "unclear", CODE),
    (lambda c: True, "unclear", "crosses_limit"),
]
"""The first rule that applies decides."""

REGRESSION = [
    (lambda c: c["baseline"] == "absent", "unclear", "no_baseline"),
    (lambda c: c["baseline"] == "without evidence", "unclear", "no_evidence"),
    (lambda c: c["partial"] or c["baseline"] == "cut short", "unclear", "partial_run"),
    (lambda c: c["baseline"] == "without this result", "unclear", "not_in_baseline"),
    (lambda c: c["baseline"] == "of another version", "unclear", "probe_version_changed"),
    (lambda c: c["baseline"] == "of another family", "unclear", "model_family_changed"),
    (lambda c: c["baseline"] == "lost cells", "unclear", "cells_lost"),
    (lambda c: c["control"] == "failed", "unclear", "instrument_failed"),
    (
        lambda c: c["baseline"] == "identical" and c["control"] != "silent",
        "pass",
        "identical_outputs",
    ),
    (lambda c: c["baseline"] == "identical", "unclear", CODE),
    (lambda c: c["position"] == "none", "unclear", "no_interval"),
    (lambda c: c["position"] == "outside" and c["control"] != "loud", "fail", "outside_rise"),
    (
        lambda c: c["position"] == "inside" and c["control"] in ("work", "loud"),
        "pass",
        "inside_rise",
    ),
    (lambda c: c["control"] in CODE, "unclear", CODE),
    (lambda c: True, "unclear", "crosses_rise"),
]


def expected(rules, case):
    state, code = next((state, code) for holds, state, code in rules if holds(case))
    code = code[case["control"]] if code is CODE else code
    if state == "fail" and case["waiver"] == "active":
        return "waived", "waived", "fail"
    return state, code, None


def exit_for(case, state, code):
    """1 for a failure; 3 for what could not be asked, or has to be decided; else 0."""
    if state == "fail":
        return 1
    if state != "unclear":
        return 0
    open_ = case["when"] == "fail" or case["strict"] or code in UNASKED
    return 3 if open_ else 0


def evidence(case):
    """The comparison that a baseline in this state gives."""
    rise, half = POSITIONS[case["position"]]
    numbers = change(rise, half, statuses=CONTROLS[case["control"]])
    codes = {
        "of another version": "probe_version_changed",
        "of another family": "model_family_changed",
        "lost cells": "cells_lost",
    }
    state = case["baseline"]
    if state == "absent":
        return {}
    if state == "without evidence":
        reason = "no evidence"
        return {"main": MissingChange(probe="*", reason_code="no_evidence", reason=reason)}
    if state == "without this result":
        return {"main": comparison()}
    if state in codes:
        numbers = numbers.model_copy(update={"reason_code": codes[state], "reason": "changed"})
    numbers = numbers.model_copy(update={"identical": state == "identical"})
    return {"main": comparison(numbers, partial=state == "cut short")}


def check(case, rules, config, measured, compared):
    policy = Policy(
        gates=(config,), waivers=WAIVERS[case["waiver"]], today=TODAY, strict=case["strict"]
    )
    done = judge(run(measured, partial=case["partial"]), policy, compared)
    (made,) = done.gates
    state, code, before = expected(rules, case)
    assert (made.state, made.reason_code, made.state_before_waiver) == (state, code, before), case
    assert made.reason, case
    assert done.exit_code == exit_for(case, state, code), case
    assert done.states[state] == 1
    assert sum(done.states.values()) == 1
    statuses = {
        "none": [],
        "active": ["active"],
        "expired": ["expired"],
        "exceeded": ["exceeded" if state == "fail" else "active"],
        "elsewhere": ["unmatched"],
        "of another model": ["other_model"],
    }
    assert [record.status for record in done.waivers] == statuses[case["waiver"]], case
    return made


def cases(**dimensions):
    for values in product(*dimensions.values()):
        yield dict(zip(dimensions, values, strict=True))


def combinations(**more):
    """Every combination of evidence; then what the build makes of it, waived or not."""
    common = {"position": POSITIONS, "control": CONTROLS} | more
    cut, when, strict = (False, True), ("warn", "fail", "pass"), (False, True)
    yield from cases(**common, waiver=WAIVERS, partial=cut, when=("warn",), strict=(False,))
    yield from cases(
        **common, waiver=("none", "active"), partial=(False,), when=when, strict=strict
    )


def test_every_combination_for_an_absolute_gate():
    for case in combinations():
        estimate, half = POSITIONS[case["position"]]
        measured = result(estimate, half, statuses=CONTROLS[case["control"]])
        made = check(case, ABSOLUTE, gate(when_unclear=case["when"]), measured, None)
        assert (made.kind, made.baseline, made.rise) == ("absolute", None, None)


@pytest.mark.parametrize("baseline", BASELINES)
def test_every_combination_for_a_regression_gate(baseline):
    for case in combinations(baseline=(baseline,)):
        measured = result(1.0, 0.3, statuses=CONTROLS[case["control"]])
        config = rising(when_unclear=case["when"])
        made = check(case, REGRESSION, config, measured, evidence(case))
        assert (made.kind, made.baseline, made.estimate) == ("regression", "main", 1.0)


@pytest.mark.parametrize("code", [code for code in BLOCKING if code != "instrument_failed"])
@pytest.mark.parametrize("position", POSITIONS)
def test_what_is_not_measurable_leaves_a_gate_unclear_at_any_number(code, position):
    estimate, half = POSITIONS[position]
    policy = Policy(gates=(gate(),), today=TODAY)
    (made,) = judge(run(result(estimate, half, statuses=(code,))), policy).gates
    assert (made.state, made.reason_code) == ("unclear", code)
    found = comparison(change(estimate, half, statuses=(code,), reason_code=code, reason="why"))
    policy = Policy(gates=(rising(),), today=TODAY)
    (made,) = judge(run(result(1.0)), policy, {"main": found}).gates
    assert (made.state, made.reason_code, made.reason) == ("unclear", code, "why")


def test_identical_outputs_pass_where_the_design_is_too_small_to_judge_a_difference():
    found = comparison(
        change(None, identical=True, reason_code="degenerate", statuses=("degenerate",))
    )
    policy = Policy(gates=(rising(),))
    (made,) = judge(run(result(1.0)), policy, {"main": found}).gates
    assert (made.state, made.reason_code) == ("pass", "identical_outputs")


def test_every_reason_code_has_a_sentence():
    used = {code for _, _, code in (*ABSOLUTE, *REGRESSION) if code is not CODE} | set(BLOCKING)
    used |= set(CODE.values()) | {"waived", "no_result", "probe_error"}
    assert set(REASONS) == used
    decided = {"inside_limit", "outside_limit", "inside_rise", "outside_rise"}
    decided |= {"identical_outputs", "waived", "crosses_limit", "crosses_rise"}
    assert used - decided == UNASKED, "only what was measured may end with 0"


def test_strict_is_seen_by_every_format() -> None:
    crossing = run(result(*POSITIONS["crosses"]))
    loose, strict = (
        judge(crossing, Policy(gates=(gate(),), today=TODAY, strict=strict))
        for strict in (False, True)
    )
    assert [g.state for g in strict.gates] == ["unclear"]
    assert [(g.when_unclear, r.exit_code) for r in (loose, strict) for g in r.gates] == [
        ("warn", 0),
        ("fail", 3),
    ]
    assert "<testcase" in junit.render(strict)
    assert ("<error" in junit.render(loose), "<error" in junit.render(strict)) == (False, True)
