"""Limits, the three answers, and the exit code that follows."""

from __future__ import annotations

import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from bias_audit import gates
from bias_audit._demands import condition
from bias_audit.config import GateConfig
from bias_audit.gates import count_states, default_gates, exit_code
from bias_audit.policy import Policy
from bias_audit.results import ErrorRecord, Gate
from bias_audit.utils.text import number
from tests.audit.world import (
    Model,
    behave,
    controlled,
    noise,
    only,
    plant,
    run,
    sentences,
    terms,
)
from tests.gating.cases import probe, result
from tests.gating.cases import run as stored


def gate(**more):
    return GateConfig(**({"id": "g", "probe": "p", "max": 0.5} | more))


def enforced_gates(configs, results, *, partial=False):
    policy = Policy(gates=tuple(configs))
    judged = gates.judge(stored(*results, partial=partial), policy)
    return [made for made in judged.gates if made.enforced]


def judge(found, *configs, partial=False):
    return enforced_gates(configs or (gate(),), [found], partial=partial)[0]


@pytest.mark.parametrize(
    ("estimate", "half", "state"),
    [
        (0.0, 0.1, "pass"),
        (0.0, 0.49, "pass"),
        (0.3, 0.1, "pass"),
        (0.3, 0.23, "pass"),  # the 90 % interval is inside, the 95 % one is not
        (0.3, 0.26, "unclear"),
        (-0.3, 0.1, "pass"),
        (-0.3, 0.26, "unclear"),
        (0.0, 0.7, "unclear"),
        (0.5, 0.01, "unclear"),
        (0.6, 0.2, "unclear"),
        (0.6, 0.09, "fail"),
        (-0.6, 0.09, "fail"),
        (3.0, 1.0, "fail"),
    ],
)
def test_where_the_interval_lies_decides(estimate, half, state):
    made = judge(result(estimate, half))
    assert made.state == state
    assert (made.enforced, made.limit, made.estimate) == (True, 0.5, estimate)
    assert (made.ci_low, made.ci_high) == (estimate - half, estimate + half)


@pytest.mark.parametrize(
    "status",
    ["descriptive_only", "degenerate", "incomplete", "fragile", "instrument_failed", "no_card"],
)
@pytest.mark.parametrize("estimate", [0.0, 3.0])
def test_a_blocking_status_leaves_every_gate_unclear(status, estimate):
    made = judge(result(estimate, statuses=("under_powered", status), reason="as stored"))
    assert (made.state, made.reason) == ("unclear", "as stored")


@pytest.mark.parametrize("status", ["under_powered", "pole_heterogeneous", "one_target_dominates"])
def test_a_notice_blocks_nothing(status):
    assert judge(result(statuses=(status,))).state == "pass"
    assert judge(result(3.0, statuses=(status,))).state == "fail"


def test_without_controls_a_gate_may_fail_and_never_pass():
    assert judge(result(3.0, statuses=("no_controls",))).state == "fail"
    made = judge(result(statuses=("no_controls",)))
    assert (made.state, made.reason) == (
        "unclear",
        "the probe has no controls, so silence is no evidence",
    )


def test_partial_and_missing_intervals_are_unclear():
    for estimate in (0.0, 3.0):
        assert judge(result(estimate), partial=True).state == "unclear"
        assert "cut short" in judge(result(estimate), partial=True).reason
    bare = result().model_copy(update={"se": None, "df": None})
    assert judge(bare).state == "unclear"


def test_missing_evidence_never_passes():
    found = enforced_gates([gate(probe="other", when_unclear="fail")], [result()], partial=False)
    assert [g.state for g in found] == ["unclear"]
    assert "no result of 'other' to judge" in found[0].reason
    assert exit_code(finished(found)) == 3


def test_holm_over_all_gated_cells():
    estimates = (0.62, 0.63, 0.68, 3.0, 0.1)
    found = [result(e, half=0.11, id=f"r{i}", probe=f"p{i}") for i, e in enumerate(estimates)]
    one = enforced_gates([gate(probe="p0")], found, partial=False)
    assert [g.state for g in one] == ["fail"]
    many = enforced_gates([gate(probe="*")], found, partial=False)
    beyond = [min(1.0, 2 * stats.t.sf((abs(r.estimate) - 0.5) / r.se, r.df)) for r in found]
    adjusted = multipletests(beyond, method="holm")[1]
    assert [g.state == "fail" for g in many] == [bool(p <= 0.05) for p in adjusted]
    assert [g.state for g in many] == ["unclear", "unclear", "fail", "fail", "pass"]


@pytest.mark.parametrize(
    ("over", "ids"),
    [(None, ["primary"]), ("groups", ["primary"]), ("pairs", ["pair"])],
)
def test_over_chooses_the_comparison(over, ids):
    found = [
        result(id="primary", groups=("a", "~others")),
        result(id="pair", role="secondary"),
        result(id="control", role="control"),
        result(id="other-metric", metric="jsd", role="secondary"),
    ]
    made = enforced_gates([gate(over=over)], found, partial=False)
    assert [g.result for g in made] == ids


def test_gates_over_pairs_hold_the_same_standards_as_the_probe():
    groups = {g: terms(g * 3, 4) for g in "abc"}
    pairs = GateConfig(id="g", probe="trial", max=0.3, over="pairs", when_unclear="fail")

    def states(**options):
        model = options.pop("model", None) or Model(behave(options.pop("effect", loud)))
        probe = controlled(groups=groups, **options)
        return {g.state for g in run(probe, model, gates=[pairs]).results.gates if g.enforced}

    def quiet(p):
        return 0.02 * noise(p.template, p.term, p.target)

    def loud(p):
        return quiet(p) + plant(2.0)(p)

    assert states() == {"fail", "pass"}
    assert states(effect=quiet) == {"pass"}
    assert states(model=Model(behave(loud, silent=True))) == {"unclear"}
    assert states(model=Model(behave(quiet), sane=False)) == {"unclear"}
    assert states(card=False) == {"unclear"}
    assert states(frames=sentences(7)) == {"unclear"}
    assert states(effect=quiet, controls={}) == {"unclear"}
    assert states(controls={}) == {"unclear", "fail"}


def test_a_gate_in_place_of_the_probes_own_margin():
    wide = GateConfig(id="wide", probe="trial", max=2.5, why="Agreed in spring.")
    done = run(controlled(), plant(2.0), gates=[wide])
    (made,) = done.results.gates
    assert (made.id, made.state, made.enforced) == ("wide:" + only(done).id, "pass", True)
    assert made.reason.endswith("(limit: Agreed in spring)")
    assert done.exit_code == 0
    tight = GateConfig(id="tight", probe="trial", max=0.5)
    assert run(controlled(), plant(2.0), gates=[tight]).exit_code == 1
    assert run(controlled(), plant(2.0)).exit_code == 0  # the catalogue's margins only inform


@pytest.mark.parametrize(
    ("when", "strict", "code"),
    [
        ("warn", False, 0),
        ("pass", False, 0),
        ("fail", False, 3),
        ("warn", True, 3),
        ("pass", True, 3),
        ("fail", True, 3),
    ],
)
def test_when_unclear_and_strict(when, strict, code):
    made = judge(result(0.5), gate(when_unclear=when))
    assert made.state == "unclear"
    assert exit_code(finished([made]), strict=strict) == code


def finished(made, *, errors=0, audited=1):
    """A run with these gates, so many probes scored and so many crashed."""
    probes = [probe(f"good{i}") for i in range(audited)]
    probes += [probe(f"bad{i}", state="error") for i in range(errors)]
    said = [ErrorRecord(probe=f"bad{i}", type="E", message="x") for i in range(errors)]
    return stored(gates=tuple(made), probes=tuple(probes), errors=tuple(said))


def states(*names, enforced=True):
    return [
        Gate(id=f"g{i}", state=name, enforced=enforced, probe="p", reason="")
        for i, name in enumerate(names)
    ]


@pytest.mark.parametrize(
    ("gates", "errors", "audited", "code"),
    [
        (states("pass"), 0, 1, 0),
        (states("fail"), 0, 1, 1),
        (states("fail"), 2, 1, 1),  # 1 before 3
        (states("pass"), 1, 1, 3),
        (states("error"), 0, 1, 3),
        (states("waived", "skipped"), 0, 1, 0),
        (states("fail", enforced=False), 0, 1, 0),
        (states("unclear", enforced=False), 0, 1, 0),
        ([], 0, 1, 0),
        ([], 0, 0, 5),
        ([], 3, 0, 5),  # 5 before 3: nothing was audited
    ],
)
def test_exit_codes(gates, errors, audited, code):
    assert exit_code(finished(gates, errors=errors, audited=audited)) == code


def test_strict_does_not_touch_margins_that_inform():
    assert exit_code(finished(states("unclear", enforced=False)), strict=True) == 0


def test_states_are_counted_and_complete():
    made = states("pass", "pass", "unclear")
    counts = count_states(made, finished(made, errors=2))
    assert counts == {
        "pass": 2, "fail": 0, "unclear": 1, "error": 2, "waived": 0, "skipped": 0,
    }  # fmt: skip


def test_default_gates_repeat_the_outcome_and_inform():
    found = [result(outcome="fail"), result(role="secondary"), result(role="control")]
    (made,) = default_gates(found)
    assert (made.state, made.enforced, made.limit) == ("fail", False, 0.2)


@pytest.mark.parametrize("limit", [1e-9, 0.2, 1.5, 3.0])
def test_a_condition_is_readable_at_any_limit(limit):
    text = condition(result(), limit)
    assert "the gap between A and B stays within" in text
    assert len(text) < 120
    assert judge(result(), gate(max=limit)).state in ("pass", "unclear")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.042, "0.042"), (0.8, "0.80"), (1.25, "1.25"), (1.0, "1.00"), (3.14, "3.1"),
     (12.3, "12"), (123.4, "123"), (1e9, "more than 100,000"), (1e-9, "less than 1e-05")],
)  # fmt: skip
def test_numbers_have_two_or_three_digits(value, text):
    assert number(value) == text
