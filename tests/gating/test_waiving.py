"""Waivers: what they cover, when they are void, and that they turn nothing but failures."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bias_audit.gates import judge
from bias_audit.policy import Policy
from bias_audit.results import ErrorRecord, finding_id
from bias_audit.waiving import matches, names
from tests.gating.cases import TODAY, change, comparison, gate, probe, result, rising, run, waiver

RESULT = "p:log_odds_gap:a-vs-b"


def judged(*waivers, measured=None, gates=None, today=TODAY, **more):
    measured = measured if measured is not None else (result(1.0),)
    policy = Policy(gates=gates or (gate(),), waivers=waivers, today=today)
    return judge(run(*measured, **more), policy)


@pytest.mark.parametrize(
    ("finding", "covers"),
    [
        (finding_id(RESULT), True),
        (RESULT, True),
        (f"g:{RESULT}", True),
        ("g:*", True),
        ("*", True),
        ("*:a-vs-b", True),
        ("g", False),
        ("G:*", False),
        ("p", False),
        ("h:*", False),
        ("F-000000", False),
        ("", False),
    ],
)
def test_what_a_waiver_covers(finding, covers):
    (made,) = judged().gates
    assert matches(finding, made) is covers
    if finding:
        done = judged(waiver(finding))
        assert (done.gates[0].state == "waived") is covers
        assert done.waivers[0].status == ("active" if covers else "unmatched")


def test_a_waived_gate_keeps_everything_it_showed():
    (before,) = judged().gates
    done = judged(waiver(reason="fixed in 2.1", owner="ana"))
    (made,) = done.gates
    changed = {"state", "state_before_waiver", "reason", "reason_code", "waiver"}
    assert made.model_dump(exclude=changed) == before.model_dump(exclude=changed)
    assert (made.state_before_waiver, made.reason_code, made.waiver) == ("fail", "waived", "g:*")
    assert made.reason == (
        "waived until 2026-03-31 by ana: fixed in 2.1; the whole interval lies outside the limit"
    )
    assert (done.exit_code, done.states["waived"], done.states["fail"]) == (0, 1, 0)
    record = done.waivers[0]
    assert (record.file, record.line) == ("bias-audit-waivers.yaml", 3)
    assert record.gates == (made.id,)
    assert record.detail == "waives 1 of 1 gate, 30 days left"


@pytest.mark.parametrize(
    ("days", "status"), [(-40, "expired"), (-1, "expired"), (0, "active"), (1, "active")]
)
def test_the_last_day_still_counts(days, status):
    placed = waiver(created=TODAY - timedelta(days=100), days=days)
    done = judged(placed)
    assert done.waivers[0].status == status
    assert done.exit_code == (1 if status == "expired" else 0)
    if days == -1:
        assert done.waivers[0].detail == "expired 1 day ago: it turns nothing"


def test_a_waiver_ends_with_the_day_and_not_with_the_file():
    placed = waiver(days=5)
    codes = [judged(placed, today=TODAY + timedelta(days=n)).exit_code for n in (0, 5, 6)]
    assert codes == [0, 0, 1]


@pytest.mark.parametrize(
    ("up_to", "state"), [(0.9, "fail"), (0.999, "fail"), (1.0, "waived"), (2.0, "waived")]
)
def test_a_ceiling(up_to, state):
    for sign in (1, -1):
        done = judged(waiver(up_to=up_to), measured=(result(sign * 1.0),))
        assert done.gates[0].state == state
    if state == "fail":
        assert done.waivers[0].status == "exceeded"
        assert f"measures -1, more than the {up_to:g} allowed" in done.waivers[0].detail


def test_a_failure_beyond_the_ceiling_voids_the_whole_waiver():
    two = (result(0.8, id="p:x:1", probe="p"), result(1.4, id="q:x:2", probe="q"))
    done = judged(waiver(up_to=1.0), measured=two)
    assert [made.state for made in done.gates] == ["fail", "fail"]
    assert done.waivers[0].status == "exceeded"
    assert "g:q:x:2 measures 1.4" in done.waivers[0].detail


def test_a_number_that_does_not_fail_voids_no_waiver():
    two = (result(0.8, id="p:x:1"), result(1.4, 1.2, id="q:x:2"))
    done = judged(waiver(up_to=1.0), measured=two)
    assert [made.state for made in done.gates] == ["waived", "unclear"]


@pytest.mark.parametrize("estimate", [0.0, 0.5])
def test_a_pass_stays_a_pass_and_unclear_stays_unclear(estimate):
    plain, done = (
        judged(measured=(result(estimate),)),
        judged(waiver(), measured=(result(estimate),)),
    )
    assert done.gates == plain.gates
    assert done.waivers[0].status == "active"
    assert done.waivers[0].detail == "waives 0 of 1 gate: none fails, it is not needed"


def test_a_crashed_probe_cannot_be_waived():
    crashed = probe("q", state="error", reason="out of memory")
    error = ErrorRecord(probe="q", type="MemoryError", message="out of memory")
    done = judged(waiver("*"), measured=(result(0.0),), probes=(probe(), crashed), errors=(error,))
    assert [(made.id, made.state) for made in done.gates][1:] == [("g:q", "error")]
    assert done.exit_code == 3


def test_two_waivers_and_the_first_that_holds_is_named():
    done = judged(waiver(RESULT, days=-1), waiver("*", owner="bo"), waiver("g:*"))
    assert [record.status for record in done.waivers] == ["expired", "active", "active"]
    assert done.gates[0].waiver == "*"
    assert "by bo" in done.gates[0].reason


def test_an_unmatched_waiver_gets_the_nearest_name():
    done = judged(waiver("g:p:log_odds_gap:a-vs-c"))
    assert done.waivers[0].status == "unmatched"
    assert done.waivers[0].detail == (
        "no gate has this name; did you mean 'g:p:log_odds_gap:a-vs-b'?"
    )
    assert done.exit_code == 1


def test_a_rise_is_waived_by_the_size_of_the_gap():
    policy = Policy(gates=(rising(),), waivers=(waiver(up_to=2.0),), today=TODAY)
    found = {"main": comparison(change(1.0))}
    assert judge(run(result(1.9)), policy, found).gates[0].state == "waived"
    assert judge(run(result(-2.1)), policy, found).gates[0].state == "fail"


def test_margins_that_only_inform_can_be_waived_too():
    policy = Policy(waivers=(waiver(finding_id(RESULT)),), today=TODAY)
    done = judge(run(result(1.0, outcome="fail", reason="outside")), policy)
    assert [(made.state, made.enforced) for made in done.gates] == [("waived", False)]


def test_everything_that_can_be_named():
    made = judged(gates=(gate(), gate(id="h"))).gates
    found = [f"g:{RESULT}", f"h:{RESULT}", RESULT, finding_id(RESULT)]
    assert names(made) == found
    assert all(any(matches(name, one) for one in made) for name in found)
