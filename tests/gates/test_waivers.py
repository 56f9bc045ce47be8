"""Waivers: mistakes with their places, edits that keep what people wrote, and what is covered."""

# ruff: noqa: E501 - tables of cases read better in one line each

from __future__ import annotations

import math
from datetime import date, timedelta

import pytest

from bias_audit.errors import FileError, UsageError
from bias_audit.gates import waivers
from bias_audit.gates.judge import judge
from bias_audit.gates.policy import Policy
from bias_audit.gates.waivers import covers, new_waiver, read_waivers, waivable_names, write_waiver
from bias_audit.reports import render
from bias_audit.results.decisions import finding_id
from bias_audit.results.run_record import ErrorRecord
from tests.gates.cases import (
    TODAY,
    change,
    comparison,
    gate,
    probe,
    result,
    rising,
    run,
    waiver,
)
from tests.probes.helpers import edited, save, unmarked

RESULT = "p:log_odds_gap:a-vs-b"
FULL = """\
# Reviewed on the first Monday of the month.
version: 1

waivers:
  # The board knows.
  - finding: F-7c31a9   # occupations
    model: reference
    reason: 'Fixed in the next release'
    owner: ana
    created: 2026-01-05
    expires: 2026-03-31
    up_to: 0.9
  - finding: "jobs:*"
    model: any
    up_to: 1.2
    reason: Old model
    owner: bo
    created: 2026-02-01
    expires: 2026-04-01
# The end.
"""


def read(folder, text, today=TODAY):
    return read_waivers(save(folder, text, "bias-audit-waivers.yaml"), today)


def new(finding="g:*", **more):
    values = {"until": "2026-05-01", "reason": "known", "owner": "cy", "model": "any", "up_to": 0.7}
    return new_waiver(finding, TODAY, **(values | more))


def test_a_full_file(tmp_path):
    first, second = read(tmp_path, FULL)
    assert (first.waiver.finding, first.waiver.up_to) == ("F-7c31a9", 0.9)
    assert (first.waiver.created, first.waiver.expires) == (date(2026, 1, 5), date(2026, 3, 31))
    assert (first.file, first.line) == ("bias-audit-waivers.yaml", 6)
    assert (second.waiver.finding, second.waiver.up_to, second.line) == ("jobs:*", 1.2, 13)
    assert read(tmp_path, "version: 1\n") == read(tmp_path, "version: 1\nwaivers: []\n") == ()


@pytest.mark.parametrize(
    ("old", "new", "message", "hint"),
    [
        ("2026-03-31", "§2026-07-05", "'expires' is 181 days after 'created', 180 is the most", "2026-07-04 at the latest"),
        ("2026-03-31", "§2026-01-04", "'expires' is 1 day before 'created'", "remove the waiver"),
        ("2026-03-31", "§2026-02-30", "expected a day such as 2026-01-31, got '2026-02-30'", ""),
        ("2026-03-31", "§never", "expected a day such as 2026-01-31, got 'never'", ""),
        ("2026-03-31", "§2026-03-31 12:00:00", "expected a day such as 2026-01-31", ""),
        ("2026-03-31", "§20260331", "expected a day such as 2026-01-31, got '20260331'", ""),
        ("2026-02-01", "§2026-03-03", "'created' is 2026-03-03, and today is 2026-03-01", "put the day on which it was made"),
        ("owner: ana", "§ownr: ana", "unknown key 'ownr'", "did you mean 'owner'?"),
        ("    owner: bo\n", "", "the key 'owner' is missing", ""),
        ("    up_to: 0.9\n", "", "a waiver has a ceiling", "up_to: 1.5x"),
        ("    model: any\n", "", "a waiver names the model that it holds for", "model: any"),
        ("up_to: 0.9", "up_to: §-1", "expected a number above 0, got the number -1", ""),
        ("up_to: 0.9", "up_to: §1000", "expected a number of at most 100, got the number 1000", ""),
        ("up_to: 0.9", "up_to: §'0.9'", "got the text '0.9'", "remove the quotes: 0.9"),
        ("up_to: 0.9", "up_to: §0.9x", "expected more than 1x, which is no gap at all", "1.5x"),
        ('"jobs:*"', "§F-7c31a9", "the finding 'F-7c31a9' is here twice", "keep one of the two waivers"),
        ("    owner: bo\n", "    owner: bo\n    §owner: cy\n", "the key 'owner' is here twice", ""),
        ("owner: bo", "owner: §*ana", "an alias (*name) came", "write the value out"),
        ("version: 1", "version: §2", "expected version 1, got the number 2", "version: 1"),
    ],
)  # fmt: skip
def test_one_mistake(tmp_path, old, new, message, hint):
    text = edited(FULL, (old, new))
    text, place = unmarked(text) if "§" in new else (text, None)
    with pytest.raises(FileError) as caught:
        read(tmp_path, text)
    found = next(p for p in caught.value.problems if message in p.message)
    assert hint in found.hint
    assert place is None or (found.line, found.column) == place, str(found)


def test_a_day_that_begins_earlier_elsewhere_is_no_mistake(tmp_path):
    text = FULL.replace("2026-02-01", "2026-03-02")
    assert len(read(tmp_path, text)) == 2


def test_adding_keeps_every_other_byte(tmp_path):
    path = save(tmp_path, FULL, "w.yaml")
    assert write_waiver(path, new(up_to=0.5), TODAY) is False
    text = path.read_text("utf-8")
    kept = [line for line in FULL.splitlines() if line in text.splitlines()]
    assert kept == FULL.splitlines(), text
    found = read_waivers(path, TODAY)
    assert [p.waiver.finding for p in found] == ["F-7c31a9", "jobs:*", "g:*"]
    assert found[2].waiver == new(up_to=0.5)
    assert found[2].waiver.created == TODAY


def test_replacing_keeps_place_and_comments(tmp_path):
    path = save(tmp_path, FULL, "w.yaml")
    assert write_waiver(path, new("F-7c31a9", reason="Moved again"), TODAY) is True
    text = path.read_text("utf-8")
    for comment in ("# Reviewed", "# The board knows.", "# occupations", "# The end."):
        assert comment in text
    first, second = read_waivers(path, TODAY)
    assert first.waiver == new("F-7c31a9", reason="Moved again")
    assert first.waiver.up_to == 0.7, "a ceiling of the old waiver does not stay"
    assert second.waiver == read(tmp_path, FULL)[1].waiver
    assert 'finding: "jobs:*"' in text


@pytest.mark.parametrize(
    "text",
    [
        None,
        "version: 1\n",
        "version: 1\nwaivers: []\n",
        "version: 1\nwaivers:\n",
        "# only this\nversion: 1\nwaivers:   # none yet\n",
        "version: 1\nwaivers:\n- finding: a\n  model: any\n  up_to: 1.0\n  reason: r\n  owner: o\n  created: 2026-02-01\n  expires: 2026-03-01\n# end\n",
        "version: 1\nwaivers: [{finding: a, model: any, up_to: 1.0, reason: r, owner: o, created: 2026-02-01, expires: 2026-03-01}]\n",
        "{version: 1, waivers: []}\n",
    ],
)  # fmt: skip
def test_any_shape_of_file_can_be_added_to(tmp_path, text):
    path = tmp_path / "w.yaml"
    before = []
    if text is not None:
        path.write_text(text, "utf-8")
        before = [placed.waiver for placed in read_waivers(path, TODAY)]
    second = new("second", reason='He said "no": wait #1')
    write_waiver(path, new("first"), TODAY)
    write_waiver(path, second, TODAY)
    assert [p.waiver for p in read_waivers(path, TODAY)] == [*before, new("first"), second]
    kept = path.read_text("utf-8")
    assert all(
        comment in kept
        for comment in ("# only this", "# none yet", "# end")
        if text and comment in text
    )
    if text and "- finding: a" in text:
        assert kept.startswith(text.removesuffix("# end\n"))


def test_a_file_with_mistakes_is_left_alone(tmp_path):
    for text in (FULL.replace("ana", "*x"), FULL.replace("2026-03-31", "2027-03-31"), "a: ["):
        path = save(tmp_path, text, "w.yaml")
        with pytest.raises(FileError):
            write_waiver(path, new(), TODAY)
        assert path.read_text("utf-8") == text


def test_an_edit_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = save(tmp_path, FULL, "w.yaml")
    monkeypatch.setattr(waivers, "_edit", lambda *_: FULL.replace("ana", "eve"))
    with pytest.raises(UsageError, match="cannot be edited safely"):
        write_waiver(path, new(), TODAY)
    assert path.read_text("utf-8") == FULL


@pytest.mark.parametrize(
    ("more", "message", "hint"),
    [
        ({"until": "2026-08-29"}, "--until: 'expires' is 181 days after", "2026-08-28 at the latest"),
        ({"until": "soon"}, "--until: expected a day such as 2026-01-31, got 'soon'", ""),
        ({"until": "2026-02-28"}, "--until: 'expires' is 1 day before 'created'", ""),
        ({"up_to": -1.0}, "--up-to: expected a number above 0, got the number -1", ""),
        ({"up_to": float("nan")}, "--up-to: expected a finite number", ""),
        ({"reason": "two\nlines"}, "--reason: ", ""),
        ({"owner": ""}, "--owner: ", ""),
    ],
)  # fmt: skip
def test_options_that_cannot_be_used(more, message, hint):
    with pytest.raises(UsageError) as caught:
        new(**more)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_until_the_last_day_that_is_allowed():
    assert new(until=str(TODAY + timedelta(days=180))).expires == date(2026, 8, 28)
    assert new(until=str(TODAY)).expires == TODAY


# What they cover.


def judge_run(*waivers, measured=None, gates=None, today=TODAY, **more):
    measured = measured if measured is not None else (result(1.0),)
    policy = Policy(gates=gates or (gate(),), waivers=waivers, today=today)
    return judge(run(*measured, **more), policy)


@pytest.mark.parametrize(
    ("finding", "covered"),
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
def test_what_a_waiver_covers(finding, covered):
    (made,) = judge_run().gates
    assert covers(finding, made) is covered
    if finding:
        done = judge_run(waiver(finding))
        assert (done.gates[0].state == "waived") is covered
        assert done.waivers[0].status == ("active" if covered else "unmatched")


def test_a_waived_gate_keeps_everything_it_showed():
    (before,) = judge_run().gates
    done = judge_run(waiver(reason="fixed in 2.1", owner="ana"))
    (made,) = done.gates
    changed = {"state", "state_before_waiver", "reason", "reason_code", "waiver"}
    assert made.model_dump(exclude=changed) == before.model_dump(exclude=changed)
    assert (made.state_before_waiver, made.reason_code, made.waiver) == ("fail", "waived", "g:*")
    assert made.reason == (
        "waived until 2026-03-31 by ana: fixed in 2.1; the gap is shown to lie beyond the limit"
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
    done = judge_run(placed)
    assert done.waivers[0].status == status
    assert done.exit_code == (1 if status == "expired" else 0)
    if days == -1:
        assert done.waivers[0].detail == "expired 1 day ago: it turns nothing"


def test_a_waiver_ends_with_the_day_and_not_with_the_file():
    placed = waiver(days=5)
    codes = [judge_run(placed, today=TODAY + timedelta(days=n)).exit_code for n in (0, 5, 6)]
    assert codes == [0, 0, 1]


@pytest.mark.parametrize(
    ("up_to", "state"), [(0.9, "fail"), (0.999, "fail"), (1.0, "waived"), (2.0, "waived")]
)
def test_a_ceiling(up_to, state):
    for sign in (1, -1):
        done = judge_run(waiver(up_to=up_to), measured=(result(sign * 1.0),))
        assert done.gates[0].state == state
    if state == "fail":
        assert done.waivers[0].status == "exceeded"
        allowed = {0.9: "2.5", 0.999: "2.716"}[up_to]
        assert f"more than the {allowed} times allowed" in done.waivers[0].detail


def test_a_ceiling_in_times_is_the_same_ceiling():
    for up_to, status in (("2.7x", "exceeded"), ("2.8x", "active")):
        (record,) = judge_run(waiver(up_to=up_to), measured=(result(1.0),)).waivers
        assert (record.status, record.ceiling) == (status, up_to)
        assert record.up_to == pytest.approx(math.log(float(up_to[:-1])))


@pytest.mark.parametrize(
    ("up_to", "said"),
    [(3.5, "3.5 nats, which is 33 times as likely: write 3.5x if you"), (0.9, ""), ("3.5x", "")],
)
def test_a_ceiling_that_could_be_meant_as_times_is_said(up_to, said):
    notices = judge_run(waiver(up_to=up_to), measured=(result(0.8),)).notices
    assert len(notices) == bool(said)
    assert all(f"The ceiling of the waiver 'g:*' is {said}" in notice for notice in notices)


def test_a_waiver_of_everything_is_named_in_every_output():
    done = judge_run(waiver(finding="*", up_to="8x"))
    (notice,) = done.notices
    assert "The waiver '*' (bias-audit-waivers.yaml:3) names every gate" in notice
    for name in ("terminal", "md", "html", "github", "junit", "sarif"):
        assert "names every gate" in str(render(done, name)), name
    assert judge_run(waiver(finding="g:*", up_to="8x")).notices == ()


def test_a_failure_beyond_the_ceiling_voids_the_whole_waiver():
    two = (result(0.8, id="p:x:1", probe="p"), result(1.4, id="q:x:2", probe="q"))
    done = judge_run(waiver(up_to=1.0), measured=two)
    assert [made.state for made in done.gates] == ["fail", "fail"]
    assert done.waivers[0].status == "exceeded"
    assert "g:q:x:2 measures 4.1 times, more than the 2.7 times" in done.waivers[0].detail


def test_a_number_that_does_not_fail_voids_no_waiver():
    two = (result(0.8, id="p:x:1"), result(1.4, 1.2, id="q:x:2"))
    done = judge_run(waiver(up_to=1.0), measured=two)
    assert [made.state for made in done.gates] == ["waived", "unclear"]


@pytest.mark.parametrize("estimate", [0.0, 0.5])
def test_a_pass_stays_a_pass_and_unclear_stays_unclear(estimate):
    plain, done = (
        judge_run(measured=(result(estimate),)),
        judge_run(waiver(), measured=(result(estimate),)),
    )
    assert done.gates == plain.gates
    assert done.waivers[0].status == "active"
    assert done.waivers[0].detail == "waives 0 of 1 gate: none fails, it is not needed"


def test_a_crashed_probe_cannot_be_waived():
    crashed = probe("q", state="error", reason="out of memory")
    error = ErrorRecord(probe="q", type="MemoryError", message="out of memory")
    done = judge_run(
        waiver("*"), measured=(result(0.0),), probes=(probe(), crashed), errors=(error,)
    )
    assert [(made.id, made.state) for made in done.gates][1:] == [("g:q", "error")]
    assert done.exit_code == 3


def test_two_waivers_and_the_first_that_holds_is_named():
    done = judge_run(waiver(RESULT, days=-1), waiver("*", owner="bo"), waiver("g:*"))
    assert [record.status for record in done.waivers] == ["expired", "active", "active"]
    assert done.gates[0].waiver == "*"
    assert "by bo" in done.gates[0].reason


def test_an_unmatched_waiver_gets_the_nearest_name():
    done = judge_run(waiver("g:p:log_odds_gap:a-vs-c"))
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


@pytest.mark.parametrize(
    ("model", "status"), [("m", "active"), ("any", "active"), ("other", "other_model")]
)
def test_a_waiver_holds_for_the_model_that_it_names(model, status):
    done = judge_run(waiver(model=model))
    assert done.waivers[0].status == status
    assert done.exit_code == (0 if status == "active" else 1)
    if status == "other_model":
        assert done.waivers[0].detail == "it is for the model 'other', and this is 'm'"


def test_everything_that_can_be_named():
    made = judge_run(gates=(gate(), gate(id="h"))).gates
    found = [f"g:{RESULT}", f"h:{RESULT}", RESULT, finding_id(RESULT)]
    assert waivable_names(made) == found
    assert all(any(covers(name, one) for one in made) for name in found)
