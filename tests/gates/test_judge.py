"""What a gate says beside its state: families, advice, reasons, places, exit codes."""

# ruff: noqa: E501 - tables of cases read better in one line each

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from bias_audit.errors import UsageError
from bias_audit.gates.judge import UNVERIFIED, exit_code, judge
from bias_audit.gates.policy import Policy
from bias_audit.results.codes import BLOCKING
from bias_audit.results.decisions import Gate, MissingChange
from bias_audit.results.run_record import ErrorRecord
from tests.analysis.world import controlled, plant
from tests.analysis.world import run as audited
from tests.gates.cases import change, claim, comparison, gate, model, probe, result, rising, run


def gates(*results, configs=None, compared=None, **more):
    policy = Policy(gates=configs or (gate(),))
    return judge(run(*results, **more), policy, compared).gates


@pytest.mark.parametrize(
    ("estimate", "half", "state"),
    [
        (0.0, 0.1, "pass"),
        (0.0, 0.49, "pass"),
        (0.3, 0.23, "pass"),  # the 90 % interval is inside, the 95 % one is not
        (0.3, 0.26, "unclear"),
        (-0.3, 0.1, "pass"),
        (-0.3, 0.26, "unclear"),
        (0.0, 0.7, "unclear"),
        (0.5, 0.01, "unclear"),
        (0.6, 0.2, "unclear"),
        (0.6, 0.13, "unclear"),
        (0.6, 0.11, "fail"),  # one-sided 5 %: the 95 % interval begins at 0.49
        (-0.6, 0.11, "fail"),
        (3.0, 1.0, "fail"),
    ],
)
def test_where_the_interval_lies_decides(estimate, half, state):
    (made,) = gates(result(estimate, half))
    assert made.state == state
    assert (made.limit, made.estimate) == (0.5, estimate)
    assert (made.ci_low, made.ci_high) == (estimate - half, estimate + half)


NOTICES = ["under_powered", "one_target_dominates", "p_withheld", "no_card", "these_words_only"]


@pytest.mark.parametrize("status", [*NOTICES, "fragile", "confounded"])
def test_a_notice_stands_beside_a_state_and_changes_none(status):
    for estimate, state in ((0.0, "pass"), (3.0, "fail"), (0.5, "unclear")):
        (made,) = gates(result(estimate, statuses=(status,)))
        assert made.state == state
        assert made.notices == ((status,) if status in NOTICES else ()), "asked again at the limit"


def test_a_planted_gap_fails_though_one_word_matters():
    """1.51 [0.81, 2.20] against 0.70: without one word the gap is 0.65."""
    planted = result(1.51, 0.695, df=19.0, loo_low=0.65, loo_high=1.7)
    p = stats.t.sf(0.81 / planted.se, 19) + stats.t.sf(2.21 / planted.se, 19)
    assert p == pytest.approx(0.0124, abs=0.001)
    (made,) = gates(planted, configs=(gate(max=0.7),))
    assert (made.state, made.reason_code, made.notices) == ("fail", "outside_limit", ("fragile",))


def test_a_gate_may_ask_for_words_of_this_kind():
    there = result(0.7, 0.1, words_of_this_kind=claim(0.5, estimate=0.7))
    these, kind = gates(
        there, configs=(gate(id="these"), gate(id="kind", claim="words_of_this_kind"))
    )
    assert (these.state, these.claim, these.ci_low) == ("fail", "these_words", 0.6)
    assert (kind.state, kind.claim) == ("unclear", "words_of_this_kind")
    assert kind.ci_low == pytest.approx(0.2)
    with pytest.raises(UsageError, match="'p:log_odds_gap:a-vs-b' does not have") as caught:
        gates(result(0.7), configs=(gate(claim="words_of_this_kind"),))
    assert "these_words" in caught.value.hint


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
    made = gates(*found, configs=(gate(over=over),))
    assert [g.result for g in made] == ids


def test_one_family_of_sizes_and_rises():
    found = [result(e, 0.11, id=f"r{i}", probe=f"p{i}") for i, e in enumerate((0.6, 0.66, 0.1))]
    steps = [0.57, 0.68, 0.2]
    changes = [change(step, 0.06, result=f"r{i}", probe=f"p{i}") for i, step in enumerate(steps)]
    compared = {"main": comparison(*changes)}
    made = gates(*found, configs=(gate(), rising(id="up")), compared=compared)
    p = [sum(stats.t.sf((r.estimate + end) / r.se, r.df) for end in (-0.5, 0.5)) for r in found]
    p += [
        stats.t.sf((c.bounds[0].estimate - 0.5) / c.bounds[0].se, c.bounds[0].df) for c in changes
    ]
    adjusted = multipletests(p, method="holm")[1]
    assert [g.state == "fail" for g in made] == [bool(q <= 0.05) for q in adjusted]
    assert [g.state for g in made] == ["unclear", "fail", "pass", "unclear", "fail", "pass"]
    assert "not after adjusting for 6 gated results" in made[0].reason
    assert "not after adjusting for 6 gated results" in made[3].reason
    alone = gates(found[0])
    assert [g.state for g in alone] == ["fail"]


def test_what_cannot_be_judged_still_counts_in_the_family():
    """A failed control must not make it easier to fail the rest."""
    near = result(0.595, 0.11, id="near", probe="near")
    assert gates(near)[0].state == "fail"
    broken = result(3.0, 0.1, id="broken", probe="broken", statuses=("instrument_failed",))
    assert [g.state for g in gates(near, broken)] == ["unclear", "unclear"]


def test_a_rise_whose_direction_is_uncertain_needs_twice_the_evidence():
    for level, state in ((0.95, "fail"), (0.975, "unclear")):
        compared = {"main": comparison(change(0.61, 0.1, bound_level=level))}
        (made,) = gates(result(1.0), configs=(rising(),), compared=compared)
        assert made.state == state, level
        compared = {"main": comparison(change(0.39, 0.1, bound_level=level))}
        (made,) = gates(result(1.0), configs=(rising(),), compared=compared)
        assert made.state == ("pass" if level == 0.95 else "unclear")


def test_a_gap_that_turned_over_fails_as_a_rise_does():
    turned = change(-2.2, 0.1)
    bounds = tuple(
        bound.model_copy(update={"estimate": 1.4 if bound.claim == "reversed" else -2.2})
        for bound in turned.bounds
    )
    found = turned.model_copy(update={"bounds": bounds, "rise": 1.4})
    (made,) = gates(result(-1.2), configs=(rising(),), compared={"main": comparison(found)})
    assert (made.state, made.reason_code, made.rise) == ("fail", "outside_rise", 1.4)


WORDS_DECIDE = {"templates": 0.0001, "terms": 0.02, "residual": 0.0}
SENTENCES_DECIDE = {"templates": 0.02, "terms": 0.0001, "residual": 0.0}


@pytest.mark.parametrize(
    ("estimate", "more", "needs", "said"),
    [
        (0.3, {"variance": WORDS_DECIDE, "scope": "concept"}, (None, True, None), "more sentences alone would not"),
        (0.3, {"variance": SENTENCES_DECIDE, "scope": "concept"}, (True, None, None), "more group words alone would not"),
        (0.3, {"variance": SENTENCES_DECIDE, "scope": "terms"}, (True, None, None), "sentences (12 now) would decide if the estimate stayed"),
        (0.7, {"variance": WORDS_DECIDE, "scope": "concept"}, (None, True, None), "more sentences alone would not"),
        (0.499, {"variance": WORDS_DECIDE, "scope": "concept"}, (None, None, None), "more sentences or group words alone would not decide"),
        (0.5, {"variance": WORDS_DECIDE, "scope": "concept"}, (None, None, None), "alone would not decide"),
        (0.3, {"variance": WORDS_DECIDE | {"targets": 0.01}, "scope": "concept", "claim": "words_of_this_kind", "n_targets": 40}, (None, True, None), "more sentences or words of the poles alone would not"),
        (0.3, {"variance": {"templates": 0.0001, "targets": 0.02}, "scope": "terms", "claim": "words_of_this_kind", "n_targets": 24}, (None, None, True), "words of the poles (24 now)"),
        (0.3, {}, (None, None, None), "what would decide is not known"),
    ],
)  # fmt: skip
def test_what_would_decide(estimate, more, needs, said):
    se = sum(v for k, v in more.get("variance", {"all": 0.02}).items() if k != "residual") ** 0.5
    stored = result(estimate, df=12.0).model_copy(update={"se": se} | more)
    (made,) = gates(stored)
    assert (made.state, made.reason_code) == ("unclear", "crosses_limit")
    found = (made.templates_needed, made.terms_needed, made.targets_needed)
    assert tuple(None if n is None else n > 12 for n in found) == needs
    assert said in made.reason
    for number in found:
        assert number is None or f"about {number} " in made.reason


def test_what_would_decide_a_rise():
    found = change(0.3, 0.4, variance=WORDS_DECIDE)
    (made,) = gates(
        result(1.0, scope="concept"), configs=(rising(),), compared={"main": comparison(found)}
    )
    assert made.reason_code == "crosses_rise"
    assert made.templates_needed is None
    assert made.terms_needed is not None
    assert f"about {made.terms_needed} group words (12 now) would decide" in made.reason


def test_what_would_decide_a_gap_that_may_have_turned_over():
    """The other claim lies far below its limit; its narrow interval must not be the advice."""
    found = change(0.0, 0.05, variance=WORDS_DECIDE)
    bounds = tuple(
        bound.model_copy(update={"estimate": 0.7 if wide else -2.0, "se": 0.2 if wide else 0.02})
        for bound in found.bounds
        for wide in (bound.claim == "reversed",)
    )
    found = found.model_copy(update={"bounds": bounds, "rise": 0.7})
    single = result(-0.9, scope="concept", variance=WORDS_DECIDE)
    (made,) = gates(single, configs=(rising(),), compared={"main": comparison(found)})
    assert made.reason_code == "crosses_rise"
    assert (made.templates_needed, made.targets_needed) == (None, None)
    assert made.terms_needed is not None
    more = made.terms_needed / 12
    assert stats.t.isf(0.05, 20 * more) * 0.2 / more**0.5 == pytest.approx(0.2, rel=0.05)


def test_only_an_interval_that_crosses_gets_numbers():
    variance = {"variance": WORDS_DECIDE, "scope": "concept"}
    for estimate, more in ((0.0, {}), (1.0, {}), (0.3, {"statuses": ("incomplete",)})):
        (made,) = gates(result(estimate, **(variance | more)))
        assert (made.templates_needed, made.terms_needed, made.targets_needed) == (None, None, None)


@pytest.mark.parametrize(
    ("estimate", "more", "notices"),
    [
        (0.2, {"statuses": ("fragile",), "loo_low": 0.1, "loo_high": 0.3}, ()),
        (0.4, {"loo_low": 0.35, "loo_high": 0.45}, ()),
        (0.4, {"loo_low": 0.35, "loo_high": 0.51}, ("fragile",)),
        (0.65, {"loo_low": 0.49, "loo_high": 0.7}, ("fragile",)),
        (-0.65, {"loo_low": -0.7, "loo_high": -0.49}, ("fragile",)),
        (0.9, {"adjusted_estimate": 0.46}, ("confounded",)),
        (2.0, {"adjusted_estimate": 0.6}, ("confounded",)),  # less than half is left
        (0.9, {"adjusted_estimate": 0.8, "statuses": ("confounded",)}, ()),
        (0.2, {"adjusted_estimate": -0.6}, ("confounded",)),
    ],
)
def test_what_hangs_on_one_unit_or_on_frequency_is_asked_at_the_limit(estimate, more, notices):
    (made,) = gates(result(estimate, **more))
    assert (made.state, made.notices) == ("pass" if abs(estimate) < 0.5 else "fail", notices)


def test_gates_without_a_result():
    there = result(0.0, id="r", probe="p")
    crashed = probe("q", state="error", reason="too long")
    late = probe("z", state="skipped", reason="the time was up")
    control = probe("c", state="error", role="positive_control")
    done = judge(
        run(there, probes=(probe(), crashed, late, control)),
        Policy(gates=(gate(), gate(id="one", probe="q"), gate(id="nobody", probe="x-*"))),
    )
    assert [(g.id, g.state, g.reason_code) for g in done.gates] == [
        ("g:r", "pass", "inside_limit"),
        ("g:q", "error", "probe_error"),
        ("g:z", "unclear", "partial_run"),
        ("one:q", "error", "probe_error"),
        ("nobody", "unclear", "no_result"),
    ]
    assert done.states == {
        "pass": 1, "fail": 0, "unclear": 2, "error": 2, "waived": 0, "skipped": 1,
    }  # fmt: skip
    assert "too long" in done.gates[1].reason
    assert done.exit_code == 3


def test_a_gate_on_a_control_says_so():
    control = probe("kin", role="positive_control")
    done = judge(run(probes=(probe(), control)), Policy(gates=(gate(id="g", probe="kin"),)))
    assert [(g.state, g.reason_code) for g in done.gates] == [("unclear", "no_result")]
    assert "names controls only" in done.gates[0].reason


def test_no_probe_of_a_glob_is_left_out_silently():
    found = (
        result(id="two", probe="two"),
        result(id="rest", probe="three", groups=("a", "~others")),
        result(id="pair", probe="three", role="secondary"),
        result(id="own", probe="own", metric="diagonal_log_odds"),
    )

    def judge_run(**more):
        made = gates(*found, configs=(gate(**more),))
        return {g.id: g.reason_code for g in made}

    lost = {"g:own": "no_result"}
    assert judge_run() == {"g:two": "inside_limit", "g:rest": "inside_limit"} | lost
    assert judge_run(over="groups") == {"g:two": "inside_limit", "g:rest": "inside_limit"} | lost
    assert judge_run(over="pairs") == {"g:two": "inside_limit", "g:pair": "inside_limit"} | lost


def test_a_probe_of_the_configuration_that_the_run_left_out_is_missed_by_a_pattern():
    policy = Policy(gates=(gate(id="all", probe="*"),), probes=("p", "q"))
    done = judge(run(result(0.0), probes=(probe(),)), policy)
    states = {g.id: (g.state, g.reason_code) for g in done.gates}
    assert states.pop("all:q") == ("unclear", "no_result")
    assert [state for state, _ in states.values()] == ["pass"]
    assert done.exit_code == 3


def test_a_crashed_probe_without_a_gate_is_counted_once():
    crashed = probe("q", state="error")
    done = judge(run(result(), probes=(probe(), crashed)), Policy(gates=(gate(probe="p"),)))
    assert (done.states["pass"], done.states["error"]) == (1, 1)


CRASH = (ErrorRecord(probe="q", type="E", message="m"),)


@pytest.mark.parametrize(
    ("results", "more", "strict", "code"),
    [
        ((result(1.0),), {"errors": CRASH}, False, 1),
        ((result(0.0),), {"errors": CRASH}, False, 3),
        ((result(0.0),), {}, False, 0),
        ((result(0.5),), {}, True, 3),
        ((result(1.0),), {}, True, 1),
        ((), {"errors": CRASH, "probes": (probe("q", state="error"),)}, False, 5),
        ((), {"probes": (probe("q", state="skipped"),)}, False, 5),
        ((), {"probes": (probe("q", state="error"), probe("c", role="positive_control"))}, False, 5),
        ((), {"probes": (probe("c", role="positive_control"),)}, False, 3),
        ((), {"probes": ()}, False, 5),
        ((result(0.0),), {"model": model(notices=("revision not pinned",))}, True, 3),
        ((result(0.0),), {"model": model(notices=("revision not pinned",))}, False, 0),
    ],
)  # fmt: skip
def test_the_first_of_5_1_and_3_wins(results, more, strict, code):
    done = judge(run(*results, **more), Policy(gates=(gate(),), strict=strict))
    assert done.exit_code == exit_code(done, strict=strict) == code


@pytest.mark.parametrize(
    ("state", "reason", "more", "code"),
    [
        ("error", "probe_error", {}, 3),
        ("waived", "waived", {}, 0),
        ("skipped", "", {}, 0),
        ("unclear", "crosses_limit", {}, 0),
        ("unclear", "crosses_limit", {"strict": True}, 3),
        ("unclear", "instrument_failed", {}, 3),
        ("unclear", "partial_run", {}, 3),
        ("unclear", "no_result", {}, 3),
        ("unclear", "model_family_changed", {}, 3),
        ("unclear", "silent_control", {}, 3),
    ],
)
def test_states_and_the_exit_code(state, reason, more, code):
    made = Gate(id="g", gate="g", state=state, probe="p", reason="", reason_code=reason)
    assert exit_code(run(gates=(made,), probes=(probe(),)), **more) == code


def test_two_baselines_are_judged_side_by_side():
    configs = (rising(id="drift", against="baseline:release"), rising(id="step"))
    compared = {
        "release": comparison(change(1.0), baseline="release"),
        "main": comparison(change(0.1)),
    }
    done = judge(run(result(1.0)), Policy(gates=configs), compared)
    assert [(g.gate, g.baseline, g.state) for g in done.gates] == [
        ("drift", "release", "fail"),
        ("step", "main", "pass"),
    ]
    assert done.comparison is not None
    assert done.comparison.baseline == "release"


def test_a_missing_partner_says_why():
    lost = MissingChange(
        probe="p", result=result().id, reason_code="probe_version_changed", reason="1 to 2"
    )
    for missing in (lost, lost.model_copy(update={"result": ""})):
        compared = {"main": comparison(missing=(missing,))}
        (made,) = gates(result(1.0), configs=(rising(),), compared=compared)
        assert (made.reason_code, made.reason) == ("probe_version_changed", "1 to 2")


def test_what_the_baseline_was_judged_by_cannot_be_left_out_silently():
    worst = MissingChange(probe="q", result="q:gap", reason_code="no_result", reason="only there")
    others = (
        worst.model_copy(update={"result": "q:side", "role": "secondary"}),
        worst.model_copy(update={"result": "q:control", "role": "control"}),
        worst.model_copy(update={"probe": "other", "result": "other:gap"}),
    )
    compared = {"main": comparison(change(0.1), missing=(worst, *others))}
    good, dropped = gates(result(1.0), configs=(rising(probe="[pq]"),), compared=compared)
    assert (good.state, dropped.id, dropped.state) == ("pass", "g:q:gap", "unclear")
    assert (dropped.reason_code, dropped.probe) == ("no_result", "q")
    assert "left out" in dropped.reason


def test_words_of_a_condition():
    (size,) = gates(result())
    assert size.condition == "the gap between A and B is at most 1.65 times, in either direction"
    (rise,) = gates(result(), configs=(rising(),))
    assert rise.condition == (
        "the gap between A and B is at most 1.65 times that of the baseline 'main'"
    )
    (none,) = gates(configs=(rising(probe="q"),))
    assert none.condition == "log_odds_gap of q is at most 1.65 times that of the baseline 'main'"


@pytest.mark.parametrize(
    ("written", "nats"), [("1.5x", math.log(1.5)), ("2x", math.log(2)), (0.7, 0.7)]
)
def test_a_limit_in_times_is_one_in_nats(written, nats):
    assert gate(max=written).limit == pytest.approx(nats)
    assert rising(max_rise=written).limit == pytest.approx(nats)
    inside, beyond = nats - 0.2, nats + 0.2
    for size, state in ((inside, "pass"), (beyond, "fail")):
        (made,) = gates(result(size), configs=(gate(max=written),))
        assert (made.state, made.limit) == (state, pytest.approx(nats))


def test_a_bare_number_from_1_on_is_read_aloud():
    policy = Policy(gates=(gate(id="size", max=1.5), gate(id="tight", max="1.5x")))
    assert judge(run(result()), policy).notices == (
        "The limit of the gate 'size' is 1.5 nats, which is 4.5 times as likely: write 1.5x if you"
        " meant times.",
    )
    points = Policy(gates=(gate(max=5, measure="completions"), gate(id="small", max=0.9)))
    assert judge(run(result()), points).notices == ()


def test_a_probe_that_the_configuration_asks_for_and_nobody_measured_is_no_pass():
    policy = Policy(gates=(gate(probe="p"),), probes=("p", "q"))
    done = judge(run(result()), policy)
    assert [g.state for g in done.gates] == ["pass"]
    assert [(e.probe, e.type) for e in done.errors] == [("q", "NotMeasured")]
    assert done.exit_code == 3
    again = judge(done, replace(policy, probes=("p",)))
    assert (again.errors, again.exit_code) == ((), 0)


def test_numbers_without_evidence_are_a_notice_and_incomplete_when_strict():
    unknown = Policy(gates=(gate(),), verified=False)
    done = judge(run(result()), unknown)
    assert (done.exit_code, done.notices) == (0, (UNVERIFIED,))
    assert judge(run(result()), replace(unknown, strict=True)).exit_code == 3
    assert judge(done, Policy(gates=(gate(),), strict=True)).exit_code == 0


def test_without_gates_nothing_has_a_state():
    outcomes = ("association", "small", "open", "open", "not_measurable")
    found = [result(id=f"r{i}", outcome=outcome) for i, outcome in enumerate(outcomes)]
    done = judge(run(*found), Policy())
    assert (done.gates, done.exit_code, set(done.states.values())) == ((), 0, {0})
    assert done.outcomes == {"association": 1, "small": 1, "open": 2, "not_measurable": 1}
    assert judge(run(*found), Policy(gates=(gate(),))).outcomes == done.outcomes


@pytest.mark.parametrize("controls", [None, {}])
def test_an_audit_and_its_gates_decide_alike(controls):
    """A gate at the reference margin passes what is small, and fails what is beyond it."""
    more = {} if controls is None else {"controls": controls}
    for effect in (plant(0.0), plant(2.0)):
        stored = audited(controlled(**more), effect).results
        (primary,) = [r for r in stored.results if r.role == "primary"]
        (made,) = judge(stored, Policy(gates=(gate(max=primary.margin),))).gates
        expected = {"small": "pass", "association": "fail", "not_measurable": "unclear"}
        assert made.state == expected[primary.outcome]
        (wide,) = judge(stored, Policy(gates=(gate(max=2.5, why="Agreed in spring."),))).gates
        assert wide.state == ("pass" if controls is None else "unclear")
        assert wide.why == "Agreed in spring."
        interval = (wide.ci90_low, wide.ci90_high)
        assert interval == (primary.ci90_low, primary.ci90_high)


@pytest.mark.parametrize(
    ("statuses", "states"),
    [
        ((), ["pass", "fail"]),
        (("no_controls",), ["unclear", "fail"]),
        (("silent_control",), ["unclear", "fail"]),
        (("loud_control",), ["pass", "unclear"]),
        *(((code,), ["unclear", "unclear"]) for code in BLOCKING),
    ],
)
def test_gates_over_pairs_hold_the_same_standards_as_the_probe(statuses, states):
    pairs = [
        result(gap, id=f"p:{gap}", role="secondary", statuses=statuses, groups=("a", "b"))
        for gap in (0.0, 2.0)
    ]
    judged = gates(*pairs, configs=(gate(over="pairs"),))
    assert [g.state for g in judged] == states


def test_judging_twice_changes_nothing():
    policy = Policy(gates=(gate(), rising()))
    compared = {"main": comparison(change(1.0))}
    once = judge(run(result(1.0)), policy, compared)
    assert judge(once, policy, compared) == once
    assert judge(judge(once, Policy(gates=(gate(id="other"),))), policy, compared) == once


def test_a_gate_that_is_there_twice_asks_once():
    """Copies of a gate must not make Holm let a failure go."""
    near = result(0.62, 0.11)
    assert [g.state for g in gates(near)] == ["fail"]
    copies = tuple(gate(id=f"g{i}") for i in range(50))
    assert {g.state for g in gates(near, configs=copies)} == {"fail"}
    twice = gates(near, configs=(gate(), gate(id="same"), gate(id="wide", max=2.0)))
    assert [g.state for g in twice] == ["fail", "fail", "pass"]


def test_numbers_that_contradict_themselves_pass_nothing():
    for more in ({"se": 0.0}, {"se": -0.1}, {"df": 0.0}, {"df": -1.0}):
        (made,) = gates(result(0.0).model_copy(update=more))
        assert (made.state, made.reason_code) == ("unclear", "no_interval"), more


def test_a_result_without_two_groups_is_said_to_be_damaged():
    with pytest.raises(UsageError, match="does not name two groups"):
        gates(result(0.0, group_labels=("A",)))


def test_an_interval_just_beyond_the_limit_is_not_said_to_cross_it():
    """p for lying beyond has both tails, so that it may miss 5 % where the interval does not."""
    stored = result(0.24, df=5.0).model_copy(update={"se": 0.0935})
    low = 0.24 - stats.t.ppf(0.95, 5.0) * 0.0935
    limit = low - 0.001
    (made,) = gates(stored, configs=(gate(max=limit),))
    p = sum(stats.t.sf((0.24 + s * limit) / 0.0935, 5.0) for s in (-1, 1))
    assert p > 0.05
    assert made.state == "unclear"
    assert f"not shown to lie beyond the limit (p {p:.3f}, 0.05 needed)" in made.reason
